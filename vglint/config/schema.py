"""The shape of the configuration as it is written, and what is wrong with a table that has another."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from vglint.config.error import ConfigError
from vglint.nearest import nearest
from vglint.rule import Confidence, Severity


class Tensor(msgspec.Struct, frozen=True, rename="kebab"):
    shape: list[int]
    dtype: str = "float32"
    low: int = 0
    high: int = 2


TensorLike: TypeAlias = list[int] | Tensor | str


class Target(msgspec.Struct, frozen=True, rename="kebab"):
    entry: str
    args: list[Any] | dict[str, Any] = []
    inputs: list[TensorLike] = []
    target: TensorLike | None = None
    loss: str | None = None
    optimizer: str | None = None
    lr: float | None = None
    steps: int | None = None
    seeds: list[int] = []
    device: str | None = None
    factory: str | None = None


class Probe(msgspec.Struct, frozen=True, rename="kebab"):
    enabled: bool = False
    timeout: float = 60.0
    memory: int = 4096
    models: Literal["all", "findings"] = "all"
    fail_on: Literal["findings", "confirmed"] = "findings"
    targets: list[Target] = []


class Schema(msgspec.Struct, frozen=True, rename="kebab"):
    """The keys of `[tool.vglint]`."""

    select: list[str] | None = None
    extend_select: list[str] = []
    ignore: list[str] = []
    per_file_ignores: dict[str, list[str]] = {}
    rules: dict[str, dict[str, bool | int | float | str]] = {}
    rule_dirs: list[str] = []
    min_severity: Severity = "warning"
    min_confidence: Confidence = "medium"
    pedantic: bool = False
    exclude: list[str] = []
    extend_exclude: list[str] = []
    force_exclude: bool = False
    respect_gitignore: bool = True
    resolve: list[str] = []
    output_format: str | list[str] | dict[str, str] = []
    jobs: int | None = None
    cache: bool = True
    cache_dir: str | None = None
    exit_zero: bool = False
    probe: Probe = Probe()


def checked(file: str, table: Mapping[str, Any]) -> Schema:
    """Returns the table as a schema. Raises ConfigError at the first key that is unknown or holds what it should not."""
    _check_struct(file, (), table, Schema)
    try:
        return msgspec.convert(table, Schema)
    except msgspec.ValidationError as error:  # what the walk above has no words for
        raise ConfigError(file, "", str(error)) from None


def check_value(file: str, key: str, value: object, hint: Any) -> None:
    """Raises ConfigError where a value, unless it is None, is not of the type."""
    if value is not None:
        _check(file, (key,), value, hint)


def _check_struct(file: str, above: tuple[str, ...], table: Mapping[str, Any], struct: type[msgspec.Struct]) -> None:
    hints = get_type_hints(struct)
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            raise ConfigError(file, _dotted(*above, key), f"there is no such key{nearest(key, fields)}")
        _check(file, (*above, key), value, hints[fields[key].name])
    for key, field in fields.items():
        if field.required and key not in table:
            raise ConfigError(file, _dotted(*above), f"lacks the key {key!r}")


def _check(file: str, at: tuple[str, ...], value: object, hint: Any) -> None:
    """Raises ConfigError where `value` is not of the type, at the innermost key that is wrong."""
    arms = [arm for arm in _arms(hint) if arm is not type(None)]
    fitting = next((arm for arm in arms if _is_kind(value, arm)), None)
    if fitting is None:
        right = " or ".join(_described(arm) for arm in arms)
        options = [option for arm in arms if get_origin(arm) is Literal for option in get_args(arm)]
        close = nearest(value, options) if isinstance(value, str) else ""
        raise ConfigError(file, _dotted(*at), f"must be {right}, not {_shown(value)}{close}")
    if fitting is Any:
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(file, (*at[:-1], f"{at[-1]}[{number}]"), item, get_args(fitting)[0])
    elif isinstance(value, dict):
        if isinstance(fitting, type) and issubclass(fitting, msgspec.Struct):
            _check_struct(file, at, value, fitting)
        else:
            for key, item in value.items():
                _check(file, (*at, key), item, get_args(fitting)[1])


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _is_kind(value: object, arm: Any) -> bool:
    origin = get_origin(arm) or arm
    if arm is Any:
        return True
    if origin is Literal:
        return value in get_args(arm)
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return isinstance(value, dict)
    if isinstance(value, bool):
        return arm is bool
    if arm is float:
        return isinstance(value, (int, float))
    return isinstance(value, origin)


def _described(arm: Any) -> str:
    match get_origin(arm) or arm:
        case origin if origin is Literal:
            return "one of " + ", ".join(repr(option) for option in get_args(arm))
        case origin if origin is list:
            return f"an array of {_PLURALS.get(get_args(arm)[0], 'values')}"
        case origin if origin is dict or issubclass(origin, msgspec.Struct):
            return "a table"
        case origin:
            return _NOUNS[origin]


_NOUNS: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
_PLURALS: dict[Any, str] = {str: "strings", int: "whole numbers", Target: "tables"}


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return repr(value)
        case list():
            return "an array"
        case dict():
            return "a table"
        case _:
            return f"a {type(value).__name__}"


_BARE = re.compile(r"[\w.\[\]-]*\Z")


def _dotted(*keys: str) -> str:
    return ".".join(key if _BARE.match(key) else f'"{key}"' for key in keys)
