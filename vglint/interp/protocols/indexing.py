"""`value[key]`, read and written."""

from __future__ import annotations

from typing import Any

from vglint import ops, origin
from vglint.graph import Init
from vglint.interp.machine import registries
from vglint.interp.machine.core import Frame, Raised, Run, call, get_attribute, opaque
from vglint.interp.machine.names import set_member
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.constants import after_index
from vglint.interp.nodes.distribution import UNKNOWN, overwrite
from vglint.interp.nodes.emit import emit, entry_input, node_of, shape_of
from vglint.interp.nodes.ranks import last_size, learn, of_tokens
from vglint.interp.protocols.repeats import at, is_repeated
from vglint.interp.torch import containers
from vglint.interp.values.objects import (
    ROW,
    ArrayV,
    ClassV,
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
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
from vglint.ops.spec import Call, Tensor
from vglint.value import Expr, Literal_, Unknown


def index(run: Run, value: Value, key: Value, frame: Frame, site: Site) -> Value:
    """Returns `value[key]`."""
    match value:
        case tuple() | str() | range() | bytes():
            return _native(value, key)
        case ListV():
            return _list(value, key)
        case ArrayV():
            from vglint.interp.kinds.arrays import index as index_array

            return index_array(value, key)
        case DictV():
            return _dict(run, value, key, frame, site)
        case ModuleV():
            return _module(run, value, key, frame, site)
        case ShapeV():
            return _size(run, value, key)
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


def _native(value: Any, key: Value) -> Value:
    plain = _plain_key(key)
    if plain is None:
        if isinstance(value, tuple) and value:
            tensors = [item for item in value if is_tensor(item)]
            if tensors:
                return OpaqueV(
                    Unknown(origin.Computed("index")), tuple(item.node for item in tensors if isinstance(item, TensorV))
                )
        return Unknown(origin.Computed("index"))
    try:
        result: Value = value[plain]
        return result
    except (IndexError, TypeError, ValueError):
        return Unknown(origin.Call("index out of range"))


def _plain_key(key: Value) -> Any:
    if isinstance(key, bool):
        return int(key)
    if isinstance(key, int):
        return key
    if isinstance(key, slice) and all(
        part is None or isinstance(part, int) for part in (key.start, key.stop, key.step)
    ):
        return key
    return None


def _list(value: ListV, key: Value) -> Value:
    if value.count is not None:
        return value if isinstance(key, slice) else value.items[0]
    plain = _plain_key(key)
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
        run.put(value.items, key, made)
        return made
    if value.complete and isinstance(key, str) and registries.filled(run, value, frame.scope.module):
        return _dict(run, value, key, frame, site)
    if value.complete and run.trying:
        raise Raised("KeyError")
    return Unknown(origin.Name(f"[{_key_text(key)}]"))


def _module(run: Run, value: ModuleV, key: Value, frame: Frame, site: Site) -> Value:
    from vglint.interp.values.classes import find_in_mro

    method = find_in_mro(value.cls, "__getitem__")
    if method is not None:
        return call(run, MethodV(method[0], value), [key], {}, frame, site)
    table = value.modules or value.parameters
    if isinstance(key, str):
        return table.get(key, value.attrs.get(key, Unknown(origin.Name(f"[{key!r}]"))))
    parts = containers.parts_of(value)
    if len(table) == 1 and is_repeated(parts):
        return value if isinstance(key, slice) else next(iter(table.values()))
    plain = _plain_key(key)
    if plain is None:
        return Unknown(origin.Computed("index of a module list"))
    try:
        found = at(parts, plain)
    except (IndexError, TypeError):
        return Unknown(origin.Call("index out of range"))
    if not isinstance(plain, slice) or not isinstance(found, list):
        return found
    part = ModuleV(value.cls, {}, value.origin)
    if is_repeated(found):
        for each in found:
            containers.add(run, part, each, site)
        part.extra["view"] = True
        return part
    for number, (name, child) in enumerate(list(table.items())[plain]):
        (part.modules if isinstance(child, ModuleV) else part.parameters)[str(number) if name.isdigit() else name] = (
            child
        )
    part.extra["view"] = True
    return part


def _size(run: Run, value: ShapeV, key: Value) -> Value:
    tensor = value.tensor
    shape = shape_of(run, tensor)
    if shape is not None:
        sizes = tuple(dimension(run, tensor, position) for position in range(len(shape)))
        return _native(sizes[value.skip : len(sizes) - value.cut], key)
    if isinstance(key, slice):
        return _sizes(run, value, key)
    if isinstance(key, int):
        key += value.skip if key >= 0 else -value.cut
    if key == -1 and not tensor.pick and (last := last_size(run, tensor.node)) is not None:
        return last
    if isinstance(key, int) and key > 0 and isinstance(tensor, TensorV) and of_tokens(run, tensor):
        learn(run, tensor, key + 2)
        return dimension(run, tensor, key)
    name = run.nodes[tensor.node].config.get("name", f"%{tensor.node}")
    return Expr.symbol(f"{name}.{key}") if isinstance(key, int) else Unknown(origin.Computed("size"))


def _sizes(run: Run, value: ShapeV, key: slice) -> Value:
    """Some of the sizes of a tensor whose rank is not known."""
    start, stop = 0 if key.start is None else key.start, 0 if key.stop is None else key.stop
    if key.step is None and isinstance(start, int) and isinstance(stop, int):
        if -8 <= start < 0 and key.stop is None:
            return tuple(_size(run, value, place) for place in range(start, 0))
        if 0 <= start <= 8 and (-8 <= stop < 0 or key.stop is None):
            return ShapeV(value.tensor, value.skip + start, value.cut - stop)
        if 0 <= start < stop <= 8:
            return tuple(_size(run, value, place) for place in range(start, stop))
    return Unknown(origin.Computed(f"sizes of %{value.tensor.node}"))


def dimension(run: Run, tensor: Value, position: int) -> Value:
    """Returns one size of a tensor of known rank; one that is not known gets a name that it keeps."""
    shape = shape_of(run, tensor)
    assert shape is not None
    size = shape[position]
    if size is not None:
        return size
    if isinstance(tensor, TensorV):
        label = run.nodes[tensor.node].config.get("name", f"%{tensor.node}")
        named = Expr.symbol(f"{label}.{position}")
        renamed = (*shape[:position], named, *shape[position + 1 :])
        run.set_field(tensor, "shape", renamed)
        if not tensor.pick:
            run.nodes[tensor.node].shape = renamed
        return named
    return Unknown(origin.Computed("size"))


def _instance(run: Run, value: Instance, key: Value, frame: Frame, site: Site) -> Value:
    from vglint.interp.values.classes import find_in_mro

    if isinstance(value.cls, ClassV) and value.cls.fields is not None:
        if isinstance(key, (int, slice)):
            present = [each for name in value.cls.fields if (each := value.attrs.get(name)) is not None]
            return _native(tuple(present), key)
        if isinstance(key, str) and key in value.attrs:
            return value.attrs[key]
    method = find_in_mro(value.cls, "__getitem__")
    if method is not None:
        return call(run, MethodV(method[0], value), [key], {}, frame, site)
    if isinstance(key, str) and key in value.attrs:
        return value.attrs[key]
    listed = value.extra.get("items")
    if isinstance(listed, list):
        return _list(ListV(listed), key)
    found = get_attribute(run, value, "__getitem__", frame)
    if not is_unknown(found):
        return call(run, found, [key], {}, frame, site)
    return opaque(run, origin.Call(f"index of {value.cls.name}"), [value], site)


def index_tensor(run: Run, value: Value, key: Value, site: Site) -> Value:
    """Returns an indexed tensor; a string means that the tensor is in truth a mapping of tensors."""
    if (
        isinstance(value, TensorV)
        and value.values is not None
        and isinstance(key, int)
        and -len(value.values) <= key < len(value.values)
    ):
        made = TensorV(value.node, (), values=(value.values[key],))
        return made
    if isinstance(value, (ParamV, ParamView)) and run.setup:
        param = value.param if isinstance(value, ParamView) else value
        part = ops.result("getitem", Call({"index": literal(key)}, [shape_of(run, value)], ["input"]))
        shape = part.shape if isinstance(part, Tensor) else None
        whole = isinstance(value, ParamV) or value.whole
        rows = _rows(param, key) if whole else None
        one = whole and isinstance(key, int) and not isinstance(key, bool)
        cut = isinstance(value, ParamView) and value.cut
        return ParamView(param, whole and _covers(key), cut, ROW if one else 1, shape, rows)
    if isinstance(value, TensorV) and isinstance(key, str):
        draft = run.nodes[value.node]
        if draft.op == "input":
            return entry_input(run, f"{draft.config.get('name', 'input')}[{key!r}]", site)
        return OpaqueV(Unknown(origin.Call(f"[{key!r}] of a tensor")), (value.node,), None, site)
    source = node_of(run, value, site)
    assert source is not None
    indices = [
        part for part in (key if isinstance(key, tuple) else (key,)) if is_tensor(part) or isinstance(part, OpaqueV)
    ]
    inputs = [source, *(node for node in (node_of(run, part, site) for part in indices) if node is not None)]
    # A list picks places of one dimension, where a tuple of the same numbers would index several.
    place = literal(key)
    config: dict[str, Literal_] = {
        "index": ("list", *place) if isinstance(key, ListV) and isinstance(place, tuple) else place
    }
    result = ops.result(
        "getitem",
        Call(
            config,
            [shape_of(run, value), *(shape_of(run, part) for part in indices)],
            ["input", *("index" for _ in indices)],
        ),
    )
    shape = result.shape if isinstance(result, Tensor) else None
    emit(run, "getitem", inputs, config, site, shape=shape)
    made = TensorV(len(run.nodes) - 1, shape)
    if isinstance(value, (TensorV, ParamV)) and value.init is not None:
        made.init = value.init
    made.ramp = after_index(value, key)
    return made


def _rows(param: ParamV, key: Value) -> tuple[int, int] | None:
    """Returns the entries of a vector that a slice names, None where they are not plain numbers."""
    if param.shape is None or len(param.shape) != 1 or not isinstance(param.shape[0], int):
        return None
    plain = _plain_key(key) if isinstance(key, slice) else None
    if not isinstance(plain, slice) or plain.step not in (None, 1):
        return None
    start, stop, _ = plain.indices(param.shape[0])
    return (start, stop) if start < stop else None


def _covers(key: Value) -> bool:
    """Whether an index names everything (`[:]`, `[...]`)."""
    return key is Ellipsis or (isinstance(key, slice) and key.start is None and key.stop is None)


def _hashable(key: Value) -> bool:
    """Whether a value can be a key: what is taken for a dict may be an array, whose parts are set by slices."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def set_index(run: Run, holder: Value, key: Value, value: Value, frame: Frame, site: Site) -> None:
    """Performs `holder[key] = value`."""
    match holder:
        case DictV():
            if is_unknown(key) or not _hashable(key):
                run.set_field(holder, "complete", False)
            else:
                run.put(holder.items, key, value)
        case ListV():
            plain = _plain_key(key)
            run.touch(holder)
            if isinstance(plain, int) and holder.count is None and -len(holder.items) <= plain < len(holder.items):
                holder.items[plain] = value
            elif isinstance(plain, slice) and holder.count is None:
                from vglint.interp.protocols.iteration import items_of

                given = items_of(run, value, frame, site).items
                if given is not None and plain.step is None:
                    holder.items[plain] = given
            elif plain is None and holder.count is None:
                holder.items[:] = [Unknown(origin.Computed("index")) for _ in holder.items]
        case ModuleV():
            _set_child(run, holder, key, value, frame, site)
        case TensorV():
            source = node_of(run, holder, site)
            assert source is not None
            inputs = [source]
            written = node_of(run, value, site) if is_tensor(value) or isinstance(value, OpaqueV) else None
            if written is not None:
                inputs.append(written)
            emit(run, "setitem", inputs, {"index": literal(key)}, site, shape=shape_of(run, holder))
            run.set_field(holder, "node", len(run.nodes) - 1)
            run.set_field(holder, "pick", ())
            run.set_field(holder, "init", UNKNOWN if holder.init is not None else None)
            run.set_field(holder, "values", None)
            run.set_field(holder, "ramp", None)
        case ParamV() | ParamView():
            param = holder.param if isinstance(holder, ParamView) else holder
            whole = isinstance(holder, ParamV) or holder.whole
            part = ParamView(param, False, True, rows=_rows(param, key) if whole else None)
            overwrite(run, holder if _covers(key) else part, _written(value), site)
        case Namespace() if isinstance(key, str):
            set_member(run, holder, key, value)
        case Instance():
            method = get_attribute(run, holder, "__setitem__", frame)
            if not is_unknown(method):
                call(run, method, [key, value], {}, frame, site)
            elif isinstance(key, str):
                run.put(holder.attrs, key, value)
        case _:
            pass


def _written(value: Value) -> Init:
    from vglint.interp.nodes.distribution import constant

    if isinstance(value, (int, float)):
        return constant(value)
    if isinstance(value, (TensorV, ParamV)) and value.init is not None:
        return value.init
    return UNKNOWN


def _set_child(run: Run, holder: ModuleV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if isinstance(key, str):
        run.put(
            holder.modules
            if isinstance(value, ModuleV)
            else holder.parameters
            if isinstance(value, ParamV)
            else holder.attrs,
            key,
            value,
        )
    elif isinstance(key, int):
        names = list(holder.modules)
        if -len(names) <= key < len(names):
            run.put(holder.modules, names[key], value)
    else:
        from vglint.interp.torch.modules import register_unnamed

        register_unnamed(run, value, site)
