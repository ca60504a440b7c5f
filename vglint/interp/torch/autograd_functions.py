"""Functions whose gradient the user writes: `torch.autograd.Function`.

What one does to each entry of a tensor, and to each entry of the gradient, is read from its two methods.
"""

from __future__ import annotations

import os

from vglint import ops, origin
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Frame, Raised, Run, call, opaque
from vglint.interp.nodes.emit import emit, node_of, shape_of, tensor_of
from vglint.interp.static.recomputing import recomputes
from vglint.interp.torch.composite import composite
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import BuiltinV, ClassV, External, Instance, ListV, Site, TensorV, Value, is_tensor
from vglint.ops.expressions import POINTWISE
from vglint.ops.spec import Tensor
from vglint.source import code
from vglint.value import Expr, Literal_, Unknown


def is_function_class(cls: ClassV) -> bool:
    return any(isinstance(base, External) and base.name == "torch.autograd.Function" for base in cls.mro)


def bound_apply(cls: ClassV) -> BuiltinV:
    """Returns `apply` of a class."""
    return BuiltinV("apply", lambda run, args, keywords, frame, site: _applied(run, cls, args, keywords, frame, site))


def _applied(run: Run, cls: ClassV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """One node for the whole function, since its gradient is not that of the operations in its forward.

    They are walked for what they return, and dropped. Where that is not a tensor, or not known, nor is the function.
    """
    if _recomputes(run, cls):
        return _run_again(run, cls, args, frame, site)
    result = _tried(run, cls, args, frame, site)
    inputs = [node for node in (node_of(run, each, site) for each in args if is_tensor(each)) if node is not None]
    parts = result if isinstance(result, tuple) else (result,)
    if keywords or not inputs or not all(isinstance(part, TensorV) for part in parts):
        return opaque(run, origin.Call("torch.autograd.Function.apply"), [*args, *keywords.values()], site)
    tensors = tuple(Tensor(shape_of(run, part)) for part in parts)
    own = {} if isinstance(result, tuple) else {**expressions(run, cls, args, frame, site)}
    flat = own.pop(_FLAT, False) is True
    config = {"function": cls.qualified, **own}
    shape = tensors[0].shape if len(tensors) == 1 else None
    draft = emit(run, "flat_function" if flat else "opaque", inputs, config, site, shape=shape)
    return tensor_of(run, draft, len(run.graph.nodes) - 1, tensors if isinstance(result, tuple) else tensors[0])


def _recomputes(run: Run, cls: ClassV) -> bool:
    """Whether the gradients of a function are those of what its forward runs."""
    space = run.memory.namespaces.get(os.path.abspath(cls.unit.file))
    if cls.node is None or space is None:
        return False
    return recomputes(
        cls.node, [unit.definition for unit in space.module.units if isinstance(unit.definition, code.Class)]
    )


def _run_again(run: Run, cls: ClassV, args: list[Value], frame: Frame, site: Site) -> Value:
    """Runs the forward of a function whose backward runs it again with gradients: they pass as if it were called."""
    found = find_in_mro(cls, "forward")
    if found is None:
        return opaque(run, origin.Call("torch.autograd.Function.apply"), args, site)
    context = Instance(External("torch.autograd.Context"), {}, site)
    with run.context.having(recomputed=True):
        return call(run, found[0], [context, *args], {}, frame, site)


def _tried(run: Run, cls: ClassV, args: list[Value], frame: Frame, site: Site) -> Value:
    """Returns what `forward` returns, and takes back everything that it does."""
    found = find_in_mro(cls, "forward")
    if found is None:
        return None
    context = (
        []
        if find_in_mro(cls, "setup_context") is not None
        else [Instance(External("torch.autograd.Context"), {}, site)]
    )
    start = len(run.graph.nodes)
    hidden = False
    with attempted(run) as attempt:
        try:
            result = call(run, found[0], [*context, *args], {}, frame, site)
            hidden = any(draft.leaf and draft.params for draft in run.graph.nodes[start:])
            return tuple(_plain(run, part) for part in result) if isinstance(result, tuple) else _plain(run, result)
        except Raised:
            return None
        finally:
            attempt.undo(run)
            if hidden:
                run.graph.gap(origin.Call(f"layers inside {cls.name}.forward"), site)


def _plain(run: Run, value: Value) -> Value:
    """Returns a tensor of the same shape, which outlives the nodes that made it."""
    return TensorV(0, shape_of(run, value)) if is_tensor(value) else value


@library("torch.autograd.Function.apply")
def unknown_function(call: Call) -> Value:
    return opaque(call.run, origin.Call(call.name), call.given, call.site)


@library(
    "torch.autograd.grad",
    takes="outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None, "
    "is_grads_batched=False, materialize_grads=False",
)
def gradient(call: Call) -> Value:
    """Without a graph of their own, the gradients are values that no gradient passes; with one, they are not followed. Nor are those of
    parameters, with which a program may take steps by hand."""
    outputs, inputs = _listed(call["outputs"]), _listed(call["inputs"])
    plain = call["create_graph"] is False and call["is_grads_batched"] is False
    if not plain or not outputs or not inputs or not all(isinstance(each, TensorV) for each in (*outputs, *inputs)):
        return opaque(call.run, origin.Call(call.name), call.given, call.site)
    behind = [node for each in outputs if (node := node_of(call.run, each, call.site)) is not None]
    found: list[Value] = []
    for each in inputs:
        own = node_of(call.run, each, call.site)
        draft = emit(
            call.run, "grad", behind if own is None else [*behind, own], {}, call.site, shape=shape_of(call.run, each)
        )
        found.append(tensor_of(call.run, draft, len(call.run.graph.nodes) - 1, Tensor(draft.shape)))
    return tuple(found)


def _listed(value: Value) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return value
    return tuple(value.items) if isinstance(value, ListV) and value.count is None else (value,)


_SIZE = 64
"""Operations of an expression at most."""


_FLAT = "flat"
"""Said of a function whose backward gives no gradient, or zeros, whatever it gets."""


def expressions(run: Run, cls: ClassV, args: list[Value], frame: Frame, site: Site) -> dict[str, Literal_]:
    """Returns `forward` and `backward` as expressions of `vglint.ops.expressions`, or that it is flat; empty where a function is not one of
    single entries."""
    places = [place for place, each in enumerate(args) if is_tensor(each)]
    rest = tuple(each for each in args if not is_tensor(each))
    if len(places) != 1 or not all(each is None or isinstance(each, (bool, int, float, str)) for each in rest):
        return {}
    known, key = run.journal.learnt.gradients, (id(cls.unit), cls.qualified, places[0], rest)
    if key not in known:
        known[key] = _walked(run, cls, args, places[0], frame, site)
    return known[key]


def _walked(run: Run, cls: ClassV, args: list[Value], place: int, frame: Frame, site: Site) -> dict[str, Literal_]:
    forward, backward, setup = (find_in_mro(cls, name) for name in ("forward", "backward", "setup_context"))
    made = composite(run, "torch.autograd.function.FunctionCtx")
    if forward is None or backward is None or not isinstance(made, ClassV):
        return {}
    with attempted(run) as attempt:
        try:
            context = call(run, made, [], {}, frame, site)
            x, g = _row(run, site), _row(run, site)
            given = [*args[:place], x, *args[place + 1 :]]
            result = call(run, forward[0], given if setup is not None else [context, *given], {}, frame, site)
            if setup is not None:
                call(run, setup[0], [context, tuple(given), result], {}, frame, site)
            sent = call(run, backward[0], [context, g], {}, frame, site)
            if isinstance(sent, tuple):
                sent = sent[place] if place < len(sent) else None
            if sent is None or (isinstance(sent, TensorV) and ops.has(run.graph.nodes[sent.node].op, "zeros")):
                return {_FLAT: True}
            names = {x.node: "x", g.node: "g"}
            ahead, behind = expression(run, result, names), expression(run, sent, names)
        except Raised:
            return {}
        finally:
            attempt.undo(run)
    return {} if ahead is None or behind is None else {"forward": ahead, "backward": behind}


def _row(run: Run, site: Site) -> TensorV:
    """Returns numbers in a row that stand for a tensor of any shape."""
    emit(run, "linspace", [], {"start": -4.0, "end": 4.0, "steps": 65}, site, shape=(65,))
    return TensorV(len(run.graph.nodes) - 1, (65,))


def expression(run: Run, value: Value, names: dict[int, str], allowed: frozenset[str] = POINTWISE) -> Literal_:
    """Returns a tensor as an expression of the named ones, None where it is none, or where an op is not `allowed` in one."""
    if not isinstance(value, TensorV) or value.pick:
        return None
    left = _SIZE

    def text(number: int) -> Literal_:
        nonlocal left
        if number in names:
            return names[number]
        draft = run.graph.nodes[number]
        left -= 1
        config = tuple((name, each) for name, each in draft.config.items() if each is not None and name != "index")
        if left < 0 or draft.params or draft.op not in allowed or not all(_is_plain(each) for _, each in config):
            return None
        inputs = tuple(text(source) for source in draft.inputs)
        return None if None in inputs or not inputs else (draft.op, config, *inputs)

    return text(value.node)


def _is_plain(value: Literal_) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return not isinstance(value, (Unknown, Expr))
