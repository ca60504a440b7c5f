"""The op table: every entry, and how to find one by what the program says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import get_args

from vglint.ops import (
    activation,
    attention,
    combine,
    create,
    cut,
    dropout,
    einops,
    elementwise,
    linalg,
    loss,
    matmul,
    norm,
    parts,
    pool,
    recurrent,
    reduce,
    signature,
    spectral,
    train,
    views,
    vision,
    weight,
)
from vglint.ops.entry import Entry
from vglint.ops.spec import Call, Kind, Op, Result, Spelling, Tensor
from vglint.ops.traits import Trait
from vglint.regex import regex
from vglint.value import Literal_


def find(qualified_name: str) -> Spelling | None:
    """Returns the spelling of a module or function: `torch.nn.Linear`, `torch.nn.functional.relu`, `torch.optim.Adam`."""
    return _spelling(canonical(qualified_name))


def method(name: str) -> Spelling | None:
    """Returns the spelling of a tensor method: `relu`, `relu_`, `view`."""
    return _spelling(f"torch.Tensor.{name}")


@lru_cache(maxsize=4096)
def attribute(name: str) -> Spelling | None:
    """Returns the spelling of a tensor attribute that is an op: `T`, `mT`, `real`, `data`."""
    return _spelling(f"torch.Tensor:{name}")


def operator(symbol: str, *, unary: bool = False) -> str | None:
    """Returns the op of a Python operator: `+` → add; unary `-` → neg."""
    return _UNARY.get(symbol) if unary else _BINARY.get(symbol)


def kind(op_name: str) -> Kind:
    """Returns the kind of an op; `other` for a name that is none."""
    op = OPS.get(op_name)
    return op.kind if op is not None else "other"


def last_size(op_name: str) -> str:
    """Returns the argument of an op that tells the last size of its result, empty where none does."""
    op = OPS.get(op_name)
    return op.last if op is not None else ""


def results(name: str) -> tuple[str, ...]:
    """Returns what an op's results are called; nothing where it returns no named tuple."""
    op = OPS.get(name)
    return op.names if op is not None else ()


def has(op_name: str, trait: Trait) -> bool:
    """Whether an op has a property; a name that is no op has none."""
    return op_name in _HAVING[trait]


def having(*traits: Trait) -> frozenset[str]:
    """Returns the ops that have one of the properties."""
    return frozenset[str]().union(*(_HAVING[trait] for trait in traits))


