"""Where interpretation starts: module classes, functions that build models, training code, and any expression that is asked for."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from vglint import origin
from vglint.graph import Graph
from vglint.interp.entries.freeze import Kind, freeze
from vglint.interp.entries.idle_initialisers import note_idle_initialisers
from vglint.interp.entries.made import Made, without_repeats
from vglint.interp.entries.made_up_arguments import arguments_for
from vglint.interp.entries.parts import Starts, note_parts, start_as_part
from vglint.interp.entries.starts import (
    NoEntry,
    fit_models,
    has_forward,
    is_lightning,
    run_class,
    run_forward,
    run_lightning,
    run_made,
    run_method,
    run_script,
    run_training,
    setup_call,
)
from vglint.interp.kinds import attributes, instances, records, type_tests
from vglint.interp.library import builtins, families, pytrees, regex, sequences, signatures, stdlib, torch_helpers
from vglint.interp.machine.attempts import take_back
from vglint.interp.machine.core import (
    MISSING,
    NODES,
    STEPS,
    BudgetError,
    Frame,
    Raised,
    RegionDraft,
    Run,
    call,
    evaluate,
)
from vglint.interp.machine.memory import Journal, Memory
from vglint.interp.machine.names import lookup, member
from vglint.interp.static.candidates import Candidate, Need, candidates, factories, needs
from vglint.interp.syntax import comprehensions, expressions, functions, literals, loops, statements
from vglint.interp.torch import initialisers, leaves, trainers
from vglint.interp.torch.given import settle
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.torch.modules import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    External,
    FunctionV,
    Instance,
    ModuleV,
    Namespace,
    Scope,
    Site,
    Value,
    is_unknown,
)
from vglint.ops import having
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.unit import expression_unit
from vglint.span import Span
from vglint.value import Unknown

_PARTS = (
    attributes,
    builtins,
    comprehensions,
    expressions,
    families,
    functions,
    initialisers,
    instances,
    type_tests,
    leaves,
    torch_helpers,
    literals,
    loops,
    pytrees,
    records,
    regex,
    sequences,
    signatures,
    statements,
    stdlib,
    trainers,
)
"""Modules whose import fills the interpreter's tables."""

Started: TypeAlias = "tuple[Kind, dict[str, ModuleV], Value]"
"""What kind of entry it is, its modules by name, and what it returns."""


class EntryError(ValueError):
    """An expression that names no model of the file; the message says what would."""


def extract(project: Project, module: Module, expression: str) -> Graph:
    """Returns the graph of an entry: a class, a function or any Python expression over the file's names.

    Raises EntryError where the expression is not Python, names nothing of the file, or has no module as its value.
    """
    asked = expression_unit(module.path, expression)
    if isinstance(asked, str):
        raise EntryError(f"{expression!r} is not a Python expression: {asked}")
    unit = module.units[0] if module.units else None
    if unit is None:
        raise EntryError(f"{module.path} defines nothing")
    run = _new_run(project, f"{module.path}:{expression}")
    space = _namespace(run, module)
    asked_unit, node = asked
    _check_names(run, node, space, module)
    if isinstance(node, code.Name):
        found = module.binding(node.id)
        unit = found[-1] if found else unit
    span = Span(module.path, unit.line, 1, unit.line, 1)
    asked_unit.place = span
    frame = Frame(Scope({}, None, space), asked_unit, None)

    def start() -> Started:
        run.setup += 1
        try:
            value = evaluate(run, node, frame)
            if isinstance(value, FunctionV) and not _is_training(value.node):
                value = call(run, value, arguments_for(run, value, tensors=False), {}, frame, Site(unit, unit.head))
        finally:
            run.setup -= 1
        if isinstance(value, ClassV):
            return "class", *run_class(run, value, frame)
        if isinstance(value, FunctionV):
            return "training", *run_training(run, value, frame)
        if isinstance(value, ModuleV):
            return "expression", {"": value}, run_forward(run, value, frame)
        raise EntryError(f"{expression!r} is not a module: {_describe(value)}")

    with _uncollected():
        return _guarded(run, span, start)


