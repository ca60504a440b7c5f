"""What a statement's text tells is what its nodes tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.source import code
from vglint.source.module import Module
from vglint.source.names import acted_on, bound_names
from vglint.source.plain import plain_names
from vglint.source.project import Project

FILES = sorted((Path(__file__).parents[2] / "fixtures").rglob("*.py"))
STATEMENTS = (
    "from a import (b, # c, d\n    e as f,\n)",
    "from . import a",
    "from.import a",
    "from .a import(b)",
    "from a import b, \\\n  c",
    "import a.b as c, d.e",
    "x = f'{(y := 1)}'",
    "x = [y for y in z]",
    "x = y = 1",
    "x: dict[str, int] = {'a=b': 1}",
    "x: int",
    "x == y",
    "x += 1",
    "x = 'it''s' '=' # = 1",
    "x[0] = 1",
    "x.y = 1",
    "x = lambda y=1: y",
    "'doc' \"doc\"",
    "x.y(1)[2](z=3)",
    "print(x) if y else z",
    "del (x)",
    "match(x)",
    "type X = int",
    "x = '\\''",
    "x = r'\\'",
)


def agrees(module: Module) -> bool:
    for unit in module.units:
        plain = plain_names(unit.source) if not unit.name else None
        unread = any(isinstance(statement, code.Unread) for statement in unit.body)
        assert unread or plain in (None, bound_names(unit.body)), unit.source
        assert unread or unit.may_act or not acted_on(unit.body), unit.source
    return bool(module.units)


@pytest.mark.parametrize("text", STATEMENTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_plain_statements(text: str, newline: str) -> None:
    module = Project(".").add("sample.py", text.replace("\n", newline))
    assert isinstance(module, Module)
    agrees(module)


def test_plain_is_most() -> None:
    texts = ("x = 'a'", "import a.b", "from a import (b,\n c)", "'doc'", "f(x)", "x: int = 1")
    assert [plain_names(text) for text in texts] == [("x",), ("a",), ("b", "c"), (), (), ("x",)]


@pytest.mark.parametrize("path", FILES[::7], ids=lambda path: path.name)
def test_fixtures(path: Path) -> None:
    module = Project(path.parent).module(path)
    if isinstance(module, Module):
        agrees(module)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@a\n@b.c\ndef f(): pass", {"b"}),
        ("@a # x\n\n# y\nclass C: pass", set()),
        ("@a(1)\nasync def f(): pass", {"a"}),
        ("a.b(1)", {"a"}),
        ("a[0] = 1", {"a"}),
    ],
)
def test_acts_on(text: str, names: set[str]) -> None:
    module = Project(".").add("sample.py", text)
    assert isinstance(module, Module)
    assert {name for name in "abc" if module.acting_on(name)} == names
