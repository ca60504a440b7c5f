"""The entries of one file, what they share, and how much they may take."""

from __future__ import annotations

from functools import cached_property, partial

from msgspec import Struct
from msgspec.structs import replace

from vglint.graph import Graph
from vglint.interp.entries.as_called import note_called, run_as_called
from vglint.interp.entries.guarded import Started, guarded, new_run
from vglint.interp.entries.made import Made
from vglint.interp.entries.made_up_arguments import arguments_for
from vglint.interp.entries.parts import Starts, note_parts, start_as_part
from vglint.interp.entries.starts import (
    NoEntry,
    fit_models,
    has_forward,
    is_lightning,
    run_class,
    run_lightning,
    run_made,
    run_method,
    run_script,
    run_training,
    setup_call,
)
from vglint.interp.entries.wholes import as_part
from vglint.interp.kinds.records import switched_field
from vglint.interp.machine.attempts import take_back
from vglint.interp.machine.budget import NODES, STEPS, BudgetError
from vglint.interp.machine.core import Frame, Raised, Run, call, evaluate, execute_unit
from vglint.interp.machine.journal import MISSING, Built, Called, Log
from vglint.interp.machine.memory import Memory
from vglint.interp.machine.names import member, namespace
from vglint.interp.static.arms import defining
from vglint.interp.static.candidates import Candidate, Need, factories, mentions, needs, wholes
from vglint.interp.static.descent import descends, never_zeroes
from vglint.interp.static.loaded import starts_loaded
from vglint.interp.static.redefined import definitions, lasts_until
from vglint.interp.static.worlds import ON_CPU, World, switched
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.torch.module_methods import forget_init
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    FunctionV,
    Instance,
    ModuleV,
    Namespace,
    Scope,
    Site,
    Value,
)
from vglint.ops import having
from vglint.origin import Argument, Origin
from vglint.origin import Budget as BudgetOrigin
from vglint.origin import Raise as RaiseOrigin
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.unit import Unit
from vglint.span import Span

ACTS = having("acts") | {"step", "zero_grad", "trainer"}
"""What makes training code of code that calls models."""
FILE_NODES = 18_000
"""Nodes that the entries of a file make before each is held to `ENTRY_NODES`: many large models of one file are much alike."""
ENTRY_NODES = 2_500
FILE_STEPS = 500_000
"""The same for steps: tables of numbers that a constructor computes one by one are walked for the first entries."""
ENTRY_STEPS = 60_000
MOST_STEPS = 1_260_000
"""What all entries of a file may cost, in steps, before no further one is begun, and how many nodes they may have; the largest files of
transformers take 1,230,000 and 26,000."""
MOST_NODES = 40_000
_READ, _BEGUN, _NODE = 6, 150, 20
"""Characters of a file that take as long to read as a step, and steps that it takes to begin an entry, and to judge a node."""


def memory_of(project: Project) -> Memory:
    """Returns what the interpretations of a project share."""
    kept = project.kept.setdefault("interp", Memory())
    assert isinstance(kept, Memory)
    return kept


class Walked(Struct):
    """How a class was walked as it is defined, by which a world that changes nothing of it is known without another walk."""

    taken: frozenset[tuple[str, int]]
    doubted: frozenset[Origin]
    asked: str
    """The class for which arguments were sought that others give it, empty for none; and those that were found."""
    shown: Built | None
    steps: int
    nodes: int

    def asks(self, world: World) -> bool:
        """Whether anything depended on what is other in a world."""
        if world.kind != "parameter":
            return True
        given = world.default is None and Argument(world.name) in self.doubted
        return given or (world.name, id(world.node)) in self.taken


