"""Turns calls of torch's operations into nodes of the graph."""

from __future__ import annotations

import re
from typing import Any

from vglint import ops, origin
from vglint.graph import Init
from vglint.interp.machine.core import BudgetError, Draft, Run, opaque
from vglint.interp.nodes.folding import folded
from vglint.interp.nodes.packing import unpacked
from vglint.interp.values.objects import (
    ArrayV,
    DictV,
    External,
    IteratorV,
    ListV,
    ModuleV,
    OpaqueV,
    ParamV,
    ParamView,
    SetV,
    ShapeV,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.ops.spec import REQUIRED, Arg, Call, Many, Spelling, Tensor
from vglint.shape import Shape
from vglint.value import Expr, Literal_, Unknown

STRICT = frozenset({"weight", "norm", "activation", "pool", "recurrent", "attention"})
"""Kinds of op whose configuration must be known for the graph to be whole."""
ALIAS = frozenset(
    {
        "to",
        "contiguous",
        "clone",
        "float",
        "view",
        "reshape",
        "permute",
        "transpose",
        "t",
        "unsqueeze",
        "squeeze",
        "expand",
        "repeat",
        "flatten",
    }
)
"""Ops that keep the distribution of a tensor that may become a parameter."""


def emit(
    run: Run,
    op: str,
    inputs: list[int],
    config: dict[str, Literal_],
    site: Site | None,
    *,
    owner: ModuleV | None = None,
    leaf: ModuleV | None = None,
    params: list[tuple[str, ParamV]] | None = None,
    shape: Shape | None = None,
) -> Draft:
    """Appends a node and returns it."""
    if len(run.nodes) >= run.allowed:
        raise BudgetError("nodes")
    run.tick()
    site = run.borrowed or site
    draft = Draft(
        op,
        inputs,
        config,
        leaf or owner or current_owner(run),
        leaf is not None,
        None,
        params or [],
        shape,
        site,
        run.region,
        run.setup > 0,
    )
    run.nodes.append(draft)
    return draft


_GIVEN = re.compile(r"[A-Za-z_]\w*(\.(to|cuda|cpu|float|long|double|half|contiguous|squeeze|unsqueeze)\(\))*")
"""An argument, moved or cast."""


def current_owner(run: Run) -> ModuleV | None:
    return run.modules_running[-1] if run.modules_running else None


def node_of(run: Run, value: Value, site: Site | None) -> int | None:
    """Returns the node whose output a tensor-like value is, making it where it is only implied."""
    match value:
        case TensorV():
            if run.setup == 0 and run.nodes[value.node].setup:
                constant = _constant(run, value, site)
                if constant is not None:
                    return node_of(run, constant, site)
            return value.node if not value.pick else _pick(run, value, site)
        case ParamV():
            _read_while_built(run, value)
            if value.node is None:
                run.set_field(value, "node", len(run.nodes))
                setup, run.setup = run.setup, 0
                emit(run, "parameter", [], {}, value.origin or site, params=[("value", value)], shape=value.shape)
                run.setup = setup
                return len(run.nodes) - 1
            return value.node
        case ParamView():
            source = node_of(run, value.param, site)
            if source is not None and value.cut:
                emit(run, "detach", [source], {}, site, shape=value.param.shape)
                return len(run.nodes) - 1
            return source
        case OpaqueV():
            if value.node is None:
                run.gap_of(value.why, value.site or site)
                run.set_field(value, "node", len(run.nodes))
                emit(run, "opaque", list(value.deps), {}, value.site or site)
            return value.node
        case _:
            return None


def _constant(run: Run, value: TensorV, site: Site | None) -> ParamV | None:
    """Returns a tensor that was computed while its module was built as what forward finds there: a buffer.

    None where it is computed from parameters, which a gradient reaches through it.
    """
    from vglint.interp.nodes.distribution import of_tensor

    key = (value.node, value.pick)
    if key not in run.constants:
        stack, seen = [value.node], {value.node}
        while stack:
            draft = run.nodes[stack.pop()]
            if not draft.setup or draft.op in ("parameter", "input", "opaque"):
                run.constants[key] = None
                return None
            fresh = [source for source in draft.inputs if source not in seen]
            seen.update(fresh)
            stack += fresh
        init = of_tensor(run, value)
        made = ParamV(
            shape_of(run, value), init, False, True, run.nodes[value.node].site or site, None, run.labels.get(key, "")
        )
        marks = run.nodes[value.node].config
        made.leaf = value.grad or marks.get("requires_grad") is True or marks.get("value") is True
        run.constants[key] = made
    return run.constants[key]


def _read_while_built(run: Run, param: ParamV) -> None:
    """A parameter that is still empty memory and read while its module is built is being filled in a way that is not followed."""
    if run.setup and param.init.scheme == "uninitialised":
        run.set_field(param, "init", Init("unknown"))


def _pick(run: Run, value: TensorV, site: Site | None) -> int:
    """Makes the `getitem` nodes of one part of a result."""
    source = value.node
    for depth, index in enumerate(value.pick):
        draft = run.nodes[source]
        key = (index,)
        if key not in draft.picks or (
            run.nodes[draft.picks[key]].region != run.region
            and run.regions[run.nodes[draft.picks[key]].region].kind == "branch"
        ):
            last = depth == len(value.pick) - 1
            made = emit(
                run,
                "getitem",
                [source],
                {"index": index},
                site,
                shape=value.shape if last else None,
                owner=draft.owner if not draft.leaf else None,
            )
            made.setup = draft.setup and run.setup > 0
            draft.picks[key] = len(run.nodes) - 1
        source = draft.picks[key]
    return source


def tensor_of(run: Run, draft: Draft, node: int, result: Any, pick: tuple[int, ...] = ()) -> Value:
    """Returns the value of a call from what the op table says that it returns."""
    if isinstance(result, Tensor):
        return TensorV(node, result.shape, pick)
    if isinstance(result, Many):
        text = f"number of results of {draft.op}"
        return IteratorV(None, TensorV(node, result.each.shape), Unknown(origin.Argument(text)))
    return tuple(tensor_of(run, draft, node, part, (*pick, index)) for index, part in enumerate(result))


def shape_of(run: Run, value: Value) -> Shape | None:
    match value:
        case TensorV():
            if value.shape is None and not value.pick:
                return run.nodes[value.node].shape
            return value.shape
        case ParamV():
            return value.shape
        case ParamView():
            return value.param.shape if value.whole else value.shape
        case _:
            return None


def emit_operator(run: Run, name: str, operands: list[Value], site: Site) -> Value:
    """Emits a Python operator on tensors; a plain number goes to the config as `other` (`self` when it stands on the left)."""
    from vglint.interp.nodes.constants import after_operator
    from vglint.interp.nodes.distribution import combined

    inputs: list[int] = []
    shapes: list[Shape | None] = []
    names: list[str] = []
    config: dict[str, Literal_] = {}
    for position, operand in enumerate(operands):
        label = ("input", "other")[position] if position < 2 else f"arg{position}"
        if isinstance(operand, (External, Unknown)) and not is_tensor(operand):
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
    made = TensorV(len(run.nodes) - 1, shape)
    made.init = combined(name, operands)
    made.values = folded(name, operands)
    made.ramp = after_operator(name, operands)
    return made


def _is_batch(run: Run, value: Value) -> bool:
    """Whether training code was given a value that a layer or loss now takes as a tensor: `def update(self, state, reward)`."""
    return (
        isinstance(value, Unknown)
        and isinstance(value.origin, origin.Argument)
        and not run.setup
        and bool(_GIVEN.fullmatch(value.origin.path))
    )


def _batch(run: Run, value: Value, site: Site) -> Value:
    from vglint.interp.protocols.indexing import entry_input

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
    for arg in signature:
        if arg.role == "ignored" or arg.name not in bound:
            continue
        value = bound[arg.name]
        if run.training_code and arg.role == "tensor" and arg.default is REQUIRED and _is_batch(run, value):
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
            run.gap_of(value, site)
        config[arg.name] = configured(run, value, kind, site)
    listed = {arg.name for arg in signature}
    config.update((name, literal(value)) for name, value in bound.items() if name not in listed)
    if not inputs and kind not in ("create", "other", "train"):
        unknown = next((value for value in bound.values() if isinstance(value, Unknown)), None)
        if unknown is not None and leaf is not None:
            run.gap_of(unknown, site)
        return unknown or _number(spelling.op, args) or Unknown(origin.NoTensor(spelling.name))
    if "pattern" in config and inputs and shapes[0] is None:
        from vglint.interp.nodes.ranks import learn_by_pattern

        shapes[0] = learn_by_pattern(run, bound[names[0]], config["pattern"])
    if leaf is not None and leaf.config and inputs and shapes[0] is None:
        shapes[0] = _refined(run, spelling, leaf, inputs[0])
    call_ = Call(config, shapes, names)
    op = ops.refined(spelling.op, call_)
    result = ops.result(op, call_)
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
    node = len(run.nodes) - 1
    draft = run.nodes[node]
    draft.result = result
    value = tensor_of(run, draft, node, result)
    if (several := unpacked(run, node, args)) is not None:
        return several
    if isinstance(value, TensorV) and leaf is None:
        from vglint.interp.nodes.constants import after_call
        from vglint.interp.nodes.distribution import created

        created(spelling, bound, args, value)
        value.ramp = after_call(op, bound, args[0] if args else None)
    return value


def configured(run: Run, value: Value, kind: str, site: Site | None) -> Literal_:
    """Returns a value as config; where the op cannot be known without it, its absence is a gap."""
    made = literal(value)
    if kind in STRICT:
        for unknown in _unknowns(made):
            if isinstance(unknown.origin, origin.FROM_ARGUMENTS):
                if made is unknown and isinstance(unknown.origin, origin.Argument) and _is_path(unknown.origin.path):
                    return Expr.symbol(unknown.origin.path)
            else:
                run.gap_of(unknown, site)
    return made


def _is_path(path: str) -> bool:
    return all(part.isalnum() for part in path.replace("_", "").split("."))


def _unknowns(value: Literal_) -> list[Unknown]:
    if isinstance(value, Unknown):
        return [value]
    if isinstance(value, tuple):
        return [unknown for item in value for unknown in _unknowns(item)]
    return []


def literal(value: Value) -> Literal_:
    """Returns a value as it may stand in a config."""
    match value:
        case str():
            return str(value)
        case None | bool() | int() | float() | Expr() | Unknown():
            return value
        case tuple():
            return tuple(literal(item) for item in value)
        case ArrayV():
            return tuple(literal(item) for item in value.items)
        case ListV():
            if value.count is not None:
                return Unknown(origin.Length("list of unknown length"))
            return tuple(literal(item) for item in value.items)
        case SetV():
            return tuple(literal(item) for item in value.items)
        case External():
            return value.name
        case slice():
            return ("slice", literal(value.start), literal(value.stop), literal(value.step))
        case range():
            return tuple(value)
        case _ if value is Ellipsis:
            return "..."
        case OpaqueV():
            return value.why
        case ShapeV():
            return Unknown(origin.Computed(f"sizes of %{value.tensor.node}"))
        case TensorV() | ParamV() | ParamView():
            return Unknown(origin.Computed("a tensor"))
        case _:
            return Unknown(origin.Call(type(value).__name__))


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
    return args[0] if op in ("to", "contiguous") and args and isinstance(args[0], (int, float)) else None


def _refined(run: Run, spelling: Spelling, leaf: ModuleV, node: int) -> Shape | None:
    """Learns the shape of an input of the entry from the first convolution that reads it."""
    source = run.nodes[node]
    if source.op != "input" or source.shape is not None:
        return source.shape
    channels = leaf.config.get("in_channels")
    name = str(source.config.get("name", "x"))
    dims = _SPATIAL.get(spelling.op)
    if dims is not None and isinstance(channels, (int, Expr)):
        source.shape = (Expr.symbol(f"{name}.B"), channels, *(Expr.symbol(f"{name}.{dim}") for dim in dims))
    return source.shape


_SPATIAL = {
    "conv1d": "L",
    "conv2d": "HW",
    "conv3d": "DHW",
    "conv_transpose1d": "L",
    "conv_transpose2d": "HW",
    "conv_transpose3d": "DHW",
}
