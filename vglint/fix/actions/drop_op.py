"""`drop-op`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.callers import Callers, callers
from vglint.fix.calls import argument, grouped, in_place_of
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request, change
from vglint.fix.source import Source, Splice
from vglint.graph import Graph, Node
from vglint.ops import OPS, find, has
from vglint.span import Span


def drop_op(request: Request) -> Answer:
    """Takes an operation of one tensor out: `F.softmax(x, dim=1)` and `x.softmax(1)` become `x`, `nn.Softmax(dim=1)` becomes `nn.Identity()`.

    With the argument `related`, that at the finding's first other place. Where something else than the loss reads the operation's result, the operation
    moves there, or only the loss is given what stood before it.
    """
    span = request.target
    node = None if span is None else request.source.at(span)
    if span is None or not isinstance(node, (cst.Call, cst.Attribute)):
        return Refusal("it is not written as a call")
    found = [(graph, one) for graph, one in request.nodes_at(span) if one.op != "input"]
    if request.with_ and any(_feeds_layers(graph, one) for graph, one in found):
        return Refusal("it also stands before other layers")
    ops = frozenset(one.op for _, one in found)
    if len(ops) != 1:
        return Refusal("several operations stand there")
    inner = _inner(request, node)
    allowed = Allowed(ops=ops | {"identity"}, anywhere=True)
    readers = _readers(request, found)
    moved = _moved(request, found, readers) if readers and request.with_ else ()
    others = callers(request, node, [graph for graph, _ in found]) if request.with_ else Callers()
    if isinstance(inner, str):
        edits = (*request.source.range(node), inner), *moved
        return _change(request, edits, allowed, [] if moved else readers, others)
    if inner is None:
        return Refusal("its argument cannot be told")
    if readers and request.with_:
        return _beside(request, node, inner, allowed, readers, moved, others)
    statement = _rebinding(request.source, node, inner)
    if statement is not None:
        return change(allowed, request.without(statement), why="its block would be empty")
    edit = (*request.source.range(node), in_place_of(request.source, node, inner))
    return _change(request, (edit,), allowed, [], others)


def _feeds_layers(graph: Graph, node: Node) -> bool:
    """Whether a layer with weights comes behind a node: its operation then does more than shape what a loss is given."""
    behind = {node.index}
    for reader in graph.nodes[node.index + 1 :]:
        if not behind.isdisjoint(reader.inputs) and reader.op != "backward":
            if reader.params and reader.op in OPS and OPS[reader.op].kind == "weight":
                return True
            behind.add(reader.index)
    return False


def _inner(request: Request, call: cst.Call | cst.Attribute) -> cst.BaseExpression | str | None:
    """Returns the expression that is left of a call, or the text of the module that takes its place."""
    if isinstance(call, cst.Attribute):
        return call.value
    said = request.names.dotted(call.func)
    spelling = find(said) if said is not None else None
    if argument(call, "dtype") is not None:
        return None
    if spelling is not None and spelling.form == "module":
        identity = request.names.spelled("torch.nn.Identity")
        return None if identity is None else f"{identity}()"
    if said is not None and spelling is None:
        return None
    if spelling is not None or _is_module_call(call):
        given = argument(call, spelling.args[0].name if spelling is not None and spelling.args else "input", 0)
        return None if given is None or given.star else given.value
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def _is_module_call(call: cst.Call) -> bool:
    """Whether an instance is called: `self.softmax(x)`, `nn.Softmax(dim=1)(x)`."""
    func = call.func
    own = isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value == "self"
    return own or isinstance(func, (cst.Call, cst.Subscript))


def _readers(request: Request, found: list[tuple[Graph, Node]]) -> list[Node]:
    """Returns the nodes that read the operation's values for something else than a loss, one that is written by hand included, or an order."""
    readers: dict[Node, None] = {}
    for graph, node in found:
        todo, seen = [node.index], {node.index}
        while todo:
            index = todo.pop()
            for reader in graph.nodes:
                if index not in reader.inputs or reader.index in seen:
                    continue
                seen.add(reader.index)
                kind = OPS[reader.op].kind if reader.op in OPS else "other"
                is_read = any(reader.index in other.inputs for other in graph.nodes[reader.index :])
                if kind == "shape" or reader.op == "getitem" or (has(reader.op, "copies") and is_read):
                    todo.append(reader.index)
                elif kind != "loss" and reader.op != "log_softmax" and not _asks_order(request, reader):
                    readers[reader] = None
    return list(readers)


def _asks_order(request: Request, reader: Node) -> bool:
    """Whether the order of the values is all that is asked: `argmax`, or the places of `_, places = x.max(1)` and `x.topk(5)[1]`."""
    if not has(reader.op, "selects"):
        return has(reader.op, "orders")
    source = request.source
    place = source.at(reader.span) if reader.span.file == request.finding.span.file else None
    match None if place is None else source.parent(place):
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Tuple(elements=[cst.Element(value=cst.Name(value="_")), *_]))]
        ):
            return True
        case cst.Attribute(attr=cst.Name(value="indices")):
            return True
        case cst.Subscript(slice=[cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value="1")))]):
            return True
        case _:
            return False


