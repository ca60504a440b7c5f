"""`with`: what entering a context manager does, and what `as` binds."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.machine.questions import ENTER, LEAVE
from vglint.interp.values.objects import External, Instance, Site, Value


def enter(run: Run, value: Value, frame: Frame, site: Site) -> Value:
    """Enters a context manager and returns what `as` binds: what nothing is known of gives itself."""
    handler = ENTER.get(type(value))
    return value if handler is None else handler(run, value, frame, site)


def leave(run: Run, value: Value, error: Raised | None, frame: Frame, site: Site) -> bool:
    """Leaves a context manager; returns whether it ends the exception that is under way."""
    handler = LEAVE.get(type(value))
    return handler is not None and handler(run, value, error, frame, site)


def raised_class(error: Raised) -> Value:
    """Returns the class of an exception."""
    value = error.value
    return (
        value.cls if isinstance(value, Instance) else value if value is not None else External(f"builtins.{error.name}")
    )


def raised_object(error: Raised, site: Site | None) -> Value:
    """Returns the exception that `as` binds."""
    return Instance(External(f"builtins.{error.name}"), {}, site) if error.value is None else error.value
