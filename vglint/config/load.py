"""Files to settings: the closest configuration above a file governs it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from msgspec import Struct, field
from msgspec.structs import replace

from vglint import disk
from vglint.config import schema
from vglint.config.error import ConfigError
from vglint.config.extends import with_bases
from vglint.config.settings import ProbeSettings, RuleSettings, Settings, Target, TensorSpec, Value
from vglint.config.toml import NotToml, read_bytes, table_of
from vglint.given import Input, ModelInputs, checked_dtype, checked_range, checked_size, parse_input
from vglint.rule import Confidence, Severity

MARKERS = ("vglint.toml", "pyproject.toml", "setup.cfg", ".git")
"""What the folder of a project holds."""
FILES = ("vglint.toml", "pyproject.toml")
"""Names of configuration files; the first that a folder has counts."""


def own_file() -> str | None:
    """Returns the user's own configuration, which governs the files that no other does; None where there is none."""
    folder = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if not os.path.isabs(folder):
        folder = os.path.join(os.path.expanduser("~"), ".config")
    file = os.path.join(folder, "vglint", "vglint.toml")
    return file if os.path.isfile(file) else None


def own() -> Settings:
    """Returns the settings of the user's own configuration, the defaults where there is none. Raises ConfigError."""
    file = own_file()
    settings = None if file is None else load(file)
    return replace(settings or Settings(), root=os.getcwd())


class Configuration(Struct):
    """The settings of each file of a run.

    `file` is a configuration that governs every file; with `isolated` no file is looked for. `overrides` are `Settings.merged`'s.
    """

    file: str | None = None
    isolated: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    _by_folder: dict[str, Settings] = field(default_factory=dict)

    def of(self, folder: str) -> Settings:
        """Returns the settings that hold in a folder. Raises ConfigError."""
        folder = os.path.abspath(folder)
        if folder not in self._by_folder:
            settings, project = self._of(folder), project_of(folder)
            is_same = settings.project == project
            self._by_folder[folder] = settings if is_same else replace(settings, project=project)
        return self._by_folder[folder]

    def of_file(self, path: str) -> Settings:
        """Returns the settings that hold for a file. Raises ConfigError."""
        return self.of(os.path.dirname(os.path.abspath(path)))

    def _of(self, folder: str) -> Settings:
        if self.file is not None or self.isolated:
            top = os.getcwd()
            if folder != top:
                return self.of(top)
            found = Settings(root=top) if self.file is None else load(self.file)
            return (found or Settings(root=top, file=self.file)).merged(**self.overrides)
        for name in FILES:
            file = os.path.join(folder, name)
            if os.path.isfile(file) and (settings := load(file)) is not None:
                return settings.merged(**self.overrides)
        above = os.path.dirname(folder)
        return own().merged(**self.overrides) if above == folder else self.of(above)


def project_of(folder: str) -> str:
    """Returns the project that an absolute folder belongs to; where nothing above it marks one, the current folder."""
    while not any(os.path.exists(os.path.join(folder, name)) for name in MARKERS):
        above = os.path.dirname(folder)
        if above == folder:
            return os.getcwd()
        folder = above
    return folder


def load(file: str) -> Settings | None:
    """Returns the settings of one file, None for a pyproject.toml without `[tool.vglint]`. Raises ConfigError."""
    found = _table(file)
    if found is None:
        return None
    shown, table = found
    whole = with_bases(shown, file, table, _table)
    return _settings(shown, os.path.dirname(os.path.abspath(file)), schema.checked(shown, whole))


def _table(file: str) -> tuple[str, Mapping[str, Any]] | None:
    """Returns the name that a file is shown by and its table, None for a pyproject.toml without one. Raises ConfigError."""
    is_pyproject = os.path.basename(file) == "pyproject.toml"
    try:
        content = read_bytes(file)
        if is_pyproject and b"vglint" not in content:
            return None
        table = table_of(content)
    except NotToml as error:
        raise ConfigError(_shown(file), "", str(error)) from None
    if is_pyproject:
        tool = table.get("tool")
        if not isinstance(tool, dict) or "vglint" not in tool:
            return None
        table = tool["vglint"]
        if not isinstance(table, dict):
            raise ConfigError(_shown(file), "tool.vglint", "must be a table")
    elif set(table) == {"tool"}:
        raise ConfigError(_shown(file), "tool", "keys stand at the top level of vglint.toml, not below [tool.vglint]")
    return _shown(file), table


