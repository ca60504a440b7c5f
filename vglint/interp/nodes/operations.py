"""Turns calls of torch's operations into nodes of the graph."""

from __future__ import annotations

from msgspec.structs import replace

from vglint import ops, origin
from vglint.interp.machine.core import Run, opaque
from vglint.interp.nodes.config import STRICT, configured, literal
from vglint.interp.nodes.constants import after_call, after_operator
from vglint.interp.nodes.distribution import combined, created
from vglint.interp.nodes.drawn import note_parts
from vglint.interp.nodes.emit import emit, entry_input, node_of, shape_of, tensor_of
from vglint.interp.nodes.folding import folded
from vglint.interp.nodes.keeping import says_keep
from vglint.interp.nodes.packing import unpacked
from vglint.interp.nodes.ranks import learn_by_layer, learn_by_pattern, rank_of_layer
from vglint.interp.nodes.views import shared
from vglint.interp.static.imported import sets_attribute
from vglint.interp.values.objects import (
    DeviceV,
    DictV,
    DtypeV,
    External,
    IteratorV,
    ListV,
    ModuleV,
    OpaqueV,
    ParamV,
    SetV,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.ops.spec import REQUIRED, Arg, Call, Spelling, Tensor
from vglint.shape import Shape
from vglint.source.module import Module
from vglint.value import Expr, Literal_, Unknown


def emit_operator(run: Run, name: str, operands: list[Value], site: Site) -> Value:
    """Emits a Python operator on tensors; a plain number goes to the config as `other` (`self` when it stands on the left)."""
    inputs: list[int] = []
    shapes: list[Shape | None] = []
    names: list[str] = []
    config: dict[str, Literal_] = {}
    for position, operand in enumerate(operands):
        label = ("input", "other")[position] if position < 2 else f"arg{position}"
        if isinstance(operand, (External, DtypeV, DeviceV, Unknown)) and not is_tensor(operand):
            config[label] = literal(operand)
            continue
        node = node_of(run, operand, site)
        if node is None:
            config[label] = literal(operand)
            continue
        inputs.append(node)
        shapes.append(shape_of(run, operand))
        names.append(label)
    result = ops.result(name, Call(config, shapes, names))
    shape = result.shape if isinstance(result, Tensor) else None
    emit(run, name, inputs, config, site, shape=shape)
    made = TensorV(len(run.graph.nodes) - 1, shape)
    made.init = combined(name, operands)
    made.values = folded(name, operands)
    made.ramp = after_operator(name, operands)
    return made


def _sets_rate(run: Run, site: Site | None) -> bool:
    """Whether the file that makes a dropout sets the `p` of one later: `model.drop.p = max(0.1, 1 - progress)`."""
    module = run.project.module(site.unit.file) if site is not None else None
    return isinstance(module, Module) and sets_attribute(module, "p")


def _is_batch(run: Run, value: Value) -> bool:
    """Whether training code was given a value that a layer or loss now takes as a tensor: `def update(self, state, reward)`."""
    return (
        isinstance(value, Unknown)
        and isinstance(value.origin, origin.Argument)
        and not run.context.setup
        and value.origin.name.isidentifier()
        and _hands_on(value.origin.parts)
    )


def _hands_on(parts: tuple[origin.Part, ...]) -> bool:
    """Whether what was taken of an argument is the argument still, moved, cast, arranged anew or as indices: `.to(device).float()`."""
    methods, calls = parts[::2], parts[1::2]
    return len(methods) == len(calls) and all(
        method.kind == "attribute" and call.kind == "call" and _is_same_batch(method.name)
        for method, call in zip(methods, calls, strict=True)
    )


def _is_same_batch(method: str) -> bool:
    spelling = ops.method(method)
    return spelling is not None and any(
        ops.has(spelling.op, trait) for trait in ("copies", "rearranges", "gives_integers")
    )


def _batch(run: Run, value: Value, site: Site) -> Value:
    return entry_input(run, str(value.text), site) if isinstance(value, Unknown) else value


def emit_call(
    run: Run,
    spelling: Spelling,
    args: list[Value],
    keywords: dict[str, Value],
    site: Site,
    *,
    signature: tuple[Arg, ...] | None = None,
    leaf: ModuleV | None = None,
) -> Value:
    """Emits the op of a function, tensor method (self first among `args`) or leaf module (its forward's arguments)."""
    signature = signature if signature is not None else spelling.args
    try:
        bound = ops.bind(
            signature,
            args,
            keywords,
            pack=lambda values: values,
            is_sequence=lambda value: isinstance(value, (tuple, ListV, ShapeV)),
        )
    except ops.BindError as error:
        return opaque(run, origin.Call(f"{spelling.name} {error}"), [*args, *keywords.values()], site)
    config: dict[str, Literal_] = dict(leaf.config) if leaf is not None else dict(spelling.fixed)
    inputs: list[int] = []
    shapes: list[Shape | None] = []
    names: list[str] = []
    kind = ops.OPS[spelling.op].kind if spelling.op in ops.OPS else "other"
    if leaf is not None and leaf.evaluating and (kind == "dropout" or ops.has(spelling.op, "by_mode")):
        config["training"] = False
    if kind == "dropout" and leaf is None and says_keep(site, 1):
        config["keeps"] = True
    if kind == "dropout" and leaf is not None and config.get("p") == 1 and _sets_rate(run, leaf.origin):
        config["p"] = Unknown(origin.Computed("p"))
    for arg in signature:
        if arg.role == "ignored" or arg.name not in bound:
            continue
        value = bound[arg.name]
        if run.context.training_code and arg.role == "tensor" and arg.default is REQUIRED and _is_batch(run, value):
            value = _batch(run, value, site)
        parts = _tensors_in(value) if arg.role == "tensors" else [value]
        if (
            arg.role in ("tensor", "tensors")
            and parts
            and all(is_tensor(part) or isinstance(part, OpaqueV) for part in parts)
        ):
            for part in parts:
                node = node_of(run, part, site)
                assert node is not None
                inputs.append(node)
                shapes.append(shape_of(run, part))
                names.append(arg.name)
            continue
        if arg.role == "tensor" and isinstance(value, Unknown) and kind in STRICT:
            run.graph.gap_of(value, site)
        config[arg.name] = configured(run, value, kind, site)
    listed = {arg.name for arg in signature}
    config.update((name, literal(value)) for name, value in bound.items() if name not in listed)
    if not inputs and kind not in ("create", "other", "train"):
        unknown = next((value for value in bound.values() if isinstance(value, Unknown)), None)
        if unknown is not None and leaf is not None:
            run.graph.gap_of(unknown, site)
        known = unknown or _number(spelling.op, args)
        if known is None and site is not None and not run.context.setup:
            run.graph.of_none.append(site)
        return known or Unknown(origin.NoTensor(spelling.name))
    if "pattern" in config and inputs and shapes[0] is None:
        shapes[0] = learn_by_pattern(run, bound[names[0]], config["pattern"])
    if leaf is not None and leaf.config and inputs and shapes[0] is None:
        shapes[0] = _refined(run, spelling, leaf, inputs[0])
    if inputs and shapes[0] is None and (rank := rank_of_layer(spelling.name)) is not None:
        first = bound.get(names[0])
        channels = leaf.config.get("in_channels", leaf.config.get("num_features")) if leaf is not None else None
        shapes[0] = learn_by_layer(run, first, rank, channels) if isinstance(first, TensorV) else None
    call_ = Call(config, shapes, names)
    op = ops.refined(spelling.op, call_)
    result = ops.result(op, call_)
    if isinstance(result, Tensor) and any(
        arg.role == "tensors" and isinstance(given := bound.get(arg.name), ListV) and given.count is not None
        for arg in signature
    ):
        result = _as_long_as_unknown(result, config.get("dim", 0))
    emit(
        run,
        op,
        inputs,
        config,
        leaf.origin if leaf is not None and leaf.origin is not None and kind != "loss" else site,
        leaf=leaf,
        params=[
            (name, value) for name, value in {**leaf.parameters, **leaf.buffers}.items() if isinstance(value, ParamV)
        ]
        if leaf is not None
        else None,
        shape=result.shape if isinstance(result, Tensor) else None,
    )
    node = len(run.graph.nodes) - 1
    draft = run.graph.nodes[node]
    draft.result = result
    value = tensor_of(run, draft, node, result)
    if (several := unpacked(run, node, args)) is not None:
        return several
    if isinstance(value, TensorV) and leaf is None:
        created(run, spelling, bound, args, value)
        if config.get("requires_grad") is True:
            run.graph.made_on[node] = (bound.get("device"), bound.get("dtype"))
        value.ramp = after_call(op, bound, args[0] if args else None)
    elif isinstance(value, tuple) and leaf is None:
        note_parts(spelling, args, value)
    if args and leaf is None:
        shared(op, args[0], value)
    return value


def _as_long_as_unknown(result: Tensor, dim: Literal_) -> Tensor:
    """Returns the result of joining a list of which only one tensor is known, which stands for a number that is not."""
    shape = result.shape
    if shape is None or not isinstance(dim, int) or not -len(shape) <= dim < len(shape):
        return replace(result, shape=None)
    place = dim % len(shape)
    return replace(result, shape=(*shape[:place], None, *shape[place + 1 :]))


def _tensors_in(value: Value) -> list[Value]:
    match value:
        case tuple():
            return list(value)
        case ListV() | SetV():
            return list(value.items)
        case IteratorV():
            return list(value.items) if value.items is not None else [value.item]
        case DictV():
            return list(value.items.values())
        case _:
            return [value]


def _number(op: str, args: list[Value]) -> Value:
    """Returns what a torch function makes of plain numbers (`torch.sqrt(2.0)` is an error in torch, `torch.prod` of a list too)."""
    return args[0] if ops.has(op, "copies") and args and isinstance(args[0], (int, float)) else None


def _refined(run: Run, spelling: Spelling, leaf: ModuleV, node: int) -> Shape | None:
    """Learns the shape of an input of the entry from the first convolution that reads it."""
    source = run.graph.nodes[node]
    if source.op != "input" or source.shape is not None:
        return source.shape
    channels = leaf.config.get("in_channels")
    name = str(source.config.get("name", "x"))
    dims = _spatial(spelling.op)
    if dims is not None and isinstance(channels, (int, Expr)):
        source.shape = (Expr.symbol(f"{name}.B"), channels, *(Expr.symbol(f"{name}.{dim}") for dim in dims))
    return source.shape


def _spatial(op: str) -> str | None:
    """Returns the names of the dimensions that a convolution runs over."""
    if not (ops.has(op, "convolution") or ops.has(op, "transposed_convolution")):
        return None
    return "DHW"[-int(op[-2]) :] if op[-2] != "1" else "L"
