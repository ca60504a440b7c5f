"""SARIF against the schema of SARIF 2.1.0, and against what the standard asks beyond it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.report.canned import EMPTY, REPORT, RULES
from tests.stored import stored_schema
from vglint.cli import cli
from vglint.finding import Problem, Report
from vglint.report import FORMATS
from vglint.report.view import View

VIEWS = {
    "rooted": View(rules=RULES, root="/project"),
    "no root": View(rules=RULES),
    "own rules": View(rules=RULES, own=frozenset(RULES)),
}


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    return stored_schema(lambda start: "(SARIF) Version 2.1.0 JSON Schema" in start)


def validated(text: str, schema: dict[str, object]) -> dict[str, Any]:
    """Returns the one run of a document, which is as the schema says; dates and addresses are looked at too."""
    document = json.loads(text)
    checker = jsonschema.FormatChecker()
    errors = jsonschema.Draft7Validator(schema, format_checker=checker).iter_errors(document)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    (run,) = document["runs"]
    known = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert known[result["ruleIndex"]] == result["ruleId"], "3.27.6: the index is that of the rule"
        for place in [*result["locations"], *result.get("relatedLocations", [])]:
            region = place["physicalLocation"]["region"]
            assert 1 <= region["startLine"] <= region["endLine"], "3.30"
            if region["startLine"] == region["endLine"] and "startColumn" in region:
                assert 1 <= region["startColumn"] <= region["endColumn"]
            base = place["physicalLocation"]["artifactLocation"].get("uriBaseId")
            assert base is None or base in run.get("originalUriBaseIds", {base: None}), "3.14.14"
    for base in run.get("originalUriBaseIds", {}).values():
        assert base["uri"].endswith("/") and base["uri"].startswith("file:///"), "3.14.14: the address of a folder"
    return run


def test_the_schema_can_fail(schema: dict[str, object]) -> None:
    validator = jsonschema.Draft7Validator(schema)
    document = json.loads(FORMATS["sarif"](REPORT, VIEWS["rooted"]))
    assert validator.is_valid(document)
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    assert not validator.is_valid(document)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("report", [REPORT, EMPTY], ids=["findings", "nothing"])
def test_a_report_is_sarif(report: Report, view: View, schema: dict[str, object]) -> None:
    run = validated(FORMATS["sarif"](report, view), schema)
    driver = run["tool"]["driver"]
    assert driver["informationUri"].startswith("https://")
    linked = [rule["id"] for rule in driver["rules"] if "helpUri" in rule]
    assert linked == ([] if view.own else ["VG101"]), "a rule of the user's has no page"


def test_a_run_succeeds_where_everything_was_read(schema: dict[str, object]) -> None:
    for kind, succeeds in (("comment", True), ("unread", False), ("internal", False)):
        report = replace(REPORT, problems=(Problem("a.py", 1, "what is wrong", kind),))  # type: ignore[arg-type]
        (invocation,) = validated(FORMATS["sarif"](report, VIEWS["rooted"]), schema)["invocations"]
        assert invocation["executionSuccessful"] is succeeds


def test_what_vglint_prints_is_sarif(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    stack = "from torch import nn\n\nmodel = nn.Sequential(*[each for _ in range(12) for each in (nn.Linear(64, 64), nn.Sigmoid())])\n"
    (tmp_path / "a b#é.py").write_text(stack, encoding="utf-8")
    cells = [{"cell_type": "code", "source": text, "outputs": []} for text in ("x = 1\n", stack)]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}, indent=1))
    (tmp_path / "broken.py").write_bytes(b"import torch.nn\0")
    result = CliRunner().invoke(
        cli, [".", "--output-format", "sarif", "--no-cache", "--isolated", "--select", "VG101,VG102"]
    )
    run = validated(result.stdout, schema)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["VG101", "VG102"], "the rules that ran"
    assert run["invocations"][0]["executionSuccessful"] is False
    first, second = run["results"]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b%23%C3%A9.py"
    region = second["locations"][0]["physicalLocation"]["region"]
    line = (tmp_path / "book.ipynb").read_text().splitlines()[region["startLine"] - 1]
    assert "nn.Sigmoid" in line, "the region of a notebook is in its file"
