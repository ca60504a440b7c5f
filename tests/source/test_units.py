"""What the top-level statements of a file are, and which names they bind."""

from __future__ import annotations

import pytest

from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project


def module_of(text: str) -> Module:
    module = Project(".").add("sample.py", text)
    assert isinstance(module, Module), module
    return module


CASES = {
    "import a.b, c.d as e": "import a,e 1-1",
    "from a.b import c as d, e": "import d,e 1-1",
    "from .x import *": "import * 1-1",
    "import a; x = 1; y = [\n 2]": "other a,x,y 1-2",
    "x = y = 1": "other x,y 1-1",
    "(a, [b, *c]), d.e, f[0] = g": "other a,b,c 1-1",
    "x: int": "other x 1-1",
    "x: int = 1": "other x 1-1",
    "x += 1": "other x 1-1",
    "for i, (j, k) in x:\n  y = 1\nelse:\n  z = 2": "other i,j,k,y,z 1-4",
    "while (n := f()):\n  m = n": "other n,m 1-2",
    "with a as b, c as (d, e): f = 1": "other b,d,e,f 1-1",
    "try:\n  import a\nexcept E as e:\n  a = None\nfinally:\n  z = 1": "other a,e,z 1-6",
    "if x:\n  class A: b = 1\nelse:\n  def g(c): d = 1": "other A,g 1-4",
    "x = [(i, w := i) for i in y if (v := i)]": "other x,w,v 1-1",
    "x = lambda a: (b := a)": "other x 1-1",
    "print((a := 1), f'{(b := 2)}')": "other a,b 1-1",
    "match p:\n  case A(x=[b, *c]) | {'k': d, **e} as f: g = 1\n  case _: pass": "other b,c,d,e,f,g 1-3",
    "class A(B, m=(w := 1)):\n  x = 1\n  def f(self): y = 2\n  # tail\n": "class A 1-3",
    "@a(\n 1)\n@(\n  b)\n\nclass A: pass": "class A 1-6",
    "@(\n  b)\nasync def f(x=(w := 1)): y = 2": "function f 1-3",
    "def f():\n  global g\n  g = 1": "function f 1-3",
    '"""doc"""': "other  1-1",
    "\\\nx = 1": "other x 1-2",
    "x = '''\n\\\n''' ; \\\n y = 2\n": "other x,y 1-4",
    "é = 'é' ; # ; x\ny = 1;\nz = 2;w = ';'": "other é 1-1; other y 2-2; other z,w 3-3",
    "def f(): x; y\nz": "function f 1-1; other  2-2",
    "del x": "other  1-1",
    "# only a comment\n": "",
    "": "",
    "\n\n\n": "",
}


@pytest.mark.parametrize(("text", "form"), CASES.items())
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_units(text: str, form: str, newline: str) -> None:
    module = module_of(text.replace("\n", newline))
    printed = "; ".join(f"{unit.kind} {','.join(unit.names)} {unit.line}-{unit.end_line}" for unit in module.units)
    assert printed == form
    for unit in module.units:
        assert unit.body and not isinstance(unit.body[0], code.Unread)
        assert unit.line == 1 + module.text[: unit.start].replace("\r\n", "\n").replace("\r", "\n").count("\n")


NEWER = """# first

import torch as t, a.b
@dec
class A[T](B):
\tdef f(self):
\t\treturn f"{x["ä"]}" + g(1)
\t# tail

type X = int
try:
    import z
except E as e:
    q = (w := 3)
x, (y, *zz) = 1, [2]; from u import *
def f[T](): pass
"""


def test_syntax_newer_than_the_python_that_runs() -> None:
    module = module_of(NEWER)
    printed = [f"{unit.kind} {','.join(unit.names)} {unit.line}-{unit.end_line}" for unit in module.units]
    assert printed == [
        "import t,a 3-3",
        "class A 4-7",
        "other X 10-10",
        "other z,e,q,w 11-14",
        "other x,y,zz,* 15-15",
        "function f 16-16",
    ]
    unit = module.units[1]
    assert isinstance(unit.definition, code.Class)
    found = [unit.span(node) for node in code.walk(unit.definition) if isinstance(node, code.Call)]
    assert [str(span) for span in found] == ["sample.py:7:24"]


