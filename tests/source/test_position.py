"""Every place that pairing finds is the one that libcst's own, slow position provider computes."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from libcst.metadata import CodePosition, CodeRange, MetadataWrapper, PositionProvider

from vglint.source.module import Module
from vglint.source.project import Project

EXACT = (
    cst.Call,
    cst.Attribute,
    cst.Name,
    cst.BinaryOperation,
    cst.BooleanOperation,
    cst.UnaryOperation,
    cst.Comparison,
    cst.Subscript,
    cst.Lambda,
    cst.IfExp,
    cst.Tuple,
    cst.List,
    cst.Dict,
    cst.ListComp,
    cst.DictComp,
    cst.SetComp,
    cst.NamedExpr,
    cst.SimpleString,
    cst.FormattedString,
    cst.Integer,
    cst.Float,
    cst.Return,
    cst.Assign,
    cst.AugAssign,
    cst.AnnAssign,
    cst.Raise,
)
HEADERS = (cst.FunctionDef, cst.ClassDef, cst.For, cst.While, cst.If, cst.With)
"""Compound statements: the line they start on is compared, since a span is only their header."""

FOLDERS = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"), "torch", "nn")]
FILES = sorted(
    path
    for folder in FOLDERS
    for path in folder.glob("*.py" if folder.name != "nn" else "**/*.py")
    if 500 < path.stat().st_size < 25_000
)


def module_of(text: str) -> Module:
    module = Project(".").add("sample.py", text)
    assert isinstance(module, Module), module
    return module


def expressions(tree: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yields the nodes that have a place of their own: not names of keywords, attributes, imports or patterns."""
    match tree:
        case cst.FormattedString() | cst.ConcatenatedString() | cst.Import() | cst.ImportFrom() | cst.MatchCase():
            yield tree
            return
        case cst.Global() | cst.Nonlocal():
            return
    yield tree
    skipped = {
        id(getattr(tree, field, None)) for field in ("attr", "keyword", "name") if not isinstance(tree, cst.AsName)
    }
    for child in tree.children:
        if id(child) not in skipped or isinstance(tree, cst.AsName):
            yield from expressions(child)


def check(module: Module) -> int:
    """Compares every node of a module with libcst's position; returns how many were compared."""
    compared = 0
    for unit in module.units:
        wrapper = MetadataWrapper(cst.parse_module(unit.source).with_changes(body=[unit.tree]), unsafe_skip_copy=True)
        ranges = wrapper.resolve(PositionProvider)
        above = unit.line - 1
        for node in expressions(unit.tree):
            start, end = outline(node, ranges)
            if isinstance(node, HEADERS):
                span = unit.span(node)
                assert span.line == start.line + above, f"{type(node).__name__} at {span}"
                compared += 1
            elif isinstance(node, EXACT) and not is_merged(node):
                span = unit.span(node)
                expected = (start.line + above, start.column + 1, end.line + above, end.column + 1)
                assert (span.line, span.column, span.end_line, span.end_column) == expected, type(node).__name__
                compared += 1
    return compared


def outline(node: cst.CSTNode, ranges: Mapping[cst.CSTNode, CodeRange]) -> tuple[CodePosition, CodePosition]:
    """Returns where `ast` would see a node start and end: it counts the parentheses of a tuple in."""
    if isinstance(node, cst.Tuple) and node.lpar:
        return ranges[node.lpar[-1]].start, ranges[node.rpar[0]].end
    return ranges[node].start, ranges[node].end


def is_merged(node: cst.CSTNode) -> bool:
    """Whether `ast` may have no node of its own for it: a chained `and`, the list of `del a, b`."""
    return isinstance(node, (cst.BooleanOperation, cst.Tuple)) and not node.lpar


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("x = f(a, *b, c=1)", cst.Arg, "1:7-1:8"),  # its value
        ("x = a and b and c\n", cst.BooleanOperation, "1:5-1:18"),
        ("class A:\n    def f(self): pass", cst.ClassDef, "1:1-1:8"),  # headers up to the name
        ("class A:\n    def f(self): pass", cst.FunctionDef, "2:5-2:10"),
        ("@d\nasync  def   f(): pass", cst.FunctionDef, "2:1-2:15"),
        ("for i in range(3):\n  f()", cst.For, "1:1-1:18"),
        ("if x > (\n 1\n): y", cst.If, "1:1-3:2"),
        ("with a as b, c: d", cst.With, "1:1-1:15"),
        ("x[1, 2:3]", cst.SubscriptElement, "1:3-1:4"),
        ("x[1, 2:3]", cst.Slice, "1:6-1:9"),
        ("x = f'{a(1)}'", cst.Call, "1:5-1:14"),  # the f-string around it
        ("match a:\n  case B(c): d", cst.MatchClass, "1:1-1:8"),
        ("y = 'é', g()", cst.Call, "1:10-1:13"),
        ("\n\nx = 1; y = g(\n  )", cst.Call, "3:12-4:4"),
        ("x: A[int] = 1", cst.Annotation, "1:4-1:10"),
        ("def f(*, größe: int = 2): pass", cst.Param, "1:10-1:20"),
        ("def f():\n  g()\n", cst.IndentedBlock, "2:3-2:6"),
        ("def f():\n  g()\n", cst.Newline, "1:1-1:6"),
    ],
)
def test_places(text: str, kind: type[cst.CSTNode], found: str) -> None:
    """The first node of a kind has the place; what has none of its own has that of what it holds or stands in."""
    unit = module_of(text).units[0]
    span = unit.span(next(node for node in nodes(unit.tree) if isinstance(node, kind)))
    assert f"{span.line}:{span.column}-{span.end_line}:{span.end_column}" == found


