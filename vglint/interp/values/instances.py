"""Classes, objects and modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from vglint.interp.values.containers import birth

if TYPE_CHECKING:
    from vglint.interp.values.containers import DictV, ListV, OpenLoop
    from vglint.interp.values.objects import Value
    from vglint.interp.values.scopes import External, Site
    from vglint.ops.spec import Spelling
    from vglint.source import code
    from vglint.source.unit import Unit
    from vglint.value import Literal_


class ClassV(Struct, eq=False):
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
    init_only: tuple[str, ...] = ()
    """Fields of a dataclass that are handed to `__post_init__` and not kept."""
    frozen: bool = False
    """A dataclass whose fields are set once."""
    meta: ClassV | None = None
    """The program's own class of this class."""

    def __repr__(self) -> str:
        return f"<class {self.qualified}>"


class SuperV(Struct, frozen=True, eq=False):
    cls: ClassV
    self: Value


class Attrs(dict[str, Any]):
    """The attributes of one module."""

    __slots__ = ()


class Instance(Struct, eq=False):
    cls: ClassV | External
    attrs: dict[str, Value]
    origin: Site | None = None
    entries: DictV | ListV | None = None
    """What an object of a class that derives from dict or list holds."""
    asking: set[tuple[str, str]] = field(default_factory=set)
    """Look-ups of names that are under way, each by its kind: none starts within itself."""


class ModuleV(Instance, eq=False):
    """An `nn.Module`: torch's own leaf or container (cls External or a base of it), or the user's."""

    modules: dict[str, Value] = field(default_factory=dict)
    parameters: dict[str, Value] = field(default_factory=dict)
    buffers: dict[str, Value] = field(default_factory=dict)
    spelling: Spelling | None = None
    config: dict[str, Literal_] = field(default_factory=dict)
    called: int = 0
    in_forward: bool = False
    """Built while forward ran, not while its owner was built."""
    anew: bool = False
    """Forward builds it at every call: no condition stands around."""
    opaque: bool = False
    """A pretrained model of a library: known to be a module, not what is in it."""
    born: int = field(default_factory=birth)
    region: int = 0
    """The region in which it was built."""
    evaluating: bool = False
    """The program put it into eval() mode last."""
    loaded: bool = False
    """It got another state before it was trained, under no condition that is open."""
    loops: dict[str, OpenLoop] = field(default_factory=dict)
    """The loops of unknown length that repeat its children, by their names."""
    unnamed: bool = False
    """Registered under a name that is not known."""
    parametrised: bool = False
    """Its weight is computed from other parameters before each use."""
    hooks: tuple[Value, ...] = ()
    """Functions of the program that are called with each result of its forward, and may give another."""
    view: bool = False
    """A part of a container, made by a slice."""
