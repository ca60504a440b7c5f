"""Parts and sizes of tensors."""

from __future__ import annotations

import math
from typing import Any

from vglint import ops, origin
from vglint.graph import Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.constants import after_index
from vglint.interp.nodes.distribution import overwrite
from vglint.interp.nodes.emit import emit, entry_input, node_of, shape_of
from vglint.interp.nodes.ranks import last_size, learn, of_tokens
from vglint.interp.nodes.views import is_view
from vglint.interp.values.objects import (
    ROW,
    ListV,
    OpaqueV,
    ParamV,
    ParamView,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.interp.values.tensors import Part
from vglint.ops.init import spread
from vglint.ops.spec import Call, Tensor
from vglint.value import Expr, Literal_, Unknown


def size(run: Run, value: ShapeV, key: Value) -> Value:
    tensor = value.tensor
    shape = shape_of(run, tensor)
    if shape is not None:
        sizes = tuple(dimension(run, tensor, position) for position in range(len(shape)))
        return native_item(sizes[value.skip : len(sizes) - value.cut], key)
    if isinstance(key, slice):
        return _sizes(run, value, key)
    if isinstance(key, int):
        key += value.skip if key >= 0 else -value.cut
    if key == -1 and not tensor.pick and (last := last_size(run, tensor.node)) is not None:
        return last
    if isinstance(key, int) and key > 0 and isinstance(tensor, TensorV) and of_tokens(run, tensor):
        learn(run, tensor, key + 2)
        return dimension(run, tensor, key)
    name = run.graph.nodes[tensor.node].config.get("name", f"%{tensor.node}")
    return Expr.symbol(f"{name}.{key}") if isinstance(key, int) else Unknown(origin.Computed("size"))


def _sizes(run: Run, value: ShapeV, key: slice) -> Value:
    """Some of the sizes of a tensor whose rank is not known."""
    start, stop = 0 if key.start is None else key.start, 0 if key.stop is None else key.stop
    if key.step is None and isinstance(start, int) and isinstance(stop, int):
        if -8 <= start < 0 and key.stop is None:
            return tuple(size(run, value, place) for place in range(start, 0))
        if 0 <= start <= 8 and (-8 <= stop < 0 or key.stop is None):
            return ShapeV(value.tensor, value.skip + start, value.cut - stop)
        if 0 <= start < stop <= 8:
            return tuple(size(run, value, place) for place in range(start, stop))
    return Unknown(origin.Computed(f"sizes of %{value.tensor.node}"))


def dimension(run: Run, tensor: Value, position: int) -> Value:
    """Returns one size of a tensor of known rank; one that is not known gets a name that it keeps."""
    shape = shape_of(run, tensor)
    assert shape is not None
    size = shape[position]
    if size is not None:
        return size
    if isinstance(tensor, TensorV):
        label = run.graph.nodes[tensor.node].config.get("name", f"%{tensor.node}")
        named = Expr.symbol(f"{label}.{position}")
        renamed = (*shape[:position], named, *shape[position + 1 :])
        run.journal.set_field(tensor, "shape", renamed)
        if not tensor.pick:
            run.graph.nodes[tensor.node].shape = renamed
        return named
    return Unknown(origin.Computed("size"))


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
    if isinstance(value, (ParamV, ParamView)) and run.context.setup:
        param = value.param if isinstance(value, ParamView) else value
        part = ops.result("getitem", Call({"index": literal(key)}, [shape_of(run, value)], ["input"]))
        shape = part.shape if isinstance(part, Tensor) else None
        whole = isinstance(value, ParamV) or value.whole
        rows = rows_of(param, key) if whole else None
        one = whole and isinstance(key, int) and not isinstance(key, bool)
        cut = isinstance(value, ParamView) and value.cut
        return ParamView(param, whole and covers(key), cut, ROW if one else 1, shape, rows)
    if isinstance(value, TensorV) and isinstance(key, str):
        draft = run.graph.nodes[value.node]
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
    place = "tensor" if _numbers_rows(run, key) else literal(key)
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
    made = TensorV(len(run.graph.nodes) - 1, shape)
    if isinstance(value, (TensorV, ParamV)) and value.init is not None:
        made.init = value.init
    made.ramp = after_index(value, key)
    if isinstance(value, TensorV) and is_view(key):
        made.part = Part(value, config["index"])
    return made


_MASKS = ("torch.bool", "torch.uint8")


def _numbers_rows(run: Run, key: Value) -> bool:
    """Whether an index is a tensor of integers, and no mask."""
    if not isinstance(key, TensorV):
        return False
    draft = run.graph.nodes[key.node]
    while draft.inputs and (draft.op == "getitem" or ops.has(draft.op, "copies") or ops.has(draft.op, "reshapes")):
        draft = run.graph.nodes[draft.inputs[0]]
    return ops.has(draft.op, "gives_integers") and draft.config.get("dtype") not in _MASKS


def rows_of(param: ParamV, key: Value) -> tuple[int, int] | None:
    """Returns the entries of a vector that a slice names, None where they are not plain numbers."""
    if param.shape is None or len(param.shape) != 1 or not isinstance(param.shape[0], int):
        return None
    plain = plain_key(key) if isinstance(key, slice) else None
    if not isinstance(plain, slice) or plain.step not in (None, 1):
        return None
    start, stop, _ = plain.indices(param.shape[0])
    return (start, stop) if start < stop else None


def covers(key: Value) -> bool:
    """Whether an index names everything (`[:]`, `[...]`)."""
    return key is Ellipsis or (isinstance(key, slice) and key.start is None and key.stop is None and key.step is None)


def write_entries(run: Run, holder: ParamV | ParamView, key: Value, init: Init, site: Site) -> None:
    """Stores what is written at an index of a parameter; a matrix all of whose columns were written is known again."""
    param = holder.param if isinstance(holder, ParamView) else holder
    whole = isinstance(holder, ParamV) or holder.whole
    if covers(key):
        overwrite(run, holder, init, site)
        return
    before = param.columns
    overwrite(run, ParamView(param, False, True, rows=rows_of(param, key) if whole else None), init, site)
    columns = _columns_of(param, key) if whole else None
    if columns is None or param.shape is None:
        return
    written = (*(each for each in before if not set(each[0]) <= set(columns)), (columns, init))
    run.journal.set_field(param, "columns", written)
    places = [place for part, _ in written for place in part]
    found = [spread(each, (param.shape[0], len(part))) for part, each in written]
    if len(places) != param.shape[1] or len(set(places)) != len(places):
        return
    total = square = 0.0
    for (part, _), one in zip(written, found, strict=True):
        variance = one.variance() if one is not None else None
        if one is None or variance is None:
            return
        total += len(part) * one.mean
        square += len(part) * (variance + one.mean**2)
    mean = total / len(places)
    std = math.sqrt(max(square / len(places) - mean * mean, 0.0))
    overwrite(run, param, Init("computed", (("mean", mean), ("std", std))), site)


def _columns_of(param: ParamV, key: Value) -> range | None:
    """Returns the columns of a matrix that an index names whole (`[:, 0::2]`), None where they are not plain numbers."""
    width = param.shape[1] if param.shape is not None and len(param.shape) == 2 else None
    if not isinstance(key, tuple) or len(key) != 2 or not covers(key[0]) or not isinstance(width, int):
        return None
    plain = plain_key(key[1]) if isinstance(key[1], slice) else None
    return range(width)[plain] if isinstance(plain, slice) and plain.step != 0 else None


def native_item(value: Any, key: Value) -> Value:
    plain = plain_key(key)
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


def plain_key(key: Value) -> Any:
    if isinstance(key, bool):
        return int(key)
    if isinstance(key, int):
        return key
    if isinstance(key, slice) and all(
        part is None or isinstance(part, int) for part in (key.start, key.stop, key.step)
    ):
        return key
    return None


def sizes_of(run: Run, value: Value) -> Value:
    shape = shape_of(run, value)
    if shape is not None:
        return tuple(dimension(run, value, position) for position in range(len(shape)))
    if isinstance(value, TensorV):
        return ShapeV(value)
    made = node_of(run, value, None)
    return ShapeV(TensorV(made)) if made is not None else Unknown(origin.Computed("shape"))


def blocks(value: ParamV | ParamView, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Equal blocks of a parameter along dimension 0: one gate each of a stacked recurrent weight."""
    param = value.param if isinstance(value, ParamView) else value
    along = args[1] if len(args) > 1 else keywords.get("dim", 0)
    count = args[0] if args else keywords.get("chunks")
    if name == "split" and isinstance(count, int) and param.shape and isinstance(param.shape[0], int) and count:
        count = param.shape[0] // count if param.shape[0] % count == 0 else None
    if (name == "chunk" or name == "split") and isinstance(count, int) and 0 < count <= 64 and along == 0:
        return tuple(ParamView(param, False, True, count) for _ in range(count))
    return ListV([ParamView(param, False, True)], Unknown(origin.Computed("blocks")))
