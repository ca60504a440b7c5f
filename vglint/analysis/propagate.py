"""Predicts the trace of a graph: moments forward, gradients back, by mean-field theory.

What is not known stays unknown: a node whose op, parameters or inputs are not understood has no signal, and no gradient passes up through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from vglint.analysis.history import OUTSIDE, kept_beside, left_without_history, prepared_nodes
from vglint.analysis.maps import MAPS
from vglint.analysis.maps import activation as _activation
from vglint.analysis.maps import attention as _attention
from vglint.analysis.maps import choice as _choice
from vglint.analysis.maps import combine as _combine
from vglint.analysis.maps import composite as _composite
from vglint.analysis.maps import concat as _concat
from vglint.analysis.maps import lookup as _lookup
from vglint.analysis.maps import norm as _norm
from vglint.analysis.maps import own_gradient as _own_gradient
from vglint.analysis.maps import patterns as _patterns
from vglint.analysis.maps import pool as _pool
from vglint.analysis.maps import recurrent as _recurrent
from vglint.analysis.maps import reduce as _reduce
from vglint.analysis.maps import shape as _shape
from vglint.analysis.maps import softmax as _softmax
from vglint.analysis.maps import source as _source
from vglint.analysis.maps import spectral as _spectral
from vglint.analysis.maps import weight as _weight
from vglint.analysis.multiples import Multiples
from vglint.analysis.narrow import narrow
from vglint.analysis.numbers import of_numbers
from vglint.analysis.ratio import WEIGHTED, first_of, last_of, weight_layers
from vglint.analysis.sizes import assumed, sequence_length
from vglint.analysis.state import ZERO, AbstainError, Back, Grad, Scale, State, combined, looked_at
from vglint.analysis.use import Use
from vglint.graph import Graph, Node
from vglint.ops import OPS, has, having, kind
from vglint.ops.curves import ELEMENTWISE
from vglint.signal import NO_GRADIENT, Lack, Signal, Trace
from vglint.value import Literal_

_MODULES = (
    _activation,
    _attention,
    _choice,
    _combine,
    _composite,
    _concat,
    _lookup,
    _norm,
    _own_gradient,
    _patterns,
    _pool,
    _recurrent,
    _reduce,
    _shape,
    _softmax,
    _source,
    _spectral,
    _weight,
)
"""Importing them fills the table."""

BATCH = 64
"""Samples of a batch whose size is not known."""


def propagate(graph: Graph, *, batch: int = BATCH) -> Trace:
    """Returns the trace that theory predicts for N(0, 1) inputs, random weights and a loss that is random from sample to sample."""
    graph = assumed(graph)
    states, backs, lacking = forward(graph, batch)
    ends = _ends(graph, states, backs)
    grads, flows, lost = backward(graph, states, backs, lacking, ends)
    gate = narrow(graph, backs, grads, ends)
    if gate is not None:
        behind = lost
        grads, flows, lost = backward(graph, states, backs, lacking, [gate])
        lost = [*lost[: gate + 1], *(behind[index] or (index, _BEHIND) for index in range(gate + 1, len(graph.nodes)))]
    for index in left_without_history(graph):
        if graph.nodes[index].params:
            grads[index] = None
    reference = _reference(graph, grads)
    gradients = _gradients(graph, grads, reference)
    signals = tuple(_signal(state) for state in states)
    gains = tuple(_gain(node.inputs, flows[node.index], gradients[node.index], reference) for node in graph.nodes)
    named = tuple(
        tuple((source, value) for source, grad in sent if (value := _log(grad, reference)) is not None)
        for sent in flows
    )
    silent = (lack for lack, back in zip(lacking, backs, strict=True) if back is None)
    abstained = dict.fromkeys(lack for lack in (*silent, *lost) if lack is not None)
    causes = _causes(lost, grads, gradients)
    return Trace("predicted", signals, gradients, gains, named, tuple(abstained), causes)


def forward(graph: Graph, batch: int) -> tuple[list[State | None], list[Back | None], list[Lack | None]]:
    """Returns each node's state, its gradient map, and for what is not known of it the node that theory says nothing of, and why."""
    states: list[State | None] = []
    backs: list[Back | None] = []
    lacking: list[Lack | None] = []
    length = sequence_length(graph)
    taken: dict[int, set[Literal_]] = {}
    for node in graph.nodes:
        if node.op == "getitem":
            taken.setdefault(node.inputs[0], set()).add(node.get("index"))
    numbers = of_numbers(graph, length)
    prepared = prepared_nodes(graph)
    cut = left_without_history(graph)
    for node in graph.nodes:
        state: State | None = numbers.get(node.index)
        back: Back | None = None
        lack: Lack | None = None
        step = MAPS.get(node.op)
        if state is not None:
            back = _no_gradient(len(node.inputs))
        elif step is None:
            if node.op in OUTSIDE or kind(node.op) in _NO_WAY:
                back = _no_gradient(len(node.inputs))
            lack = node.index, f"{node.op} is not modelled"
        else:
            use = Use(graph, node, states, batch, None, length, taken)
            try:
                state, back = step(use)
            except AbstainError as error:
                lack = (node.index, str(error)) if str(error) else None
            except (ArithmeticError, IndexError, ValueError):
                lack = node.index, _OUT_OF_RANGE
        if node.index in cut:
            back = _no_gradient(len(node.inputs))
        if state is not None and not (math.isfinite(state.q) and math.isfinite(state.mu)):
            lack = node.index, "the signal leaves every range"
            state = None
        if state is None and node.index in prepared:
            # Data that a model prepares before its first weights is taken to be standardised, as its inputs are.
            state, _ = MAPS["input"](Use(graph, node, states, batch, None, length, taken))
            back, lack = _no_gradient(len(node.inputs)), None
        if lack is None and (state is None or back is None):
            lack = next((lacking[i] for i in node.inputs if lacking[i] is not None), (node.index, "not understood"))
        states.append(state)
        backs.append(back)
        lacking.append(lack)
    return states, backs, lacking


