"""Runs training code as it is written, on batches that are made up, and measures what it does.

Which batch the code wants is found by trying: the models that it builds say which inputs they accept, their outputs which targets
could belong to them. The first batch with which the code takes a step, or fails in a way that no other batch would mend, counts.
"""

from __future__ import annotations

import contextlib
import copy
import io
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from msgspec import Struct
from msgspec.structs import replace
from torch import Tensor, nn

from vglint.probe.absent import loading, missing
from vglint.probe.feed import Batch, Feed, arguments, lightning_steps, plain_batches, targets
from vglint.probe.feeding import NoInputError, find_inputs
from vglint.probe.loading import load
from vglint.probe.mixing import mixes_samples
from vglint.probe.record import Measured, Request, Run
from vglint.probe.script import as_script, run_script
from vglint.probe.session import taught
from vglint.probe.task import main_output, teacher_task
from vglint.probe.witness import EnoughError, Witness
from vglint.probe.witnessing import witnessing

SCRIPT = "<module>"
"""The expression of a file that is run as a script."""
SAMPLES = 16
_BATCHES, _TRIES = 4, 60
_UNPACKED = re.compile(r"not enough values to unpack \(expected (\d), got 2\)")


class NoTrainingError(Exception):
    """The code took no step; the text says why."""


class _Given(Struct, frozen=True):
    """Batches to try, and what they are in words."""

    batches: tuple[Any, ...]
    words: str
    files: bool = False
    """Files and downloads that are not there are made up too."""


def rehearse(request: Request, source: Path) -> Measured:
    """Returns one run for each seed that can differ, under the code's own optimiser. Raises NoTrainingError, or what the code raises."""
    start = time.monotonic()
    torch.manual_seed(0)
    found = _Given(plain_batches(), "")
    run, witness, feed, error = _attempt(request, source, found, 0, start)
    lacking = error if isinstance(error, OSError) and not _settled(witness) else None
    if lacking is not None:
        found = replace(found, files=True)
        run, witness, feed, error = _attempt(request, source, found, 0, start)
    if feed.touched:
        better = _searched(request, source, witness, found.files, start)
        if better is not None:
            found, run, feed = better
        else:
            found = replace(found, words="on batches of (5, 16) of N(0, 1) with targets 0")
    if not run.losses and not run.raised:
        stepping = _stepping(request, source, witness)
        if stepping is not None:
            return stepping
        untrained = taught(request, witness.roots(), start, _ended(error)) if request.expression == SCRIPT else None
        if untrained is not None:
            return untrained
        if (name := missing()) is not None:
            raise ModuleNotFoundError(f"No module named {name!r}") from error
        raise lacking or error or NoTrainingError(_nothing(witness))
    runs = [run]
    once = witness.seeded or time.monotonic() - start > request.seconds / 3
    for seed in range(1, 1 if once else request.seeds):
        again, seen, _, _ = _attempt(request, source, found, seed, start)
        if _settled(seen):
            runs.append(again)
    said = [found.words, *([f"with {', '.join(feed.invented)} made up"] if feed.invented else [])]
    if any(said):
        runs = [_without_course(run) for run in runs]
    note = (
        ", ".join(["the code's own training", *filter(None, said)]) if any(said) else "the code's own training and data"
    )
    roots = witness.roots()
    count = sum(parameter.numel() for root in roots for parameter in root.parameters())
    models = tuple(dict.fromkeys(type(module).__name__ for root in roots for module in root.modules()))
    return Measured(count, (note,), tuple(runs), time.monotonic() - start, models)


def _stepping(request: Request, source: Path, witness: Witness) -> Measured | None:
    """Returns what the training steps of a script's Lightning module come to by themselves, where its trainer took none."""
    if request.expression == SCRIPT:
        for root in witness.roots():
            if hasattr(root, "training_step"):
                with contextlib.suppress(Exception):
                    return rehearse(replace(request, expression=type(root).__name__), source)
    return None


def _without_course(run: Run) -> Run:
    """Returns a run on made-up data without what its loss came to later: the scale of such data is not that for which the learning rate was chosen."""
    run.measures.pop("diverged", None)
    if len(run.losses) > _SOON and run.nonfinite:
        run.measures.pop("nonfinite", None)
        return replace(run, nonfinite="")
    return run


def _ended(error: BaseException | None) -> str:
    """Returns what becomes of the training of a script that never takes a step, in words."""
    if error is None:
        return "the code builds it and does not train it"
    text = " ".join(str(error).split())[:120]
    return f"the code's training ends before its first step ({type(error).__name__}: {text}): its model is trained by itself"


def _nothing(witness: Witness) -> str:
    """Returns why training code shows nothing, and what would mend it."""
    if not witness.modules:
        return "the training code ends before it builds a model"
    if not witness.first_calls:
        return "the training code builds a model and never calls it for a gradient"
    return "the training code ends without a backward pass"


