"""Functions with a backward of their own that runs the forward pass again: checkpoints and reversible blocks."""

from __future__ import annotations

from collections.abc import Iterable

from vglint.interp.static.methods import methods
from vglint.source import code


def recomputes(function: code.Class, classes: Iterable[code.Class]) -> bool:
    """Whether the backward of a function, or a method that it calls, switches gradients on and asks torch for those of what it runs then.

    `classes` are those whose methods it may call.
    """
    backward = methods(function).get("backward")
    if backward is None:
        return False
    called = {
        each.func.attr
        for each in code.walk(backward)
        if isinstance(each, code.Call) and isinstance(each.func, code.Attribute)
    }
    others = [method for each in classes for name, method in methods(each).items() if name in called]
    return any(_enables(each) and _differentiates(each) for each in (backward, *others))


def _enables(method: code.Function) -> bool:
    return any(isinstance(each, code.Attribute) and each.attr == "enable_grad" for each in code.walk(method))


def _differentiates(method: code.Function) -> bool:
    """Whether a method calls `torch.autograd.backward`, `torch.autograd.grad` or a tensor's `backward`."""
    called = {each.func for each in code.walk(method) if isinstance(each, code.Call)}
    return any(isinstance(each, code.Attribute) and (each.attr == "backward" or each.attr == "grad") for each in called)
