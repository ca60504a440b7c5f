"""`value.name = other`."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.questions import SETATTR
from vglint.interp.values.objects import Site, Value


def set_attribute(run: Run, target: Value, name: str, value: Value, frame: Frame, site: Site) -> None:
    """Performs `target.name = value`."""
    handler = SETATTR.get(type(target))
    if handler is not None:
        handler(run, target, name, value, frame, site)
