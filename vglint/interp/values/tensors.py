"""Tensors, parameters, and what is asked of them: sizes, dtypes, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from vglint.graph import Init
from vglint.shape import Shape
from vglint.value import Expr, Literal_, Unknown

if TYPE_CHECKING:
    from vglint.interp.values.scopes import Site


class Ramp(Struct, frozen=True):
    """Entries that grow by `step` along the last dimension, the same in all others; a constant where `step` is 0."""

    start: int | float | Expr
    step: int | float


class Filled(NamedTuple):
    """Entries of a table of zeros that were written: how many, their sum and the sum of their squares. `sampled`: they stand for all of them."""

    number: int = 0
    total: float = 0.0
    square: float = 0.0
    sampled: bool = False


class TensorV(Struct, eq=False):
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
    filled: Filled | None = None
    """Entries that were written one by one while a model is built."""
    grad: bool = False
    """`requires_grad` was asked for explicitly."""
    part: Part | None = None
    """What it is a view of."""


class Part(Struct, frozen=True, eq=False):
    """The tensor whose memory a view shares, and the index that gives the view, where it is one."""

    whole: TensorV
    index: Literal_


class ParamV(Struct, eq=False):
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
    thawed: bool = False
    """The program froze it, and set `requires_grad` to True again."""
    """Where `requires_grad` was last set to False."""
    leaf: bool = False
    """A plain tensor that was made to require a gradient."""
    columns: tuple[tuple[range, Init], ...] = ()
    """The columns of a matrix that were written since anything else was, and what they are like."""


ROW = -1


class ParamView(Struct, frozen=True, eq=False):
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


class OpaqueV(Struct, eq=False):
    """A value that is not known but made from tensors: a call that is not modelled, arms that differ."""

    why: Unknown
    deps: tuple[int, ...]
    node: int | None = None
    site: Site | None = None
    region: int | None = None
    """Where the code ran that made it, which may have been under no_grad."""

    def part(self, site: Site | None) -> OpaqueV:
        """Returns something that is taken out of it, or made of it alone."""
        if self.node is None:
            return OpaqueV(self.why, self.deps, None, site, self.region)
        return OpaqueV(self.why, (self.node,), None, site)


class ShapeV(Struct, frozen=True):
    """`x.shape` of a tensor whose rank is not known, or that without its first `skip` and last `cut` sizes."""

    tensor: TensorV
    skip: int = 0
    cut: int = 0


class DtypeV(Struct, frozen=True, eq=False):
    """A dtype of torch; two spellings of one are equal."""

    name: str
    """Without its package: `float16`."""
    spelled: str = ""
    """As the program has it: `torch.half`."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DtypeV) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return f"torch.{self.name}"

    @property
    def floating(self) -> bool:
        return "float" in self.name

    @property
    def complex(self) -> bool:
        return self.name.startswith("complex")


FLOAT32 = DtypeV("float32", "torch.float32")
"""What torch makes parameters of."""


class DeviceV(Struct, frozen=True):
    """A device of torch by its name, `cuda:0`; '' for the one that the code runs on."""

    name: str = ""

    @property
    def index(self) -> int | None:
        _, _, number = self.name.partition(":")
        return int(number) if number.isdigit() else None
