"""Sizes of a convolutional network's maps where its source does not say how large an input is.

The size of an input is told by what follows: a `Linear` after a flatten, or a position table, fits one size only. Where nothing tells,
32 pixels are taken for a network that reduces its maps little, 224 for one that reduces them much, and a sequence is taken to be longer
than the kernels that read it. Only edges of maps (how many taps read padding) and averages over a map depend on it.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from vglint.graph import Config, Graph, Node
from vglint.ops import has, having, kind, result
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Shape
from vglint.value import Expr, Literal_, divided, normal, plus, times

_USUAL = {
    1: (128, 64, 100, 256, 1000, 1024, 512, 187, 784, 16000, 32, 50),
    2: (32, 28, 224, 64, 128, 256, 96, 48, 227, 299, 331, 16, 84, 84, 40, 12, 8, 112, 100, 150, 50, 512),
    3: (32, 16, 64, 8, 128, 12),
}
"""Sizes that people use, the likelier first."""


def assumed(graph: Graph) -> Graph:
    """Returns the graph with shapes of an assumed input, or itself where no convolution lacks them."""
    rank = _rank(graph)
    if rank is None:
        return graph
    inputs = _inputs(graph, rank)
    if not inputs:
        return graph
    best: Sizes | None = None
    computed = {node.index for node in graph.nodes if any(_is_symbolic(value) for _, value in node.config)}
    checks = _checks(graph)
    tried = narrow = 0
    for size in _USUAL[rank]:
        if 16 * narrow < size < tried:
            continue  # its smallest map is no larger than that of the larger input, and so too small
        shapes = _shapes(graph, inputs, computed, rank, size)
        if shapes is None:
            continue
        if not all(_fits(graph, node, shapes.shapes) for node in checks):
            continue
        best = best or shapes
        if rank == 3 or (rank == 1 and _roomy(graph, shapes.shapes)):
            best = shapes
            break
        if rank == 2:
            smallest = _smallest(graph, shapes.shapes)
            if size >= 200 or smallest * 16 >= size:
                best = shapes
                break
            tried, narrow = size, smallest
    if best is None:
        return graph
    nodes = []
    for node in graph.nodes:
        shape, config = best.shapes.get(node.index, node.shape), best.configs.get(node.index, node.config)
        nodes.append(
            node if shape == node.shape and config is node.config else replace(node, shape=shape, config=config)
        )
    return replace(graph, nodes=tuple(nodes))


LENGTH = 64
"""Tokens of a sequence where nothing says how many: attention over more tokens hardly differs."""


def sequence_length(graph: Graph) -> float:
    """Returns how many tokens a sequence has by its table of positions, `LENGTH` where there is none."""
    for node in graph.nodes:
        if node.op == "embedding" and node.inputs and graph.nodes[node.inputs[0]].op == "arange":
            rows = node.get("num_embeddings")
            if isinstance(rows, int):
                return float(rows)
        if node.op == "add":
            for source in node.inputs:
                other = next((graph.nodes[one].shape for one in node.inputs if one != source), None)
                rows = _rows(_table(graph, source), other)
                if rows is not None:
                    return float(rows)
    return float(LENGTH)


def _table(graph: Graph, index: int) -> Shape | None:
    """Returns the shape of the parameter that a node is, or is cut out of."""
    node = graph.nodes[index]
    while (has(node.op, "copies") or node.op == "getitem" or node.op == "unsqueeze") and node.inputs:
        node = graph.nodes[node.inputs[0]]
    return node.shape if node.op == "parameter" else None


def _rows(table: Shape | None, other: Shape | None) -> int | None:
    """Returns the positions of a table that is added to a sequence of tokens."""
    if table is None:
        return None
    if len(table) == 3 and table[0] == 1:
        rows = table[1]
    elif len(table) == 2 and other is not None and len(other) == 3 and other[-1] == table[-1]:
        rows = table[0]
    else:
        return None
    return rows if isinstance(rows, int) and rows > 1 else None


class Sizes(NamedTuple):
    """Shapes by node, and the configs in which a size was a symbol (`kernel_size=x.shape[2:]`)."""

    shapes: dict[int, Shape | None]
    configs: dict[int, Config]


def _rank(graph: Graph) -> int | None:
    """Returns the dimensions of the graph's convolutions where the first has no known size."""
    for node in graph.nodes:
        if node.op in _CONVOLUTIONS:
            shape = node.shape
            rank = int(node.op[-2])
            if shape is not None and all(isinstance(dim, int) for dim in shape[-rank:]):
                return None
            return rank
    return None


