"""A small task that a model of unknown purpose can learn: inputs, targets and a loss that fit its output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

import torch
from msgspec import Struct
from torch import Tensor, nn

from vglint.probe.candidate import BATCH, Candidate
from vglint.probe.feeding import tensors

Batch: TypeAlias = "tuple[tuple[Tensor, ...], Tensor | None]"
Invoke: TypeAlias = Callable[[nn.Module, "Sequence[Tensor]"], Any]
Loss: TypeAlias = Callable[[Any, "Tensor | None"], Tensor]
Kind: TypeAlias = Literal["scalar", "input", "tokens", "classes", "binary", "regression"]
SAMPLES = 256
_CLASSES = 10
_MOVES = frozenset(
    "View Squeeze Unsqueeze Reshape UnsafeView Transpose Permute Select Slice Clone Alias ToCopy T".split()
)
"""Autograd's names of operations that only move values."""


def called(model: nn.Module, inputs: Sequence[Tensor]) -> Any:
    """Calls a model with its inputs in order."""
    return model(*inputs)


class Task(Struct, frozen=True):
    """`batches(seed, size)` yields inputs and target for ever; `loss` takes the model's whole output and the target.

    `constant` is the loss of the best prediction that does not look at the input, where it can be told: a model that only
    reaches that has learnt nothing but its last bias.
    """

    batches: Callable[[int, int], Iterator[Batch]]
    loss: Loss
    note: str
    constant: float | None = None
    fixed: int | None = None
    """The only batch size that the model takes."""
    call: Invoke = called
    """How the model is called with a batch's inputs."""
    partial: bool = False
    """The loss is made up and looks at one of the model's outputs: others may have a loss of their own in real training."""


def teacher_task(
    model: nn.Module, inputs: Sequence[Candidate], loss: str | None, device: str = "cpu", call: Invoke = called
) -> Task:
    """Returns a task whose inputs are noise around a pattern that tells the target; the model's output decides its kind.

    Raises ValueError where no loss could be made of the output.
    """
    generator = torch.Generator().manual_seed(12345)
    axes = [candidate.batch for candidate in inputs]
    output = _output(model, inputs, generator, device, call)
    axis = _batch_axis(output, axes[0], inputs[0].sized(BATCH)[axes[0]])
    kind = _kind(output, inputs[0], loss)
    classes = min(output.shape[-1], _CLASSES) if kind == "classes" else 2
    latent = torch.arange(SAMPLES) % classes if kind == "classes" else torch.randn(SAMPLES, generator=generator)
    if kind == "binary":
        latent = (latent > 0).float() * 2 - 1
    data = tuple(_patterned(candidate, latent, generator).to(device) for candidate in inputs)
    target, function, note = _fitting(kind, output, data[0], latent.to(device), inputs[0], axis, generator)
    if loss == "bce_with_logits" and kind == "binary":
        function = _bce_logits

    def batches(seed: int, count: int) -> Iterator[Batch]:
        order = torch.Generator().manual_seed(seed)
        while True:
            rows = torch.randperm(SAMPLES, generator=order)
            for start in range(0, SAMPLES - count + 1, count):
                chosen = rows[start : start + count].to(device)
                taken = tuple(_rows(tensor, own, chosen) for tensor, own in zip(data, axes, strict=True))
                yield taken, (None if target is None else _rows(target, axis, chosen))

    constant = constant_loss(target, axis, binary=kind == "binary")
    fixed = next((candidate.shape[candidate.batch] for candidate in inputs if candidate.fixed), None)
    return Task(
        batches, lambda result, wanted: function(main_output(result), wanted), note, constant, fixed, call, partial=True
    )


def constant_loss(target: Tensor | None, axis: int = 0, *, binary: bool = False) -> float | None:
    """Returns the cross-entropy of the labels' frequencies, or the variance of a target, in the loss's own unit."""
    if target is None or target.dim() == 0 or target.shape[axis] < 2:
        return None
    if target.is_floating_point() and not binary:
        return float(target.double().var(axis, unbiased=False).mean())
    share = torch.unique(target, return_counts=True)[1].double() / target.numel()
    return float(-(share * share.log()).sum())


def given_task(batch: object, loss: Loss | None) -> Task:
    """Returns the task of a batch that the user gave: (inputs, target), {name: tensor}, or inputs alone."""
    inputs, target = split(batch)
    function = loss
    note = "the given batch and loss"
    if function is None:
        function, note = guessed_loss(target), "the given batch, a loss that fits its target"

    def batches(seed: int, count: int) -> Iterator[Batch]:
        while True:
            yield inputs, target

    return Task(batches, function, note, constant_loss(target) if loss is None else None)


def split(batch: object) -> Batch:
    """Returns (inputs, target) of a batch as loaders yield them."""
    if isinstance(batch, dict):
        target = next((batch[name] for name in ("labels", "label", "target", "targets", "y") if name in batch), None)
        return tuple(value for value in batch.values() if isinstance(value, Tensor) and value is not target), target
    if isinstance(batch, (tuple, list)) and len(batch) >= 2:
        inputs = batch[0] if isinstance(batch[0], (tuple, list)) else batch[:-1]
        return tuple(inputs), batch[-1]
    return tuple(tensors(batch)), None


