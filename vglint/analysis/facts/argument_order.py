"""Facts of what stands where in a loss: a rate where its logarithm belongs, a prediction where the target belongs."""

from __future__ import annotations

from vglint.analysis.facts.domain import origin
from vglint.analysis.facts.loss import LossView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.ops import has


@fact("loss", "flag")
def rate_as_log(found: LossView) -> bool:
    """A Poisson loss that takes the logarithm of the rate (`log_input=True`, its default) is given what exp, softplus or a ReLU made: a rate."""
    if found.node.op != "poisson_nll_loss" or found.node.get("log_input") is not True or not found.node.inputs:
        return False
    made = origin(found.view, found.node.inputs[0])
    return has(made.op, "positive") or has(made.op, "cuts_negative")


@fact("loss", "places")
def rate_place(found: LossView) -> tuple[Place, ...]:
    """Where that rate is made."""
    return (found.view.place(origin(found.view, found.node.inputs[0]).index),) if rate_as_log(found) else ()


@fact("loss", "flag")
def swapped(found: LossView) -> bool:
    """A binary cross-entropy whose first argument is made of data alone and whose target is what the model gives."""
    logits = found.node.op == "binary_cross_entropy_with_logits"
    if not logits and not has(found.node.op, "takes_probabilities"):
        return False
    view, node = found.view, found.node
    given, target = view.argument(node, "input"), view.argument(node, "target")
    if given is None or target is None or not _is_data(view, given):
        return False
    live = view.before([target], lambda each: not view.keeps_history(each))
    return any(view.trains(index) for index in live)


def _is_data(view: View, index: int) -> bool:
    """Whether a value comes of no parameter, of nothing that requires a gradient and of nothing that is not known."""
    behind = [view.graph.nodes[each] for each in view.before([index])]
    unknown = any(node.op == "opaque" or view.hides_operand(node.index) for node in behind)
    return not unknown and not any(node.params or view.is_marked(node) for node in behind)
