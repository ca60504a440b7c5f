"""A class whose argument picks other classes from a table, as `spatial_dims` picks one of three convolutions: it is built with a key of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Raised, Run
from vglint.interp.values.objects import ModuleV, OpaqueV, Value
from vglint.value import Unknown

Outcome: TypeAlias = "tuple[dict[str, ModuleV], Value]"
_AGAIN = 30_000
"""Steps after which a class is not built once more."""
_MOST = 6
"""Arguments that are tried."""


def with_choice(run: Run, names: Sequence[str], walk: Callable[[dict[str, Value]], Outcome]) -> Outcome:
    """Walks a class; where one of the named arguments picks from a table and that leaves gaps, once more with the first key for it that leaves
    fewer."""
    asked = len(run.graph.picked)
    with attempted(run) as attempt:
        outcome = walk({})
        gaps = gaps_of(run, outcome)
        keys = _likely(run.graph.picked[asked]) if len(run.graph.picked) > asked else ()
        if not gaps or not keys or not names:
            return outcome
        attempt.undo(run)
    for name in names[:_MOST]:
        for key in keys:
            if run.budget.steps > _AGAIN:
                return walk({})
            with attempted(run) as attempt:
                try:
                    outcome = walk({name: key})
                    if gaps_of(run, outcome) < gaps:
                        run.graph.chosen = f"when `{name}` is {key!r}"
                        return outcome
                except Raised:
                    pass
                attempt.undo(run)
    return walk({})


def gaps_of(run: Run, outcome: Outcome) -> int:
    """Returns how much is not known of what was walked."""
    return len(run.graph.gaps) + isinstance(outcome[1], (Unknown, OpaqueV))


def _likely(keys: tuple[Value, ...]) -> tuple[Value, ...]:
    """Returns two keys of a table, from the middle: numbers alone, since of named ones each is a choice with consequences of its own."""
    return keys[len(keys) // 2 :: -1][:2] if all(isinstance(key, int) for key in keys) else ()
