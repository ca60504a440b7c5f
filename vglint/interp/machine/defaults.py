"""Default values of parameters."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.static.worlds import switched
from vglint.interp.values.objects import FunctionV, Value
from vglint.source import code


def defaults_of(run: Run, params: code.Parameters, frame: Frame) -> dict[str, Value]:
    """Evaluates default values where the function is defined."""
    made: dict[str, Value] = {}
    for param in (*params.positional_only, *params.positional, *params.keyword_only):
        if param.default is not None:
            made[param.name] = evaluate(run, param.default, frame)
    return made


def default_of(run: Run, function: FunctionV, name: str) -> Value:
    """Returns a parameter's default, or what it is in the world that is walked."""
    if run.context.world is None:
        run.context.taken.add((name, id(function.node)))
    elif run.context.world.changes("parameter", name, function.node):
        return switched(run.context.world)
    return function.defaults[name]
