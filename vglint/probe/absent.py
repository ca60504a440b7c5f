"""Data that is not there: files, downloads and packages of data, in whose place made-up batches come."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from vglint.probe import environments, files, pretrained
from vglint.probe.feed import Batch, Feed
from vglint.probe.guesses import GUESSES

PACKAGES = frozenset(
    "torchvision torchaudio torchtext pandas datasets PIL cv2 skimage imageio albumentations h5py".split()
)
"""Packages that read and prepare data: where one is not installed, what it returns is made-up data. Models of theirs are not made up."""
_MODELS = frozenset({"models", "ops", "pipelines"})
_FEED = "_vglint_feed"
_NOW: list[Feed] = []
"""The batches of the run that goes on."""


@contextmanager
def loading(feed: Feed, source: Path, with_files: bool = False) -> Iterator[None]:
    """Gives code below `source` that loads what is not there the made-up batches, while it lasts; as weights they are left alone. `with_files`: files and
    downloads too."""
    replaced: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        replaced.append((owner, name, owner.__dict__.get(name) if isinstance(owner, type) else getattr(owner, name)))
        setattr(owner, name, value)

    finder = _Finder(str(source), feed)
    plain_load, plain_state = torch.load, nn.Module.load_state_dict
    plain_loader, plain_iter, plain_count = DataLoader.__init__, DataLoader.__iter__, DataLoader.__len__

    def load(*args: Any, **kwargs: Any) -> Any:
        try:
            return plain_load(*args, **kwargs)
        except OSError:
            feed.touched = True
            return feed

    def state(self: nn.Module, given: Any, *args: Any, **kwargs: Any) -> Any:
        return None if isinstance(given, (Feed, Batch)) else plain_state(self, given, *args, **kwargs)

    def loader(self: Any, dataset: Any, *args: Any, **kwargs: Any) -> None:
        given: Any = _with_targets(dataset, feed) if made_up(dataset) else dataset
        plain_loader(self, given, *args, **kwargs)

    def batches(self: Any) -> Any:
        return iter(self.dataset) if isinstance(self.dataset, Feed) else plain_iter(self)

    def count(self: Any) -> int:
        return feed.length if isinstance(self.dataset, Feed) else plain_count(self)

    _NOW.append(feed)
    sys.meta_path.append(finder)
    for owner, name, value in (
        (torch, "load", load),
        (nn.Module, "load_state_dict", state),
        (DataLoader, "__init__", loader),
        (DataLoader, "__iter__", batches),
        (DataLoader, "__len__", count),
        (Dataset, "__init_subclass__", classmethod(_subclass)),
        *((torch, one.__name__, _made(one)) for one in (torch.tensor, torch.as_tensor, torch.from_numpy)),
        *((*files.replacements(feed), *pretrained.replacements(feed)) if with_files else ()),
    ):
        put(owner, name, value)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _NOW.pop()
        for owner, name, value in reversed(replaced):
            if value is None:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


def missing() -> str | None:
    """Returns the first package in whose place made-up data came."""
    return next((name for name, module in sys.modules.items() if isinstance(module, _Package)), None)


def made_up(data: object, depth: int = 0) -> bool:
    """Says whether data is made up or empty, or something that is made of such."""
    if isinstance(data, Feed):
        return True
    if depth == 0 and isinstance(data, (list, tuple)) and not data:
        return True
    if isinstance(data, (list, tuple)):
        return any(isinstance(one, Feed) for one in data[:8])
    held = vars(data).values() if isinstance(data, Dataset) and depth < 4 else ()
    return any(made_up(value, depth + 1) for value in held) or (depth == 0 and _empty(data))


def _with_targets(dataset: object, feed: Feed) -> Feed:
    """Returns the made-up batches, with the targets of a data set in which only the inputs are the made-up data: code that made them gave them their shape."""
    tensors: Any = getattr(dataset, "tensors", ())
    if len(tensors) != 2 or not isinstance(tensors[0], Feed) or not isinstance(tensors[1], torch.Tensor):
        return feed
    own, rows = tensors[1], len(feed.batches[0][0])
    whole = len(own) // rows
    if not whole:
        return feed
    batches = [Batch((*batch[:-1], own[number % whole * rows :][:rows])) for number, batch in enumerate(feed.batches)]
    return Feed(batches, feed.length, whole=feed, invented=feed.invented)


def _empty(data: object) -> bool:
    try:
        return len(data) == 0  # type: ignore[arg-type]
    except Exception:
        return False


def _made(plain: Any) -> Any:
    def make(given: Any, *args: Any, **kwargs: Any) -> Any:
        return given if isinstance(given, Feed) else plain(given, *args, **kwargs)

    return make


def _subclass(kind: Any, /, **options: Any) -> None:
    """Lets a data set whose data cannot be had be one of made-up batches."""
    own = vars(kind)
    if "__init__" in own:
        kind.__init__ = _built(own["__init__"])
        if "__getattr__" not in own:
            kind.__getattr__ = _attribute
    if "__len__" in own:
        kind.__len__ = _counted(own["__len__"])


def _built(plain: Any) -> Any:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            plain(self, *args, **kwargs)
        except Exception:
            if not _NOW:
                raise
            self.__dict__[_FEED] = _NOW[-1]

    return init


def _counted(plain: Any) -> Any:
    def count(self: Any) -> int:
        feed = vars(self).get(_FEED)
        return plain(self) if feed is None else len(feed)

    return count


def _attribute(self: Any, name: str) -> Any:
    feed = vars(self).get(_FEED)
    if feed is None or name.startswith("__"):
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
    return GUESSES.get(name, feed)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stand-in for a package of data that the code itself imports, after all other finders have found none."""

    def __init__(self, source: str, feed: Feed) -> None:
        self.source, self.feed = source, feed

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        top, *inner = name.split(".")
        wanted = (
            top in PACKAGES | environments.PACKAGES
            and not _MODELS.intersection(inner)
            and (isinstance(sys.modules.get(top), _Package) or _importer().startswith(self.source))
        )
        return importlib.util.spec_from_loader(name, self, is_package=True) if wanted else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        if spec.name.partition(".")[0] in environments.PACKAGES:
            return environments.package(spec.name, lambda words: self.feed.invented.update({words: None}))
        module = _Package(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: ModuleType) -> None:
        return None


def _importer() -> str:
    """Returns the file that holds the import statement which is being carried out."""
    frame = sys._getframe(2)
    while frame.f_back is not None and "importlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame.f_code.co_filename


class _Package(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _MODELS:
            raise ModuleNotFoundError(f"No module named {self.__name__.partition('.')[0]!r}")
        if name.startswith("is_"):
            return _no  # libraries ask whether data is of a kind of this one
        if _NOW and name[0].isupper():
            return _Kinds(name, (_Kind,), {})
        return _Maker() if _NOW else _nothing


class _Kinds(type):
    """The type of classes of a package of data: what is asked of such a class is the made-up data."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Maker()

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__bases__ == (_Kind,):
            return _NOW[-1] if _NOW else _nothing()
        return super().__call__(*args, **kwargs)


class _Kind(Dataset[Any], metaclass=_Kinds):
    """What such a class is derived from, so that one of the user's own that is derived from it is a data set."""


class _Maker:
    """A function, a class or a module of a package of data: whatever it is asked for is the made-up data."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _NOW[-1] if _NOW else _nothing()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (Dataset,)


def _no(*args: Any, **kwargs: Any) -> bool:
    return False


def _nothing(*args: Any, **kwargs: Any) -> Any:
    raise FileNotFoundError("the data is not there")
