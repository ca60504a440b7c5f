"""What the server and its worker, a process of its own, say to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vglint.config import Settings
from vglint.lint.outcome import Outcome
from vglint.span import Span


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `vglint server`, which hold for every file; `overrides` are `Settings.merged`'s."""

    file: str | None = None
    isolated: bool = False
    overrides: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Files to lint, the most urgent first. `texts` holds what is on the screen, by path; `folders` are those of the workspace.

    With `deep`, files that are not open and import what is wanted are linted too, and what was parsed is kept on the disk.
    """

    texts: tuple[tuple[str, bytes], ...]
    wanted: tuple[str, ...]
    folders: tuple[str, ...] = ()
    deep: bool = False
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Linted:
    """One file's outcome, the settings that hold there, the files that its imports led to, directly or not, and the ids of the
    rules that are the project's own."""

    path: str
    outcome: Outcome
    settings: Settings
    sources: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Layer:
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


@dataclass(frozen=True, slots=True)
class Model:
    """One model and what is said above its class."""

    entry: str
    name: str
    span: Span
    cell: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Described:
    """The models and layers of a file."""

    path: str
    models: tuple[Model, ...] = ()
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in the configuration that governs `path`, or in one of its rules: `line` and `columns` count from 1; `file` is
    empty where it stands in no TOML file."""

    path: str
    file: str
    message: str
    line: int = 1
    columns: tuple[int, int] = (1, 1)


Ending: TypeAlias = Literal["done", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message of a job."""

    how: Ending


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker's first message: it takes jobs, and heeds a signal."""


Message: TypeAlias = "Linted | Described | Fault | Ended | Ready"
