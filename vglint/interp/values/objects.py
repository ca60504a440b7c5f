"""The kinds of values, and their closed union.

Immutable Python values stand for themselves: None, bool, int, float, str, bytes, tuple, range, slice; `Expr` is a symbolic
number and `Unknown` a value with the reason why it is not known. Everything else is one of the classes of this room. What is mutable among
them is changed through `Run`, whose journal makes changes reversible, so that both arms of an unknown branch can be walked.
"""

from __future__ import annotations

from types import EllipsisType
from typing import TypeAlias, get_args, get_origin

from vglint.interp.values.containers import (
    UNKNOWN_LENGTH,
    ArrayV,
    DictV,
    IteratorV,
    ListV,
    OpenLoop,
    RepeatV,
    SetV,
    birth,
)
from vglint.interp.values.functions import BuiltinV, ClassMethodV, FunctionV, MethodV, PartialV, PropertyV, StaticV
from vglint.interp.values.instances import Attrs, ClassV, Instance, ModuleV, SuperV
from vglint.interp.values.numbers import NumberMember, TextMember, TurnNumber, VersionV
from vglint.interp.values.records import CodeV, FieldV, TreeSpecV
from vglint.interp.values.scopes import External, LaterV, Locals, Namespace, NamesV, Scope, Site
from vglint.interp.values.tensors import ROW, DeviceV, DtypeV, Filled, OpaqueV, ParamV, ParamView, Ramp, ShapeV, TensorV
from vglint.interp.values.training import ContextV, GradScalerV, LoaderV, OptimizerV, SchedulerV, TensorDatasetV
from vglint.value import Expr, Unknown

__all__ = [
    "KINDS",
    "ROW",
    "UNKNOWN_LENGTH",
    "ArrayV",
    "Attrs",
    "BuiltinV",
    "ClassMethodV",
    "ClassV",
    "CodeV",
    "ContextV",
    "DeviceV",
    "DictV",
    "DtypeV",
    "External",
    "FieldV",
    "Filled",
    "FunctionV",
    "GradScalerV",
    "Instance",
    "IteratorV",
    "LaterV",
    "ListV",
    "LoaderV",
    "Locals",
    "MethodV",
    "ModuleV",
    "NamesV",
    "Namespace",
    "NumberMember",
    "OpaqueV",
    "OpenLoop",
    "OptimizerV",
    "ParamV",
    "ParamView",
    "PartialV",
    "PropertyV",
    "Ramp",
    "RepeatV",
    "SchedulerV",
    "Scope",
    "SetV",
    "ShapeV",
    "Site",
    "StaticV",
    "SuperV",
    "TensorDatasetV",
    "TensorV",
    "TextMember",
    "TreeSpecV",
    "TurnNumber",
    "Value",
    "VersionV",
    "birth",
    "is_tensor",
    "is_unknown",
]

Value: TypeAlias = (
    bool
    | int
    | float
    | complex
    | str
    | bytes
    | tuple["Value", ...]
    | range
    | slice
    | EllipsisType
    | TurnNumber
    | NumberMember
    | TextMember
    | Expr
    | Unknown
    | VersionV
    | ListV
    | RepeatV
    | ArrayV
    | DictV
    | SetV
    | IteratorV
    | External
    | Namespace
    | NamesV
    | FunctionV
    | MethodV
    | BuiltinV
    | PropertyV
    | StaticV
    | ClassMethodV
    | PartialV
    | CodeV
    | ClassV
    | SuperV
    | Instance
    | ModuleV
    | FieldV
    | TreeSpecV
    | TensorV
    | ParamV
    | ParamView
    | OpaqueV
    | ShapeV
    | DtypeV
    | DeviceV
    | OptimizerV
    | SchedulerV
    | GradScalerV
    | ContextV
    | TensorDatasetV
    | LoaderV
    | LaterV
    | None
)
"""Any abstract value."""

KINDS: tuple[type, ...] = tuple(get_origin(kind) or kind for kind in get_args(Value))
"""The kinds of values at run time: each answers Python's questions or declines to."""


def is_unknown(value: Value) -> bool:
    return isinstance(value, (Unknown, OpaqueV))


def is_tensor(value: Value) -> bool:
    """Whether a value can be the tensor input of a node."""
    return isinstance(value, (TensorV, ParamV, ParamView))
