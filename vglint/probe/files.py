"""Files that are not there: what reads them gets made-up data, texts made-up words."""

from __future__ import annotations

import builtins
import csv
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from vglint.probe.caller import unpacked
from vglint.probe.feed import Feed
from vglint.probe.texts import TEXT

_READERS: dict[str, tuple[str, ...]] = {
    "pandas": ("read_csv", "read_excel", "read_json", "read_parquet", "read_pickle", "read_table", "read_hdf", "read_feather"),
    "numpy": ("load", "loadtxt", "genfromtxt", "fromfile"),
    "scipy.io": ("loadmat",),
    "scipy.io.wavfile": ("read",),
    "PIL.Image": ("open",),
    "json": ("load",),
    "pickle": ("load",),
    "torchaudio": ("load",),
    "datasets": ("load_dataset", "load_from_disk"),
    "sklearn.datasets": ("fetch_openml", "fetch_california_housing", "fetch_20newsgroups", "fetch_covtype", "fetch_lfw_people"),
}  # fmt: skip
"""Functions that read or download data, by module."""


class _Nowhere(io.BytesIO):
    """A binary file that is not there."""


class _Text(io.StringIO):
    """A text file that is not there."""


class _Row(list[str]):
    """A row of a table: as many cells as code asks for."""

    def __iter__(self) -> Iterator[str]:
        cells = unpacked(sys._getframe(1))
        return iter([str(self[place]) for place in range(cells or len(self))])


class _Named(dict[str, str]):
    """A row of a table with a header: a cell under every name."""

    def __missing__(self, name: str) -> str:
        return self[""]


def replacements(feed: Feed) -> Iterator[tuple[Any, str, Any]]:
    """Yields what to put in the place of the functions that read files, of the packages that are imported: the owner, the name, the value."""
    for module, names in _READERS.items():
        owner = sys.modules.get(module)
        for name in names:
            plain = None if owner is None else vars(owner).get(name)
            if callable(plain):
                yield owner, name, _reader(plain, feed)
    yield builtins, "open", _opened(builtins.open, feed)
    yield csv, "reader", _rows(csv.reader, lambda number: _Row([str(number % 2)] * _CELLS))
    yield csv, "DictReader", _rows(csv.DictReader, lambda number: _Named({"": str(number % 2)}))


def _rows(plain: Callable[..., Any], made: Callable[[int], Any]) -> Callable[..., Any]:
    def read(file: Any, *args: Any, **kwargs: Any) -> Any:
        return map(made, range(_ROWS)) if isinstance(file, _Text) else plain(file, *args, **kwargs)

    return read


_ROWS, _CELLS = 256, 16


def _reader(plain: Callable[..., Any], feed: Feed) -> Callable[..., Any]:
    def read(*args: Any, **kwargs: Any) -> Any:
        try:
            if any(isinstance(one, (_Nowhere, Feed)) for one in args):
                raise FileNotFoundError("it is not there")
            return plain(*args, **kwargs)
        except OSError:
            feed.look()
            return feed

    return read


def _opened(plain: Callable[..., Any], feed: Feed) -> Callable[..., Any]:
    def opened(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        try:
            return plain(file, mode, *args, **kwargs)
        except FileNotFoundError:
            if not {"w", "a", "x", "+"}.isdisjoint(mode):
                raise
            if "b" in mode:
                return _Nowhere()
            feed.invented[f"the text of {os.path.basename(os.fspath(file))}"] = None
            return _Text(TEXT)

    return opened
