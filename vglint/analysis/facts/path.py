"""The way of the gradient through a model: its weight layers, the trunk that every path runs through, its plain stretches."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct

from vglint.analysis.facts.handmade import interior
from vglint.analysis.facts.view import View
from vglint.graph import Node
from vglint.ops import has, having

_UNSETTLED = frozenset({"opaque", "pretrained"})


class MainPath(Struct, frozen=True, dict=True):
    """The longest way through weight layers from an input to an output, among the nodes of one model.

    `inside` are the nodes of the model (all of the graph where the graph is the model).
    """

    view: View
    inside: frozenset[int]

    @cached_property
    def output(self) -> int | None:
        """The output behind most weight layers."""
        ends = self._ends()
        return max(ends, key=lambda index: (self.depth[index], index), default=None)

    @cached_property
    def depth(self) -> tuple[int, ...]:
        """For each node, the largest number of weight layers on a way to it, its own included. What scores the parts of a weighted sum is no way:
        its gradient is one of differences between them."""
        weights = frozenset(self.view.weights)
        found: list[int] = []
        for node in self.view.graph.nodes:
            passes = self.view.carries_gradient(node) and not self._weighs(node)
            above = max((found[source] for source in node.inputs), default=0) if passes else 0
            found.append(above + (node.index in weights and node.index in self.inside))
        return tuple(found)

    def _weighs(self, node: Node) -> bool:
        """Whether a node gives shares of 1 that only products take, with something else that a gradient passes."""
        if not has(node.op, "probability"):
            return False
        products, todo = list[Node](), list(self.view.readers[node.index])
        while todo:
            reader = self.view.graph.nodes[todo.pop()]
            if has(reader.op, "multiplies"):
                products.append(reader)
            elif self.view.kinds[reader.index] in ("shape", "dropout"):
                todo += self.view.readers[reader.index]
            else:
                return False
        return bool(products) and all(
            sum(self.view.carries_gradient(self.view.graph.nodes[source]) for source in {*each.inputs}) > 1
            for each in products
        )

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The nodes between the first weight layer of the way and the output, in order, both included."""
        if self.output is None or self.first is None:
            return ()
        carries = frozenset(node.index for node in self.view.graph.nodes if self.view.carries_gradient(node))
        behind = self.view.before([self.output], lambda node: node.index not in carries)
        ahead = self.view.after([self.first], lambda node: node.index not in carries)
        return tuple(sorted(behind & ahead & carries))

    @cached_property
    def first(self) -> int | None:
        """The first weight layer on the way."""
        if self.output is None:
            return None
        index, first = self.output, None
        weights = frozenset(self.view.weights)
        while True:
            node = self.view.graph.nodes[index]
            if index in weights and index in self.inside:
                first = index
            if not node.inputs or not self.view.carries_gradient(node) or self._weighs(node):
                return first
            index = max(node.inputs, key=lambda source: self.depth[source])

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Every weight layer between the first and the output."""
        on_way = frozenset(self.nodes)
        return tuple(index for index in self.view.weights if index in on_way)

    @cached_property
    def last(self) -> int | None:
        """The last weight layer of the trunk or its branches whose output feeds another weight layer, and that does not make a gate: a
        gate's gradient is a sum over all that it opens, and no measure of what reaches the layers before it."""
        feeding = [index for index in self.weights if self.depth[index] < self.depth[self.weights[-1]]]
        return next((index for index in reversed(feeding) if not self._gates(index)), feeding[-1] if feeding else None)

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """The nodes from the first weight layer to the last one that feeds another."""
        return tuple(index for index in self.nodes if self.last is not None and index <= self.last)

    @cached_property
    def trunk(self) -> tuple[int, ...]:
        """The nodes that every path from the first weight layer to the output runs through.

        In execution order, node i is passed by every path exactly when no edge u → v with u < i < v exists. Nodes before a product with
        another function of the same input are a gate, not trunk.
        """
        return self._trunk_behind(having("multiplies"))

    @cached_property
    def lone(self) -> tuple[int, ...]:
        """The nodes of the trunk beside which nothing runs at all: behind the last sum or concatenation, too, with what the same input
        gives beside the way."""
        return self._trunk_behind(None)

    def _trunk_behind(self, joining: frozenset[str] | None) -> tuple[int, ...]:
        on_way = frozenset(self.nodes)
        start = self._last_joint(on_way, joining)
        reach, trunk = -1, []
        for index in self.nodes:
            if index >= reach and index >= start:
                trunk.append(index)
            reach = max([reach, *(reader for reader in self.view.readers[index] if reader in on_way)])
        return tuple(trunk)

    def _last_joint(self, on_way: frozenset[int], joining: frozenset[str] | None) -> int:
        """Returns the last node of the way that joins it with what the same input gives beside the way; -1 where there is none. A mask that
        only compares the input is nothing that it gives."""
        graph = self.view.graph
        if self.first is None:
            return -1
        sources = {index for index in self.view.before([self.first]) if graph.nodes[index].op == "input"}
        for index in reversed(self.nodes):
            node = graph.nodes[index]
            if node.op not in joining if joining is not None else self.view.kinds[index] != "combine":
                continue
            beside = [source for source in node.inputs if source not in on_way]
            if (
                beside
                and index != self.first
                and self.view.before(beside, lambda each: has(each.op, "compares")) & sources
            ):
                return index
        return -1

    @cached_property
    def settled(self) -> bool:
        """Whether every node on the way is understood and every loop on it has a known number of turns."""
        graph = self.view.graph
        for index in self.nodes:
            node = graph.nodes[index]
            if node.op in _UNSETTLED or self._in_open_loop(node):
                return False
        return bool(self.nodes)

    @cached_property
    def plain_runs(self) -> tuple[tuple[int, ...], ...]:
        """Stretches of weight layers with nothing parallel to them: no skip, no concatenation, no gate."""
        trunk = frozenset(self.lone)
        return _split(self.nodes, lambda index: index not in trunk or self._opaque(index), self.weights)

    @cached_property
    def bare_runs(self) -> tuple[tuple[int, ...], ...]:
        """Plain stretches with no normalisation in them either."""
        trunk = frozenset(self.lone)
        return _split(
            self.nodes,
            lambda index: index not in trunk or self._opaque(index) or self.is_norm(self.view.graph.nodes[index]),
            self.weights,
        )

    def is_norm(self, node: Node) -> bool:
        return self.view.kinds[node.index] == "norm" or node.index in self.handmade

    @cached_property
    def handmade(self) -> dict[int, frozenset[int]]:
        """For each product that is a normalisation written out, the nodes that compute its scale."""
        found = {index: interior(self.view, self.view.graph.nodes[index]) for index in self.nodes}
        return {index: inner for index, inner in found.items() if inner}

    def _gates(self, index: int) -> bool:
        """Whether all that comes of a layer is a sigmoid that multiplies something else (squeeze and excitation)."""
        squashed = False
        while len(self.view.readers[index]) == 1:
            source, index = index, self.view.readers[index][0]
            node = self.view.graph.nodes[index]
            if node.op == "mul":
                return squashed and len(set(node.inputs)) == 2 and source in node.inputs
            if self.view.kinds[index] not in ("activation", "shape", "norm", "dropout", "weight"):
                return False
            squashed = (
                has(node.op, "unit") or has(node.op, "probability") or (squashed and self.view.kinds[index] == "shape")
            )
        return False

    def _opaque(self, index: int) -> bool:
        return self.view.graph.nodes[index].op in _UNSETTLED

    def counts(self, index: int) -> bool:
        """Whether a weight layer adds depth: a depthwise convolution is half of a separable one."""
        node = self.view.graph.nodes[index]
        groups = node.get("groups")
        return not (isinstance(groups, int) and groups > 1 and groups == node.get("in_channels"))

    def _in_open_loop(self, node: Node) -> bool:
        regions = (self.view.graph.regions[index] for index in self.view.regions_of(node.region))
        return any(region.kind == "loop" and not isinstance(region.count, int) for region in regions)

    def _ends(self) -> list[int]:
        graph = self.view.graph
        ends = [index for _, index in graph.outputs if index in self.inside and self.depth[index]]
        if ends:
            return ends
        readers = self.view.readers
        return [
            index
            for index in self.inside
            if self.depth[index] and not any(reader in self.inside for reader in readers[index])
        ]


def _split(nodes: Iterable[int], breaks: object, weights: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    assert callable(breaks)
    wanted = frozenset(weights)
    runs: list[list[int]] = [[]]
    for index in nodes:
        if breaks(index):
            runs.append([])
        elif index in wanted:
            runs[-1].append(index)
    return tuple(tuple(run) for run in runs if run)