def test_names_of_plain_imports_and_definitions_need_no_parse() -> None:
    module = module_of("import x.y\nfrom a import b, c # d\nclass A(B):\n  def f(self): pass\nimport m as n\n")
    assert [unit.names for unit in module.units] == [("x",), ("b", "c"), ("A",), ("n",)]
    assert not any("body" in vars(unit) for unit in module.units)


def test_binding_keeps_order() -> None:
    module = module_of("def f(): pass\nfrom a import *\nif x:\n  f = 1\n")
    assert [unit.line for unit in module.binding("f")] == [1, 3]
    assert [unit.line for unit in module.binding("*")] == [2]
    assert module.binding("g") == ()


def test_forgotten_nodes_come_back() -> None:
    module = module_of("\n\nclass A(B):\n  x = g(1)\n")
    (unit,) = module.units
    first = str(unit.span(unit.head))
    module.forget()
    assert "body" not in vars(unit)
    assert str(unit.span(unit.head)) == first == "sample.py:3:1"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("x = (", 1, "is not valid Python: "),
        ("x = 1\nprint 'a'\n", 2, "is not valid Python 3, rather Python 2"),
        ("try: raise A, 'x'\nexcept A, e: print e\n", 1, "is not valid Python"),
        ("x = 0777\n", 1, "is not valid Python 3, rather Python 2"),
        ("raise E, 'x'\n", 1, "is not valid Python"),
        ("def f():\n\tx\n        y\n", 3, "is not valid Python"),
        ("(" * 5000, 1, "is nested too deeply to be read"),
        ("$ " + "(" * 5000, 1, "is nested too deeply to be read"),
        ("$ " + "- " * 50000 + "x", 1, "is nested too deeply to be read"),
        ("$\nif x: pass\n" + "elif x: pass\n" * 50000, 1, "is not valid Python"),
        ("x = '\ud800'", 1, "is not valid Python: "),
        ("x = 1\n  y = 2", 2, "is not valid Python: "),
        ("x = 1\ndef f(:\n  1\ny = 2\n", 2, "is not valid Python: "),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_read_is_a_problem_of_its_statement(text: str, line: int, message: str) -> None:
    content = (
        text.encode("utf-8", "surrogatepass") if "\ud800" not in text else b"# coding: unicode_escape\nx = '\\ud800'"
    )
    module = Project(".").add("sample.py", content)
    assert isinstance(module, Module)
    problem = module.unread[0]
    assert problem.path == "sample.py" and problem.message.startswith(message)
    assert problem.line == (line if "\ud800" not in text else 2)


def test_a_broken_statement_costs_no_other() -> None:
    module = module_of("x = 1\ny = g(1,\ndef f(a):\n  return a\nclass A(B): pass\n" + "z = )\n" * 9)
    assert [unit.name for unit in module.units][2:4] == ["f", "A"]
    assert isinstance(module.units[2].definition, code.Function)
    assert [problem.line for problem in module.unread] == [2, 6, 7, None]
    assert module.unread[-1].message == "7 more statements could not be read"


@pytest.mark.parametrize(
    "text",
    [
        "x = a" + "[0]" * 2500,
        "def f(x):\n  return (" + "\n + x" * 2500 + ")",
        "x = 1" + " + 1" * 20000,
        "x = a" + ".c" * 20000,
        "x = f" + "()" * 20000,
        "x = (f" + "\n()" * 20000 + ")",
        "x = f" + "('a')" * 5000,
        "x = " + "-" * 50000 + "1",
        "if x: pass\n" + "elif x: pass\n" * 20000,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_too_deep_is_refused_at_once(text: str) -> None:
    """libcst's time grows with the square of the nesting: it must never see it."""
    module = module_of(text)
    (unit,) = module.units
    assert isinstance(unit.head, code.Unread) and unit.head.message == "is nested too deeply to be read"
    assert unit.span(unit.head).line == 1


def test_a_long_flat_table_is_not_too_deep() -> None:
    (unit,) = module_of("x = [\n" + "  [1, 2, (3 + 4) * 5],\n" * 2000 + "]").units
    assert isinstance(unit.head, code.Assign)
