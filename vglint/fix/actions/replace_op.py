"""`replace-op`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice
from vglint.graph import Node
from vglint.ops import find


def replace_op(request: Request) -> Answer:
    """Puts another activation, `with = "torch.nn.GELU"`, in the place of this one and of those of its kind that the finding names."""
    dotted = request.with_
    wanted = find(dotted)
    kinds = {node.op for span in request.places[:1] for _, node in request.nodes_at(span)}
    if wanted is None or len(kinds) != 1:
        return Refusal("its operation is not known")
    old = kinds.pop()
    splices: dict[Splice, None] = {}
    for span in dict.fromkeys(request.places):
        nodes = [node for _, node in request.nodes_at(span) if node.op == old]
        call = request.source.at(span)
        if not nodes or not isinstance(call, cst.Call):
            continue
        splice = _replaced(request, call, nodes[0], dotted, wanted.op)
        if splice is None:
            return Refusal(f"no import leads to {dotted}")
        splices[splice] = None
    if not splices:
        return Refusal("it is not written as a call")
    return Change(tuple(splices), Allowed(ops=frozenset({old, wanted.op}), anywhere=True))


def _replaced(request: Request, call: cst.Call, node: Node, dotted: str, op: str) -> Splice | None:
    """Returns the edit of one call: `nn.Sigmoid()` becomes `nn.GELU()`, `torch.sigmoid(x)` and `x.sigmoid()` become `F.gelu(x)`."""
    source, names = request.source, request.names
    start, end = source.range(call)
    said = names.dotted(call.func)
    module = find(said) if said else None
    if module is not None and module.form == "module":
        spelled = names.spelled(dotted)
        return None if spelled is None else (start, end, f"{spelled}()")
    if node.type is not None:
        return None
    function = names.spelled(f"torch.nn.functional.{op}")
    if function is None:
        return None
    if said is not None and call.args:
        return start, end, f"{function}({source.code(call.args[0].value)})"
    if isinstance(call.func, cst.Attribute) and said is None:
        return start, end, f"{function}({source.code(call.func.value)})"
    return None
