"""One interpretation: its state, its limits, and the tables through which the parts of the interpreter call each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from vglint import origin
from vglint.given import Input
from vglint.graph import RegionKind
from vglint.interp.machine.faults import FAULTS, survive
from vglint.interp.machine.journal import LIST, MISSING, FieldKey, Journal
from vglint.interp.machine.memory import Memory
from vglint.interp.machine.passes import Passes
from vglint.interp.static.worlds import World
from vglint.interp.values.objects import (
    Attrs,
    ClassV,
    DictV,
    External,
    Instance,
    ListV,
    Locals,
    ModuleV,
    Namespace,
    OpaqueV,
    OpenLoop,
    ParamV,
    Scope,
    SetV,
    Site,
    TensorV,
    Value,
    birth,
)
from vglint.origin import Origin
from vglint.shape import Shape
from vglint.value import Expr, Literal_, Unknown

if TYPE_CHECKING:
    from vglint.source import code
    from vglint.source.project import Project
    from vglint.source.unit import Unit

STEPS = 400_000
"""Statements and calls that one entry may take."""
NODES = 12_000
"""Nodes that one entry may have."""
DEPTH = 60
"""Calls within calls."""
RECURSION = 24
"""Calls of one function within itself."""
RECURSION_UNKNOWN = 4
"""The same inside a branch that is not known, where nothing tells when the recursion ends."""
TURNS = 1_024
"""Turns of one loop that are walked one by one."""


class BudgetError(Exception):
    """Interpretation of this entry has used up its budget."""


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


@dataclass(slots=True)
class Draft:
    """A node while the graph is being built."""

    op: str
    inputs: list[int]
    config: dict[str, Literal_]
    owner: ModuleV | None
    leaf: bool
    type: str | None
    params: list[tuple[str, ParamV]]
    shape: Shape | None
    site: Site | None
    region: int
    setup: bool
    result: Any = None
    """What the op table says that this op returns."""
    picks: dict[tuple[int, ...], int] = field(default_factory=dict)
    """`getitem` nodes already made for parts of the result."""


@dataclass(slots=True)
class RegionDraft:
    parent: int | None
    kind: RegionKind
    text: str
    arm: int = 0
    count: int | Expr | None = None
    site: Site | None = None
    born: int = field(default_factory=birth)
    every: int | None = None  # of a branch that is taken in one of so many turns, 0 where that is not known
    condition: int | None = None  # the node that a branch's condition is, or is computed from
    alias: int | None = None  # set when the region turned out to be none: its nodes belong to that one


@dataclass(slots=True)
class Frame:
    """One call under way."""

    scope: Scope
    unit: Unit
    owner: ModuleV | None
    """The module whose forward runs."""
    self_: Value = None
    cls: ClassV | None = None
    result: Value = None
    returned: list[Value] = field(default_factory=list)  # what arms of unknown branches return
    yields: list[Value] | None = None
    loops: int = 0
    """Loops of unknown length that were open when the call began."""
    turns: list[Value] = field(default_factory=list)
    """For each yield inside a loop of unknown length, the loop's number of turns."""
    name: str = "<module>"