def nodes(tree: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield tree
    for child in tree.children:
        yield from nodes(child)


def test_every_node_has_a_place() -> None:
    """Whatever is asked for, white space and stray nodes too, the answer lies inside the unit."""
    path = FILES[len(FILES) // 2]
    module = Project(path.parent).module(path)
    assert isinstance(module, Module)
    for unit in module.units:
        for node in (*nodes(unit.tree), cst.Name("stray"), cst.Pass()):
            span = unit.span(node)
            assert unit.line <= span.line <= span.end_line <= unit.end_line
            assert (span.line, span.column) <= (span.end_line, span.end_column)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(FILES))
def test_places_in_real_files(path: Path) -> None:
    module = Project(path.parent).module(path)
    assert isinstance(module, Module), module
    assert check(module) > 0 or not any(unit.kind in ("class", "function") for unit in module.units)


NAMES = st.sampled_from(["x", "self", "größe", "𝛼", "nn", "λ1"])
ATOMS = st.one_of(
    NAMES,
    st.sampled_from(["1", "2.5e-3", "'é'", '"""a\n日本"""', "None", "True", "...", "f'{x!r:>{y}} {z}'", "b'a' b'b'"]),
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    forms = [
        "{} + {}", "{} and {}", "({} or {})", "{} < {}", "{}({}, k=1, *a, **b)", "{}[{}]", "x[{}, {}]", "x[{}:{}]", "x[{},][{}]",
        "[{}, {}]", "({}, {})", "{{{}: {}}}", "{{{}, {}}}", "lambda a, b={}: {}", "{} if {} else y", "[{} for i in {} if x]",
        "f({} for i in {})", "(y := {}) - {}", "not {}\\\n or {}", "-{} ** {}", "f( # c\n {},\n\t{} )", "await {} | {}", "{{**{}, 'a': {}}}",
        "{} in {} not in z", "({}).a.b({})",
    ]  # fmt: skip
    return st.tuples(st.sampled_from(forms), two).map(lambda made: "(" + made[0].format(*made[1]) + ")")


EXPRESSIONS = st.recursive(ATOMS, grown, max_leaves=12)
STATEMENTS = st.tuples(
    st.sampled_from(
        [
            "{} = {}\n", "x.y = z = {}; {}\n", "x: int = {}; y += {}\n", "if {}:\n    {}\nelif x: pass\nelse:\n  y\n", "for a, b in {}:\n\t{}\n", "del x, y; print({}, {})\n",
            "@dec({})\n@(\n d)\nclass A(B, m={}):\n    '''é'''; x = 1\n\n    # c\n    def f(self, a: int = 1, *, b=2) -> C: return a, b\n",
            "async def f(a, /, b={}, *c, **d):\n    with a as b, c: yield {}\n", "try:\n  {}\nexcept (A, B) as e:\n  {}\nfinally:\n  pass\n",
            "while {}: {}; break\n", "assert {}, {}\n", "\x0c\nx = {} # {}\n".replace("# {}", "; y = {}"), "match {}:\n  case A(b=[1, *c]) if {}: d\n",
            "def f():\n\treturn {}, {}\n", "raise A({}) from {}\n", "x[{}], y = {}\n",
        ]
    ),
    st.tuples(EXPRESSIONS, EXPRESSIONS),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(STATEMENTS, min_size=1, max_size=4), newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_places_in_generated_code(parts: list[tuple[str, tuple[str, str]]], newline: str) -> None:
    text = "".join(form.format(*inner) for form, inner in parts)
    made = Project(".").add("sample.py", text.replace("\n", newline))
    assume(isinstance(made, Module))  # some combinations are not Python: `1 = x`
    assert isinstance(made, Module)
    check(made)