_CONVOLUTIONS = having("convolution", "transposed_convolution")


def _inputs(graph: Graph, rank: int) -> dict[int, int | None]:
    """Returns the inputs that a convolution reads with nothing but elementwise ops between, and their channels."""
    origin: dict[int, int] = {}
    found: dict[int, int | None] = {}
    for node in graph.nodes:
        if node.op == "input" and not _is_sized(node.shape):
            origin[node.index] = node.index
        elif node.op in _CONVOLUTIONS and node.inputs and node.inputs[0] in origin:
            channels = node.get("in_channels")
            found.setdefault(origin[node.inputs[0]], channels if isinstance(channels, int) else None)
        elif node.inputs and node.inputs[0] in origin and _keeps(node.op):
            origin[node.index] = origin[node.inputs[0]]
    return found


def _is_sized(shape: Shape | None) -> bool:
    return shape is not None and all(isinstance(dim, int) for dim in shape[2:])


def _keeps(op: str) -> bool:
    """Whether an op gives a map of the size that it takes, or nearly so."""
    elementwise = kind(op) in ("dropout", "activation", "norm") or has(op, "adds") or has(op, "scales")
    return elementwise or has(op, "copies") or op == "pad"


def _checks(graph: Graph) -> list[Node]:
    """Returns the layers whose width says how large a map is: linear layers, sums with a position table."""
    flat: set[int] = set()
    checks = []
    for node in graph.nodes:
        if has(node.op, "reshapes") or node.op == "flatten":
            flat.add(node.index)
        elif (node.op == "linear" and node.inputs and node.inputs[0] in flat) or (
            node.op == "add" and any(graph.nodes[source].op == "parameter" for source in node.inputs)
        ):
            checks.append(node)
        elif node.inputs and node.inputs[0] in flat and _keeps(node.op):
            flat.add(node.index)
    return checks


def _fits(graph: Graph, node: Node, shapes: dict[int, Shape | None]) -> bool:
    if node.op == "linear":
        shape, width = shapes.get(node.inputs[0]), node.get("in_features")
        return shape is None or not isinstance(shape[-1], int) or not isinstance(width, int) or shape[-1] == width
    known = [shapes.get(source) or graph.nodes[source].shape for source in node.inputs]
    if len(known) != 2 or known[0] is None or known[1] is None:
        return True
    pairs = zip(reversed(known[0]), reversed(known[1]), strict=False)
    return all(not isinstance(a, int) or not isinstance(b, int) or a == b or 1 in (a, b) for a, b in pairs)


def _roomy(graph: Graph, shapes: dict[int, Shape | None]) -> bool:
    """Whether no convolution's kernel is longer than the sequence that it reads: a recording is longer than the filters on it."""
    for node in graph.nodes:
        shape = shapes.get(node.inputs[0]) if node.inputs else None
        kernel = node.get("kernel_size")
        length = kernel[-1] if isinstance(kernel, tuple) and kernel else kernel
        before = shape[-1] if shape else None
        if node.op in _CONVOLUTIONS and isinstance(before, int) and isinstance(length, int) and length > before:
            return False
    return True


def _smallest(graph: Graph, shapes: dict[int, Shape | None]) -> int:
    """Returns the smallest map that a convolution makes."""
    smallest = 1 << 30
    for node in graph.nodes:
        shape = shapes.get(node.index)
        if node.op in _CONVOLUTIONS and shape is not None and isinstance(shape[-1], int):
            smallest = min(smallest, shape[-1])
    return smallest


def _is_symbolic(value: Literal_) -> bool:
    return any(map(_is_symbolic, value)) if isinstance(value, tuple) else isinstance(value, Expr)


