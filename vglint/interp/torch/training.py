"""What training code does to tensors: backward passes, gradients asked for, data made tensors; each act is a node in program order."""

from __future__ import annotations

from collections.abc import Iterable

from vglint import ops
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Run, set_trainable
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.distribution import UNKNOWN, combined, overwrite
from vglint.interp.nodes.emit import emit, entry_input, leaf_of, node_of, shape_of, under_no_grad
from vglint.interp.nodes.operations import emit_call
from vglint.interp.static.descent import of_gradient, zeroes_gradients
from vglint.interp.values.inside import entries, inside
from vglint.interp.values.objects import (
    ArrayV,
    External,
    ListV,
    OpaqueV,
    ParamV,
    ParamView,
    RepeatV,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.shape import Shape
from vglint.source import code
from vglint.source.module import Module
from vglint.value import Expr, Literal_, Unknown


def act(
    run: Run,
    op: str,
    inputs: list[int],
    config: dict[str, Literal_],
    site: Site,
    params: list[tuple[str, ParamV]] | None = None,
    type_: str | None = None,
) -> int:
    """Emits a node that acts on the outside."""
    draft = emit(run, op, inputs, config, site, params=params)
    draft.type = type_
    run.graph.trained = run.graph.trained or op == "backward"
    return len(run.graph.nodes) - 1


def tensor_method(
    run: Run, value: Value, name: str, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value:
    """`backward`, `requires_grad_` and hooks of a tensor."""
    if name == "backward":
        source = node_of(run, value, site)
        if source is not None:
            act(
                run,
                "backward",
                [source],
                {"retain_graph": literal(keywords.get("retain_graph", args[1] if len(args) > 1 else False))},
                site,
            )
        return None
    if name == "requires_grad_":
        mark_requires_grad(run, value, args[0] if args else keywords.get("requires_grad", True), site)
        return value
    return None


def mark_requires_grad(run: Run, value: Value, flag: Value, site: Site) -> None:
    """Performs `x.requires_grad = flag`."""
    if isinstance(value, (ParamV, ParamView)):
        if isinstance(flag, bool):
            set_trainable(run, value if isinstance(value, ParamV) else value.param, flag, site)
        return
    source = node_of(run, value, site)
    if source is None or not isinstance(value, TensorV):
        return
    draft = act(run, "requires_grad", [source], {"value": literal(flag), "by": "requires_grad"}, site)
    run.graph.nodes[draft].shape = shape_of(run, value)
    run.journal.set_field(value, "node", draft)
    run.journal.set_field(value, "pick", ())


def rewrapped(run: Run, name: str, value: Value, keywords: dict[str, Value], site: Site) -> Value:
    """`Variable(x, requires_grad=True)` and `torch.tensor(x, requires_grad=True)`: a new leaf with the same numbers."""
    flag = keywords.get("requires_grad", False)
    if name.endswith("Variable") and flag is not True:
        return value
    source = node_of(run, value, site) if is_tensor(value) or isinstance(value, OpaqueV) else None
    if source is None:
        return value
    made = act(run, "requires_grad", [source], {"value": literal(flag), "by": name}, site)
    run.graph.nodes[made].shape = shape_of(run, value)
    return TensorV(made, shape_of(run, value))


@library(
    "torch.tensor", "torch.as_tensor", takes="data, dtype=None, device=None, requires_grad=False, pin_memory=False"
)
def tensor(call: Call) -> Value:
    run, site, data = call.run, call.site, call["data"]
    if isinstance(data, OpaqueV) or is_tensor(data):
        if call.last == "as_tensor":
            return data
        return rewrapped(run, call.name, data, call.keywords, site)
    held = inside(data, through=entries) if isinstance(data, (ListV, tuple)) else ()
    if listed := [each for each in held if is_tensor(each)]:
        return _leaf_of(call, listed)
    batch = (
        run.context.training_code
        and not run.context.setup
        and not run.context.modules_running
        and not call["requires_grad"]
    )
    if batch and _is_open(literal(data)):
        text = " ".join(site.unit.source_of(site.node).split())
        return entry_input(run, text if len(text) <= 40 else text[:39] + "…", site)
    return _as_listed(call)


def _as_listed(call: Call) -> Value:
    """Makes a tensor as the op table says."""
    spelling = ops.find(call.name)
    return call.opaque() if spelling is None else emit_call(call.run, spelling, call.args, call.keywords, call.site)


@library("torch.autograd.backward", takes="tensors, grad_tensors=None, *rest, **options")
def backward(call: Call) -> Value:
    """A backward pass; from leaves with gradients that were taken by hand it only puts these into `.grad`."""

    def ops_of(value: Value) -> set[str]:
        return {call.run.graph.nodes[each.node].op for each in inside(value) if isinstance(each, TensorV)}

    if ops_of(call["tensors"]) == {"requires_grad"} and "grad" in ops_of(call.get("grad_tensors")):
        emit(call.run, "param_grad", [], {}, call.site)
        return None
    return _as_listed(call)


def _is_open(data: Literal_) -> bool:
    """Whether numbers are data that is read when the program runs."""
    return isinstance(data, Unknown) or (isinstance(data, tuple) and any(map(_is_open, data)))


def _leaf_of(call: Call, listed: list[Value]) -> Value:
    """`torch.tensor([a, b])` of tensors: a new leaf with their numbers."""
    run, site = call.run, call.site
    sources = [node for item in listed if (node := node_of(run, item, site)) is not None]
    config = {"value": literal(call["requires_grad"]), "by": call.name}
    return TensorV(act(run, "requires_grad", sources, config, site), _sizes(run, call["data"]))


def _sizes(run: Run, data: Value) -> Shape | None:
    """Returns the shape of nested lists of tensors and numbers, None where it is not known."""
    if is_tensor(data):
        return shape_of(run, data)
    if isinstance(data, (int, float)):
        return ()
    items = data.items if isinstance(data, (ListV, ArrayV)) else data if isinstance(data, tuple) else ()
    inner = [None if isinstance(each, RepeatV) else _sizes(run, each) for each in items]
    first = inner[0] if inner else None
    if first is None or any(each is None or len(each) != len(first) for each in inner):
        return None
    same = (size if all(each and each[axis] == size for each in inner) else None for axis, size in enumerate(first))
    count: Value = len(items)
    if isinstance(data, ListV) and data.count is not None:
        count = data.count if len(items) == 1 else None
    return (count if isinstance(count, (int, Expr)) else None, *same)


@library("torch.from_numpy", takes="ndarray")
def from_array(call: Call) -> Value:
    """An array that was a tensor is one again, without its history."""
    data = call["ndarray"]
    if call.run.context.setup and isinstance(data, TensorV):
        return data
    if is_tensor(data) or isinstance(data, OpaqueV):
        return rewrapped(call.run, call.name, data, call.keywords, call.site)
    return _as_listed(call)


@library(
    *(f"torch.{kind}Tensor" for kind in ("", "Float", "Double", "Half", "Long", "Int", "Bool", "Byte")),
    *(f"torch.cuda.{kind}Tensor" for kind in ("Float", "Long")),
)
def typed_tensor(call: Call) -> Value:
    """Numbers are sizes, and so is a tensor's size; a list or an array is data."""
    data = call.args[0] if len(call.args) == 1 else None
    if call.run.context.setup and isinstance(data, TensorV):
        return data
    sized = isinstance(data, tuple) and any(isinstance(each, Expr) for each in data)
    if isinstance(data, (ListV, ArrayV, TensorV, tuple)) and not sized:
        return call.invoke(External("torch.tensor"), data)
    return _as_listed(call)


# ---- by hand

_BY_HAND = "gradient descent"
"""The name of the optimiser that such steps stand for; no argument has a blank in its name."""
_OPERATORS = {"*": "mul", "/": "div", "+": "add", "-": "sub"}


def written_in_place(run: Run, symbol: str, target: Value, value: Value, site: Site) -> bool:
    """Performs `w /= 8` of a leaf under no_grad: the leaf stays what it is, and starts with other numbers. Returns whether it was that."""
    own = leaf_of(run, target) if isinstance(target, TensorV) and under_no_grad(run, run.graph.region) else None
    if own is None:
        return False
    name = _OPERATORS.get(symbol.rstrip("_"), symbol.rstrip("_"))
    overwrite(run, own, combined(name, [own, value]) or UNKNOWN, site)
    return True


def step_by_hand(run: Run, target: Value, written: Iterable[code.Node], site: Site) -> None:
    """Notes a step where a tensor is moved by a multiple of its gradient, in code that never zeroes gradients."""
    if not run.graph.unzeroed or not run.context.training_code or not any(of_gradient(each) for each in written):
        return
    module = run.project.module(site.unit.file)
    if not isinstance(module, Module) or zeroes_gradients(module):
        return  # the file whose function takes the step
    own = leaf_of(run, target) if isinstance(target, TensorV) else target
    own = own.param if isinstance(own, ParamView) else own
    if not isinstance(own, ParamV):
        return
    if _BY_HAND not in run.graph.given:
        with run.graph.inside(0):
            config = {"by_hand": True, "complete": False, "exhausted": False}
            run.graph.given[_BY_HAND] = act(run, "optimizer", [], {**config}, site, [], "SGD")
    node = run.graph.given[_BY_HAND]
    if all(each is not own for _, each in run.graph.nodes[node].params):
        run.graph.nodes[node].params.append(("0", own))
    act(run, "step", [node], {"closure": False}, site)
