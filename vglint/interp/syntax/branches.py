"""Both arms of a condition that is not known: walked one after the other from the same state, then joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec.structs import replace

from vglint import origin
from vglint.graph import RegionRole
from vglint.interp.machine.core import Flow, Frame, Raised, Run, evaluate, opaque
from vglint.interp.machine.journal import LIST, MISSING, FieldKey, read_place
from vglint.interp.nodes.constants import carries_gradient, contents
from vglint.interp.nodes.distribution import UNKNOWN
from vglint.interp.nodes.emit import emit, node_of
from vglint.interp.nodes.passing import Left, matters, root_of
from vglint.interp.protocols.comparison import turn_of
from vglint.interp.protocols.equality import equal
from vglint.interp.protocols.turns import is_callees
from vglint.interp.syntax.arms import joined_shape, spared, the_plainer
from vglint.interp.syntax.remainders import open_remainder
from vglint.interp.torch.optimizers import either
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import ClassV, ListV, ModuleV, OpaqueV, ParamV, Site, TensorV, Value, is_tensor
from vglint.source import code
from vglint.value import Unknown

End: TypeAlias = "tuple[int | None, dict[Any, Any], Value, list[int]]"
"""How an arm ends: the flow, what it wrote, what it returns, the nodes that it made."""
FORKS = 6
"""Unknown branches within each other; deeper ones take no arm."""
_LEFT = FieldKey("left")
"""Where a frame keeps what arms left that ended a turn of a loop."""
_JOINED = 6
"""Steps that it takes to keep the arms of a branch apart and to join them."""


def fork(
    run: Run,
    condition: Value,
    arms: list[Callable[[], int | None]],
    frame: Frame,
    site: Site,
    standing: int | None = None,
) -> int | None:
    """Walks every arm and joins what they leave; returns how the statement ends.

    An arm that raises is the program refusing its input: it is left out. Arms that return are kept aside in `frame.returned`. `standing` is the
    arm that speaks for both, see `arm_that_stands`: it stands alone where the other has no layer of its own.
    """
    text = (
        condition.text
        if isinstance(condition, Unknown)
        else condition.why.text
        if isinstance(condition, OpaqueV)
        else "condition"
    )
    role: RegionRole | None = "gradient_norm" if _is_of_gradients(condition) else None
    turn = turn_of(condition)
    every = None if turn is None else turn.every
    single: RegionRole | None = "one_turn" if turn is not None and turn.once else None
    if every is not None:
        text = f"every {every or 'few'} iterations"
    if run.context.forks >= FORKS:
        run.graph.gap(origin.Budget("branches within branches"), site)
        return None
    run.budget.tick(_JOINED)
    ends: list[End] = []
    own: list[tuple[Any, Any, Any]] = []
    nodes, regions = len(run.graph.nodes), len(run.graph.regions)
    region = run.graph.region
    before = (frame.result, list(frame.returned))
    for number, arm in enumerate(arms):
        start, born = len(run.graph.nodes), len(run.graph.modules)
        raised = False
        flow: int | None = None
        opened = run.graph.opened("branch", text, site, number, role or (single if number == 0 else None))
        with run.journal.recorded() as log, opened as own_region, run.context.having(forks=run.context.forks + 1):
            run.graph.regions[own_region].every = every if number == 0 else None
            run.graph.regions[own_region].condition = _node_behind(condition)
            try:
                flow = arm()
            except Raised:
                raised = True
            result = frame.result
            after = {place: each for place, each in log.taken_back().items() if not is_callees(each[0], frame)}
        run.journal.version += 1
        frame.result = before[0]
        if raised:
            _forget_nodes(run, start)
        else:
            ends.append((flow, after, result, list(range(start, len(run.graph.nodes)))))
            own += _of_modules(run, born, after, returned=flow == Flow.RETURN)
    ends = _the_same(run, _without_idle(run, ends))
    if standing is not None and len(ends) == 2 and ends[0][0] == ends[1][0]:
        _, after, result, made = ends[standing]
        if spared(run, ends[1 - standing][3], made, (result, *(value for _, _, value in after.values()))):
            ends = [ends[standing]]
    if not ends:
        raise Raised("Exception")
    if len(ends) == 1:
        _merge_regions(run, regions, region)
        flow, after, result, _ = ends[0]
        for holder, key, value in after.values():
            run.journal.write(holder, key, value)
        frame.result = result
        return flow
    if not run.context.setup and matters(run, nodes, _left_by(ends)):
        run.graph.gap(origin.Branches(text), site)
    for holder, key, value in own:
        run.journal.write(holder, key, value)
    ended = _join_ends(run, ends, frame, site, text)
    if turn is not None and ended is None and any(end[0] == Flow.CONTINUE for end in ends):
        # What follows in this turn runs in the other turns only; the loop's end closes the region.
        run.graph.open_region("branch", text, site, 1)
        run.graph.regions[run.graph.region].every = every
    elif ended is None and turn is None and any(end[0] == Flow.RETURN for end in ends):
        open_remainder(run, _node_behind(condition), text, frame, site)
    return ended


def _is_of_gradients(condition: Value) -> bool:
    """Whether a condition is computed from the norm of gradients."""
    why = condition.why if isinstance(condition, OpaqueV) else condition
    return isinstance(why, Unknown) and isinstance(why.origin, origin.GradientNorm)


def _node_behind(condition: Value) -> int | None:
    match condition:
        case TensorV(node=node):
            return node
        case OpaqueV(node=int(node)) | OpaqueV(deps=(node, *_)):
            return node
        case _:
            return None


def _left_by(ends: list[End]) -> list[Left]:
    return [(result, [(key, value) for _, key, value in after.values()]) for _, after, result, _ in ends]


def _of_modules(run: Run, born: int, after: dict[Any, Any], *, returned: bool) -> list[tuple[Any, Any, Any]]:
    """Returns what an arm wrote into modules that it made itself, which is so whichever arm goes on: of an arm that returns all of it, of
    another how their parameters start."""
    made = run.graph.modules[born:]
    tables = {id(part) for module in made for part in (module, *_tables(module))}
    params = {id(value) for holder, _, value in after.values() if isinstance(value, ParamV) and id(holder) in tables}
    return [
        (holder, key, value)
        for holder, key, value in after.values()
        if id(holder) in params or (returned and id(holder) in tables)
    ]


def _tables(module: ModuleV) -> tuple[Any, ...]:
    return module.attrs, module.modules, module.parameters, module.buffers, module.config, module.loops


def fork_values(run: Run, condition: Value, nodes: list[code.Expression], frame: Frame, site: Site) -> Value:
    """Evaluates every arm of a conditional expression and returns the joined value."""
    values: list[Value] = []

    def arm(node: code.Expression) -> Callable[[], int | None]:
        def walk() -> int | None:
            value = evaluate(run, node, frame)
            values.append(value)
            return None

        return walk

    fork(run, condition, [arm(node) for node in nodes], frame, site)
    text = condition.text if isinstance(condition, Unknown) else "condition"
    joined = values[0] if values else Unknown(origin.Branches(text))
    for value in values[1:]:
        joined = join(run, joined, value, text, site)
    return joined


def _without_idle(run: Run, ends: list[End]) -> list[End]:
    """Leaves out an arm that does nothing but copy a tensor's memory, where another arm does nothing at all."""
    if all(nodes for _, _, _, nodes in ends):
        return ends
    idle = [end for end in ends if end[3] and all(run.graph.nodes[number].op == "contiguous" for number in end[3])]
    if len(idle) + 1 != len(ends):
        return ends
    for _, _, _, nodes in idle:
        _forget_nodes(run, nodes[0])
    return [end for end in ends if end not in idle]


