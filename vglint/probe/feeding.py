"""Finds tensors that a model accepts: from what the graph says, else by trying the shapes its first layers suggest."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from vglint.probe.candidate import BATCH, Candidate
from vglint.probe.hints import hinted
from vglint.probe.record import Argument

_SIZES = (32, 64, 28, 224, 96, 128, 256, 16, 8, 299)
_PATCH = 16
"""Sides up to which the values of a square are likelier one patch of an image than the image."""
_LENGTHS = (16, 32, 64, 8, 128)
_SIDES = frozenset({"image_size", "img_size", "im_size", "input_resolution", "img_dim"})
_FRAMES = frozenset({"frames", "num_frames", "n_frames"})
_OTHER = BATCH + 2
"""Another batch, which tells a model whose batch is free from one that wants just so many rows."""
_LABELS = frozenset({"label", "labels", "target", "targets", "y", "action", "actions", "index", "indices", "classes"})
_TRIES, _SECONDS = 200, 20.0
_WIDEST = 256
"""The largest side that a picture is given for more parameters to be reached."""
_TOKENS = ("ids", "token", "src", "tgt", "word", "text", "idx", "tokens")


class NoInputError(Exception):
    """No tensor was found that the model accepts; the text says what was tried and the last complaint."""


def find_inputs(
    model: nn.Module, arguments: Sequence[Argument], likely: Iterable[tuple[Candidate, ...]] = ()
) -> tuple[Candidate, ...]:
    """Returns a candidate for each required argument of `forward` that together run without an error, the `likely` ones before others."""
    options = [_options(model, name, known) for name, known in _required(model, arguments)]
    shadow = _shadow(model)
    complaint, start, tried = "", time.monotonic(), 0
    waiting = deque([*likely, *itertools.islice(_ordered(options), _TRIES)])
    seen: set[tuple[Candidate, ...]] = set()
    mixed: tuple[Candidate, ...] | None = None
    while waiting and tried < _TRIES and time.monotonic() - start < _SECONDS:
        choice = waiting.popleft()
        if choice in seen:
            continue
        seen.add(choice)
        tried += 1
        found = _runs(shadow, model, choice)
        if found is None:
            taken = choice if _runs(shadow, model, choice, _OTHER) is None else _fixed(choice)
            if not _mixes(model, taken):
                return taken
            mixed = mixed or taken
            continue
        complaint = complaint or found
        waiting.extendleft(reversed([other for other in hinted(found, choice) if other not in seen]))
    if mixed is not None:
        return mixed
    raise NoInputError(f"no input found that the model accepts ({tried} tried); the first complaint: {complaint[:200]}")


def reaching(model: nn.Module, choice: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Returns the choice for a model that is not used any further, or larger pictures where these let a gradient reach more parameters: a map of one position leaves
    nothing to attend to, and would make a healthy model look broken."""
    best, count = choice, _unreached(model, choice)
    wide = [candidate for candidate in choice if len(candidate.shape) >= 4 and not candidate.fixed]
    for factor in (2, 4, 7) if count and wide else ():
        larger = tuple(_larger(candidate, factor) for candidate in choice)
        if max(candidate.shape[-1] for candidate in larger) > _WIDEST or _really_runs(model, larger, BATCH) is not None:
            continue
        found = _unreached(model, larger)
        if found < count:
            best, count = larger, found
        if not count:
            break
    return best


def _larger(candidate: Candidate, factor: int) -> Candidate:
    if len(candidate.shape) < 4 or candidate.fixed:
        return candidate
    return replace(candidate, shape=(*candidate.shape[:-2], *(factor * size for size in candidate.shape[-2:])))


def _unreached(model: nn.Module, choice: Sequence[Candidate]) -> int:
    """Returns how many parameters no gradient of any output reaches; 0 where that cannot be told. The model is used up by it."""
    generator = torch.Generator().manual_seed(0)
    try:
        outputs = [one for one in tensors(model(*(one.make(BATCH, generator) for one in choice))) if one.requires_grad]
        torch.autograd.backward(outputs, [torch.randn(one.shape, generator=generator).to(one) for one in outputs])
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return sum(parameter.grad is None or not bool(parameter.grad.any()) for parameter in trained)
    except Exception:
        return 0
    finally:
        model.zero_grad(set_to_none=True)


