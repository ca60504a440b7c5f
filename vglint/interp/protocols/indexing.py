"""`value[key]`, read and written."""

from __future__ import annotations

from vglint import origin
from vglint.graph import Init
from vglint.interp.machine import registries
from vglint.interp.machine.core import ITEM, SET_ITEM, Frame, Raised, Run, call, get_attribute, opaque
from vglint.interp.machine.names import set_member
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.distribution import UNKNOWN, constant, overwrite
from vglint.interp.nodes.emit import emit, node_of, shape_of
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.repeats import at
from vglint.interp.protocols.tensor_parts import covers, index_tensor, native_item, plain_key, rows_of, size
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    Namespace,
    OpaqueV,
    ParamV,
    ParamView,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Unknown


def index(run: Run, value: Value, key: Value, frame: Frame, site: Site) -> Value:
    """Returns `value[key]`."""
    handler = ITEM.get(type(value))
    if handler is not None:
        return handler(run, value, key, frame, site)
    match value:
        case tuple() | str() | range() | bytes():
            return native_item(value, key)
        case ListV():
            return _list(value, key)
        case DictV():
            return _dict(run, value, key, frame, site)
        case ShapeV():
            return size(run, value, key)
        case TensorV() | ParamV() | ParamView():
            return index_tensor(run, value, key, site)
        case OpaqueV():
            return OpaqueV(value.why, value.deps if value.node is None else (value.node,), None, site)
        case Unknown():
            return Unknown(origin.part(value.origin, f"[{_key_text(key)}]"))
        case IteratorV():
            return value.item if value.items is None else _list(ListV(value.items), key)
        case External(name="sys.modules") if key == frame.scope.module.module.name:
            return frame.scope.module
        case ClassV() | External():
            return (
                value
                if not (isinstance(value, ClassV) and value.frozen_kind == "enum" and isinstance(key, str))
                else value.names.get(key, Unknown(origin.Argument(key)))
            )
        case Instance():
            return _instance(run, value, key, frame, site)
        case Namespace() if isinstance(key, str):
            return get_attribute(run, value, key, frame)
        case _:
            return opaque(run, origin.Call(f"index of {type(value).__name__}"), [value], site)


def _key_text(key: Value) -> str:
    return repr(key) if isinstance(key, (int, str)) else "…"


def _list(value: ListV, key: Value) -> Value:
    if value.count is not None:
        return value if isinstance(key, slice) else value.items[0]
    plain = plain_key(key)
    if plain is None:
        return Unknown(origin.Computed("index"))
    try:
        found = at(value.items, plain)
    except (IndexError, TypeError, ValueError):
        return Unknown(origin.Call("index out of range"))
    return ListV(found) if isinstance(found, list) else found


def _dict(run: Run, value: DictV, key: Value, frame: Frame, site: Site) -> Value:
    if is_unknown(key):
        return Unknown(origin.Computed(f"{key.text if isinstance(key, Unknown) else 'key'} of a dict"))
    try:
        if key in value.items:
            return value.items[key]
    except TypeError:
        return Unknown(origin.Computed("key of a dict"))
    if value.default is not None:
        made = call(run, value.default, [], {}, frame, site)
        run.journal.put(value.items, key, made)
        return made
    if value.complete and isinstance(key, str) and registries.filled(run, value, key, frame.scope.module):
        return _dict(run, value, key, frame, site)
    if value.complete and run.context.trying:
        raise Raised("KeyError")
    return Unknown(origin.Name(f"[{_key_text(key)}]"))


def _instance(run: Run, value: Instance, key: Value, frame: Frame, site: Site) -> Value:
    if isinstance(value.cls, ClassV) and value.cls.fields is not None:
        if isinstance(key, (int, slice)):
            present = [each for name in value.cls.fields if (each := value.attrs.get(name)) is not None]
            return native_item(tuple(present), key)
        if isinstance(key, str) and key in value.attrs:
            return value.attrs[key]
    method = find_in_mro(value.cls, "__getitem__")
    if method is not None:
        return call(run, MethodV(method[0], value), [key], {}, frame, site)
    if isinstance(key, str) and key in value.attrs:
        return value.attrs[key]
    found = get_attribute(run, value, "__getitem__", frame)
    if not is_unknown(found):
        return call(run, found, [key], {}, frame, site)
    return opaque(run, origin.Call(f"index of {value.cls.name}"), [value], site)


def _hashable(key: Value) -> bool:
    """Whether a value can be a key: what is taken for a dict may be an array, whose parts are set by slices."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def set_index(run: Run, holder: Value, key: Value, value: Value, frame: Frame, site: Site) -> None:
    """Performs `holder[key] = value`."""
    handler = SET_ITEM.get(type(holder))
    if handler is not None:
        handler(run, holder, key, value, frame, site)
        return
    match holder:
        case DictV():
            if is_unknown(key) or not _hashable(key):
                run.journal.set_field(holder, "complete", False)
            else:
                run.journal.put(holder.items, key, value)
        case ListV():
            plain = plain_key(key)
            run.journal.touch(holder)
            if isinstance(plain, int) and holder.count is None and -len(holder.items) <= plain < len(holder.items):
                holder.items[plain] = value
            elif isinstance(plain, slice) and holder.count is None:
                given = items_of(run, value, frame, site).items
                if given is not None and plain.step is None:
                    holder.items[plain] = given
            elif plain is None and holder.count is None:
                holder.items[:] = [Unknown(origin.Computed("index")) for _ in holder.items]
        case TensorV():
            source = node_of(run, holder, site)
            assert source is not None
            inputs = [source]
            written = node_of(run, value, site) if is_tensor(value) or isinstance(value, OpaqueV) else None
            if written is not None:
                inputs.append(written)
            emit(run, "setitem", inputs, {"index": literal(key)}, site, shape=shape_of(run, holder))
            run.journal.set_field(holder, "node", len(run.graph.nodes) - 1)
            run.journal.set_field(holder, "pick", ())
            run.journal.set_field(holder, "init", UNKNOWN if holder.init is not None else None)
            run.journal.set_field(holder, "values", None)
            run.journal.set_field(holder, "ramp", None)
        case ParamV() | ParamView():
            param = holder.param if isinstance(holder, ParamView) else holder
            whole = isinstance(holder, ParamV) or holder.whole
            part = ParamView(param, False, True, rows=rows_of(param, key) if whole else None)
            overwrite(run, holder if covers(key) else part, _written(value), site)
        case Namespace() if isinstance(key, str):
            set_member(run, holder, key, value)
        case Instance():
            method = get_attribute(run, holder, "__setitem__", frame)
            if not is_unknown(method):
                call(run, method, [key, value], {}, frame, site)
            elif isinstance(key, str):
                run.journal.put(holder.attrs, key, value)
        case _:
            pass


def _written(value: Value) -> Init:
    if isinstance(value, (int, float)):
        return constant(value)
    if isinstance(value, (TensorV, ParamV)) and value.init is not None:
        return value.init
    return UNKNOWN
