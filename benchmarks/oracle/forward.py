"""Whether a file can be imported, and which of its models run a forward pass: before and after a fix. It runs the code, in a child that may die, so only code
of our own is given to it."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.oracle.guarded import Failed, guarded

SECONDS = 20.0
"""Processor time that a file may take. A script that trains at its top takes more, and nothing can be said of it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Whether a file was executed to its end, and by class name the input that its model took, by its number."""

    imported: bool
    models: dict[str, int]


def run(path: str, text: str, seconds: float = SECONDS) -> Ran | None:
    """Executes a file's text as a module of its folder, and calls each model that can be built without arguments. None where that takes longer."""
    try:
        return guarded(partial(_ran, path, text), seconds)
    except Failed as error:
        return None if str(error) == "timeout" else Ran(False, {})


def _ran(path: str, text: str) -> Ran:
    space: dict[str, object] = {"__name__": "fixed", "__file__": path}
    with _quiet(str(Path(path).resolve().parent)):
        try:
            exec(compile(text, path, "exec"), space)
        except BaseException:  # whatever the code raises: it cannot be imported
            return Ran(False, {})
        models = {}
        for name, kind in list(space.items()):
            if isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == "fixed":
                taken = _taken(kind)
                if taken is not None:
                    models[name] = taken
        return Ran(True, models)


@contextlib.contextmanager
def _quiet(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            yield
    finally:
        sys.path.remove(folder)


def _taken(kind: type[nn.Module]) -> int | None:
    """Returns the number of the first input that a model takes; None where it cannot be built, or takes none."""
    try:
        net = kind()
    except Exception:
        return None
    for number, given in enumerate(_inputs(net)):
        try:
            net(*given)
        except Exception:
            continue
        return number
    return None


def _inputs(net: nn.Module) -> Iterator[tuple[Tensor, ...]]:
    """Yields inputs to try, by the first layers' sizes."""
    sizes = {getattr(one, "in_features", None) or getattr(one, "input_size", None) or 64 for one in net.modules()}
    channels = {getattr(one, "in_channels", 3) for one in net.modules()}
    for size in sorted(sizes):
        for shape in ((4, size), (4, 6, size), (6, 4, size)):
            yield (torch.randn(shape),)
            yield torch.randn(shape), torch.randn(shape)
    for channel in sorted(channels):
        yield (torch.randn(4, channel, 32, 32),)
        yield (torch.randn(4, channel, 32),)
    yield (torch.randint(0, 5, (4, 6)),)
    yield (torch.randn(()),)
