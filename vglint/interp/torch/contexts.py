"""`torch.no_grad()` and `torch.autocast()`: context managers that say how the nodes inside compute."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    ENTER,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.values.objects import ContextV, Site, Value

declines((ContextV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
NO_GRAD = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.grad_mode.no_grad"}
)
AUTOCAST = frozenset({"torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast", "torch.cpu.amp.autocast"})


@register(ENTER, ContextV)
def enter(run: Run, value: ContextV, frame: Frame, site: Site) -> Value:
    run.graph.open_region(value.region, value.text, site, role=value.role)
    return None
