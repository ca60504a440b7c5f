"""Methods and attributes of tensors, and what is done in place to parameters."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.machine.core import Frame, Run, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.nodes import distribution
from vglint.interp.nodes.emit import shape_of
from vglint.interp.nodes.folding import pieces
from vglint.interp.nodes.operations import emit_call
from vglint.interp.nodes.ranks import rank_of
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.tensor_parts import dimension, sizes_of
from vglint.interp.torch import training
from vglint.interp.values.objects import (
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
from vglint.ops.fills import IN_PLACE
from vglint.ops.spec import Arg, Spelling
from vglint.value import Unknown, product


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
    if isinstance(value, (ParamV, ParamView)) and name.endswith("_") and not name.startswith("_"):
        return _write(run, value, name, args, keywords, site)
    if isinstance(value, TensorV) and value.init is not None and name in IN_PLACE:
        init = distribution.scheme(IN_PLACE[name], args, keywords)
        distribution.overwrite(run, value, init, site)
        return value
    spelling = ops.method(name)
    if spelling is None:
        return opaque(run, origin.Call(f"Tensor.{name}()"), [value, *args, *keywords.values()], site)
    result = _with_self(run, spelling, value, args, keywords, site)
    if spelling.inplace and isinstance(value, TensorV) and isinstance(result, TensorV):
        run.journal.set_field(value, "node", result.node)
        run.journal.set_field(value, "pick", result.pick)
        run.journal.set_field(value, "shape", result.shape or value.shape)
        run.journal.set_field(value, "ramp", result.ramp)
        run.journal.set_field(value, "init", result.init)
        run.journal.set_field(value, "values", result.values)
        return value
    return result


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
        case "is_contiguous" | "is_floating_point":
            return True
        case "is_complex" | "is_sparse":
            return False
        case "get_device" | "data_ptr" | "storage_offset" | "stride" | "element_size":
            return Unknown(origin.Argument(name))
        case "backward" | "register_hook" | "retain_grad" | "requires_grad_":
            return training.tensor_method(run, value, name, args, keywords, site)
        case "detach" if isinstance(value, (ParamV, ParamView)) and run.context.setup:
            whole = isinstance(value, ParamV) or value.whole
            return ParamView(value.param if isinstance(value, ParamView) else value, whole, True)
        case "chunk" | "split" | "unbind" if isinstance(value, (ParamV, ParamView)) and run.context.setup:
            return _blocks(run, value, name, args, keywords)
        case "keys" | "values" | "items" | "get" if isinstance(value, TensorV):
            return Unknown(origin.Computed(f".{name}()"))
        case "type" | "dtype" if not args:
            return Unknown(origin.Computed("dtype"))
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


def _blocks(run: Run, value: ParamV | ParamView, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
    """Equal blocks of a parameter along dimension 0: one gate each of a stacked recurrent weight."""
    param = value.param if isinstance(value, ParamView) else value
    along = args[1] if len(args) > 1 else keywords.get("dim", 0)
    count = args[0] if args else keywords.get("chunks")
    if name == "split" and isinstance(count, int) and param.shape and isinstance(param.shape[0], int) and count:
        count = param.shape[0] // count if param.shape[0] % count == 0 else None
    if (name == "chunk" or name == "split") and isinstance(count, int) and 0 < count <= 64 and along == 0:
        return tuple(ParamView(param, False, True, count) for _ in range(count))
    return ListV([ParamView(param, False, True)], Unknown(origin.Computed("blocks")))


def _write(
    run: Run, value: ParamV | ParamView, name: str, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value:
    """Overwrites or scales a parameter in place."""
    param = value.param if isinstance(value, ParamView) else value
    if name in IN_PLACE:
        distribution.overwrite(run, value, distribution.scheme(IN_PLACE[name], args, keywords), site)
    elif name == "copy_" and args and isinstance(args[0], (TensorV, ParamV)) and args[0].init is not None:
        distribution.overwrite(run, value, args[0].init, site)
    elif name in ("mul_", "div_", "add_", "sub_") and args and isinstance(args[0], (int, float)):
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