def guessed_loss(target: Tensor | None) -> Loss:
    """Returns cross-entropy for integer targets, mean squared error for others, the mean of the output where there is none."""

    def loss(output: Any, wanted: Tensor | None) -> Tensor:
        result = main_output(output)
        if wanted is None:
            return result.float().pow(2).mean()
        if not wanted.is_floating_point():
            if result.dim() == wanted.dim() + 1 and result.shape[:-1] == wanted.shape:
                return nn.functional.cross_entropy(result.flatten(0, -2), wanted.flatten())
            return nn.functional.cross_entropy(result, wanted)
        return nn.functional.mse_loss(result, wanted.reshape(result.shape))

    return loss


def named_loss(name: str) -> Loss:
    """Returns a loss by the name that the configuration uses: cross_entropy, nll, mse, bce, bce_with_logits."""
    functions: dict[str, Any] = {
        "cross_entropy": nn.functional.cross_entropy,
        "nll": nn.functional.nll_loss,
        "mse": nn.functional.mse_loss,
        "bce": nn.functional.binary_cross_entropy,
        "bce_with_logits": nn.functional.binary_cross_entropy_with_logits,
    }
    if name not in functions:
        raise ValueError(f"there is no loss {name!r}: {', '.join(functions)}")
    function = functions[name]
    return lambda output, wanted: function(main_output(output), wanted)


def main_output(output: Any) -> Tensor:
    """Returns the tensor that a loss would take: `logits` or `loss` by name, else the first floating one."""
    for name in ("loss", "logits"):
        value = output.get(name) if isinstance(output, dict) else getattr(output, name, None)
        if isinstance(value, Tensor):
            return value
    found = [tensor for tensor in tensors(output) if tensor.is_floating_point()]
    if not found:
        raise ValueError("the model returns no floating-point tensor")
    return found[0]


def _output(
    model: nn.Module, inputs: Sequence[Candidate], generator: torch.Generator, device: str, call: Invoke
) -> Tensor:
    """Returns what the model makes of random tensors; its buffers are left as they were."""
    state = {name: value.clone() for name, value in model.named_buffers()}
    with torch.enable_grad():
        output = main_output(call(model, [candidate.make(BATCH, generator, device) for candidate in inputs]))
    with torch.no_grad():
        for name, value in model.named_buffers():
            if name in state and value.shape == state[name].shape:
                value.copy_(state[name])
    return output


def _within_unit(output: Tensor) -> bool:
    """Says whether the output is a probability: the last operation that does more than move values bounds it by 0 and 1."""
    node = output.grad_fn
    while node is not None and node.name().removesuffix("Backward0") in _MOVES and node.next_functions:
        node = node.next_functions[0][0]
    return node is not None and node.name().removesuffix("Backward0") in ("Sigmoid", "Softmax", "Hardsigmoid")


def _is_share(output: Tensor) -> bool:
    """Says whether all numbers lie between 0 and 1: the model's output may belong to another loss of its file than binary cross-entropy."""
    values = output.detach()
    return bool(((values >= 0) & (values <= 1)).all())


def _kind(output: Tensor, given: Candidate, loss: str | None) -> Kind:
    if output.dim() == 0:
        return "scalar"
    entropy = loss in (None, "cross_entropy", "nll")
    if loss is None and given.high is None and output.dim() > 1 and output.shape[1:] == given.shape[1:]:
        return "input"
    if (
        entropy
        and given.high is not None
        and output.dim() == len(given.shape) + 1
        and output.shape[1:-1] == given.shape[1:]
    ):
        return "tokens"
    if entropy and output.dim() == 2 and output.shape[-1] >= 2:
        return "classes"
    width = output.shape[-1] if output.dim() > 1 else 1
    alone = loss is None and width == 1 and output.dim() <= 2 and _within_unit(output)
    if alone or loss == "bce_with_logits" or (loss == "bce" and _is_share(output)):
        return "binary"
    return "regression"


