"""Facts of a recurrent layer: what each step back in time costs the gradient, and how many steps there are."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.recurrence import Recurrence
from vglint.ops import has
from vglint.value import Unknown


@fact("node", "text")
def nonlinearity(found: NodeView) -> str | Unknown:
    """A plain RNN's activation: tanh or relu."""
    value = found.node.get("nonlinearity")
    return value if isinstance(value, str) else unknown("not a plain RNN")


@fact("node", "number", "decades")
def decades_per_step(found: NodeView) -> float | Unknown:
    """What one step back in time does to the gradient, as a decimal logarithm. Known of recurrent layers, and of the first linear layer of a
    cell that is written out in a loop of known length."""
    found_ = _recurrence(found)
    return found_ if isinstance(found_, Unknown) else found_.per_step


@fact("node", "number", "steps")
def vanishes_after(found: NodeView) -> float | Unknown:
    """Steps after which less than a thousandth of the gradient is left; unknown where that takes more than 10,000."""
    recurrence = _recurrence(found)
    if isinstance(recurrence, Unknown):
        return recurrence
    return float(recurrence.below_1e3) if recurrence.below_1e3 is not None else unknown("the gradient does not vanish")


@fact("node", "number", "steps")
def explodes_after(found: NodeView) -> float | Unknown:
    """Steps after which the gradient has grown a thousandfold; unknown where it does not within 10,000."""
    recurrence = _recurrence(found)
    if isinstance(recurrence, Unknown):
        return recurrence
    return float(recurrence.grows) if recurrence.grows is not None else unknown("the gradient does not explode")


@fact("node", "number", "steps")
def time_steps(found: NodeView) -> float | Unknown:
    """Number of time steps, where it is a plain number."""
    recurrence = _recurrence(found)
    if isinstance(recurrence, Unknown):
        return recurrence
    return float(recurrence.steps) if recurrence.steps is not None else unknown("the number of steps is not known")


@fact("node", "flag")
def only_last_state(found: NodeView) -> bool:
    """Only the state after the last step is used: the final hidden state, or the output at position -1."""
    view, node = found.view, found.node
    if not has(node.op, "over_sequence"):
        return False
    parts = [view.graph.nodes[index] for index in view.readers[node.index]]
    for part in parts:
        if part.op != "getitem":
            return False
        if part.get("index") == 0:
            for reader in view.readers[part.index]:
                if not _last(view.graph.nodes[reader].get("index"), node.get("batch_first") is True):
                    return False
            if any(index == part.index for _, index in view.graph.outputs):
                return False
    return bool(parts)


@fact("node", "flag")
def bidirectional(found: NodeView) -> bool:
    """It runs in both directions."""
    return found.node.get("bidirectional") is True


@fact("node", "flag")
def default_recurrence(found: NodeView) -> bool | Unknown:
    """Its recurrent weights keep torch's initialisation."""
    inits = [
        found.view.graph.parameters[index].init for name, index in found.node.params if name.startswith("weight_hh")
    ]
    if any(init.scheme == "unknown" for init in inits) or not inits:
        return unknown("an initialisation could not be followed")
    return all(init.span is None for init in inits)


def _recurrence(found: NodeView) -> Recurrence | Unknown:
    if found.node.op == "linear":
        known = found.view.written_out
    elif found.view.kinds[found.node.index] == "recurrent":
        known = found.view.recurrences
    else:
        return unknown("not recurrent")
    recurrence = known.get(found.node.params)
    return recurrence if recurrence is not None else unknown("the cell is not understood")


def _last(index: object, batch_first: bool) -> bool:
    """Whether an index picks the last time step: `[:, -1]` or `[-1]`."""
    if not isinstance(index, tuple):
        return index == -1 and not batch_first
    if (len(index) == 2 and batch_first) or len(index) == 3:
        return bool(index[1] == -1 if batch_first else index[0] == -1)
    return False
