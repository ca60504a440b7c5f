"""What the server and its worker, a process of its own, say to each other."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from vglint.config import Settings
from vglint.lint.outcome import Outcome
from vglint.span import Span


class Options(Struct, frozen=True):
    """The options of `vglint server`, which hold for every file; `overrides` are `Settings.merged`'s."""

    file: str | None = None
    isolated: bool = False
    overrides: tuple[tuple[str, object], ...] = ()


class Job(Struct, frozen=True):
    """Files to lint, the most urgent first. `texts` holds what is on the screen, by path; `folders` are those of the workspace.

    With `deep`, files that are not open and import what is wanted are linted too, and what was parsed is kept on the disk.
    """

    texts: tuple[tuple[str, bytes], ...]
    wanted: tuple[str, ...]
    folders: tuple[str, ...] = ()
    deep: bool = False
    options: Options = field(default_factory=Options)


class Linted(Struct, frozen=True):
    """One file's outcome, the settings that hold there, the files that its imports led to, directly or not, and the ids of the
    rules that are the project's own."""

    path: str
    outcome: Outcome
    settings: Settings
    sources: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


class Layer(Struct, frozen=True):
    """One layer or operation: what flows through it at initialisation, in words; empty where it is not known.

    `signal` is the second moment of its output, `gain` what it does to the gradient on its way back, `gradient` the gradient at its
    output relative to that at the layer `last`. In a cell of a notebook, the lines of `span` count in the cell.
    """

    entry: str
    path: str
    text: str
    shape: str
    signal: str
    gain: str
    gradient: str
    last: str
    span: Span
    cell: int | None = None
    is_leaf: bool = False


class Model(Struct, frozen=True):
    """One model and what is said above its class."""

    entry: str
    name: str
    span: Span
    cell: int | None
    text: str


class Described(Struct, frozen=True):
    """The models and layers of a file."""

    path: str
    models: tuple[Model, ...] = ()
    layers: tuple[Layer, ...] = ()


class Fault(Struct, frozen=True):
    """A mistake in the configuration that governs `path`, or in one of its rules: `line` and `columns` count from 1; `file` is
    empty where it stands in no TOML file."""

    path: str
    file: str
    message: str
    line: int = 1
    columns: tuple[int, int] = (1, 1)


Ending: TypeAlias = Literal["done", "cancelled", "lost"]


class Ended(Struct, frozen=True):
    """The last message of a job."""

    how: Ending


class Ready(Struct, frozen=True):
    """The worker's first message: it takes jobs, and heeds a signal."""


Message: TypeAlias = "Linted | Described | Fault | Ended | Ready"
