"""Recurrent modules and cells as nodes: their stationary output, and what reaches their input and state."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.cells import Cell, cell_of, single_of
from vglint.analysis.maps import maps
from vglint.analysis.state import ZERO, AbstainError, Grad, State, Step
from vglint.analysis.use import Use

STEPS = 64.0
"""Time steps of a sequence whose length is not known."""


@maps("rnn", "lstm", "gru")
def layer(use: Use) -> Step:
    """Stacked layers, each over all steps; the gradient of step t gathers what later steps send back."""
    state = use.state()
    if state.scale:
        raise AbstainError("a width is not known")
    layers = use.get("num_layers")
    if not isinstance(layers, int):
        raise AbstainError("number of layers is not known")
    cells = []
    directions = 2 if use.get("bidirectional") is True else 1
    inner = state
    for level in range(layers):
        steady, same = (1.0 - min(apart / inner.q, 1.0) if inner.q > 0 else 0.0 for apart in (inner.ds, inner.db))
        cell = cell_of(use.graph, use.node, level, inner.q, steady)
        other = cell_of(use.graph, use.node, level, inner.q, same)
        if cell is None or other is None:
            raise AbstainError("a recurrent cell that is not understood")
        cells.append(cell)
        inner = output_state(use, cell, inner, directions)
        if use.node.op != "rnn":
            inner = inner._replace(db=cell.moved * (1.0 - other.alike), ds=cell.moved * (1.0 - cell.alike))
    out = inner
    steps = state.places if state.places is not None and state.places > 1 else STEPS

    def back(grad: Grad) -> Sequence[Grad]:
        for cell in reversed(cells):
            gathered = sum_of_powers(cell.step, steps)
            keeps = sum(one.mean for one in cell.kept) / len(cell.kept) if use.node.op != "rnn" else 0.0
            # What all steps send back alike adds up in phase on the way that meets no weight.
            phase = sum_of_powers(keeps, steps) ** 2
            more = max(phase - sum_of_powers(keeps * keeps, steps), 0.0)
            grad = grad._replace(
                g=grad.g * gathered + max(grad.gs, 0.0) * more,
                gs=grad.gs * phase,
                gb=grad.gb * gathered + max(grad.gx, 0.0) * more,
                gx=grad.gx * phase,
            )
            grad = grad.times(directions * cell.into * cell.opened)._replace(gr=0.0)
        return [grad] + [ZERO] * (len(use.inputs) - 1)

    return out, back


@maps("lstm_cell", "gru_cell", "rnn_cell")
def step(use: Use) -> Step:
    """One step: state and input each get their share; the tied weights' interference is in the state's gain."""
    state = use.state()
    if state.scale:
        raise AbstainError("a width is not known")
    held = use.inputs[1] if len(use.inputs) > 1 else None
    if use.node.op == "gru_cell" and held is not None and not held.scale and is_first(use):
        return single(use, state, held)
    cell = cell_of(use.graph, use.node, 0, state.q)
    if cell is None:
        raise AbstainError("a recurrent cell that is not understood")
    out = output_state(use, cell, state)
    if use.node.op != "lstm_cell":
        return out, lambda grad: [grad.times(cell.into)] + [grad.times(cell.step)] * (len(use.inputs) - 1)
    # The gradient here is that of c: getitem brings h's to it. What goes back to h meets `opened` again on its way.
    to_hidden = cell.step * (1.0 - cell.carried) / cell.opened if cell.opened > 0 else 0.0
    return out, lambda grad: [grad.times(cell.into), grad.times(to_hidden), grad.times(cell.step * cell.carried)][
        : len(use.inputs)
    ]


def is_first(use: Use) -> bool:
    """Whether a cell's state comes from none of its own steps, and none of its steps follows: it joins two signals."""
    nodes = use.graph.nodes
    alike = [node for node in nodes if node.op == use.node.op and node.path == use.node.path]
    return len(alike) == 1 and use.node.region == 0


def single(use: Use, state: State, held: State) -> Step:
    """h' = (1 − z)·n + z·h for an input and a state that are two signals: a gate in the place of a residual sum."""
    found = single_of(use.graph, use.node, state.q, held.q)
    if found is None:
        raise AbstainError("a recurrent cell that is not understood")

    def apart(name: str) -> float:
        one, other = (float(getattr(each, name)) / each.q if each.q > 0 else 0.0 for each in (held, state))
        return min(found.keeps * min(one, 1.0) + found.takes * min(other, 1.0), found.square)

    out = held._replace(
        q=found.square, mu=found.mean * held.mu, db=apart("db"), ds=apart("ds"), r=0.0, law=None, map=None, spread=None,
        parts=((use.index, 1.0),), pieces=(), choices=None, fresh=0.0,
    )  # fmt: skip

    def back(grad: Grad) -> Sequence[Grad]:
        straight = found.mean**2
        kept = grad.times(found.direct)._replace(
            g=grad.g * (found.direct + found.through), gs=grad.gs * straight, gb=grad.gb * straight, gx=grad.gx * straight,
            gr=grad.gr * straight,
        )  # fmt: skip
        return [grad.times(found.into)._replace(gr=0.0), kept]

    return out, back


def opened(use: Use) -> float:
    """Returns the gain from h's gradient to c's of the LSTM cell that a getitem takes h from."""
    node = use.graph.nodes[use.node.inputs[0]]
    source = use.term(node.inputs[0])
    cell = cell_of(use.graph, node, 0, source.q) if source is not None else None
    if cell is None:
        raise AbstainError("a recurrent cell that is not understood")
    return float(cell.opened)


def output_state(use: Use, cell: Cell, state: State, directions: int = 1) -> State:
    width = cell.width
    share = min(state.db / state.q, 1.0) if state.q > 0 else 0.0
    place = min(state.ds / state.q, 1.0) if state.q > 0 else 0.0
    return State(
        cell.square,
        0.0,
        cell.moved * share,
        cell.moved * place,
        0.0,
        (),
        width * directions if isinstance(width, int) else width if directions == 1 else None,
        "*c",
        state.places,
        parts=((use.index, 1.0),),
    )


def sum_of_powers(ratio: float, steps: float) -> float:
    """Returns the mean over t of Σ_{k<T−t} ratioᵏ."""
    if ratio > 0.999:
        return (
            (steps + 1) / 2 if ratio < 1.001 else min(float(ratio**steps) / max((ratio - 1) ** 2 * steps, 1e-9), 1e300)
        )
    return (1.0 - ratio * (1.0 - float(ratio**steps)) / (steps * (1.0 - ratio))) / (1.0 - ratio)
