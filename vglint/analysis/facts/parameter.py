"""Facts of a parameter: how it is filled before training and what it multiplies."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

from msgspec import Struct

from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View, number
from vglint.finding import Place
from vglint.graph import Node, Parameter
from vglint.ops import has
from vglint.value import Unknown


class ParameterView(Struct, frozen=True, dict=True):
    """One parameter with the nodes that read it."""

    view: View
    index: int

    @property
    def parameter(self) -> Parameter:
        return self.view.graph.parameters[self.index]

    @cached_property
    def readers(self) -> tuple[Node, ...]:
        """The operations that use it, through transposes and casts."""
        nodes = self.view.graph.nodes
        todo = list(self.view.users.get(self.index, ()))
        found: list[Node] = []
        for index in todo:
            node = nodes[index]
            if node.op == "parameter" or _moves(node):
                todo.extend(reader for reader in self.view.readers[index] if reader not in todo)
            else:
                found.append(node)
        return tuple(found)


def parameter_views(view: View) -> Iterator[ParameterView]:
    """Yields the trainable parameters that some node of the graph reads."""
    if view.graph.kind == "training":
        return
    for index, parameter in enumerate(view.graph.parameters):
        if index in view.users and parameter.trainable and not parameter.buffer:
            yield ParameterView(view, index)


@fact("parameter", "text")
def path(found: ParameterView) -> str:
    """Its name in named_parameters()."""
    return found.parameter.path


@fact("parameter", "places")
def place(found: ParameterView) -> tuple[Place, ...]:
    """Where it is made or last written."""
    span = found.parameter.init.span or found.parameter.span
    return (Place(span, found.parameter.path),) if span is not None else ()


@fact("parameter", "text")
def scheme(found: ParameterView) -> str | Unknown:
    """How it is filled: zeros, constant, normal, kaiming_uniform, …, or uninitialised (`torch.empty` that nothing fills).
    Unknown where something wrote to it that could not be followed, and for memory that nothing fills here, where the class is a part of
    another one, which may fill it, or code that is not understood reads it."""
    name = found.parameter.init.scheme
    if name == "unknown":
        return unknown("its initialisation could not be followed")
    if name == "uninitialised":
        root = found.view.graph.root
        if root in found.view.context.parts or any(node.op == "opaque" for node in found.readers):
            return unknown("what the class is a part of may fill it")
    return name


@fact("parameter", "flag")
def trained(found: ParameterView) -> bool:
    """Training code of the same file moves the class that it belongs to."""
    return any(module.type in found.view.context.optimizers for module in found.view.graph.modules)


@fact("parameter", "number")
def std(found: ParameterView) -> float | Unknown:
    """Standard deviation of a normal or uniform filling by literals, its factor included."""
    init = found.parameter.init
    args = dict(init.args)
    if init.scheme == "normal":
        value = number(args.get("std"))
        return abs(value * init.scale) if value is not None else unknown("no literal standard deviation")
    if init.scheme == "uniform":
        low, high = number(args.get("a")), number(args.get("b"))
        if low is not None and high is not None:
            return abs(high - low) / math.sqrt(12) * abs(init.scale)
    return unknown("no literal standard deviation")


@fact("parameter", "number")
def fan_in(found: ParameterView) -> float | Unknown:
    """Number of products that one output of its matrix product adds up. Unknown where it is used in no matrix product."""
    for node in found.readers:
        shape = found.parameter.shape
        if not _is_product(node) or shape is None or len(shape) < 2:
            continue
        size = shape[-1] if node.op == "linear" else _contracted(found, node)
        if isinstance(size, int):
            return float(size)
    return unknown("it is no weight of a matrix product of known size")


@fact("parameter", "places")
def products(found: ParameterView) -> tuple[Place, ...]:
    """Matrix products that it takes part in."""
    return found.view.places(node.index for node in found.readers if _is_product(node))


@fact("parameter", "flag")
def only_multiplies(found: ParameterView) -> bool:
    """It belongs to no layer of torch's, and every use of it is a matrix product: it is a weight and no table, prototype or mask. An embedding
    that shares of its rows are taken of (`probabilities @ embedding.weight`) is a table."""
    products = bool(found.readers) and all(_is_product(node) and node.type is None for node in found.readers)
    return products and not _is_table(found)


def _is_table(found: ParameterView) -> bool:
    """Whether it is the weight of an embedding, and a product sums over its rows."""
    owner = found.parameter.path.rpartition(".")[0]
    embeds = any(module.path == owner and module.type == "torch.nn.Embedding" for module in found.view.graph.modules)
    rows = found.parameter.shape[0] if found.parameter.shape else None
    return embeds and any(node.op != "linear" and _contracted(found, node) == rows for node in found.readers)


@fact("parameter", "flag")
def rescaled(found: ParameterView) -> bool:
    """The product that it takes part in is scaled or normalised right away, or the softmax of it is taken."""
    for node in found.readers:
        for reader in found.view.readers[node.index]:
            after = found.view.graph.nodes[reader]
            other = [found.view.graph.nodes[source].op for source in after.inputs if source != node.index]
            if has(after.op, "scales") and all(op == "parameter" for op in other):
                return True
            if found.view.kinds[reader] == "norm" or after.op == "normalize":
                return True
    return False


def _is_product(node: Node) -> bool:
    return has(node.op, "matrix_product") or has(node.op, "adds_product") or node.op == "linear"


def _moves(node: Node) -> bool:
    """Whether an op hands a parameter on, perhaps transposed."""
    return has(node.op, "transposes") or (has(node.op, "copies") and node.op != "detach") or node.op == "unsqueeze"


def _contracted(found: ParameterView, node: Node) -> object:
    """Returns the size that `x @ p` or `p @ x` sums over."""
    shape = found.parameter.shape
    assert shape is not None
    for position, source in enumerate(node.inputs[-2:]):
        turned = False
        current = found.view.graph.nodes[source]
        while _moves(current) and current.inputs:
            turned ^= has(current.op, "transposes")
            current = found.view.graph.nodes[current.inputs[0]]
        if any(param == found.index for _, param in current.params):
            rows = position == 1
            return shape[-2] if rows is not turned else shape[-1]
    return None
