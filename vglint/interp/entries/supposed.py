"""Inputs whose number of dimensions or dtype decides what a model does: it is walked for those with which nothing of it stays open."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from vglint.given import Input
from vglint.interp.entries.choices import Outcome, gaps_of
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Raised, Run

_AGAIN, _LAST = 60_000, 150_000
"""Steps after which a class is not walked once more, at first and at last."""
_MOST = 5
"""Questions that are answered in one way or another."""
_RANKS = 2, 3, 4
_DTYPES = "float32", "bool", "int64"


def with_supposed(run: Run, walk: Callable[[], Outcome]) -> Outcome:
    """Walks a class; where that leaves gaps and inputs were asked for their rank or dtype, once more with answers that leave none."""
    asked = len(run.graph.asked)
    with attempted(run) as attempt:
        outcome = walk()
        gaps = gaps_of(run, outcome)
        questions = list(dict.fromkeys(run.graph.asked[asked:]))
        if not gaps or not questions or run.budget.steps > _AGAIN:
            return outcome
        attempt.undo(run)
    before, texts = run.graph.supposed, [run.graph.chosen] if run.graph.chosen else []
    for name, what in questions[:_MOST]:
        for supposed, text in _answers(run, name, what):
            known = run.graph.supposed
            if run.budget.steps > _LAST:
                break
            run.graph.supposed = {**known, name: supposed}
            with attempted(run) as attempt:
                try:
                    outcome = walk()
                    left = gaps_of(run, outcome)
                    if not left:
                        run.graph.chosen = " and ".join([*texts, text])
                        return outcome
                except Raised:
                    left = gaps
                attempt.undo(run)
            if left < gaps:
                gaps = left
                texts.append(text)
                break
            run.graph.supposed = known
    run.graph.supposed = before
    return walk()


def _answers(run: Run, name: str, what: str) -> Iterator[tuple[Input, str]]:
    """Yields what may be supposed of an input, and what is said of it."""
    known = run.graph.supposed.get(name, Input(name))
    if what == "dtype":
        for dtype in _DTYPES:
            yield replace(known, dtype=dtype), f"when `{name}` is of torch.{dtype}"
    else:
        for rank in _RANKS:
            yield replace(known, shape=(None,) * rank), f"when `{name}` has {rank} dimensions"
