"""What a name means: locals, closures, the module (evaluated when it is asked), builtins."""

from __future__ import annotations

import builtins

from vglint.interp.core import MISSING, Run, execute_unit
from vglint.interp.objects import External, Namespace, Scope, Value

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {"__import__"}
KEYWORDS: dict[str, Value] = {"True": True, "False": False, "None": None, "Ellipsis": Ellipsis, "__debug__": True}


def lookup(run: Run, name: str, scope: Scope) -> Value:
    """Returns the value of a name, MISSING where nothing binds it."""
    if name in KEYWORDS:
        return KEYWORDS[name]
    around: Scope | None = scope
    while around is not None:
        if name in around.names:
            return around.names[name]
        around = around.parent
    value = member(run, scope.module, name)
    if value is not MISSING:
        return value
    if name in BUILTINS:
        return External("builtins." + name)
    return MISSING


def member(run: Run, space: Namespace, name: str) -> Value:
    """Returns a module-level name of a file, executing the statements that bind it."""
    if name in space.names:
        return space.names[name]
    if name == "__name__":
        return space.module.name
    if name == "__file__":
        return space.module.path
    units = space.module.binding(name)
    if not units:
        units = space.module.binding("*")
    for unit in units:
        if id(unit) in space.done or id(unit) in space.running:
            continue
        space.running.add(id(unit))
        try:
            execute_unit(run, space, unit)
        finally:
            space.running.discard(id(unit))
            space.done.add(id(unit))
        if "*" in unit.names and name in space.names and len(units) > 1 and units == space.module.binding("*"):
            break
    return space.names.get(name, MISSING)
