"""Report → text: one function for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from vglint.finding import Report
from vglint.report.concise import concise
from vglint.report.full import full
from vglint.report.github import github
from vglint.report.gitlab import gitlab
from vglint.report.json import json
from vglint.report.json_lines import json_lines
from vglint.report.junit import junit
from vglint.report.markdown import markdown
from vglint.report.rdjson import rdjson
from vglint.report.sarif import sarif
from vglint.report.view import View

Reporter: TypeAlias = Callable[[Report, View], str]

FORMATS: Mapping[str, Reporter] = {
    "full": full,
    "concise": concise,
    "json": json,
    "json-lines": json_lines,
    "sarif": sarif,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
    "rdjson": rdjson,
    "markdown": markdown,
}
"""Every value of `--output-format`."""
