"""One interpretation: its state, its limits, and the tables through which the parts of the interpreter call each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct, field

from vglint import origin
from vglint.interp.machine.budget import Budget
from vglint.interp.machine.context import Context
from vglint.interp.machine.drafts import GraphDraft
from vglint.interp.machine.faults import FAULTS, survive
from vglint.interp.machine.journal import MISSING, Journal, Missing
from vglint.interp.machine.memory import Memory
from vglint.interp.machine.questions import CALL, GETATTR
from vglint.interp.values.inside import nodes_in, width
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    LaterV,
    ListV,
    ModuleV,
    Namespace,
    OpaqueV,
    ParamV,
    Scope,
    SetV,
    Site,
    Value,
)
from vglint.origin import Origin
from vglint.source import code
from vglint.value import Unknown

if TYPE_CHECKING:
    from vglint.source.project import Project
    from vglint.source.unit import Unit


class Raised(Exception):
    """The interpreted program raises."""

    def __init__(self, name: str, value: Value = None, site: Site | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.value = value
        self.site = site
        self.abstract = False
        """A method that does nothing else raises it: the class is one to derive from."""


class Flow:
    """How a statement ends: it falls through (None), or one of these."""

    RETURN = 1
    BREAK = 2
    CONTINUE = 3
    RAISE = 4


class Frame(Struct):
    """One call under way."""

    scope: Scope
    unit: Unit
    owner: ModuleV | None
    """The module whose forward runs."""
    self_: Value = None
    cls: ClassV | None = None
    result: Value = None
    returned: list[Value] = field(default_factory=list)  # what arms of unknown branches return
    left: tuple[tuple[Any, dict[Any, Any]], ...] = ()
    """What arms of unknown branches wrote that ended a turn of a loop under way, by the statement that branches."""
    yields: list[Value] | None = None
    loops: int = 0
    """Loops of unknown length that were open when the call began."""
    turns: list[Value] = field(default_factory=list)
    """For each yield inside a loop of unknown length, the loop's number of turns."""
    name: str = "<module>"
    called: Site | None = None
    """Where a function is called from."""
    remainders: list[tuple[int, int]] = field(default_factory=list)
    """Regions of what runs where a condition did not return before, and the node at which each begins."""
    resume: Callable[[Value], None] | None = None
    """What runs at the generator's `yield`: the body of the `with` that it manages."""


class Run(Struct):
    """One interpretation of a project: what it may take, what it makes, what it writes, what is in force."""

    project: Project
    entry: str
    memory: Memory = field(default_factory=Memory)
    """What the files' statements define, shared with other interpretations."""
    budget: Budget = field(default_factory=Budget)
    graph: GraphDraft = field(default_factory=GraphDraft)
    journal: Journal = field(default_factory=Journal)
    context: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.graph.context = self.context


# ---- the tables

Evaluator: TypeAlias = Callable[[Run, Any, Frame], Value]
Executor: TypeAlias = Callable[[Run, Any, Frame], "int | None"]
Caller: TypeAlias = Callable[[Run, Any, "list[Value]", "dict[str, Value]", Frame, Site], Value]

