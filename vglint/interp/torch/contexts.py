"""`torch.no_grad()` and `torch.autocast()`: context managers that say how the nodes inside compute."""

from __future__ import annotations

from vglint import origin
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
from vglint.interp.nodes.emit import emit, under_no_grad
from vglint.interp.values.objects import BuiltinV, ContextV, Site, Value
from vglint.value import Unknown

declines((ContextV,), SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
NO_GRAD = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.grad_mode.no_grad"}
)
SWITCHES = frozenset({"torch.set_grad_enabled", "torch.autograd.set_grad_enabled"})
AUTOCAST = frozenset({"torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast", "torch.cpu.amp.autocast"})


@register(CALL, ContextV)
def put_around(
    run: Run, value: ContextV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Performs `torch.enable_grad()(closure)`; what else is put around a function is not followed."""
    return args[0] if value.region == "grad" and args else Unknown(origin.Call(value.name))


@register(ENTER, ContextV)
def enter(run: Run, value: ContextV, frame: Frame, site: Site) -> Value:
    if value.region == "no_grad" and run.context.recomputed:
        return None
    if value.region == "grad" and not under_no_grad(run, run.graph.region):
        return None
    if value.region != "none":
        _open(run, value, site)
    return None


@register(GETATTR, ContextV)
def attribute(run: Run, value: ContextV, name: str, frame: Frame) -> Value:
    """Gives `__enter__` and `__exit__` to code that manages a context by hand, such as a class that is one itself."""
    if name not in ("__enter__", "__exit__"):
        return Unknown(origin.Member(value.name, name))

    def method(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        before = run.graph.region
        if name == "__exit__":
            _close(run, value)
        else:
            enter(run, value, frame, site)
            run.graph.regions[run.graph.region].switch |= run.graph.region != before
        return None

    return BuiltinV(name, method)


def _close(run: Run, value: ContextV) -> None:
    """Ends what was entered by hand."""
    current = run.graph.regions[run.graph.region]
    if value.region == current.kind and current.parent is not None:
        run.graph.region = current.parent


def switch_gradients(run: Run, value: Value, site: Site) -> None:
    """Performs `torch.set_grad_enabled(mode)` as a statement: it holds for what follows until another one."""
    if not isinstance(value, ContextV) or value.name not in SWITCHES:
        return
    emit(run, "grad_mode", [], {"value": value.region == "grad"}, site)
    current = run.graph.regions[run.graph.region]
    if value.region == "no_grad" and current.kind != "no_grad":
        _open(run, value, site)
    elif value.region == "grad" and current.switch and current.kind == "no_grad" and current.parent is not None:
        run.graph.region = current.parent
    elif value.region == "grad" and under_no_grad(run, run.graph.region):
        _open(run, value, site)


def _open(run: Run, value: ContextV, site: Site) -> None:
    assert value.region != "none"
    opened = run.graph.open_region(value.region, value.text, site, role=value.role)
    run.graph.regions[opened].switch = value.name in SWITCHES
