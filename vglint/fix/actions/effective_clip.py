"""`effective-clip`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import assignments, in_block_of
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.graph import Graph, Node
from vglint.ops import having

_CLIPS = having("clips")


def effective_clip(request: Request) -> Answer:
    """Makes a clip change the step: a list in place of an iterator that is used up, or the clip between backward pass and step."""
    source = request.source
    statement = source.statement(request.finding.span)
    found = [(graph, node) for graph, node in request.nodes_at(request.finding.span) if node.op in _CLIPS]
    if statement is None or not found:
        return Refusal("the clip is not found")
    graph, clip = found[0]
    if clip.get("exhausted") is True:
        return _listed(request)
    step = _next(graph, "step", clip.index, before=True)
    backward = _next(graph, "backward", clip.index, before=False)
    allowed = Allowed(ops=_CLIPS)
    whole = source.whole_line(statement)
    if whole is None or source.block(statement) is None:
        return Refusal("it shares its line with others")
    text = source.text[whole[0] : whole[1]].strip()
    anchor, put = None, None
    if step is not None and (anchor := source.statement(step.span)) is not None:
        other = in_block_of(source, anchor, statement)
        put = None if other is None or other is statement else request.before(other, text)
    elif backward is not None and (anchor := source.statement(backward.span)) is not None:
        other = in_block_of(source, anchor, statement)
        put = None if other is None or other is statement else request.after(other, text)
    return Refusal("it stands in another block") if put is None else Change((put, (*whole, "")), allowed)


def _next(graph: Graph, op: str, index: int, *, before: bool) -> Node | None:
    """Returns the node of an op that comes right before or behind a node."""
    nodes = [node for node in graph.nodes if node.op == op and (node.index < index) == before]
    found = (nodes[-1] if before else nodes[0]) if nodes else None
    return found if found is not None and found.span.file == graph.nodes[index].span.file else None


def _listed(request: Request) -> Answer:
    """Turns the iterator that the clip is given into a list where it is made."""
    source = request.source
    call = source.at(request.finding.span)
    if not isinstance(call, cst.Call) or not call.args:
        return Refusal("the clip is not written as a call")
    given = call.args[0].value
    function = source.around(call, cst.FunctionDef, cst.Module)
    made = [] if function is None else assignments(source, source.code(given), function)
    if len(made) != 1 or made[0].value is None:
        return Refusal("the iterator is not made by one assignment of this function")
    start, end = source.range(made[0].value)
    if isinstance(made[0].value, cst.GeneratorExp):
        return Change(((start, start, "list"),), Allowed(config=frozenset({"exhausted"}), links=True))
    return Change(((start, start, "list("), (end, end, ")")), Allowed(config=frozenset({"exhausted"}), links=True))
