"""Arguments of a call by name and place."""

from __future__ import annotations

from typing import Any

from vglint.interp.values.objects import Value


def arguments(args: list[Value], keywords: dict[str, Value], *names: str, default: Any = None) -> list[Value]:
    """Returns the arguments of a library call by position or name."""
    return [
        args[position] if position < len(args) else keywords.get(name, default) for position, name in enumerate(names)
    ]