def entries(
    project: Project, module: Module, fault: Callable[[str, Exception], None] | None = None
) -> tuple[Graph, ...]:
    """Returns the graph of every entry of a file, in source order; `fault` is told of an entry that a mistake of ours prevents.

    Classes that their defaults build come first, whole models before their parts: the arguments that they give to other classes of
    the file build those.
    """
    with _uncollected():
        return _graphs(_Session(project, module), list(enumerate(candidates(module))), fault)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Puts the search for garbage off: hardly any is made, and the trees that would be searched are large."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _graphs(
    session: _Session, numbered: list[tuple[int, Candidate]], fault: Callable[[str, Exception], None] | None
) -> tuple[Graph, ...]:
    graphs: dict[int, Graph] = {}
    made: list[Graph] = []
    for need in ("nothing", "annotated", "arguments"):
        for number, candidate in numbered if need == "nothing" else reversed(numbered):
            if session.need(candidate) != need:
                continue
            try:
                graph, more = session.graph(candidate)
            except Exception as error:
                if fault is None:
                    raise
                fault(_title(candidate), error)
                session.memory.namespaces.clear()
                continue
            if graph is not None:
                graphs[number] = graph
            made += more
    kept, new = without_repeats((graphs[number] for number in sorted(graphs)), made)
    return (*kept, *new)


ACTS = having("acts") | {"step", "zero_grad", "trainer"}
"""What makes training code of code that calls models."""
FILE_NODES = 18_000
"""Nodes that the entries of a file make before each is held to `ENTRY_NODES`: many large models of one file are much alike."""
ENTRY_NODES = 2_500
FILE_STEPS = 500_000
"""The same for steps: tables of numbers that a constructor computes one by one are walked for the first entries."""
ENTRY_STEPS = 60_000


