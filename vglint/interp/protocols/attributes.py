"""`value.name = other`, and `del value.name`."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.questions import SETATTR
from vglint.interp.values.objects import ClassV, Instance, ModuleV, Site, Value


def set_attribute(run: Run, target: Value, name: str, value: Value, frame: Frame, site: Site) -> None:
    """Performs `target.name = value`."""
    handler = SETATTR.get(type(target))
    if handler is not None:
        handler(run, target, name, value, frame, site)


def delete_attribute(run: Run, holder: Value, name: str) -> None:
    """Performs `del holder.name`."""
    if isinstance(holder, ModuleV):
        for table in (holder.modules, holder.parameters, holder.buffers, holder.attrs):
            if name in table:
                run.journal.drop(table, name)
    elif isinstance(holder, Instance):
        run.journal.drop(holder.attrs, name)
    elif isinstance(holder, ClassV):
        run.journal.drop(holder.names, name)