def _shapes(graph: Graph, inputs: dict[int, int | None], computed: set[int], rank: int, size: int) -> Sizes | None:
    """Returns each node's shape for inputs of that size, where sizes are in the configs of `computed`; None where a map would vanish."""
    shapes: dict[int, Shape | None] = {}
    configs: dict[int, Config] = {}
    nested: dict[int, Result] = {}
    known: dict[str, int] = {}
    for node in graph.nodes:
        index = node.index
        if index in inputs:
            first = node.shape[0] if node.shape else None
            shapes[index] = (first, inputs[index], *(size,) * rank)
            for dim in (node.shape or ())[2:]:
                if isinstance(dim, Expr):
                    known.update((name, size) for name in dim.symbols())
            # The same sizes as code that reads `x.shape` before its rank is known names them.
            known.update((f"{node.get('name')}.{axis}", size) for axis in (*range(2, rank + 2), *range(-rank, 0)))
            continue
        given = shapes.get(node.inputs[0]) if node.inputs else None
        if given is None:
            shapes[index] = node.shape
            continue
        config = node.config
        if node.index in computed:
            config = tuple((name, _evaluated(value, known, shapes)) for name, value in config)
            if config != node.config:
                configs[index] = config
        found = _result(node, config, [shapes.get(source) for source in node.inputs], nested)
        shape = None
        if isinstance(found, Tensor):
            shape = found.shape if found.shape is not None else node.shape
        else:
            nested[index] = found
        if shape is not None and len(shape) == rank + 2:
            for dim in shape[2:]:
                if isinstance(dim, int) and dim < 1:
                    return None
        shapes[index] = shape
    return Sizes(shapes, configs)


def _evaluated(value: Literal_, known: dict[str, int], shapes: dict[int, Shape | None]) -> Literal_:
    """Returns a config value with sizes put in: `%26.3` is dimension 3 of node 26."""
    if isinstance(value, tuple):
        return tuple(_evaluated(item, known, shapes) for item in value)
    if not isinstance(value, Expr):
        return value
    total: int | float | Expr = 0
    for powers, factor in value.terms:
        term: int | float | Expr | None = normal({(): factor})
        for name, power in powers:
            size = _size(name, known, shapes)
            for _ in range(abs(power)):
                if term is not None:
                    term = times(term, size) if power > 0 else divided(term, size)
        if term is None:
            return value
        total = plus(total, term)
    return total


def _size(name: str, known: dict[str, int], shapes: dict[int, Shape | None]) -> int | Expr:
    if name in known:
        return known[name]
    if name.startswith("%"):
        node, _, axis = name[1:].partition(".")
        if node.isdigit() and axis.isdigit():
            shape = shapes.get(int(node))
            if shape is not None and int(axis) < len(shape):
                dim = shape[int(axis)]
                if dim is not None:
                    return dim
    return Expr.symbol(name)


def _result(node: Node, config: Config, inputs: list[Shape | None], nested: dict[int, Result]) -> Result:
    if node.op == "getitem" and node.inputs[0] in nested:
        whole, index = nested[node.inputs[0]], node.get("index")
        if isinstance(whole, tuple) and isinstance(index, int) and -len(whole) <= index < len(whole):
            return whole[index]
        return Tensor()
    if has(node.op, "reshapes"):
        values = dict(config)
        found = _flattened(inputs[0], values.get("shape", values.get("size")))
        if found is not None:
            return Tensor(found)
    return result(node.op, Call(dict(config), inputs, ("input", "other") if len(inputs) == 2 else ()))


def _flattened(shape: Shape | None, wanted: Literal_) -> Shape | None:
    """Returns the shape of `x.view(x.size(0), -1)` and `x.view(-1, n)`."""
    if not shape or not isinstance(wanted, tuple) or len(wanted) != 2 or isinstance(shape[0], int):
        return None
    size = 1
    for dim in shape[1:]:
        if not isinstance(dim, int):
            return None
        size *= dim
    if wanted[1] == -1 or wanted[0] == -1:
        return (shape[0], size)
    return None
