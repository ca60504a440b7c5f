"""`GradScaler`: losses scaled, gradients unscaled, optimisers stepped through it."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Frame, Run, register
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
from vglint.interp.nodes.emit import node_of, shape_of
from vglint.interp.torch.given import target_nodes
from vglint.interp.torch.training import act
from vglint.interp.values.objects import BuiltinV, GradScalerV, Site, TensorV, Value
from vglint.value import Unknown

declines((GradScalerV,), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@library(
    "torch.cuda.amp.GradScaler",
    "torch.amp.GradScaler",
    "torch.cuda.amp.grad_scaler.GradScaler",
    takes="*rest, enabled=True, **others",
)
def grad_scaler(call: Call) -> Value:
    enabled = call["enabled"]
    return GradScalerV(call.name, enabled if isinstance(enabled, bool) else None)


@register(GETATTR, GradScalerV)
def attribute(run: Run, value: GradScalerV, name: str, frame: Frame) -> Value:
    if name not in ("scale", "unscale_", "step", "update"):
        return Unknown(origin.Member(value.name, name))

    def method(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        target = args[0] if args else next(iter(keywords.values()), None)
        if name == "scale":
            source = node_of(run, target, site) if target is not None else None
            if source is None:
                return target
            return TensorV(act(run, "scale", [source], {"enabled": value.enabled}, site), shape_of(run, target))
        if name == "unscale_":
            act(run, "unscale", target_nodes(run, target, site), {}, site)
        elif name == "step":
            act(run, "step", target_nodes(run, target, site), {"closure": False, "scaler": True}, site)
        else:
            act(run, "scaler_update", [], {}, site)
        return None

    return BuiltinV(name, method)
