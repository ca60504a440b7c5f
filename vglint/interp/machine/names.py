"""What a name means: locals, closures, the module (evaluated when it is asked), builtins."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from vglint import origin
from vglint.interp.machine.core import MISSING, Run, execute_unit
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    Instance,
    LaterV,
    ListV,
    Namespace,
    Scope,
    SetV,
    Value,
)
from vglint.value import Unknown

if TYPE_CHECKING:
    from vglint.source.unit import Unit

BUILTINS = {
    name: External("builtins." + name) for name in (*dir(builtins), "__import__") if name not in ("_", "__name__")
}
KEYWORDS: dict[str, Value] = {"True": True, "False": False, "None": None, "Ellipsis": Ellipsis, "__debug__": True}


def lookup(run: Run, name: str, scope: Scope) -> Value:
    """Returns the value of a name, MISSING where nothing binds it."""
    if name in KEYWORDS:
        return KEYWORDS[name]
    around: Scope | None = scope
    while around is not None:
        if name in around.names:
            value = around.names[name]
            return resolved(run, scope.module, name, value) if isinstance(value, LaterV) else value
        around = around.parent
    if name in BUILTINS and not scope.module.module.binding(name):
        return BUILTINS[name]
    value = member(run, scope.module, name)
    if value is MISSING and not name.startswith("__"):
        from vglint.interp.machine.imports import outside

        package = outside(run, scope.module, set())
        if package:
            value = scope.module.names[name] = External(f"{package}.{name}")
    return value


def member(run: Run, space: Namespace, name: str) -> Value:
    """Returns a module-level name of a file, executing the statements that bind it."""
    if name in space.names:
        value = space.names[name]
        return resolved(run, space, name, value) if isinstance(value, LaterV) else value
    if name == "__name__":
        return space.module.name
    if name == "__file__":
        return space.module.path
    _execute(run, space, space.module.binding(name))
    if not space.running or name not in space.names:
        for setter in ("globals", "setattr"):
            _execute(run, space, space.module.acting_on(setter))
    if name in space.names:
        value = space.names[name]
        if isinstance(value, (ListV, DictV, SetV)) or (
            type(value) is Instance and (isinstance(value.cls, ClassV) or value.cls.name == "argparse.ArgumentParser")
        ):
            _execute(run, space, space.module.acting_on(name))
        return resolved(run, space, name, value) if isinstance(value, LaterV) else value
    from vglint.interp.machine.imports import starred

    value = starred(run, space, name, set())
    if value is not MISSING:
        space.names[name] = value
        run.memory.note_name(space, name, MISSING)
    return value


def set_member(run: Run, space: Namespace, name: str, value: Value) -> None:
    """Binds a module-level name of a file from outside of its statements: `globals()[name] = …`, `setattr(module, name, …)`."""
    before = space.names.get(name, MISSING)
    run.put(space.names, name, value)
    run.memory.note_name(space, name, before)


def _execute(run: Run, space: Namespace, units: tuple[Unit, ...]) -> None:
    for unit in units:
        if id(unit) in space.done or id(unit) in space.running:
            continue
        space.running.add(id(unit))
        try:
            execute_unit(run, space, unit)
        finally:
            space.running.discard(id(unit))
            space.done.add(id(unit))


def resolved(run: Run, space: Namespace, name: str, value: LaterV) -> Value:
    """Looks into the file that an imported name comes from, and remembers what it means."""
    from vglint.interp.machine.imports import imported

    space.names[name] = Unknown(origin.Circle(f"{value.dotted}.{value.name}"))
    found = imported(run, space, value.dotted, value.level, value.name)
    space.names[name] = found
    run.memory.note_name(space, name, value)
    return found
