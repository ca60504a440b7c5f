"""A class of whose arguments it is asked what nobody says: one picks other classes from a table, as `spatial_dims` picks one of three convolutions,
or is compared with a number, as `heads == 1` is. It is built with a key of the table, and so that numbers which are compared differ."""

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
    fewer; where arguments are compared, once more so that they differ."""
    run.graph.chosen, asked, compared = "", len(run.graph.picked), len(run.graph.compared)
    not_given = frozenset(names)
    with attempted(run) as attempt, run.context.having(not_given=not_given):
        outcome = walk({})
        gaps = gaps_of(run, outcome)
        keys = _likely(run.graph.picked[asked]) if names and len(run.graph.picked) > asked else ()
        alike = len(run.graph.compared) > compared
        if not gaps or not (keys or alike):
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
    if alike and run.budget.steps <= _AGAIN:
        del run.graph.compared[compared:]
        with attempted(run) as attempt, run.context.having(not_given=not_given, apart=True):
            try:
                outcome = walk({})
                if gaps_of(run, outcome) < gaps:
                    told = dict.fromkeys(run.graph.compared[compared:])
                    run.graph.chosen = f"when {' and '.join(told)}"
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
