"""Tensors that are leaves: those that require a gradient from the start, what torch returns unchanged, and parts of parameters."""

from __future__ import annotations

from vglint import ops
from vglint.interp.machine.core import Run
from vglint.interp.values.objects import DeviceV, ParamV, TensorV, Value
from vglint.interp.values.tensors import FLOAT32

_CPU: tuple[Value, ...] = ("cpu", DeviceV("cpu"))


def is_leaf(run: Run, value: TensorV) -> bool:
    """Whether a tensor was made to require a gradient where it was made."""
    return value.grad or (not value.pick and value.node in run.graph.made_on)


def as_made(args: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether `to` asks for what a parameter is made as: 32-bit floats in the computer's memory."""
    wanted = _wanted(args, keywords)
    return wanted is not None and all(each == FLOAT32 or each in _CPU for each in wanted)


def _wanted(args: list[Value], keywords: dict[str, Value]) -> list[Value] | None:
    """Returns the devices and dtypes that `to` is asked for; None where it is asked for more."""
    if not {*keywords} <= {"device", "dtype", "non_blocking"}:
        return None
    return [*args, *(value for name, value in keywords.items() if name != "non_blocking")]


def is_so(run: Run, value: TensorV, name: str, args: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether a tensor that was made to require a gradient is already what a method makes of it, so that torch returns the tensor itself."""
    if value.pick or value.node not in run.graph.made_on:
        return False
    device, dtype = run.graph.made_on[value.node]
    plain = dtype is None or dtype == FLOAT32
    if name == "contiguous":
        return True
    if name == "float":
        return plain and not args
    if name == "cpu":
        return device is None or device in _CPU
    wanted = _wanted(args, keywords)
    home = _CPU if device is None else (device,)
    return wanted is not None and all((each == FLOAT32 and plain) or each in home for each in wanted)


def part_of(run: Run, value: TensorV) -> ParamV | None:
    """Returns the parameter that an indexed part is of: `weight[:3].copy_(x)` writes into it."""
    draft = run.graph.nodes[value.node]
    while draft.inputs and (ops.has(draft.op, "picks") or ops.has(draft.op, "copies")):
        draft = run.graph.nodes[draft.inputs[0]]
    return draft.params[0][1] if draft.op == "parameter" and draft.params else None
