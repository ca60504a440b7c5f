"""Runs training code as it is written, on batches that are made up, and measures what it does.

Which batch the code wants is found by trying: the models that it builds say which inputs they accept, their outputs which targets
could belong to them. The first batch with which the code takes a step, or fails in a way that no other batch would mend, counts.
"""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import re
import runpy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vglint.probe.feed import Batch, Feed, arguments, targets
from vglint.probe.feeding import NoInputError, find_inputs
from vglint.probe.loading import load, module_path
from vglint.probe.record import Measured, Request, Run
from vglint.probe.task import main_output, teacher_task
from vglint.probe.witness import EnoughError, Witness, witnessing

SAMPLES = 16
_BATCHES, _TRIES = 4, 60
_UNPACKED = re.compile(r"not enough values to unpack \(expected (\d), got 2\)")


class NoTrainingError(Exception):
    """The code took no step; the text says why."""


@dataclass(frozen=True, slots=True)
class _Given:
    """Batches to try, and what they are in words."""

    batches: tuple[Any, ...]
    words: str


def rehearse(request: Request, source: Path) -> Measured:
    """Returns one run for each seed, under the code's own optimiser. Raises NoTrainingError, or what the code raises."""
    start = time.monotonic()
    torch.manual_seed(0)
    found = _Given((Batch((torch.randn(5, 16), torch.zeros(5, dtype=torch.long))),), "")
    run, witness, looked, error = _attempt(request, source, found, 0, start)
    if looked:
        better = _searched(request, source, witness, start)
        if better is not None:
            found, run = better
        else:
            found = _Given(found.batches, "on batches of (5, 16) of N(0, 1) with targets 0")
    if not run.losses and not run.raised:
        raise error or NoTrainingError("the training code ends without a step")
    runs = [run]
    for seed in range(1, request.seeds):
        again, seen, _, _ = _attempt(request, source, found, seed, start)
        if _settled(seen):
            runs.append(again)
    note = f"the code's own training, {found.words}" if found.words else "the code's own training and data"
    count = sum(parameter.numel() for root in witness.roots() for parameter in root.parameters())
    return Measured(count, (note,), tuple(runs), time.monotonic() - start)


def _searched(request: Request, source: Path, witness: Witness, start: float) -> tuple[_Given, Run] | None:
    for given in itertools.islice(_candidates(witness), _TRIES):
        waiting = [given]
        while waiting and time.monotonic() - start < request.seconds:
            trial = waiting.pop()
            run, seen, _, error = _attempt(request, source, trial, 0, start)
            if _settled(seen):
                return trial, run
            waiting += _reshaped(trial, error)
    return None


def _attempt(
    request: Request, source: Path, given: _Given, seed: int, start: float
) -> tuple[Run, Witness, bool, BaseException | None]:
    """Runs the code once; the error is what it raised of itself."""
    torch.manual_seed(seed)
    feed = Feed(given.batches, 4 * request.steps)
    error: BaseException | None = None
    begun = time.monotonic()
    left = max(request.seconds - (begun - start), 2.0)
    with witnessing(request.steps, left / 2) as witness, contextlib.redirect_stdout(io.StringIO()):
        try:
            _start(request, source, feed)()
        except EnoughError:
            pass
        except Exception as raised:
            error = raised
            if _REFUSED in str(raised):
                witness.raised = str(raised)
    return witness.run(seed, time.monotonic() - begun), witness, feed.touched, error


_REFUSED = "can't optimize a non-leaf Tensor"
"""What an optimiser says of a tensor that is computed from another: no data would have helped."""


def _settled(witness: Witness) -> bool:
    return bool(witness.raised) or witness.taken > 0


def _start(request: Request, source: Path, feed: Feed) -> Callable[[], object]:
    """Returns what starts the code: the file as a script, a function on made-up arguments, or a Lightning module's own steps."""
    if request.expression == "<module>":
        path = module_path(source, request.file)
        return lambda: runpy.run_path(str(path), run_name="__main__")
    module = load(source, request.file)
    value = eval(request.expression, dict(vars(module)))
    if isinstance(value, type) and issubclass(value, nn.Module) and hasattr(value, "training_step"):
        return lambda: _lightning(value(**arguments(value.__init__, module, feed)), feed)
    return lambda: value(**arguments(value, module, feed))


def _lightning(model: Any, feed: Feed) -> None:
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


def _candidates(witness: Witness) -> Iterator[_Given]:
    """Yields batches: inputs that one of the models accepts, with targets that fit its own output, then those of another's."""
    accepted = [found for root in witness.roots()[:6] if (found := _accepted(root)) is not None]
    for spread in range(len(accepted)):
        for number, (words, data, _, _) in enumerate(accepted):
            _, _, own, output = accepted[(number + spread) % len(accepted)]
            for wanted in targets(output, own, len(data[0])):
                given = tuple(_cut(data, wanted))
                yield _Given(given, f"on batches of {words} with targets {_words(wanted)}")


def _accepted(root: nn.Module) -> tuple[str, tuple[Tensor, ...], Tensor | None, Tensor] | None:
    """Returns inputs that a model accepts, in words and as tensors, a target that they tell, and the output."""
    model = copy.deepcopy(root)
    try:
        inputs = find_inputs(model, ())
        task = teacher_task(model, inputs, None)
        data, own = next(task.batches(0, _BATCHES * SAMPLES))
        with torch.no_grad():
            output = main_output(model(*data))
    except (NoInputError, RuntimeError, ValueError, TypeError, IndexError):
        return None
    return "; ".join(str(choice) for choice in inputs), data, own, output


def _cut(data: Sequence[Tensor], wanted: Tensor) -> Iterator[Batch]:
    for first in range(0, _BATCHES * SAMPLES, SAMPLES):
        rows = slice(first, first + SAMPLES)
        yield Batch((*(tensor[rows] for tensor in data), wanted[rows]))


def _reshaped(given: _Given, error: BaseException | None) -> list[_Given]:
    """Returns other forms of the same batch where the complaint is about its form: inputs alone, or more parts."""
    text = str(error)
    if not all(isinstance(batch, Batch) for batch in given.batches):
        return []
    if found := _UNPACKED.search(text):
        more = int(found[1]) - 2
        return [_Given(tuple(Batch((*batch, *[batch[-1]] * more)) for batch in given.batches), given.words)]
    if "Batch" in text or "tuple" in text:
        return [_Given(tuple(batch[0] for batch in given.batches), given.words)]
    return []


def _words(wanted: Tensor) -> str:
    kind = "of numbers" if wanted.is_floating_point() else f"below {int(wanted.max()) + 1}"
    return f"({', '.join(['batch', *map(str, wanted.shape[1:])])}) {kind}"
