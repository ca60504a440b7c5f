"""`detach-carried`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import body, loops
from vglint.fix.change import Allowed, Answer, Refusal, Request, change


def detach_carried(request: Request) -> Answer:
    """Cuts a state from its history at the end of each turn of the training loop: `hidden = hidden.detach()`, of a tuple each part."""
    source = request.source
    evidence = dict(request.finding.evidence)
    name = str(evidence.get("variable", ""))
    graph = request.graph
    if graph is None or not name.isidentifier():
        return Refusal("the state has no name of its own")
    backwards = [node for node in graph.nodes if node.op == "backward" and node.span.file == request.finding.span.file]
    statement = source.statement(backwards[0].span) if backwards else None
    around = [] if statement is None else loops(source, statement)
    turn = body(around[0]) if around else []
    if not turn or any(True for _ in source.every(cst.Continue, around[0])):
        return Refusal("the training loop is not found")
    bound = [node.value for node in source.every(cst.Name, around[0])]
    if name not in bound:
        return Refusal("the state is kept elsewhere")
    parts = any(node.op.startswith("lstm") for node in graph.nodes) and not _unpacked(request, around[0], name)
    line = f"{name} = tuple(part.detach() for part in {name})" if parts else f"{name} = {name}.detach()"
    return change(
        Allowed(ops=frozenset({"detach", "carried", "getitem"}), links=True, anywhere=True),
        request.after(turn[-1], line),
    )


def _unpacked(request: Request, loop: cst.CSTNode, name: str) -> bool:
    """Whether the name is bound as a part of a tuple of states: `out, (h, c) = lstm(x, (h, c))`."""
    for element in request.source.every(cst.Element, loop):
        if isinstance(element.value, cst.Tuple):
            inner = element.value.elements
            if any(isinstance(one.value, cst.Name) and one.value.value == name for one in inner):
                return True
    return False
