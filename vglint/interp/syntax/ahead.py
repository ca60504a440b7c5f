"""Loops that build and train a model in each turn: what matters of the training is in the first, but each model is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from vglint.interp.machine.attempts import Attempt
from vglint.interp.machine.core import BudgetError, Frame, Raised, Run
from vglint.interp.values.objects import Value

TURNS = 5
"""Further turns that are walked: the first ones and the last."""
STEPS = 30_000
"""Steps that all of them may take."""


def look_ahead(run: Run, items: list[Value], turn: Callable[[Value], object], frame: Frame) -> None:
    """Walks further turns for the models that they make, and takes back all that they did."""
    if run.passes.harvest is None:
        return
    allowed = run.steps_allowed
    run.steps_allowed = min(allowed, run.steps + STEPS)
    try:
        for item in items if len(items) <= TURNS else [*items[: TURNS - 1], items[-1]]:
            with suppress(Raised), taken_back(run, frame):
                turn(item)
    except (BudgetError, RecursionError):
        pass
    finally:
        run.steps_allowed = allowed


@contextmanager
def taken_back(run: Run, frame: Frame) -> Iterator[None]:
    """Takes back what is done inside, once the models that it made are taken down."""
    assert run.passes.harvest is not None
    result, returned = frame.result, list(frame.returned)
    before = {name: getattr(run, name) for name in _STATE}
    running, within, loops = list(run.modules_running), dict(run.within), list(run.open_loops)
    passes, modules = len(run.passes.calls), len(run.modules)
    attempt, under_way = Attempt(run), run.passes.under_way
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(run, name, value)
        run.passes.under_way = under_way
        run.modules_running[:], run.within, run.open_loops[:] = running, within, loops
        run.passes.harvest(run.passes.calls[passes:], run.modules[modules:])
        attempt.undo(run)
        frame.result, frame.returned[:] = result, returned


_STATE = (
    "any_turn",
    "asked_turn",
    "borrowed",
    "building",
    "cached",
    "depth",
    "forks",
    "guards",
    "refusing",
    "setup",
    "trained",
    "training",
    "trying",
)
"""What a run counts up and down, which may be left up where the budget ends."""
