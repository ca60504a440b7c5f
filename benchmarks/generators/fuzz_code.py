"""Python under lint for `fuzz.py`: broken copies of real files, programs of a small grammar, and expressions that are dear to compute."""

from __future__ import annotations

import random
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("einops", "torch/nn/modules", "torch/optim", "torch/distributions", "hypothesis/strategies")
"""Installed code that is broken too, where it is there."""
LONGEST = 12_000

NUMBERS = ("0", "-1", "1", "2", "3.5", "1e9", "1e308", "10**6", "2**63", "10**30", "True", "None", "'text'", "()", "[]", "{}", "x", "1 / 0", "float('nan')", "float('inf')", "-0.0")  # fmt: skip
NAMES = ("self", "x", "nn", "torch", "F", "forward", "__init__", "super", "len", "range", "zip", "print", "None", "Net", "config", "layers", "getattr", "lambda: 0", "object", "int", "type", "eval", "open", "__class__", "*args", "**args", "yield", "await x", "not x", "del x", "global x", "async", "match", "type X = int", "x := 1")  # fmt: skip


@cache
def originals() -> tuple[str, ...]:
    """Returns the fixtures, and files of installed packages."""
    files = [*ROOT.glob("fixtures/*/*.py"), *ROOT.glob("fixtures/hostile/code/*.py")]
    for package in PACKAGES:
        top, _, rest = package.partition("/")
        found = find_spec(top)
        if found is not None and found.submodule_search_locations:
            files += sorted(Path(found.submodule_search_locations[0], rest).glob("*.py"))[:60]
    return tuple(
        text for file in sorted(files) if len(text := file.read_text(encoding="utf-8", errors="replace")) < LONGEST
    )


def mutant(rng: random.Random) -> bytes:
    """Returns a file with one to six edits of lines, tokens or bytes."""
    lines = rng.choice(originals()).splitlines()
    for _ in range(rng.randint(1, 6)):
        if lines:
            _edit(rng, lines)
    content = ("\n".join(lines) + rng.choice(("\n", "", "\r\n", "\x0c\n", "\n\t\n"))).encode("utf-8", "surrogatepass")
    return _bytes(rng, content) if rng.random() < 0.1 else content


def _edit(rng: random.Random, lines: list[str]) -> None:
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(10):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = "    " + lines[at]
        case 4:
            lines[at] = lines[at].removeprefix("    ")
        case 5:
            del lines[at + 1 :]
        case _:
            lines[at] = _retokened(rng, lines[at], lines[other])


def _retokened(rng: random.Random, line: str, other: str) -> str:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", line) or [""]
    at = rng.randrange(len(tokens))
    match rng.randrange(7):
        case 0:
            del tokens[at]
        case 1:
            tokens.insert(at, tokens[at])
        case 2:
            names = [place for place, token in enumerate(tokens) if token.isidentifier()] or [at]
            tokens[rng.choice(names)] = rng.choice(NAMES)
        case 3:
            numbers = [place for place, token in enumerate(tokens) if token.isdigit()] or [at]
            tokens[rng.choice(numbers)] = rng.choice(NUMBERS)
        case 4:
            tokens[at] = rng.choice(re.findall(r"\w+|[^\w\s]", other) or [" "])
        case 5:
            to = rng.randrange(len(tokens))
            tokens[at], tokens[to] = tokens[to], tokens[at]
        case _:
            tokens.insert(at, chr(rng.choice((0, 9, 12, 27, 0x85, 0x2028, 0x202E, 0xD800, 0xFEFF, 0x10FFFF, 233))))
    return "".join(tokens)


