"""What a turn of a training loop hands to the next one together with its history: states that nobody detaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from vglint import ops
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.nodes.emit import emit, under_no_grad
from vglint.interp.static.methods import methods
from vglint.interp.values.inside import nodes_of, stored_in
from vglint.interp.values.objects import ClassV, DictV, Instance, ListV, ParamV, Site, TensorV, Value
from vglint.ops import sources_of
from vglint.source import code
from vglint.source.names import target_names
from vglint.source.unit import Unit

_LAYERS = 64
"""The most tensors that a network's state is taken to have: one or two for each of its layers."""


class Held(Struct, frozen=True):
    """A local name, an attribute or an entry of a dict and the tensors that it held before a loop: by identity of its table, and its name."""

    table: dict[Any, Value]
    owner: Instance | None
    """Whose attributes they are, or what holds the dict in one."""
    name: str
    holder: str
    """The name of the dict."""
    nodes: tuple[int, ...]
    made: tuple[ParamV | TensorV, ...]
    """The tensors themselves: those that were made while a module was built get another node when forward first reads them."""
    empty: bool
    mapping: DictV | None
    """The dict that it held, whose entries are places of their own."""


def held(run: Run, frame: Frame) -> list[Held]:
    """Returns what training code holds in names and attributes before a loop."""
    if not run.context.training_code:
        return []
    found: list[Value] = [*run.graph.modules, frame.self_, *frame.scope.names.values()]
    owners = {id(value): value for value in found if isinstance(value, Instance)}
    tables: list[tuple[dict[Any, Value], Instance | None, str]] = [
        (frame.scope.names, None, ""),
        *((owner.attrs, owner, "") for owner in owners.values()),
    ]
    dicts = {
        id(value): (value.items, owner, name)
        for table, owner, _ in tables
        for name, value in table.items()
        if isinstance(value, DictV) and len(value.items) <= _LAYERS
    }
    tables += dicts.values()
    run.budget.tick((len(tables) + sum(len(table) for table, _, _ in tables)) // 4)
    return [
        Held(
            table,
            owner,
            name,
            holder,
            tuple(each.node for each in made if isinstance(each, TensorV)),
            made,
            value is None,
            value if isinstance(value, DictV) else None,
        )
        for table, owner, holder in tables
        for name, value in table.items()
        if isinstance(name, str)
        if value is None or (isinstance(value, (TensorV, ParamV, tuple, ListV, DictV)) and not _is_data(value))
        for made in (stored_in(value),)
    ]


def note_carried(
    run: Run, loop: code.For | code.While, before: list[Held], start: int, frame: Frame, walk: Callable[[], object]
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
    again: list[frozenset[int] | None] = []
    for place in before:
        left = place.table.get(place.name)
        after = [node for node in nodes_of(left) if node >= start]
        if not after or left is place.mapping or any(run.graph.nodes[node].op == "join" for node in after):
            continue
        is_local = place.table is frame.scope.names
        if is_local and _bound_first(loop, place.name):
            continue
        given = _given_to_itself(loop, place.name) if is_local else None
        if not (used & _read(run, place) or (place.empty and (given is not None or not is_local))):
            continue
        kept = [node for node in after if has_history(run, node)]
        if (
            kept
            and _goes_on(run, kept, used, _read(run, place), start)
            and (not place.empty or _is_used_again(run, kept, walk, again, unless_known=given is not None))
        ):
            local = given or (_last_bound(loop, place.name) if is_local else None)
            stored = Site(frame.unit, local) if local is not None else _stored(place, Site(frame.unit, loop))
            name = f"{place.holder}[{place.name!r}]" if place.holder else place.name
            emit(run, "carried", kept, {"name": name}, stored or run.graph.nodes[kept[0]].site)
            run.graph.nodes[-1].setup = False


def _goes_on(run: Run, kept: list[int], used: set[int], read: set[int], start: int) -> bool:
    """Whether what a turn leaves is made of the state that it got, or of what a backward pass of the turn has gone through. What is
    made afresh beside them has a history that no pass has freed, and copies of a parameter one in which there is nothing to free."""
    history = _behind(run, kept)
    return not history.isdisjoint(read) or any(
        node >= start
        and run.graph.nodes[node].op != "parameter"
        and not ops.has(run.graph.nodes[node].op, "copies")
        and has_history(run, node)
        for node in history & used
    )


def _bound_first(loop: code.For | code.While, name: str) -> bool:
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


def _stored(place: Held, loop: Site) -> Site | None:
    """Returns the statement by which a method replaces an attribute of its object by what it calls, or a loop an entry of a dict; rather one
    that gives what was there to the call: `out, self.state = self.rnn(x, self.state)`."""
    found = place.owner.cls if place.owner is not None else None
    stored: list[tuple[bool, Site]] = []
    for unit, node in ((loop.unit, loop.node), *_methods(found)) if place.holder else _methods(found):
        for each in code.walk(node):
            if not isinstance(each, code.Assign) or not isinstance(each.value, code.Call):
                continue
            if any(_reads(target, place) for target in each.targets):
                stored.append((not _reads(each.value, place), Site(unit, each)))
    return min(stored, key=lambda one: one[0])[1] if stored else None


def _methods(found: Value) -> Iterator[tuple[Unit, code.Node]]:
    for cls in found.mro if isinstance(found, ClassV) else ():
        if isinstance(cls, ClassV) and cls.node is not None:
            for method in methods(cls.node).values():
                if method.name != "__init__":
                    yield cls.unit, method


def _reads(node: code.Node, place: Held) -> bool:
    """Whether code names an attribute, or an entry by its key."""
    for part in code.walk(node):
        if place.holder and isinstance(part, code.Subscript) and isinstance(part.key, code.Constant):
            if part.key.value == place.name:
                return True
        elif not place.holder and isinstance(part, code.Attribute) and part.attr == place.name:
            return True
    return False


def _is_used_again(
    run: Run, kept: list[int], walk: Callable[[], object], again: list[frozenset[int] | None], *, unless_known: bool
) -> bool:
    """Whether a backward pass of the next turn reaches what this turn made; `unless_known` is the answer where that turn does not tell."""
    if not again:
        again.append(_reached_next(run, walk))
    return unless_known if again[0] is None else not again[0].isdisjoint(kept)


def _reached_next(run: Run, walk: Callable[[], object]) -> frozenset[int] | None:
    """Returns the nodes of this turn and before that the backward passes of the next turn reach; that turn is walked and taken back."""
    end = len(run.graph.nodes)
    with attempted(run) as attempt:
        try:
            walk()
            backwards = [
                number for number in range(end, len(run.graph.nodes)) if run.graph.nodes[number].op == "backward"
            ]
            return frozenset(node for node in _behind(run, backwards) if node < end) if backwards else None
        except (Raised, BudgetError):
            return None
        finally:
            attempt.undo(run)


def _is_data(value: Value) -> bool:
    """Whether a sequence is too long to be the state of a network: a table of anchors, a list of files, which each loop would read anew."""
    items = value.items if isinstance(value, (ListV, DictV)) else value if isinstance(value, tuple) else ()
    return len(items) > _LAYERS


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


def _given_to_itself(loop: code.For | code.While, name: str) -> code.Assign | None:
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


def _last_bound(loop: code.For | code.While, name: str) -> code.Assign | None:
    """Returns the last assignment in a loop that binds a name."""
    found = _bindings(loop, name)
    return found[-1] if found else None


def _bindings(loop: code.For | code.While, name: str) -> list[code.Assign]:
    """Returns the assignments in a loop that bind a name."""
    return [
        node
        for node in code.walk(*loop.body)
        if isinstance(node, code.Assign) and any(name in target_names(target) for target in node.targets)
    ]


def _names(value: code.Expression, name: str) -> bool:
    return isinstance(value, code.Name) and value.id == name
