"""Comprehensions and generator expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct, field

from vglint import origin
from vglint.interp.kinds.sets import set_of
from vglint.interp.machine.core import EVAL, Frame, Run, evaluate, opaque, register
from vglint.interp.machine.open_loops import counted
from vglint.interp.protocols import comparison
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.repeats import is_layered
from vglint.interp.syntax.assignment import assign
from vglint.interp.syntax.literals import store
from vglint.interp.syntax.loops import repeated, shortened
from vglint.interp.values.objects import (
    DictV,
    IteratorV,
    ListV,
    Locals,
    OpenLoop,
    RepeatV,
    Scope,
    Site,
    Value,
)
from vglint.source import code
from vglint.value import Unknown


class _Turns(Struct):
    """The loops of a comprehension while they are walked, and what their turns made. An object and no nest of functions: those would hold
    each other, and with them all of the run, until a search for cycles."""

    run: Run
    loops: tuple[code.Loop, ...]
    frame: Frame
    inner: Frame
    make: Callable[[Frame], Any]
    results: list[Value] = field(default_factory=list)
    counts: list[Value] = field(default_factory=list)

    def turn(self, number: int, source: Frame) -> None:
        run, clause = self.run, self.loops[number]
        site = Site(self.frame.unit, clause)
        found = shortened(run, items_of(run, evaluate(run, clause.iter, source), self.frame, site))
        if found.parts is not None:
            self.walk(number, found.parts, site)
            return
        if found.items is None:
            count = found.count if found.count is not None else Unknown(origin.Length("length of an iterable"))
            self.walk(number, [RepeatV((found.item,), count, OpenLoop(count))], site)
            return
        with repeated(run, found.items):
            for item in found.items:
                run.budget.tick()
                self.step(number, item)

    def walk(self, number: int, parts: Sequence[Value], site: Site) -> None:
        results = self.results
        for part in parts:
            if not isinstance(part, RepeatV):
                self.step(number, part)
                continue
            start, told = len(results), len(self.counts)
            with counted(self.run, part.turns, "comprehension", site):
                self.walk(number, part.items, site)
            if results[start:] and all(is_layered(result) for result in results[start:]):
                loop = OpenLoop(part.turns, uneven=part.loop.uneven or len(self.counts) > told)
                results[start:] = [RepeatV(tuple(results[start:]), part.count, loop)]
            else:
                self.counts.append(part.count)

    def step(self, number: int, item: Value) -> None:
        run, inner, clause = self.run, self.inner, self.loops[number]
        assign(run, clause.target, item, inner)
        for condition in clause.conditions:
            known = comparison.truth(run, evaluate(run, condition, inner), inner, Site(self.frame.unit, condition))
            if known is False:
                return
            if known is None:
                self.counts.append(Unknown(origin.Branches("condition of a comprehension")))
        if number + 1 < len(self.loops):
            self.turn(number + 1, inner)
        else:
            self.results.append(self.make(inner))


def _comprehension(
    run: Run, loops: tuple[code.Loop, ...], frame: Frame, make: Callable[[Frame], Any]
) -> tuple[list[Value], Value]:
    """Returns (results in order, count); results of an unknown number of turns are one representative with its count."""
    scope = Scope(Locals(), frame.scope, frame.scope.module, comprehension=True)
    inner = Frame(scope, frame.unit, frame.owner, frame.self_, frame.cls, name=frame.name)
    turns = _Turns(run, loops, frame, inner, make)
    turns.turn(0, frame)
    return turns.results, (turns.counts[0] if turns.counts else None)


def _gathered(results: list[Value], count: Value, site: Site, run: Run) -> Value:
    only = results[0] if len(results) == 1 else None
    if isinstance(only, RepeatV) and len(only.items) == 1 and not isinstance(only.items[0], RepeatV):
        return ListV(list(only.items), only.count, only.loop)
    if count is None:
        return ListV(results)
    if len(results) == 1:
        return ListV(results, count)
    return opaque(run, origin.Length("list of unknown length"), results, site)


@register(EVAL, code.Comprehension)
def comprehension(run: Run, node: code.Comprehension, frame: Frame) -> Value:
    if node.kind == "dict":
        return _dict(run, node, frame)
    results, count = _comprehension(run, node.loops, frame, lambda inner: evaluate(run, node.element, inner))
    gathered = _gathered(results, count, Site(frame.unit, node), run)
    if not isinstance(gathered, ListV) or node.kind == "list":
        return gathered
    if node.kind == "set":
        return set_of(run, gathered.items) if gathered.count is None else gathered
    site = Site(frame.unit, node)
    if gathered.count is None:
        return IteratorV(gathered.items, origin=site)
    return IteratorV(None, gathered.items[0], gathered.count, origin=site)


def _dict(run: Run, node: code.Comprehension, frame: Frame) -> Value:
    assert node.value is not None
    key, value = node.element, node.value
    pairs, count = _comprehension(
        run, node.loops, frame, lambda inner: (evaluate(run, key, inner), evaluate(run, value, inner))
    )
    made = DictV({}, complete=count is None)
    for found in pairs:
        made.complete = made.complete and not isinstance(found, RepeatV)
        for pair in found.items if isinstance(found, RepeatV) else [found]:
            if isinstance(pair, tuple):
                store(made, pair[0], pair[1])
    return made