def _bytes(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return rng.choice((b"", b"", b"\xef\xbb\xbf", b"\xff\xfe", b"# coding: latin-1\n", b"# coding: utf-7\n")) + changed


ATOMS = (
    "x", "y", "self", "self.fc", "self.layers", "self.w", "n", "depth", "0", "1", "3", "-2", "0.5", "'relu'", "None", "True", "nn", "F.relu", "torch",
    "nn.Linear(8, 8)", "nn.ReLU()", "nn.Sequential(nn.Linear(8, 8), nn.Tanh())", "torch.zeros(2, 8)", "nn.Parameter(torch.randn(8, 8))", "nn.LSTM(8, 8)",
    "range(3)", "range(n)", "[]", "{}", "()", "super()", "x.shape", "x.size(0)", "unknown", "Net", "Net()", "make(2)", "lambda t: t", "iter([1, 2])",
    "nn.MultiheadAttention(8, 2)", "torch.optim.Adam(self.parameters())", "nn.BatchNorm1d(8)", "dict(a=1)", "b'x'", "1j", "...", "set()", "NotImplemented",
)  # fmt: skip
DEAR = (
    "10**{n}", "2**63", "1 << {n}", "'ab' * {n}", "[1] * {n}", "(0,) * {n}", "range({n})", "range(-{n}, {n}, 3)", "list(range({n}))", "math.factorial({n})",
    "math.comb({n}, {n} // 2)", "re.match('(a+)+b', 'a' * {n})", "re.sub('a*a*a*b', '', 'a' * {n})", "torch.zeros({n}, 8).unbind(0)", "torch.zeros({n}).chunk({n})",
    "torch.zeros({n}, 2).split(1)", "nn.LSTM(8, 8, num_layers={n})", "nn.Linear({n}, {n})", "f'{{1:{n}}}'", "'%{n}d' % 1", "'{{:{n}}}'.format(1)", "'a'.zfill({n})",
    "sorted(range({n}))", "sum(range({n}))", "dict.fromkeys(range({n}))", "set(range({n}))", "itertools.permutations(range({n}))", "list(itertools.product('ab', repeat={n}))",
    "str(10**{n})", "int('9' * {n})", "bytes({n})", "[[0] * {n}] * {n}", "nn.ModuleList([nn.Linear(1, 1)] * {n})", "[nn.Linear(1, 1) for _ in range({n})]",
    "nn.Sequential(*[nn.ReLU() for _ in range({n})])", "x.repeat({n}, {n})", "x.view(*[1] * {n})", "torch.cat([x] * {n})", "torch.arange({n}).tolist()",
    "np.zeros(({n}, {n}))", "max(range({n}))", "'a'.join(['b'] * {n})", "'a'.replace('', 'b' * {n})", "tuple(range({n}))", "all(range({n}))", "zip(range({n}), range({n}))",
    "functools.reduce(lambda p, q: p * q, range(1, {n}))", "copy.deepcopy([[1]] * {n})", "x[(None,) * {n}]", "torch.eye({n})", "F.pad(x, [1] * {n})", "pow(3, {n}, 7)",
    "round(1.5, {n})", "1e308 ** {n}", "hash('a' * {n})", "{n} in range({n})", "[1] * {n} == [1] * {n}", "eval('9**' * {n})", "torch.stack([x] * {n})", "nn.Embedding({n}, {n})",
)  # fmt: skip
SIZES = ("10**4", "10**6", "10**7", "10**9", "2**63", "10**30", "-10**9", "0", "100000")


def expression(rng: random.Random, depth: int = 3, dear: float = 0.0) -> str:
    """Returns an expression; `dear` is the share of atoms that are large to compute."""
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(DEAR).format(n=rng.choice(SIZES)) if rng.random() < dear else rng.choice(ATOMS)

    def inner() -> str:
        return expression(rng, depth - 1, dear)

    match rng.randrange(12):
        case 0 | 1:
            sign = rng.choice(("+", "-", "*", "/", "//", "%", "**", "@", "<", "==", "is", "in", "and", "or", "<<", "&"))
            return f"({inner()} {sign} {inner()})"
        case 2:
            return f"{inner()}({', '.join(inner() for _ in range(rng.randrange(4)))})"
        case 3:
            names = (
                "weight",
                "data",
                "forward",
                "append",
                "view",
                "mean",
                "items",
                "shape",
                "_x",
                "T",
                "grad",
                "backward",
            )
            return f"{inner()}.{rng.choice(names)}"
        case 4:
            return f"{inner()}[{inner()}]"
        case 5:
            return f"{inner()}[{inner()}:{inner()}]"
        case 6:
            return f"({inner()} if {inner()} else {inner()})"
        case 7:
            return f"[{inner()} for y in {inner()}]"
        case 8:
            return f"[{', '.join(inner() for _ in range(rng.randrange(4)))}]"
        case 9:
            return f"{{{inner()}: {inner()} for n in {inner()}}}"
        case 10:
            return f"nn.Sequential(*{inner()})"
        case _:
            return f"make(*{inner()}, **{inner()})"


def block(rng: random.Random, depth: int = 2, dear: float = 0.0) -> list[str]:
    """Returns statements, nested to a depth."""

    def text() -> str:
        return expression(rng, rng.randrange(4), dear)

    lines: list[str] = []
    for _ in range(rng.randint(1, 3)):
        inner = [f"    {line}" for line in (block(rng, depth - 1, dear) if depth else ["pass"])]
        target = rng.choice(
            ("x", "y", "n", "self.fc", "self.layers", "self.w", "x, y", "[x, *y]", "self.w.data", "x[0]", "y.a.b")
        )
        match rng.randrange(14):
            case 0 | 1 | 2 | 3:
                lines.append(f"{target} = {text()}")
            case 4:
                lines.append(f"{rng.choice(('x', 'n', 'self.w'))} {rng.choice('+-*/@')}= {text()}")
            case 5:
                lines.append(f"return {text()}")
            case 6:
                lines.append(
                    rng.choice(("yield", "raise", "assert", "")) + f" {text()}".strip(" ")
                    if rng.random() < 0.5
                    else text()
                )
            case 7:
                lines += [f"if {text()}:", *inner, "else:", *inner]
            case 8:
                lines += [f"for {target} in {text()}:", *inner]
            case 9:
                lines += [f"while {text()}:", *inner]
            case 10:
                lines += [f"with {text()} as y:", *inner]
            case 11:
                lines += ["try:", *inner, "except Exception as n:", *inner, "finally:", *inner]
            case 12:
                lines += ["def make(*n, **y):", *inner, f"x = make({text()})"]
            case _:
                lines += [f"match {text()}:", "    case [x, *_] | {'a': x}:", *(f"    {line}" for line in inner)]
    return lines


def program(rng: random.Random, dear: float = 0.0) -> bytes:
    """Returns a module with a factory, a network and a little training, all of them nonsense."""

    def body(indent: int) -> list[str]:
        return [" " * indent + line for line in block(rng, 2, dear)]

    base = rng.choice(
        (
            "nn.Module",
            "nn.Sequential",
            "nn.ModuleList",
            "nn.Linear",
            "Net",
            "Base, nn.Module",
            "pl.LightningModule",
            "nn.Module, Base",
        )
    )
    lines = [
        "import copy, functools, itertools, math, re",
        "import numpy as np",
        "import torch",
        "import torch.nn.functional as F",
        "from torch import nn",
        "import lightning as pl",
        "depth = 3",
    ]
    lines += ["def make(n=2, *rest, **named):", *body(4), "class Base:", "    depth = 4"]
    lines += [
        f"class Net({base}):",
        "    def __init__(self, n=4, y=None):",
        "        super().__init__()",
        "        self.fc = nn.Linear(8, 8)",
        *body(8),
    ]
    lines += [
        "    def forward(self, x, y=None):",
        *body(8),
        "def train(n=2):",
        "    model = Net()",
        "    opt = torch.optim.SGD(model.parameters(), lr=0.1)",
    ]
    lines += [*body(4), "    loss = F.cross_entropy(model(x), y)", "    loss.backward()", "    opt.step()"]
    return ("\n".join(lines) + "\n").encode()


def dear_program(rng: random.Random) -> bytes:
    """Returns a module whose expressions are large to compute."""
    return program(rng, 0.6)
