"""Watches one forward and backward pass of a model; its hooks are gone when it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import torch
from msgspec import Struct, field
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from vglint.probe.feeding import tensors
from vglint.probe.operations import Operations, dropouts
from vglint.probe.places import line_text
from vglint.probe.record import Layer, Squash

_SOME, _SHARES = 1024, (0.05, 0.25, 0.5, 0.75, 0.95)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
_LINEAR = (nn.Linear, nn.modules.conv._ConvNd)
_MOVES = frozenset({"ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0", "AliasBackward0"})


class Call(Struct, eq=False):
    """One call of a leaf module during the pass."""

    path: str
    turn: int
    module: nn.Module
    moment: float
    mean: float
    varied: float | None
    alive: Tensor | None
    """Which units of a weight layer's input are not 0 for every sample and position."""
    source: int
    """Address of the input's storage, which tells raw input from what a layer made."""
    before: tuple[Any, ...]
    after: Any
    quantiles: tuple[float, ...] = ()
    gradient: float | None = None
    feeds: bool = False


class Sight(Struct):
    """What a pass showed."""

    calls: list[Call] = field(default_factory=list)
    squashes: list[Squash] = field(default_factory=list)
    nonfinite: str = ""
    doubled: str = ""
    """Where a tensor is first added to itself."""
    dropped: float = 0.0
    """The largest share of its input that a dropout in training takes away."""
    normalised: float | None = None
    """Least second moment of what a normalisation with unit scale returns."""
    stacked: int = 0
    """Linear layers and convolutions that read what another one of their kind returns, with nothing between but moves."""
    output: float | None = None
    """Second moment of what the whole model returns."""
    settle: Callable[[], None] = lambda: None
    """Ends what looks at single operations; to be called once the loss is known, for backward shows nothing more to it."""
    times: list[tuple[float, ...]] = field(default_factory=list)
    """For each recurrent module: RMS gradient of its input at each time step."""

    def layers(self) -> tuple[Layer, ...]:
        """Returns the calls with the gradients that backward has left; call it before the next zero_grad."""
        self.stacked = max(self.stacked, _mark(self.calls))
        return tuple(
            Layer(
                call.path,
                call.turn,
                type(call.module).__name__,
                weight_of(call.module) is not None,
                call.gradient,
                _log_rms(weight.grad if (weight := _learnt(call.module)) is not None else None),
                call.moment,
                call.mean,
                call.varied,
                _share(call.alive),
                call.feeds,
                call.quantiles,
                frozen=weight_of(call.module) is not None and (weight is None or not weight.requires_grad),
            )
            for call in self.calls
        )


def weight_of(module: nn.Module) -> Tensor | None:
    """Returns the weight that makes a module a weight layer: of two dimensions or more, so not a norm's."""
    names = ("weight", "weight_ih_l0", "weight_ih", "in_proj_weight", "q_proj_weight")
    for name in names:
        value = getattr(module, name, None)
        if isinstance(value, Tensor) and value.dim() > 1:
            return value
    return None


class Modules(Protocol):
    """What can be watched: a model, or several as one."""

    def named_modules(self) -> Iterator[tuple[str, nn.Module]]: ...


@contextmanager
def watching(model: Modules, *, whole: bool = True) -> Iterator[Sight]:
    """Records every call of a leaf module while it lasts; as a whole, saturating calls and attention too, which costs as much again."""
    sight = Sight()
    handles: list[Any] = []
    stack: list[str] = []
    turns: dict[str, int] = {}
    for path, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(_entering(stack, path)))
        handles.append(
            module.register_forward_hook(_leaving(stack, path, sight, turns, _is_leaf(module)), with_kwargs=True)
        )
        if isinstance(module, nn.RNNBase):
            handles.append(module.register_forward_pre_hook(_timing(module, sight)))
    ends = ExitStack()
    for handle in handles:
        ends.callback(handle.remove)
    if whole:
        ends.enter_context(Operations(sight, stack))
        ends.enter_context(dropouts(sight))
    sight.settle = ends.close
    try:
        yield sight
    finally:
        ends.close()


