"""Stands in for a data loader: batches that are made up, in the forms in which training code takes them apart."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

import torch
from msgspec import Struct, field
from torch import Tensor, nn

from vglint.probe.building import NeedsArgumentError, build
from vglint.probe.caller import unpacked
from vglint.probe.guesses import GUESSES, guess
from vglint.probe.texts import Texts, is_text, sentences

LABELS = frozenset(
    {"label", "labels", "target", "targets", "y", "tgt", "trg", "class", "category", "answer", "mask", "masks", "gt"}
)
_TENSORS = frozenset({"x", "xb", "images", "image", "inputs", "input", "data", "batch", "src", "img", "imgs"})
_MODELS = frozenset({"model", "net", "network"})
_COUNTS = frozenset({"epochs", "num_epochs", "n_epochs", "max_epochs", "num_epoch", "n_epoch", "epoch", "step", "i"})


class Batch(tuple[Any, ...]):
    """Inputs and target as a tuple that also answers to names: a label's name gives the target, any other the input."""

    def __getitem__(self, key: Any) -> Any:
        return self._named(key) if isinstance(key, str) else tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._named(name)

    def to(self, *args: Any, **kwargs: Any) -> Batch:
        return self

    def _named(self, name: str) -> Any:
        return tuple.__getitem__(self, -1 if name.lower() in LABELS else 0)


class Feed(Struct, eq=False):
    """Yields the same few batches for ever; `touched` says whether anybody looked.

    It stands for a loader, a data set, a table or a tensor of data: what code does to prepare those leaves it as it is.
    """

    batches: Sequence[Any]
    length: int
    touched: bool = False
    turn: int = 0
    columns: int | None = None
    """Of a part of a table: how many columns it has, 0 for one that is taken by its name; None where nobody said."""
    whole: Feed | None = None
    invented: dict[str, None] = field(default_factory=dict)
    """What else was made up in this run, in words."""

    def __iter__(self) -> Iterator[Any]:
        self.look()
        parts = unpacked(sys._getframe(1))
        if parts is not None:
            yield from [self] * parts
            return
        for number in range(self.length):
            yield self.batches[number % len(self.batches)]

    def __next__(self) -> Any:
        self.look()
        self.turn += 1
        return self.batches[self.turn % len(self.batches)]

    def look(self) -> None:
        """Notes that somebody looked at the data."""
        self.touched = True
        if self.whole is not None:
            self.whole.touched = True

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            self.look()
            return self.batches[key % len(self.batches)]
        names = [key] if isinstance(key, str) else key
        if isinstance(key, str) and is_text(key):
            self.invented["the texts of a table"] = None
            return Texts(sentences(self.length))
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return self._part(0 if isinstance(key, str) else len(names))
        return self._rows(key) if hasattr(key, "dtype") and len(getattr(key, "shape", ())) == 1 else self

    def take(self, key: Any, *_: object, **__: object) -> Feed:
        """Returns some rows, as scikit-learn takes them of a table."""
        return self._rows(key)

    def _rows(self, key: Any) -> Feed:
        count = int(key.sum()) if "bool" in str(getattr(key, "dtype", "")) else len(key)
        return Feed(self.batches, count, columns=self.columns, whole=self.whole or self, invented=self.invented)

    def __eq__(self, other: object) -> Any:
        """Compares entry by entry, as tables do: half of the entries are as asked."""
        if not isinstance(other, (str, int, float)):
            return self is other
        import numpy

        self.invented["the classes of a table"] = None
        return numpy.arange(self.length) % 2 == 1

    def __ne__(self, other: object) -> Any:
        return ~self.__eq__(other) if isinstance(other, (str, int, float)) else self is not other

    __hash__ = object.__hash__

    def __setitem__(self, key: Any, value: Any) -> None:
        return None

    def __delitem__(self, key: Any) -> None:
        return None

    def _part(self, columns: int) -> Feed:
        return Feed(self.batches, self.length, columns=columns, whole=self.whole or self, invented=self.invented)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Returns numbers of N(0, 1), as many as the table has columns or the batches have features; of one column, what targets are like."""
        import numpy

        self.look()
        target = self.batches[0][-1] if isinstance(self.batches[0], tuple) else None
        if self.columns == 0 and isinstance(target, Tensor) and not target.is_floating_point():
            made = numpy.arange(self.length) % (int(target.max()) + 1)
        else:
            shape = self.shape if self.columns is None else (self.length, self.columns)[: 2 if self.columns else 1]
            made = numpy.random.default_rng(0).standard_normal(tuple(shape)).astype("float32")
        return made if dtype is None else made.astype(dtype)

    @property
    def shape(self) -> torch.Size:
        return torch.Size((self.length, *self.batches[0][0].shape[1:]))

    def size(self, axis: int | None = None) -> Any:
        return self.shape if axis is None else self.shape[axis]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "fit":  # by `fit`, scikit-learn tells a model from data
            raise AttributeError(name)
        if name == "values" and self.columns is not None:
            return self.__array__()
        return self

    def to_numpy(self, *_: object, **__: object) -> Any:
        """Returns the numbers of columns that were named."""
        return self if self.columns is None else self.__array__()

    def __call__(self, *args: Any, **kwargs: Any) -> Feed:
        return self

    __add__ = __sub__ = __mul__ = __truediv__ = __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __call__
    __gt__ = __lt__ = __ge__ = __le__ = __and__ = __or__ = __invert__ = __neg__ = __pow__ = __mod__ = __floordiv__ = (
        __call__
    )


def plain_batches() -> tuple[Batch, ...]:
    """Returns the one batch with which code is first tried: five rows of numbers, all of class 0."""
    return (Batch((torch.randn(5, 16), torch.zeros(5, dtype=torch.long))),)


def plain_feed(length: int) -> Feed:
    """Returns that batch, as often as is asked for."""
    return Feed(plain_batches(), length)


def arguments(function: Callable[..., Any], module: ModuleType, feed: Feed) -> dict[str, Any]:
    """Returns what the parameters without a default are given: a model of the file, numbers by their names, else the feed.

    Raises NeedsArgumentError where a model is asked for that the file does not define alone.
    """
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if not required:
            continue
        if name in _MODELS:
            given[name] = _model(module, name)
        elif name in ("optimizer", "optim", "opt"):
            given[name] = _optimizer(given, name)
        elif name == "device":
            given[name] = torch.device("cpu")
        elif name in _COUNTS:
            given[name] = 1
        elif name in _TENSORS or name in LABELS:
            feed.touched = True
            given[name] = feed.batches[0][1 if name in LABELS else 0]
        else:
            made = GUESSES.get(name, guess(parameter.annotation))
            given[name] = feed if made is None else made
    return given


def lightning_steps(model: Any, feed: Iterable[Any]) -> None:
    """Does what a Trainer does: a step of each batch with the module's own optimiser."""
    model.log = model.log_dict = lambda *args, **kwargs: None
    made = model.configure_optimizers()
    made = made["optimizer"] if isinstance(made, dict) else made
    while isinstance(made, (tuple, list)):
        made = made[0]
    for number, batch in enumerate(feed):
        result = model.training_step(batch, number)
        loss = result["loss"] if isinstance(result, dict) else result
        made.zero_grad()
        loss.backward()
        made.step()


