"""The abstract values that the interpreter computes with.

Immutable Python values stand for themselves: None, bool, int, float, str, bytes, tuple, range, slice; `Expr` is a symbolic
number and `Unknown` a value with the reason why it is not known. Everything mutable is one of the classes below;
`run.journal` makes their changes reversible, so that both arms of an unknown branch can be walked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from vglint.graph import Init
from vglint.shape import Shape
from vglint.value import Expr, Literal_, Unknown

if TYPE_CHECKING:
    from vglint.ops.spec import Spelling
    from vglint.source import code
    from vglint.source.module import Module
    from vglint.source.unit import Unit

Value: TypeAlias = object
"""Any abstract value."""


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where in the source something happens; its span is computed late."""

    unit: Unit
    node: code.Node


@dataclass(frozen=True, slots=True)
class External:
    """Something of a library that is known by its qualified name alone: `torch.nn.functional.relu`, `math`."""

    name: str


birth = itertools.count().__next__


@dataclass(slots=True, eq=False)
class OpenLoop:
    """A loop of unknown length that is being walked, and when that began, by the clock of `born`."""

    count: Value
    start: int = field(default_factory=birth)
    apart: bool = False
    """No turn reads what another wrote, so that their number is nobody's depth."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatV:
    """Among the items of a list: what one turn of a loop of unknown length adds, which stands for all turns."""

    items: tuple[Value, ...]
    count: Value
    loop: OpenLoop


@dataclass(slots=True, eq=False)
class ListV:
    items: list[Value]
    count: Value = None
    """When set, `items` holds one representative of this many (a number that is not known)."""
    loop: OpenLoop | None = None
    """The loop that repeats it, where it was one."""
    born: int = field(default_factory=birth)
    """When it was made: before or after a loop began."""


@dataclass(slots=True, eq=False)
class ArrayV:
    """A numpy array: numbers, or arrays of one dimension less. It is not changed."""

    items: list[Value]


@dataclass(slots=True, eq=False)
class DictV:
    items: dict[Any, Value]
    default: Value = None
    """A defaultdict's factory."""
    complete: bool = True
    """False when keys that are not known were stored or merged into it."""


@dataclass(slots=True, eq=False)
class SetV:
    items: list[Value]


@dataclass(slots=True, eq=False)
class IteratorV:
    """An iterator or generator, evaluated eagerly; `items` None where its length is not known, `item` then stands for each."""

    items: list[Value] | None
    item: Value = None
    count: Value = None
    position: int = 0
    exhausted: bool = False
    origin: Site | None = None
    """Where it was made."""


@dataclass(slots=True, eq=False)
class Scope:
    """Local names of one call, and the scope around it; `names` of a module scope are filled on demand."""

    names: dict[str, Value]
    parent: Scope | None
    module: Namespace
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Namespace:
    """A Python file as a value: names are evaluated when they are first looked up."""

    module: Module
    names: dict[str, Value]
    running: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    imports: list[Any] | None = None
    """Star imports and lazy import blocks, once they were asked for."""
    prefix: str = ""
    """Qualified name that its classes bear (`torch.nn` for vglint's own description of torch modules)."""


@dataclass(frozen=True, slots=True)
class LaterV:
    """A name imported from a file of the project that has not been looked into yet; only namespaces hold it."""

    dotted: str
    level: int
    name: str


@dataclass(slots=True, eq=False)
class FunctionV:
    name: str
    node: code.Function | code.Lambda
    scope: Scope
    unit: Unit
    defaults: dict[str, Value]
    owner: ClassV | None = None
    regions: tuple[str, ...] = ()
    """Regions that decorators put around the body: `no_grad`."""
    generator: bool = False
    wraps: FunctionV | None = None
    """The function that a decorator put this one around."""
    cached: bool = False
    """A decorator that is not followed may keep its result, so that what it builds is built once."""

    def __post_init__(self) -> None:
        scope: Scope | None = self.scope
        while scope is not None:
            if type(scope.names) is Locals:
                scope.names.captured = True
            scope = scope.parent

    @property
    def plain(self) -> FunctionV:
        """The function without its decorators, whose parameters say what callers give."""
        return self if self.wraps is None else self.wraps.plain


@dataclass(frozen=True, slots=True, eq=False)
class MethodV:
    """A function bound to its first argument."""

    function: Value
    self: Value


@dataclass(frozen=True, slots=True, eq=False)
class BuiltinV:
    """A method of a built-in or library object, written in Python here."""

    name: str
    call: Callable[..., Value]


@dataclass(frozen=True, slots=True, eq=False)
class PropertyV:
    getter: Value
    setter: Value = None


@dataclass(frozen=True, slots=True, eq=False)
class StaticV:
    function: Value


@dataclass(frozen=True, slots=True, eq=False)
class ClassMethodV:
    function: Value