class alive_inputs:
    """Collects, while it lasts, which units of each weight layer's input are not 0 for every sample; costs little."""

    def __init__(self, model: nn.Module, raw: Collection[int]) -> None:
        self.found: dict[tuple[str, int], Tensor] = {}
        self.raw = raw
        """Addresses of the model's own inputs, which no layer made."""
        self.model = model
        self.handles: list[Any] = []

    def __enter__(self) -> alive_inputs:
        self.turns: dict[str, int] = {}
        for path, module in self.model.named_modules():
            if weight_of(module) is not None and not isinstance(module, _RECURRENT):
                self.handles.append(module.register_forward_pre_hook(self._seeing(path)))
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _seeing(self, path: str) -> Any:
        def see(module: nn.Module, args: Any) -> None:
            self.turns[path] = self.turns.get(path, -1) + 1
            given = next((tensor for tensor in tensors(args) if tensor.is_floating_point()), None)
            if given is None or given.data_ptr() in self.raw:
                return
            units = _alive(given, module)
            if units is not None:
                self.found[path, self.turns[path]] = units

        return see


def _is_leaf(module: nn.Module) -> bool:
    return weight_of(module) is not None or not any(True for _ in module.children())


def _entering(stack: list[str], path: str) -> Any:
    def enter(module: nn.Module, args: Any) -> None:
        stack.append(path)

    return enter


