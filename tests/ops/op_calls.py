"""Reads a sample call: runs it in torch, and binds it by the op table as the interpreter would."""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np
import torch
from op_samples import NOT_ALIKE, SAMPLES
from torch import nn
from torch.nn import functional as F

from vglint import ops
from vglint.ops.signature import full_name
from vglint.ops.spec import REQUIRED, Call, Spelling


def _positive_definite(size):
    half = torch.randn(size, size)
    return half @ half.T + size * torch.eye(size)


class _Index:
    def __getitem__(self, key):
        return key


NAMES = {
    "torch": torch,
    "nn": nn,
    "F": F,
    "np": np,
    "r": torch.randn,
    "p": lambda *size: torch.rand(*size) * 0.8 + 0.1,
    "c": lambda *size: torch.randn(*size, dtype=torch.complex64),
    "k": lambda high, *size: torch.randint(high, size),
    "m": lambda *size: torch.rand(*size) > 0.5,
    "sym": _positive_definite,
    "index": _Index(),
}

OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.MatMult: "@",
    ast.Gt: ">", ast.BitAnd: "&",
}  # fmt: skip


@dataclass
class Read:
    """A sample: the op, its call as the table sees it, what torch returned, and for a module the spelling, its arguments and the module."""

    op: str
    call: Call
    real: object
    spelling: Spelling | None = None
    module: nn.Module | None = None
    constructed: dict[str, object] | None = None


def read(text: str) -> Read:
    """Runs and binds one sample."""
    torch.manual_seed(0)
    tree = ast.parse(text, mode="eval").body
    match tree:
        case ast.Subscript(value, index):
            tensor, key = _value(value), _value(ast.Subscript(ast.Name("index", ast.Load()), index, ast.Load()))
            items = key if isinstance(key, tuple) else (key,)
            inputs = [tensor, *(item for item in items if isinstance(item, torch.Tensor))]
            names = ["self"] + ["index"] * (len(inputs) - 1)
            config = {"index": tuple(_index_item(item) for item in items)}
            return Read("getitem", Call(config, [tuple(t.shape) for t in inputs], names), tensor[key])
        case ast.BinOp(left, operator, right) | ast.Compare(left, [operator], [right]):
            op = ops.operator(OPERATORS[type(operator)])
            values = {"input": _value(left), "other": _value(right)}
            module = ast.Expression(tree)
            return Read(op, _call(ops.find(f"torch.{op}").args, values), eval(compile(module, "sample", "eval"), NAMES))
        case ast.Attribute(value, name):
            tensor = _value(value)
            spelling = ops.attribute(name)
            return Read(spelling.op, Call({}, [tuple(tensor.shape)], ["self"]), getattr(tensor, name), spelling)
        case ast.Call(ast.Call(made, made_args, made_keywords), args, keywords):
            return _module(made, made_args, made_keywords, args, keywords)
        case ast.Call(function, args, keywords):
            return _function(function, args, keywords)
    raise ValueError(text)


def alike() -> list[str]:
    """Samples of every function and method whose required arguments are all tensors."""
    texts = []
    for spelling in ops.spellings():
        required = [arg for arg in spelling.args if arg.default is REQUIRED and not arg.star]
        plain = spelling.form != "module" and all(arg.role == "tensor" for arg in required)
        kind = ops.OPS[spelling.op].kind
        if not plain or spelling.op in NOT_ALIKE or kind == "train" or spelling.name in _SAMPLED:
            continue
        if any(arg.star for arg in spelling.args):
            continue
        arguments = ", ".join(f"{arg.name}=p(2, 3)" for arg in required)
        if spelling.form == "method":
            name = spelling.name.removeprefix("torch.Tensor.")
            is_attribute = ops.attribute(name) is not None and ops.method(name) is None
            texts.append(f"p(2, 3).{name}" if is_attribute else f"p(2, 3).{name}({arguments.replace('other=', '')})")
        else:
            texts.append(f"{spelling.name}({arguments})")
    return texts