class _Session:
    """The entries of one file: what they share is what its statements define, and with which arguments classes were built."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module
        kept = project.kept.setdefault("interp", Memory())
        assert isinstance(kept, Memory)
        self.memory = kept
        self.built: dict[str, tuple[list[Value], dict[str, Value]]] = {}
        self.starts: Starts = {}
        self.nodes = 0
        self.steps = 0

    def need(self, candidate: Candidate) -> Need:
        """Returns what a candidate must be given, which other entries may show."""
        return needs(candidate.unit) if candidate.kind == "class" else "nothing"

    def graph(self, candidate: Candidate) -> tuple[Graph | None, list[Graph]]:
        """Returns the graph of a candidate, None where it is no entry, and those of the models that it makes on its way."""
        run = _new_run(self.project, _title(candidate))
        if candidate.kind != "script":
            run.memory = self.memory
            run.memory.begin()
            run.journal = Journal()
        run.built = self.built
        run.allowed = min(NODES, max(ENTRY_NODES, FILE_NODES - self.nodes))
        run.steps_allowed = min(STEPS, max(ENTRY_STEPS, FILE_STEPS - self.steps))
        unit = candidate.unit
        space = _namespace(run, self.module)
        frame = Frame(Scope({}, None, space), unit, None)
        span = candidate.place or (
            unit.span(unit.head) if unit.definition is not None else Span(self.module.path, unit.line, 1, unit.line, 1)
        )
        made = Made(frame, span)
        run.passes.harvest = partial(made.harvest, run)
        try:
            graph = _guarded(run, span, lambda: self._started(run, candidate, space, frame))
            if graph.kind == "training":
                made.harvest(run, run.passes.calls, run.modules)
            named = [replace(each, entry=graph.entry) for each in made.graphs]
            is_bare = candidate.bare and not any(node.op in ACTS for node in graph.nodes)
            return None if is_bare else graph, named
        except NoEntry:
            return None, []
        finally:
            self.nodes += len(run.nodes)
            self.steps += run.steps
            take_back(run)

    def _started(self, run: Run, candidate: Candidate, space: Namespace, frame: Frame) -> Started:
        try:
            kind, roots, result = self._start(run, candidate, space, frame)
        except Raised as error:
            if error.abstract and candidate.kind == "class":
                raise NoEntry from None
            raise
        except BudgetError:
            if candidate.kind == "class" and run.modules:
                start_as_part(run, run.modules[0], self.starts)
            raise
        if kind == "class" and "" in roots:
            start_as_part(run, roots[""], self.starts)
        if kind == "training":
            fit_models(run, frame)
        else:
            note_parts(run, roots, self.module.path, self.starts)
        return kind, roots, result

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
        need = self.need(Candidate("class", cls.unit))
        if need != "nothing" and cls.name == cls.unit.names[-1]:
            shown = self.built.get(cls.qualified)
            if shown is not None and (need == "arguments" or _is_given_others(run, cls, shown[0])):
                run.setup += 1
                try:
                    made = call(run, cls, list(shown[0]), dict(shown[1]), frame, Site(cls.unit, cls.unit.head))
                finally:
                    run.setup -= 1
                return run_made(run, made, frame)
            for name in factories(self.module, cls.name)[: need == "arguments"]:
                function = member(run, _namespace(run, self.module), name)
                made = setup_call(run, function, frame) if isinstance(function, FunctionV) else None
                if isinstance(made, ModuleV) and isinstance(made.cls, ClassV) and made.cls.qualified == cls.qualified:
                    return run_made(run, made, frame)
                run.gaps.clear()
                run.modules.clear()
                run.nodes.clear()
        return run_class(run, cls, frame)

    def _evaluated(self, run: Run, node: code.Expression, frame: Frame) -> Value:
        run.setup += 1
        try:
            return evaluate(run, node, frame)
        finally:
            run.setup -= 1


def _title(candidate: Candidate) -> str:
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


def _guarded(run: Run, span: Span, start: Callable[[], Started]) -> Graph:
    """Runs an entry inside its budget and freezes what there is at its end."""
    kind: Kind = "class"
    roots: dict[str, ModuleV] = {}
    result: Value = None
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 12_000))
    try:
        kind, roots, result = start()
        settle(run)
        if kind == "training":
            note_idle_initialisers(run)
        if is_unknown(result):
            unknown = result if isinstance(result, Unknown) else result.why  # type: ignore[attr-defined]
            run.gap_of(unknown)
    except BudgetError as error:
        run.gap(origin.Budget(str(error)))
    except Raised as error:
        run.gap(origin.Raise(error.name), error.site)
    except RecursionError:
        run.gap(origin.Budget("nested too deeply"))
    finally:
        sys.setrecursionlimit(limit)
    if not roots:
        roots = run.roots
    if not roots and run.modules:
        roots = {"": run.modules[0]}
    written, run.journal = run.journal, None
    graph = freeze(run, kind, span, roots, result)
    run.journal = written
    return graph


def _new_run(project: Project, entry: str) -> Run:
    run = Run(project, entry)
    run.regions.append(RegionDraft(None, "function", entry))
    return run


def _namespace(run: Run, module: Module) -> Namespace:
    from vglint.interp.machine.imports import namespace

    return namespace(run, module)


def _is_training(node: code.Function | code.Lambda) -> bool:
    return any(
        isinstance(each, code.Call) and isinstance(each.func, code.Attribute) and each.func.attr == "backward"
        for each in code.walk(node)
    )


def _check_names(run: Run, node: code.Expression, space: Namespace, module: Module) -> None:
    """Raises EntryError for a first name that the file does not define."""
    head: code.Expression = node
    while isinstance(head, (code.Call, code.Attribute)):
        head = head.func if isinstance(head, code.Call) else head.value
    if isinstance(head, code.Name) and lookup(run, head.id, Scope({}, None, space)) is MISSING:
        from difflib import get_close_matches

        defined = [name for unit in module.units if unit.kind in ("class", "function") for name in unit.names]
        close = get_close_matches(head.id, defined, 1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; it defines {', '.join(defined[:8])}" if defined else ""
        raise EntryError(f"{module.path} does not define {head.id!r}{hint}")


def _describe(value: Value) -> str:
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, (External, FunctionV)):
        return value.name
    kind = type(value).__name__.removesuffix("V").lower()
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
