"""Writes small graphs by hand."""

from __future__ import annotations

from vglint.graph import Graph, Init, Node, Parameter, Region
from vglint.shape import Shape
from vglint.span import Span
from vglint.value import Expr, Literal_

SPAN = Span("model.py", 1, 1, 1, 2)
DEFAULT = Init("kaiming_uniform", (("a", 5**0.5), ("mode", "fan_in"), ("nonlinearity", "leaky_relu")))


class Builder:
    """Appends nodes; each method returns the node's index."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.parameters: list[Parameter] = []
        self.regions = [Region(0, None, "function", "")]
        self.region = 0

    def op(
        self,
        kind: str,
        /,
        *inputs: int,
        path: str = "",
        params: dict[str, int] | None = None,
        shape: Shape | None = None,
        **config: Literal_,
    ) -> int:
        own = tuple((params or {}).items())
        index = len(self.nodes)
        type_ = f"torch.nn.{kind}" if own else None
        self.nodes.append(Node(index, kind, inputs, tuple(config.items()), path, type_, own, shape, SPAN, self.region))
        return index

    def parameter(self, path: str, shape: Shape | None, init: Init) -> int:
        self.parameters.append(Parameter(path, shape, init))
        return len(self.parameters) - 1

    def linear(
        self,
        source: int,
        inside: int | Expr | None,
        outside: int | Expr | None,
        path: str = "fc",
        init: Init = DEFAULT,
        bias: Init | None = None,
    ) -> int:
        params = {"weight": self.parameter(f"{path}.weight", (outside, inside), init)}
        if bias is not None:
            params["bias"] = self.parameter(f"{path}.bias", (outside,), bias)
        return self.op("linear", source, path=path, params=params, in_features=inside, out_features=outside)

    def loop(self, count: int | None = None) -> None:
        self.regions.append(Region(len(self.regions), 0, "loop", "for layer in self.layers", 0, count))
        self.region = len(self.regions) - 1

    def graph(self, *outputs: int) -> Graph:
        ends = tuple((str(i), index) for i, index in enumerate(outputs))
        return Graph("Net", "class", SPAN, tuple(self.nodes), tuple(self.parameters), (), tuple(self.regions), (), ends)
