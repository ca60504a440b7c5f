"""Loops that build and train a model in each turn: what matters of the training is in the first, but each model is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.values.objects import Value

TURNS = 5
"""Further turns that are walked: the first ones and the last."""
STEPS = 30_000
"""Steps that all of them may take."""


def look_ahead(run: Run, items: list[Value], turn: Callable[[Value], object], frame: Frame) -> None:
    """Walks further turns for the models that they make, and takes back all that they did."""
    if run.graph.passes.harvest is None:
        return
    with suppress(BudgetError, RecursionError), run.budget.limited(STEPS):
        for item in items if len(items) <= TURNS else [*items[: TURNS - 1], items[-1]]:
            with suppress(Raised), taken_back(run, frame):
                turn(item)


@contextmanager
def taken_back(run: Run, frame: Frame) -> Iterator[None]:
    """Takes back what is done inside, once the models that it made are taken down."""
    assert run.graph.passes.harvest is not None
    result, returned = frame.result, list(frame.returned)
    passes, modules = len(run.graph.passes.calls), len(run.graph.modules)
    with attempted(run) as attempt:
        try:
            yield
        finally:
            run.graph.passes.harvest(run.graph.passes.calls[passes:], run.graph.modules[modules:])
            attempt.undo(run)
            frame.result, frame.returned[:] = result, returned
