"""How values stand in the configuration of a node."""

from __future__ import annotations

from types import EllipsisType

from vglint import origin
from vglint.interp.machine.core import Run
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import (
    ArrayV,
    DeviceV,
    DtypeV,
    External,
    ListV,
    OpaqueV,
    ParamV,
    ParamView,
    SetV,
    ShapeV,
    Site,
    TensorV,
    TurnNumber,
    Value,
    VersionV,
)
from vglint.value import Expr, Literal_, Unknown

STRICT = frozenset({"weight", "norm", "activation", "pool", "recurrent", "attention"})
"""Kinds of op whose configuration must be known for the graph to be whole."""


def configured(run: Run, value: Value, kind: str, site: Site | None) -> Literal_:
    """Returns a value as config; where the op cannot be known without it, its absence is a gap."""
    made = literal(value)
    if kind in STRICT:
        for unknown in _unknowns(made):
            if isinstance(unknown.origin, origin.FROM_ARGUMENTS):
                if made is unknown and isinstance(unknown.origin, origin.Argument) and unknown.origin.dotted:
                    return Expr.symbol(unknown.origin.path)
            else:
                run.graph.gap_of(unknown, site)
    return made


def _unknowns(value: Literal_) -> list[Unknown]:
    if isinstance(value, Unknown):
        return [value]
    if isinstance(value, tuple):
        return [unknown for item in value for unknown in _unknowns(item)]
    return []


_LARGEST = 20_000
"""Entries of a value in a config."""
_AS_IT_IS = frozenset({type(None), bool, int, float, str, Expr, Unknown})


def literal(value: Value) -> Literal_:
    """Returns a value as it may stand in a config."""
    if type(value) in _AS_IT_IS:
        return value  # type: ignore[return-value]
    return Unknown(origin.Budget("large value")) if bulk(value, _LARGEST) > _LARGEST else _literal(value)


def _literal(value: Value) -> Literal_:
    match value:
        case str():
            return str(value)
        case TurnNumber():
            return int(value)
        case None | bool() | int() | float() | Expr() | Unknown():
            return value
        case tuple():
            return tuple(_literal(item) for item in value)
        case ArrayV():
            return tuple(_literal(item) for item in value.items)
        case ListV():
            if value.count is not None:
                return Unknown(origin.Length("list of unknown length"))
            return tuple(_literal(item) for item in value.items)
        case SetV():
            return tuple(_literal(item) for item in value.items)
        case External():
            return value.name
        case DtypeV():
            return value.spelled
        case DeviceV():
            return value.name or "torch.device"
        case VersionV():
            return value.numbers
        case slice():
            return ("slice", _literal(value.start), _literal(value.stop), _literal(value.step))
        case range():
            return Unknown(origin.Budget("large value")) if value[_LARGEST:] else tuple(value)
        case EllipsisType():
            return "..."
        case OpaqueV():
            return value.why
        case ShapeV():
            return Unknown(origin.Computed(f"sizes of %{value.tensor.node}"))
        case TensorV() | ParamV() | ParamView():
            return Unknown(origin.Computed("a tensor"))
        case _:
            return Unknown(origin.Call(type(value).__name__))
