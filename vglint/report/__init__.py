"""Report → text: one function for each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from vglint.finding import Report
from vglint.report.concise import concise
from vglint.report.full import full
from vglint.report.github import github
from vglint.report.json import json
from vglint.report.sarif import sarif
from vglint.report.view import View

Reporter: TypeAlias = Callable[[Report, View], str]

FORMATS: Mapping[str, Reporter] = {
    "full": full,
    "concise": concise,
    "json": json,
    "sarif": sarif,
    "github": github,
}
"""Every value of `--output-format`."""
