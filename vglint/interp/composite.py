"""torch's composite modules (`nn.TransformerEncoder` …), described as model code and interpreted like the user's."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vglint.interp.core import MISSING, Run
from vglint.interp.names import member
from vglint.interp.objects import ClassV, Namespace, Value
from vglint.source.module import Module, units_of

COMPOSITES = frozenset(
    f"torch.nn.{name}"
    for name in (
        "Transformer",
        "TransformerEncoder",
        "TransformerDecoder",
        "TransformerEncoderLayer",
        "TransformerDecoderLayer",
    )
)
_KEY = "<torch.nn>"


def composite(run: Run, name: str) -> Value:
    """Returns the class of a composite module, MISSING for any other name."""
    if name not in COMPOSITES:
        return MISSING
    spaces = run.memory.namespaces
    if _KEY not in spaces:
        spaces[_KEY] = Namespace(_described(), {}, prefix="torch.nn")
    return member(run, spaces[_KEY], name.rpartition(".")[2])


def is_composite(cls: Value) -> bool:
    return isinstance(cls, ClassV) and cls.qualified in COMPOSITES


@cache
def _described() -> Module:
    path = Path(__file__).parent / "prelude" / "torch_nn.txt"
    text = path.read_text(encoding="utf-8")
    units = units_of("torch/nn", text)
    assert isinstance(units, tuple)
    return Module("torch/nn", path, "torch.nn", False, text, units)