@dataclass(frozen=True, slots=True, eq=False)
class PartialV:
    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]


@dataclass(slots=True, eq=False)
class ClassV:
    name: str
    qualified: str
    bases: tuple[Value, ...]
    names: dict[str, Value]
    unit: Unit
    node: code.Class | None
    mro: tuple[Value, ...] = ()
    fields: tuple[str, ...] | None = None
    """Field names of a dataclass or named tuple, in constructor order."""
    frozen_kind: str = ""
    """`dataclass`, `namedtuple`, `enum` or empty."""

    def __repr__(self) -> str:
        return f"<class {self.qualified}>"


class Locals(dict[str, Any]):
    """The names of one call."""

    captured = False
    """A function made in the call may read them later."""


class Attrs(dict[str, Any]):
    """The attributes of one module."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Instance:
    cls: ClassV | External
    attrs: dict[str, Value]
    origin: Site | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    """State of library objects that are modelled (parsers, optimisers, iterators)."""


@dataclass(slots=True, eq=False)
class ModuleV(Instance):
    """An `nn.Module`: torch's own leaf or container (cls External or a base of it), or the user's."""

    modules: dict[str, Value] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)
    buffers: dict[str, Value] = field(default_factory=dict)
    spelling: Spelling | None = None
    config: dict[str, Literal_] = field(default_factory=dict)
    called: int = 0
    in_forward: bool = False
    anew: bool = False
    """Forward builds it at every call: no condition stands around."""
    """Built while forward ran, not while its owner was built."""
    opaque: bool = False
    """A pretrained model of a library: known to be a module, not what is in it."""
    born: int = field(default_factory=birth)
    region: int = 0
    """The region in which it was built."""
    evaluating: bool = False
    """The program put it into eval() mode last."""


class TurnNumber(int):
    """A number that counts the turns of a loop, or what is left of one divided by `every`: the next turn has another one.

    `every` is 0 for a count that starts anew after a number of turns that is not known, None for one that does not.
    """

    every: int | None = None

    @staticmethod
    def of(number: int, every: int | None) -> TurnNumber:
        found = TurnNumber(number)
        found.every = every
        return found


@dataclass(frozen=True, slots=True)
class Ramp:
    """Entries that grow by `step` along the last dimension, the same in all others; a constant where `step` is 0."""

    start: int | float | Expr
    step: int | float


@dataclass(slots=True, eq=False)
class TensorV:
    """A tensor: the output of a node, or a part (`pick`) of a node that returns several."""

    node: int
    shape: Shape | None = None
    pick: tuple[int, ...] = ()
    init: Init | None = None
    """How its entries are distributed, for tensors that may become parameters."""
    values: tuple[Any, ...] | None = None
    """Entries of a small constant vector (`torch.linspace(0, rate, depth)`)."""
    ramp: Ramp | None = None
    """What is known of the entries of a constant or a position."""
    grad: bool = False
    """`requires_grad` was asked for explicitly."""


@dataclass(slots=True, eq=False)
class ParamV:
    """An `nn.Parameter` or buffer."""

    shape: Shape | None
    init: Init
    trainable: bool = True
    buffer: bool = False
    origin: Site | None = None
    node: int | None = None
    name: str = ""
    path: str = ""
    computed: bool = False
    """Made of other parameters before each use (weight_norm, spectral_norm): what is written into it is lost."""
    anew: bool = False
    """Forward makes it at every call."""
    frozen: Site | None = None
    """Where `requires_grad` was last set to False."""
    leaf: bool = False
    """A plain tensor that was made to require a gradient."""


ROW = -1


@dataclass(frozen=True, slots=True, eq=False)
class ParamView:
    """`.data` of a parameter (`cut`), or an indexed part of it."""

    param: ParamV
    whole: bool
    cut: bool
    blocks: int = 1
    """A part is one of this many equal blocks along dimension 0; `ROW` for a single entry of it."""
    shape: Shape | None = None
    """Of a part, where it is known."""
    rows: tuple[int, int] | None = None
    """A part is this range of dimension 0 of a vector."""


@dataclass(slots=True, eq=False)
class OpaqueV:
    """A value that is not known but made from tensors: a call that is not modelled, arms that differ."""

    why: Unknown
    deps: tuple[int, ...]
    node: int | None = None
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class ShapeV:
    """`x.shape` of a tensor whose rank is not known, or that without its first `skip` and last `cut` sizes."""

    tensor: TensorV
    skip: int = 0
    cut: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class SuperV:
    cls: ClassV
    self: Value


def is_unknown(value: Value) -> bool:
    return isinstance(value, (Unknown, OpaqueV))


def is_tensor(value: Value) -> bool:
    """Whether a value can be the tensor input of a node."""
    return isinstance(value, (TensorV, ParamV, ParamView))
