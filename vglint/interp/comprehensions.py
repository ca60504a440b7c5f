"""Comprehensions and generator expressions."""

from __future__ import annotations

from typing import Any

import libcst as cst

from vglint.interp import comparison
from vglint.interp.core import EVAL, Frame, Run, evaluate, opaque, register
from vglint.interp.iteration import items_of
from vglint.interp.literals import store
from vglint.interp.objects import (
    DictV,
    IteratorV,
    ListV,
    Scope,
    SetV,
    Site,
    Value,
)
from vglint.value import Unknown


def _comprehension(run: Run, clause: cst.CompFor, frame: Frame, make: Any) -> tuple[list[Value] | None, Value]:
    """Returns (results in order, count); results of an unknown number of turns are one representative with its count."""
    from vglint.interp.assignment import assign
    from vglint.interp.loops import counted

    scope = Scope({}, frame.scope, frame.scope.module)
    inner = Frame(scope, frame.unit, frame.owner, frame.self_, frame.cls, name=frame.name)
    results: list[Value] = []
    counts: list[Value] = []

    def turn(clause: cst.CompFor, source: Frame) -> None:
        site = Site(frame.unit, clause)
        found = items_of(run, evaluate(run, clause.iter, source), frame, site)
        if found.items is None:
            count = found.count if found.count is not None else Unknown("loop bound", "length of an iterable")
            counts.append(count)
            with counted(run, count, "comprehension", site):
                step(clause, found.item)
            return
        for item in found.items:
            run.tick()
            step(clause, item)
            if run.steps > before + _NUMBERS and made == (len(run.nodes), len(run.modules)):
                raise _LongError

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

    before, made = run.steps, (len(run.nodes), len(run.modules))
    try:
        turn(clause, frame)
    except _LongError:
        return [Unknown("budget", "long table of numbers")], Unknown("budget", "length of a long table")
    return results, (counts[0] if counts else None)


class _LongError(Exception):
    """A comprehension computes numbers, and many of them."""


_NUMBERS = 20_000
"""Steps after which a comprehension that builds no layer and no tensor is given up: a table of positions, angle by angle."""


def _gathered(results: list[Value] | None, count: Value, site: Site, run: Run) -> Value:
    assert results is not None
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
    for pair in pairs or []:
        assert isinstance(pair, tuple)
        store(made, pair[0], pair[1])
    return made
