"""Builds the graph of a torch module by running it: the oracle that predictions are compared through."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

from vglint import ops
from vglint.graph import Graph, Init, Node, Parameter, Region
from vglint.ops.spec import Arg
from vglint.span import Span
from vglint.value import Literal_

SPAN = Span("traced.py", 1, 1, 1, 1)


def trace_module(model: nn.Module, *inputs: Tensor, shapes: bool = True) -> Graph:
    """Returns the graph of one forward pass; initialisations are told from the tensors themselves."""
    return _Tracer(model, shapes).run(inputs)


def init_of(tensor: Tensor, known: Init | None = None) -> Init:
    """Returns an initialisation that has the tensor's mean and variance."""
    if known is not None:
        return known
    values = tensor.detach().double()
    if values.numel() == 0:
        return Init("unknown")
    low, high = values.min().item(), values.max().item()
    if low == high:
        return Init("constant", (("val", low),))
    if values.dim() == 2 and torch.equal(values, torch.eye(*values.shape).double()):
        return Init("eye")
    if values.dim() >= 2:
        flat = values.flatten(1)
        flat = flat if flat.shape[0] <= flat.shape[1] else flat.T
        product = flat @ flat.T
        size = product.diagonal().mean()
        if flat.shape[0] > 1 and (product - size * torch.eye(len(flat))).abs().max() < 1e-4 * size:
            return Init("orthogonal", (("gain", math.sqrt(size.item())),))
    mean, std = values.mean().item(), values.std(correction=0).item()
    if abs(mean) < 5 * std / math.sqrt(values.numel()):
        mean, std = 0.0, values.pow(2).mean().sqrt().item()
    return Init("normal", (("mean", mean), ("std", std)))


class _Tracer(TorchFunctionMode):
    def __init__(self, model: nn.Module, shapes: bool) -> None:
        super().__init__()
        self.model, self.shapes = model, shapes
        self.nodes: list[Node] = []
        self.parameters: list[Parameter] = []
        self.indices: dict[int, int] = {}
        self.values: dict[int, int] = {}
        self.alive: list[Any] = []
        self.depth = 0
        self.names = {id(module): name for name, module in model.named_modules(remove_duplicate=True)}
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if id(tensor) not in self.indices:
                self.indices[id(tensor)] = len(self.parameters)
                self.parameters.append(Parameter(name, tuple(tensor.shape), init_of(tensor.float())))

    def run(self, inputs: tuple[Tensor, ...]) -> Graph:
        restore = []
        for module in self.model.modules():
            spelling = ops.find(f"{type(module).__module__}.{type(module).__qualname__}")
            if type(module).__module__.startswith("torch.nn") and spelling is not None and spelling.form == "module":
                restore.append(module)
                module.forward = self.leaf(module, module.forward, spelling)  # type: ignore[method-assign]
        try:
            for position, value in enumerate(inputs):
                self.add("input", (), {"name": f"x{position}"}, value)
            with torch.no_grad(), self:
                result = self.model(*inputs)
        finally:
            for module in restore:
                del module.forward
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        ends = tuple((str(i), self.values[id(out)]) for i, out in enumerate(outputs))
        regions = (Region(0, None, "function", ""),)
        return Graph("traced", "class", SPAN, tuple(self.nodes), tuple(self.parameters), (), regions, (), ends)

    def leaf(self, module: nn.Module, forward: Callable[..., Any], spelling: Any) -> Callable[..., Any]:
        def recorded(*args: Any, **kwargs: Any) -> Any:
            if self.depth:
                return forward(*args, **kwargs)
            self.depth += 1
            try:
                with torch._C.DisableTorchFunctionSubclass(), _Off(self):
                    result = forward(*args, **kwargs)
            finally:
                self.depth -= 1
            sources = [self.node_of(arg) for arg in _tensors((args, kwargs))]
            config = {arg.name: getattr(module, arg.name, None) for arg in spelling.args if arg.role != "ignored"}
            config |= dict(spelling.fixed)
            params = [(name, self.indices[id(p)]) for name, p in module.named_parameters()]
            self.add(spelling.op, sources, config, result, self.names[id(module)], spelling.name, params)
            return result

        return recorded

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.depth:
            return func(*args, **kwargs)
        self.depth += 1
        try:
            result = func(*args, **kwargs)
        finally:
            self.depth -= 1
        if not any(isinstance(value, Tensor) for value in _tensors(result)):
            return result
        name = resolve_name(func) or ""
        name = name.replace("torch.Tensor.__getitem__", "getitem").removesuffix(".__get__")
        short = name.rsplit(".", 1)[-1]
        if name == "getitem":
            config = {"index": _plain(args[1])}
            self.add("getitem", [self.node_of(args[0])], config, result)
            return result
        short = {"__radd__": "add", "__rmul__": "mul", "__rsub__": "rsub", "__matmul__": "matmul", "__pow__": "pow",
                 "__truediv__": "div", "__iadd__": "add", "__imul__": "mul"}.get(short, short)  # fmt: skip
        spelling = ops.method(short) if "Tensor" in name else ops.find(name)
        spelling = spelling or ops.find(f"torch.{short}") or ops.find(f"torch.nn.functional.{short}")
        if spelling is None:
            self.add(short, [self.node_of(t) for t in _tensors((args, kwargs))], {}, result)
            return result
        bound = ops.bind(_self(spelling), args, kwargs)
        sources, config = [], dict(spelling.fixed)
        for arg in _self(spelling):
            value = bound.get(arg.name)
            found = list(_tensors(value)) if arg.role in ("tensor", "tensors") else []
            if found:
                sources += [self.node_of(one) for one in found]
            elif arg.role != "ignored":
                config[arg.name] = _plain(value)
        self.add(spelling.op, sources, config, result)
        return result

    def node_of(self, tensor: Tensor) -> int:
        if id(tensor) not in self.values:
            if id(tensor) in self.indices:
                self.add("parameter", (), {}, tensor, params=[("value", self.indices[id(tensor)])])
            else:
                self.add("opaque", (), {}, tensor)
        return self.values[id(tensor)]

    def add(
        self,
        op: str,
        inputs: Any,
        config: dict[str, Literal_],
        result: Any,
        path: str = "",
        type_: str | None = None,
        params: Any = (),
    ) -> None:
        self.alive.append(result)
        index = len(self.nodes)
        shape = tuple(result.shape) if isinstance(result, Tensor) and self.shapes else None
        self.nodes.append(
            Node(index, op, tuple(inputs), tuple(config.items()), path, type_, tuple(params), shape, SPAN)
        )
        if isinstance(result, Tensor):
            self.values[id(result)] = index
        elif isinstance(result, (tuple, list)):
            for position, part in enumerate(result):
                if part is not None:
                    self.add("getitem", (index,), {"index": position}, part)


class _Off:
    def __init__(self, tracer: _Tracer) -> None:
        self.tracer = tracer

    def __enter__(self) -> None:
        self.tracer.depth += 1

    def __exit__(self, *args: object) -> None:
        self.tracer.depth -= 1


def _self(spelling: Any) -> tuple[Any, ...]:
    if spelling.form == "method":
        return (Arg("self", "tensor"), *spelling.args)
    return tuple(spelling.args)


def _tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)


def _plain(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, (tuple, list, torch.Size)):
        return tuple(_plain(item) for item in value)
    if value is Ellipsis:
        return "..."
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)