_OUT_OF_RANGE = "the numbers leave their range"


def _no_gradient(count: int) -> Back:
    return lambda grad: [ZERO] * count


_BEHIND = "how what is behind weighs is not known"


def backward(
    graph: Graph,
    states: list[State | None],
    backs: list[Back | None],
    lacking: list[Lack | None],
    ends: Sequence[int],
) -> tuple[list[Grad | None], list[list[tuple[int, Grad]]], list[Lack | None]]:
    """Returns each node's gradient from where it starts (None: not known, or none arrives), what each node sends to its inputs, and why a
    gradient is not known."""
    count = len(graph.nodes)
    grads: list[Grad | None] = [None] * count
    lost: list[Lack | None] = [None] * count
    flows: list[list[tuple[int, Grad]]] = [[] for _ in range(count)]
    multiples = Multiples(count)
    for index in ends:
        grads[index] = _reduce.head(states[index], squared=_reconstructs(graph, states[index]))
    for index, text in turning(graph):
        lost[index] = index, text
    for node in reversed(graph.nodes):
        index = node.index
        grad = grads[index]
        lack = lost[index]
        if lack is not None:
            grads[index] = None
        elif grad is None:
            continue
        back = backs[index]
        if not node.inputs:
            continue
        sending: Sequence[Grad | None] = ()
        if lack is None and back is not None and grad is not None:
            try:
                sending = back(grad)
            except (ArithmeticError, IndexError, ValueError):
                lack = index, _OUT_OF_RANGE
        if lack is not None or back is None:
            lack = lack or lacking[index] or (index, "not understood")
            for source in node.inputs:
                if lost[source] is None and not _is_data(graph, source):
                    lost[source] = lack
            continue
        assert grad is not None
        terms = multiples.sent(node, states, grad)
        for position, (source, sent) in enumerate(zip(node.inputs, sending, strict=False)):
            if sent is None:
                lost[source] = lost[source] or (index, "what arrives at an input is not known")
                continue
            if sent.along and node.op not in _ALIGNED:
                sent = sent._replace(along=0.0)
            if sent.pieces and node.op not in _PARTED:
                sent = sent._replace(pieces=None)
            if sent.alike and not _keeps_alike(node.op):
                sent = sent._replace(alike=0.0)
            if sent.g <= 0.0:
                continue
            sent = looked_at(grad, node.op, position, sent)
            flows[index].append((source, sent))
            before = grads[source]
            both = sent if before is None else combined(before, sent)
            if before is not None and both is not None and (pull := 2 * before.along * sent.along):
                both = both._replace(g=both.g + pull * (state.q if (state := states[source]) is not None else 0.0))
            if terms is not None and both is not None:
                both = multiples.met(source, terms[position], both)
            if both is None:
                lost[source] = source, "widths that are not known do not cancel"
            else:
                grads[source] = both
    return grads, flows, lost


