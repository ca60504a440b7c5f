"""One node on its way through the propagation: its arguments, its inputs' states, its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from vglint.analysis.state import AbstainError, State, whole
from vglint.graph import Graph, Node, Parameter
from vglint.ops.init import Spread, default_bias, fans, spread
from vglint.shape import Dim, Shape
from vglint.value import Expr, Literal_


class Use:
    """What the map of an op sees. `inputs[i]` is None where the state of that input is not known."""

    __slots__ = ("batch", "graph", "index", "inputs", "length", "node", "shapes", "states", "taken")

    def __init__(
        self,
        graph: Graph,
        node: Node,
        states: Sequence[State | None] | Mapping[int, State | None],
        batch: int,
        shapes: Mapping[int, Shape | None] | None = None,
        length: float = 64.0,
        taken: Mapping[int, set[Literal_]] = MappingProxyType({}),
    ) -> None:
        self.graph = graph
        self.node = node
        self.index = node.index
        self.states = states
        self.inputs = [states[i] for i in node.inputs]
        self.batch = batch
        self.length = length
        """Tokens of a sequence whose length its shape does not say."""
        self.taken = taken
        """The indices by which getitem takes parts of each node."""
        self.shapes = shapes
        """Shapes of nodes that are parts of a composite layer and do not stand in the graph."""

    def given(self) -> bool:
        """Whether the first input is what the model itself is given."""
        return self.shapes is None and bool(self.inputs) and self.graph.nodes[self.node.inputs[0]].op == "input"

    def get(self, name: str) -> Literal_:
        return self.node.get(name)

    def number(self, name: str, default: float) -> float:
        """Returns a plain number from the config; abstains where it is there and is not one."""
        value = self.node.get(name)
        if value is None:
            return default
        if isinstance(value, (int, float)):
            return float(value)
        raise AbstainError(f"{name} is not known")

    def state(self, position: int = 0) -> State:
        if position >= len(self.inputs):
            raise AbstainError("an input is missing")
        found = self.inputs[position]
        if found is None:
            raise AbstainError("")
        return found

    def shape(self, position: int = 0) -> Shape | None:
        if position >= len(self.node.inputs):
            return None
        index = self.node.inputs[position]
        return self.graph.nodes[index].shape if self.shapes is None else self.shapes.get(index)

    def term(self, index: int) -> State | None:
        """Returns the state of an earlier node."""
        if isinstance(self.states, Mapping):
            return self.states.get(index)
        return self.states[index] if index < len(self.states) else None

    def parameter(self, name: str) -> Parameter | None:
        for key, index in self.node.params:
            if key == name:
                return self.graph.parameters[index]
        return None

    def spread_of(self, parameter: Parameter, shape: Shape | None) -> Spread:
        found = spread(parameter.init, shape)
        if found is None:
            raise AbstainError(f"initialisation of {parameter.path} is not known")
        return found

    def bias(self, name: str, fan_in: int | float | Expr, position: int | None = None) -> tuple[float, float]:
        """Returns mean and variance of a layer's bias, (0, 0) where it has none."""
        parameter = self.parameter(name)
        if parameter is not None:
            found = spread(parameter.init, parameter.shape)
            if found is None and parameter.init.span is None and parameter.init.scheme == "uniform":
                found = default_bias(fan_in)
            if found is None:
                raise AbstainError(f"initialisation of {parameter.path} is not known")
        elif position is not None and position < len(self.inputs):
            given = self.inputs[position]
            if given is None or given.spread is None:
                raise AbstainError("a bias is not known")
            found = given.spread
        else:
            return 0.0, 0.0
        over = found.over if isinstance(found.over, (int, float)) else _TYPICAL
        return found.mean, found.var / over

    def places(self, axes: str | None) -> float | None:
        return whole(self.node.shape, axes, "s")


_TYPICAL = 128
"""Width of a layer whose width is not known, for the variance of its bias alone."""


def filled(shape: Shape | None, path: str, width: Dim = None, at: int = 1) -> tuple[int | Expr, ...] | None:
    """Returns a weight's shape with each unknown size named, dimension `at` by `width` where that is known."""
    if shape is None:
        return None
    dims = list(shape)
    if at < len(dims) and dims[at] is None:
        dims[at] = width
    return tuple(Expr.symbol(f"{path}[{i}]") if dim is None else dim for i, dim in enumerate(dims))


def fan_in_of(shape: Sequence[int | Expr]) -> int | Expr:
    found = fans(tuple(shape))[0]
    if found is None:
        raise AbstainError("a weight without a fan-in")
    return found