def sources_of(op_name: str, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the inputs whose values an op takes: without the tensor that only tells another's shape or type (`x.type_as(y)`)."""
    if op_name in _HAVING["shape_alone"]:
        return ()
    return inputs[:1] if op_name in _HAVING["shape_of_other"] else inputs


@cache
def tensor_arguments(type_: str | None, op_name: str) -> tuple[str, ...]:
    """Returns the names of the tensor arguments of a module's call, or of a function."""
    spelling = find(type_) if type_ else None
    if spelling is not None and spelling.forward:
        return tuple(arg.name for arg in spelling.forward if arg.role in ("tensor", "tensors"))
    for name in (f"torch.nn.functional.{op_name}", f"torch.{op_name}", f"torch.Tensor.{op_name}"):
        spelling = find(name)
        if spelling is not None:
            names = tuple(arg.name for arg in spelling.args if arg.role in ("tensor", "tensors"))
            return ("input", *names) if spelling.form == "method" else names
    return ("input", "other")


def spellings() -> Iterator[Spelling]:
    """Yields every spelling of the table."""
    for name in _LINES:
        found = _spelling(name)
        assert found is not None
        yield found


@lru_cache(maxsize=4096)
def canonical(qualified_name: str) -> str:
    """Returns the public name: `torch.nn.modules.linear.Linear` → `torch.nn.Linear`; any other name unchanged."""
    if qualified_name in _LINES or not qualified_name.startswith("torch."):
        return qualified_name
    for pattern, replacement in _DEFINITIONS:
        public, count = pattern.subn(replacement, qualified_name)
        if count and public in _LINES:
            return public
    return qualified_name


def canonical_config(spelling: Spelling, config: Mapping[str, Literal_]) -> dict[str, Literal_]:
    """Returns a module's config as the module shows it (`kernel_size=3` → `(3, 3)`), fixed values added; errors leave it as it is."""
    filled = dict(config)
    filled.update(spelling.fixed)
    rule = _ENTRIES[spelling.op].config
    if rule is None or spelling.form != "module":
        return filled
    try:
        return rule(spelling.name, filled)
    except Exception:
        return filled


def refined(op_name: str, call: Call) -> str:
    """Returns the op that a call turns out to be, where one spelling means several.

    `x.max(other)` is `maximum`, `torch.where(condition)` is `nonzero`, `x.to(torch.long)` is `to_integer`.
    """
    config = call.config
    if op_name in ("max", "min") and ("dim" in call.names or "other" in call.names):
        return op_name + "imum"
    if op_name == "where" and "input" in config and config["input"] is None and config.get("other") is None:
        return "nonzero"
    if op_name == "to" and any(config.get(name) in cut.INTEGER_DTYPES for name in ("dtype", "device")):
        return "to_integer"
    return op_name


def result(op_name: str, call: Call) -> Result:
    """Returns what a call returns; a tensor of unknown shape where the op or its arguments are not understood."""
    op = OPS.get(op_name)
    if op is None:
        return Tensor()
    try:
        return op.result(call)
    except Exception:
        # A shape rule reads whatever the program says; what it cannot read has no known shape.
        return Tensor()


def collected(given: Iterable[Entry]) -> tuple[dict[str, Entry], dict[str, tuple[str, str]]]:
    """Returns entries by op and (op, signature) by spelling; raises ValueError for an op or a spelling that stands twice."""
    entries: dict[str, Entry] = {}
    found: dict[str, tuple[str, str]] = {}
    for entry in given:
        if entry.name in entries:
            raise ValueError(f"op {entry.name} has two entries")
        entries[entry.name] = entry
        for names, text in signature.lines(entry.spellings):
            for name in names:
                if name in found:
                    raise ValueError(f"{name} is spelled by both {found[name][0]} and {entry.name}")
                found[name] = (entry.name, text)
    return entries, found


_BINARY = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floor_divide",
    "%": "remainder",
    "**": "pow",
    "@": "matmul",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
    "&": "bitwise_and",
    "|": "bitwise_or",
    "^": "bitwise_xor",
    "<<": "bitwise_left_shift",
    ">>": "bitwise_right_shift",
}
_UNARY = {"-": "neg", "+": "positive", "~": "bitwise_not", "abs": "abs"}

_DEFINITIONS = tuple(
    (regex(pattern), replacement)
    for pattern, replacement in (
        (r"^torch\.nn\.modules(\.\w+)?\.(\w+)$", r"torch.nn.\2"),
        (r"^torch\.(?:functional|_VF|_C\._VariableFunctions|_C\.TensorBase|_tensor)\.(\w+)$", r"torch.\1"),
        (r"^torch\._C\._nn\.(\w+)$", r"torch.nn.functional.\1"),
        (r"^torch\._C\._(special|linalg|fft)\.\1_(\w+)$", r"torch.\1.\2"),
        (r"^torch\.nn\.utils\.(?:clip_grad|weight_norm|spectral_norm)\.(\w+)$", r"torch.nn.utils.\1"),
        (r"^torch\.(optim|autograd|amp|cuda\.amp)\.\w+\.(\w+)$", r"torch.\1.\2"),
        (r"^torch\._C\._nn\.(\w+)$", r"torch.\1"),
        (r"^torch\.nn\.functional\.(\w+)$", r"torch.\1"),
    )
)


_KINDS = (
    weight,
    activation,
    norm,
    dropout,
    pool,
    attention,
    recurrent,
    loss,
    views,
    parts,
    vision,
    einops,
    combine,
    matmul,
    linalg,
    elementwise,
    reduce,
    spectral,
    create,
    cut,
    train,
)


_ENTRIES, _LINES = collected(entry for module in _KINDS for entry in module.ENTRIES)

OPS: Mapping[str, Op] = MappingProxyType(
    {
        entry.name: Op(
            entry.name,
            entry.kind,
            entry.summary,
            entry.result,
            entry.params,
            entry.traits,
            entry.init,
            entry.last,
            entry.names,
        )
        for entry in _ENTRIES.values()
    }
)
"""Every op by name."""


_HAVING: Mapping[Trait, frozenset[str]] = {
    trait: frozenset(name for name, op in OPS.items() if trait in op.traits) for trait in get_args(Trait)
}


@cache
def _spelling(name: str) -> Spelling | None:
    if name not in _LINES:
        return None
    op, text = _LINES[name]
    return signature.spelling(name, op, text)