def shapes(real: object) -> object:
    """The shapes of what torch returned, nested as it is."""
    if isinstance(real, torch.Tensor):
        return tuple(real.shape)
    if isinstance(real, np.ndarray):
        return real.shape
    if isinstance(real, (tuple, list)) and not isinstance(real, torch.Size):
        return [shapes(item) for item in real]
    return () if isinstance(real, (bool, int, float)) else None


def _module(made, made_args, made_keywords, args, keywords) -> Read:
    name = full_name(ast.unparse(made))
    spelling = ops.find(name)
    positional, named = _values(made_args), _keywords(made_keywords)
    module = eval(ast.unparse(made), NAMES)(*positional, **named)
    constructed = ops.bind(spelling.args, positional, named)
    config = {
        arg.name: _plain(constructed[arg.name])
        for arg in spelling.args
        if arg.role == "config" and arg.name in constructed
    }
    config = ops.canonical_config(spelling, config)
    inputs, keys = _values(args), _keywords(keywords)
    bound = ops.bind(spelling.forward, inputs, keys)
    real = module(*inputs, **keys)
    return Read(spelling.op, _call(spelling.forward, bound, config), real, spelling, module, config)


def _function(function, args, keywords) -> Read:
    positional, named = _values(args), _keywords(keywords)
    text = ast.unparse(function)
    spelling = ops.find(full_name(text)) if text.startswith(("torch.", "F.")) else None
    if spelling is not None:
        bound = ops.bind(spelling.args, positional, named)
        real = eval(text, NAMES)(*positional, **named)
        return Read(spelling.op, _call(spelling.args, bound, dict(spelling.fixed)), real, spelling)
    tensor = _value(function.value)
    spelling = ops.method(function.attr)
    assert spelling is not None, text
    bound = ops.bind(spelling.args, positional, named)
    call = _call(spelling.args, bound, dict(spelling.fixed))
    own = Call(call.config, [tuple(tensor.shape), *call.inputs], ["self", *call.names])
    return Read(spelling.op, own, getattr(tensor, function.attr)(*positional, **named), spelling)


def _call(args, bound, config=()) -> Call:
    values, inputs, names = dict(config), [], []
    known = {arg.name for arg in args}
    values.update({name: _plain(value) for name, value in bound.items() if name not in known})
    for arg in args:
        if arg.name not in bound or arg.role == "ignored":
            continue
        value = bound[arg.name]
        if arg.role == "tensors" and isinstance(value, (tuple, list)):
            for item in value:
                inputs.append(tuple(item.shape))
                names.append(arg.name)
        elif arg.role in ("tensor", "tensors") and isinstance(value, torch.Tensor):
            inputs.append(tuple(value.shape))
            names.append(arg.name)
        else:
            values[arg.name] = _plain(value)
    return Call(values, inputs, names)


def _plain(value):
    if isinstance(value, (tuple, list)):
        return tuple(_plain(item) for item in value)
    if isinstance(value, torch.dtype):
        return str(value)
    return value


def _value(node):
    return eval(compile(ast.fix_missing_locations(ast.Expression(node)), "sample", "eval"), NAMES)


def _values(nodes):
    return [_value(node) for node in nodes]


def _keywords(nodes):
    return {node.arg: _value(node.value) for node in nodes}


def _index_item(item):
    if isinstance(item, slice):
        return ("slice", item.start, item.stop, item.step)
    if item is Ellipsis:
        return "..."
    if isinstance(item, list):
        return ("list", *item)
    return "tensor" if isinstance(item, torch.Tensor) else item


_SAMPLED = {
    full_name(ast.unparse(call.func))
    for call in (ast.parse(text, mode="eval").body for text in SAMPLES)
    if isinstance(call, ast.Call) and not isinstance(call.func, ast.Call)
}
