"""The graph while it is being made: nodes, regions, gaps, the modules that were built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field

from vglint.given import Input
from vglint.graph import RegionKind, RegionRole
from vglint.interp.machine.context import Context
from vglint.interp.machine.journal import Called
from vglint.interp.machine.passes import Passes
from vglint.interp.values.objects import ClassV, External, FunctionV, ListV, ModuleV, ParamV, Site, Value, birth
from vglint.origin import Origin
from vglint.shape import Shape
from vglint.value import Expr, Literal_, Unknown


class Draft(Struct):
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


class RegionDraft(Struct):
    parent: int | None
    kind: RegionKind
    text: str
    arm: int = 0
    count: int | Expr | None = None
    site: Site | None = None
    born: int = field(default_factory=birth)
    every: int | None = None  # of a branch that is taken in one of so many turns, 0 where that is not known
    condition: int | None = None  # the node that a branch's condition is, or is computed from
    role: RegionRole | None = None
    switch: bool = False  # `set_grad_enabled` opened it, and a later call of it may close it
    carried: tuple[tuple[int, int], ...] = ()
    alias: int | None = None  # set when the region turned out to be none: its nodes belong to that one


class GraphDraft(Struct):
    """What one interpretation has made so far."""

    nodes: list[Draft] = field(default_factory=list)
    regions: list[RegionDraft] = field(default_factory=list)
    region: int = 0
    """The region that is open: nodes made now belong to it."""
    context: Context = field(default_factory=Context)
    """What is in force: the run's own."""
    gaps: dict[Origin, tuple[Unknown, Site | None]] = field(default_factory=dict)
    of_none: list[Site] = field(default_factory=list)
    """Where None was asked for an attribute or an entry, or computed with."""
    indexed: list[int] = field(default_factory=list)
    """How long lists of modules were that forward indexed by a number that is not known."""
    picked: list[tuple[Value, ...]] = field(default_factory=list)
    """The keys of tables of classes, functions or rows from which a key that is not known picks."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Inputs of which the program asked the "rank" or the "dtype", which are not known."""
    supposed: dict[str, Input] = field(default_factory=dict)
    """What is supposed of inputs, by name."""
    chosen: str = ""
    """What was taken of an argument that nobody gives: when `spatial_dims` is 2, when `heads` is not 1."""
    compared: list[str] = field(default_factory=list)
    """Comparisons of numbers that nobody gives, each as it is taken to be: `heads` is not 1."""
    modules: list[ModuleV] = field(default_factory=list)
    """Every module built, in order."""
    made_with: dict[int, tuple[ModuleV, list[Value], dict[str, Value]]] = field(default_factory=dict)
    """The arguments of each that is of a class of the program's, by its identity."""
    called: dict[str, Called | None] = field(default_factory=dict)
    """How the parts of a model are called for the first time, by the qualified name of their class; None where that cannot be told."""
    roots: dict[str, ModuleV] = field(default_factory=dict)
    passes: Passes = field(default_factory=Passes)
    given: dict[str, int] = field(default_factory=dict)
    """Nodes of the optimisers that training code gets as arguments, by name."""
    written: dict[int, tuple[ParamV, Site | None]] = field(default_factory=dict)
    """Where a parameter was last written, by its identity; each is held on to, so that no later one is taken for it."""
    late: dict[int, ParamV] = field(default_factory=dict)
    """Parameters, in the same way, that training code initialised when their model was built already."""
    constants: dict[tuple[int, tuple[int, ...]], ParamV | None] = field(default_factory=dict)
    """Tensors that were computed while modules were built, as forward finds them, by node and part."""
    made_on: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    """The device and dtype that a tensor which requires a gradient was made with, by node; None where the call names none."""
    labels: dict[tuple[int, tuple[int, ...]], str] = field(default_factory=dict)
    """The attribute that such a tensor was first stored in."""
    carries: dict[int, bool] = field(default_factory=dict)
    """Whether a gradient may pass through a node, as far as it was asked."""
    trained: bool = False
    """A backward pass has run."""
    assumed: bool = False
    """A configuration was made up of its class's defaults."""
    by_hand: bool = False
    """The code moves tensors against their gradients itself."""
    unzeroed: bool = False
    """It never sets a gradient to zero."""
    handed: set[int] = field(default_factory=set)
    """Nodes of the leaves that an optimiser gets."""
    asked_device: bool = False
    """A model asked which device it runs on."""
    asked_turn: bool = False
    """A condition of training code was decided by the number of the turn."""

    def has_trained(self, param: ParamV) -> bool:
        """Whether a backward pass has run behind a use of a parameter."""
        if not self.trained:
            return False
        last = next((number for number in reversed(range(len(self.nodes))) if self.nodes[number].op == "backward"), 0)
        return any(used is param for draft in self.nodes[:last] for _, used in draft.params)

    def note_init(self, param: ParamV, site: Site | None) -> None:
        """Notes where a parameter was written."""
        self.written[id(param)] = param, self.context.borrowed or site

    def init_site(self, param: ParamV) -> Site | None:
        """Returns where a parameter was last written."""
        known = self.written.get(id(param))
        return None if known is None else known[1]

    def is_of_forward(self, param: ParamV) -> bool:
        """Whether a parameter is of a layer that was built while forward ran."""
        made = (module for module in self.modules if module.in_forward)
        return any(each is param for module in made for each in module.parameters.values())

    def note_choice(self, keys: Iterable[Value], picked: Sequence[Value], *, rows: bool = False) -> None:
        """Notes that a key which is not known picks one of several classes or functions; or of several `rows` that say what is built."""
        kinds = (ClassV, FunctionV, External, *((tuple, ListV) if rows else ()))
        if len(picked) > 1 and all(isinstance(each, kinds) for each in picked):
            self.picked.append(tuple(keys))

    # ---- gaps

    def gap(self, cause: Origin, site: Site | None = None) -> Unknown:
        """Notes a gap that the graph rests on."""
        unknown = Unknown(cause)
        self.gap_of(unknown, site)
        return unknown

    def gap_of(self, unknown: Unknown, site: Site | None = None) -> None:
        self.gaps.setdefault(unknown.origin, (unknown, self.context.borrowed or site))

    # ---- regions

    def open_region(
        self, kind: RegionKind, text: str, site: Site | None = None, arm: int = 0, role: RegionRole | None = None
    ) -> int:
        """Opens a region inside the one that is open; `inside` around it closes it."""
        place = self.context.borrowed or site
        self.regions.append(RegionDraft(self.region, kind, text, arm, None, place, role=role))
        self.region = len(self.regions) - 1
        return self.region

    def leave(self, outer: int) -> None:
        """Goes back to the region of a call. A `set_grad_enabled` that the function left in force holds on there, as one does that it lifted."""
        last, self.region = self.region, outer
        if last == outer:
            return
        if self.regions[outer].switch and self.regions[outer].parent == last:
            self.region = last
        elif self.regions[last].switch and not self._holds(last, outer):
            left = self.regions[last]
            self.open_region(left.kind, left.text, left.site, role=left.role)
            self.regions[self.region].switch = True

    def _holds(self, outer: int, inner: int | None) -> bool:
        """Whether a region is another one or lies around it."""
        while inner is not None and inner != outer:
            inner = self.regions[inner].parent
        return inner is not None

    @contextmanager
    def inside(self, region: int) -> Iterator[int]:
        """Puts nodes into a region, and after it into the one that is open now."""
        outer, self.region = self.region, region
        try:
            yield region
        finally:
            self.region = outer

    @contextmanager
    def opened(
        self, kind: RegionKind, text: str, site: Site | None = None, arm: int = 0, role: RegionRole | None = None
    ) -> Iterator[int]:
        """Opens a region for what runs inside."""
        with self.inside(self.region):
            yield self.open_region(kind, text, site, arm, role)
