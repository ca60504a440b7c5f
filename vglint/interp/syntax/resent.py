"""What a training loop sends back in each turn and computed once before it, what each of its turns overwrites unread,
leaves that it replaces, iterators that were used up before it, and parameters that it assigns in vain."""

from __future__ import annotations

from collections.abc import Sequence

from vglint import ops
from vglint.interp.machine.core import Frame, Run
from vglint.interp.nodes.emit import emit, under_no_grad
from vglint.interp.static.liveness import changes_gradients, lost_rebindings
from vglint.interp.syntax.carried import Held, has_history
from vglint.interp.values.objects import IteratorV, ParamV, Site, TensorV, Value
from vglint.ops import sources_of
from vglint.source import code
from vglint.source.names import bound_names, target_names


def note_resent(run: Run, loop: code.For | code.While, before: Sequence[Held], start: int, frame: Frame) -> None:
    """Notes each local name that a loop reads and never binds, and whose tensor of before the loop a backward pass in it goes through.
    What reaches the pass through two arms of a branch is not followed: another turn may take the other arm."""
    backwards = [number for number in range(start, len(run.graph.nodes)) if run.graph.nodes[number].op == "backward"]
    if not before or not backwards or _leaves(loop):
        return
    names = frame.scope.names
    fixed = _read_only(loop)
    crossing = _entering(run, backwards, start)
    for place in before:
        value = names.get(place.name)
        if place.table is not names or place.name not in fixed or not isinstance(value, TensorV):
            continue
        if value.node in crossing and value.node in place.nodes and has_history(run, value.node):
            emit(run, "resent", [value.node], {"name": place.name}, Site(frame.unit, loop))
            run.graph.nodes[-1].setup = False


def note_overwritten(run: Run, loop: code.For, start: int, frame: Frame) -> None:
    """Notes each tensor that a turn binds to a name which the loop never reads: only the last turn's is left behind it."""
    turn, words = {*target_names(loop.target)}, [each for each in code.walk(*loop.body) if isinstance(each, code.Name)]
    if run.context.setup or not turn & {each.id for each in words}:
        return
    if any(
        isinstance(each, (code.Jump, code.Return, code.Raise, code.Function, code.Lambda))
        for each in code.walk(*loop.body)
    ):
        return
    for each in loop.body:
        match each:
            case code.Assign(targets=(code.Name(id=name),)) if sum(word.id == name for word in words) == 1:
                value = frame.scope.names.get(name)
                made = value.node if isinstance(value, TensorV) else -1
                if made >= start and has_history(run, made):
                    emit(run, "overwritten", [made], {"name": name}, Site(frame.unit, each))
                    run.graph.nodes[-1].setup = False
            case _:
                pass


def note_replaced(run: Run, loop: code.For | code.While, start: int, frame: Frame) -> None:
    """Notes each name to which a step by hand, `w = w - lr * w.grad`, gives a new tensor with a history: the next turn finds no gradient of it. Not one
    that the loop marks again."""
    inside = [*code.walk(*loop.body)]
    bindings = [each for each in inside if isinstance(each, code.Assign) and isinstance(each.targets[0], code.Name)]
    for each in bindings if run.context.training_code else ():
        name = each.targets[0].id if isinstance(each.targets[0], code.Name) else ""
        uses = {use.attr for use in inside if isinstance(use, code.Attribute) and code.dotted(use.value) == name}
        once = sum(name in target_names(target) for other in bindings for target in other.targets) == 1
        value = frame.scope.names.get(name)
        draft = run.graph.nodes[value.node] if isinstance(value, TensorV) and value.node >= start else None
        if (
            not once
            or "grad" not in uses
            or any(map(_marks, uses))
            or draft is None
            or draft.op != "sub"
            or not draft.inputs
        ):
            continue
        old = run.graph.nodes[draft.inputs[0]]
        stepped = any(isinstance(use, code.Attribute) and use.attr == "grad" for use in code.walk(each.value))
        marked = old.config.get("requires_grad") is True or (old.op == "requires_grad" and old.config["value"] is True)
        if stepped and marked and not under_no_grad(run, draft.region):
            emit(run, "rebind", [], {"name": name, "by_hand": True}, Site(frame.unit, each))
            run.graph.nodes[-1].setup = False


def _marks(attr: str) -> bool:
    """Whether a method or attribute of a tensor makes it a leaf again, keeps its gradient or changes it in place."""
    spelling = ops.method(attr)
    detached = attr == "data" or (spelling is not None and ops.has(spelling.op, "detaches"))
    return detached or attr.endswith("_") or attr.endswith("_grad")


def _read_only(loop: code.For | code.While) -> set[str]:
    """Returns the names that a loop reads, in its body or to go over them, and that it neither binds nor deletes."""
    over = (loop.iter,) if isinstance(loop, code.For) else ()
    read = {node.id for node in code.walk(*over, *loop.body) if isinstance(node, code.Name)}
    gone = {
        name
        for node in code.walk(*loop.body)
        if isinstance(node, code.Delete)
        for target in node.targets
        for name in target_names(target)
    }
    return read - {*bound_names((loop,))} - gone


def _leaves(loop: code.For | code.While) -> bool:
    """Whether a loop is made to end in the turn that gets through it: `while True: … break`, and a `for` whose body ends so."""
    last = (*code.walk(*loop.body),) if isinstance(loop, code.While) else loop.body[-1:]
    return any(
        isinstance(node, (code.Return, code.Raise)) or (isinstance(node, code.Jump) and node.kind == "break")
        for node in last
    )


def _entering(run: Run, backwards: list[int], start: int) -> set[int]:
    """Returns the nodes of before a loop that what the loop itself computes for its backward passes is computed from, and a gradient reaches."""
    entering: set[int] = set()
    seen: set[int] = set()
    todo = list(backwards)
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        draft = run.graph.nodes[number]
        if number < start:
            entering.add(number)
            continue
        op = ops.OPS.get(draft.op)
        cut = op is not None and op.kind in ("cut", "create")
        if not cut and draft.op != "join" and not under_no_grad(run, draft.region):
            todo += sources_of(draft.op, tuple(draft.inputs))
    return entering


def note_used_up(run: Run, source: Value, node: code.For, frame: Frame, site: Site) -> None:
    """Notes a loop that would change gradients and gets an iterator of parameters that was used up before: where the function is called that
    gets it, or where it is made."""
    if not (
        run.context.training_code and isinstance(source, IteratorV) and source.exhausted and changes_gradients(node)
    ):
        return
    params = [(str(number), item) for number, item in enumerate(source.items or ()) if isinstance(item, ParamV)]
    if params:
        made, called = source.origin, frame.called
        inside = called is None or (made is not None and made.unit is frame.unit and called.unit is not frame.unit)
        place = (made or site) if inside else called  # a helper clips what it is called with
        draft = emit(run, "clip_grad_norm", [], {"exhausted": True, "complete": True}, place, params=params)
        draft.setup = False


def note_rebindings(run: Run, node: code.For, frame: Frame) -> None:
    """Notes assignments to the variable of a loop over parameters that change no parameter."""
    for found in lost_rebindings(node, frame.scope.module.module):
        emit(run, "rebind", [], {"name": found.name}, Site(frame.unit, found.statement))
        run.graph.nodes[-1].setup = False