def _searched(
    request: Request, source: Path, witness: Witness, files: bool, start: float
) -> tuple[_Given, Run, Feed] | None:
    """Returns the first batches with which the code trains, its run among them; better such as it trains with until it has taken enough steps."""
    partly: tuple[_Given, Run, Feed] | None = None
    left = _TRIES
    for given in _candidates(witness):
        if partly is not None and _inputs_of(given) == _inputs_of(partly[0]):
            continue  # the code fails with these inputs after a step, whatever the targets
        waiting = [replace(given, files=files)]
        while waiting and left and time.monotonic() - start < request.seconds / (1 if partly is None else 3):
            trial, left = waiting.pop(), left - 1
            run, seen, feed, error = _attempt(request, source, trial, 0, start)
            if _settled(seen):
                if error is None or seen.raised or seen.loop.steps > _TURN:
                    return trial, run, feed
                if partly is None:
                    partly, left = (trial, run, feed), min(left, _FURTHER)
            waiting += _reshaped(trial, error)
    return partly


def _attempt(
    request: Request, source: Path, given: _Given, seed: int, start: float
) -> tuple[Run, Witness, Feed, BaseException | None]:
    """Runs the code once; the error is what it raised of itself."""
    torch.manual_seed(seed)
    feed = Feed(given.batches, 4 * request.steps)
    error: BaseException | None = None
    begun = time.monotonic()
    left = max(request.seconds - (begun - start), 2.0)
    silence = contextlib.redirect_stdout(io.StringIO())
    on_cpu = request.device == "cpu"
    seconds = min(left / 2, _LONGEST)
    with (
        as_script(),
        loading(feed, source, given.files),
        silence,
        witnessing(request.steps, seconds, on_cpu=on_cpu) as witness,
    ):
        try:
            _start(request, source, feed)()
        except EnoughError:
            pass
        except SystemExit as raised:
            error = NoTrainingError(f"the code calls sys.exit({raised.code!r})")
        except Exception as raised:
            error = raised
            if any(words in str(raised) for words in _REFUSED):
                witness.raised = str(raised)
    run = witness.run(seed, time.monotonic() - begun)
    if seed == 0 and run.losses:
        mixing = [mixes_samples(*one) for one in list(witness.first_calls.values())[:_MOST_MODELS]]
        if known := [answer for answer in mixing if answer is not None]:
            run.measures["mixes_samples"] = any(known)
    return run, witness, feed, error


_TURN, _FURTHER = 4, 12
"""Steps that one turn of a loop takes at most, and how many other batches are tried where the code raises an error in it."""
_REFUSED = ("can't optimize a non-leaf Tensor", "optimizer got an empty parameter list")
"""What an optimiser says of a tensor that is computed from another, or of nothing: no data would have helped."""
_SOON = 5
"""Steps in which NaN is a matter of the model."""
_LONGEST = 20.0
"""Seconds of the processor that no run takes longer than."""
_MOST_MODELS = 6


def _settled(witness: Witness) -> bool:
    return bool(witness.raised) or witness.loop.settled


def _start(request: Request, source: Path, feed: Feed) -> Callable[[], object]:
    """Returns what starts the code: the file as a script, a function on made-up arguments, or a Lightning module's own steps."""
    if request.expression == SCRIPT:
        return lambda: run_script(source, request.file, ModuleType("__main__"))
    module = load(source, request.file)
    value = eval(request.expression, dict(vars(module)))
    if isinstance(value, type) and issubclass(value, nn.Module) and hasattr(value, "training_step"):
        return lambda: lightning_steps(value(**arguments(value, module, feed)), feed)
    return lambda: value(**arguments(value, module, feed))


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


def _inputs_of(given: _Given) -> str:
    return given.words.partition(" with targets")[0]


def _reshaped(given: _Given, error: BaseException | None) -> list[_Given]:
    """Returns other forms of the same batch where the complaint is about its form: inputs alone, or more parts."""
    text = str(error)
    if not all(isinstance(batch, Batch) for batch in given.batches):
        return []
    if found := _UNPACKED.search(text):
        more = int(found[1]) - 2
        return [replace(given, batches=tuple(Batch((*batch, *[batch[-1]] * more)) for batch in given.batches))]
    if "between 0 and 1" in text and " in 0 to 1" not in given.words:
        within = tuple(Batch(_within(one) for one in batch) for batch in given.batches)
        return [replace(given, batches=within, words=given.words.replace(" of N(0, 1)", " in 0 to 1"))]
    if "too many values to unpack (expected 1" in text:
        return [replace(given, batches=tuple(Batch(batch[:1]) for batch in given.batches))]
    if "Batch" in text or "tuple" in text or "'Tensor' object is not callable" in text:
        return [replace(given, batches=tuple(batch[0] for batch in given.batches))]
    return []


def _within(value: Any) -> Any:
    """Returns numbers between 0 and 1, as images often are, in the place of others."""
    return value.sigmoid() if isinstance(value, Tensor) and value.is_floating_point() else value


def _words(wanted: Tensor) -> str:
    kind = "of numbers" if wanted.is_floating_point() else f"below {int(wanted.max()) + 1}"
    return f"({', '.join(['batch', *map(str, wanted.shape[1:])])}) {kind}"
