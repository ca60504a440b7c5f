"""`batch-norm-between`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.batch_norm_between import layers_of
from vglint.fix.source import Splice

_PLAIN = (cst.Name, cst.Attribute, cst.Integer, cst.BinaryOperation, cst.Subscript)


def batch_norm_between(request: Request) -> Answer:
    """Puts a BatchNorm of the layer's own width behind each layer: `nn.Linear(a, b)` becomes `nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b))`, inside
    `nn.Sequential` the two stand beside each other."""
    model = model_of(request)
    layers = {} if model is None else layers_of(model)
    if model is None or not layers:
        return Refusal("no layers with an activation behind them are found in the graph")
    splices: dict[Splice, None] = {}
    for index, (_, kind) in layers.items():
        span = model.view.graph.nodes[index].span
        call = request.source.at(span) if span.file == request.finding.span.file else None
        norm = request.names.spelled(f"torch.nn.{kind}")
        splice = _behind(request, call, norm) if isinstance(call, cst.Call) and norm is not None else None
        if splice is None:
            return Refusal("a layer is not built by a call of this file that names its width")
        splices[splice] = None
    return Change(tuple(splices), Allowed(ops=frozenset({"batch_norm"}), registered=True, anywhere=True))


def _behind(request: Request, call: cst.Call, norm: str) -> Splice | None:
    """Returns the edit that puts a normalisation behind a layer's construction."""
    source = request.source
    is_convolution = norm.endswith(("2d", "3d")) or "Conv" in (request.names.dotted(call.func) or "")
    width = argument(call, "out_channels" if is_convolution else "out_features", 1)
    if width is None or not isinstance(width.value, _PLAIN):
        return None
    start, end = source.range(call)
    made = f"{norm}({source.code(width.value)})"
    around = source.parent(source.parent(call) or call)
    if isinstance(around, cst.Call) and request.names.dotted(around.func) == "torch.nn.Sequential":
        return end, end, f", {made}"
    sequence = request.names.spelled("torch.nn.Sequential")
    return None if sequence is None else (start, end, f"{sequence}({source.code(call)}, {made})")
