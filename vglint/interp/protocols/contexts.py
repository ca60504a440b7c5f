"""`with`: what entering a context manager does to the nodes inside."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, call, get_attribute
from vglint.interp.values.objects import BuiltinV, ClassV, External, Instance, Site, Value, is_unknown

NO_GRAD = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.grad_mode.no_grad"}
)
AUTOCAST = frozenset({"torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast", "torch.cpu.amp.autocast"})


def enter(run: Run, value: Value, frame: Frame, site: Site) -> Value:
    """Opens the region that a context manager stands for and returns what `as` binds."""
    if not isinstance(value, Instance):
        return value
    kind = value.extra.get("context")
    if kind == "no_grad":
        run.open_region("no_grad", str(value.extra.get("text", "no_grad")), site)
        return None
    if kind == "autocast":
        region = run.open_region("autocast", str(value.extra.get("text", "autocast")), site)
        run.regions[region].count = None
        return None
    if isinstance(value.cls, ClassV):
        method = get_attribute(run, value, "__enter__", frame)
        if not is_unknown(method) and not isinstance(method, BuiltinV):
            return call(run, method, [], {}, frame, site)
    return value


def context(name: str, kind: str, text: str) -> Instance:
    """Returns a context manager of a library that opens a region."""
    return Instance(External(name), {}, None, {"context": kind, "text": text})
