"""Loops: known ones turn by turn, unknown ones once inside a region of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from vglint import origin
from vglint.graph import RegionRole
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import TURNS
from vglint.interp.machine.core import Flow, Frame, Raised, Run, evaluate
from vglint.interp.machine.journal import Log, Missing
from vglint.interp.machine.names import lookup
from vglint.interp.machine.open_loops import TRAINING, counted
from vglint.interp.nodes.emit import innermost_loop
from vglint.interp.nodes.filled import Tables, sampled, settle, spread_out
from vglint.interp.protocols import comparison
from vglint.interp.protocols.comparison import counts_turns
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.turns import carried_by_turns, counts_on, is_callees
from vglint.interp.syntax.ahead import look_ahead
from vglint.interp.syntax.growing import grown
from vglint.interp.values.inside import entries, inside, nodes_of
from vglint.interp.values.objects import (
    ModuleV,
    OpaqueV,
    OpenLoop,
    OptimizerV,
    RepeatV,
    Site,
    TurnNumber,
    Value,
)
from vglint.source import code
from vglint.source.names import target_names
from vglint.value import Unknown

LISTED = 10_000
"""Turns of loops or comprehensions within one another that are taken one by one: what has more makes a table of numbers."""


def walk_loop(
    run: Run,
    source: Value,
    bind: Callable[[Value], None],
    body: Callable[[], int | None],
    frame: Frame,
    site: Site,
    text: str,
    loop: code.For,
) -> int | None:
    """Walks a `for` loop. One whose turns train is walked once: what matters is the order inside a turn."""
    found = items_of(run, source, frame, site)
    whole: Sequence[Value] | None = source if isinstance(source, range) else None
    if run.context.setup and found.items is not None:
        whole = found.items if _is_table(found.items) else None
        found = _one_of(found.items) if len(found.items) > _most(found.items) else shortened(run, found)
    if found.parts is not None:
        return _walk_parts(run, found.parts, bind, body, frame, site, text, loop)
    if found.items is not None:
        returned = len(frame.returned)
        with repeated(run, found.items), attempted(run) as attempt:
            flow = _turns(run, found.items, bind, body, frame, site, text)
            if flow != _TOO_LONG:
                return flow
            attempt.undo(run)
        del frame.returned[returned:]
        found = _one_of(found.items)
    tables = _sampled(run, whole, bind, body) if run.context.setup and whole is not None else {}

    def stands_for_all(may_begin: bool) -> tuple[int | None, bool]:
        """Walks the turn that stands for all; also says whether it began something that the turns behind it go on with."""
        start = len(run.graph.nodes)
        with counted(run, found.count, text, site) as turns, run.journal.recorded() as log, any_turn(run):
            flow = _one(bind, found.item, body)
            _tell(run, turns, log, start, loop, frame)
            return flow, may_begin and not turns.apart and flow is None and _begins(log, frame)

    in_forward = not run.context.setup and not run.context.training_code
    with attempted(run) as attempt:
        flow, begins = stands_for_all(in_forward)
        if begins:
            attempt.undo(run)
    if begins:  # `h = None` before the loop: the first turn is another than those behind it
        flow = _one(bind, found.item, body)
        if flow is None:
            flow, _ = stands_for_all(False)
    settle(run, tables)
    if run.context.setup:
        _forget_sums(run, loop, frame, text)
    return None if flow == Flow.CONTINUE else flow


def _begins(log: Log, frame: Frame) -> bool:
    """Whether a turn puts tensors where None was: a state that starts from nothing."""
    return any(
        before is None and isinstance(key, str) and not is_callees(holder, frame) and _is_state(holder.get(key))
        for holder, key, before in log
        if isinstance(holder, dict)
    )


def _is_state(value: Value) -> bool:
    return bool(nodes_of(value)) or isinstance(value, OpaqueV)


_TOO_LONG = -1
"""What a walk of turns answers whose first does not stand for all, of more turns than are taken."""


def _tell(run: Run, turns: OpenLoop, log: Log, start: int, loop: code.For, frame: Frame) -> None:
    """Says of a turn that stands for all what it hands to the next one, or where a model is built whether another one may build something else."""
    if run.context.setup:
        exits = any(
            isinstance(each, code.Try) or (isinstance(each, code.Jump) and each.kind != "pass")
            for each in code.walk(*loop.body)
        )
        turns.uneven = turns.uneven or exits or counts_on(log, loop, frame)
    elif not run.context.training_code:
        turns.carried = carried_by_turns(run, log, start, loop, frame)
        turns.apart = turns.carried == ()


def _forget_sums(run: Run, loop: code.For, frame: Frame, text: str) -> None:
    """Takes back the numbers that one turn left of names that every turn adds to."""
    names = frame.scope.names
    added = {
        each.target.id
        for each in code.walk(*loop.body)
        if isinstance(each, code.Augmented) and isinstance(each.target, code.Name)
    }
    for name in sorted(added):
        value = names.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            run.journal.put(names, name, Unknown(origin.Length(text)))


def _sampled(run: Run, items: Sequence[Value], bind: Callable[[Value], None], body: Callable[[], int | None]) -> Tables:
    """Returns what a few turns of a long loop write into tables, and takes the turns back."""
    with sampled(run) as found, attempted(run) as attempt:
        try:
            for item in spread_out(items):
                if _one(bind, item, body) is not None or not found:
                    break
        except Raised:
            return {}
        finally:
            attempt.undo(run)
    return dict(found)


def _turns(
    run: Run,
    items: list[Value],
    bind: Callable[[Value], None],
    body: Callable[[], int | None],
    frame: Frame,
    site: Site,
    text: str,
) -> int | None:
    """Walks a loop turn by turn; one that has too many of them up to the end of the first."""
    outer, most = run.graph.region, _most(items)
    for turn, item in enumerate(items):
        start, made = len(run.graph.nodes), len(run.graph.modules)
        stands = turn == 0 and len(items) > 1
        with run.graph.inside(outer):
            region = run.graph.open_region("loop", text, site, role=_role(items)) if turn == 0 else outer
            flow = _first_of(run, bind, _numbered(run, items), body, frame) if stands else _one(bind, item, body)
        if flow == Flow.BREAK:
            _fold(run, region, outer)
            return Flow.BREAK
        if flow == Flow.RETURN:
            _fold(run, region, outer)
            return flow
        if turn == 0 and len(items) > 1 and _stands_for_all(items, {draft.op for draft in run.graph.nodes[start:]}):
            run.graph.regions[region].count = len(items)
            if len(run.graph.modules) > made and run.graph.passes.harvest is not None:
                look_ahead(run, items[1:], lambda item: _one(bind, item, body), frame)
            return None
        if len(items) > most:
            return _TOO_LONG
        _fold(run, region, outer)
    return None


_PLAIN = frozenset({type(None), bool, int, float, str})


def _role(items: list[Value]) -> RegionRole | None:
    """Returns `modules` where each item is or holds modules or optimisers that no other one holds."""
    seen: set[int] = set()
    if items and type(items[0]) in _PLAIN:
        return None
    for item in items:
        held = {id(each) for each in inside(item) if isinstance(each, (ModuleV, OptimizerV))}
        if not held or not held.isdisjoint(seen):
            return None
        seen |= held
    return "modules" if len(items) > 1 else None


def note_picked(run: Run, loop: code.For, opened: int, frame: Frame) -> None:
    """Notes of a loop, whose region came first after `opened` others, that its turns pick modules by what they are about: `models[name]`."""
    if opened >= len(run.graph.regions) or run.graph.regions[opened].role is not None:
        return
    turn = {*target_names(loop.target)}
    for each in code.walk(*loop.body):
        match each:
            case code.Subscript(value=code.Name(id=held), key=code.Name(id=key)) if key in turn:
                found = lookup(run, held, frame.scope)
                if not isinstance(found, Missing) and _role([*entries(found)]) is not None:
                    run.graph.regions[opened].role = "modules"
                    return
            case _:
                pass


def _stands_for_all(items: list[Value], done: set[str]) -> bool:
    """Whether a turn trains: the others do the same again. One that only zeroes or steps does so with its own model or optimiser."""
    return "backward" in done or (_is_table(items) and not done.isdisjoint(TRAINING))


def _numbered(run: Run, items: list[Value]) -> Value:
    """Returns the first item of a loop, its number marked as one that counts turns where the items have such numbers."""
    first, second = items[0], items[1]
    if not counts_turns(run):
        return first
    if isinstance(first, int) and isinstance(second, int) and not isinstance(first, bool):
        return TurnNumber.of(first, None)
    if isinstance(first, tuple) and isinstance(second, tuple) and first and second:
        return (_numbered(run, [first[0], second[0]]), *first[1:]) if isinstance(first[0], int) else first
    return first


def _one(bind: Callable[[Value], None], item: Value, body: Callable[[], int | None]) -> int | None:
    bind(item)
    return body()


def _first_of(
    run: Run, bind: Callable[[Value], None], item: Value, body: Callable[[], int | None], frame: Frame
) -> int | None:
    """Walks a turn that may stand for all. Where it trains and asked for its own number, it is walked again with the answer open."""
    if not counts_turns(run) or run.context.any_turn:
        return _one(bind, item, body)
    asked, returned, result, start = run.graph.asked_turn, len(frame.returned), frame.result, len(run.graph.nodes)
    with attempted(run) as attempt:
        run.graph.asked_turn = False
        flow = _one(bind, item, body)
        if not run.graph.asked_turn or not any(draft.op in TRAINING for draft in run.graph.nodes[start:]):
            run.graph.asked_turn = run.graph.asked_turn or asked
            return flow
        attempt.undo(run)
    frame.result = result
    del frame.returned[returned:]
    with any_turn(run):
        return _one(bind, item, body)


@contextmanager
def any_turn(run: Run) -> Iterator[None]:
    """What is walked inside stands for all turns of a loop, if it is training code's own."""
    with run.context.having(any_turn=counts_turns(run) or run.context.any_turn):
        yield