def targets(output: Tensor, own: Tensor | None, count: int) -> Iterator[Tensor]:
    """Yields what a loss may want beside an output: what fits its kind, then classes, marks, numbers of its shape."""
    generator = torch.Generator().manual_seed(1)
    if own is not None:
        yield own
    shape = (count, *output.shape[1:])
    classes = output.shape[1] if output.dim() > 1 else 2
    if output.dim() > 1:
        yield torch.randint(classes, (count, *output.shape[2:]), generator=generator)
        yield torch.randint(output.shape[-1], shape[:-1], generator=generator)
    yield torch.randint(2, shape, generator=generator).float()
    yield torch.randn(shape, generator=generator)
    yield torch.randint(2, (count,), generator=generator).float()
    yield torch.randint(2, (count, 1), generator=generator).float()


def _model(module: ModuleType, name: str) -> nn.Module:
    kinds = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    ]
    if not kinds:
        raise NeedsArgumentError(f"the training code needs {name!r}, and its file defines no model")
    return build(module, kinds[-1].__name__, [])


def _optimizer(given: dict[str, Any], name: str) -> torch.optim.Optimizer:
    model = next((value for value in given.values() if isinstance(value, nn.Module)), None)
    if model is None:
        raise NeedsArgumentError(f"the training code needs {name!r}")
    return torch.optim.SGD(model.parameters(), lr=0.01)
