"""Formats that other programs read, read by such a program or checked against what its documentation asks for."""

from __future__ import annotations

import json

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml
from markdown_it import MarkdownIt
from msgspec.structs import replace

from tests.report.canned import EMPTY, REPORT, RULES
from vglint.finding import Edit, Fix, Report
from vglint.report import FORMATS
from vglint.report.schema import json_schema
from vglint.report.view import View
from vglint.source.notebook_lines import lines_in_file
from vglint.span import Span

VIEW = View(rules=RULES, root="/project")

GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 8},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {
                            "begin": {"type": "integer", "minimum": 1},
                            "end": {"type": "integer", "minimum": 1},
                        },
                    },
                },
            },
        },
    },
}
"""What GitLab's documentation of code quality reports asks of an issue."""

_POSITION = {
    "type": "object",
    "required": ["line"],
    "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
_RANGE = {
    "type": "object",
    "required": ["start"],
    "properties": {"start": _POSITION, "end": _POSITION},
    "additionalProperties": False,
}
_PLACE = {
    "type": "object",
    "required": ["path"],
    "properties": {"path": {"type": "string"}, "range": _RANGE},
    "additionalProperties": False,
}
RDJSON = {
    "type": "object",
    "required": ["diagnostics"],
    "additionalProperties": False,
    "properties": {
        "source": {"type": "object", "properties": {"name": {"type": "string"}, "url": {"type": "string"}}},
        "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
        "diagnostics": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message", "location"],
                "additionalProperties": False,
                "properties": {
                    "message": {"type": "string"},
                    "location": _PLACE,
                    "severity": {"enum": ["ERROR", "WARNING", "INFO"]},
                    "code": {"type": "object", "required": ["value"]},
                    "suggestions": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["range", "text"],
                            "properties": {"range": _RANGE, "text": {"type": "string"}},
                        },
                    },
                    "related_locations": {
                        "type": "array",
                        "items": {"type": "object", "required": ["location"], "properties": {"location": _PLACE}},
                    },
                },
            },
        },
    },
}
"""The messages of reviewdog's diagnostic format that vglint writes."""


@pytest.mark.parametrize("report", [REPORT, EMPTY], ids=["findings", "nothing"])
@pytest.mark.parametrize(("name", "schema"), [("gitlab", GITLAB), ("rdjson", RDJSON), ("json", json_schema())])
def test_json_formats_are_what_their_readers_ask_for(name: str, schema: dict[str, object], report: Report) -> None:
    jsonschema.validate(json.loads(FORMATS[name](report, VIEW)), schema)


def test_gitlab_keeps_issues_apart() -> None:
    issues = json.loads(FORMATS["gitlab"](REPORT, VIEW))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 6
    assert [issue["severity"] for issue in issues] == ["critical", "major", "info", "critical", "critical", "minor"]


def test_rdjson_counts_bytes() -> None:
    text = "损失 = nn.Softmax()\n"
    finding = replace(
        REPORT.findings[0],
        span=Span("a.py", 1, 6, 1, 18),
        related=(),
        fix=Fix("drop it", "unsafe", (Edit("a.py", 5, 17, "x"),)),
    )
    report = Report((finding,), (), 1, 1, 0, texts={"a.py": text})
    (diagnostic,) = json.loads(FORMATS["rdjson"](report, VIEW))["diagnostics"]
    wanted = {"start": {"line": 1, "column": 10}, "end": {"line": 1, "column": 22}}
    assert diagnostic["location"]["range"] == wanted
    assert diagnostic["suggestions"] == [{"range": wanted, "text": "x"}]
    assert text.encode()[9:21].decode() == "nn.Softmax()"


def test_junit_is_read_as_tests() -> None:
    (suite,) = JUnitXml.fromstring(FORMATS["junit"](REPORT, VIEW).encode())
    assert (suite.tests, suite.failures, suite.errors) == (6, 3, 3)
    cases = list(suite)
    assert [type(case.result[0]) for case in cases] == [Failure] * 3 + [Error] * 3
    assert cases[0].classname == "models/deep.py" and cases[0].result[0].type == "VG101"
    assert len({case.name for case in cases}) == 6
    (suite,) = JUnitXml.fromstring(FORMATS["junit"](EMPTY, VIEW).encode())
    assert (suite.tests, suite.failures, suite.errors) == (1, 0, 0)


