"""Whether code moves tensors against their gradients by hand."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.ops.fills import CREATED
from vglint.source import code
from vglint.source.module import Module
from vglint.source.unit import Unit

SUBTRACTS = frozenset({"sub_", "add_", "addcdiv_", "copy_"})


def descends(unit: Unit) -> bool:
    """Whether a statement takes a multiple of a gradient off a tensor: `w -= lr * w.grad`, `w.data.sub_(lr * w.grad)`."""
    for node in code.walk(*unit.body) if ".grad" in unit.source else ():
        match node:
            case code.Augmented(operator="-", value=value) if of_gradient(value):
                return True
            case code.Call(func=code.Attribute(attr=name), args=args) if name in SUBTRACTS:
                if any(of_gradient(each) for each in args):
                    return True
            case code.Assign(targets=(code.Attribute(attr="data"),), value=code.Binary(operator="-", right=right)):
                if of_gradient(right):
                    return True
            case _:
                pass
    return False


_RESETS = frozenset({"zero_", "fill_", "copy_", "detach_"})
"""Methods that write over a gradient, or part it from its past."""
_ZEROS = frozenset(name for name, init in CREATED.items() if init.scheme == "zeros")
_RENEWING = _RESETS | _ZEROS | {"autograd", "requires_grad", "requires_grad_"}
"""What a loop uses whose gradients start at zero: it writes over them, or makes its tensors anew."""


def zeroes_gradients(module: Module) -> bool:
    """Whether a file sets gradients to zero, or to something else, wherever it stands: a function that a loop calls may do it."""
    return any(_resets(node) for unit in module.units if "grad" in unit.source for node in code.walk(*unit.body))


def never_zeroes(module: Module) -> bool:
    """Whether the loops with a backward pass in them do nothing that may set a gradient to zero, or make new leaves, nor does their file."""
    loops = [loop for unit in module.units if "backward" in unit.source for loop in _loops(unit)]
    renewed = (_renews(node) for loop in loops for node in code.walk(loop))
    return bool(loops) and not any(renewed) and not zeroes_gradients(module)


def _loops(unit: Unit) -> Iterator[code.For | code.While]:
    """Yields the loops with a backward pass in them."""
    for node in code.walk(*unit.body):
        if isinstance(node, (code.For, code.While)) and any(
            isinstance(each, code.Attribute) and each.attr == "backward" for each in code.walk(node)
        ):
            yield node


def _resets(node: code.Node) -> bool:
    """Whether a node sets a gradient: `optimizer.zero_grad`, `w.grad.zero_()`, `w.grad[:] = 0`, `w.grad = None`, `del w.grad`."""
    match node:
        case code.Name(id=name) | code.Attribute(attr=name) | code.Alias(name=name) if "zero_grad" in name:
            return True
        case code.Call(func=code.Attribute(value=holder, attr=name)) if name in _RESETS:
            return _is_gradient(holder)
        case code.Call(func=code.Name(id="setattr"), args=(_, code.Constant(value="grad"), *_)):
            return True
        case code.Assign(targets=targets) | code.Delete(targets=targets):
            return any(not isinstance(target, code.Name) and _is_gradient(target) for target in targets)
        case _:
            return False


def _renews(node: code.Node) -> bool:
    """Whether a node of a loop may set some gradient to zero, if only as a copy of it or as a new leaf."""
    match node:
        case code.Attribute(attr=name) | code.Name(id=name) | code.Keyword(name=str(name)):
            return name in _RENEWING or "zero_grad" in name
        case code.Augmented(target=target):
            return _is_gradient(target)
        case code.Delete():
            return True
        case _:
            return False


def _is_gradient(node: code.Node) -> bool:
    """Whether an expression is `grad`, `w.grad`, an entry of it, its `data`, or it detached."""
    match node:
        case code.Attribute(attr="grad") | code.Name(id="grad"):
            return True
        case code.Attribute(value=holder, attr="data") | code.Subscript(value=holder):
            return _is_gradient(holder)
        case code.Call(func=code.Attribute(value=holder, attr="detach")):
            return _is_gradient(holder)
        case _:
            return False


def of_gradient(value: code.Node) -> bool:
    """Whether an expression names a gradient."""
    return any(isinstance(each, code.Attribute) and each.attr == "grad" for each in code.walk(value))
