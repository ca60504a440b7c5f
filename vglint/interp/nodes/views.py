"""Tensors that share their memory with another: what is written into a part is written into the whole."""

from __future__ import annotations

from vglint import ops, origin
from vglint.graph import Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.distribution import UNKNOWN
from vglint.interp.nodes.emit import emit, node_of
from vglint.interp.values.objects import ListV, OpaqueV, Site, TensorV, Value, is_tensor
from vglint.interp.values.tensors import Part
from vglint.value import Literal_, Unknown

_SOMEWHERE = Unknown(origin.Computed("index"))


def is_view(key: Value) -> bool:
    """Whether an index gives a view, as one of numbers and slices does, and one of tensors or lists does not."""
    return not any(
        isinstance(part, (ListV, OpaqueV, bool)) or is_tensor(part)
        for part in (key if isinstance(key, tuple) else (key,))
    )


def shared(op: str, whole: Value, made: Value) -> None:
    """Notes that what an op made of a tensor shares the tensor's memory."""
    if isinstance(whole, TensorV) and ops.has(op, "shares"):
        for each in made if isinstance(made, tuple) else (made,):
            if isinstance(each, TensorV) and each is not whole:
                each.part = Part(whole, _SOMEWHERE)


def written(run: Run, tensor: TensorV, site: Site) -> None:
    """Goes on to what a tensor is a view of, once something was written into it: `scores[0].copy_(x)` changes `scores`."""
    while tensor.part is not None:
        whole, index = tensor.part.whole, tensor.part.index
        source = node_of(run, whole, site)
        assert source is not None
        config: dict[str, Literal_] = {"index": index, "through": True}
        emit(run, "setitem", [source, tensor.node], config, site, shape=whole.shape)
        rewrite(run, whole, UNKNOWN)
        tensor = whole


def rewrite(run: Run, tensor: TensorV, init: Init) -> None:
    """Makes a tensor the output of the last node, which wrote into it; `init` says what its entries are like, where that was known before."""
    changed: dict[str, object] = {"node": len(run.graph.nodes) - 1, "pick": (), "values": None, "ramp": None}
    changed["init"] = None if tensor.init is None else init
    for field, value in changed.items():
        run.journal.set_field(tensor, field, value)
