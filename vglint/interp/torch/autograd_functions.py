"""Functions whose gradient the user writes: `torch.autograd.Function`."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Frame, Raised, Run, call, opaque
from vglint.interp.nodes.emit import emit, node_of, shape_of, tensor_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import BuiltinV, ClassV, External, Instance, Site, TensorV, Value, is_tensor
from vglint.ops.spec import Tensor


def is_function_class(cls: ClassV) -> bool:
    return any(isinstance(base, External) and base.name == "torch.autograd.Function" for base in cls.mro)


def bound_apply(cls: ClassV) -> BuiltinV:
    """Returns `apply` of a class."""
    return BuiltinV("apply", lambda run, args, keywords, frame, site: _applied(run, cls, args, keywords, frame, site))


def _applied(run: Run, cls: ClassV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """One node for the whole function, since its gradient is not that of the operations in its forward.

    They are walked for what they return, and dropped. Where that is not a tensor, or not known, nor is the function.
    """
    result = _tried(run, cls, args, frame, site)
    inputs = [node for node in (node_of(run, each, site) for each in args if is_tensor(each)) if node is not None]
    parts = result if isinstance(result, tuple) else (result,)
    if keywords or not inputs or not all(isinstance(part, TensorV) for part in parts):
        return opaque(run, origin.Call("torch.autograd.Function.apply"), [*args, *keywords.values()], site)
    tensors = tuple(Tensor(shape_of(run, part)) for part in parts)
    draft = emit(
        run, "opaque", inputs, {"function": cls.qualified}, site, shape=tensors[0].shape if len(tensors) == 1 else None
    )
    return tensor_of(run, draft, len(run.graph.nodes) - 1, tensors if isinstance(result, tuple) else tensors[0])


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


@library("torch.autograd.Function.apply", "torch.autograd.grad")
def unknown_function(call: Call) -> Value:
    return opaque(call.run, origin.Call(call.name), call.given, call.site)