def _the_same(run: Run, ends: list[End]) -> list[End]:
    """Leaves out the longer of two arms that run the same layers over the same values, arranged otherwise."""
    if len(ends) != 2 or ends[0][0] != ends[1][0] or run.context.training_code:
        return ends
    kept = the_plainer(run, ends[0][3], ends[1][3])
    if kept is None:
        return ends
    for number in ends[1 - kept][3]:
        run.graph.nodes[number].setup = True
    return [ends[kept]]


def _join_ends(run: Run, ends: list[End], frame: Frame, site: Site, text: str) -> int | None:
    falling = [end for end in ends if end[0] is None]
    leaving = [end for end in ends if end[0] is not None]
    for flow, _, result, _ in leaving:
        if flow == Flow.RETURN:
            frame.returned.append(result)
    if falling and not run.context.setup:
        for flow, after, _, _ in leaving:
            if flow != Flow.RETURN and after:
                others = (each for each in frame.left if each[0] is not site.node)
                run.journal.write(frame, _LEFT, (*others, (site.node, after)))
    kept = falling or leaving
    places: dict[Any, tuple[Any, Any]] = {}
    for _, after, _, _ in kept:
        for place, (holder, key, _) in after.items():
            places[place] = (holder, key)
    for place, (holder, key) in places.items():
        values = [after[place][2] if place in after else read_place(holder, key) for _, after, _, _ in kept]
        if any(value is not values[0] for value in values):
            values = [_as_left(value, after) for value, (_, after, _, _) in zip(values, kept, strict=True)]
        joined = values[0]
        for value in values[1:]:
            joined = _join_place(run, key, joined, value, text, site)
        run.journal.write(holder, key, joined)
    if falling:
        return None
    returns = [end for end in leaving if end[0] == Flow.RETURN]
    if returns and len(returns) == len(leaving):
        frame.result = frame.returned.pop()
        return Flow.RETURN
    if returns:
        frame.result = frame.returned[-1]
    flows = {end[0] for end in leaving}
    return flows.pop() if len(flows) == 1 else Flow.CONTINUE