def _moved(request: Request, found: list[tuple[Graph, Node]], readers: list[Node]) -> tuple[Splice, ...]:
    """Returns the edits that apply the operation where its result is read beside the loss, under the name that the loss is given; none where
    one of these places has another form."""
    source = request.source
    loss = source.at(request.finding.span)
    given = argument(loss, "input", 0) if isinstance(loss, cst.Call) else None
    node = found[0][1]
    function = request.names.spelled(f"torch.{node.op}") or request.names.spelled(f"torch.nn.functional.{node.op}")
    if given is None or not isinstance(given.value, cst.Name) or function is None:
        return ()
    dim = f", dim={node.get('dim')}" if node.get("dim") is not None else ""
    splices: dict[Splice, None] = {}
    for reader in readers:
        place = source.at(reader.span) if reader.span.file == request.finding.span.file else None
        uses = (
            [] if place is None else [one for one in source.every(cst.Name, place) if _is_use(source, one, given.value)]
        )
        scopes = {source.around(one, cst.FunctionDef, cst.Module) for one in (*uses, given.value)}
        if len(uses) != 1 or len(scopes) != 1:
            return ()
        start, end = source.range(uses[0])
        splices[start, end, f"{function}({given.value.value}{dim})"] = None
    return tuple(splices)


def _is_use(source: Source, name: cst.Name, given: cst.Name) -> bool:
    """Whether a name is read, and is the one that the loss is given."""
    around = source.parent(name)
    is_label = (isinstance(around, cst.Attribute) and around.attr is name) or (
        isinstance(around, cst.Arg) and around.keyword is name
    )
    return name.value == given.value and not is_label


def _change(
    request: Request, edits: tuple[Splice, ...], allowed: Allowed, readers: list[Node], others: Callers
) -> Change:
    """Returns a change after which an output means something else; its note names the code whose reading of the result the graphs show, by its text: a
    line's number would be another one in a notebook."""
    texts = list(dict.fromkeys(_text_of(request.source, node.span, request.finding.span.file) for node in readers))
    note = ""
    if texts:
        verb = f"and {len(texts) - 1} more read" if len(texts) > 1 else "reads"
        op = min(allowed.ops - {"identity"})
        note = f"{texts[0]} {verb} the result: apply {op} there"
    return Change(edits, allowed, note, others.makers, others.lines)


def _text_of(source: Source, span: Span, file: str) -> str:
    """Returns the code at a place in few characters; the place where that lies in another file."""
    node = source.at(span) if span.file == file else None
    if node is None:
        return str(span)
    start, end = source.range(node)
    text = " ".join(source.text[start:end].split())
    return f"`{text if len(text) <= _LONG else f'{text[:_LONG]}…'}`"


_LONG = 40


def _beside(
    request: Request,
    call: cst.BaseExpression,
    inner: cst.BaseExpression,
    allowed: Allowed,
    readers: list[Node],
    moved: tuple[Splice, ...],
    others: Callers,
) -> Answer:
    """Gives the loss what stood before the operation, and leaves the operation to those who read its result."""
    source = request.source
    statement = source.statement(call)
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value)]
        ) if value is call:
            pass
        case _:
            return _dropped(request, call, inner, allowed, [] if moved else readers, moved, others)
    loss = source.at(request.finding.span)
    function = source.around(call, cst.FunctionDef, cst.Module)
    if not isinstance(loss, cst.Call) or source.around(loss, cst.FunctionDef, cst.Module) is not function:
        return _dropped(request, call, inner, allowed, [] if moved else readers, moved, others)
    given = next((arg.value for arg in loss.args if isinstance(arg.value, cst.Name) and arg.value.value == name), None)
    if given is None:
        return Refusal("the loss takes it under another name")
    if isinstance(inner, cst.Name) and inner.value != name:
        return Change(((*source.range(given), inner.value),), allowed)
    if any(one.value == "logits" for one in source.every(cst.Name, function)):
        return Refusal("the name logits is taken")
    first = request.before(statement, f"logits = {grouped(source, inner)}")
    if first is None:
        return Refusal("it shares its line with others")
    return Change((first, (*source.range(inner), "logits"), (*source.range(given), "logits")), allowed)


def _dropped(
    request: Request,
    call: cst.BaseExpression,
    inner: cst.BaseExpression,
    allowed: Allowed,
    readers: list[Node],
    moved: tuple[Splice, ...],
    others: Callers,
) -> Answer:
    source = request.source
    own: Splice = (*source.range(call), in_place_of(source, call, inner))
    statement = _rebinding(source, call, inner)
    gone = None if statement is None else request.without(statement)
    return _change(request, (gone or own, *moved), allowed, readers, others)


def _rebinding(source: Source, call: cst.CSTNode, inner: cst.BaseExpression) -> cst.SimpleStatementLine | None:
    """Returns the statement `x = call(x)` around a call, which nothing would be left of; None where it is another one."""
    match source.statement(call):
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[one], value=value)]) as statement if (
            value is call and source.code(one.target) == source.code(inner)
        ):
            return statement
        case _:
            return None
