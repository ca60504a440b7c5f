"""Settings as TOML: what holds for a file once every configuration and option has been read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from msgspec.structs import asdict, replace

from vglint.config.settings import ProbeSettings, RuleSettings, Settings, Target, TensorSpec
from vglint.given import ModelInputs


def settings_toml(settings: Settings) -> str:
    """Returns the settings as the text of a vglint.toml that means the same; what is not set stands in a comment."""
    lines = [f"# from {settings.file or 'no configuration file'}; the project is {settings.top}"]
    for name, value in _plain(settings):
        lines.append(f"# {name} is not set" if value is None else f"{name} = {_text(value)}")
    if settings.per_file_ignores:
        lines += ["", "[per-file-ignores]"]
        lines += [f"{_text(pattern)} = {_text(rules)}" for pattern, rules in settings.per_file_ignores]
    for rule in settings.rules:
        lines += ["", f"[rules.{rule.rule}]", *(f"{name} = {_text(value)}" for name, value in _rule(rule))]
    for each in settings.inputs:
        lines += ["", "[[inputs]]", f"model = {_text(each.model)}", f"inputs = {_text(_described(each))}"]
    lines += ["", "[probe]"]
    probe = [name for name in ProbeSettings.__struct_fields__ if name != "targets"]
    lines += [f"{_key(name)} = {_text(getattr(settings.probe, name))}" for name in probe]
    for target in settings.probe.targets:
        lines += ["", "[[probe.targets]]", *(f"{name} = {_text(value)}" for name, value in _target(target))]
    return "\n".join(lines) + "\n"


_ELSEWHERE = frozenset({"root", "file", "project", "per_file_ignores", "rules", "inputs", "probe"})


def _plain(settings: Settings) -> Iterator[tuple[str, object]]:
    for name, value in asdict(settings).items():
        if name == "output_format":
            yield _key(name), [form if file is None else f"{form}={file}" for form, file in settings.output_format]
        elif name not in _ELSEWHERE:
            yield _key(name), value


def _rule(rule: RuleSettings) -> Iterator[tuple[str, object]]:
    for name in ("severity", "confidence"):
        if getattr(rule, name) is not None:
            yield name, getattr(rule, name)
    yield from rule.params


def _described(each: ModelInputs) -> list[str] | dict[str, str]:
    """Returns inputs as `--input` takes them, by name where all have one."""
    if each.inputs and all(one.name is not None for one in each.inputs):
        return {str(one.name): str(replace(one, name=None)) for one in each.inputs}
    return [str(one) for one in each.inputs]


def _target(target: Target) -> Iterator[tuple[str, object]]:
    for name, value in asdict(target).items():
        if value is None or value == ():
            continue
        if name == "args":
            yield "args", dict(value) if value[0][0] is not None else [one for _, one in value]
        else:
            yield _key(name), value


def _key(name: str) -> str:
    return name.replace("_", "-")


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            return "{ " + ", ".join(f"{_text(name)} = {_text(item)}" for name, item in value.items()) + " }"
        case TensorSpec():
            return _text(asdict(value))
        case _:
            # a TOML string may hold what a JSON string may, but for the escape of a slash, which json does not write
            return json.dumps(os.fspath(value) if isinstance(value, os.PathLike) else str(value), ensure_ascii=False)