def _causes(
    lost: list[Lack | None], grads: list[Grad | None], gradients: tuple[float | None, ...]
) -> tuple[Lack | None, ...]:
    """Returns for each node why its gradient is not known; None where it is."""
    found: list[Lack | None] = []
    for index, (lack, grad, value) in enumerate(zip(lost, grads, gradients, strict=True)):
        if value is not None:
            found.append(None)
        elif lack is not None:
            found.append(lack)
        elif grad is None or grad.g <= 0.0:
            found.append((index, NO_GRADIENT))
        else:
            found.append((index, "it depends on sizes that are not known"))
    return tuple(found)


_ALIGNED = WEIGHTED | ELEMENTWISE | having("map_along")
"""Ops whose maps say how much of a gradient lies along the signal."""


_PARTED = having("map_parts")
"""Ops whose maps say how a gradient varies over the parts of a concatenation."""


def _keeps_alike(op: str) -> bool:
    """Whether an op's map says how much of a gradient several tensors have in common that are weighed and added."""
    return kind(op) == "shape" or has(op, "scales") or has(op, "sums") or has(op, "joins")


def _takes_parts(graph: Graph, body: set[int], regions: list[int]) -> bool:
    """Whether each turn of a loop works on a part of its own of a tensor, and all parts are put side by side again behind it; or a turn
    does no more than move values."""
    nodes = [graph.nodes[index] for index in body]
    if all(kind(node.op) == "shape" and len(node.inputs) == 1 and not has(node.op, "repeats") for node in nodes):
        return True
    given = {source for node in nodes for source in node.inputs if source not in body}
    readers = {node.op for node in graph.nodes if node.region not in regions and not body.isdisjoint(node.inputs)}
    return (
        bool(readers)
        and all(has(op, "joins") for op in readers)
        and all(has(graph.nodes[source].op, "splits") for source in given)
    )


def turning(graph: Graph) -> Iterator[tuple[int, str]]:
    """Yields the nodes of loops of unknown length whose result is used behind the loop, or is the model's: each stands for many turns."""
    loops = {
        region.index: region for region in graph.regions if region.kind == "loop" and not isinstance(region.count, int)
    }
    if not loops:
        return
    within: dict[int, list[int]] = {}
    for region in graph.regions:
        above: int | None = region.index
        while above is not None:
            if above in loops:
                within.setdefault(above, []).append(region.index)
            above = graph.regions[above].parent
    outputs = frozenset() if graph.kind == "training" else frozenset(index for _, index in graph.outputs)
    for index, regions in within.items():
        body = {node.index for node in graph.nodes if node.region in regions}
        read = (source for node in graph.nodes if node.region not in regions for source in node.inputs)
        if _takes_parts(graph, body, regions):
            continue
        if outputs & body or any(source in body for source in read):
            for node in sorted(body):
                yield node, f"a loop of unknown length: {loops[index].text}"


def _is_data(graph: Graph, index: int) -> bool:
    """Whether a gradient there would not matter: inputs, masks, indices."""
    return graph.nodes[index].op == "input"


def _reconstructs(graph: Graph, state: State | None) -> bool:
    """Whether an output is as wide as what the first weight layer takes: such a model has a squared loss."""
    first = first_of(graph, weight_layers(graph))
    if first is None or state is None or state.channels is None:
        return False
    node = graph.nodes[first]
    width = node.get("in_features") if node.op == "linear" else node.get("in_channels")
    return width is not None and width == state.channels


