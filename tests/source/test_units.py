"""What the top-level statements of a file are, and which names they bind."""

from __future__ import annotations

import libcst as cst
import pytest

from vglint.finding import Problem
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
    "match p:\n  case A(x=[b, *c]) | {'k': d, **e} as f: g = 1\n  case _: pass": "other f,b,c,e,d,g 1-3",
    "class A(B, m=(w := 1)):\n  x = 1\n  def f(self): y = 2\n  # tail\n": "class A,w 1-3",
    "@a(\n 1)\n@(\n  b)\n\nclass A: pass": "class A 1-6",
    "@(\n  b)\nasync def f(x=(w := 1)): y = 2": "function f,w 1-3",
    "def f():\n  global g\n  g = 1": "function f 1-3",
    '"""doc"""': "other  1-1",
    "\\\nx = 1": "other x 2-2",
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
        assert not isinstance(unit.tree, cst.SimpleStatementLine) or unit.tree.body
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


def test_a_grammar_newer_than_ours_is_read_by_libcst(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise SyntaxError("newer than we are")

    monkeypatch.setattr("vglint.source.parse.parse_ast", refuse)
    module = module_of(NEWER)
    printed = [f"{unit.kind} {','.join(unit.names)} {unit.line}-{unit.end_line}" for unit in module.units]
    assert printed == [
        "import t,a 3-3",
        "class A 4-8",
        "other X 10-10",
        "other z,e,q,w 11-14",
        "other x,y,zz,* 15-15",
        "function f 16-16",
    ]
    unit = module.units[1]
    assert isinstance(unit.tree, cst.ClassDef) and unit.ast is None
    found = [unit.span(node) for node in nodes(unit.tree) if isinstance(node, cst.Call)]
    assert [str(span) for span in found] == ["sample.py:7:24"]
    assert unit.span(cst.Name("stray")).line == 4


def nodes(tree: cst.CSTNode) -> list[cst.CSTNode]:
    return [tree, *(node for child in tree.children for node in nodes(child))]


def test_a_definition_is_at_hand_without_libcst() -> None:
    module = module_of("import x\n\nclass A(B):\n  def f(self): pass\nx = 1\n")
    definition = module.units[1].ast
    assert definition is not None and definition.name == "A" and definition.body[0].lineno == 4
    assert "tree" not in vars(module.units[1])
    assert module.units[0].ast is None and module.units[2].ast is None


def test_binding_keeps_order() -> None:
    module = module_of("def f(): pass\nfrom a import *\nif x:\n  f = 1\n")
    assert [unit.line for unit in module.binding("f")] == [1, 3]
    assert [unit.line for unit in module.binding("*")] == [2]
    assert module.binding("g") == ()


def test_forgotten_trees_come_back() -> None:
    module = module_of("\n\nclass A(B):\n  x = g(1)\n")
    (unit,) = module.units
    first = str(unit.span(unit.tree))
    module.forget()
    assert "tree" not in vars(unit) and "statements" not in vars(unit)
    assert str(unit.span(unit.tree)) == first == "sample.py:3:1"
    assert unit.ast is not None and unit.ast.body[0].lineno == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", "is not valid Python: '(' was never closed"),
        ("print 'a'\n", "is not valid Python 3, rather Python 2: Missing parentheses in call to 'print'"),
        ("try: raise A, 'x'\nexcept A, e: print e\n", "is not valid Python"),
        ("x = 0777\n", "is not valid Python 3, rather Python 2: leading zeros"),
        ("raise E, 'x'\n", "is not valid Python"),
        ("def f():\n\tx\n        y\n", "is not valid Python 3, rather Python 2: inconsistent use of tabs"),
        ("(" * 5000, "is not valid Python: too many nested parentheses"),
        ("$ " + "(" * 5000, "is not valid Python"),
        ("$ " + "- " * 50000 + "x", "is not valid Python"),
        ("$\nif x: pass\n" + "elif x: pass\n" * 50000, "is not valid Python"),
        ("x = '\ud800'", "is not valid Python: "),
        ("x = 1\n  y = 2", "is not valid Python: unexpected indent"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_read_is_a_problem(text: str, message: str) -> None:
    content = (
        text.encode("utf-8", "surrogatepass") if "\ud800" not in text else b"# coding: unicode_escape\nx = '\\ud800'"
    )
    problem = Project(".").add("sample.py", content)
    assert isinstance(problem, Problem) and problem.path == "sample.py"
    assert problem.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "x = a" + "[0]" * 2500,
        "def f(x):\n  return (" + "\n + x" * 2500 + ")",
        "x = 1" + " + 1" * 20000,
        "x = a" + ".c" * 20000,
        "x = " + "-" * 50000 + "1",
        "if x: pass\n" + "elif x: pass\n" * 20000,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_too_deep_is_refused_at_once(text: str) -> None:
    """Some versions of Python read it, some do not; libcst must never see it."""
    module = Project(".").add("sample.py", text)
    if isinstance(module, Problem):
        assert module.message.startswith(("is nested too deeply", "is not valid Python: too many"))
        return
    (unit,) = module.units
    assert isinstance(unit.tree, cst.SimpleStatementLine) and not unit.tree.body
    assert unit.span(unit.tree).line == 1


def test_a_long_flat_table_is_not_too_deep() -> None:
    (unit,) = module_of("x = [\n" + "  [1, 2, (3 + 4) * 5],\n" * 2000 + "]").units
    assert isinstance(unit.tree, cst.SimpleStatementLine) and unit.tree.body
