"""Layers that are made of other layers: multi-head attention, torch's transformer layers and stacks.

Each is written as the ops it runs, on a tape; signal and gradient go through these.
"""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.maps import MAPS, maps
from vglint.analysis.maps.weight import Fans, affine
from vglint.analysis.state import AbstainError, Back, Grad, State, Step, combined, looked_at
from vglint.analysis.use import Use
from vglint.graph import Node
from vglint.ops import kind
from vglint.shape import Shape
from vglint.value import Expr, Literal_, divided


class Tape:
    """The ops that a composite layer runs. Input i of the layer is entry i; each `run` appends one."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.base = (use.index + 1) * 1_000_000
        self.states: dict[int, State | None] = {self.base + i: state for i, state in enumerate(use.inputs)}
        self.shapes: dict[int, Shape | None] = {self.base + i: use.shape(i) for i in range(len(use.inputs))}
        self.steps: list[tuple[Node, Back | None]] = []
        self.params = dict(use.node.params)

    def run(self, op: str, *inputs: int, params: str = "", shape: Shape | None = None, **config: Literal_) -> int:
        """Runs one op; `params` is the prefix of its parameters among the layer's."""
        own = tuple((name[len(params) :], i) for name, i in self.params.items() if params and name.startswith(params))
        use = self.part(op, inputs, own, shape, config)
        return self.append(use, MAPS[op](use))

    def part(
        self,
        op: str,
        inputs: tuple[int, ...],
        own: tuple[tuple[str, int], ...],
        shape: Shape | None,
        config: dict[str, Literal_],
    ) -> Use:
        index = self.base + len(self.states)
        node = self.use.node
        made = Node(index, op, inputs, tuple(config.items()), node.path, "part", own, shape, node.span, node.region)
        return Use(self.use.graph, made, self.states, self.use.batch, self.shapes, self.use.length)

    def append(self, use: Use, step: Step) -> int:
        self.states[use.index], back = step
        self.shapes[use.index] = use.node.shape
        self.steps.append((use.node, back))
        return use.index

    def finished(self, result: int) -> Step:
        """Returns the whole layer's map, its output being entry `result`."""
        state = self.states[result]
        if state is not None:
            state = state._replace(law=None, parts=((self.use.index, 1.0),), scores=None)
        count = len(self.use.inputs)

        def back(grad: Grad) -> Sequence[Grad | None]:
            grads: dict[int, Grad | None] = {result: grad._replace(along=0.0)}
            for node, step in reversed(self.steps):
                if node.index not in grads:
                    continue
                own = grads[node.index]
                sent: Sequence[Grad | None] = [None] * len(node.inputs)
                if own is not None and step is not None:
                    sent = [
                        looked_at(own, node.op, position, one) if one is not None else None
                        for position, one in enumerate(step(own))
                    ]
                for source, one in zip(node.inputs, sent, strict=False):
                    before = grads.get(source, one)
                    if source not in grads:
                        grads[source] = one
                    else:
                        grads[source] = combined(before, one) if before is not None and one is not None else None
            return [grads.get(self.base + i, Grad(0.0)) for i in range(count)]

        return state, back


@maps("multi_head_attention")
def multi_head_attention(use: Use) -> Step:
    if use.node.type is None:
        raise AbstainError("attention by function")
    tape = Tape(use)
    given = min(3, len(use.inputs))
    query, key, value = (tape.base + min(i, given - 1) for i in range(3))
    return tape.finished(attention(tape, query, key, value, "", use))


def attention(tape: Tape, query: int, key: int, value: int, prefix: str, use: Use) -> int:
    """Runs input projections, scaled dot products and the output projection."""
    width = use.get("embed_dim") if use.get("embed_dim") is not None else use.get("d_model")
    if not isinstance(width, (int, Expr)):
        width = _width_of(tape, prefix)
    projected = [
        projection(tape, source, prefix, letter, width)
        for source, letter in zip((query, key, value), "qkv", strict=True)
    ]
    heads = use.get("num_heads") if use.get("num_heads") is not None else use.get("nhead")
    found = divided(width, heads) if isinstance(heads, (int, Expr)) else None
    each = found if isinstance(found, (int, Expr)) else None
    shape = tape.shapes.get(key)
    first = 1 if use.get("batch_first") is True else 0
    length = shape[first] if shape is not None and len(shape) == 3 else None
    asked = tape.shapes.get(query)
    queries = asked[first] if asked is not None and len(asked) == 3 else length
    for index in projected:
        tape.shapes[index] = (None, queries if index == projected[0] else length, each)
    mixed = tape.run("scaled_dot_product_attention", *projected, shape=None)
    dropped = use.get("dropout")
    if isinstance(dropped, float) and dropped > 0 and prefix:
        pass  # dropout of the weights of an average changes little
    return tape.run("linear", mixed, params=f"{prefix}out_proj.", shape=tape.shapes.get(query))


def projection(tape: Tape, source: int, prefix: str, letter: str, width: int | Expr) -> int:
    """Runs one input projection: a third of `in_proj_weight`, or a matrix of its own."""
    use = tape.part("linear", (source,), (), None, {})
    graph = tape.use.graph
    together = tape.params.get(f"{prefix}in_proj_weight")
    if together is not None:
        parameter = graph.parameters[together]
        spread = use.spread_of(parameter, parameter.shape)
        inside: int | Expr = width
    else:
        own = tape.params.get(f"{prefix}{letter}_proj_weight")
        if own is None:
            raise AbstainError("projections of the attention are not known")
        parameter = graph.parameters[own]
        spread = use.spread_of(parameter, parameter.shape)
        inside = parameter.shape[1] if parameter.shape and isinstance(parameter.shape[1], (int, Expr)) else width
    bias = (0.0, 0.0)
    shift = tape.params.get(f"{prefix}in_proj_bias")
    if shift is not None:
        found = use.spread_of(graph.parameters[shift], graph.parameters[shift].shape)
        bias = (found.mean, found.variance() or 0.0)
    state = tape.states[source]
    axes, places = (state.axes, state.places) if state is not None else (None, None)
    return tape.append(use, affine(use, state, spread, Fans(inside, width), bias, width, axes or "*c", places))


