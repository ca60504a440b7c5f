"""The graph that PyTorch would execute, read from source.

    graph     = entry, nodes, parameters, modules, regions, gaps, outputs
    node      = index, op, inputs (indices of earlier nodes), config, path, type, params, shape, span, region
    parameter = path, shape, init, trainable, span
    module    = path, type, span, registered
    region    = index, parent, kind, text, arm, count, span

Nodes stand in execution order; a node names only earlier nodes. A leaf module that runs twice has two nodes with the
same path. A graph is built once and never annotated: an analysis returns a table beside it, by node index.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from vglint.shape import Shape, shape_text
from vglint.span import Span
from vglint.value import Expr, Literal_, Unknown

Config: TypeAlias = tuple[tuple[str, Literal_], ...]
"""An op's arguments that are not tensors, by torch's names, defaults filled in, in signature order."""


class Init(Struct, frozen=True):
    """How a parameter is filled before training.

    `scheme` is the name of torch's initialiser without its underscore (`kaiming_uniform`, `normal`, `zeros`, `orthogonal`, …),
    `unknown` (something wrote to it that could not be followed) or `uninitialised` (`torch.empty` that nothing fills).
    `args` are the initialiser's arguments by name with defaults filled in; `scale` multiplies the result
    (`torch.randn(a, b) * 0.02`); `span` is the place that wrote last, None for a layer's own default.
    `blocks` > 1: the scheme was applied to that many equal blocks along dimension 0 one by one (per-gate init).
    """

    scheme: str
    args: Config = ()
    scale: float = 1.0
    span: Span | None = None
    blocks: int = 1
    parts: tuple[tuple[int, int, Init], ...] = ()
    """Ranges of dimension 0 that were written to afterwards (a forget gate's bias): start, stop, how."""

    def __str__(self) -> str:
        args = ", ".join(f"{name}={_text(value)}" for name, value in self.args)
        text = f"{self.scheme}({args})" if args else self.scheme
        text = text if self.scale == 1.0 else f"{text} * {self.scale:g}"
        return "; ".join([text, *(f"[{start}:{stop}] {part}" for start, stop, part in self.parts)])


class Parameter(Struct, frozen=True):
    """A tensor that training moves (or a buffer: `trainable` False), by its first `named_parameters()` path."""

    path: str
    shape: Shape | None
    init: Init
    trainable: bool = True
    buffer: bool = False
    span: Span | None = None
    anew: bool = False
    """Forward makes it at every call."""
    late: bool = False
    """Training code initialises it, after its model was built."""
    frozen: Span | None = None
    """Where the program last set `requires_grad` to False; None where it did not, or set it to True afterwards."""
    registered: bool = True
    """A module lists it in `parameters()` or `buffers()`; False for one in a plain list, or a tensor computed from one."""
    leaf: bool = False
    """A plain tensor of which the program says that it requires a gradient."""
    made: int = 0
    """The region in which its module was built."""
    thawed: bool = False
    """The program froze it, and set `requires_grad` to True again."""


class ModuleInfo(Struct, frozen=True):
    """One module instance: `path` as `named_modules()` would print it, `type` its qualified class name.

    `registered` is False for a module that hides from `parameters()` (kept in a plain list or dict, or built in forward).
    `called` counts how often forward ran it; `children` are paths. `anew`: forward builds it at every call, whether it keeps
    it or not.
    """

    path: str
    type: str
    span: Span
    registered: bool = True
    called: int = 0
    children: tuple[str, ...] = ()
    anew: bool = False


RegionKind: TypeAlias = Literal["loop", "branch", "no_grad", "grad", "autocast", "handler", "function"]
RegionRole: TypeAlias = Literal[
    "trainer",  # of a loop: a trainer takes its turns, and steps the optimiser
    "modules",  # of a loop: each turn is about a module of its own
    "one_turn",  # of a branch: it is taken in a single turn of the loop around it
    "gradient_norm",  # of a branch: its condition is computed from the norm of the gradients
    "float16",  # of autocast: what it computes in
    "bfloat16",
    "float32",
    "any_dtype",  # its dtype is no literal
]
"""What a region is more exactly."""


class Region(Struct, frozen=True):
    """A stretch of control flow around nodes: a loop that could not be unrolled, one arm of an unknown branch, no_grad…

    Region 0 is the whole entry. `arm` tells branches of one `if` apart (same span, same text). `count` is a loop's number of turns where known.
    """

    index: int
    parent: int | None
    kind: RegionKind
    text: str
    arm: int = 0
    count: int | Expr | None = None
    span: Span | None = None
    every: int | None = None
    """Of a branch that is taken in one of so many turns of a loop: how many, 0 where the number is not known; None for other branches."""
    condition: int | None = None
    """Of a branch: the node that its condition is, or is computed from, where it is one of the graph's."""
    role: RegionRole | None = None
    carried: tuple[tuple[int, int], ...] = ()
    """Of a loop that was walked once: what each turn hands to the next, as the node that a turn starts from and the node that the next takes in its place."""


class Node(Struct, frozen=True):
    """One executed operation, in program order."""

    index: int
    op: str
    inputs: tuple[int, ...]
    config: Config
    path: str
    """Module path: of the leaf module itself when `type` is set, else of the module whose forward runs this op."""
    type: str | None
    params: tuple[tuple[str, int], ...]
    """Own parameters by torch's name (`weight`, `bias`, `weight_ih_l0`), as indices into `Graph.parameters`."""
    shape: Shape | None
    span: Span
    region: int = 0

    def get(self, name: str) -> Literal_:
        """Returns the configured value of `name`, None where the op has none of that name."""
        for key, value in self.config:
            if key == name:
                return value
        return None

    def __str__(self) -> str:
        config = "".join(f", {name}={_text(value)}" for name, value in self.config)
        inputs = ", ".join(f"%{index}" for index in self.inputs)
        return f"%{self.index} = {self.op}({inputs}{config}) {shape_text(self.shape)} {self.path}".rstrip()


class Graph(Struct, frozen=True):
    """The operations of one entry. `outputs` are the nodes that forward returns, by name (`0`, `1`, `logits`, …)."""

    entry: str
    kind: Literal["class", "function", "training", "expression"]
    span: Span
    nodes: tuple[Node, ...]
    parameters: tuple[Parameter, ...]
    modules: tuple[ModuleInfo, ...]
    regions: tuple[Region, ...]
    gaps: tuple[Unknown, ...]
    outputs: tuple[tuple[str, int], ...]
    assumed: bool = False
    """Its sizes are those of a configuration that nobody gave: one object of its annotated class, with all defaults."""
    optimizers: tuple[str, ...] = ()
    """The optimisers (`SGD`) that the program gives the parameters of this model to, where it is one that training code makes."""
    world: str = ""
    """The one thing that is other than its definition says (`when `max_norm` is given`), or the device; empty where nothing is."""
    alternative: bool = False
    """Another graph shows the entry as its definition says."""
    steps_outside: bool = False
    """It is a function that other code of its file calls or hands on, and a step of an optimiser stands outside of it."""

    def __post_init__(self) -> None:
        count = len(self.parameters)
        for position, node in enumerate(self.nodes):
            if node.index != position:
                raise ValueError(f"node {position} is numbered {node.index}")
            for source in node.inputs:
                if not 0 <= source < position:
                    raise ValueError(f"node {position} reads a node that is not before it: {node.inputs}")
            for _, param in node.params:
                if not 0 <= param < count:
                    raise ValueError(f"node {position} names a parameter that does not exist: {node.params}")
            if not 0 <= node.region < len(self.regions):
                raise ValueError(f"node {position} lies in region {node.region}, which does not exist")
        if any(not 0 <= index < len(self.nodes) for _, index in self.outputs):
            raise ValueError(f"outputs name a node that does not exist: {self.outputs}")

    @property
    def root(self) -> str:
        """The qualified name of the class that the entry builds; empty where it builds none."""
        return next((module.type for module in self.modules if not module.path), "")

    def __str__(self) -> str:
        lines = [str(node) for node in self.nodes]
        lines += [f"! {gap}" for gap in self.gaps]
        return "\n".join(lines)


def distinct(graphs: Iterable[Graph]) -> tuple[Graph, ...]:
    """Returns graphs without the training code that runs the same as one before: a script that calls `main()` is one loop with it."""
    found: list[Graph] = []
    seen = set()
    for graph in graphs:
        runs = tuple((node.op, node.path, node.inputs, node.span) for node in graph.nodes)
        if graph.kind != "training" or runs not in seen:
            found.append(graph)
        if graph.kind == "training":
            seen.add(runs)
    return tuple(found)


def _text(value: Literal_) -> str:
    if isinstance(value, (Expr, Unknown)):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_text(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    return repr(value)