def _shown(file: str) -> str:
    relative = os.path.relpath(file)
    return Path(file if relative.startswith("..") else relative).as_posix()


def _settings(file: str, root: str, raw: schema.Schema) -> Settings:
    return Settings(
        root=root,
        file=file,
        select=None if raw.select is None else tuple(raw.select),
        extend_select=tuple(raw.extend_select),
        fixable=None if raw.fixable is None else tuple(raw.fixable),
        unfixable=tuple(raw.unfixable),
        ignore=tuple(raw.ignore),
        per_file_ignores=tuple(
            (_pattern(file, f'per-file-ignores."{pattern}"', pattern), tuple(rules))
            for pattern, rules in raw.per_file_ignores.items()
        ),
        rules=tuple(_rule(file, rule, table) for rule, table in raw.rules.items()),
        rule_dirs=tuple(os.path.join(root, folder) for folder in raw.rule_dirs),
        min_severity=raw.min_severity,
        min_confidence=raw.min_confidence,
        pedantic=raw.pedantic,
        exclude=_patterns(file, "exclude", raw.exclude),
        extend_exclude=_patterns(file, "extend-exclude", raw.extend_exclude),
        force_exclude=raw.force_exclude,
        respect_gitignore=raw.respect_gitignore,
        resolve=tuple(raw.resolve),
        output_format=_outputs(file, root, raw.output_format),
        jobs=_within(file, "jobs", raw.jobs, 256),
        cache=raw.cache,
        cache_dir=None if raw.cache_dir is None else _below(file, "cache-dir", root, raw.cache_dir),
        baseline=None if raw.baseline is None else _below(file, "baseline", root, raw.baseline),
        exit_zero=raw.exit_zero,
        inputs=tuple(_inputs(file, number, one) for number, one in enumerate(raw.inputs)),
        probe=_probe(file, raw.probe),
    )


def _rule(file: str, rule: str, table: Mapping[str, bool | int | float | str]) -> RuleSettings:
    params = tuple((name, value) for name, value in table.items() if name not in ("severity", "confidence"))
    schema.check_value(file, f"rules.{rule}.severity", table.get("severity"), Severity | None)
    schema.check_value(file, f"rules.{rule}.confidence", table.get("confidence"), Confidence | None)
    severity, confidence = (
        cast("Severity | None", table.get("severity")),
        cast("Confidence | None", table.get("confidence")),
    )
    return RuleSettings(rule, severity, confidence, params)


def _patterns(file: str, key: str, lines: list[str]) -> tuple[str, ...]:
    for number, line in enumerate(lines):
        if (fault := pattern_fault(line)) is not None:
            raise ConfigError(file, f"{key}[{number}]", fault)
    return tuple(lines)


def _pattern(file: str, key: str, pattern: str) -> str:
    if (fault := pattern_fault(pattern)) is not None:
        raise ConfigError(file, key, fault)
    return pattern


def pattern_fault(pattern: str) -> str | None:
    """Returns what is wrong with a pattern of paths, None where it is one."""
    if pattern.strip() in ("", "!") or pattern.endswith("\\"):
        return f"is not a pattern: {pattern!r}"
    if re.search(r"\[(?![^\]/]+\])", re.sub(r"\\.", "", pattern)):
        return f"is not a pattern: {pattern!r} opens [ and does not close it"
    return None


def _outputs(file: str, root: str, raw: str | list[str] | dict[str, str]) -> tuple[tuple[str, str | None], ...]:
    if isinstance(raw, dict):
        pairs = [(name, "" if output == "-" else output) for name, output in raw.items()]
    else:
        parts = [one.partition("=") for one in ([raw] if isinstance(raw, str) else raw)]
        pairs = [(name, output) for name, _, output in parts]
    return tuple((name, _report(file, root, output) if output else None) for name, output in pairs)


_REPORTS = (".json", ".log", ".sarif", ".txt")
"""Endings of files that a configuration may have written: none of them is run, or read as settings, by a program that finds it."""


def _report(file: str, root: str, output: str) -> str:
    path = _below(file, "output-format", root, output)
    parts = os.path.relpath(path, root).split(os.sep)
    if not path.endswith(_REPORTS) or any(part.startswith(".") for part in parts):
        right = ", ".join(_REPORTS)
        what = f"{output!r} is no name of a report: it must end in {right}, and no part of it start with a dot"
        raise ConfigError(file, "output-format", f"{what} (--output-format may name any file)")
    return path