@maps("transformer_encoder_layer")
def encoder_layer(use: Use) -> Step:
    tape = Tape(use)
    return tape.finished(encoder(tape, tape.base, "", use))


@maps("transformer_encoder")
def encoder_stack(use: Use) -> Step:
    tape = Tape(use)
    return tape.finished(stack(tape, tape.base, None, "", use))


@maps("transformer_decoder_layer")
def decoder_layer(use: Use) -> Step:
    tape = Tape(use)
    return tape.finished(decoder(tape, tape.base, tape.base + 1, "", use))


@maps("transformer_decoder")
def decoder_stack(use: Use) -> Step:
    tape = Tape(use)
    return tape.finished(stack(tape, tape.base, tape.base + 1, "", use))


@maps("transformer")
def transformer(use: Use) -> Step:
    if len(use.inputs) < 2:
        raise AbstainError("an input is missing")
    tape = Tape(use)
    memory = stack(tape, tape.base, None, "encoder.", use)
    return tape.finished(stack(tape, tape.base + 1, memory, "decoder.", use))


def stack(tape: Tape, source: int, memory: int | None, prefix: str, use: Use) -> int:
    """Runs every layer whose parameters the module holds, and the last norm."""
    layers = sorted(
        {
            int(part[0])
            for name in tape.params
            if name.startswith(f"{prefix}layers.") and (part := name[len(prefix) + 7 :].split("."))
        }
    )
    if not layers:
        raise AbstainError("layers of the stack are not known")
    for layer in layers:
        inner = f"{prefix}layers.{layer}."
        source = encoder(tape, source, inner, use) if memory is None else decoder(tape, source, memory, inner, use)
    if f"{prefix}norm.weight" in tape.params:
        source = norm(tape, source, f"{prefix}norm.", use)
    return source


def encoder(tape: Tape, source: int, prefix: str, use: Use) -> int:
    if use.get("norm_first") is True:
        normed = norm(tape, source, f"{prefix}norm1.", use)
        source = residual(tape, source, attention(tape, normed, normed, normed, f"{prefix}self_attn.", use), use)
        return residual(tape, source, forward(tape, norm(tape, source, f"{prefix}norm2.", use), prefix, use), use)
    mixed = attention(tape, source, source, source, f"{prefix}self_attn.", use)
    source = norm(tape, residual(tape, source, mixed, use), f"{prefix}norm1.", use)
    return norm(tape, residual(tape, source, forward(tape, source, prefix, use), use), f"{prefix}norm2.", use)


def decoder(tape: Tape, source: int, memory: int, prefix: str, use: Use) -> int:
    first = use.get("norm_first") is True
    for number, name in ((1, "self_attn"), (2, "multihead_attn")):
        given = norm(tape, source, f"{prefix}norm{number}.", use) if first else source
        other = given if name == "self_attn" else memory
        source = residual(tape, source, attention(tape, given, other, other, f"{prefix}{name}.", use), use)
        if not first:
            source = norm(tape, source, f"{prefix}norm{number}.", use)
    given = norm(tape, source, f"{prefix}norm3.", use) if first else source
    source = residual(tape, source, forward(tape, given, prefix, use), use)
    return source if first else norm(tape, source, f"{prefix}norm3.", use)


def forward(tape: Tape, source: int, prefix: str, use: Use) -> int:
    """Runs linear, activation, dropout, linear."""
    inner = tape.run("linear", source, params=f"{prefix}linear1.", shape=None)
    named = use.get("activation")
    op = named.rsplit(".", 1)[-1].lower() if isinstance(named, str) else "relu" if named is None else ""
    if kind(op) != "activation":
        raise AbstainError("activation of the layer is not known")
    return tape.run("linear", dropped(tape, tape.run(op, inner), use), params=f"{prefix}linear2.", shape=None)


def residual(tape: Tape, source: int, branch: int, use: Use) -> int:
    return tape.run("add", source, dropped(tape, branch, use), shape=tape.shapes.get(source))


def dropped(tape: Tape, source: int, use: Use) -> int:
    p = use.get("dropout")
    p = 0.1 if p is None else p
    return tape.run("dropout", source, p=p) if isinstance(p, (int, float)) and p > 0 else source


def norm(tape: Tape, source: int, prefix: str, use: Use) -> int:
    eps = use.get("layer_norm_eps")
    width = _width_of(tape, "")
    return tape.run(
        "layer_norm",
        source,
        params=prefix,
        shape=tape.shapes.get(source),
        normalized_shape=width,
        eps=eps if eps is not None else 1e-5,
    )


def _width_of(tape: Tape, prefix: str) -> int | Expr:
    for name, index in tape.params.items():
        if name.startswith(prefix) and name.endswith("out_proj.weight"):
            shape = tape.use.graph.parameters[index].shape
            if shape is not None and isinstance(shape[0], (int, Expr)):
                return shape[0]
    raise AbstainError("width of the layer is not known")
