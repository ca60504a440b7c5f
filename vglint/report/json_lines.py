"""One JSON document a line: findings as `--output-format json` has them, then problems, then the summary; `kind` tells which."""

from __future__ import annotations

from json import dumps

from vglint.finding import Report
from vglint.report.json import Json, finding_json, problem_json, summary_json
from vglint.report.view import View


def json_lines(report: Report, view: View) -> str:
    documents: list[dict[str, Json]] = [{"kind": "finding", **finding_json(finding)} for finding in report.findings]
    documents += [{"kind": "problem", **problem_json(problem)} for problem in report.problems]
    documents += [{"kind": "missing", **problem_json(problem)} for problem in report.missing]
    documents.append({"kind": "summary", "version": 1, **summary_json(report)})
    return "".join(dumps(document, allow_nan=False) + "\n" for document in documents)
