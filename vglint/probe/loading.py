"""Imports the user's file and builds the model that an expression names."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

GUESSES: dict[str, object] = {
    "in_channels": 3,
    "input_channels": 3,
    "in_chans": 3,
    "n_channels": 3,
    "img_ch": 3,
    "in_planes": 32,
    "inplanes": 32,
    "planes": 32,
    "out_planes": 32,
    "n_class": 10,
    "num_class": 10,
    "in_ch": 3,
    "channels": 32,
    "num_classes": 10,
    "n_classes": 10,
    "nclass": 10,
    "out_channels": 10,
    "out_ch": 10,
    "num_outputs": 10,
    "output_size": 10,
    "output_dim": 10,
    "out_dim": 10,
    "out_features": 10,
    "action_dim": 4,
    "n_actions": 4,
    "state_dim": 16,
    "obs_dim": 16,
    "input_size": 32,
    "input_dim": 32,
    "in_dim": 32,
    "in_features": 32,
    "n_features": 32,
    "hidden_size": 64,
    "hidden_dim": 64,
    "hidden": 64,
    "d_model": 64,
    "dim": 64,
    "embed_dim": 64,
    "embedding_dim": 64,
    "emb_dim": 64,
    "emb_size": 64,
    "width": 64,
    "latent_dim": 16,
    "z_dim": 16,
    "num_layers": 2,
    "n_layers": 2,
    "depth": 4,
    "layers": 2,
    "num_heads": 4,
    "n_heads": 4,
    "nhead": 4,
    "heads": 4,
    "vocab_size": 100,
    "vocab": 100,
    "n_vocab": 100,
    "num_tokens": 100,
    "n_tokens": 100,
    "ntoken": 100,
    "num_embeddings": 100,
    "dropout": 0.0,
    "image_size": 32,
    "img_size": 32,
    "patch_size": 4,
    "kernel_size": 3,
    "seq_len": 16,
    "max_len": 64,
    "block_size": 64,
}
"""What a constructor's argument without a default is given, by its usual names."""


class NeedsArgumentError(TypeError):
    """Something needs an argument that nothing gives; the text says which."""


def module_path(source: Path, file: str) -> Path:
    """Returns the place of `file` in the copied tree, from which its own imports are found afterwards."""
    path = source / file
    sys.path[:] = dict.fromkeys([*map(str, (_top(path, source), path.parent, source, source / "src")), *sys.path])
    return path


def load(source: Path, file: str) -> ModuleType:
    """Imports `file` of the copied tree under the name that its packages give it."""
    path = source / file
    top = _top(path, source)
    sys.path[:] = dict.fromkeys([*map(str, (top, source, source / "src")), *sys.path])
    name = ".".join(path.relative_to(top).with_suffix("").parts)
    try:
        return importlib.import_module(name.removesuffix(".__init__"))
    except ImportError as error:
        if "relative import" not in str(error):
            raise
        return importlib.import_module(".".join(path.relative_to(source).with_suffix("").parts))


def _top(path: Path, source: Path) -> Path:
    """Returns the folder that the outermost package of a file lies in."""
    top = path.parent
    while (top / "__init__.py").exists() and top != source:
        top = top.parent
    return top


def build(module: ModuleType, expression: str, notes: list[str], hosts: Sequence[str] = ()) -> nn.Module:
    """Evaluates the expression among the file's names; builds a class and calls a function that it yields.

    A class whose arguments nobody knows is taken from the first of `hosts` that holds one.
    """
    value = eval(expression, dict(vars(module)))
    if inspect.isclass(value) and hosts and _needs(value):
        held = _held(module, value, hosts, notes)
        if held is not None:
            return held
    if inspect.isclass(value) or (callable(value) and not isinstance(value, nn.Module)):
        value = _called(value, notes)
    if isinstance(value, (tuple, list)):
        value = next((item for item in value if isinstance(item, nn.Module)), value)
    if not isinstance(value, nn.Module):
        raise TypeError(f"{expression} is a {type(value).__name__}, not an nn.Module")
    return value


def _needs(kind: type) -> bool:
    """Says whether a class has arguments without a default."""
    return any(
        parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in inspect.signature(kind).parameters.values()
    )


def _held(module: ModuleType, kind: type, hosts: Sequence[str], notes: list[str]) -> nn.Module | None:
    for host in hosts:
        try:
            model = build(module, host, [])
        except Exception:  # what cannot be built holds nothing
            continue
        found = next((part for part in model.modules() if type(part) is kind), None)
        if found is not None:
            notes.append(f"the {kind.__name__} of {host}")
            return found
    return None


def _called(make: Callable[..., Any], notes: list[str]) -> object:
    arguments: dict[str, object] = {}
    for parameter in inspect.signature(make).parameters.values():
        if parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            continue
        value = _made_up(make, parameter)
        if value is None:
            raise NeedsArgumentError(
                f"{getattr(make, '__name__', make)} needs {parameter.name!r}: give it in the expression, as {getattr(make, '__name__', 'f')}({parameter.name}=…)"
            )
        arguments[parameter.name] = value
    if arguments:
        notes.append("arguments made up: " + ", ".join(f"{name}={_short(value)}" for name, value in arguments.items()))
    return make(**arguments)


def _short(value: object) -> str:
    plain = isinstance(value, (int, float, str, list, tuple))
    return repr(value) if plain else f"{type(value).__name__}()"


def _made_up(make: Callable[..., Any], parameter: inspect.Parameter) -> object:
    """Returns a value for an argument: by its name, its type, a configuration that the file defines, or the end of its name."""
    value = GUESSES.get(parameter.name, guess(parameter.annotation))
    if value is None:
        value = _configuration(make, parameter)
    if value is None and parameter.annotation in (parameter.empty, int, "int"):
        words = parameter.name.split("_")
        ends = ["_".join(words[start:]) for start in range(1, len(words))]
        starts = ["_".join(words[:stop]) for stop in range(len(words) - 1, 0, -1)]
        value = next((GUESSES[part] for part in [*ends, *starts] if part in GUESSES), None)
    return value


def _configuration(make: Callable[..., Any], parameter: inspect.Parameter) -> object:
    """Returns an object of the class that an argument is annotated with, that its class declares for it, that the file's other constructors
    annotate it with, or that is called like it; None where that class is a module, or needs arguments itself."""
    name, names = parameter.name, vars(sys.modules.get(make.__module__, sys))
    own = [value for value in names.values() if inspect.isclass(value) and value.__module__ == make.__module__]
    annotations = [
        other.annotation
        for kind in own
        if inspect.isfunction(kind.__init__)
        for other in inspect.signature(kind.__init__).parameters.values()
        if other.name == name and other.annotation is not other.empty
    ]
    called = [kind for kind in own if kind.__name__.lower().endswith(name.lower())]
    wanted = [
        parameter.annotation,
        getattr(make, f"{name}_class", None),
        *annotations,
        *(called if len(called) == 1 else ()),
    ]
    for kind in wanted:
        found = names.get(kind) if isinstance(kind, str) else kind
        if inspect.isclass(found) and found is not parameter.empty and not issubclass(found, (nn.Module, type(None))):
            try:
                if not _needs(found):
                    return found()
            except (TypeError, ValueError):  # a class of C, without a signature
                continue
    return None


def guess(annotation: object) -> object:
    """Returns a value of an annotated type, None where the type does not tell."""
    known: dict[object, object] = {int: 32, "int": 32, float: 0.1, "float": 0.1, bool: False, "bool": False}
    try:
        return known.get(annotation)
    except TypeError:
        return None
