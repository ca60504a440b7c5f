"""Whether attention hides later positions: a causal mask, as decoders have it."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.ops import has


@fact("node", "flag")
def causal(found: NodeView) -> bool:
    """What is made of its result is masked by a triangle (`tril`, `triu`) or goes into attention with `is_causal=True`."""
    view = found.view
    ahead = view.after([found.node.index])
    for index in ahead:
        node = view.graph.nodes[index]
        if node.get("is_causal") is True:
            return True
        beside = [each for each in node.inputs if each not in ahead]
        if (has(node.op, "masks") or has(node.op, "adds")) and any(_is_triangle(view, each) for each in beside):
            return True
    return False


def _is_triangle(view: View, index: int) -> bool:
    behind = [view.graph.nodes[each] for each in view.before([index])]
    return any(has(each.op, "triangle") for each in behind) and not any(view.is_weight(each) for each in behind)
