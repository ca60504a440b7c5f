"""Facts of a ReLU that is the last thing before a loss or before a softmax, where negative values are wanted too."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.facts.domain import constant
from vglint.analysis.facts.loss import LossView, input_kind, pooled, trained
from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.source import rectifies
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.value import Unknown


@fact("node", "text")
def rectified_before(found: NodeView) -> str:
    """What a ReLU behind a weight layer stands directly before: `logits` for a loss of logits, `softmax` for one, or a sigmoid, whose result is an output,
    `signed` and `targets` for a regression loss whose targets can be negative, and whose targets are not known; `none`. A sigmoid before a loss whose
    targets can be negative is `squashed`."""
    node = found.node
    if node.op == "softmax" or node.op == "log_softmax" or node.op == "sigmoid":
        return (
            "softmax"
            if _rectified(found.view, node.inputs[:1]) is not None and _is_output(found.view, node)
            else "none"
        )
    if not (has(node.op, "takes_logits") or has(node.op, "compares")):
        return "none"
    loss = LossView(found.view, node)
    kind, several = input_kind(loss), pooled(loss)
    if kind == "unit" and not has(node.op, "takes_logits"):
        target = found.view.argument(node, "target")
        missed = several is False and trained(loss) and _source(loss) is not None
        return "squashed" if missed and target is not None and _sign(found.view, target, 0) < 0 else "none"
    if kind != "rectified" or several is not False or not trained(loss) or _source(loss) is None:
        return "none"
    if has(node.op, "takes_logits"):
        return "logits"
    target = found.view.argument(node, "target")
    if target is None:
        return "none"
    sign = _sign(found.view, target, 0)
    return {-1: "signed", 0: "targets", 1: "none"}[sign]


@fact("node", "places")
def rectified_at(found: NodeView) -> tuple[Place, ...]:
    """Where that ReLU or sigmoid is."""
    return found.view.places(_rectifiers(found))


def _rectifiers(found: NodeView) -> tuple[int, ...]:
    node = found.node
    if node.op == "softmax" or node.op == "log_softmax" or node.op == "sigmoid":
        made = _rectified(found.view, node.inputs[:1])
    else:
        made = _source(LossView(found.view, node))
    return () if made is None else (made.index,)


@fact("node", "flag")
def rectified_by_clamp(found: NodeView) -> bool:
    """It is no ReLU, but `clamp(min=0)`."""
    return any(has(found.view.graph.nodes[index].op, "clamps") for index in _rectifiers(found))


@fact("node", "text")
def called(found: NodeView) -> str:
    """What the program calls it: `F.softmax`, or the class's name."""
    return found.node.type.rpartition(".")[2] if found.node.type else f"F.{found.node.op}"


@fact("node", "flag")
def loss_of_input(found: NodeView) -> bool:
    """A loss of what the entry is given."""
    return found.view.kinds[found.node.index] == "loss" and input_kind(LossView(found.view, found.node)) == "input"


def _source(loss: LossView) -> Node | None:
    if isinstance(loss.source, Unknown):
        return None
    node = loss.view.graph.nodes[loss.source.node]
    return node if rectifies(node) or node.op == "sigmoid" else None


def _rectified(view: View, inputs: Sequence[int]) -> Node | None:
    """Returns the ReLU of a weight layer's output that a value is, beyond reshapes and dropout."""
    index = inputs[0] if inputs else None
    while index is not None:
        node = view.graph.nodes[index]
        if rectifies(node):
            made = view.graph.nodes[node.inputs[0]] if node.inputs else None
            while made is not None and view.kinds[made.index] == "norm" and made.inputs:
                made = view.graph.nodes[made.inputs[0]]
            return node if made is not None and view.is_weight(made) else None
        if view.kinds[index] not in ("shape", "dropout") or has(node.op, "joins"):
            return None
        index = node.inputs[0] if node.inputs else None
    return None


def _is_output(view: View, node: Node) -> bool:
    """Whether nothing multiplies a softmax with another tensor, and no weight layer takes it, and it is of scores of some input: it is no
    attention, no gate and no graph that is learned as a whole."""
    if view.in_region(node, "no_grad"):
        return False
    leaves = [view.graph.nodes[index] for index in view.before([node.index])]
    if all(each.op == "parameter" for each in leaves if not each.inputs):
        return False
    seen, todo = set[int](), [node.index]
    while todo:
        index = todo.pop()
        if index in seen:
            continue
        seen.add(index)
        for reader in view.readers[index]:
            found = view.graph.nodes[reader]
            if view.is_weight(found) or (
                has(found.op, "multiplies") and len(found.inputs) > 1 and not _by_label(view, found)
            ):
                return False
            if view.kinds[reader] in ("shape", "dropout") or has(found.op, "multiplies"):
                todo.append(reader)
    return True


def _by_label(view: View, node: Node) -> bool:
    """Whether a product is one with what comes from outside of the network, as a reward or a target does."""
    return any(not any(view.trains(each) for each in view.before([index])) for index in node.inputs)


def _sign(view: View, index: int, depth: int) -> int:
    """Returns -1 for a value that is negative about as often as it is positive, 1 for one that never is, 0 where that is not known."""
    node = view.graph.nodes[index]
    if has(node.op, "draws_signed"):
        return -1
    if has(node.op, "positive") or has(node.op, "rectifies") or has(node.op, "never_negative"):
        return 1
    if not node.inputs or depth > 20:
        return 0
    if node.op == "clamp" or node.op == "clamp_min":
        least = number(node.get("min"))
        return 1 if least is not None and least >= 0 else 0
    if node.op == "pow":
        exponent = constant(node)
        return 1 if exponent is not None and exponent % 2 == 0 else 0
    first = _sign(view, node.inputs[0], depth + 1)
    if node.op == "sub" and len(node.inputs) == 2 and _mean_of(view, node):
        return -1
    if len(node.inputs) == 2 and has(node.op, "adds"):
        second = _sign(view, node.inputs[1], depth + 1)
        return first if first == second and first != 0 and (node.op == "add" or first < 0) else 0
    if len(node.inputs) == 2 and has(node.op, "scales"):
        second = _sign(view, node.inputs[1], depth + 1)
        return first if second > 0 or _is_spread(view, node.inputs[1]) else 0
    if has(node.op, "either_sign") or (len(node.inputs) == 1 and has(node.op, "scales") and constant(node) is not None):
        return first if first < 0 or (constant(node) or 0) > 0 else 0
    if view.kinds[index] == "shape" or has(node.op, "copies") or has(node.op, "joins") or node.op == "detach":
        signs = {_sign(view, source, depth + 1) for source in node.inputs[: None if has(node.op, "joins") else 1]}
        return signs.pop() if len(signs) == 1 else 0
    return 0


def _mean_of(view: View, node: Node) -> bool:
    """Whether a difference takes off the mean of what it is taken off from."""
    taken = view.graph.nodes[node.inputs[1]]
    while taken.inputs and (view.kinds[taken.index] == "shape"):
        taken = view.graph.nodes[taken.inputs[0]]
    return (taken.op == "mean" or taken.op == "median") and bool(taken.inputs) and taken.inputs[0] == node.inputs[0]


def _is_spread(view: View, index: int) -> bool:
    """Whether a divisor is a standard deviation, perhaps with a small number added."""
    node = view.graph.nodes[index]
    while node.inputs and (
        view.kinds[index] == "shape" or (node.op == "add" and len(node.inputs) == 1) or has(node.op, "clamps")
    ):
        node, index = view.graph.nodes[node.inputs[0]], node.inputs[0]
    return node.op == "std" or node.op == "var" or node.op == "sqrt"
