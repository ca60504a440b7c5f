"""Hypothesis strategies for Python under lint: broken copies of the fixtures, and programs from a small grammar."""

from __future__ import annotations

import re

from hypothesis import strategies as st
from models import FIXTURES

TEXTS = tuple(
    path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob("*/*.py")) if path.stat().st_size < 6_000
)

NUMBERS = (
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "1e9",
    "10**6",
    "True",
    "None",
    "'text'",
    "()",
    "[]",
    "{}",
    "x",
    "1 / 0",
    "float('nan')",
)
NAMES = (
    "self", "x", "nn", "torch", "F", "forward", "__init__", "super", "len", "range", "zip", "print", "None", "Net", "config", "layers",
    "getattr", "lambda: 0", "object", "int", "type", "eval", "open", "__class__", "*args", "yield", "await x", "not x",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Returns a fixture with one to six edits."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 6))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        other = draw(st.integers(0, len(lines) - 1))
        match draw(
            st.sampled_from(("delete", "duplicate", "swap", "indent", "dedent", "cut", "token", "token", "token"))
        ):
            case "delete":
                del lines[at]
            case "duplicate":
                lines.insert(other, lines[at])
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "indent":
                lines[at] = "    " + lines[at]
            case "dedent":
                lines[at] = lines[at].removeprefix("    ")
            case "cut":
                lines = lines[: at + 1]
            case _:
                lines[at] = draw(_retokened(lines[at], lines[other]))
    return "\n".join(lines) + draw(st.sampled_from(("\n", "", "\r\n", "\x0c\n", "\n\t\n")))


@st.composite
def _retokened(draw: st.DrawFn, line: str, other: str) -> str:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", line) or [""]
    at = draw(st.integers(0, len(tokens) - 1))
    match draw(st.sampled_from(("delete", "duplicate", "name", "number", "other", "swap", "character"))):
        case "delete":
            del tokens[at]
        case "duplicate":
            tokens.insert(at, tokens[at])
        case "name":
            places = [i for i, token in enumerate(tokens) if token.isidentifier()] or [at]
            tokens[draw(st.sampled_from(places))] = draw(st.sampled_from(NAMES))
        case "number":
            places = [i for i, token in enumerate(tokens) if token.isdigit()] or [at]
            tokens[draw(st.sampled_from(places))] = draw(st.sampled_from(NUMBERS))
        case "other":
            tokens[at] = draw(st.sampled_from(re.findall(r"\w+|[^\w\s]", other) or [" "]))
        case "swap":
            to = draw(st.integers(0, len(tokens) - 1))
            tokens[at], tokens[to] = tokens[to], tokens[at]
        case _:
            tokens.insert(at, draw(st.characters(exclude_categories=("Cs",))))
    return "".join(tokens)


ATOMS = st.sampled_from(
    (
        "x", "y", "self", "self.fc", "self.layers", "self.w", "n", "depth", "0", "1", "3", "-2", "0.5", "'relu'", "None", "True", "nn", "F.relu", "torch",
        "nn.Linear(8, 8)", "nn.ReLU()", "nn.Sequential(nn.Linear(8, 8), nn.Tanh())", "torch.zeros(2, 8)", "nn.Parameter(torch.randn(8, 8))",
        "range(3)", "range(n)", "[]", "{}", "()", "super()", "x.shape", "x.size(0)", "unknown", "Net", "Net()", "make(2)", "lambda t: t", "iter([1, 2])",
    )
)  # fmt: skip

EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("+", "-", "*", "/", "//", "%", "**", "@", "<", "==", "is", "in", "and", "or")), inner)
        .map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.lists(inner, max_size=3)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
        st.tuples(inner, st.sampled_from(("weight", "data", "forward", "append", "view", "mean", "items", "shape", "_x"))).map(".".join),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}:]"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]} for y in {t[1]}]"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, inner).map(lambda t: f"{{{t[0]}: {t[1]}}}"),
        inner.map(lambda text: f"nn.Sequential(*{text})"),
        inner.map(lambda text: f"nn.ModuleList({text})"),
        inner.map(lambda text: f"f'{{{text!s}}}'" if "'" not in text and "{" not in text else text),
        inner.map(lambda text: f"make(**{text})"),
    ),
    max_leaves=6,
)  # fmt: skip