EVAL: dict[type, Evaluator] = {}
EXEC: dict[type, Executor] = {}
LIBRARY: dict[str, Caller] = {}
"""Library functions that are modelled one by one, by qualified name."""
CONSTANTS: dict[str, Value] = {}
"""Library constants, by qualified name."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def register(table: dict[Any, Any], *keys: Any) -> Callable[[F], F]:
    """Enters a function into a table under each key; a second entry of one key is an error."""

    def enter(function: F) -> F:
        for key in keys:
            if key in table:
                raise ValueError(f"{key} is entered twice")
            table[key] = function
        return function

    return enter


def evaluate(run: Run, node: code.Node, frame: Frame) -> Value:
    if type(node) is code.Name:  # two thirds of all expressions are names and constants: they take no handler
        value: Value | Missing = frame.scope.names.get(node.id, MISSING)
        if value is not MISSING and type(value) is not LaterV:
            return value
    elif type(node) is code.Constant:
        return node.value
    if (handler := EVAL.get(type(node))) is None:
        return Unknown(origin.Syntax(type(node).__name__))
    try:
        return handler(run, node, frame)
    except FAULTS as fault:
        survive(fault)
        return run.graph.gap(origin.Syntax(type(node).__name__), Site(frame.unit, node))


_WIDE = frozenset({tuple, ListV, SetV, DictV})
"""What has a width."""
_PLAIN = frozenset({bool, int, float, str, tuple})
"""What nobody can call."""


def call(run: Run, callee: Value, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    handler = CALL.get(type(callee))
    entries = 0
    for arg in args:
        if type(arg) in _WIDE:
            entries += width(arg)
    run.budget.tick(1 + entries // 16)
    if handler is None:
        if run.context.trying and type(callee) in _PLAIN:
            raise Raised("TypeError", None, site)
        return opaque(run, origin.Call(f"{type(callee).__name__} is not callable"), [*args, *keywords.values()], site)
    try:
        return handler(run, callee, args, keywords, frame, site)
    except FAULTS as fault:
        survive(fault)
        name = callee.name if isinstance(callee, External) else type(callee).__name__
        run.graph.gap(origin.Call(f"{name}()"), site)
        return opaque(run, origin.Call(f"{name}()"), [*args, *keywords.values()], site)


def get_attribute(run: Run, value: Value, name: str, frame: Frame) -> Value:
    handler = GETATTR.get(type(value))
    if handler is None:
        return Unknown(origin.Call(f".{name} of {type(value).__name__}"))
    return handler(run, value, name, frame)


def set_trainable(run: Run, param: ParamV, value: bool, site: Site | None = None) -> None:
    """Performs `param.requires_grad = value`. What is frozen once a backward pass has run was trained before, and is again in the next
    turn (the discriminator while the generator learns): the graph has one answer, and that is yes. Not so a layer that forward makes."""
    if value or not run.graph.trained or run.graph.is_of_forward(param):
        run.journal.set_field(param, "thawed", value and (param.thawed or not param.trainable))
        run.journal.set_field(param, "trainable", value)
        run.journal.set_field(param, "frozen", None if value else site)


def opaque(run: Run, cause: Origin, sources: list[Value], site: Site | None) -> Value:
    """Returns the unknown result of something done to `sources`: tied to the graph where a tensor is among them."""
    deps = tuple(dict.fromkeys(nodes_in(sources, run.budget.tick)))
    if deps:
        return OpaqueV(Unknown(cause), deps, None, site, run.graph.region)
    for source in sources:
        if isinstance(source, Unknown):
            return source
    return Unknown(cause)


def execute(run: Run, node: code.Node, frame: Frame) -> int | None:
    """Executes one statement; returns how it ends."""
    budget = run.budget
    budget.steps += 1
    if budget.steps > budget.steps_allowed:
        budget.tick(0)
    handler = EXEC.get(type(node))
    try:
        return None if handler is None else handler(run, node, frame)
    except FAULTS as fault:
        survive(fault)
        run.graph.gap(origin.Syntax(type(node).__name__), Site(frame.unit, node))
        return None


def execute_unit(run: Run, space: Namespace, unit: Unit) -> None:
    """Executes a module-level statement because a name that it binds was asked for: outside every branch and forward."""
    made = len(run.graph.nodes) + len(run.graph.modules)
    outside = run.context.having(setup=True, modules_running=())
    try:
        with run.journal.aside(None), run.graph.inside(0), run.budget.from_top(), outside:
            frame = Frame(Scope(space.names, None, space), unit, None)
            for statement in unit.body:
                execute(run, statement, frame)
    except Raised:
        pass
    finally:
        run.memory.note_change(space)
        if len(run.graph.nodes) + len(run.graph.modules) > made or run.memory.holds(space, unit):
            run.memory.note_unit(space, unit)


def block(run: Run, statements: Sequence[code.Statement], frame: Frame) -> int | None:
    """Executes statements in order until one does not fall through."""
    for statement in statements:
        flow = execute(run, statement, frame)
        if flow is not None:
            return flow
    return None
