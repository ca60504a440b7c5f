"""Whether two values are the same, or equal: in three values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vglint import origin
from vglint.interp.protocols.repeats import is_repeated
from vglint.interp.protocols.symbols import NATIVE, symbolic_compare
from vglint.interp.values.classes import find_in_mro, is_mixed
from vglint.interp.values.objects import (
    ClassV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    NumberMember,
    OpaqueV,
    SetV,
    ShapeV,
    TextMember,
    Value,
    is_unknown,
)
from vglint.value import Expr, Unknown

MEMBERS = (TextMember, NumberMember)
_HALF = tuple(map(DtypeV, ("float16", "bfloat16", "float64", "complex64")))


def identical(left: Value, right: Value) -> bool | None:
    """Whether two values are the same object; None where that is not known."""
    if left is right:
        return _itself(left)
    for one, other in ((left, right), (right, left)):
        if one is None:
            if isinstance(other, Unknown):
                # A required argument is given: None would not have been left out.
                return False if isinstance(other.origin, origin.Argument) and other.origin.whole else None
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


_TENSORS = (External("torch.Tensor"), External("torch.autograd.Variable"))
"""The class of tensors, and what it was before torch 0.4: code that asks `type(h) == Variable` was written for that."""


def _same_device(one: DeviceV, other: DeviceV) -> bool:
    """Code is followed as on a machine without a GPU."""
    return (one.name or "cpu") == (other.name or "cpu")


def _itself(value: Value) -> bool | None:
    """Whether two mentions of one value are the same: an attribute of an unknown is that unknown, and two of them need not be."""
    return None if isinstance(value, Unknown) and not isinstance(value.origin, origin.FROM_ARGUMENTS) else True


def equal(left: Value, right: Value) -> bool | None:
    """Three-valued `==`; pairs that hold others are compared once."""
    return _equal(left, right, {})


_PLAIN = frozenset({type(None), bool, int, float, str})
"""Types whose values Python compares as the program does."""


def is_plain(value: Value) -> bool:
    """Whether Python compares and hashes a value as the program does: a number, a text, None, or a tuple of such."""
    return type(value) in _PLAIN or (type(value) is tuple and all(map(is_plain, value)))


def _equal(left: Value, right: Value, known: dict[tuple[int, int], bool | None]) -> bool | None:
    if left is right:
        return _itself(left)
    if is_plain(left) and is_plain(right):
        return bool(left == right)
    if isinstance(left, MEMBERS) or isinstance(right, MEMBERS):
        return _equal_member(left, right)
    pair = id(left), id(right)
    if pair in known:
        return known[pair]
    if any(isinstance(side, ListV) and (side.count is not None or is_repeated(side.items)) for side in (left, right)):
        return None
    for side, other in ((left, right), (right, left)):
        if isinstance(side, Unknown) and isinstance(side.origin, origin.Dtype) and other in _HALF:
            return False  # a plain run computes in float32
    if (isinstance(left, tuple) and isinstance(right, tuple)) or (isinstance(left, ListV) and isinstance(right, ListV)):
        ours, theirs = _items(left), _items(right)
        if len(ours) != len(theirs):
            return False
        known[pair] = None  # a list within itself
        answers = [_equal(a, b, known) for a, b in zip(ours, theirs, strict=False)]
        is_known = False in answers or None not in answers
        known[pair] = False not in answers if is_known else None
        return known[pair]
    if is_unknown(left) or is_unknown(right):
        return None
    if (left is None and isinstance(right, Expr)) or (right is None and isinstance(left, Expr)):
        return False
    if isinstance(left, ShapeV) or isinstance(right, ShapeV):
        return True if left == right else False if _is_empty(left) or _is_empty(right) else None
    if isinstance(left, Expr) or isinstance(right, Expr):
        return symbolic_compare("==", left, right)
    if isinstance(left, NATIVE) and isinstance(right, NATIVE):
        return bool(left == right)
    if left in _TENSORS and right in _TENSORS:
        return True
    if isinstance(left, FROZEN) and isinstance(right, FROZEN):
        return left == right or (isinstance(left, DeviceV) and isinstance(right, DeviceV) and _same_device(left, right))
    match left, right:
        case DictV(), DictV():
            known[pair] = None  # a dict within itself
            known[pair] = _equal_dicts(left, right, known)
            return known[pair]
        case SetV(), SetV():
            return _equal_sets(left, right)
        case MethodV(), MethodV():
            return left.function is right.function and left.self is right.self
        case (Instance(), _) | (_, Instance()):
            known[pair] = None
            known[pair] = _equal_objects(left, right, known)
            return known[pair]
        case _:
            return False


def _equal_member(left: Value, right: Value) -> bool | None:
    """Whether two values, one of them a member of an enumeration, are equal: by value where its class is one of texts or numbers too."""
    if is_unknown(left) or is_unknown(right):
        return None
    if isinstance(left, MEMBERS) and isinstance(right, MEMBERS) and left.cls is right.cls:
        return bool(left == right)
    plain = any(isinstance(side, MEMBERS) and not is_mixed(side.cls) for side in (left, right))
    return False if plain else isinstance(left, NATIVE) and isinstance(right, NATIVE) and bool(left == right)


def _equal_dicts(left: DictV, right: DictV, known: dict[tuple[int, int], bool | None]) -> bool | None:
    if not (left.complete and right.complete):
        return None
    if left.items.keys() != right.items.keys():
        return False
    return _all([_equal(item, right.items[key], known) for key, item in left.items.items()])


def _equal_sets(left: SetV, right: SetV) -> bool | None:
    """Whether two sets hold the same: decided where all that they hold is plain."""
    if not all(isinstance(item, NATIVE) for item in (*left.items, *right.items)):
        return True if not left.items and not right.items else None
    return len(left.items) == len(right.items) and all(held_in(right.items, item) for item in left.items)


def _equal_objects(left: Value, right: Value, known: dict[tuple[int, int], bool | None]) -> bool | None:
    """Whether two values, one of them an object, are equal: records by their fields; what a class of the program says is not asked here."""
    ours, theirs = record_fields(left), record_fields(right)
    if ours is not None and theirs is not None:
        same_kind = isinstance(left, tuple) or isinstance(right, tuple) or _class_of(left) is _class_of(right)
        if not same_kind or len(ours) != len(theirs):
            return False
        return _all([_equal(one, other, known) for one, other in zip(ours, theirs, strict=True)])
    return None if any(_compares(side) for side in (left, right)) else False


def record_fields(value: Value) -> Sequence[Value] | None:
    """Returns what a record holds, by which it is compared: the fields of a dataclass or named tuple, a tuple's items; None of others."""
    if isinstance(value, Instance) and isinstance(value.cls, ClassV) and value.cls.fields is not None:
        own = find_in_mro(value.cls, "__eq__")
        return None if own is not None else [value.attrs.get(name) for name in value.cls.fields]
    return value if isinstance(value, tuple) else None


