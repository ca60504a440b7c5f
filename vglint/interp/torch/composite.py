"""Modules and helpers of libraries that are described as model code, and interpreted like the user's: torch's composite
modules (`nn.TransformerEncoder` …), and what model code takes from timm (`DropPath` …) where timm's source is not read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.names import member
from vglint.interp.values.objects import Namespace, Value
from vglint.source.module import Module
from vglint.source.split import split
from vglint.source.unit import units

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
_TIMM = ("timm.layers.", "timm.models.layers.")


def composite(run: Run, name: str) -> Value | Missing:
    """Returns a described class or function, MISSING for any other name."""
    if name in COMPOSITES:
        package = "torch.nn"
    elif name.startswith(_TIMM):
        package = "timm.layers"
    else:
        return MISSING
    spaces, key = run.memory.namespaces, f"<{package}>"
    if key not in spaces:
        spaces[key] = Namespace(_described(package), {}, prefix=package)
    last = name.rpartition(".")[2]
    return member(run, spaces[key], last) if spaces[key].module.binding(last) else MISSING


@cache
def _described(package: str) -> Module:
    path = Path(__file__).parent / "prelude" / f"{package.replace('.', '_')}.txt"
    text = path.read_text(encoding="utf-8")
    parts = units(package.replace(".", "/"), text, tuple(split(text)))
    return Module(package.replace(".", "/"), path, package, False, text, lambda: parts)
