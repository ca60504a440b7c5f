"""What iterating over a value yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vglint import origin
from vglint.interp.machine.core import ITERATE, Frame, Run, call, get_attribute, opaque
from vglint.interp.nodes.emit import entry_input, shape_of
from vglint.interp.protocols.repeats import first_repeated, is_layered, is_repeated, number_of
from vglint.interp.protocols.tensor_parts import index_tensor
from vglint.interp.values.objects import (
    ArrayV,
    ClassV,
    DictV,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    OpaqueV,
    OpenLoop,
    RepeatV,
    SetV,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Unknown


@dataclass(frozen=True, slots=True)
class Items:
    """The items in order, or (items None) one that stands for each of `count`, which may be unknown."""

    items: list[Value] | None
    item: Value = None
    count: Value = None
    parts: list[Value] | None = None
    """Where some of them are repeated an unknown number of times: the items in order, those as `RepeatV`."""


LIMIT = 4_096
"""Items of one iterable that are listed."""


def _foreign(value: Unknown) -> bool:
    """Whether a value comes from code that is not in reach: a loader of another package."""
    return isinstance(value.origin, (*origin.UNDEFINED, *origin.CALLS)) and len(value.text) <= origin.LONGEST


def items_of(run: Run, value: Value, frame: Frame, site: Site) -> Items:
    """Returns what iterating over a value yields."""
    handler = ITERATE.get(type(value))
    if handler is not None:
        answer: Items = handler(run, value, frame, site)
        return answer
    return plain_items(run, value, frame, site)


def plain_items(run: Run, value: Value, frame: Frame, site: Site) -> Items:
    """Returns what iterating over a value of Python's own kinds, a tensor or an object yields."""
    match value:
        case tuple():
            return listed(value)
        case str() | range() | bytes():
            if len(value) > LIMIT:
                return Items(None, Unknown(origin.Length("long range")), len(value))
            return Items(list(value))
        case ListV():
            if value.count is not None:
                return Items(None, value.items[0] if value.items else None, value.count)
            return listed(value.items)
        case SetV() | ArrayV():
            return Items(list(value.items))
        case DictV():
            if not value.complete and not value.items:
                return Items(None, Unknown(origin.Computed("key of a dict")), None)
            return Items(list(value.items))
        case IteratorV():
            return _rest(run, value)
        case Instance():
            return _instance(run, value, frame, site)
        case TensorV() if value.values is not None:
            return Items(list(value.values))
        case _ if is_tensor(value):
            return _rows(run, value, site)
        case ShapeV():
            return Items(None, Unknown(origin.Computed("size")), Unknown(origin.Computed("rank")))
        case Unknown() if run.context.training_code and (
            isinstance(value.origin, origin.FROM_ARGUMENTS) or (_foreign(value) and not run.context.setup)
        ):
            # What training code iterates over without knowing its length are batches.
            return Items(None, entry_input(run, f"each of {value.text}", site), Unknown(origin.Length(value.text)))
        case Unknown():
            return Items(None, Unknown(origin.each(value.origin)), Unknown(origin.Length(value.text)))
        case OpaqueV():
            deps = value.deps if value.node is None else (value.node,)
            return Items(None, OpaqueV(value.why, deps, None, site), Unknown(origin.Length(value.why.text)))
        case _:
            return Items(
                None,
                Unknown(origin.Call(f"iteration over {type(value).__name__}")),
                Unknown(origin.Length(type(value).__name__)),
            )


def _rest(run: Run, value: IteratorV) -> Items:
    if value.items is None:
        value.exhausted = True
        return Items(None, value.item, value.count)
    rest = value.items[value.position :]
    value.position = len(value.items)
    value.exhausted = True
    return listed(rest)


def listed(items: Sequence[Value]) -> Items:
    """Returns items of which some may be repeated; then, for whom that is too much, one that stands for all."""
    if not is_repeated(items):
        return Items(list(items))
    only = items[0]
    if (
        len(items) == 1
        and isinstance(only, RepeatV)
        and len(only.items) == 1
        and not isinstance(only.items[0], RepeatV)
    ):
        return Items(None, only.items[0], only.count)
    return Items(None, first_repeated(items), number_of(items), list(items))


def _instance(run: Run, value: Instance, frame: Frame, site: Site) -> Items:
    if isinstance(value.cls, ClassV) and value.cls.frozen_kind == "namedtuple":
        return Items([value.attrs.get(name) for name in value.cls.fields or ()])
    if value.entries is not None:
        return items_of(run, value.entries, frame, site)
    if isinstance(value.cls, ClassV) and value.cls.fields is not None and not isinstance(value, ModuleV):
        return Items([name for name in value.cls.fields if value.attrs.get(name) is not None])
    method = get_attribute(run, value, "__iter__", frame)
    if not is_unknown(method):
        result = call(run, method, [], {}, frame, site)
        if result is not value:
            return items_of(run, result, frame, site)
    by_index = _by_index(run, value, frame, site)
    if by_index is not None:
        return by_index
    unknown = opaque(run, origin.Length("iteration"), [value], site)
    return Items(None, unknown, Unknown(origin.Length("iteration")))


def _by_index(run: Run, value: Instance, frame: Frame, site: Site) -> Items | None:
    """The items of an object that is indexed from 0 to its length, where that is known."""
    length, item = (get_attribute(run, value, name, frame) for name in ("__len__", "__getitem__"))
    if not isinstance(length, MethodV) or not isinstance(item, MethodV):
        return None
    count = call(run, length, [], {}, frame, site)
    if not isinstance(count, int) or not 0 <= count <= LIMIT:
        return None
    return Items([call(run, item, [position], {}, frame, site) for position in range(count)])


def _rows(run: Run, value: Value, site: Site) -> Items:
    shape = shape_of(run, value)
    if shape and isinstance(shape[0], int) and shape[0] <= 256:
        return Items([index_tensor(run, value, position, site) for position in range(shape[0])])
    return Items(
        None,
        index_tensor(run, value, Unknown(origin.Computed("index")), site),
        shape[0] if shape else Unknown(origin.Length("first size of a tensor")),
    )


def parts_of_items(found: Items) -> list[Value] | None:
    """Returns what a starred expression adds to a list: items, of which layers may be repeated an unknown number of times."""
    if found.items is not None or found.parts is not None:
        return found.items if found.items is not None else found.parts
    if not is_layered(found.item):
        return None
    count = found.count if found.count is not None else Unknown(origin.Length("list of unknown length"))
    return [RepeatV((found.item,), count, OpenLoop(count))]