def _ends(graph: Graph, states: list[State | None], backs: list[Back | None]) -> list[int]:
    """Returns the nodes that the gradient starts from: losses where there are any, else the outputs, without attention maps and
    earlier layers that are returned beside others; in place of each, what all of its gradient goes through before a factor that is not known, for such a factor is the same
    for all layers."""
    backwards = {node.inputs[0] for node in graph.nodes if node.op == "backward" and node.inputs}
    outputs = {index for _, index in graph.outputs}
    maps = {index for index in outputs if (state := states[index]) is not None and state.scores is not None}
    outputs = outputs - maps - kept_beside(graph) or outputs
    losses = {index for index in outputs if kind(graph.nodes[index].op) == "loss"}
    ends = backwards or losses or outputs
    before = _before_unknown(graph, backs)
    return sorted({before.get(end, end) for end in ends})


def _before_unknown(graph: Graph, backs: list[Back | None]) -> dict[int, int]:
    """Returns, of the nodes that are made by ops without weights, one after the other, some of which have a factor that is not known, what
    the first of these gets."""
    learned: set[int] = set()
    readers = [0] * len(graph.nodes)
    for node in graph.nodes:
        if any(graph.parameters[param].trainable for _, param in node.params) or not learned.isdisjoint(node.inputs):
            learned.add(node.index)
        if node.op in OPS and kind(node.op) != "cut":
            for source in set(node.inputs):
                readers[source] += 1
    found: dict[int, int] = {}
    for node in graph.nodes:
        sources = [source for source in node.inputs if source in learned] if _hands_on(node) else ()
        if len(sources) == 1 and readers[sources[0]] == 1:
            if sources[0] in found:
                found[node.index] = found[sources[0]]
            elif backs[node.index] is None:
                found[node.index] = sources[0]
    return found


def _hands_on(node: Node) -> bool:
    """Whether a gradient passes through an op, in which no weights are."""
    return not node.params and (node.op in MAPS or (node.op in OPS and kind(node.op) not in _NO_WAY))


_NO_WAY = frozenset({"create", "cut", "train"})


def _reference(graph: Graph, grads: list[Grad | None]) -> Scale:
    """Returns the unknown sizes that the gradients are stated relative to: those of the last weight layer that feeds another."""
    layers = weight_layers(graph)
    last = last_of(graph, layers)
    for index in (*(() if last is None else (last,)), *reversed(layers)):
        grad = grads[index]
        if grad is not None and grad.g > 0:
            found: Scale = grad.scale
            return found
    return ()


def _gradients(graph: Graph, grads: list[Grad | None], reference: Scale) -> tuple[float | None, ...]:
    """Returns log10 RMS at every node's output; an LSTM cell's output is h, the first of its pair."""
    found = [_log(grad, reference) for grad in grads]
    for node in graph.nodes:
        if node.op == "getitem" and graph.nodes[node.inputs[0]].op == "lstm_cell" and node.get("index") == 0:
            found[node.inputs[0]] = found[node.index]
    return tuple(found)


def _log(grad: Grad | None, reference: Scale) -> float | None:
    """Returns log10 of the median RMS: finite width makes ln‖g‖² vary by `lv`, which lowers the median (Hanin 2018)."""
    if grad is None or grad.g <= 0.0 or grad.scale != reference or grad.rho < 0 or not math.isfinite(grad.g):
        return None
    return 0.5 * math.log10(grad.g) - grad.lv / (4 * math.log(10))


def _gain(inputs: tuple[int, ...], sent: list[tuple[int, Grad]], own: float | None, reference: Scale) -> float | None:
    if not inputs or own is None:
        return None
    for source, grad in sent:
        if source == inputs[0]:
            value = _log(grad, reference)
            return None if value is None else value - own
    return None


def _signal(state: State | None) -> Signal | None:
    if state is None or state.scale:
        return None
    return Signal(state.q, state.mu, state.db, state.ds, state.r)