def _patterned(candidate: Candidate, latent: Tensor, generator: torch.Generator) -> Tensor:
    """Returns samples of which half the variance is noise and half a pattern chosen (class) or scaled (number) by `latent`."""
    first = (SAMPLES, *(size for i, size in enumerate(candidate.shape) if i != candidate.batch))
    if candidate.low:
        data = torch.randint(candidate.low, candidate.high or candidate.low + 1, first, generator=generator)
    elif candidate.high is not None:
        tokens = torch.randint(candidate.high, first, generator=generator)
        group = latent if not latent.is_floating_point() else (latent > 0).long()
        count = int(group.max()) + 1
        own = (
            torch.randint(max(candidate.high // count, 1), first, generator=generator) * count
            + group.view(-1, *[1] * (len(first) - 1))
        ) % candidate.high
        data = torch.where(torch.rand(first, generator=generator) < 0.5, own, tokens)
    else:
        count = 1 if latent.is_floating_point() else int(latent.max()) + 1
        patterns = _patterns(count, first[1:], generator)
        chosen = patterns[torch.zeros(SAMPLES, dtype=torch.long) if latent.is_floating_point() else latent]
        factor = latent.view(-1, *[1] * (len(first) - 1)) if latent.is_floating_point() else 1.0
        data = 0.5**0.5 * (torch.randn(first, generator=generator) + factor * chosen)
        data = candidate.mean + candidate.scale * data
    return data.movedim(0, candidate.batch)


def _patterns(count: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Returns random patterns of unit variance: shades and smooth forms in an image, constant over the steps of a sequence."""
    match len(shape):
        case 2:
            return torch.randn(count, 1, shape[1], generator=generator).expand(count, *shape)
        case 3:
            small = torch.randn(count, shape[0], min(4, shape[1]), min(4, shape[2]), generator=generator)
            smooth = nn.functional.interpolate(small, size=shape[1:], mode="bilinear")
            shade = torch.randn(count, shape[0], 1, 1, generator=generator)
            scaled: Tensor = 0.5**0.5 * (smooth / smooth.std().clamp(min=1e-6) + shade)
            return scaled
        case _:
            return torch.randn(count, *shape, generator=generator)


def _fitting(
    kind: Kind, output: Tensor, data: Tensor, latent: Tensor, given: Candidate, axis: int, generator: torch.Generator
) -> tuple[Tensor | None, Callable[[Tensor, Tensor | None], Tensor], str]:
    match kind:
        case "scalar":
            return None, lambda result, _: result, "the scalar that forward returns"
        case "input":
            target = data.sigmoid() if _within_unit(output) else data
            return target, _mse, "mean squared error against the input"
        case "tokens":
            assert given.high is not None
            table = torch.randperm(given.high, generator=generator) % min(output.shape[-1], given.high)
            return (
                table.to(data.device)[data],
                lambda result, wanted: _entropy(result.flatten(0, -2), wanted),
                "cross-entropy, every token mapped to another",
            )
        case "classes":
            return latent, _entropy, f"cross-entropy, {int(latent.max()) + 1} classes, each a pattern under noise"
        case "regression" if output.dim() > 2 and output.dim() == data.dim() and data.is_floating_point():
            return (
                _local(output, data, generator),
                _mse,
                "mean squared error against a fixed linear map of the input at each position",
            )
        case _:
            shape = [1] * output.dim()
            shape[axis] = SAMPLES
            whole = [SAMPLES if i == axis else size for i, size in enumerate(output.shape)]
            if kind == "binary":
                return (
                    ((latent > 0).float().view(shape)).expand(whole),
                    _bce,
                    "binary cross-entropy, a pattern or its negative under noise",
                )
            pattern = torch.randn(
                [1 if i == axis else size for i, size in enumerate(output.shape)], generator=generator
            ).to(data.device)
            wanted = latent.view(shape) * pattern
            return (
                wanted.sigmoid() if _within_unit(output) else wanted,
                _mse,
                "mean squared error against a pattern scaled by a number that the input shows",
            )


def _local(output: Tensor, data: Tensor, generator: torch.Generator) -> Tensor:
    """Returns, for each position of a map or a sequence, a random mixture of the input's channels there, resized to the output."""
    images = data if data.dim() > 3 else data.movedim(-1, 1)
    size = output.shape[2:] if data.dim() > 3 else output.shape[1:2]
    width = output.shape[1] if data.dim() > 3 else output.shape[2]
    mixture = torch.randn(width, images.shape[1], generator=generator).to(data.device) / images.shape[1] ** 0.5
    mixed: Tensor = torch.einsum("oc,nc...->no...", mixture, images)
    if mixed.shape[2:] != size:
        mixed = nn.functional.interpolate(mixed, size=tuple(size))
    target = mixed if data.dim() > 3 else mixed.movedim(1, -1)
    return target.sigmoid() if _within_unit(output) else target.tanh() if bool((output.abs() <= 1).all()) else target


def _entropy(result: Tensor, wanted: Tensor | None) -> Tensor:
    """Returns cross-entropy of logits, of log-probabilities or of probabilities, as the values show."""
    assert wanted is not None
    wanted = wanted.flatten()
    detached = result.detach()
    if bool((detached >= 0).all()) and bool(((detached.sum(-1) - 1).abs() < 1e-3).all()):
        return nn.functional.nll_loss((result + 1e-12).log(), wanted)
    return nn.functional.cross_entropy(result, wanted)


def _mse(result: Tensor, wanted: Tensor | None) -> Tensor:
    assert wanted is not None
    return nn.functional.mse_loss(result, wanted)


def _bce(result: Tensor, wanted: Tensor | None) -> Tensor:
    assert wanted is not None
    return nn.functional.binary_cross_entropy(result, wanted.expand_as(result))


def _bce_logits(result: Tensor, wanted: Tensor | None) -> Tensor:
    assert wanted is not None
    return nn.functional.binary_cross_entropy_with_logits(result, wanted.expand_as(result))


def _batch_axis(output: Tensor, given: int, size: int) -> int:
    return given if output.dim() > given and output.shape[given] == size else 0


def _rows(tensor: Tensor, axis: int, rows: Tensor) -> Tensor:
    return tensor.index_select(axis, rows.to(tensor.device))