class Session:
    """The entries of one file: what they share is what its statements define, and with which arguments classes were built."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module
        self.memory = memory_of(project)
        self.built: dict[str, Built] = {}
        self.called: dict[str, Called] = {}
        self.as_called = False
        self.starts: Starts = {}
        self.walked: dict[int, Walked] = {}
        """By the identity of the candidate."""
        self.sought: tuple[str, Built | None] = ("", None)
        self.nodes = 0
        self.steps = 0
        self.cost = len(module.text) // _READ

    @cached_property
    def by_hand(self) -> bool:
        """Whether the file moves tensors against their gradients itself."""
        return any(descends(unit) for unit in self.module.units)

    @cached_property
    def mentions(self) -> tuple[dict[str, set[int]], set[int]]:
        return mentions(self.module)

    def _steps_outside(self, unit: Unit) -> bool:
        """Whether another statement of the file names a function, to call it or hand it on, and another takes the step of an optimiser."""
        named, stepping = self.mentions
        return bool(named.get(unit.name, set()) - {id(unit)}) and bool(stepping - {id(unit)})

    @property
    def is_spent(self) -> bool:
        """Whether the entries of the file have taken all that one file may take."""
        return self.cost >= MOST_STEPS or self.nodes >= MOST_NODES

    def is_called(self, candidate: Candidate) -> bool:
        """Whether a model of the file is known to call a class."""
        return f"{self.module.name}.{candidate.name}" in self.called and not self.is_spent

    def need(self, candidate: Candidate) -> Need:
        """Returns what a candidate must be given, which other entries may show."""
        return needs(candidate.unit) if candidate.kind == "class" else "nothing"

    def graph(
        self, candidate: Candidate, world: World | None = None, steps: int = STEPS, *, as_called: bool = False
    ) -> tuple[Graph | None, list[Graph]]:
        """Returns the graph of a candidate, None where it is no entry, and those of the models that it makes; `as_called`: as a model calls it."""
        nodes = min(NODES, max(ENTRY_NODES, FILE_NODES - self.nodes))
        if world is not None and (self._is_same(candidate, world, steps) or self._is_larger(candidate, nodes)):
            return None, []
        self.sought = ("", None)
        self.as_called = as_called
        run = new_run(self.project, title(candidate))
        run.context.world = world
        if candidate.kind != "script":
            run.memory = self.memory
            run.memory.begin()
        run.journal.called = self.called
        run.journal.built = self.built if world is None else _built_in(world, self.built)
        run.graph.by_hand = candidate.kind in ("script", "training", "method") and self.by_hand
        run.graph.unzeroed = run.graph.by_hand and never_zeroes(self.module)
        run.budget.nodes_allowed = nodes
        run.budget.steps_allowed = min(steps, max(ENTRY_STEPS, FILE_STEPS - self.steps))
        space = namespace(run, self.module)
        frame = Frame(Scope({}, None, space), candidate.unit, None)
        written = Log()
        with run.journal.aside(None if candidate.kind == "script" else written):
            try:
                graph, made = self._graph(run, candidate, space, frame)
                if world is None and candidate.kind == "class" and graph is not None:
                    if not made and not as_called:
                        self._note(run, candidate, graph)
                    if not graph.gaps:
                        note_called(run, self.called)
                return graph, made
            finally:
                self.nodes += len(run.graph.nodes)
                self.steps += run.budget.steps
                self.cost += run.budget.steps + run.budget.aside + _BEGUN + _NODE * len(run.graph.nodes)
                self.memory.steps += run.budget.steps + run.budget.aside
                take_back(run, written)
                run.graph.passes.harvest = None  # it holds the run, which would only be found by a search for cycles

    def _note(self, run: Run, candidate: Candidate, graph: Graph) -> None:
        """Notes how a class was walked, where its walk came to its end."""
        if any(isinstance(gap.origin, (BudgetOrigin, RaiseOrigin)) for gap in graph.gaps):
            return
        taken, doubted = frozenset(run.context.taken), frozenset(run.context.doubted)
        steps, nodes = run.budget.steps, len(run.graph.nodes)
        self.walked[id(candidate)] = Walked(taken, doubted, *self.sought, steps, nodes)

    def _is_same(self, candidate: Candidate, world: World, steps: int) -> bool:
        """Whether a class would be walked in a world just as it was without it; counts the walk that is saved."""
        walked = self.walked.get(id(candidate))
        if walked is None or walked.asks(world) or walked.steps > min(steps, ENTRY_STEPS) or walked.nodes > ENTRY_NODES:
            return False
        if walked.asked and self.built.get(walked.asked) is not walked.shown:
            return False
        self.nodes += walked.nodes
        self.steps += walked.steps
        self.cost += walked.steps + _BEGUN + _NODE * walked.nodes
        self.memory.steps += walked.steps
        return True

    def _is_larger(self, candidate: Candidate, nodes: int) -> bool:
        """Whether a class, which hardly has fewer nodes in another world, has so many that its walk there would not come to its end."""
        walked = self.walked.get(id(candidate))
        return walked is not None and walked.nodes > 2 * nodes

    def _graph(
        self, run: Run, candidate: Candidate, space: Namespace, frame: Frame
    ) -> tuple[Graph | None, list[Graph]]:
        unit = candidate.unit
        span = candidate.place or (
            unit.span(unit.head) if unit.definition is not None else Span(self.module.path, unit.line, 1, unit.line, 1)
        )
        replaced = self._define_again(run, candidate, space)
        made = Made(frame, span)
        run.graph.passes.harvest = partial(made.harvest, run)
        try:
            graph = guarded(run, span, lambda: self._started(run, candidate, space, frame))
            if graph.kind == "training":
                made.harvest(run, run.graph.passes.calls, run.graph.modules)
            world = run.context.world
            told = " and ".join(filter(None, (world.text if world is not None else "", run.graph.chosen)))
            if world is None and run.graph.asked_device:
                told = told or ON_CPU
            named = [replace(each, entry=graph.entry, world=told) for each in made.graphs]
            is_bare = candidate.bare and not any(node.op in ACTS for node in graph.nodes)
            outside = candidate.kind == "training" and self._steps_outside(unit)
            return None if is_bare else replace(graph, world=told, steps_outside=outside), named
        except NoEntry:
            return None, []
        finally:
            space.names.update(replaced)

    def _define_again(self, run: Run, candidate: Candidate, space: Namespace) -> dict[str, Value]:
        """Makes names that the file defines several times mean what they do where a candidate stands, or in the world that is walked; returns
        what they meant before."""
        world = run.context.world
        if world is not None and world.kind == "arm" and candidate.kind != "script":
            unit = defining(self.module, world.node)
            if unit is None:
                return {}
            meant = {name: value for name in unit.names if (value := member(run, space, name)) is not MISSING}
            execute_unit(run, space, unit)
            return meant
        if candidate.kind == "script" or not (names := self.module.repeated):
            return {}
        here = candidate.unit if candidate.call is None else candidate.call.unit
        if here.name not in names and candidate.call is None:
            return {}
        line = lasts_until(self.module, here) if here.name else here.line
        before = {name: value for name in names if (value := member(run, space, name)) is not MISSING}
        for unit in definitions(self.module, line):
            execute_unit(run, space, unit)
        return before

    def _started(self, run: Run, candidate: Candidate, space: Namespace, frame: Frame) -> Started:
        self._switch(run, space)
        try:
            kind, roots, result = self._start(run, candidate, space, frame)
        except Raised as error:
            if error.abstract and candidate.kind == "class":
                raise NoEntry from None
            raise
        except BudgetError:
            if candidate.kind == "class" and run.graph.modules:
                start_as_part(run, run.graph.modules[0], self.starts)
            raise
        if kind == "class" and "" in roots:
            start_as_part(run, roots[""], self.starts)
        if kind in ("class", "expression") and not candidate.imported and starts_loaded(self.module, candidate.name):
            for root in roots.values():
                forget_init(run, root, None)
        if kind == "training":
            fit_models(run, frame)
        elif run.context.world is None:
            note_parts(run, roots, self.module.path, self.starts)
        return kind, roots, result

    def _switch(self, run: Run, space: Namespace) -> None:
        """Switches the entry of a dict, the attribute of a class, or the constant of the file that the run's world is about."""
        world = run.context.world
        if world is None or world.kind not in ("entry", "field", "constant"):
            return
        if world.kind == "constant":
            if world.is_off(member(run, space, world.name)):
                run.journal.put(space.names, world.name, switched(world))
            return
        name = world.node.name if isinstance(world.node, code.Class) else world.holder
        held = member(run, space, name) if name else None
        table = held.items if isinstance(held, DictV) else held.names if isinstance(held, ClassV) else {}
        plain = not isinstance(held, ClassV) or (held.node is world.node and not held.frozen_kind)
        if plain and world.is_off(table.get(world.name, MISSING)):
            run.journal.put(table, world.name, switched(world))

    def _start(self, run: Run, candidate: Candidate, space: Namespace, frame: Frame) -> Started:
        if candidate.kind == "script":
            return "training", *run_script(run, self.module, space)
        called = candidate.call
        if called is not None:
            frame = Frame(frame.scope, called.unit, None)
        imported = called is not None and candidate.imported
        value = (
            self._evaluated(run, called.node.func, frame) if imported and called else member(run, space, candidate.name)
        )
        if candidate.kind in ("class", "call"):
            if not isinstance(value, ClassV) or not is_module_class(value) or not has_forward(value):
                raise NoEntry
            if called is not None:
                if is_lightning(value):
                    raise NoEntry
                return "expression", *run_made(run, self._evaluated(run, called.node, frame), frame)
            if is_lightning(value):
                return "training", *run_lightning(run, value, frame)
            return "class", *self._build_class(run, value, frame)
        if candidate.kind == "method":
            if not isinstance(value, ClassV) or is_lightning(value):
                raise NoEntry
            return "training", *run_method(run, value, candidate.method, frame)
        if not isinstance(value, FunctionV):
            raise NoEntry
        if candidate.kind == "training":
            return "training", *run_training(run, value, frame)
        return "function", *run_made(run, setup_call(run, value, frame), frame)

    def _build_class(self, run: Run, cls: ClassV, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
        """Builds a class from its defaults, else as something else in the file builds it, else from symbols."""
        if self.as_called:
            return run_as_called(run, cls, self.called[cls.qualified], frame)
        need = self.need(Candidate("class", cls.unit))
        if need != "nothing" and cls.name == cls.unit.names[-1]:
            shown = run.journal.built.get(cls.qualified)
            self.sought = cls.qualified, shown
            if shown is not None and (need == "arguments" or _is_given_others(run, cls, shown.args)):
                with run.context.having(setup=True):
                    made = call(run, cls, list(shown.args), dict(shown.keywords), frame, Site(cls.unit, cls.unit.head))
                return run_made(run, made, frame)
            for name in factories(self.module, cls.name)[: need == "arguments"]:
                function = member(run, namespace(run, self.module), name)
                made = setup_call(run, function, frame) if isinstance(function, FunctionV) else None
                if isinstance(made, ModuleV) and isinstance(made.cls, ClassV) and made.cls.qualified == cls.qualified:
                    return run_made(run, made, frame)
                run.graph.gaps.clear()
                run.graph.modules.clear()
                run.graph.nodes.clear()
        if need == "arguments" and cls.name == cls.unit.names[-1]:
            return as_part(run, cls, wholes(self.module, cls.name), frame)
        return run_class(run, cls, frame)

    def _evaluated(self, run: Run, node: code.Expression, frame: Frame) -> Value:
        with run.context.having(setup=True):
            return evaluate(run, node, frame)


def _built_in(world: World, built: dict[str, Built]) -> dict[str, Built]:
    """Returns with which arguments classes were built, as a world has them."""
    if world.kind != "field":
        return dict(built)
    return {
        name: replace(
            each,
            args=[switched_field(world, one) for one in each.args],
            keywords={key: switched_field(world, one) for key, one in each.keywords.items()},
        )
        for name, each in built.items()
    }


def title(candidate: Candidate) -> str:
    if candidate.kind == "method":
        return f"{candidate.name}.{candidate.method}"
    return candidate.name if candidate.call is None else candidate.call.text


def _is_given_others(run: Run, cls: ClassV, shown: list[Value]) -> bool:
    """Whether a class is built with objects of other classes than its annotations name."""
    init = find_in_mro(cls, "__init__")
    if init is None or not isinstance(init[0], FunctionV):
        return False
    ours = arguments_for(run, init[0], tensors=False, skip=1, cls=cls)
    return any(
        isinstance(one, Instance) and isinstance(other, Instance) and one.cls is not other.cls
        for one, other in zip(ours, shown, strict=False)
    )
