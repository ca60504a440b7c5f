"""Methods of Python's own types: looked up in a table, or Python's own on values that are known."""

from __future__ import annotations

from typing import Any

from vglint import origin
from vglint.interp.machine.core import Frame, Run
from vglint.interp.protocols.iteration import items_of
from vglint.interp.values.objects import BuiltinV, IteratorV, ListV, MethodV, Site, Value, is_unknown
from vglint.regex import regex
from vglint.value import Unknown


def method_of(value: Value, name: str, table: dict[str, BuiltinV]) -> Value:
    """Returns a bound method, or an unknown."""
    act = table.get(name)
    return Unknown(origin.Call(f".{name} of {type(value).__name__}")) if act is None else MethodV(act, value)


_LENGTH = 100_000
_WIDE = regex(r"\{[^}]*:[^}]*\d{5}")
"""A format that asks for a long text."""


def plain_method(value: Any, name: str, allowed: frozenset[str]) -> Value:
    """Returns a method that Python itself performs where all that it is given is known."""
    if name not in allowed:
        return Unknown(origin.Call(f".{name} of {type(value).__name__}"))

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        plain: list[Any] = []
        for given in args:
            arg: Value | list[Value] = given
            if isinstance(arg, (ListV, IteratorV)):
                found = items_of(run, arg, frame, site)
                if found.items is None:
                    return Unknown(origin.Computed("text"))
                arg = found.items
            if is_unknown(given) or (isinstance(arg, list) and not all(isinstance(item, str) for item in arg)):
                return Unknown(origin.Computed("text"))
            plain.append(arg)
        if any(isinstance(arg, int) and arg > _LENGTH for arg in plain) or (name == "format" and _WIDE.search(value)):
            return Unknown(origin.Budget("long text"))
        try:
            result = getattr(value, name)(*plain, **keywords)
        except Exception:
            # Whatever Python says of these arguments, the value is not known here.
            return Unknown(origin.Call(f".{name}"))
        if isinstance(result, str) and len(result) > _LENGTH:
            return Unknown(origin.Budget("long text"))
        return ListV(result) if isinstance(result, list) else result

    return BuiltinV(name, invoke)
