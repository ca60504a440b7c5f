"""Everything that a user can set, checked, with its default."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from vglint.given import ModelInputs
from vglint.nearest import nearest
from vglint.rule import Confidence, Scalar, Severity

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | tuple[tuple[str, Value], ...]"
"""A value of TOML: arrays are tuples, tables are tuples of pairs."""


class RuleSettings(Struct, frozen=True):
    """`[tool.vglint.rules.VG101]`: `rule` is an id or a name; `params` are checked against the rule when rules are loaded."""

    rule: str
    severity: Severity | None = None
    confidence: Confidence | None = None
    params: tuple[tuple[str, Scalar], ...] = ()


class TensorSpec(Struct, frozen=True):
    """A random tensor: `[4, 3, 32, 32]`, or `{shape = [4, 16], dtype = "int64", high = 1000}`; integers lie in low <= x < high."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    low: int = 0
    high: int = 2


class Target(Struct, frozen=True):
    """`[[tool.vglint.probe.targets]]`: how one entry is built, fed and trained when it is probed.

    `entry` is `FILE:EXPR`; `args` are the constructor's arguments, each with its name or None; `inputs` are in the order of
    forward's arguments. A text in place of a tensor is `FILE:FUNCTION`, which returns it.
    """

    entry: str
    args: tuple[tuple[str | None, Value], ...] = ()
    inputs: tuple[TensorSpec | str, ...] = ()
    target: TensorSpec | str | None = None
    loss: str | None = None
    optimizer: str | None = None
    lr: float | None = None
    steps: int | None = None
    seeds: tuple[int, ...] = ()
    device: str | None = None
    factory: str | None = None
    """A function of the file that returns (model, batch) or (model, batch, loss), where nothing of it can be made up."""


class ProbeSettings(Struct, frozen=True):
    """`[tool.vglint.probe]`: whether models are run, and within which limits."""

    enabled: bool = False
    """Counts in the user's own configuration only: a repository must not have its code run by whoever looks at it."""
    timeout: float = 60.0
    """Seconds for one entry."""
    memory: int = 4096
    """MiB for one entry."""
    models: Literal["all", "findings"] = "all"
    """Which models are run: every one, or those that findings lie in."""
    fail_on: Literal["findings", "confirmed"] = "findings"
    """What a probed run exits with 1 for: every finding, or only errors that the probe confirms."""
    targets: tuple[Target, ...] = ()


class Settings(Struct, frozen=True):
    """Everything that a user can set, with its default. Selectors are ids, names or families."""

    root: str = "."
    """The folder that globs and relative paths start from: the configuration file's."""
    file: str | None = None
    project: str = ""
    """The folder that imports start from: the closest with a configuration, pyproject.toml, setup.cfg or .git."""
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fixable: tuple[str, ...] | None = None
    unfixable: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rules: tuple[RuleSettings, ...] = ()
    rule_dirs: tuple[str, ...] = ()
    min_severity: Severity = "warning"
    min_confidence: Confidence = "medium"
    pedantic: bool = False
    exclude: tuple[str, ...] = ()
    extend_exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    respect_gitignore: bool = True
    resolve: tuple[str, ...] = ()
    output_format: tuple[tuple[str, str | None], ...] = ()
    """Formats with the file each goes to, None for standard output."""
    jobs: int | None = None
    cache: bool = True
    cache_dir: str | None = None
    baseline: str | None = None
    """A file of findings that are known and not shown; an empty text is none."""
    exit_zero: bool = False
    inputs: tuple[ModelInputs, ...] = ()
    probe: ProbeSettings = ProbeSettings()

    def merged(self, **overrides: Any) -> Settings:
        """Returns the settings with each override that is not None in place; `extend_*` and `ignore` are added to."""
        known = frozenset(self.__struct_fields__)
        changes: dict[str, Any] = {}
        for name, value in overrides.items():
            if name not in known:
                raise TypeError(f"there is no setting {name!r}{nearest(name, known)}")
            if value is None:
                continue
            added = name in ("extend_select", "extend_exclude", "ignore", "unfixable", "per_file_ignores")
            changes[name] = (*getattr(self, name), *value) if added else value
        return replace(self, **changes)

    @property
    def top(self) -> str:
        """The project's folder."""
        return self.project or self.root

    @property
    def excluded(self) -> tuple[str, ...]:
        return (*self.exclude, *self.extend_exclude)
