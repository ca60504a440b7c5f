"""`einops`: the function whose arguments stand in another order than torch's; the others are in the op table."""

from __future__ import annotations

from vglint import ops
from vglint.interp.machine.calls import Call, library
from vglint.interp.nodes.operations import emit_call
from vglint.interp.values.objects import Value


@library("einops.einsum", takes="*operands")
def einsum(call: Call) -> Value:
    """einops names the axes in the last argument, torch in the first."""
    spelling = ops.find("torch.einsum")
    if spelling is None or not call.args or not isinstance(call.args[-1], str):
        return call.opaque()
    return emit_call(call.run, spelling, [call.args[-1], *call.args[:-1]], {}, call.site)
