"""Comprehensions and generator expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from vglint.interp.machine.core import EVAL, Frame, Run, evaluate, opaque, register
from vglint.interp.protocols import comparison
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.repeats import is_layered
from vglint.interp.syntax.literals import store
from vglint.interp.values.objects import (
    DictV,
    IteratorV,
    ListV,
    Locals,
    OpenLoop,
    RepeatV,
    Scope,
    SetV,
    Site,
    Value,
)
from vglint.value import Unknown


def _comprehension(run: Run, clause: cst.CompFor, frame: Frame, make: Any) -> tuple[list[Value] | None, Value]:
    """Returns (results in order, count); results of an unknown number of turns are one representative with its count."""
    from vglint.interp.syntax.assignment import assign
    from vglint.interp.syntax.loops import counted, repeated, shortened

    scope = Scope(Locals(), frame.scope, frame.scope.module)
    inner = Frame(scope, frame.unit, frame.owner, frame.self_, frame.cls, name=frame.name)
    results: list[Value] = []
    counts: list[Value] = []

    def turn(clause: cst.CompFor, source: Frame) -> None:
        site = Site(frame.unit, clause)
        found = shortened(run, items_of(run, evaluate(run, clause.iter, source), frame, site))
        if found.parts is not None:
            walk(clause, found.parts, site)
            return
        if found.items is None:
            count = found.count if found.count is not None else Unknown("loop bound", "length of an iterable")
            walk(clause, [RepeatV((found.item,), count, OpenLoop(count))], site)
            return
        with repeated(run, found.items):
            for item in found.items:
                run.tick()
                step(clause, item)

    def walk(clause: cst.CompFor, parts: Sequence[Value], site: Site) -> None:
        for part in parts:
            if not isinstance(part, RepeatV):
                step(clause, part)
                continue
            start = len(results)
            with counted(run, part.count, "comprehension", site):
                walk(clause, part.items, site)
            if results[start:] and all(is_layered(result) for result in results[start:]):
                results[start:] = [RepeatV(tuple(results[start:]), part.count, part.loop)]
            else:
                counts.append(part.count)

    def step(clause: cst.CompFor, item: Value) -> None:
        assign(run, clause.target, item, inner)
        for condition in clause.ifs:
            known = comparison.truth(run, evaluate(run, condition.test, inner), inner, Site(frame.unit, condition))
            if known is False:
                return
            if known is None:
                counts.append(Unknown("branches differ", "condition of a comprehension"))
        if clause.inner_for_in is not None:
            turn(clause.inner_for_in, inner)
        else:
            results.append(make(inner))

    turn(clause, frame)
    return results, (counts[0] if counts else None)


def _gathered(results: list[Value] | None, count: Value, site: Site, run: Run) -> Value:
    assert results is not None
    only = results[0] if len(results) == 1 else None
    if isinstance(only, RepeatV) and len(only.items) == 1 and not isinstance(only.items[0], RepeatV):
        return ListV(list(only.items), only.count, only.loop)
    if count is None:
        return ListV(results)
    if len(results) == 1:
        return ListV(results, count)
    return opaque(run, "loop bound", "list of unknown length", results, site)


@register(EVAL, cst.ListComp)
def list_comprehension(run: Run, node: cst.ListComp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    return _gathered(results, count, Site(frame.unit, node), run)


@register(EVAL, cst.SetComp)
def set_comprehension(run: Run, node: cst.SetComp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    gathered = _gathered(results, count, Site(frame.unit, node), run)
    return SetV(gathered.items) if isinstance(gathered, ListV) and gathered.count is None else gathered


@register(EVAL, cst.GeneratorExp)
def generator(run: Run, node: cst.GeneratorExp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    gathered = _gathered(results, count, Site(frame.unit, node), run)
    if isinstance(gathered, ListV):
        return (
            IteratorV(None, gathered.items[0], gathered.count)
            if gathered.count is not None
            else IteratorV(gathered.items)
        )
    return gathered


@register(EVAL, cst.DictComp)
def dict_comprehension(run: Run, node: cst.DictComp, frame: Frame) -> Value:
    pairs, count = _comprehension(
        run, node.for_in, frame, lambda inner: (evaluate(run, node.key, inner), evaluate(run, node.value, inner))
    )
    made = DictV({}, complete=count is None)
    for found in pairs or []:
        made.complete = made.complete and not isinstance(found, RepeatV)
        for pair in found.items if isinstance(found, RepeatV) else [found]:
            if isinstance(pair, tuple):
                store(made, pair[0], pair[1])
    return made
