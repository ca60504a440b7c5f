"""What torch executes: one forward pass of a real model, op by op.

    record(model, *inputs, **named) -> Recording

Leaf modules are recorded as one step each, at the moment they start; what they do inside is theirs. Everything else that
reaches torch's dispatch of Python functions (functions, tensor methods, operators) is a step at the path of the module whose forward runs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode, resolve_name

from vglint import ops
from vglint.interp.torch.composite import described_in

Config = tuple[tuple[str, "Value"], ...]
Value = None | bool | int | float | str | tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One executed operation. `path` is None where it cannot be told (a module that no attribute holds)."""

    op: str
    path: str | None
    type: str | None = None
    config: Config = ()
    weighted: bool = False
    """A leaf module with parameters of its own."""
    inputs: tuple[int, ...] = ()
    """The steps whose results it takes, as positions; inputs and parameters of the model have none."""
    idle: bool = False
    """It returned the very tensor that it was given (`x.contiguous()`)."""

    def __str__(self) -> str:
        config = "".join(f", {name}={value!r}" for name, value in self.config)
        return f"{self.op} {self.path} {self.type or ''}{config}".strip()


@dataclass(frozen=True, slots=True)
class Filled:
    """A parameter as it stands before training: path, shape, mean and standard deviation of its entries."""

    path: str
    shape: tuple[int, ...]
    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class Recording:
    steps: tuple[Step, ...]
    params: tuple[Filled, ...]
    output: object = None


def record(model: nn.Module, *inputs: object, **named: object) -> Recording:
    """Runs the model once in training mode and returns what it executed and how its parameters were filled."""
    params = tuple(_filled(path, param.detach()) for path, param in model.named_parameters())
    model.train()
    recorder = _Recorder(_paths(model))
    with torch.random.fork_rng(devices=[]), recorder.watching(model):
        torch.manual_seed(0)
        output = model(*inputs, **named)
    return Recording(tuple(recorder.steps), params, output)


def _filled(path: str, param: torch.Tensor) -> Filled:
    values = param.double() if param.is_floating_point() else torch.zeros(1, dtype=torch.double)
    std = values.std(correction=0).item() if values.numel() > 1 else 0.0
    return Filled(path, tuple(param.shape), values.mean().item() if values.numel() else 0.0, std)


def _paths(model: nn.Module) -> dict[nn.Module, str]:
    """Returns the path of every module, of those in plain lists and dicts too (`layers.0`)."""
    paths = {module: path for path, module in model.named_modules()}
    queue = list(paths)
    for module in queue:
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            for key, hidden in _contained(value):
                start = f"{paths[module]}.{name}" if paths[module] else name
                for inner_path, inner in hidden.named_modules(prefix=f"{start}{key}"):
                    if inner not in paths:
                        paths[inner] = inner_path
                        queue.append(inner)
    return paths


def _contained(value: object) -> Iterator[tuple[str, nn.Module]]:
    if isinstance(value, nn.Module):
        yield "", value
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            for key, module in _contained(item):
                yield f".{index}{key}", module
    elif isinstance(value, dict):
        for name, item in value.items():
            for key, module in _contained(item):
                yield f".{name}{key}", module


