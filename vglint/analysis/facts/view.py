"""One graph as facts look at it: who reads what, what kind each node is, which nodes every path runs through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct, field

from vglint import ops, origin
from vglint.analysis.facts.effort import Effort
from vglint.analysis.facts.project import Context
from vglint.analysis.handwritten import written_out
from vglint.analysis.recurrence import Recurrence, recurrences
from vglint.finding import Place
from vglint.graph import Graph, Node, Parameter
from vglint.ops.spec import Kind
from vglint.signal import Trace
from vglint.span import Span
from vglint.value import Unknown

Params: TypeAlias = tuple[tuple[str, int], ...]
_NOTES = "rebind carried resent kept idle_init idle_backward overwritten own_state grad_mode half_weights"
_KINDS: dict[str, Kind] = {"input": "input", "parameter": "input", "opaque": "other", "flat_function": "cut"}
_KINDS.update((name, "train") for name in _NOTES.split())


class View(Struct, frozen=True, dict=True):
    """A graph with what is derived from it, each part when it is first asked for."""

    graph: Graph
    make_trace: Callable[[Graph], Trace]
    context: Context = field(default_factory=Context)
    effort: Effort = field(default_factory=Effort)

    @cached_property
    def trace(self) -> Trace:
        """The predicted (or measured) signals and gradients of the graph's nodes."""
        return self.make_trace(self.graph)

    @cached_property
    def recurrences(self) -> dict[Params, Recurrence]:
        """The recurrent modules and cells that are understood, by their parameters."""
        return self._by_params(recurrences(self.graph, self.trace))

    @cached_property
    def written_out(self) -> dict[Params, Recurrence]:
        """The cells that are written out in a loop, by the parameters of their first layer."""
        return self._by_params(written_out(self.graph, self.trace))

    def _by_params(self, found: Iterable[Recurrence]) -> dict[Params, Recurrence]:
        first: dict[Params, Recurrence] = {}
        for each in found:
            first.setdefault(self.graph.nodes[each.node].params, each)
        return first

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kind of each node's op."""
        return tuple(kind_of(node.op) for node in self.graph.nodes)

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the nodes that take its values."""
        found: list[list[int]] = [[] for _ in self.graph.nodes]
        for node in self.graph.nodes:
            for source in dict.fromkeys(ops.sources_of(node.op, node.inputs)):
                found[source].append(node.index)
        return tuple(tuple(readers) for readers in found)

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """Linear and convolution nodes, and products with a parameter, in order."""
        return tuple(node.index for node in self.graph.nodes if self.is_weight(node))

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """For each parameter, the nodes that hold it, or do something to it."""
        found: dict[int, list[int]] = {}
        for node in self.graph.nodes:
            for _, param in node.params if node.op not in ("eval_mode", "train_mode") else ():
                found.setdefault(param, []).append(node.index)
        return found

    @cached_property
    def company(self) -> dict[int, frozenset[tuple[str, Span | None]]]:
        """For each parameter, op and place of what computes with it by itself."""
        nodes = self.graph.nodes
        return {
            param: frozenset(
                (nodes[index].op, nodes[index].span)
                for index in users
                if self.kinds[index] != "train" and nodes[index].op != "parameter"
            )
            for param, users in self.users.items()
        }

    @cached_property
    def read_often(self) -> frozenset[int]:
        """The parameters that are a node whose values several others take."""
        nodes = self.graph.nodes
        return frozenset(
            param
            for param, users in self.users.items()
            if any(nodes[index].op == "parameter" and len(self.readers[index]) > 1 for index in users)
        )

    @cached_property
    def cut_short(self) -> bool:
        """The entry was not read to its end, so that what comes later in a turn is missing."""
        return any(
            (isinstance(gap.origin, origin.Budget) and gap.span is None) or isinstance(gap.origin, origin.Raise)
            for gap in self.graph.gaps
        )

    def nodes(self, *names: str) -> Iterator[Node]:
        """Yields the nodes of some ops, in order."""
        found = [index for name in names for index in self._by_op.get(name, ())]
        self.effort.spend(len(found))
        return (self.graph.nodes[index] for index in sorted(found))

    @cached_property
    def _by_op(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for node in self.graph.nodes:
            found.setdefault(node.op, []).append(node.index)
        return found

    @cached_property
    def differentiated(self) -> frozenset[int]:
        """The nodes that depend on a parameter or an input of the entry, and reach a loss, a backward pass or an output, by differentiable
        ways."""
        self.effort.spend(len(self.graph.nodes))
        return self._between({node.index for node in self.graph.nodes if node.op == "input" or self._learns(node)})

    @cached_property
    def sending_back(self) -> frozenset[int]:
        """Those of them that a gradient passes on its way to something that requires one. Data do not: the inputs of a training loop whose
        loss reaches a parameter, and those of a model with weights of its own that is no part of another one."""
        graph = self.graph
        self.effort.spend(len(graph.nodes))
        begin = {node.index for node in graph.nodes if self._learns(node) or self.is_marked(node)}
        if graph.kind == "training":
            looped = [node for node in self.nodes("backward") if self.in_region(node, "loop")]
            given = any(self.trains(index) for node in looped for index in self.before(node.inputs))
        else:
            given = graph.root not in self.context.parts and any(each.trainable for each in graph.parameters)
        if not given or any(True for _ in self.nodes("grad")):
            return self.differentiated
        return self._between(begin)

    def _learns(self, node: Node) -> bool:
        """Whether a node trains and keeps its history: a teacher that runs under no_grad does not."""
        return self.trains(node.index) and not self.in_region(node, "no_grad")

    @cached_property
    def learning(self) -> frozenset[int]:
        """The nodes from whose values a gradient reaches what trains."""
        self.effort.spend(len(self.graph.nodes))
        found: set[int] = set()
        for node in self.graph.nodes:
            sources = ops.sources_of(node.op, node.inputs)
            if self.keeps_history(node) and (self.trains(node.index) or not found.isdisjoint(sources)):
                found.add(node.index)
        return frozenset(found)

    def sent_back(self) -> list[int]:
        """Returns what backward passes run on."""
        return [index for node in self.nodes("backward") for index in node.inputs]

    def is_marked(self, node: Node) -> bool:
        """Whether a node makes a tensor of which the program says that it requires a gradient."""
        said = node.get("value") is not False if node.op == "requires_grad" else node.get("requires_grad") is True
        return said and node.op != "parameter"

    def _between(self, begin: set[int]) -> frozenset[int]:
        """Returns the nodes on differentiable ways from some nodes to a loss, a backward pass or an output."""
        nodes = self.graph.nodes
        ends = {index for _, index in self.graph.outputs} | {node.index for node in self.nodes("backward", "grad")}
        stop = frozenset(node.index for node in nodes if not self.keeps_history(node))
        moved, reaching = set(begin), ends - stop
        todo = list(moved)
        while todo:
            ahead = (reader for index in todo for reader in self.readers[index])
            todo = list({reader for reader in ahead if reader not in stop and reader not in moved})
            moved.update(todo)
        todo = list(reaching)
        while todo:
            behind = (source for index in todo for source in ops.sources_of(nodes[index].op, nodes[index].inputs))
            todo = list({source for source in behind if source not in stop and source not in reaching})
            reaching.update(todo)
        return frozenset(moved & reaching)

    def is_weight(self, node: Node) -> bool:
        """Whether a node multiplies by weights that training moves; an embedding looks rows up, it does not."""
        if ops.has(node.op, "looks_up"):
            return False
        if self.kinds[node.index] == "weight":
            return bool(node.params) or self._learned(self.argument(node, "weight"))
        product = ops.has(node.op, "matrix_product") or ops.has(node.op, "adds_product") or node.op == "einsum"
        return product and any(self.graph.nodes[source].op == "parameter" for source in node.inputs)

    def _learned(self, weight: int | None) -> bool:
        """Whether a tensor that is used as a weight may be learned: it comes from a parameter or from data. A fixed filter
        (a blur, a wavelet) does not."""
        return weight is None or self._made_of_learned[weight]

    @cached_property
    def _made_of_learned(self) -> tuple[bool, ...]:
        """For each node, whether data or a parameter that training moves is among what it is made of."""
        found: list[bool] = []
        for node in self.graph.nodes:
            own = node.op in ("input", "opaque") or self.trains(node.index)
            found.append(own or any(found[source] for source in ops.sources_of(node.op, node.inputs)))
        self.effort.spend(len(found))
        return tuple(found)

    def parameter(self, node: Node, name: str) -> Parameter | None:
        """Returns a node's own parameter by torch's name, or that of its argument of that name (`F.linear(x, self.weight)`)."""
        for key, index in node.params:
            if key == name:
                return self.graph.parameters[index]
        source = self.argument(node, name)
        product = ops.has(node.op, "matrix_product") or node.op == "einsum"
        if source is None and name == "weight" and product:
            source = next((each for each in node.inputs[1:2] if self._plain(each).op == "parameter"), None)
        if source is None:
            return None
        found = self._plain(source)
        return self.graph.parameters[found.params[0][1]] if found.op == "parameter" and found.params else None

    def _plain(self, index: int) -> Node:
        """Returns what a value is, beyond transpositions and casts."""
        found = self.graph.nodes[index]
        while (ops.has(found.op, "transposes") or ops.has(found.op, "copies")) and found.inputs:
            found = self.graph.nodes[found.inputs[0]]
        return found

    def argument(self, node: Node, name: str) -> int | None:
        """Returns the node given as the argument `name`; None where it is absent or no tensor."""
        return self.arguments(node).get(name)

    def arguments(self, node: Node) -> dict[str, int]:
        """Returns the tensor arguments of a node by torch's names; a sequence of tensors keeps only its first."""
        config = {key for key, _ in node.config}
        names = [name for name in ops.tensor_arguments(node.type, node.op) if name not in config]
        return dict(zip(names, node.inputs, strict=False))

    def hides_operand(self, index: int) -> bool:
        """Whether something that is not known stands where a node takes a tensor: a way to parameters may lead through it. An argument by
        which a loss is multiplied is its weight."""
        node = self.graph.nodes[index]
        for name in ops.tensor_arguments(node.type, node.op):
            value = node.get(name)
            if isinstance(value, Unknown) and not (
                isinstance(value.origin, origin.FROM_ARGUMENTS) and ops.has(node.op, "scales")
            ):
                return True
        return False

    def trains(self, index: int) -> bool:
        """Whether a node reads a parameter that training moves, or a plain tensor that was made to require a gradient."""
        node = self.graph.nodes[index]
        own = (self.graph.parameters[param] for _, param in node.params)
        return self.kinds[index] != "train" and any(each.trainable or each.leaf for each in own)

    def parameters_under(self, path: str) -> frozenset[int]:
        """Returns the parameters of a module and of those below it."""
        return frozenset(
            index for index, parameter in enumerate(self.graph.parameters) if parameter.path.startswith(f"{path}.")
        )

    def before(self, start: Iterable[int], stop: Callable[[Node], bool] | None = None) -> set[int]:
        """Returns the nodes from which one of `start` can be reached, themselves included; does not go beyond `stop`."""
        self.effort.spend(0)
        seen: set[int] = set()
        todo = list(start)
        while todo:
            index = todo.pop()
            if index in seen:
                continue
            seen.add(index)
            if stop is None or not stop(self.graph.nodes[index]):
                node = self.graph.nodes[index]
                todo.extend(ops.sources_of(node.op, node.inputs))
        self.effort.spend(len(seen))
        return seen

    def after(self, start: Iterable[int], stop: Callable[[Node], bool] | None = None) -> set[int]:
        """Returns the nodes that can be reached from one of `start`, themselves included; does not go beyond `stop`."""
        self.effort.spend(0)
        seen: set[int] = set()
        todo = list(start)
        while todo:
            index = todo.pop()
            if index in seen:
                continue
            seen.add(index)
            if stop is None or not stop(self.graph.nodes[index]):
                todo.extend(self.readers[index])
        self.effort.spend(len(seen))
        return seen

    def carries_gradient(self, node: Node) -> bool:
        """Whether a gradient passes from a node's output to its inputs."""
        if node.op == "getitem" and node.get("index") == 1:
            made = self.graph.nodes[node.inputs[0]]
            if ops.has(made.op, "selects") or made.get("return_indices") is True:
                return False  # where the largest values stand
        if node.op == "requires_grad":
            return node.get("by") == "requires_grad"  # Variable(x) and torch.tensor(x) make a new leaf
        if node.op == "opaque" and node.get("requires_grad") is False:
            return False  # it was made under no_grad
        return self.kinds[node.index] not in ("cut", "create")

    def hands_on(self, index: int) -> bool:
        """Whether a node is a tensor that requires a gradient, which the program reads there: it goes on by hand from there."""
        node = self.graph.nodes[index]
        return node.op == "requires_grad" and node.get("read") is True

    def keeps_history(self, node: Node) -> bool:
        """Whether a gradient passes a node as it runs: not under `no_grad`."""
        return self.carries_gradient(node) and not self.in_region(node, "no_grad")

    def place(self, index: int) -> Place:
        """Returns where a node stands, labelled by its module path or its op."""
        node = self.graph.nodes[index]
        return Place(node.span, label(node))

    def places(self, indices: Iterable[int]) -> tuple[Place, ...]:
        return tuple(self.place(index) for index in indices)

    def in_region(self, node: Node, kind: str) -> bool:
        """Whether a node lies inside a region of that kind; what keeps gradients again inside `no_grad` is not under it."""
        kinds = [self.graph.regions[index].kind for index in self.regions_of(node.region)]
        return kind in kinds and not (kind == "no_grad" and "grad" in kinds[: kinds.index("no_grad")])

    def regions_of(self, region: int | None) -> tuple[int, ...]:
        """Returns a region and those around it, innermost first."""
        found: list[int] = []
        while region is not None and region not in found:
            found.append(region)
            region = self.graph.regions[region].parent
        return tuple(found)

    def exclusive(self, left: Node, right: Node) -> bool:
        """Whether two nodes lie in different arms of one branch, so that never both run."""
        self.effort.spend(4)
        arms = {
            (region.span, region.text): region.arm
            for region in (self.graph.regions[index] for index in self.regions_of(left.region))
            if region.kind == "branch"
        }
        for index in self.regions_of(right.region):
            region = self.graph.regions[index]
            if region.kind == "branch" and arms.get((region.span, region.text), region.arm) != region.arm:
                return True
        return False


def kind_of(op: str) -> Kind:
    """Returns the kind of an op; `other` for one that the op table does not know."""
    return _KINDS[op] if op in _KINDS else ops.kind(op)


def label(node: Node) -> str:
    """Returns what a reader calls a node: the module's path where it is a module (`layer 3` of a Sequential alone), else the op and the module that runs it."""
    if node.type is not None and node.path:
        if node.path.startswith("<") and node.path.endswith(" of forward>"):
            return f"{node.type.rpartition('.')[2]}()"
        return f"layer {node.path}" if node.path.isdigit() else _spoken(node.path)
    maker = node.get("by") if node.op == "requires_grad" else None
    name = maker if isinstance(maker, str) and maker != "requires_grad" else node.op
    return f"{name} in {_spoken(node.path)}" if node.path else name


def _spoken(path: str) -> str:
    """A path that starts at a module without a name of its own (`<Net 1>.fc`) is said with the module's class (`Net.fc`)."""
    if not path.startswith("<"):
        return path
    name, _, rest = path[1:].partition(">")
    return name.partition(" ")[0] + rest


def number(value: object) -> float | None:
    """Returns a configured value as a number; None where it is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def known(value: object) -> bool:
    return not isinstance(value, Unknown)