def test_junit_holds_what_xml_cannot() -> None:
    hostile = replace(REPORT.findings[0], message='a <b> & "c" \x1b\x00\ud800 ]]>')
    (suite,) = JUnitXml.fromstring(FORMATS["junit"](replace(REPORT, findings=(hostile,), problems=()), VIEW).encode())
    assert 'a <b> & "c"' in next(iter(suite)).result[0].message


def test_markdown_is_a_table_with_a_row_for_each_finding() -> None:
    hostile = replace(REPORT.findings[0], message="a | b <img src=x> `c` *d* [e](f)", span=Span("a|`b.py", 1, 1, 1, 2))
    report = replace(REPORT, findings=(*REPORT.findings, hostile))
    html = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify").render(FORMATS["markdown"](report, VIEW))
    rows = html.partition("<tbody>")[2].split("<tr>")[1:]
    assert len(rows) == 4 and all(row.count("<td") == 4 for row in rows)
    assert "a | b &lt;img src=x&gt; `c` *d* [e](f)" in rows[3] and "<code>a|`b.py:1:1</code>" in rows[3]
    assert html.count("<li>") == 3


def test_json_lines() -> None:
    lines = [json.loads(line) for line in FORMATS["json-lines"](REPORT, VIEW).splitlines()]
    assert [line["kind"] for line in lines] == [*["finding"] * 3, *["problem"] * 3, "missing", "summary"]
    whole = json.loads(FORMATS["json"](REPORT, VIEW))
    assert [{k: v for k, v in line.items() if k != "kind"} for line in lines[:3]] == whole["findings"]
    assert lines[-1]["files"] == 12


def test_sarif_says_what_happened() -> None:
    run = json.loads(FORMATS["sarif"](REPORT, VIEW))["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == "file:///project/"
    assert run["tool"]["driver"]["informationUri"].startswith("https://")
    assert run["tool"]["driver"]["rules"][0]["helpUri"].endswith("/VG101.md")
    comments = tuple(problem for problem in REPORT.problems if problem.kind == "comment")
    quiet = json.loads(FORMATS["sarif"](replace(REPORT, problems=comments), VIEW))["runs"][0]
    assert quiet["invocations"][0]["executionSuccessful"] is True
    assert quiet["invocations"][0]["toolExecutionNotifications"][0]["level"] == "warning"


def test_places_in_notebooks_are_lines_of_the_file() -> None:
    result = json.loads(FORMATS["sarif"](REPORT, VIEW))["runs"][0]["results"][2]
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 41, "endLine": 44}
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "cell 3, line 1"
    assert "line=41,endLine=44" in FORMATS["github"](REPORT, VIEW).splitlines()[2]


@pytest.mark.parametrize("indent", [1, 4, None])
@pytest.mark.parametrize("as_string", [False, True])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_of_cells_in_the_file(indent: int | None, as_string: bool, ascii_only: bool) -> None:
    sources = [["x = 1\n", "\n", "y = 'é'"], ["x = 1\n", "z = 2"], []]
    cells = [
        {"cell_type": "code", "source": "".join(source) if as_string else source, "outputs": ["x = 1\n"]}
        for source in sources
    ]
    cells.insert(1, {"cell_type": "markdown", "source": ["x = 1\n", "\n"]})
    text = json.dumps({"cells": cells, "nbformat": 4}, indent=indent, ensure_ascii=ascii_only)
    lines = text.splitlines()
    found = lines_in_file(text.encode())
    assert [len(numbers) for numbers in found] == [3, 2, 1 if as_string else 0]
    for source, numbers in zip(sources, found, strict=True):
        for line, number in zip(source, numbers, strict=False):
            assert json.dumps(line, ensure_ascii=ascii_only).strip('"') in lines[number - 1]
