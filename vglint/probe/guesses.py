"""What a constructor's argument is given where nothing tells: by its name, its type, or what else its file defines."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

from msgspec import Struct
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
    "mlp_mult": 2,
    "mult": 2,
    "expansion": 2,
    "groups": 4,
    "frames": 8,
    "num_frames": 8,
    "frame_patch_size": 2,
    "window_size": 4,
    "num_hierarchies": 3,
    "block_repeats": 2,
    "reduction_factor": 2,
    "reduction": 4,
    "scale": 1.0,
    "ratio": 0.5,
    "prob": 0.1,
    "rate": 0.1,
    "id": 0,
    "idx": 0,
}
"""What a constructor's argument without a default is given, by its usual names."""


class Value(Struct, frozen=True):
    """A plain value, or the class whose instance is made anew for each model."""

    plain: object = None
    kind: type | None = None

    def __str__(self) -> str:
        if self.kind is not None:
            return f"{self.kind.__name__}()"
        return self.plain.__name__ if isinstance(self.plain, type) else repr(self.plain)


def required(make: Callable[..., Any]) -> list[inspect.Parameter]:
    """Returns the parameters of a class or function without a default."""
    return [
        parameter
        for parameter in inspect.signature(make).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def made_up(make: Callable[..., Any], parameter: inspect.Parameter) -> Value | None:
    """Returns a value for an argument: by its name, its type, a class that the file knows, or a part of its name."""
    name, annotation = parameter.name, parameter.annotation
    plain = GUESSES.get(name, guess(annotation))
    if name == "block":
        blocks = (
            own for own in _own_classes(make) if own.__name__.endswith(("Block", "Bottleneck")) and own is not make
        )
        plain = next(blocks, None)
    kind = _kind(make, parameter) if plain is None else None
    if plain is None and kind is None and annotation in (parameter.empty, int, "int", float, "float"):
        plain = by_parts(name)
    return None if plain is None and kind is None else Value(plain, kind)


def by_parts(name: str) -> object:
    """Returns the guess for the longest end of a name that has one, else for such a start (`enc_depth`, `dim_in`); three of them for a plural."""
    words = name.split("_")
    ends = ["_".join(words[start:]) for start in range(len(words))]
    starts = ["_".join(words[:stop]) for stop in range(len(words) - 1, 0, -1)]
    found = next((GUESSES[part] for part in [*ends, *starts] if part in GUESSES), None)
    if found is None and name.endswith("s") and name[:-1] in GUESSES:
        return (GUESSES[name[:-1]],) * 3
    return found


def guess(annotation: object) -> object:
    """Returns a value of an annotated type, None where the type does not tell."""
    known: dict[object, object] = {int: 32, "int": 32, float: 0.1, "float": 0.1, bool: False, "bool": False}
    try:
        return known.get(annotation)
    except TypeError:
        return None


def _own_classes(make: Callable[..., Any]) -> list[Any]:
    """Returns the classes that the file of a class or function defines."""
    names = vars(sys.modules.get(make.__module__, sys))
    return [value for value in names.values() if inspect.isclass(value) and value.__module__ == make.__module__]


def _kind(make: Callable[..., Any], parameter: inspect.Parameter) -> type | None:
    """Returns the class that an argument is annotated with, that its class declares for it, that the file's other constructors
    annotate it with, or that is called like it: a module, or a configuration that needs no argument."""
    name, names = parameter.name, vars(sys.modules.get(make.__module__, sys))
    own = _own_classes(make)
    annotations = [
        other.annotation
        for kind in own
        if inspect.isfunction(kind.__init__)
        for other in inspect.signature(kind.__init__).parameters.values()
        if other.name == name and other.annotation is not other.empty
    ]
    called = [kind for kind in own if kind.__name__.lower().endswith(name.lower().replace("_", ""))]
    wanted = [
        parameter.annotation,
        getattr(make, f"{name}_class", None),
        *annotations,
        *(called if len(called) == 1 else ()),
    ]
    for kind in wanted:
        found = names.get(kind) if isinstance(kind, str) else kind
        if not inspect.isclass(found) or found in (parameter.empty, type(None), nn.Module, make):
            continue
        try:
            if issubclass(found, nn.Module) or not required(found):
                return found
        except (TypeError, ValueError):  # a class of C, without a signature
            continue
    return None
