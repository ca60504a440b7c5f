"""Every model that training code makes is an entry of its own: one pass through it, the one that is trained first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from msgspec.structs import replace

from vglint.graph import Graph
from vglint.interp.entries.freeze import freeze_pass
from vglint.interp.entries.starts import has_forward, is_lightning, run_forward
from vglint.interp.machine.budget import BudgetError, roomy
from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.machine.passes import Pass
from vglint.interp.nodes.emit import under_no_grad
from vglint.interp.torch.fixed_inputs import InputError
from vglint.interp.torch.modules import is_sequential, walk
from vglint.interp.torch.passes import passed
from vglint.interp.values.objects import ClassV, DictV, ListV, ModuleV, ParamV, Value
from vglint.span import Span

MODELS = 24
"""Models of one entry that are judged."""

Shape: TypeAlias = tuple[object, ...]


class Made:
    """The graphs of the models that an entry makes."""

    __slots__ = ("_done", "frame", "graphs", "span")

    def __init__(self, frame: Frame, span: Span) -> None:
        self.frame, self.span = frame, span
        self.graphs: list[Graph] = []
        self._done: dict[int, ModuleV] = {}

    def harvest(self, run: Run, passes: Sequence[Pass], modules: Sequence[ModuleV]) -> None:
        """Adds a graph of each model that is called in some passes, or is among some modules and called nowhere, as one that is handed
        to a trainer: that is called here."""
        trained = _before_backward(run)
        by_model: dict[int, list[Pass]] = {}
        for this in passes:
            if this.finished and this.nodes:
                by_model.setdefault(id(this.module), []).append(this)
        for calls in by_model.values():
            if self._is_new(calls[0].module):
                best = max(calls, key=lambda each: _rank(run, each, trained))
                self.graphs.append(_graph(run, best, self.span))
        for module in _whole(run, modules):
            if id(module) not in by_model and self._is_new(module):
                called = _called_here(run, module, self.frame)
                if called is not None:
                    self.graphs.append(_graph(run, called, self.span))

    def _is_new(self, module: ModuleV) -> bool:
        if id(module) in self._done or len(self._done) >= MODELS:
            return False
        self._done[id(module)] = module
        return True


def without_repeats(graphs: Iterable[Graph], made: Iterable[Graph]) -> tuple[list[Graph], list[Graph]]:
    """Returns the graphs, and of the made ones those that are not already among them; what trains such a one is noted there."""
    kept = list(graphs)
    new: list[Graph] = []
    shapes = {shape_of_graph(graph): number for number, graph in enumerate(kept) if graph.kind != "training"}
    seen: dict[Shape, int] = {}
    for graph in made:
        shape = shape_of_graph(graph)
        if shape in seen:
            other = new[seen[shape]]
            new[seen[shape]] = replace(other, optimizers=_both(other, graph))
        elif shape in shapes:
            other = kept[shapes[shape]]
            kept[shapes[shape]] = replace(other, optimizers=_both(other, graph))
        else:
            seen[shape] = len(new)
            new.append(graph)
    return kept, new


def _both(left: Graph, right: Graph) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*left.optimizers, *right.optimizers)))


def shape_of_graph(graph: Graph) -> Shape:
    """Returns what makes two graphs of one model alike: what is computed, with which weights, at which lines."""
    return tuple(
        (
            node.op,
            node.inputs,
            node.op == "input" or node.config,
            node.type,
            node.op == "input" or node.span,
            tuple(
                (
                    name,
                    graph.parameters[index].shape,
                    str(graph.parameters[index].init),
                    graph.parameters[index].trainable,
                )
                for name, index in node.params
            ),
        )
        for node in graph.nodes
    )


def _graph(run: Run, this: Pass, span: Span) -> Graph:
    origin = this.module.origin
    graph = freeze_pass(run, this, span if origin is None else origin.unit.span(origin.node))
    return replace(graph, optimizers=tuple(_optimizers(run, this.module)))


def _rank(run: Run, this: Pass, trained: set[int]) -> tuple[bool, bool, int]:
    """A pass that is trained comes before one that gradients may pass, and the first before the others."""
    return any(number in trained for number in this.nodes), not under_no_grad(run, this.region), -this.start


def _before_backward(run: Run) -> set[int]:
    """Returns the nodes that a backward pass starts from, and those before them."""
    found: set[int] = set()
    todo = [number for number, draft in enumerate(run.graph.nodes) if draft.op == "backward"]
    while todo:
        number = todo.pop()
        if number not in found:
            found.add(number)
            todo += run.graph.nodes[number].inputs
    return found


def _optimizers(run: Run, module: ModuleV) -> dict[str, None]:
    """Returns the names of the optimisers that move a parameter of a model."""
    own = {id(param) for _, part in walk(module) for param in part.parameters.values() if isinstance(param, ParamV)}
    moving = [
        draft.type.rpartition(".")[2]
        for draft in run.graph.nodes
        if draft.op == "optimizer" and draft.type and any(id(param) in own for _, param in draft.params)
    ]
    fitting = [
        fitted.optimizer
        for fitted in run.graph.passes.fitted
        if fitted.optimizer and any(part is module for _, part in walk(fitted.module))
    ]
    return dict.fromkeys(moving or fitting)


def _whole(run: Run, modules: Sequence[ModuleV]) -> list[ModuleV]:
    """Returns the models that are part of no other and that nothing has called."""
    inside = {id(child) for module in run.graph.modules for child in _held(module)}
    return [
        module
        for module in modules
        if id(module) not in inside
        and not module.called
        and not module.in_forward
        and not module.opaque
        and _runs(module)
    ]


def _runs(module: ModuleV) -> bool:
    if isinstance(module.cls, ClassV) and not is_sequential(module):
        return has_forward(module.cls) and not is_lightning(module.cls)
    return is_sequential(module) and len(module.modules) > 1


def _held(module: ModuleV) -> Iterator[Value]:
    todo: list[Value] = [*module.modules.values(), *module.attrs.values()]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, ModuleV):
            yield value
        elif isinstance(value, ListV):
            todo += value.items
        elif isinstance(value, tuple):
            todo += value
        elif isinstance(value, DictV):
            todo += value.items.values()


def _called_here(run: Run, module: ModuleV, frame: Frame) -> Pass | None:
    """Calls a model with inputs that are made up."""
    roots = run.graph.roots
    this = None
    try:
        own = run.context.having(training_code=False)
        failing = suppress(Raised, BudgetError, InputError, RecursionError)
        with run.graph.inside(0), own, roomy(), failing, passed(run, module) as this:
            this.result = run_forward(run, module, frame)
    finally:
        run.graph.roots = roots
    return this if this is not None and this.finished and this.nodes else None
