"""Whole models as people write them: what vglint finds is what their `# expect:` marks say, no more and no less."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from models import FIXTURES, MODELS

from vglint.config import Configuration
from vglint.finding import Report
from vglint.lint import lint
from vglint.rulebook import load
from vglint.selftest import marks

FOLDER = FIXTURES / "models"
SITUATIONS = FIXTURES / "situations"
"""Programs that are hard to follow, each with one fault, and their neighbours without it."""
FILES = sorted([*FOLDER.glob("*.py"), *SITUATIONS.glob("*.py")])
NOTEBOOKS = sorted([*FOLDER.glob("*.ipynb"), *SITUATIONS.glob("*.ipynb")])
PROJECTS = sorted(path for path in (FIXTURES / "projects").iterdir() if path.is_dir())

Place = tuple[int | None, int, str]
"""Notebook cell, line, rule."""


def expected(path: Path) -> Counter[Place]:
    if path.suffix == ".py":
        return Counter({(None, *place): count for place, count in marks(path.read_text(encoding="utf-8")).items()})
    found: Counter[Place] = Counter()
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        for line, text in enumerate("".join(cell["source"]).splitlines(), 1):
            if (match := re.search(r"# expect: ([\w, ]+)", text)) is not None:
                found.update((number, line, rule.strip()) for rule in match[1].split(","))
    return found


def linted(*folders: Path) -> Report:
    return lint([str(folder) for folder in folders], Configuration(isolated=True, overrides={"cache": False}).of)


@pytest.fixture(scope="module")
def report() -> Report:
    return linted(FOLDER, SITUATIONS)


@pytest.mark.parametrize("path", [*FILES, *NOTEBOOKS], ids=lambda path: path.name)
def test_findings_are_the_marks(path: Path, report: Report) -> None:
    here = [finding for finding in report.findings if Path(finding.span.file).parts[-2:] == path.parts[-2:]]
    found = Counter((finding.cell, finding.span.line, finding.rule) for finding in here)
    wanted = expected(path)
    surplus = [f"line {f.span.line}: {f.rule} {f.message}" for f in here if (f.cell, f.span.line, f.rule) not in wanted]
    assert found == wanted, "\n".join([*surplus, *(f"missing {place}" for place in (wanted - found).elements())])


def test_every_file_is_read(report: Report) -> None:
    assert not report.problems
    assert report.entries > len(FILES)


def test_models_are_many_half_of_them_clean_and_every_rule_is_shown() -> None:
    places = {path: expected(path) for path in [*FILES, *NOTEBOOKS]}
    assert len(places) >= 36 and len(NOTEBOOKS) >= 3
    assert 2 * sum(not marked for marked in places.values()) >= len(places)
    shown = {rule for marked in places.values() for _, _, rule in marked}
    known = {rule.id for rule in load([]).rules}
    assert shown <= known
    assert {"VG101", "VG102", "VG103", "VG301", "VG401", "VG503", "VG701", "VG801", "VG803", "VG901"} <= shown


def test_most_models_run_in_plain_torch() -> None:
    assert {entry.file for entry in MODELS} <= {f"models/{path.name}" for path in FILES}
    assert len({entry.file for entry in MODELS}) >= 45
    for path in FILES:
        ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_projects(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks of a whole project, under its own configuration, across its files."""
    monkeypatch.chdir(folder)
    report = lint(["."], Configuration(overrides={"cache": False}).of)
    found = Counter((Path(f.span.file).as_posix(), f.span.line, f.rule) for f in report.findings)
    wanted: Counter[tuple[str, int, str]] = Counter()
    for path in folder.rglob("*.py"):
        name = path.relative_to(folder).as_posix()
        wanted.update({(name, *place): n for place, n in marks(path.read_text(encoding="utf-8")).items()})
    assert found == wanted, [f"{f.span} {f.rule} {f.message}" for f in report.findings]
    assert not report.problems, report.problems