def _leaving(stack: list[str], path: str, sight: Sight, turns: dict[str, int], leaf: bool) -> Any:
    def leave(module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        while stack and stack.pop() != path:
            pass
        output = next((tensor for tensor in tensors(result) if tensor.is_floating_point()), None)
        if output is not None:
            with _disable_current_modes():
                look(module, [tensor for tensor in tensors((args, kwargs)) if tensor.is_floating_point()], output)

    def look(module: nn.Module, given: list[Tensor], output: Tensor) -> None:
        if not path:
            sight.output = _moment(output.detach())
        if not sight.nonfinite and not _finite(output) and (not leaf or all(map(_finite, given))):
            sight.nonfinite = f"{path or 'forward'} ({type(module).__name__}){line_text()}"
        if isinstance(module, _NORMS) and _unit_scale(module):
            moment = _moment(output.detach())
            sight.normalised = moment if sight.normalised is None else min(sight.normalised, moment)
        if leaf:
            turn = turns[path] = turns.get(path, -1) + 1
            call = _call(path, turn, module, given, output)
            sight.calls.append(call)
            if output.requires_grad:
                output.register_hook(_taking(call))  # type: ignore[no-untyped-call]

    return leave


def _unit_scale(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return module.training and (not isinstance(weight, Tensor) or bool((weight.detach() == 1).all()))


def _finite(value: Tensor) -> bool:
    value = value.detach()
    return math.isfinite(float(value.sum())) or bool(torch.isfinite(value).all())


def _moment(value: Tensor) -> float:
    """Returns E[x²], in double precision where single does not hold it."""
    found = float(value.float().pow(2).mean())
    return found if math.isfinite(found) and found > 1e-30 else float(value.double().pow(2).mean())


def _taking(call: Call) -> Any:
    def take(gradient: Tensor) -> None:
        call.gradient = _log_rms(gradient)

    return take


def _timing(module: nn.RNNBase, sight: Sight) -> Any:
    def before(_: nn.Module, args: Any) -> Any:
        if not args or not isinstance(args[0], Tensor) or args[0].dim() != 3 or not torch.is_grad_enabled():
            return None
        given = args[0] if args[0].requires_grad else args[0].detach().requires_grad_()
        axis = 1 if module.batch_first else 0

        def take(gradient: Tensor) -> None:
            steps = gradient.detach().double().pow(2).mean(dim=(1 - axis, 2)).sqrt()
            sight.times.append(tuple(map(float, steps)))

        given.register_hook(take)  # type: ignore[no-untyped-call]
        return (given, *args[1:])

    return before


def _call(path: str, turn: int, module: nn.Module, given: list[Tensor], output: Tensor) -> Call:
    value = output.detach()
    weighted = weight_of(module) is not None
    moment = _moment(value)
    middle = value.float().mean(0) if value.dim() > 1 else value.float()
    many = value.dim() > 1 and len(value) > 1
    return Call(
        path,
        turn,
        module,
        moment,
        _number(middle.mean()),
        (moment - _moment(middle)) * len(value) / (len(value) - 1) if many else None,
        _alive(given[0], module) if weighted and given and not isinstance(module, _RECURRENT) else None,
        given[0].data_ptr() if given else 0,
        tuple(tensor.grad_fn for tensor in given if tensor.grad_fn is not None),
        output.grad_fn,
        _quantiles(value) if weighted else (),
    )


def _quantiles(output: Tensor) -> tuple[float, ...]:
    """Returns those of some thousand values at equal distances; () where some are not finite."""
    flat = output.flatten()
    some = flat[:: max(len(flat) // _SOME, 1)].float()
    if not len(some) or not bool(torch.isfinite(some).all()):
        return ()
    ordered = some.sort().values.tolist()
    return tuple(ordered[round(share * (len(ordered) - 1))] for share in _SHARES)


def _alive(given: Tensor, module: nn.Module) -> Tensor | None:
    if given.dim() < 2:
        return None
    unit = 1 if isinstance(module, nn.modules.conv._ConvNd) else given.dim() - 1
    return (given.detach() != 0).transpose(0, unit).flatten(1).any(1)


def _share(alive: Tensor | None) -> float | None:
    return None if alive is None else 1.0 - _number(alive.double().mean())


def _mark(calls: list[Call]) -> int:
    """Marks weight layers from whose output another one's input is reached, along the autograd graph; returns how many linear ones read
    another's output as it is."""
    owners = {call.after: call for call in calls if call.after is not None and weight_of(call.module) is not None}
    stacked = 0
    for call in calls:
        if weight_of(call.module) is None:
            continue
        if isinstance(call.module, _LINEAR):
            source = next((owners[node] for node in _moved(call.before, owners) if node in owners), None)
            stacked += source is not None and isinstance(source.module, _LINEAR)
        seen, stack = set(call.before), list(call.before)
        while stack:
            node = stack.pop()
            if node in owners:
                owners[node].feeds = True
                continue
            for parent, _ in node.next_functions:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
    for call in calls:
        call.before, call.after = (), None
    return stacked


def _moved(nodes: tuple[Any, ...], owners: Mapping[Any, Call]) -> Iterator[Any]:
    """Yields for each node the first along its moves that is a layer's."""
    for node in nodes:
        while node not in owners and node.name() in _MOVES and node.next_functions[0][0] is not None:
            node = node.next_functions[0][0]
        yield node


def _learnt(module: nn.Module) -> Tensor | None:
    """Returns the weight of a layer, or the parameter that `weight_norm` and `spectral_norm` compute it from; None where it comes from elsewhere."""
    weight = weight_of(module)
    if weight is None or weight.is_leaf:
        return weight
    behind = getattr(getattr(module, "parametrizations", None), "weight", module)
    names = ("weight_v", "weight_orig", "original1", "original")
    return next((found for name in names if isinstance(found := getattr(behind, name, None), nn.Parameter)), None)


def _log_rms(gradient: object) -> float | None:
    """Returns log10 of the RMS, None where there is no gradient, it is exactly 0 or not finite."""
    if not isinstance(gradient, Tensor) or gradient.numel() == 0:
        return None
    value = gradient.detach().to_dense() if gradient.is_sparse else gradient.detach()
    norm = float(torch.linalg.vector_norm(value, dtype=torch.float64))
    if math.isfinite(norm) and norm > 1e-140:
        return math.log10(norm) - 0.5 * math.log10(value.numel())
    scale = float(value.abs().max())
    if not math.isfinite(scale) or scale == 0.0:
        return None
    return math.log10(scale) + 0.5 * math.log10(float((value.double() / scale).pow(2).mean()))


def _number(value: Tensor) -> float:
    return float(value.item())
