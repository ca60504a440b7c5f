"""How values print, where that is known."""

from __future__ import annotations

from vglint.interp.values.objects import DeviceV, DtypeV, Value, VersionV


def text_of(value: Value) -> str | None:
    """Returns how a dtype, a device or a version prints; None where that is not known, and for other kinds."""
    match value:
        case DtypeV() | VersionV():
            return str(value)
        case DeviceV(name=name) if name:
            return name
        case _:
            return None