def _fixed(choice: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Returns the choice for a model that takes no other batch, as where the samples are the nodes of one graph."""
    fixed = tuple(replace(candidate, fixed=True) for candidate in choice)
    return fixed if all(candidate.shape[candidate.batch] == BATCH for candidate in choice) else choice


def _mixes(model: nn.Module, choice: tuple[Candidate, ...]) -> bool:
    """Says whether rows of numbers are no samples: changing the first changes what comes out for the last, as in attention over rows."""
    if any(len(candidate.shape) != 2 or candidate.high is not None for candidate in choice):
        return False
    training, generator = model.training, torch.Generator().manual_seed(0)
    given = [candidate.make(BATCH, generator) for candidate in choice]
    changed = [torch.cat([-tensor[:1], tensor[1:]]) for tensor in given]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            last = []
            for inputs in (given, changed):
                torch.manual_seed(0)
                output = next(tensors(model.eval()(*inputs)))
                last.append(output[-1])
        return not torch.allclose(last[0], last[1], rtol=1e-3, atol=1e-6, equal_nan=True)
    except Exception:
        return False
    finally:
        model.train(training)


def _required(model: nn.Module, arguments: Sequence[Argument]) -> list[tuple[str, Argument | None]]:
    known = {argument.name: argument for argument in arguments}
    names: list[tuple[str, Argument | None]] = []
    for parameter in inspect.signature(model.forward).parameters.values():
        if (
            parameter.kind in (parameter.VAR_KEYWORD, parameter.KEYWORD_ONLY)
            or parameter.default is not parameter.empty
        ):
            continue
        if parameter.kind is parameter.VAR_POSITIONAL and names:
            continue
        names.append((parameter.name, known.get(parameter.name) or known.get(str(len(names)))))
    first = next(iter(inspect.signature(model.forward).parameters.values()), None)
    if (
        not names and first is not None and first.default is None
    ):  # one of several forms of input, of which one is needed
        names.append((first.name, known.get(first.name)))
    return names


def _options(model: nn.Module, name: str, known: Argument | None) -> list[Candidate]:
    guesses = list(_guesses(model, name))
    if known is None or known.shape is None:
        return guesses
    rank = len(known.shape)
    exact = []
    if known.tokens is not None or all(size is not None for size in known.shape[1:]):
        shape = (BATCH, *(size if size is not None else _LENGTHS[0] for size in known.shape[1:]))
        exact.append(Candidate(shape, known.tokens))
    fitting = []
    for guess in guesses:
        if len(guess.shape) == rank:
            shape = tuple(
                own if own is not None and i != guess.batch else size
                for i, (own, size) in enumerate(zip(known.shape, guess.shape, strict=True))
            )
            fitting.append(Candidate(shape, guess.high, guess.batch))
    return list(dict.fromkeys([*exact, *fitting, *guesses]))


def _guesses(model: nn.Module, name: str) -> Iterator[Candidate]:
    """Yields shapes in the order in which the model's first weight layer makes them likely."""
    layers = [
        module
        for module in model.modules()
        if isinstance(
            module,
            (
                nn.Linear,
                nn.modules.conv._ConvNd,
                nn.Embedding,
                nn.RNNBase,
                nn.RNNCellBase,
                nn.Bilinear,
                nn.BatchNorm1d,
                nn.LayerNorm,
                nn.MultiheadAttention,
            ),
        )
    ]
    if name.lower().endswith(("lengths", "length", "lens", "len")):
        yield Candidate((BATCH,), _LENGTHS[0] + 1, low=_LENGTHS[0])
    if name in ("t", "timestep", "timesteps", "time"):
        yield Candidate((BATCH,), 10)
        yield Candidate((BATCH,))
        yield Candidate((BATCH, 1))
    if name in _LABELS:
        yield Candidate((BATCH,), 2)
        yield Candidate((BATCH, 1), 2)
    embeddings = [layer for layer in layers if isinstance(layer, nn.Embedding)]
    if embeddings and any(word in name.lower() for word in _TOKENS):
        yield from _of_layer(embeddings[0])
    sides = tuple(dict.fromkeys([*_defaults(model, _SIDES), *_SIZES]))
    frames = next(_defaults(model, _FRAMES), None)
    if frames is not None:
        yield Candidate((BATCH, 3, frames, sides[0], sides[0]))
    for layer in layers[:4]:
        yield from _of_layer(layer, sides)
    if embeddings:
        yield from _of_layer(embeddings[0], sides)
    for layer in layers[4:40]:
        yield from _of_layer(layer, sides)
    for parameter in model.parameters(recurse=False):
        yield from _of_parameter(parameter)
    yield Candidate((BATCH, 3, 32, 32))
    yield Candidate((BATCH, 16))
    yield Candidate((BATCH, 3, 224, 224))
    yield Candidate((BATCH, 3, 8, 32, 32))


def _defaults(model: nn.Module, names: frozenset[str]) -> Iterator[int]:
    """Yields the sizes that the model keeps under one of these names, or that its class has for a default."""
    for name, value in vars(model).items():
        if name in names and isinstance(value, int):
            yield value
    for name, parameter in inspect.signature(type(model)).parameters.items():
        if name in names and isinstance(parameter.default, int):
            yield parameter.default


def _of_parameter(parameter: Tensor) -> Iterator[Candidate]:
    """A bare weight is multiplied from its left or its right side; a table is added to a sequence."""
    for width in dict.fromkeys(parameter.shape[:1] + parameter.shape[-1:]):
        yield Candidate((BATCH, width))
        yield Candidate((BATCH, parameter.shape[1] if parameter.dim() == 3 else _LENGTHS[0], width))


def _of_layer(layer: nn.Module, sides: Sequence[int] = _SIZES) -> Iterator[Candidate]:
    """Yields what a layer takes; `sides` are those of images, likeliest first."""
    match layer:
        case nn.Embedding():
            for length in _LENGTHS[:3]:
                yield Candidate((BATCH, length), layer.num_embeddings)
            yield Candidate((BATCH,), layer.num_embeddings)
        case nn.Conv1d():
            yield from (Candidate((BATCH, layer.in_channels, size)) for size in (64, 128, 256, 1024))
        case nn.Conv2d():
            yield from (Candidate((BATCH, layer.in_channels, size, size)) for size in sides)
        case nn.Conv3d():
            yield from (Candidate((BATCH, layer.in_channels, size, size, size)) for size in (16, 32, 8))
        case nn.ConvTranspose2d():
            yield from (Candidate((BATCH, layer.in_channels, size, size)) for size in (1, 4, 8, 16))
        case nn.Linear():
            width = layer.in_features
            yield Candidate((BATCH, width))
            yield Candidate((BATCH, _LENGTHS[0], width))
            for channels in (1, 3):
                side = round((width / channels) ** 0.5)
                if side > 1 and channels * side * side == width:
                    if side <= _PATCH:
                        yield from (Candidate((BATCH, channels, size, size)) for size in sides[:5])
                    if side > 3:
                        yield Candidate((BATCH, channels, side, side))
        case nn.RNNBase():
            yield Candidate((BATCH, _LENGTHS[0], layer.input_size))
            yield Candidate((_LENGTHS[0], BATCH, layer.input_size), None, 0 if layer.batch_first else 1)
        case nn.RNNCellBase():
            yield Candidate((BATCH, _LENGTHS[0], layer.input_size))
            yield Candidate((BATCH, layer.input_size))
        case nn.MultiheadAttention():
            yield Candidate((BATCH, _LENGTHS[0], layer.embed_dim))
        case nn.LayerNorm():
            yield Candidate((BATCH, _LENGTHS[0], *layer.normalized_shape))
        case nn.BatchNorm1d():
            yield Candidate((BATCH, layer.num_features))
        case _:
            return


def _ordered(options: Sequence[Sequence[Candidate]]) -> Iterator[tuple[Candidate, ...]]:
    """Yields combinations; first those in which all arguments look alike."""
    unique = [list(dict.fromkeys(choices)) for choices in options]
    seen: set[tuple[Candidate, ...]] = set()
    for choice in itertools.chain(_alike(unique), itertools.product(*(choices[:8] for choices in unique))):
        if choice not in seen:
            seen.add(choice)
            yield choice


def _alike(options: Sequence[Sequence[Candidate]]) -> Iterable[tuple[Candidate, ...]]:
    return zip(*options, strict=False) if len(options) != 1 else ((choice,) for choice in options[0])


def _shadow(model: nn.Module) -> nn.Module | None:
    """Returns a copy without storage, on which trying shapes costs nothing; None where the model cannot be copied so."""
    try:
        return copy.deepcopy(model).to("meta").train()
    except Exception:
        return None


def _runs(shadow: nn.Module | None, model: nn.Module, choice: Sequence[Candidate], batch: int = BATCH) -> str | None:
    """Returns None where the model accepts the tensors, else its complaint."""
    if shadow is not None:
        try:
            with torch.device("meta"), torch.no_grad():
                shadow(*(_empty(candidate, batch) for candidate in choice))
        except (NotImplementedError, AttributeError):
            pass
        except Exception as error:
            if "meta" not in str(error):
                return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return _really_runs(model, choice, batch)


def _empty(candidate: Candidate, batch: int) -> Tensor:
    shape = candidate.sized(batch)
    return torch.empty(shape, dtype=torch.float32 if candidate.high is None else torch.int64)


def _really_runs(model: nn.Module, choice: Sequence[Candidate], batch: int) -> str | None:
    generator = torch.Generator().manual_seed(0)
    state = {name: value.clone() for name, value in model.named_buffers()}
    try:
        with torch.no_grad():
            output: Any = model(*(candidate.make(batch, generator) for candidate in choice))
        found = [tensor for tensor in tensors(output) if tensor.is_floating_point()]
        if not found:
            return "forward returns no floating-point tensor"
        size = choice[0].sized(batch)[choice[0].batch] if choice else 0
        axis = choice[0].batch if choice else 0
        sizes = found[0].shape
        if sizes and size not in sizes[: axis + 1] and math.prod(sizes) != 1:
            return f"index {size} is out of bounds for dimension 0: the output {tuple(sizes)} has no batch of {size}"
        return None
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    finally:
        for name, value in model.named_buffers():
            if name in state and value.shape == state[name].shape:
                value.copy_(state[name])


def tensors(value: object) -> Iterator[Tensor]:
    """Yields the tensors in a value: a tensor, sequences, mappings, objects with such attributes."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors(getattr(value, name))
