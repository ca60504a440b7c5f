"""What the code that called does with a result: into how many values it takes it apart."""

from __future__ import annotations

import dis
from types import FrameType

_SKIPPED = frozenset(
    {"CACHE", "PRECALL", "CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_KW", "CALL_FUNCTION_KW", "CALL_FUNCTION_EX"}
)


def unpacked(frame: FrameType | None) -> int | None:
    """Returns how many names stand before the `=` of the statement that a frame is in; None where its value is not taken apart."""
    if frame is None:
        return None
    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset >= frame.f_lasti and instruction.opname not in _SKIPPED:
            return int(instruction.argval) if instruction.opname.startswith("UNPACK_SEQUENCE") else None
    return None
