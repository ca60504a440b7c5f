"""`with`: what entering a context manager does, and what `as` binds."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.questions import ENTER
from vglint.interp.values.objects import Site, Value


def enter(run: Run, value: Value, frame: Frame, site: Site) -> Value:
    """Enters a context manager and returns what `as` binds: what nothing is known of gives itself."""
    handler = ENTER.get(type(value))
    return value if handler is None else handler(run, value, frame, site)