@dataclass(slots=True)
class Run:
    """The state of one interpretation."""

    project: Project
    entry: str
    nodes: list[Draft] = field(default_factory=list)
    gaps: dict[Origin, tuple[Unknown, Site | None]] = field(default_factory=dict)
    regions: list[RegionDraft] = field(default_factory=list)
    region: int = 0
    setup: int = 0
    """Above zero while a module is being built: nodes made now belong to no forward."""
    journal: Journal | None = None
    steps: int = 0
    depth: int = 0
    training: bool = True
    modules: list[ModuleV] = field(default_factory=list)  # every module built, in order
    modules_running: list[ModuleV] = field(default_factory=list)
    """The modules whose forward runs now, outermost first."""
    roots: dict[str, ModuleV] = field(default_factory=dict)
    passes: Passes = field(default_factory=Passes)
    inputs: dict[str, Input] = field(default_factory=dict)  # those that the user fixes by hand, by name
    world: World | None = None  # the switch that is on; None where all is as it is defined
    asked_device: bool = False  # a model asked which device it runs on
    memory: Memory = field(default_factory=Memory)
    """What the files' statements define, shared with other interpretations."""
    init_sites: dict[int, Site | None] = field(default_factory=dict)
    """Where a parameter was last written, by its identity."""
    constants: dict[tuple[int, tuple[int, ...]], ParamV | None] = field(default_factory=dict)
    """Tensors that were computed while modules were built, as forward finds them, by node and part."""
    labels: dict[tuple[int, tuple[int, ...]], str] = field(default_factory=dict)  # the attribute it was first stored in
    patched: dict[str, Value] = field(default_factory=dict)
    """Attributes that the program sets on classes of libraries, by qualified name."""
    symbols: int = 0
    effects: dict[Any, Any] = field(default_factory=dict)
    """What calls did to layers that others are like, see `alike`."""
    version: int = 0
    """Counts writes, save to names of calls, parameters, tensors and attributes of modules."""
    clock: int = 0
    """Counts writes to attributes of modules and captured names; `written` has the last one to each table."""
    written: dict[int, int] = field(default_factory=dict)
    turns: int = 1
    """How often the innermost of the loops under way is walked in all."""
    allowed: int = NODES  # nodes that this entry may make
    steps_allowed: int = STEPS
    built: dict[str, tuple[list[Value], dict[str, Value]]] = field(default_factory=dict)
    """Arguments that classes of modules were first built with, by qualified name, where they hold nothing of this run."""
    filling: int = 0
    registering: int = 0
    """Above zero while the definitions that fill a registry are executed, and while a decorator keeps what it decorates."""
    keeping: dict[int, bool] = field(default_factory=dict)
    """Whether a function, used as a decorator, keeps what it decorates, by the identity of its tree."""
    adding: dict[int, bool] = field(default_factory=dict)
    """Whether a decorator adds keyword arguments to the calls of what it decorates, by the identity of its tree."""
    borrowed: Site | None = None
    """The user's call inside which vglint's own description of a torch module runs: the place of all its nodes."""
    cached: int = 0  # how many functions are running whose results a decorator may keep
    building: int = 0
    """Constructors of modules that are running."""
    late: set[int] = field(default_factory=set)
    """Parameters, by identity, that training code initialised when their model was built already."""
    guards: int = 0
    """Conditions around what runs, from the forward that is running inwards: what they guard need not happen at every call."""
    trying: int = 0
    """How many `try` statements are open: inside one, a missing key is an exception that may be caught."""
    given: dict[str, int] = field(default_factory=dict)
    """Nodes of the optimisers that training code gets as arguments, by name."""
    open_loops: list[OpenLoop] = field(default_factory=list)
    """The loops of unknown length that are being walked, outermost first."""
    refusing: int = 0
    """Above zero in the condition of a statement that only raises, which is not asked about unknown sizes: inputs are given that pass."""
    assumed: bool = False  # a configuration was made up of its class's defaults
    training_code: bool = False
    """The entry is training code, where loops run over batches and epochs."""
    trained: bool = False  # a backward pass has run
    asked_turn: bool = False  # a condition of training code was decided by the number of the turn
    any_turn: int = 0  # above zero in a turn that stands for all of its loop: such a condition is open
    chosen: set[str] = field(default_factory=set)
    """Conditions, by their source, whose first arm is walked alone because a model was chosen by them."""
    forks: int = 0
    within: dict[int, int] = field(default_factory=dict)
    """How many calls of each function are open, by the identity of its tree."""
    carries: dict[int, bool] = field(default_factory=dict)
    """Whether a gradient may pass through a node, as far as it was asked."""
    runaway: set[int] = field(default_factory=set)
    """Functions whose recursion did not end: they are not walked within themselves again."""

    def tick(self, cost: int = 1) -> None:
        self.steps += cost
        if self.steps > self.steps_allowed:
            raise BudgetError("steps")

    # ---- reversible writes

    def put(self, table: dict[Any, T], key: Any, value: T) -> None:
        """Stores into a table, reversibly."""
        if self.journal is not None:
            self.journal.append((table, key, table.get(key, MISSING)))
        table[key] = value
        if type(table) is not Locals or table.captured:
            self._note(table)

    def drop(self, table: dict[Any, Value], key: Any) -> None:
        self._note(table)
        if self.journal is not None:
            self.journal.append((table, key, table.get(key, MISSING)))
        table.pop(key, None)

    def _note(self, table: dict[Any, Any]) -> None:
        if type(table) is Attrs or type(table) is Locals:
            self.clock += 1
            self.written[id(table)] = self.clock
        else:
            self.version += 1

    def touch(self, holder: ListV | SetV) -> None:
        """Must be called before a list or set changes."""
        self.version += 1
        if self.journal is not None and id(holder) not in self.journal.touched:
            # What it held at first is all that is needed to take everything back.
            self.journal.touched[id(holder)] = holder
            self.journal.append((holder, LIST, list(holder.items)))

    def set_field(self, holder: TensorV | ParamV | DictV | ListV | Instance | OpaqueV, name: str, value: Any) -> None:
        """Sets a field of an abstract object, reversibly."""
        if self.journal is not None:
            self.journal.append((holder, FieldKey(name), getattr(holder, name)))
        setattr(holder, name, value)
        if type(holder) is not ParamV and type(holder) is not TensorV:
            self.version += 1

    # ---- gaps

    def gap(self, cause: Origin, site: Site | None = None) -> Unknown:
        """Notes a gap that the graph rests on."""
        unknown = Unknown(cause)
        self.gaps.setdefault(cause, (unknown, site))
        return unknown

    def gap_of(self, unknown: Unknown, site: Site | None = None) -> None:
        self.gaps.setdefault(unknown.origin, (unknown, site))

    # ---- regions

    def open_region(self, kind: RegionKind, text: str, site: Site | None = None, arm: int = 0) -> int:
        self.regions.append(RegionDraft(self.region, kind, text, arm, None, site))
        self.region = len(self.regions) - 1
        return self.region

    def symbol(self, text: str) -> Expr:
        self.symbols += 1
        return Expr.symbol(text)