def _below(file: str, key: str, root: str, path: str) -> str:
    """Returns a path that the configuration names; raises ConfigError where it is not below the configuration's own folder, or leads
    through a link: a folder that somebody else wrote must not make vglint write elsewhere."""
    whole = os.path.normpath(os.path.join(root, path))
    if "\0" in path or not disk.is_below(whole, root):
        option = f"--{key} may name any"
        raise ConfigError(
            file, key, f"{path!r} is not below {_shown(root)}, the folder of the configuration ({option})"
        )
    if (link := disk.link_on(whole, root)) is not None:
        raise ConfigError(file, key, f"{path!r} leads through a link ({_shown(link)}), which is not followed")
    return whole


def _within(file: str, key: str, value: int | None, most: int) -> int | None:
    if value is not None and value < 1:
        raise ConfigError(file, key, f"must be at least 1, not {value}")
    if value is not None and value > most:
        raise ConfigError(file, key, f"must be at most {most}, not {value}")
    return value


_LONGEST = 86_400
"""Seconds, one day."""
_LARGEST = 1 << 20
"""MiB, one tebibyte."""


def _probe(file: str, raw: schema.Probe) -> ProbeSettings:
    _within(file, "probe.memory", raw.memory, _LARGEST)
    if not raw.timeout > 0:
        raise ConfigError(file, "probe.timeout", f"must be above 0 seconds, not {raw.timeout:g}")
    if raw.timeout > _LONGEST:
        raise ConfigError(file, "probe.timeout", f"must be at most {_LONGEST} seconds, not {raw.timeout:g}")
    targets = tuple(_target(target) for target in raw.targets)
    return ProbeSettings(raw.enabled, raw.timeout, raw.memory, raw.models, raw.fail_on, targets)


def _inputs(file: str, number: int, raw: schema.Inputs) -> ModelInputs:
    key = f"inputs[{number}]"
    if not raw.model.strip():
        raise ConfigError(file, f"{key}.model", "names no model")
    pairs = raw.inputs.items() if isinstance(raw.inputs, dict) else ((None, each) for each in raw.inputs)
    found = []
    for place, (name, tensor) in enumerate(pairs):
        try:
            found.append(_input(name, tensor))
        except ValueError as error:
            at = f"{key}.inputs[{place}]" if name is None else f"{key}.inputs.{name}"
            raise ConfigError(file, at, str(error)) from None
    return ModelInputs(raw.model.strip(), tuple(found))


def _input(name: str | None, raw: schema.TensorLike) -> Input:
    match raw:
        case str():
            given = parse_input(raw)
            return given if name is None else replace(given, name=name)
        case schema.Tensor():
            dtype = checked_dtype(raw.dtype)
            is_whole = "int" in dtype
            low, high = checked_range(raw.low, raw.high) if is_whole else (None, None)
            return Input(name, tuple(checked_size(size) for size in raw.shape), dtype, low, high)
        case _:
            return Input(name, tuple(checked_size(size) for size in raw))


def _target(raw: schema.Target) -> Target:
    pairs = raw.args.items() if isinstance(raw.args, dict) else ((None, value) for value in raw.args)
    return Target(
        entry=raw.entry,
        args=tuple((name, _value(value)) for name, value in pairs),
        inputs=tuple(_tensor(one) for one in raw.inputs),
        target=None if raw.target is None else _tensor(raw.target),
        loss=raw.loss,
        optimizer=raw.optimizer,
        lr=raw.lr,
        steps=raw.steps,
        seeds=tuple(raw.seeds),
        device=raw.device,
        factory=raw.factory,
    )


def _tensor(raw: schema.TensorLike) -> TensorSpec | str:
    match raw:
        case str():
            return raw
        case schema.Tensor():
            return TensorSpec(tuple(raw.shape), raw.dtype, raw.low, raw.high)
        case _:
            return TensorSpec(tuple(raw))


def _value(raw: object) -> Value:
    match raw:
        case list():
            return tuple(_value(item) for item in raw)
        case dict():
            return tuple((str(name), _value(item)) for name, item in raw.items())
        case bool() | int() | float() | str():
            return raw
        case _:
            return str(raw)  # TOML's dates and times
