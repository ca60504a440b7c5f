"""Runs a file as a script: behind its own guard, with its command line's defaults, on this machine's processor, without what only shows progress."""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.utils.data import DataLoader

from vglint.probe.guesses import GUESSES
from vglint.probe.loading import code_of, module_path

SHOWS_ONLY = frozenset(
    "tqdm wandb matplotlib seaborn tensorboardX tensorboard mlflow comet_ml neptune clearml visdom rich colorama termcolor tabulate "
    "prettytable loguru torchinfo torchsummary pynvml psutil IPython plotly coloredlogs".split()
)
"""Packages that only show or record progress: where one is not installed, a stand-in does nothing in its place."""


def run_script(source: Path, file: str, module: ModuleType) -> None:
    """Runs a file, or the code cells of a notebook, in a module; raises what the code raises."""
    path, name = module_path(source, file), module.__name__
    module.__file__ = str(path)
    package = _package(path, source)
    if package:
        module.__package__ = package
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        exec(compile(code_of(path), str(path), "exec"), module.__dict__)
    finally:
        if before is not None:
            sys.modules[name] = before


def _package(path: Path, source: Path) -> str:
    parts: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").exists() and folder != source:
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


@contextlib.contextmanager
def as_script() -> Iterator[None]:
    """Lets code run as a script while it lasts: the command line is empty, loaders start no processes, nothing is compiled."""
    parser: Any = argparse.ArgumentParser
    loader: Any = DataLoader
    plain_parse, plain_load, plain_compile = parser.parse_known_args, loader.__init__, torch.compile
    arguments = sys.argv

    def parse(self: argparse.ArgumentParser, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        return plain_parse(self, _filled(self) if args is None else args, namespace)

    def load(self: Any, *args: Any, **kwargs: Any) -> None:
        alone = {"num_workers": 0, "prefetch_factor": None, "persistent_workers": False, "timeout": 0}
        kwargs.update({name: value for name, value in alone.items() if name in kwargs})
        plain_load(self, *args[:5], **{**kwargs, **({"num_workers": 0} if len(args) > 5 else {})})

    def compiled(model: Any = None, *args: Any, **kwargs: Any) -> Any:
        return model if model is not None else lambda function: function

    parser.parse_known_args, loader.__init__, torch.compile = parse, load, compiled
    sys.argv = ["script"]
    try:
        with without_progress():
            yield
    finally:
        parser.parse_known_args, loader.__init__, torch.compile = plain_parse, plain_load, plain_compile
        sys.argv = arguments


@contextlib.contextmanager
def without_progress() -> Iterator[None]:
    """Lets code import packages that only show progress and are not installed, while it lasts."""
    finder, early = _Absent(), _Early()
    sys.meta_path.append(finder)
    sys.meta_path.insert(0, early)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.meta_path.remove(early)


def _filled(parser: argparse.ArgumentParser) -> list[str]:
    """Lets a parser do without the arguments that it requires, and returns the words that it cannot do without."""
    words: list[str] = []
    for group in parser._mutually_exclusive_groups:
        group.required = False
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            words = words or list(action.choices)[:1] if action.required or not action.option_strings else words
        elif action.required or (not action.option_strings and action.nargs is None):
            action.required = False
            action.default = _value(action) if action.default is None else action.default
            if not action.option_strings:
                action.nargs = "*" if action.nargs in ("+", "*") or isinstance(action.nargs, int) else "?"
    return words


def _value(action: argparse.Action) -> object:
    if action.choices:
        return next(iter(action.choices))
    known = GUESSES.get(action.dest)
    if action.type in (int, float):
        number = known if isinstance(known, (int, float)) else (1 if action.type is int else 0.1)
        return action.type(number)
    return "x"


class _Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for a package that only shows progress, after all other finders have found none."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        top = "tensorboard" if name.startswith("torch.utils.tensorboard") else name.partition(".")[0]
        return importlib.util.spec_from_loader(name, self, is_package=True) if top in SHOWS_ONLY else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = _StandIn(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        return None


class _Early(_Absent):
    """Finds a stand-in for a part of an installed package that needs another one, which is not installed."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        for part, needed in _NEEDS.items():
            if f"{name}.".startswith(f"{part}.") and not _is_installed(needed):
                return importlib.util.spec_from_loader(name, self, is_package=True)
        return None


_NEEDS = {"torch.utils.tensorboard": "tensorboard", "tqdm.notebook": "ipywidgets"}


def _is_installed(name: str) -> bool:
    return importlib.machinery.PathFinder.find_spec(name) is not None


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _trange if name == "trange" else _Nothing()


def _trange(*args: int, **kwargs: object) -> _Nothing:
    return _Nothing(range(*args))


class _Nothing:
    """Answers every call and attribute with nothing; around an iterable, as a progress bar, it yields what that yields."""

    def __init__(self, inner: Any = ()) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inner = next((value for value in (*args[:1], kwargs.get("iterable")) if hasattr(value, "__iter__")), ())
        if callable(inner) and len(args) == 1:
            return inner  # a decorator
        return _Nothing(() if isinstance(inner, (str, Mapping)) else inner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __getitem__(self, key: object) -> _Nothing:
        return _Nothing()

    def __setitem__(self, key: object, value: object) -> None:
        return None

    def __str__(self) -> str:
        return ""