# ---- the tables

Evaluator: TypeAlias = Callable[[Run, Any, Frame], Value]
Executor: TypeAlias = Callable[[Run, Any, Frame], "int | None"]
Caller: TypeAlias = Callable[[Run, Any, "list[Value]", "dict[str, Value]", Frame, Site], Value]
Getter: TypeAlias = Callable[[Run, Any, str, Frame], Value]

EVAL: dict[type, Evaluator] = {}
EXEC: dict[type, Executor] = {}
CALL: dict[type, Caller] = {}
GETATTR: dict[type, Getter] = {}
ITERATE: dict[type, Callable[[Run, Any, Frame, Site], Any]] = {}
"""What kinds of values answer that the protocols do not know themselves, one table a question: what iterating yields,"""
ITEM: dict[type, Callable[[Run, Any, Value, Frame, Site], Value]] = {}
"""what `value[key]` is,"""
SET_ITEM: dict[type, Callable[[Run, Any, Value, Value, Frame, Site], None]] = {}
"""what `value[key] = other` does,"""
OPERATE: dict[type, Callable[[Run, str, Any, Any, Frame, Site], Value]] = {}
"""what an operator makes of a value on either side,"""
COMPARE: dict[type, Callable[[Run, str, Any, Any, Frame, Site], Value]] = {}
"""what a comparison does,"""
CONTAINS: dict[type, Callable[[Run, Any, Value], bool | None]] = {}
"""whether it contains another,"""
ENTER: dict[type, Callable[[Run, Any, Frame, Site], Value]] = {}
"""and what `with value as name` binds."""
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
    if (handler := EVAL.get(type(node))) is None:
        return Unknown(origin.Syntax(type(node).__name__))
    try:
        return handler(run, node, frame)
    except FAULTS as fault:
        survive(fault)
        return run.gap(origin.Syntax(type(node).__name__), Site(frame.unit, node))