def join_left(run: Run, outer: tuple[Any, ...], frame: Frame, site: Site, text: str) -> None:
    """Joins what stands behind a loop with what the arms wrote that left it or its turn (`if found: best = x; break`); `outer` is what arms had
    left of the loops around it."""
    left = _besides(frame.left, outer)
    if left:
        run.journal.write(frame, _LEFT, outer)
    for _, after in left:
        for holder, key, value in after.values():
            now = read_place(holder, key)
            if now is not value:
                run.journal.write(holder, key, _join_place(run, key, now, _as_left(value, after), text, site))


def _besides(left: tuple[Any, ...], others: tuple[Any, ...]) -> list[Any]:
    return [each for each in left if all(each is not other for other in others)]


def _as_left(value: Any, after: dict[Any, Any]) -> Any:
    """Returns a value as an arm left it: a tensor that the arm changed in place is the one that it has become there."""
    if isinstance(value, tuple):
        return tuple(_as_left(item, after) for item in value)
    written = after.get((id(value), FieldKey("node"))) if isinstance(value, TensorV) else None
    return replace(value, node=written[2]) if written is not None else value


def _join_place(run: Run, key: Any, left: Any, right: Any, text: str, site: Site) -> Any:
    if key is LIST:
        if len(left) == len(right):
            return [join(run, one, other, text, site) for one, other in zip(left, right, strict=False)]
        return left if len(left) > len(right) else right
    if isinstance(key, FieldKey):
        if key.name == "node" and isinstance(left, int) and isinstance(right, int) and left != right:
            emit(run, "join", [left, right], {}, site)
            return len(run.graph.nodes) - 1
        if key == _LEFT:
            return (*left, *_besides(right, left))
        if key.name in ("position", "exhausted"):
            return min(left, right)  # an iterator that only one arm used up may have all its items
        return UNKNOWN if key.name == "init" and left != right else right if left is None else left
    if left is MISSING or right is MISSING:
        return left if right is MISSING else right
    return join(run, left, right, text, site)


_LARGEST = 20_000
"""Entries of containers that are joined one by one."""