def shortened(run: Run, found: Items) -> Items:
    """Returns the items of a loop within loops, or one that stands for all where a table takes more than `LISTED` turns."""
    if found.items is None or run.budget.turns * len(found.items) <= LISTED or not _is_table(found.items):
        return found
    return _one_of(found.items)


_LOOKED_AT = 200
"""Items of a list that are looked at for what it is a list of: a dict's may be of any kind."""


def _is_table(items: list[Value]) -> bool:
    """Whether a loop goes over numbers or names: over modules it builds or initialises something else each time."""
    return bool(items) and all(
        isinstance(part, (int, float, str))
        for item in (items[-1], *items[:_LOOKED_AT])
        for part in (item if isinstance(item, tuple) else (item,))
    )


def _most(items: list[Value]) -> int:
    """Returns how many turns of a loop are taken: over modules and parameters each one counts, so that no initialisation is lost."""
    return TURNS if _is_table(items) else LISTED


def _one_of(items: list[Value]) -> Items:
    text, whole = "item of a long list", isinstance(items[0], int)
    return Items(None, Unknown(origin.Length(text) if whole else origin.Computed(text)), len(items))


def repeated(run: Run, items: list[Value]) -> AbstractContextManager[None]:
    """Notes that what is walked inside is walked for each item, where they are a table's."""
    return run.budget.repeated(len(items) if _is_table(items) else 1)