def call(run: Run, callee: Value, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    handler = CALL.get(type(callee))
    run.tick()
    if handler is None:
        return opaque(run, origin.Call(f"{type(callee).__name__} is not callable"), [*args, *keywords.values()], site)
    try:
        return handler(run, callee, args, keywords, frame, site)
    except FAULTS as fault:
        survive(fault)
        name = callee.name if isinstance(callee, External) else type(callee).__name__
        run.gap(origin.Call(f"{name}()"), site)
        return opaque(run, origin.Call(f"{name}()"), [*args, *keywords.values()], site)


def get_attribute(run: Run, value: Value, name: str, frame: Frame) -> Value:
    handler = GETATTR.get(type(value))
    if handler is None:
        return Unknown(origin.Call(f".{name} of {type(value).__name__}"))
    return handler(run, value, name, frame)


def set_trainable(run: Run, param: ParamV, value: bool, site: Site | None = None) -> None:
    """Performs `param.requires_grad = value`. What is frozen once a backward pass has run was trained before, and is again in the next turn
    (the discriminator while the generator learns): the graph has one answer, and that is yes."""
    if value or not run.trained:
        run.set_field(param, "trainable", value)
        run.set_field(param, "frozen", None if value else site)


def opaque(run: Run, cause: Origin, sources: list[Value], site: Site | None) -> Value:
    """Returns the unknown result of something done to `sources`: tied to the graph where a tensor is among them."""
    deps = tuple(dict.fromkeys(_deps(sources)))
    if deps:
        return OpaqueV(Unknown(cause), deps, None, site)
    for source in sources:
        if isinstance(source, Unknown):
            return source
    return Unknown(cause)


def _deps(sources: list[Value]) -> Iterator[int]:
    for source in sources:
        if isinstance(source, TensorV):
            yield source.node
        elif isinstance(source, OpaqueV):
            yield from source.deps if source.node is None else (source.node,)
        elif isinstance(source, tuple):
            yield from _deps(list(source))
        elif isinstance(source, (ListV, SetV)):
            yield from _deps(source.items)
        elif isinstance(source, DictV):
            yield from _deps(list(source.items.values()))


def execute(run: Run, node: code.Node, frame: Frame) -> int | None:
    """Executes one statement; returns how it ends."""
    run.tick()
    handler = EXEC.get(type(node))
    try:
        return None if handler is None else handler(run, node, frame)
    except FAULTS as fault:
        survive(fault)
        run.gap(origin.Syntax(type(node).__name__), Site(frame.unit, node))
        return None


def execute_unit(run: Run, space: Namespace, unit: Unit) -> None:
    """Executes a module-level statement because a name that it binds was asked for: outside every branch and forward."""
    journal, run.journal = run.journal, None
    running, run.modules_running = run.modules_running, []
    region, run.region = run.region, 0
    depth, run.depth = run.depth, 0
    made = len(run.nodes) + len(run.modules)
    run.setup += 1
    try:
        frame = Frame(Scope(space.names, None, space), unit, None)
        for statement in unit.body:
            execute(run, statement, frame)
    except Raised:
        pass
    finally:
        run.setup -= 1
        run.journal, run.modules_running, run.region, run.depth = journal, running, region, depth
        run.memory.note_change(space)
        if len(run.nodes) + len(run.modules) > made or run.memory.holds(space, unit):
            run.memory.note_unit(space, unit)


def block(run: Run, statements: Sequence[code.Statement], frame: Frame) -> int | None:
    """Executes statements in order until one does not fall through."""
    for statement in statements:
        flow = execute(run, statement, frame)
        if flow is not None:
            return flow
    return None