TARGETS = st.sampled_from(
    ("x", "y", "n", "self.fc", "self.layers", "self.w", "x, y", "[x, *y]", "self.w.data", "x[0]", "Net.depth", "y.a.b")
)


def _indented(block: list[str]) -> list[str]:
    return [f"    {line}" for line in block] or ["    pass"]


def _blocks() -> st.SearchStrategy[list[str]]:
    simple = st.one_of(
        st.tuples(TARGETS, EXPRESSIONS).map(lambda t: [f"{t[0]} = {t[1]}"]),
        st.tuples(st.sampled_from(("x", "n", "self.w", "x[0]")), st.sampled_from("+-*/@"), EXPRESSIONS).map(
            lambda t: [f"{t[0]} {t[1]}= {t[2]}"]
        ),
        EXPRESSIONS.map(lambda text: [text]),
        EXPRESSIONS.map(lambda text: [f"return {text}"]),
        EXPRESSIONS.map(lambda text: [f"yield {text}"]),
        EXPRESSIONS.map(lambda text: [f"raise {text}"]),
        EXPRESSIONS.map(lambda text: [f"assert {text}"]),
        st.sampled_from((["pass"], ["break"], ["continue"], ["super().__init__()"], ["del x"], ["global n"], ["x.backward()"], ["import torch.nn as y"])),
    )  # fmt: skip
    return st.recursive(
        st.lists(simple, min_size=1, max_size=3).map(lambda items: [line for item in items for line in item]),
        lambda inner: st.one_of(
            st.tuples(EXPRESSIONS, inner, inner).map(lambda t: [f"if {t[0]}:", *_indented(t[1]), "else:", *_indented(t[2])]),
            st.tuples(TARGETS, EXPRESSIONS, inner).map(lambda t: [f"for {t[0]} in {t[1]}:", *_indented(t[2])]),
            st.tuples(EXPRESSIONS, inner).map(lambda t: [f"while {t[0]}:", *_indented(t[1])]),
            st.tuples(EXPRESSIONS, inner).map(lambda t: [f"with {t[0]} as y:", *_indented(t[1])]),
            st.tuples(inner, inner).map(lambda t: ["try:", *_indented(t[0]), "except Exception as n:", *_indented(t[1])]),
            st.tuples(inner, EXPRESSIONS).map(lambda t: ["def make(*n, **y):", *_indented(t[0]), f"x = make({t[1]})"]),
            st.tuples(EXPRESSIONS, inner).map(lambda t: [f"match {t[0]}:", "    case [x, *_]:", *_indented(_indented(t[1])), "    case _:", "        pass"]),
            st.tuples(inner, inner).map(lambda t: t[0] + t[1]),
        ),
        max_leaves=4,
    )  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Returns a module with a factory, a network and a little training, all of them nonsense."""
    blocks = _blocks()
    base = draw(
        st.sampled_from(
            ("nn.Module", "nn.Sequential", "nn.ModuleList", "nn.Linear", "Net", "Base, nn.Module", "nn.Module, Base")
        )
    )
    lines = ["import torch", "import torch.nn.functional as F", "from torch import nn", "depth = 3", ""]
    lines += ["def make(n=2, *rest, **named):", *_indented(draw(blocks)), ""]
    lines += ["class Base:", "    depth = 4", ""]
    lines += [
        f"class Net({base}):",
        "    def __init__(self, n=4, y=None):",
        *_indented(_indented(["super().__init__()", "self.fc = nn.Linear(8, 8)", *draw(blocks)])),
    ]
    lines += ["    def forward(self, x, y=None):", *_indented(_indented(draw(blocks))), ""]
    lines += [
        "def train(n=2):",
        *_indented(
            [
                "model = Net()",
                "opt = torch.optim.SGD(model.parameters(), lr=0.1)",
                *draw(blocks),
                "loss = F.cross_entropy(model(x), y)",
                "loss.backward()",
                "opt.step()",
            ]
        ),
    ]
    return "\n".join(lines) + "\n"  # fmt: skip
