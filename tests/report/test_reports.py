"""One canned report in every format against its golden file, and what each format promises."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from itertools import permutations

import jsonschema
import pytest
from msgspec.structs import replace

import vglint
from tests.report.canned import EMPTY, GAPS, REPORT, RULES
from vglint.finding import Finding, Place, Report
from vglint.report import FORMATS
from vglint.report.view import View, place, relative, visible
from vglint.report.wrap import columns
from vglint.span import Span

VIEW = View(rules=RULES, root="/project")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_prints_the_canned_report(
    name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vglint, "__version__", "1.2.3")
    golden(f"reports/report.{name}.txt", FORMATS[name](REPORT, VIEW))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_terminal(width: int, golden: Callable[[str, str], None]) -> None:
    text = FORMATS["full"](REPORT, replace(VIEW, width=width))
    golden(f"reports/report.full.{width}.txt", text)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_verbose_shows_what_a_finding_rests_on(golden: Callable[[str, str], None]) -> None:
    golden("reports/report.verbose.txt", FORMATS["full"](replace(REPORT, unknowns=GAPS), replace(VIEW, verbose=True)))


def test_the_order_of_marks_is_that_of_their_places() -> None:
    """Marks that begin in one place are told apart by their ends and texts, whatever order they come in."""
    related = tuple(Place(Span("a.py", 1, 1, 1, end), text) for end, text in ((4, "c"), (2, "a"), (3, "b"), (5, "d")))
    finding = replace(REPORT.findings[0], span=Span("a.py", 1, 1, 1, 2), related=related)
    texts = {
        FORMATS["full"](Report((replace(finding, related=tuple(places)),), (), 1, 1, 0, texts={"a.py": "abc\n"}), VIEW)
        for places in permutations(related)
    }
    assert len(texts) == 1


def test_colours(golden: Callable[[str, str], None]) -> None:
    golden("reports/report.colours.txt", FORMATS["full"](REPORT, replace(VIEW, color=True)))


def test_statistics(golden: Callable[[str, str], None]) -> None:
    golden("reports/report.statistics.txt", FORMATS["concise"](REPORT, replace(VIEW, statistics=True)))


def test_nothing_found() -> None:
    assert FORMATS["full"](EMPTY, VIEW) == "no problems in 1 file; 1 model read\n"


@pytest.mark.parametrize("name", ["full", "concise", "github"])
def test_last_line_counts(name: str) -> None:
    last = FORMATS[name](REPORT, VIEW).splitlines()[-1]
    assert last == (
        "3 problems (1 error, 1 warning, 1 info) in 12 files; "
        "24 models and 6 training loops read, 2 only in part: --verbose says why; "
        "2 files could not be read; 1 useless comment"
    )


def test_json_has_the_promised_keys() -> None:
    document = json.loads(FORMATS["json"](REPORT, VIEW))
    assert set(document) == {"version", "findings", "problems", "missing", "summary"}
    assert document["version"] == 1
    first = document["findings"][0]
    assert set(first) == {
        *("rule", "name", "severity", "confidence", "path", "line", "column", "end_line", "end_column", "cell"),
        *(
            "message",
            "detail",
            "advice",
            "effect",
            "entry",
            "evidence",
            "related",
            "fix",
            "probe",
            "world",
            "fingerprint",
        ),
    }
    assert set(first["related"][0]) == {"line", "column", "path", "message"}
    assert set(first["fix"]) == {"title", "safety", "edits"}
    assert first["evidence"]["edge"] is None, "JSON knows no infinity"
    assert document["summary"] == {"files": 12, "entries": 30, "training": 6, "partial": 2, "gaps": 4, "known": 0}


def test_terminal_text_holds_no_control_characters() -> None:
    hostile = replace(REPORT.findings[1], message="\x1b]0;title\x07 and \u202e", entry="\x9b31m")
    for name in ("full", "concise"):
        text = FORMATS[name](replace(REPORT, findings=(hostile,)), VIEW)
        assert not [letter for letter in text if letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf")]


@pytest.mark.parametrize(
    ("line", "start", "end", "under"),
    [
        ("\tx = f(y)", 2, 3, "    ^"),
        ("损失 = f(y)", 6, 10, "       ^^^^"),
        ("x = 1", 40, 50, "     ^"),
        ("x = 1", 5, 5, "    ^"),
    ],
)
def test_marks_stand_under_what_they_mark(line: str, start: int, end: int, under: str) -> None:
    finding = replace(REPORT.findings[1], span=Span("a.py", 1, start, 1, end))
    report = Report((finding,), (), 1, 1, 0, texts={"a.py": line + "\n"})
    printed = FORMATS["full"](report, VIEW).splitlines()
    assert printed[3] == f"  | {under}"


def test_long_lines_are_cut_around_the_mark() -> None:
    finding = replace(REPORT.findings[1], span=Span("a.py", 1, 3001, 1, 3007))
    report = Report((finding,), (), 1, 1, 0, texts={"a.py": "a" * 3000 + "MARKED" + "b" * 3000 + "\n"})
    printed = FORMATS["full"](report, VIEW).splitlines()
    assert max(len(line) for line in printed[2:4]) < 140
    at = printed[3].index("^")
    assert printed[2][at : at + 6] == "MARKED"
    assert printed[3].strip("| ") == "^^^^^^"


def test_a_place_beyond_the_text_gives_no_frame() -> None:
    finding = replace(REPORT.findings[1], span=Span("a.py", 90, 1, 90, 2))
    assert "a.py:90:1" in FORMATS["full"](Report((finding,), (), 1, 1, 0, texts={"a.py": "x\n"}), VIEW)


def test_github_escapes() -> None:
    finding = replace(REPORT.findings[1], span=Span("a,b:c.py", 2, 3, 2, 4), message="50% of\nit")
    line = FORMATS["github"](Report((finding,), (), 1, 1, 0), VIEW).splitlines()[0]
    assert line == (
        "::warning file=a%2Cb%3Ac.py,line=2,endLine=2,col=3,endColumn=4,"
        "title=VG701 softmax-before-cross-entropy::50%25 of%0Ait"
    )


def test_relative_addresses() -> None:
    assert relative("/project/a/b.py", "/project") == "a/b.py"
    assert relative("/other/b.py", "/project") == "/other/b.py"
    assert relative("./a/b.py", "/project") == "a/b.py"
    assert relative("../b.py", "/project") == "../b.py"


def test_places() -> None:
    assert place("a.py", None, 3, 4) == "a.py:3:4"
    assert place("a.ipynb", 2, 3, 4) == "a.ipynb:cell 2:3:4"
    assert visible("a\x00\tb\udcff") == "a\u2400 b\ufffd"


def _sarif(*findings: Finding) -> dict[str, object]:
    report = replace(REPORT, findings=findings) if findings else REPORT
    document: dict[str, object] = json.loads(FORMATS["sarif"](report, VIEW))
    return document


def test_sarif_is_valid(sarif_schema: dict[str, object]) -> None:
    jsonschema.Draft7Validator(sarif_schema).validate(_sarif())


def test_sarif_schema_refuses_what_is_wrong(sarif_schema: dict[str, object]) -> None:
    document = _sarif()
    document["runs"][0]["results"][0]["level"] = "fatal"  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(sarif_schema).validate(document)


def test_sarif_addresses_and_rules() -> None:
    run = _sarif()["runs"][0]  # type: ignore[index]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["partialFingerprints"]["vglint/v1"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/") and " " not in uri
    assert rules[0]["help"]["markdown"].startswith("# VG101 saturating-stack")
    outside = _sarif(replace(REPORT.findings[0], span=Span("/other/ü.py", 1, 1, 1, 2)))["runs"][0]  # type: ignore[index]
    artifact = outside["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "file:///other/%C3%BC.py"}
