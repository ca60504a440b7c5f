"""What vglint's interpreter knows of Python's values is what Python says: the tables `*/python.md`, row by row.

A row is a snippet. `# →` is what Python prints for its last expression, `# known:` what vglint knows of it, where that is less: `?` is a
value that it does not know. `pytest --update` writes both; a value that is known and wrong is written nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rows import ROW, Row, python, rows, vglint

ROWS = rows()


@pytest.fixture(autouse=True, scope="module")
def updated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    if request.config.getoption("--update"):
        folder = tmp_path_factory.mktemp("rows")
        for file in {row.file for row in ROWS}:
            text = file.read_text(encoding="utf-8")
            for row in ROWS:
                if row.file == file:
                    text = text.replace(row.text, row.written(python(row), vglint(row, folder)))
            file.write_text(text, encoding="utf-8")
        ROWS[:] = rows()


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name for row in ROWS])
def test_what_is_known_is_what_python_says(number: int, tmp_path: Path) -> None:
    row = ROWS[number]
    truth, found = python(row), vglint(row, tmp_path)
    assert agrees(found, truth), f"{found}\nis not\n{truth}"
    assert (row.value, row.known or row.value) == (truth, found)


def agrees(found: str, truth: str) -> bool:
    """Whether what is known is true: each `?` stands for anything."""
    return re.fullmatch(".+".join(map(re.escape, found.split("?"))), truth) is not None


def test_what_is_wrong_does_not_agree() -> None:
    assert agrees("(1, ?)", "(1, [2, 3])")
    assert not agrees("(1, ?)", "(2, 3)")
    assert not agrees("[]", "[1]")


def test_a_row_tells_what_is_unknown_and_what_is_wrong(tmp_path: Path) -> None:
    unknown = Row(Path("python.md"), "", "import zlib\nzlib.crc32(b'a'), 1\n", "", "", "")
    assert vglint(unknown, tmp_path) == "(?, 1)"
    assert python(unknown) == "(3904355907, 1)"


def test_tables_hold_nothing_but_rows() -> None:
    for file in {row.file for row in ROWS}:
        rest = ROW.sub("", file.read_text(encoding="utf-8"))
        assert rest.count("\n## ") == 0 and rest.startswith("# "), file
    assert len({row.name for row in ROWS}) == len(ROWS) >= 150
