"""`value[key]`, read and written."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Run, opaque
from vglint.interp.machine.questions import ITEM, SET_ITEM
from vglint.interp.values.objects import Site, Value


def index(run: Run, value: Value, key: Value, frame: Frame, site: Site) -> Value:
    """Returns `value[key]`."""
    handler = ITEM.get(type(value))
    if handler is None:
        if value is None and not run.context.setup:
            run.graph.of_none.append(site)
        return opaque(run, origin.Call(f"index of {type(value).__name__}"), [value], site)
    return handler(run, value, key, frame, site)


def set_index(run: Run, holder: Value, key: Value, value: Value, frame: Frame, site: Site) -> None:
    """Performs `holder[key] = value`."""
    handler = SET_ITEM.get(type(holder))
    if handler is not None:
        handler(run, holder, key, value, frame, site)


def key_text(key: Value) -> str:
    """Returns a key as it stands in the origin of what is not known."""
    return repr(key) if isinstance(key, (int, str)) else "…"