def _class_of(value: Value) -> Value:
    return value.cls if isinstance(value, Instance) else None


def _compares(value: Value) -> bool:
    """Whether an object's class, or a class of a library that it derives from, may say what it equals."""
    if not isinstance(value, Instance) or isinstance(value, ModuleV):
        return False
    if isinstance(value.cls, External):
        return value.cls.name != "builtins.object"
    return find_in_mro(value.cls, "__eq__") is not None or value.entries is not None


def _all(answers: Sequence[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def equals(items: Sequence[Value], wanted: Value) -> Iterator[bool | None]:
    """Yields of some values in turn whether they are equal to another; one that is held many times is compared once."""
    known: dict[tuple[int, int], bool | None] = {}
    return (_equal(item, wanted, known) for item in items)


def first_equal(items: Sequence[Value], wanted: Value) -> int | None:
    """Returns where the first of some values stands that is certainly equal to another."""
    return next((place for place, same in enumerate(equals(items, wanted)) if same is True), None)


def held_in(items: Sequence[Value], wanted: Value) -> bool | None:
    """Whether one of some values is equal to another."""
    unsettled = False
    for same in equals(items, wanted):
        if same is True:
            return True
        unsettled = unsettled or same is None
    return None if unsettled else False


def _is_empty(value: Value) -> bool:
    """Whether sizes are those of a tensor without entries, as a state starts with: no input has them."""
    return isinstance(value, tuple) and any(type(size) is int and size == 0 for size in value)


def _items(value: Value) -> Sequence[Value]:
    return value if isinstance(value, tuple) else value.items if isinstance(value, ListV) else ()
