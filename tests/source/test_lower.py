"""What libcst's tree is lowered to is what CPython's own parser says, node by node and place by place; and so is what is read without it."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import msgspec
import pytest

from tests.source.from_ast import nodes_by_ast, printed
from vglint.source import code
from vglint.source.module import Module
from vglint.source.native import read
from vglint.source.parse import by_libcst, parsed
from vglint.source.project import Project
from vglint.source.split import split

FOLDERS = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"), "torch", "nn")]
FILES = sorted(
    path
    for folder in FOLDERS
    for path in folder.glob("*.py" if folder.name != "nn" else "**/*.py")
    if 500 < path.stat().st_size < 25_000
)[::4]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_code(path: Path) -> None:
    text = path.read_bytes().decode()
    pieces = [text[piece.start : piece.end] for piece in split(text)]
    assert [source for source in pieces if not isinstance(parsed(source)[0], code.Unread)] == pieces
    for source in pieces:
        made = read(source)
        assert printed(by_libcst(source)) == printed(nodes_by_ast(source))
        assert made is None or repr(made) == repr(by_libcst(source))
    assert sum(read(source) is None for source in pieces) <= len(pieces) // 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_statements_are_split_as_python_sees_them(path: Path) -> None:
    text = path.read_bytes().decode()
    by_line: dict[int, ast.stmt] = {}
    for statement in ast.parse(text).body:
        decorators = getattr(statement, "decorator_list", [])
        by_line.setdefault(decorators[0].lineno if decorators else statement.lineno, statement)
    starts = [text.count("\n", 0, piece.start) + 1 for piece in split(text)]
    ends = [text.count("\n", 0, piece.end - 1) + 1 for piece in split(text)]
    assert starts == list(by_line)
    assert ends == [statement.end_lineno for statement in by_line.values()]


@pytest.mark.parametrize(
    "text",
    [
        "x = ((a, b)), (c)",
        "x = (\n  a  # first )\n  + b\n)",
        "def f(a, /, b: int = 1, *c, d, e=2, **g) -> (x): pass",
        "def f(*, a): pass",
        "lambda *a, b=1, **c: (yield)",
        "x[1, 2:3, ::4, *y, ...]",
        "x[a:b:c][1,]",
        "print(*a, b, *c, d=1, **e, **f)",
        "sum(x for x in y if x if not x)",
        "{**a, 'b': 1, **c}",
        "x = 'a' \"b\" '''c'''",
        "x = b'a' b'b'",
        "x = 10 ** 30 + 1j + 0x_ff",
        "a < b <= c != d is not e not in f",
        "async def f():\n  async for x in y: await z\n  async with a as b, c: return",
        "try:\n  x\nexcept* (A, B) as e:\n  y",
        "with (a as b, c as (d, e)): pass",
        "assert x, 'y'; raise A from b; del a, b.c, d[0]; global g, h",
        "@a.b(1)\n@c\nclass A(B, *d, metaclass=C): x: int; y: str = 'a'",
        "if a: b\nelif c: d\nelse:\n  e",
        "while (n := f()): break\nelse: continue",
        "é = 'é' + ünï(ß)",
        "ｗｉｄｔｈ = 1",
        "x = a if b else c if d else e",
        "x: tuple[*a] = (yield from b)",
        "from ...a.b import (c as d, e,)",
        "import a.b.c as d, e.f",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_syntax(text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    assert printed(by_libcst(text)) == printed(nodes_by_ast(text))
    assert printed(parsed(text)) == printed(nodes_by_ast(text))


@pytest.mark.parametrize(
    "text",
    [
        "x = (a) and (b) and (\n  (c)  # (\n)",
        "x = a or (b and (c)) or d",
        "def f(a=(1), b: (int) = ((2)), /, *, c=(3),): pass",
        "def f(a, b,\n): pass",
        "def f(\n): pass",
        "def f(a, /,): pass",
        "x = lambda: 1\ny = lambda a=(1), *b: (a)",
        "x = [(y) for (y) in (z) if (y) if ((q)) for w in v]",
        "x = {(k): (v) for k, v in (z)}",
        "f((x) for x in y)\nf(((x) for x in y), 1)",
        "try:\n  x\nexcept (A): y\nexcept ((B)) as e: z\nexcept: w",
        "with a: pass\nwith a as b, c.d() as (e, f): pass",
        "del (a, b)\ndel a, b\ndel [a, b]",
        "x = f'a{b}c{d!r:>{w}.2f}' 'e' f\"{f['g']:{'h'}}\" \"i\" 'j'",
        "x = 'a' 'b' f'{c}'",
        "x = f'''{\n a\n + b}{{}} é{ü}'''",
        "x = f'{a != b}{a == b}{(lambda x: x)(1)}{d[\"x:y\"]}{ {1: 2}[1] }'",
        "x = rf'{a}\\d'\ny = f'\\n{b}'",
        "x = f'' f'{a}'",
        "x = [*(a), *b]\nx[(a):(b), ...] = (yield)",
        "class A: pass\nclass B(): pass\nclass C(D, e=(f)): pass",
        "@(a)\n@b.c\nasync  def \\\n f(): pass",
        "x = 1_000 + 0xff + 1e400 + 12345678901234567890123 + 3j",
        "é = 1; f(é=2)",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_both_readers_agree(text: str, newline: str) -> None:
    text = text.replace("\n", newline)
    made = read(text)
    assert repr(parsed(text)) == repr(by_libcst(text))
    assert made is None or repr(made) == repr(by_libcst(text))


NEWER = """\
type Pair[T: int = str] = tuple[T, T]
def first[T, *Ts](x: T, *rest: *Ts) -> T: return x
class Box[T](Base[T]): value = f"{x["a"]!r:>{width}} {{}} {y=}"
t"{name} is {age:d}"
"""


def test_syntax_newer_than_the_python_that_runs() -> None:
    alias, function, box, template = parsed(NEWER)
    assert isinstance(alias, code.TypeAlias_) and alias.name == "Pair"
    assert isinstance(function, code.Function) and function.name == "first"
    assert isinstance(box, code.Class) and isinstance(box.body[0], code.Assign)
    text = box.body[0].value
    assert isinstance(text, code.Text) and len(text.parts) == 4
    field = text.parts[0]
    assert isinstance(field, code.Field) and NEWER[field.value.start : field.value.end] == 'x["a"]'
    assert field.conversion == "r" and field.format is not None and isinstance(field.format.parts[1], code.Field)
    assert isinstance(template, code.Expr) and isinstance(template.value, code.Text) and template.value.template


PATTERNS = {
    "1": "Constant 1",
    "-1.5": "Unary",
    "None": "Constant None",
    "_": "Name _",
    "a": "Name a",
    "a.b": "Attribute b",
    "[a, *_]": "Display list",
    "(a, b)": "Display tuple",
    "((0, 1) as z)": "Walrus z",
    "A(1, b=c) | 'x'": "Binary |",
    "{'a': 1, **rest}": "Mapping",
}


@pytest.mark.parametrize(("pattern", "form"), PATTERNS.items())
def test_patterns(pattern: str, form: str) -> None:
    (made,) = parsed(f"match x:\n  case {pattern} if y: pass\n")
    assert isinstance(made, code.Match)
    found = made.cases[0].pattern
    match found:
        case code.Constant(value=word) | code.Name(id=word) | code.Display(kind=word) | code.Attribute(attr=word):
            assert form == f"{type(found).__name__} {word}"
        case code.Walrus(target=code.Name(id=word)) | code.Binary(operator=word):
            assert form == f"{type(found).__name__} {word}"
        case _:
            assert form == type(found).__name__


def test_nodes_are_kept_and_come_back_the_same() -> None:
    text = "@a\ndef f(x, *y, z=1.5, **k):\n  return {**x, 'b': [i async for i in y]}, f'{x!r:{y}}', b'1', ..., None"
    nodes = parsed(text)
    kept = msgspec.msgpack.encode(nodes)
    assert printed(msgspec.msgpack.decode(kept, type=tuple[code.Statement, ...])) == printed(nodes)


def test_walking_meets_every_node_once() -> None:
    nodes = parsed("class A(B):\n  def f(self, x=1): return [y + z for y in x if y]\n")
    found = [type(each).__name__ for each in code.walk(*nodes)]
    assert found[:4] == ["Class", "Name", "Function", "Parameters"] and found.count("Name") == 6
    assert len({id(each) for each in code.walk(*nodes)}) == len(found)


def test_places_are_those_of_the_file() -> None:
    module = Project(".").add("sample.py", "import a\n\nx = 1; y = g(\n  'é', h())\n")
    assert isinstance(module, Module)
    unit = module.units[1]
    calls = [each for each in code.walk(*unit.body) if isinstance(each, code.Call)]
    spans = [unit.span(each) for each in calls]
    assert [(span.line, span.column, span.end_line, span.end_column) for span in spans] == [
        (3, 12, 4, 12),
        (4, 8, 4, 11),
    ]
    assert [unit.source_of(each) for each in calls] == ["g(\n  'é', h())", "h()"]
