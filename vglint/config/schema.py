"""The shape of the configuration as it is written, and what is wrong with a table that has another."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from vglint.config.error import ConfigError
from vglint.nearest import nearest
from vglint.regex import regex
from vglint.rule import Confidence, Severity


class Tensor(msgspec.Struct, frozen=True, rename="kebab"):
    """A made-up tensor: normal numbers, or whole numbers from `low` to below `high`."""

    shape: Annotated[list[int], Meta(description="Its size in each dimension.")]
    dtype: Annotated[str, Meta(description="Its dtype, such as int64.")] = "float32"
    low: Annotated[int, Meta(description="The smallest number of an integer tensor.")] = 0
    high: Annotated[int, Meta(description="One more than the largest number of an integer tensor.")] = 2


TensorLike: TypeAlias = list[int] | Tensor | str


class Target(msgspec.Struct, frozen=True, rename="kebab"):
    """How the probe runs one model."""

    entry: Annotated[str, Meta(description="Which model: FILE:EXPR.")]
    args: Annotated[
        list[Any] | dict[str, Any], Meta(description="Arguments of the constructor, by position or by name.")
    ] = []
    inputs: Annotated[
        list[TensorLike],
        Meta(description="Arguments of forward: a shape, a tensor, or FILE:FUNCTION that returns one."),
    ] = []
    target: Annotated[TensorLike | None, Meta(description="What the loss compares the output with.")] = None
    loss: Annotated[str | None, Meta(description="The loss, such as cross_entropy.")] = None
    optimizer: Annotated[str | None, Meta(description="The optimiser, such as adam.")] = None
    lr: Annotated[float | None, Meta(description="The learning rate.")] = None
    steps: Annotated[int | None, Meta(description="How many training steps to run.")] = None
    seeds: Annotated[list[int], Meta(description="One run for each seed.")] = []
    device: Annotated[str | None, Meta(description="cpu, cuda or mps.")] = None
    factory: Annotated[
        str | None, Meta(description="A function of the file that returns (model, batch) or (model, batch, loss).")
    ] = None


class Inputs(msgspec.Struct, frozen=True, rename="kebab"):
    """The inputs of some models, where their sizes are to be known."""

    model: Annotated[
        str,
        Meta(
            description="Which models: a pattern of class names, or of FILE:EXPR, such as 'UNet*' or 'models/*.py:*'."
        ),
    ]
    inputs: Annotated[
        list[TensorLike] | dict[str, TensorLike],
        Meta(
            description="Arguments of forward, by place or by name: a shape, a tensor, or a text as --input takes it."
        ),
    ]


class Probe(msgspec.Struct, frozen=True, rename="kebab"):
    """Whether models are run, and within which limits."""

    enabled: Annotated[bool, Meta(description="Run the models in every call, as --probe does.")] = False
    timeout: Annotated[float, Meta(description="Seconds for one model.")] = 60.0
    memory: Annotated[int, Meta(description="MiB for one model.")] = 4096
    models: Annotated[
        Literal["all", "findings"], Meta(description="Which models to run: all, or those with findings.")
    ] = "all"
    fail_on: Annotated[
        Literal["findings", "confirmed"],
        Meta(description="Exit with 1 for every finding, or only for errors that the probe confirms."),
    ] = "findings"
    targets: Annotated[list[Target], Meta(description="How to run single models.")] = []


class Schema(msgspec.Struct, frozen=True, rename="kebab"):
    """The keys of `[tool.vglint]`."""

    extends: Annotated[
        str | list[str], Meta(description="Configuration files whose keys hold where this one does not set them.")
    ] = []
    select: Annotated[
        list[str] | None, Meta(description="Rules to run: ids (VG101), starts of ids (VG1), names, families, or ALL.")
    ] = None
    extend_select: Annotated[list[str], Meta(description="Rules to run beside the selected ones.")] = []
    ignore: Annotated[list[str], Meta(description="Rules not to run.")] = []
    fixable: Annotated[list[str] | None, Meta(description="Rules whose fixes are offered; by default all.")] = None
    unfixable: Annotated[list[str], Meta(description="Rules whose fixes are not offered.")] = []
    per_file_ignores: Annotated[
        dict[str, list[str]], Meta(description="Rules not to run in the files that a pattern matches.")
    ] = {}
    rules: Annotated[
        dict[str, dict[str, bool | int | float | str]],
        Meta(description="For each rule: severity, confidence, and the parameters that `vglint explain` lists."),
    ] = {}
    rule_dirs: Annotated[list[str], Meta(description="Folders of your own rules.")] = []
    min_severity: Annotated[
        Severity, Meta(description="The least severity that is shown, and that makes the exit status 1.")
    ] = "warning"
    min_confidence: Annotated[Confidence, Meta(description="The least confidence that is shown.")] = "medium"
    pedantic: Annotated[bool, Meta(description="Show findings of severity info too.")] = False
    exclude: Annotated[list[str], Meta(description="Paths to leave out: patterns as in .gitignore.")] = []
    extend_exclude: Annotated[list[str], Meta(description="Further paths to leave out.")] = []
    force_exclude: Annotated[
        bool, Meta(description="Leave excluded paths out even where they are named on the command line.")
    ] = False
    respect_gitignore: Annotated[bool, Meta(description="Leave out what git ignores.")] = True
    resolve: Annotated[list[str], Meta(description="Installed packages whose source is read too, such as timm.")] = []
    output_format: Annotated[
        str | list[str] | dict[str, str],
        Meta(
            description="How to print the report: FORMAT or FORMAT=FILE, one or several; or a table of formats and files."
        ),
    ] = []
    jobs: Annotated[int | None, Meta(description="How many processes to use; by default one for each processor.")] = (
        None
    )
    cache: Annotated[bool, Meta(description="Keep results until a file changes.")] = True
    cache_dir: Annotated[str | None, Meta(description="Where to keep them; by default .vglint_cache.")] = None
    baseline: Annotated[
        str | None, Meta(description="A file of known findings, which are not shown: --write-baseline makes it.")
    ] = None
    exit_zero: Annotated[bool, Meta(description="Exit with 0 whatever is found.")] = False
    inputs: Annotated[list[Inputs], Meta(description="Sizes of the inputs of models.")] = []
    probe: Annotated[Probe, Meta(description="The probe, which runs models.")] = Probe()


PATHS = ("rule-dirs", "cache-dir", "baseline")
"""Keys that hold paths, relative to the file."""


def json_schema() -> dict[str, object]:
    """Returns the JSON Schema of `vglint.toml`, which is that of `[tool.vglint]` too."""
    document = msgspec.json.schema(Schema)
    for definition in document["$defs"].values():
        if definition.get("type") == "object" and "properties" in definition:
            definition["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "vglint configuration", **document}


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
            said = nearest(key, fields) or (f": the keys are {', '.join(fields)}" if len(fields) <= _FEW else "")
            raise ConfigError(file, _dotted(*above, key), f"there is no such key{said}")
        _check(file, (*above, key), value, hints[fields[key].name])
    for key, field in fields.items():
        if field.required and key not in table:
            raise ConfigError(file, _dotted(*above), f"lacks the key {key!r}")


def _check(file: str, at: tuple[str, ...], value: object, hint: Any) -> None:
    """Raises ConfigError where `value` is not of the type, at the innermost key that is wrong."""
    arms = [arm for arm in _arms(hint) if arm is not type(None)]
    fitting = next((arm for arm in arms if _is_kind(value, arm)), None)
    if fitting is None:
        arms = [arm for arm in arms if arm is not int or float not in arms]
        *most, last = (_described(arm) for arm in arms)
        right = f"{', '.join(most)} or {last}" if most else last
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


_FEW = 10
"""Keys of a table that a message lists."""
_NOUNS: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
_PLURALS: dict[Any, str] = {str: "strings", int: "whole numbers", Target: "tables", Inputs: "tables"}


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


_BARE = regex(r"[\w.\[\]-]*\Z")


def _dotted(*keys: str) -> str:
    return ".".join(key if _BARE.match(key) else f'"{key}"' for key in keys)