def join(run: Run, left: Value, right: Value, text: str, site: Site) -> Value:
    """Returns one value for what may be either of two."""
    if left is right or (not is_tensor(left) and equal(left, right) is True):
        return left
    if isinstance(left, TensorV) and isinstance(right, TensorV) and (left.node, left.pick) == (right.node, right.pick):
        return left
    if is_tensor(left) and is_tensor(right):
        nodes = [node for node in (node_of(run, left, site), node_of(run, right, site)) if node is not None]
        roots = {root_of(run, node) for node in nodes}
        if not run.context.setup and len(roots) > 1 and any(carries_gradient(run, node) for node in nodes):
            run.graph.gap(origin.Branches(text), site)
        shapes = [value.shape for value in (left, right) if isinstance(value, TensorV)]
        shape = joined_shape(*shapes) if len(shapes) == 2 else None
        emit(run, "join", nodes, {}, site, shape=shape)
        return TensorV(
            len(run.graph.nodes) - 1, shape, ramp=contents(left) if contents(left) == contents(right) else None
        )
    if (left is None or right is None) and not run.context.setup:
        given = right if left is None else left
        if isinstance(given, TensorV) and not carries_gradient(run, given.node):
            # A mask that may be left out: the graph with it has every path of the one without.
            node = node_of(run, given, site)
            assert node is not None
            emit(run, "join", [node], {}, site, shape=given.shape)
            return TensorV(len(run.graph.nodes) - 1, given.shape)
    plain = next(
        (each for each in (left, right) if isinstance(each, (int, float)) and not isinstance(each, bool)), None
    )
    if plain is not None and (isinstance(left, TensorV) or isinstance(right, TensorV)) and run.context.training_code:
        # A sum that may not have begun: the graph with the tensor has every path of the one without.
        node = node_of(run, left if isinstance(left, TensorV) else right, site)
        assert node is not None
        run.graph.gap(origin.Branches(text), site)
        emit(run, "join", [node], {}, site)
        return TensorV(len(run.graph.nodes) - 1, None)
    if bulk(left, _LARGEST) > _LARGEST:
        return opaque(run, origin.Branches(text), [left, right], site)
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        return tuple(join(run, one, other, text, site) for one, other in zip(left, right, strict=False))
    if (
        isinstance(left, ListV)
        and isinstance(right, ListV)
        and len(left.items) == len(right.items)
        and left.count is None
        and right.count is None
    ):
        return ListV([join(run, one, other, text, site) for one, other in zip(left.items, right.items, strict=False)])
    if run.context.training_code and site.node is not None and (left is None or right is None):
        only = right if left is None else left
        if _is_own_model(only):
            run.graph.gap(origin.Branches(text), site)  # training needs it: where it is missing, nothing runs
            return only
    if run.context.training_code and site.node is not None and _is_own_model(left) and _is_own_model(right):
        # One whole model or another: the program is followed with the first, here and where the same is asked again.
        run.graph.gap(origin.Branches(text), site)
        run.journal.learnt.chosen.add(site.unit.source_of(site.node))
        return left
    return either(left, right) or opaque(run, origin.Branches(text), [left, right], site)


def _is_own_model(value: Value) -> bool:
    return (
        isinstance(value, ModuleV) and isinstance(value.cls, ClassV) and find_in_mro(value.cls, "forward") is not None
    )


def returned_value(run: Run, frame: Frame, flow: int | None, site: Site) -> Value:
    """Returns the value of a call whose arms may have returned different things."""
    value = frame.result if flow == Flow.RETURN else None
    for other in reversed(frame.returned):
        value = join(run, other, value, "early return", site)
    return value


def _merge_regions(run: Run, start: int, region: int) -> None:
    """The arms that were opened from `start` on are no branch after all: what they hold belongs to the region around them."""
    for arm in run.graph.regions[start:]:
        if arm.parent == region and arm.kind == "branch":
            arm.alias = region


def _forget_nodes(run: Run, start: int) -> None:
    """An arm that raised executed nothing that matters: its nodes stand for nothing, unless something still names them."""
    for draft in run.graph.nodes[start:]:
        draft.setup = True