class _Recorder(TorchFunctionMode):
    """Collects steps; `_stack` holds the paths of the running modules, `_inside` counts leaf modules that run."""

    def __init__(self, paths: dict[nn.Module, str]) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self._paths = paths
        self._stack: list[str | None] = []
        self._inside = 0
        self._library_call: FrameType | None = None
        self._made: dict[int, tuple[int, ...]] = {}
        self._alive: list[torch.Tensor] = []

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Wraps `Module.__call__` and every instance's `forward` (a forward may be called by name), and undoes it."""
        call = nn.Module.__call__
        leaf = {module: leaf_class(module) for module in self._paths}
        recorder = self

        def called(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            kind = leaf[module] if module in leaf else leaf_class(module)
            with recorder._running(module, kind, (args, kwargs)) as give:
                return give(call(module, *args, **kwargs))

        with ExitStack() as undo:
            for module in self._paths:
                if isinstance(module, torch.jit.ScriptModule):
                    continue
                module.__dict__["forward"] = self._forward(module, module.forward, leaf[module])
                undo.callback(module.__dict__.pop, "forward", None)
            for base in {_leaf_base(module) for module in self._paths if leaf[module] is None} - {None}:
                undo.callback(setattr, base, "forward", vars(base)["forward"])
                base.forward = self._inherited(base)  # type: ignore[method-assign]
            nn.Module.__call__ = called  # type: ignore[method-assign]
            undo.callback(setattr, nn.Module, "__call__", call)
            with self:
                yield

    def _forward(self, module: nn.Module, forward: Callable[..., Any], leaf: type | None) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._running(module, leaf, (args, kwargs)) as give:
                return give(forward(*args, **kwargs))

        return run

    def _inherited(self, base: type) -> Callable[..., Any]:
        """The forward of torch's class as a class below it calls it: `super().forward(x)`."""
        forward = vars(base)["forward"]

        def run(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self._inside or module not in self._paths:
                return forward(module, *args, **kwargs)
            with self._running(module, base, (args, kwargs)) as give:
                return give(forward(module, *args, **kwargs))

        return run

    @contextmanager
    def _running(self, module: nn.Module, leaf: type | None, taken: object) -> Iterator[Callable[[Any], Any]]:
        """Yields the function through which the module's result has to go."""
        path = self._paths.get(module)
        at: int | None = None
        if leaf is not None and self._inside == 0:
            at = len(self.steps)
            self.steps.append(replace(_leaf_step(module, leaf, path), inputs=self._sources(taken)))
        self._inside += leaf is not None
        self._stack.append(path)

        def give(result: Any) -> Any:
            if at is not None and self.steps[at].op != "identity":
                self._mark(result, at)
            return result

        try:
            yield give
        finally:
            self._stack.pop()
            self._inside -= leaf is not None

    def __torch_function__(
        self, func: Any, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        sources = self._sources((args, kwargs)) if self._inside == 0 else ()
        result = func(*args, **(kwargs or {}))
        if self._inside == 0:
            op = _op_name(func)
            if op in _OF_TWO and any(isinstance(arg, torch.Tensor) for arg in args[1:]):
                op = _OF_TWO[op]
            if op is not None and (op == "setitem" or _has_tensor(result)):
                idle = op in _IDLE and any(result is arg for arg in args)
                if self._add(Step(op, self._path(), None, _arguments(func, args, kwargs or {}), False, sources, idle)):
                    self._mark(args[0] if op == "setitem" else result, len(self.steps) - 1)
                    if op == "setitem" or any(result is arg for arg in args):
                        self._mark_whole(args[0], len(self.steps) - 1)
        return result

    def _path(self) -> str | None:
        return self._stack[-1] if self._stack else ""

    def _sources(self, taken: object) -> tuple[int, ...]:
        return tuple(dict.fromkeys(at for each in _tensors(taken) for at in self._made.get(id(each), ())))

    def _mark(self, result: object, at: int) -> None:
        for each in _tensors(result):
            self._made[id(each)] = (at,)
            self._alive.append(each)

    def _mark_whole(self, part: object, at: int) -> None:
        """Notes that the tensor whose view was written into holds what was written."""
        whole = part._base if isinstance(part, torch.Tensor) else None
        if whole is not None:
            self._made[id(whole)] = (*self._made.get(id(whole), ()), at)

    def _add(self, step: Step) -> bool:
        """Appends a step; what one call into a library written in Python executes is that call's one step.

        Returns whether the result is that step's.
        """
        frame, library = sys._getframe(2), None
        if any(caller.f_code.co_name in _ASIDES for caller in (frame, frame.f_back) if caller is not None):
            return False
        while frame is not None and (name := _library(frame.f_code.co_filename)):
            library, qualified = frame, f"{name}.{frame.f_code.co_name}"
            frame = frame.f_back
        if library is not None:
            if library is self._library_call:
                at = len(self.steps) - 1
                more = (each for each in step.inputs if each != at)
                self.steps[at] = replace(self.steps[at], inputs=tuple(dict.fromkeys((*self.steps[at].inputs, *more))))
                return True
            spelling = ops.find(qualified)
            op = spelling.op if spelling is not None else qualified.rpartition(".")[2]
            step = replace(step, op=op, config=(), idle=False)
        self._library_call = library
        self.steps.append(step)
        return not step.idle


_OF_TWO = {"max": "maximum", "min": "minimum"}
"""Functions that are another operation where they get two tensors."""
_IDLE = {"contiguous", "to", "type_as", "expand_as", "float"}
_ASIDES = {"_detect_is_causal_mask"}
"""Functions of torch's modules that only look at a mask."""
_LIBRARIES = ("/torch/nn/utils/rnn.py", "/einops/")


def _library(file: str) -> str | None:
    """Returns the dotted name of a library whose functions torch does not dispatch as one."""
    if file.endswith(_LIBRARIES[0]):
        return "torch.nn.utils.rnn"
    return "einops" if _LIBRARIES[1] in file else None


def leaf_class(module: nn.Module) -> type | None:
    """Returns torch's class that the op table has as one op, unless a class below it defines a forward of its own."""
    for cls in type(module).__mro__:
        known = _is_leaf(cls)
        if known or "forward" in vars(cls):
            return cls if known else None
    return None


def _leaf_base(module: nn.Module) -> type | None:
    """Returns torch's class with a forward of its own that a class is made from."""
    return next((cls for cls in type(module).__mro__ if "forward" in vars(cls) and _is_leaf(cls)), None)


def _is_leaf(cls: type) -> bool:
    name = public_name(cls)
    return cls.__module__.startswith(_LEAVES) and ops.find(name) is not None and name not in described_in("torch.nn")


_LEAVES = ("torch.nn.", "einops.")


def public_name(cls: type) -> str:
    """Returns `torch.nn.Linear` for torch.nn.modules.linear.Linear."""
    return re.sub(r"^torch\.nn\.modules\.\w+\.", "torch.nn.", f"{cls.__module__}.{cls.__qualname__}")


def _leaf_step(module: nn.Module, leaf: type, path: str | None) -> Step:
    spelling = ops.find(public_name(leaf))
    assert spelling is not None
    config: dict[str, Value] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name in ("training", "inplace", "forward"):
            continue
        if value is None or isinstance(value, (bool, int, float, str)):
            config[name] = value
        elif isinstance(value, (tuple, list, torch.Size)):
            config[name] = tuple(value)
    if config.get("elementwise_affine", config.get("affine", True)) is False:
        config.pop("bias", None)
    elif "bias" in module._parameters:
        config["bias"] = module._parameters["bias"] is not None
    elif "in_proj_bias" in module._parameters:
        config["bias"] = module._parameters["in_proj_bias"] is not None
    weighted = any(True for _ in module.parameters())
    return Step(spelling.op, path, public_name(leaf), tuple(sorted(config.items())), weighted)


def _arguments(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Config:
    """Returns the arguments that are plain values, by name, of a function or a method that the op table spells."""
    name = getattr(func, "__name__", "")
    resolved = resolve_name(func) or f"torch.{name}"
    method = resolved.startswith("torch.Tensor.")
    if name.startswith("__"):
        return ()
    spelling = ops.method(name) if method else ops.find(resolved)
    if spelling is None:
        return ()
    try:
        bound = ops.bind(spelling.args, args[1:] if method else args, kwargs)
    except ops.BindError:
        return ()
    roles = {arg.name: arg.role for arg in spelling.args}
    kept = {
        key: tuple(value) if isinstance(value, (list, torch.Size)) else value
        for key, value in bound.items()
        if roles.get(key, "config") != "ignored" and _is_plain(value)
    }
    return tuple(sorted(kept.items()))


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list, torch.Size)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _op_name(func: Any) -> str | None:
    """Returns the op table's name of what torch dispatches; None for what only reads (`x.shape`)."""
    name = getattr(func, "__name__", "")
    if name == "__get__":
        attribute = ops.attribute(func.__self__.__name__)
        return None if attribute is None else attribute.op
    if name == "__set__":
        return None
    if name in _OPERATORS:
        return _OPERATORS[name]
    resolved = resolve_name(func) or f"torch.{name}"
    prefix, _, last = resolved.rpartition(".")
    if last in _READERS:
        return None
    for candidate in (last, last.rstrip("_"), name, name.rstrip("_")):
        if candidate.startswith("__"):
            continue
        found = ops.method(candidate) if prefix == "torch.Tensor" else ops.find(f"{prefix}.{candidate}")
        if found is not None:
            return found.op
    return last.strip("_")


_READERS = {"requires_grad_", "retain_grad", "register_hook", "set_", "__hash__", "is_floating_point"}

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "div": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and": "&", "or": "|", "xor": "^",
}  # fmt: skip
_OPERATORS: dict[str, str] = {
    f"__{side}{name}__": op
    for name, symbol in _SYMBOLS.items()
    for side in ("", "r", "i")
    if (op := ops.operator(symbol)) is not None
} | {"__getitem__": "getitem", "__setitem__": "setitem", "__neg__": "neg", "__invert__": "bitwise_not"}


def _has_tensor(value: object) -> bool:
    return next(_tensors(value), None) is not None


def _tensors(value: object) -> Iterator[torch.Tensor]:
    """Yields the tensors inside tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
