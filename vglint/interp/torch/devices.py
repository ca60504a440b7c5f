"""Devices and dtypes of torch."""

from __future__ import annotations

from collections.abc import Iterable

from vglint import ops, origin
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import CONSTANTS, Frame, Run, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.static.switches import matters
from vglint.interp.static.worlds import GPU_WORLD
from vglint.interp.values.objects import DeviceV, DtypeV, Value
from vglint.interp.values.tensors import FLOAT32
from vglint.source import code
from vglint.value import Unknown

declines((DeviceV, DtypeV), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
_ALIASES = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "chalf": "complex32",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "short": "int16",
    "int": "int32",
    "long": "int64",
}
_NAMES = (
    "bfloat16 bool complex32 complex64 complex128 float16 float32 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz int8 int16 int32 "
    "int64 uint8 uint16 uint32 uint64 qint8 qint32 quint8"
).split()


def dtype(name: str) -> DtypeV:
    """Returns the dtype that torch has under a name."""
    return DtypeV(_ALIASES.get(name, name), f"torch.{name}")


CONSTANTS.update({f"torch.{name}": dtype(name) for name in (*_NAMES, *_ALIASES)})
INT64, BOOL = dtype("int64"), dtype("bool")
_FLOATS = frozenset({"weight", "norm", "activation", "attention", "recurrent", "dropout", "pool", "loss"})
HERE = DeviceV()
"""The device that the code runs on."""


@library("torch.device", takes="type?, index?, device?")
def device(call: Call) -> Value:
    given = [call[name] for name in ("type", "device", "index") if name in call]
    match given:
        case [str() as name]:
            return DeviceV(str(name))
        case [str() as name, int() as number]:
            return DeviceV(f"{name}:{number}")
        case [first, *_]:
            return first
        case _:
            return None


def on_device(run: Run) -> str:
    """Returns the type of the device that models run on: each is a world of its own, where a model asks for it."""
    run.graph.asked_device = True
    return "cuda" if run.context.world is GPU_WORLD else "cpu"


def asks_device(run: Run, arms: Iterable[code.Node]) -> None:
    """Notes that code does something else with a GPU, where its arms do more than choose names, seeds and messages."""
    if matters(arms):
        run.graph.asked_device = True


def is_of_device(run: Run, value: Unknown, kind: str) -> bool | None:
    """Answers whether a device that hangs on there being a GPU is of a kind; None for anything else."""
    match value.origin:
        case origin.ByMachine(parts=() | (origin.Part("attribute", "type"),)):
            return on_device(run) == kind.partition(":")[0]
        case _:
            return None


@register(GETATTR, DeviceV)
def device_attribute(run: Run, value: DeviceV, name: str, frame: Frame) -> Value:
    match name:
        case "type" if value.name:
            return value.name.partition(":")[0]
        case "type":
            return on_device(run) if run.context.modules_running else "cpu"
        case "index":
            return value.index
        case _:
            return Unknown(origin.Member("torch.device", name))


def type_text(run: Run, node: int | None) -> str | Unknown:
    """Returns what `x.type()` says of a tensor of floats."""
    known = FLOAT32 if node is None else dtype_of(run, node, 0)
    if known == FLOAT32 or (isinstance(known, Unknown) and isinstance(known.origin, origin.Dtype)):
        return "torch.FloatTensor"
    return Unknown(origin.Computed("dtype"))


def dtype_of(run: Run, node: int, depth: int) -> Value:
    """Returns the dtype of a node's output as far as its ops tell: layers make floats, the rest keeps what it gets."""
    draft = run.graph.nodes[node]
    op = ops.OPS.get(draft.op)
    if ops.has(draft.op, "gives_integers"):
        return INT64
    if ops.has(draft.op, "gives_truths"):
        return BOOL
    if draft.op == "input" and isinstance(named := draft.config.get("dtype"), str):
        return dtype(named)
    if draft.op == "join" and draft.inputs and depth < 30:
        return dtype_of(run, draft.inputs[0], depth + 1)
    if draft.op == "parameter" or (op is not None and op.kind in _FLOATS):
        return FLOAT32
    if draft.op == "input":
        return Unknown(origin.Dtype(str(draft.config.get("name", ""))))
    if draft.inputs and depth < 30 and op is not None and op.kind in ("shape", "combine", "elementwise", "reduce"):
        return dtype_of(run, draft.inputs[0], depth + 1)
    if draft.inputs and depth < 30 and op is not None and op.kind == "cut":  # `mask & other`
        one, *others = [dtype_of(run, each, depth + 15) for each in draft.inputs]
        if isinstance(one, DtypeV) and all(isinstance(each, DtypeV) and each == one for each in others):
            return one
    return Unknown(origin.Dtype())


@register(GETATTR, DtypeV)
def dtype_attribute(run: Run, value: DtypeV, name: str, frame: Frame) -> Value:
    match name:
        case "is_floating_point":
            return value.floating
        case "is_complex":
            return value.complex
        case _:
            return Unknown(origin.Member("torch.dtype", name))