def _walk_parts(
    run: Run,
    parts: Sequence[Value],
    bind: Callable[[Value], None],
    body: Callable[[], int | None],
    frame: Frame,
    site: Site,
    text: str,
    loop: code.For,
) -> int | None:
    """Walks the items of a list; what is repeated in it is walked once inside a region of its own."""
    for part in parts:
        if isinstance(part, RepeatV):
            start = len(run.graph.nodes)
            with counted(run, part.turns, text, site) as turns, run.journal.recorded() as log:
                flow = _walk_parts(run, part.items, bind, body, frame, site, text, loop)
                _tell(run, turns, log, start, loop, frame)
        else:
            with run.graph.inside(run.graph.region):
                flow = _one(bind, part, body)
        if flow == Flow.BREAK:
            return None
        if flow == Flow.RETURN:
            return flow
    return None


def walk_while(
    run: Run, test: code.Expression, body: Callable[[], int | None], frame: Frame, site: Site, text: str
) -> int | None:
    """Walks a `while` loop as long as its condition is known, and up to the end of the first turn that trains, which stands for all; else once."""
    for _ in range(TURNS):
        known = comparison.truth(run, evaluate(run, test, frame), frame, site)
        if known is False:
            return None
        start = len(run.graph.nodes)
        if known is None:
            count = Unknown(origin.Length(text))
            with counted(run, count, text, site) as loop, any_turn(run):
                flow = body()
                grown(run, test, start, loop, frame)
            return flow if flow == Flow.RETURN else None
        yielded = len(frame.yields or ())
        outer = region = run.graph.region
        with run.graph.inside(outer), any_turn(run):
            if counts_turns(run):
                region = run.graph.open_region("loop", text, site)
            flow = body()
        trains = any(draft.op in TRAINING for draft in run.graph.nodes[start:])
        if not trains or flow in (Flow.BREAK, Flow.RETURN):
            _fold(run, region, outer)
        if frame.yields and len(frame.yields) > yielded and _endless(test):
            frame.turns += [Unknown(origin.Length(text))] * (len(frame.yields) - len(frame.turns))
            return None
        if flow == Flow.BREAK:
            return None
        if flow == Flow.RETURN:
            return flow
        if trains:
            return None
        run.budget.tick(20 + (len(run.graph.nodes) - start) // 4)
    run.graph.gap(origin.Budget(f"while {text}"), site)
    return None


def _endless(test: code.Expression) -> bool:
    return isinstance(test, code.Constant) and test.value in (True, 1)


def _fold(run: Run, region: int, outer: int) -> None:
    if region != outer:
        run.graph.regions[region].alias = outer
        for draft in reversed(run.graph.nodes):
            if draft.region < region:
                break
            if draft.op == "kept" and innermost_loop(run, draft.region) == region:
                draft.setup = True  # the turn is none of a loop: where the list was made is asked of the next one
