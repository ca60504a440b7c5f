"""What `einops.unpack` returns, whose number of tensors `einops.pack` decided."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.interp.machine.core import Run
from vglint.interp.values.objects import TensorV, Value
from vglint.ops.einops import unpacked as shape_of_part


def unpacked(run: Run, node: int, args: Sequence[Value]) -> tuple[Value, ...] | None:
    """Returns one tensor for each that was packed; None for another op, or where it is not known what was."""
    shapes = args[1] if len(args) > 1 else None
    if run.graph.nodes[node].op != "einops_unpack" or not isinstance(shapes, TensorV):
        return None
    packed = run.graph.nodes[shapes.node]
    if packed.op != "einops_pack":
        return None
    whole = run.graph.nodes[node]
    parts = [run.graph.nodes[index].shape for index in packed.inputs]
    around = run.graph.nodes[whole.inputs[0]].shape if whole.inputs else None
    return tuple(
        TensorV(node, shape_of_part(whole.config.get("pattern"), around, part), (index,))
        for index, part in enumerate(parts)
    )
