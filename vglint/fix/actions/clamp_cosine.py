"""`clamp-cosine`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped, method
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request


def clamp_cosine(request: Request) -> Answer:
    """Keeps the argument of acos, asin or atanh away from ±1: `torch.acos(c.clamp(-1 + 1e-6, 1 - 1e-6))`."""
    source = request.source
    node = source.at(request.finding.span)
    inner = None
    if isinstance(node, cst.Call):
        inner = method(node, "acos", "arccos", "asin", "arcsin", "atanh", "arctanh")
        called = request.names.dotted(node.func) or ""
        if called.startswith("torch.") and not called.endswith(("acosh", "arccosh")) and len(node.args) == 1:
            inner = node.args[0].value
    if inner is None:
        return Refusal("its argument cannot be told")
    text = f"{grouped(source, inner)}.clamp(-1 + 1e-6, 1 - 1e-6)"
    return Change(((*source.range(inner), text),), Allowed(ops=frozenset({"clamp"})))
