"""Whether two values are the same, or equal: in three values."""

from __future__ import annotations

from collections.abc import Sequence

from vglint import origin
from vglint.interp.protocols.repeats import is_repeated
from vglint.interp.protocols.symbols import NATIVE, symbolic_compare
from vglint.interp.values.objects import (
    DeviceV,
    DictV,
    DtypeV,
    External,
    ListV,
    OpaqueV,
    SetV,
    ShapeV,
    Value,
    is_unknown,
)
from vglint.value import Expr, Unknown

_HALF = tuple(map(DtypeV, ("float16", "bfloat16", "float64", "complex64")))


def identical(left: Value, right: Value) -> bool | None:
    """Whether two values are the same object; None where that is not known."""
    if left is right:
        return _itself(left)
    for one, other in ((left, right), (right, left)):
        if one is None:
            if isinstance(other, Unknown):
                # A required argument is given: None would not have been left out.
                return False if isinstance(other.origin, origin.Argument) and other.origin.name else None
            return None if isinstance(other, OpaqueV) else other is None
    if isinstance(left, bool) or isinstance(right, bool):
        if is_unknown(left) or is_unknown(right):
            return None
        return left is right
    if isinstance(left, (int, str, float)) and isinstance(right, (int, str, float)):
        return type(left) is type(right) and left == right
    if isinstance(left, FROZEN) and isinstance(right, FROZEN):
        return left == right
    if is_unknown(left) or is_unknown(right):
        return None
    return False


FROZEN = (External, DtypeV, DeviceV)
"""Kinds that are known by a name, and equal where that is."""


def _same_device(one: DeviceV, other: DeviceV) -> bool:
    """Code is followed as on a machine without a GPU."""
    return (one.name or "cpu") == (other.name or "cpu")


def _itself(value: Value) -> bool | None:
    """Whether two mentions of one value are the same: an attribute of an unknown is that unknown, and two of them need not be."""
    return None if isinstance(value, Unknown) and not isinstance(value.origin, origin.FROM_ARGUMENTS) else True


def equal(left: Value, right: Value) -> bool | None:
    """Three-valued `==`; pairs of lists that meet again are not compared again."""
    return _equal(left, right, {})


def _equal(left: Value, right: Value, known: dict[tuple[int, int], bool | None]) -> bool | None:
    if left is right:
        return _itself(left)
    if any(isinstance(side, ListV) and (side.count is not None or is_repeated(side.items)) for side in (left, right)):
        return None
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Unknown) and isinstance(side.origin, origin.Dtype) and other in _HALF:
            return False  # a plain run computes in float32
    if (isinstance(left, tuple) and isinstance(right, tuple)) or (isinstance(left, ListV) and isinstance(right, ListV)):
        ours, theirs = _items(left), _items(right)
        if len(ours) != len(theirs):
            return False
        pair = id(left), id(right)
        if pair not in known:
            known[pair] = None  # a list within itself
            answers = [_equal(a, b, known) for a, b in zip(ours, theirs, strict=False)]
            is_known = False in answers or None not in answers
            known[pair] = False not in answers if is_known else None
        return known[pair]
    if is_unknown(left) or is_unknown(right):
        return None
    if isinstance(left, ShapeV) or isinstance(right, ShapeV):
        return True if left == right else None
    if isinstance(left, Expr) or isinstance(right, Expr):
        return symbolic_compare("==", left, right)
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        return bool(left == right)
    if isinstance(left, FROZEN) and isinstance(right, FROZEN):
        return left == right or (isinstance(left, DeviceV) and isinstance(right, DeviceV) and _same_device(left, right))
    if type(left) is type(right) and isinstance(left, (DictV, SetV)):
        return None
    return False


def held_in(items: Sequence[Value], wanted: Value) -> bool | None:
    """Whether one of some values is equal to another."""
    answers = [equal(wanted, each) for each in items]
    return True if True in answers else None if None in answers else False


def _items(value: Value) -> Sequence[Value]:
    return value if isinstance(value, tuple) else value.items if isinstance(value, ListV) else ()
