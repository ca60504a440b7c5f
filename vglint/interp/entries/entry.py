"""Where interpretation starts: module classes, functions that build models, training code, and any expression that is asked for."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from vglint.graph import Graph
from vglint.interp.entries.guarded import Started, guarded, new_run
from vglint.interp.entries.made import without_repeats
from vglint.interp.entries.made_up_arguments import arguments_for
from vglint.interp.entries.parts import is_started_otherwise
from vglint.interp.entries.session import Session, title
from vglint.interp.entries.starts import (
    run_class,
    run_forward,
    run_training,
)
from vglint.interp.entries.tables import fill
from vglint.interp.entries.worlds import alternatives, on_devices, trained_on
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import Frame, Run, call, evaluate
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import lookup, namespace
from vglint.interp.static.candidates import Candidate, calls_backward, candidates
from vglint.interp.torch.fixed_inputs import InputError
from vglint.interp.values.objects import (
    ClassV,
    External,
    FunctionV,
    ModuleV,
    Namespace,
    Scope,
    Site,
    Value,
)
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.unit import expression_unit
from vglint.span import Span
from vglint.value import Unknown

fill()


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
    run = new_run(project, f"{module.path}:{expression}")
    space = namespace(run, module)
    asked_unit, node = asked
    _check_names(run, node, space, module)
    if isinstance(node, code.Name):
        found = module.binding(node.id)
        unit = found[-1] if found else unit
    span = Span(module.path, unit.line, 1, unit.line, 1)
    asked_unit.place = span
    frame = Frame(Scope({}, None, space), asked_unit, None)

    def start() -> Started:
        with run.context.having(setup=True):
            value = evaluate(run, node, frame)
            if isinstance(value, FunctionV) and not calls_backward(value.node):
                value = call(run, value, arguments_for(run, value, tensors=False), {}, frame, Site(unit, unit.head))
        try:
            if isinstance(value, ClassV):
                return "class", *run_class(run, value, frame)
            if isinstance(value, FunctionV):
                return "training", *run_training(run, value, frame)
            if isinstance(value, ModuleV):
                return "expression", {"": value}, run_forward(run, value, frame)
        except InputError as error:
            raise EntryError(f"the inputs of {expression}: {error}") from None
        raise EntryError(f"{expression!r} is not a module: {_describe(value)}")

    with _uncollected():
        return replace(guarded(run, span, start), world=run.graph.chosen)


def entries(
    project: Project, module: Module, fault: Callable[[str, Exception], None] | None = None
) -> tuple[Graph, ...]:
    """Returns the graph of every entry of a file, in source order; `fault` is told of an entry that a mistake of ours prevents, and
    of those that the file's budget leaves out (BudgetError).

    Classes that their defaults build come first, whole models before their parts: the arguments that they give to other classes of
    the file build those.
    """
    with _uncollected():
        return _graphs(Session(project, module), list(enumerate(candidates(module))), fault)


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
    session: Session, numbered: list[tuple[int, Candidate]], fault: Callable[[str, Exception], None] | None
) -> tuple[Graph, ...]:
    graphs: dict[int, Graph] = {}
    made: list[Graph] = []
    left_out = 0

    def walk(number: int, candidate: Candidate, *, as_called: bool = False) -> list[Graph]:
        try:
            graph, more = session.graph(candidate, as_called=as_called)
        except Exception as error:
            if fault is None:
                raise
            fault(title(candidate), error)
            session.memory.namespaces.clear()
            return []
        if graph is not None and not (as_called and graph.gaps):
            graphs[number] = graph
        return more

    for need in ("nothing", "annotated", "arguments"):
        for number, candidate in numbered if need == "nothing" else reversed(numbered):
            if session.need(candidate) != need:
                continue
            if session.is_spent:
                left_out += 1
                continue
            made += walk(number, candidate)
    for number, candidate in reversed(numbered):
        early = graphs.get(number)
        if early is not None and early.kind == "class" and early.gaps and session.is_called(candidate):
            walk(number, candidate, as_called=True)
    for number, candidate in numbered:
        early = graphs.get(number)
        if early is not None and early.kind == "class" and is_started_otherwise(early, session.starts):
            walk(number, candidate)
    if left_out and fault is not None:
        fault("", BudgetError(str(left_out)))
    kept, new = without_repeats((graphs[number] for number in sorted(graphs)), made)
    try:
        others = alternatives(session, numbered, graphs)
    except Exception as error:
        if fault is None:
            raise
        fault("another world", error)
        others = []
    return (*on_devices([*kept, *new], others), *trained_on(others, [*kept, *new]))


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
