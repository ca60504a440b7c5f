"""Facts of dropout that leaves nothing and of normalisations whose epsilon outweighs the variance."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import number
from vglint.value import Unknown


@fact("node", "number")
def drop_probability(found: NodeView) -> float | Unknown:
    """The literal probability with which a dropout drops a value while training. Unknown where dropout is switched off, or p is no
    literal."""
    node = found.node
    if found.view.kinds[node.index] != "dropout" or node.get("training") is False or node.get("train") is False:
        return unknown("no dropout that is on")
    value = number(node.get("p"))
    return value if value is not None else unknown("the probability is no literal")


@fact("node", "number")
def epsilon(found: NodeView) -> float | Unknown:
    """The literal eps of a normalisation, which is added to the variance under the root."""
    is_norm = found.view.kinds[found.node.index] == "norm" and found.node.op != "normalize"
    value = number(found.node.get("eps")) if is_norm else None
    return value if value is not None else unknown("no normalisation with a literal eps")


@fact("node", "flag")
def called_keep(found: NodeView) -> bool:
    """The program itself calls a dropout's probability one to keep: `nn.Dropout(keep_prob)`."""
    return found.node.get("keeps") is True


@fact("node", "number", "%")
def drop_percent(found: NodeView) -> float | Unknown:
    """The same in per cent."""
    value = drop_probability(found)
    return value if isinstance(value, Unknown) else 100 * value
