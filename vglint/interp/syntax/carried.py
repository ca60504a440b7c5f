"""What a turn of a training loop hands to the next one together with its history: states that nobody detaches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vglint import ops
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.nodes.emit import emit, under_no_grad
from vglint.interp.static.methods import methods
from vglint.interp.values.inside import entries, inside
from vglint.interp.values.objects import ClassV, Instance, ListV, ParamV, Site, TensorV, Value
from vglint.ops import sources_of
from vglint.source import code
from vglint.source.names import target_names

_LAYERS = 64
"""The most tensors that a network's state is taken to have: one or two for each of its layers."""


@dataclass(frozen=True, slots=True)
class Held:
    """A local name or an attribute and the tensors that it held before a loop: by identity of its table, and its name."""

    table: dict[str, Value]
    owner: Instance | None
    """Whose attributes they are."""
    name: str
    nodes: tuple[int, ...]
    made: tuple[ParamV | TensorV, ...]
    """The tensors themselves: those that were made while a module was built get another node when forward first reads them."""
    empty: bool


def held(run: Run, frame: Frame) -> list[Held]:
    """Returns what training code holds in names and attributes before a loop."""
    if not run.context.training_code:
        return []
    found: list[Value] = [*run.graph.modules, frame.self_, *frame.scope.names.values()]
    owners = {id(value): value for value in found if isinstance(value, Instance)}
    tables = [(frame.scope.names, None), *((owner.attrs, owner) for owner in owners.values())]
    run.budget.tick((len(tables) + sum(len(table) for table, _ in tables)) // 4)
    return [
        Held(table, owner, name, tuple(each.node for each in made if isinstance(each, TensorV)), made, value is None)
        for table, owner in tables
        for name, value in table.items()
        if value is None or (isinstance(value, (TensorV, ParamV, tuple, ListV)) and not _is_data(value))
        for made in (_made(value),)
    ]


def note_carried(
    run: Run, loop: code.For, before: list[Held], start: int, frame: Frame, walk: Callable[[], object]
) -> None:
    """Notes each state that a turn reads, replaces by one that goes on from its history, and hands to the next turn's backward pass.

    Where nothing is trained and the graph is retained, the gradient is only looked at. What one turn alone sends back is not sent back by the
    next. A state that was None at first is followed into a second turn, where the code may cut it. Of a loop whose turns were walked one by
    one, the last pass tells whether the first state reaches it."""
    turn = range(start, len(run.graph.nodes))
    trains = any(run.graph.nodes[number].op == "step" for number in turn)
    last = {
        (id(site.node) if (site := run.graph.nodes[number].site) is not None else number): number
        for number in turn
        if run.graph.nodes[number].op == "backward"
        and not _in_one_turn(run, number)
        and (trains or run.graph.nodes[number].config.get("retain_graph") is not True)
    }
    backwards = list(last.values())
    if not before or not backwards:
        return
    used = _behind(run, backwards)
    for place in before:
        after = [node for node in nodes_of(place.table.get(place.name)) if node >= start]
        if not after or any(run.graph.nodes[node].op == "join" for node in after):
            continue
        if place.table is frame.scope.names and _bound_first(loop, place.name):
            continue
        given = _given_to_itself(loop, place.name) if place.table is frame.scope.names else None
        if not (used & _read(run, place) or (place.empty and given is not None)):
            continue
        kept = [node for node in after if has_history(run, node)]
        if (
            kept
            and _goes_on(run, kept, used, _read(run, place), start)
            and (not place.empty or _is_used_again(run, kept, walk))
        ):
            local = given or (_last_bound(loop, place.name) if place.table is frame.scope.names else None)
            site = Site(frame.unit, local) if local is not None else _stored(place) or run.graph.nodes[kept[0]].site
            emit(run, "carried", kept, {"name": place.name}, site)
            run.graph.nodes[-1].setup = False


def _goes_on(run: Run, kept: list[int], used: set[int], read: set[int], start: int) -> bool:
    """Whether what a turn leaves is made of the state that it got, or of what a backward pass of the turn has gone through. What is
    made afresh beside them has a history that no pass has freed."""
    history = _behind(run, kept)
    return not history.isdisjoint(read) or any(
        node >= start and run.graph.nodes[node].op != "parameter" and has_history(run, node) for node in history & used
    )


def _bound_first(loop: code.For, name: str) -> bool:
    """Whether each turn is written to bind a name before it reads it, be it under a condition: nothing is made of what the turn before left."""
    binding = _bindings(loop, name)
    targets = {part.start for each in binding for target in each.targets for part in code.walk(target)}
    read = [
        each.start
        for each in code.walk(*loop.body)
        if isinstance(each, code.Name) and each.id == name and each.start not in targets
    ]
    return bool(binding and read) and max(each.end for each in binding) <= min(read)


def _in_one_turn(run: Run, number: int) -> bool:
    """Whether a node runs in a single turn of the loop that is noted."""
    region: int | None = run.graph.nodes[number].region
    while region is not None and region != run.graph.region:
        if run.graph.regions[region].role == "one_turn":
            return True
        region = run.graph.regions[region].parent
    return False


def _stored(place: Held) -> Site | None:
    """Returns the statement by which a method replaces an attribute of its object by what it calls: `out, self.state = self.rnn(x, self.state)`."""
    found = place.owner.cls if place.owner is not None else None
    for cls in found.mro if isinstance(found, ClassV) else ():
        if not isinstance(cls, ClassV) or cls.node is None:
            continue
        for method in methods(cls.node).values():
            for each in code.walk(method) if method.name != "__init__" else ():
                if isinstance(each, code.Assign) and isinstance(each.value, code.Call):
                    targets = (part for target in each.targets for part in code.walk(target))
                    if any(isinstance(part, code.Attribute) and part.attr == place.name for part in targets):
                        return Site(cls.unit, each)
    return None


def _is_used_again(run: Run, kept: list[int], walk: Callable[[], object]) -> bool:
    """Whether a backward pass of the next turn reaches what this turn made; that turn is walked and taken back."""
    end = len(run.graph.nodes)
    with attempted(run) as attempt:
        try:
            walk()
            backwards = [
                number for number in range(end, len(run.graph.nodes)) if run.graph.nodes[number].op == "backward"
            ]
            return not backwards or bool(_behind(run, backwards) & set(kept))
        except (Raised, BudgetError):
            return True
        finally:
            attempt.undo(run)


def _is_data(value: Value) -> bool:
    """Whether a sequence is too long to be the state of a network: a table of anchors, a list of files, which each loop would read anew."""
    items = value.items if isinstance(value, ListV) else value if isinstance(value, tuple) else ()
    return len(items) > _LAYERS


def nodes_of(value: Value) -> tuple[int, ...]:
    return tuple(each.node for each in _made(value) if isinstance(each, TensorV))


def _read(run: Run, place: Held) -> set[int]:
    """Returns the nodes by which forward reads what a place held; a tensor that was detached in place is read by none."""
    buffers = [
        run.graph.constants.get((tensor.node, tensor.pick)) for tensor in place.made if isinstance(tensor, TensorV)
    ]
    found = [each.node for each in (*place.made, *buffers) if each is not None]
    return {*place.nodes, *(node for node in found if node is not None and not _cuts(run, node))}


def _cuts(run: Run, node: int) -> bool:
    op = ops.OPS.get(run.graph.nodes[node].op)
    return op is not None and op.kind == "cut"


def _made(value: Value) -> tuple[ParamV | TensorV, ...]:
    """Returns the tensors in lists and tuples."""
    if value is None:
        return ()
    if isinstance(value, (ParamV, TensorV)):
        return (value,)
    found = inside(value, widest=10_000, through=_sequence)
    return tuple(each for each in found if isinstance(each, (ParamV, TensorV)))


def _sequence(value: Value) -> Iterable[Value]:
    return entries(value) if isinstance(value, (tuple, ListV)) else ()


def _behind(run: Run, start: list[int]) -> set[int]:
    """Returns the nodes that a gradient reaches from some nodes; what runs under no_grad has no history, and what one arm of a branch
    detaches is not followed."""
    seen: set[int] = set()
    todo = list(start)
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        op = ops.OPS.get(run.graph.nodes[number].op)
        if (op is None or op.kind not in ("cut", "create")) and not under_no_grad(run, run.graph.nodes[number].region):
            sources = sources_of(run.graph.nodes[number].op, tuple(run.graph.nodes[number].inputs))
            if run.graph.nodes[number].op != "join" or not any(_cuts(run, source) for source in sources):
                todo += sources
    return seen


def has_history(run: Run, node: int) -> bool:
    return any(
        param.trainable and not param.buffer
        for number in _behind(run, [node])
        if ((op := ops.OPS.get(run.graph.nodes[number].op)) is None or op.kind != "train")
        and not under_no_grad(run, run.graph.nodes[number].region)
        for _, param in run.graph.nodes[number].params
    )


def _given_to_itself(loop: code.For, name: str) -> code.Assign | None:
    """Returns the first assignment in a loop that passes a name to the call whose result it gets: `y, h = net(x, h)`; None where
    something else binds the name before."""
    todo: list[code.Node] = list(loop.body)
    while todo:
        node = todo.pop(0)
        if isinstance(node, code.Assign):
            targets = [name_ for target in node.targets for name_ in target_names(target)]
            if name in targets:
                given = isinstance(node.value, code.Call) and any(_names(arg, name) for arg in node.value.args)
                return node if given else None
        elif isinstance(
            node, (code.If, code.For, code.While, code.With, code.Try, code.Handler, code.Match, code.Case)
        ):
            todo = [*code.children(node), *todo]
    return None


def _last_bound(loop: code.For, name: str) -> code.Assign | None:
    """Returns the last assignment in a loop that binds a name."""
    found = _bindings(loop, name)
    return found[-1] if found else None


def _bindings(loop: code.For, name: str) -> list[code.Assign]:
    """Returns the assignments in a loop that bind a name."""
    return [
        node
        for node in code.walk(*loop.body)
        if isinstance(node, code.Assign) and any(name in target_names(target) for target in node.targets)
    ]


def _names(value: code.Expression, name: str) -> bool:
    return isinstance(value, code.Name) and value.id == name
