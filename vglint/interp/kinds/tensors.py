"""Methods and attributes of tensors, and what is done in place to parameters."""

from __future__ import annotations

from typing import Any

from vglint import ops, origin
from vglint.graph import Init
from vglint.interp.machine.core import Frame, Run, opaque, register, set_trainable
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.nodes import distribution, views
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.constants import truth_of
from vglint.interp.nodes.distribution import UNKNOWN, constant, overwrite
from vglint.interp.nodes.emit import emit, entry_input, leaf_of, node_of, shape_of
from vglint.interp.nodes.filled import as_tensor, written_entry
from vglint.interp.nodes.folding import pieces
from vglint.interp.nodes.leaves import as_made, is_leaf, is_so, part_of
from vglint.interp.nodes.operations import emit_call
from vglint.interp.nodes.ranks import rank_of
from vglint.interp.protocols.comparison import tensor_binary
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.iteration import Items
from vglint.interp.protocols.tensor_parts import blocks, dimension, index_tensor, size, sizes_of, write_entries
from vglint.interp.static.descent import SUBTRACTS
from vglint.interp.torch import training
from vglint.interp.torch.devices import HERE, dtype_of, on_device, type_text
from vglint.interp.torch.training import step_by_hand, written_in_place
from vglint.interp.values.objects import (
    ArrayV,
    BuiltinV,
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
from vglint.interp.values.tensors import FLOAT32
from vglint.ops.fills import IN_PLACE
from vglint.ops.spec import Arg, Spelling
from vglint.source import code
from vglint.value import Unknown, product

TENSORS = (TensorV, ParamV, ParamView)
TENSOR_NAMES = frozenset(
    "T mT H shape size dim device dtype data grad requires_grad is_cuda item tolist numel ndim backward detach register_hook retain_grad is_floating_point is_complex is_contiguous keys values items get".split()
)
"""Attribute names that say that an input is a tensor (or a plain mapping), not an object with tensors in it."""

declines(TENSORS, CALL, CONTAINS)
declines((ShapeV,), CALL, SETATTR, SET_ITEM, TRUTH, OPERATE, COMPARE, CONTAINS)


def bound_method(run: Run, value: Value, name: str, frame: Frame) -> Value:
    """Returns a method of a tensor."""

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return call_method(run, value, name, args, keywords, frame, site)

    return BuiltinV(name, invoke)


def tensor_attribute(run: Run, value: Value, name: str, frame: Frame) -> Value:
    spelling = ops.attribute(name)
    assert spelling is not None
    return _with_self(run, spelling, value, [], {}, Site(frame.unit, frame.unit.head))


def call_method(
    run: Run, value: Value, name: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    special = _special(run, value, name, args, keywords, frame, site)
    if special is not MISSING:
        return special
    if name in SUBTRACTS and isinstance(site.node, code.Call):
        step_by_hand(run, value, site.node.args, site)
    if name in _IN_PLACE_ARITHMETIC and args and written_in_place(run, name[:-1], value, args[0], site):
        return value
    if isinstance(value, (ParamV, ParamView)) and name.endswith("_") and not name.startswith("_"):
        return _write(run, value, name, args, keywords, site)
    drawn = None
    if isinstance(value, TensorV) and value.init is not None and name in IN_PLACE:
        drawn = distribution.scheme(IN_PLACE[name], args, keywords)
        if run.context.setup or not run.context.modules_running or not ops.has(name, "shape_alone"):
            distribution.overwrite(run, value, drawn, site)
            views.written(run, value, site)
            return value
    if name == "where" and (function := ops.find("torch.where")) is not None and (args or "condition" in keywords):
        other = args[1] if len(args) > 1 else keywords.get("other")
        return emit_call(run, function, [args[0] if args else keywords["condition"], value, other], {}, site)
    spelling = ops.method(name)
    if spelling is None:
        return opaque(run, origin.Call(f"Tensor.{name}()"), [value, *args, *keywords.values()], site)
    result = _with_self(run, spelling, value, args, keywords, site)
    if spelling.inplace and isinstance(value, TensorV) and isinstance(result, TensorV):
        if (whole := part_of(run, value)) is not None:
            distribution.overwrite(run, whole, distribution.UNKNOWN, site)
        for field in ("node", "pick", "ramp", "values"):
            run.journal.set_field(value, field, getattr(result, field))
        run.journal.set_field(value, "shape", result.shape or value.shape)
        run.journal.set_field(value, "init", drawn or result.init)
        if not (ops.has(spelling.op, "shares") or ops.has(spelling.op, "copies")):
            views.written(run, value, site)
        return value
    return result


_IN_PLACE_ARITHMETIC = frozenset(("mul_", "div_", "add_", "sub_"))
_NUMBERS = (int, float, TensorV)


def _with_self(
    run: Run, spelling: Spelling, value: Value, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value:
    return emit_call(run, spelling, [value, *args], keywords, site, signature=(SELF, *spelling.args))


SELF = Arg("input", "tensor")


def _special(
    run: Run, value: Value, name: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value | Missing:
    match name:
        case "size":
            at = args[0] if args else keywords.get("dim")
            return size_at(run, value, at)
        case "dim" | "ndimension":
            shape = shape_of(run, value)
            return rank_of(run, value) if shape is None else len(shape)
        case "numel" | "nelement":
            shape = shape_of(run, value)
            if shape is None:
                return Unknown(origin.Computed("numel"))
            total = product(dimension(run, value, position) for position in range(len(shape)))
            return Unknown(origin.Computed("numel")) if total is None else total
        case "item" | "tolist" if isinstance(value, TensorV) and value.values is not None:
            return value.values[0] if name == "item" and len(value.values) == 1 else ListV(list(value.values))
        case "split" | "chunk" if isinstance(value, TensorV) and value.values is not None and len(args) == 1:
            parts = pieces(name, value.values, args[0])
            if parts is None:
                return MISSING
            return tuple(TensorV(value.node, (len(part),), values=part) for part in parts)
        case "astype" | "to_numpy" if run.context.training_code and not run.context.modules_running:
            return value  # data that is an array there
        case "is_contiguous" | "is_floating_point":
            return True
        case "is_complex" | "is_sparse":
            return False
        case "get_device" | "data_ptr" | "storage_offset" | "stride" | "element_size":
            return Unknown(origin.Argument(name))
        case "register_hook" | "register_post_accumulate_grad_hook" if isinstance(value, ParamV):
            if run.context.training_code:  # code of the program's own does something with the gradient: clips it, steps
                emit(run, "param_grad", [], {}, site, params=[("0", value)])
                run.graph.nodes[-1].setup = False
            return None
        case "backward" | "register_hook" | "retain_grad" | "requires_grad_":
            return training.tensor_method(run, value, name, args, keywords, site)
        case "detach" if isinstance(value, (ParamV, ParamView)) and run.context.setup:
            whole = isinstance(value, ParamV) or value.whole
            return ParamView(value.param if isinstance(value, ParamView) else value, whole, True)
        case "chunk" | "split" | "unbind" if isinstance(value, (ParamV, ParamView)) and run.context.setup:
            return blocks(value, name, args, keywords)
        case "float" | "contiguous" | "cpu" if isinstance(value, ParamV) and run.context.setup:
            return value  # it is made so: torch returns the parameter itself
        case "to" if isinstance(value, ParamV) and run.context.setup and as_made(args, keywords):
            return value
        case "to" | "cpu" | "float" | "contiguous" if isinstance(value, TensorV) and is_so(
            run, value, name, args, keywords
        ):
            return value  # a leaf stays the leaf that it is
        case "keys" | "values" | "items" | "get" if isinstance(value, TensorV):
            return Unknown(origin.Computed(f".{name}()"))
        case "type" if not args:
            return type_text(run, value.node if isinstance(value, TensorV) else None)
        case "__len__":
            return size_at(run, value, 0)
        case _:
            return MISSING


def size_at(run: Run, value: Value, at: Value) -> Value:
    """Returns `x.size(at)`, or all sizes where `at` is None."""
    sizes = sizes_of(run, value)
    if at is None:
        return sizes
    if isinstance(sizes, (tuple, ShapeV)) and isinstance(at, int):
        return index(run, sizes, at, None, None)  # type: ignore[arg-type]
    return Unknown(origin.Computed("size"))


def _write(
    run: Run, value: ParamV | ParamView, name: str, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value:
    """Overwrites or scales a parameter in place."""
    param = value.param if isinstance(value, ParamView) else value
    if name in IN_PLACE:
        distribution.overwrite(run, value, distribution.scheme(IN_PLACE[name], args, keywords), site)
    elif name == "copy_" and args and isinstance(args[0], TensorV):
        distribution.overwrite(run, value, distribution.of_tensor(run, args[0]), site)
    elif name == "copy_" and args and isinstance(args[0], ParamV):
        distribution.overwrite(run, value, args[0].init, site)
    elif name in _IN_PLACE_ARITHMETIC and args and isinstance(args[0], _NUMBERS if run.context.setup else (int, float)):
        whole = isinstance(value, ParamV) or value.whole
        made = distribution.combined(name[:-1], [param, args[0]]) if whole else None
        distribution.overwrite(run, value, made or distribution.UNKNOWN, site)
    elif name in ("erfinv_", "clamp_", "clip_", "fmod_") and (isinstance(value, ParamV) or value.whole):
        distribution.overwrite(run, value, distribution.altered(param.init, name, args, keywords), site)
    elif name in ("requires_grad_",) or name in ("squeeze_", "unsqueeze_", "detach_", "t_", "transpose_"):
        pass
    elif run.context.setup or not any(is_tensor(arg) or isinstance(arg, OpaqueV) for arg in args):
        distribution.overwrite(run, value, distribution.UNKNOWN, site)
    return value


@register(GETATTR, ShapeV)
def size_attribute(run: Run, value: ShapeV, name: str, frame: Frame) -> Value:
    if name == "numel":
        return BuiltinV("numel", lambda run, args, keywords, frame, site: Unknown(origin.Computed("numel")))
    return Unknown(origin.Computed(f"shape.{name}"))


@register(GETATTR, TensorV, ParamV, ParamView)
def tensor(run: Run, value: Any, name: str, frame: Frame) -> Value:
    """Attributes of tensors that hold no tensor; methods and the rest are ops."""
    match name:
        case "shape":
            return sizes_of(run, value)
        case "ndim":
            shape = shape_of(run, value)
            return rank_of(run, value) if shape is None else len(shape)
        case "device":
            return HERE
        case "dtype":
            return dtype_of(run, value.node, 0) if isinstance(value, TensorV) else FLOAT32
        case "requires_grad":
            return value.trainable if isinstance(value, ParamV) else Unknown(origin.Computed("requires_grad"))
        case "is_cuda" if run.context.modules_running:
            return on_device(run) == "cuda"
        case "is_cuda" | "is_sparse" | "is_quantized" | "is_mps" | "is_nested":
            return False
        case "grad":
            held = value if isinstance(value, ParamV) else None
            if isinstance(value, TensorV):
                held = run.graph.constants.get((value.node, value.pick))
            if run.context.training_code and (held is not None or (isinstance(value, TensorV) and is_leaf(run, value))):
                named = [] if held is None else [("0", held)]
                emit(run, "param_grad", [], {}, Site(frame.unit, frame.unit.head), params=named)
            if isinstance(value, TensorV) and run.graph.nodes[value.node].op == "requires_grad":
                run.graph.nodes[value.node].config["read"] = True  # the program hands the gradient on itself
            return Unknown(origin.Computed("grad"))
        case "data" if isinstance(value, TensorV) and (own := leaf_of(run, value)) is not None:
            return ParamView(own, True, True)
        case "data" if isinstance(value, ParamV):
            return ParamView(value, True, True)
        case "data" if isinstance(value, ParamView):
            return value
        case _:
            pass
    if (
        isinstance(value, TensorV)
        and not value.pick
        and run.graph.nodes[value.node].op == "input"
        and ops.method(name) is None
        and ops.attribute(name) is None
        and name not in TENSOR_NAMES
    ):
        # Not a tensor but something that holds tensors: a batch object, a packed sequence.
        return entry_input(
            run, f"{run.graph.nodes[value.node].config.get('name')}.{name}", Site(frame.unit, frame.unit.head)
        )
    if ops.attribute(name) is not None:
        return tensor_attribute(run, value, name, frame)
    return bound_method(run, value, name, frame)


@register(SETATTR, TensorV, ParamView)
def set_attribute(run: Run, target: Value, name: str, value: Value, frame: Frame, site: Site) -> None:
    if name == "requires_grad":
        training.mark_requires_grad(run, target, value, site)
    elif name == "grad":
        emit(run, "zero_grad" if value is None else "param_grad", [], {}, site)


@register(SETATTR, ParamV)
def set_parameter_attribute(run: Run, target: ParamV, name: str, value: Value, frame: Frame, site: Site) -> None:
    match name:
        case "data":
            init = value.init if isinstance(value, (TensorV, ParamV)) and value.init is not None else UNKNOWN
            overwrite(run, target, init, site)
        case "grad":
            emit(run, "zero_grad" if value is None else "param_grad", [], {}, site, params=[("0", target)])
        case "requires_grad" if isinstance(value, bool):
            set_trainable(run, target, value, site)
        case "requires_grad":
            training.mark_requires_grad(run, target, value, site)
        case _:
            pass


@register(ITEM, ShapeV)
def size_item(run: Run, value: ShapeV, key: Value, frame: Frame, site: Site) -> Value:
    return size(run, value, key)


@register(ITEM, *TENSORS)
def item(run: Run, value: Value, key: Value, frame: Frame, site: Site) -> Value:
    return index_tensor(run, value, key, site)


@register(SET_ITEM, TensorV)
def set_item(run: Run, holder: TensorV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    source = node_of(run, holder, site)
    assert source is not None
    inputs = [source]
    if run.context.setup and isinstance(value, ArrayV):
        value = as_tensor(run, value, site)
    written = node_of(run, value, site) if is_tensor(value) or isinstance(value, OpaqueV) else None
    config = {"index": literal(key)}
    if written is not None:
        inputs.append(written)
    elif isinstance(value, (int, float)):
        config["value"] = value
        mask = node_of(run, key, site) if isinstance(key, TensorV) else None
        if mask is not None:
            inputs.append(mask)
    emit(run, "setitem", inputs, config, site, shape=shape_of(run, holder))
    views.rewrite(run, holder, written_entry(run, holder, key, value) if run.context.setup else UNKNOWN)
    views.written(run, holder, site)


@register(SET_ITEM, ParamV, ParamView)
def set_entries(run: Run, holder: ParamV | ParamView, key: Value, value: Value, frame: Frame, site: Site) -> None:
    write_entries(run, holder, key, _written(run, value), site)


def _written(run: Run, value: Value) -> Init:
    if isinstance(value, TensorV):
        return distribution.of_tensor(run, value)
    return constant(value) if isinstance(value, (int, float)) else value.init if isinstance(value, ParamV) else UNKNOWN


@register(ITERATE, *TENSORS)
def items(run: Run, value: TensorV | ParamV | ParamView, frame: Frame, site: Site) -> Items:
    if isinstance(value, TensorV) and value.values is not None:
        return Items(list(value.values))
    shape = shape_of(run, value)
    if shape and isinstance(shape[0], int) and shape[0] <= 256:
        return Items([index_tensor(run, value, position, site) for position in range(shape[0])])
    return Items(
        None,
        index_tensor(run, value, Unknown(origin.Computed("index")), site),
        shape[0] if shape else Unknown(origin.Length("first size of a tensor")),
    )


@register(ITERATE, ShapeV)
def sizes(run: Run, value: ShapeV, frame: Frame, site: Site) -> Items:
    return Items(None, Unknown(origin.Computed("size")), Unknown(origin.Computed("rank")))


@register(TRUTH, *TENSORS)
def truth(run: Run, value: TensorV | ParamV | ParamView, frame: Frame, site: Site) -> bool | None:
    return truth_of(value)


@register(OPERATE, *TENSORS)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    return tensor_binary(run, symbol, left, right, site)


@register(COMPARE, *TENSORS)
def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    if symbol in ("==", "!=") and any(side is None or isinstance(side, str) for side in (left, right)):
        return symbol == "!="
    return tensor_binary(run, symbol, left, right, site)
