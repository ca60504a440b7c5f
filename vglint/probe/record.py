"""What a probe is asked and what it brings back: plain data that travels between processes as JSON."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct, field, to_builtins

from vglint.rule import Scalar

OptimizerName: TypeAlias = Literal["sgd", "adam", "adamw", "rmsprop"]


class Argument(Struct, frozen=True):
    """One tensor argument of `forward` as the graph knows it: None for an unknown rank or size; `tokens` below which indices lie."""

    name: str
    shape: tuple[int | None, ...] | None = None
    tokens: int | None = None


class Given(Struct, frozen=True):
    """One tensor that the user describes: of random numbers, or what `maker`, a `FILE:FUNCTION`, returns."""

    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    low: int = 0
    high: int = 2
    maker: str | None = None


class Limits(Struct, frozen=True):
    """Bounds of one probe's process: wall-clock seconds, bytes of address space, threads, bytes of one written file."""

    seconds: float = 120.0
    memory: int = 8 << 30
    threads: int = 1
    file_size: int = 64 << 20


class Request(Struct, frozen=True):
    """One model to probe.

    `expression` is evaluated among the names of `file` (relative to `root`); a class is built, a function called. `factory` names
    a function of the file that returns (model, batch) or (model, batch, loss) where nothing can be synthesised.
    `optimizers` are tried in turn, each with `rate` or its own default.
    """

    root: str
    file: str
    expression: str
    arguments: tuple[Argument, ...] = ()
    hosts: tuple[str, ...] = ()
    """Expressions of other models of the file that hold one of this class, for a class that needs arguments nobody knows."""
    factory: str | None = None
    loss: str | None = None
    optimizers: tuple[OptimizerName, ...] = ("sgd", "adam")
    rate: float | None = None
    steps: int = 60
    seeds: int = 2
    device: str = "cpu"
    overfit: bool = False
    """Also try to learn 16 samples by heart."""
    given: tuple[Given, ...] = ()
    """The batch's inputs where the user describes them all, and its target."""
    wanted: Given | None = None
    script: bool = False
    """The file trains as a script, which tells how its models are built and called."""
    options: dict[str, bool | int | float | str] = field(default_factory=dict)
    """The optimiser's other arguments."""
    training: bool = False
    """The expression is training code, a function or `<module>`: it runs as it is written, on made-up batches."""
    seconds: float = 60.0
    """What the runs may take together; slow models take fewer steps."""
    effort: float = 8.0
    """Seconds of processor time that the runs should take together; slow models take smaller batches."""


class Layer(Struct, frozen=True):
    """One call of one module at one step. Gradients are log10 of RMS values, None where there is none or it is exactly 0.

    `gradient` is ∂L/∂(output), `weight_gradient` that of the layer's weight; `moment` = E[x²] and `mean` of the output, `varied` =
    E[x²] − E[x_b x_b'] between samples; `dead` is the share of its input's units that are 0 on every sample (None for raw input).
    `quantiles` are the output's at 5, 25, 50, 75 and 95 % (weight layers only), `update` the size of the step relative to the weight.
    """

    path: str
    call: int
    type: str
    weighted: bool
    gradient: float | None
    weight_gradient: float | None
    moment: float
    mean: float
    varied: float | None
    dead: float | None
    feeds: bool = False
    quantiles: tuple[float, ...] = ()
    update: float | None = None
    frozen: bool = False
    """The weight wants no gradient, or is computed from something that is not known."""


class Squash(Struct, frozen=True):
    """One saturating call: where it ran, the share of its input beyond 5, and for attention the mean entropy of the worst head, which
    attention to one position has none of."""

    path: str
    line: int | None
    op: str
    saturated: float | None
    entropy: float | None


class Snapshot(Struct, frozen=True):
    """What was seen at one step."""

    step: int
    layers: tuple[Layer, ...]
    squashes: tuple[Squash, ...]
    update_ratio: float | None
    times: tuple[tuple[float, ...], ...] = ()
    """For each recurrent module: RMS gradient of its input at each time step."""


class Run(Struct, frozen=True):
    """One training: an optimiser, a seed, the losses of its steps, and its measures by the names that rules use."""

    optimizer: str
    rate: float
    seed: int
    losses: tuple[float, ...]
    snapshots: tuple[Snapshot, ...]
    measures: dict[str, Scalar]
    zero_parameters: tuple[str, ...] = ()
    nonfinite: str = ""
    """Module and line where NaN or infinity first appeared."""
    raised: str = ""
    seconds: float = 0.0


class Measured(Struct, frozen=True):
    """A probe that ran to its end; `synthesised` says in words what was made up."""

    parameters: int
    synthesised: tuple[str, ...]
    runs: tuple[Run, ...]
    seconds: float = 0.0
    models: tuple[str, ...] = ()
    """The classes of modules that training code trained."""


class Inconclusive(Struct, frozen=True):
    """A probe that says nothing about the model, and why."""

    reason: str
    output: str = ""
    """The end of what the code printed."""


Outcome: TypeAlias = "Measured | Inconclusive"


class Job(Struct, frozen=True):
    """One child to start: a folder with a request, seconds and bytes of memory that it and what it starts may take, and its environment."""

    number: int
    folder: str
    seconds: float
    memory: int
    environment: dict[str, str]


class Order(Struct, frozen=True):
    """What a child reads: the request and its limits."""

    request: Request
    limits: Limits


class Reply(Struct, frozen=True):
    """What the child writes: one of the two."""

    measured: Measured | None = None
    reason: str = ""


def to_json(value: Order | Reply | Measured) -> dict[str, Any]:
    return to_builtins(value)  # type: ignore[no-any-return]
