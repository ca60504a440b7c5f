"""Default values of parameters."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.values.objects import Value
from vglint.source import code


def defaults_of(run: Run, params: code.Parameters, frame: Frame) -> dict[str, Value]:
    """Evaluates default values where the function is defined."""
    made: dict[str, Value] = {}
    for param in (*params.positional_only, *params.positional, *params.keyword_only):
        if param.default is not None:
            made[param.name] = evaluate(run, param.default, frame)
    return made
