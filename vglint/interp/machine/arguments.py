"""Arguments of a call by name and place."""

from __future__ import annotations

from typing import Any

from vglint.interp.machine.core import Frame, Run, evaluate
from vglint.interp.values.objects import Value
from vglint.source import code


def arguments(args: list[Value], keywords: dict[str, Value], *names: str, default: Any = None) -> list[Value]:
    """Returns the arguments of a library call by position or name."""
    return [
        args[position] if position < len(args) else keywords.get(name, default) for position, name in enumerate(names)
    ]


def defaults_of(run: Run, params: code.Parameters, frame: Frame) -> dict[str, Value]:
    """Evaluates default values where the function is defined."""
    made: dict[str, Value] = {}
    for param in (*params.positional_only, *params.positional, *params.keyword_only):
        if param.default is not None:
            made[param.name] = evaluate(run, param.default, frame)
    return made
