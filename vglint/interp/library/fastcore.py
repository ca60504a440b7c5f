"""fastcore: the small functions of fastai that stand in models."""

from __future__ import annotations

from vglint.interp.machine.calls import Call, library
from vglint.interp.values.objects import Value, is_unknown

_HOMES = ("basics", "xtras", "foundation", "imports", "all")
"""Modules that hand a name on by star imports."""


@library(*(f"fastcore.{home}.noop" for home in _HOMES), takes="x=None, *args, **options")
def noop(call: Call) -> Value:
    return call["x"]


@library(*(f"fastcore.{home}.ifnone" for home in _HOMES), takes="a, b")
def ifnone(call: Call) -> Value:
    if call["a"] is None:
        return call["b"]
    return call.unknown() if is_unknown(call["a"]) else call["a"]
