"""Whether code moves tensors against their gradients by hand."""

from __future__ import annotations

from vglint.source import code
from vglint.source.unit import Unit

_SUBTRACTS = frozenset({"sub_", "add_", "addcdiv_", "copy_"})


def descends(unit: Unit) -> bool:
    """Whether a statement takes a multiple of a gradient off a tensor: `w -= lr * w.grad`, `w.data.sub_(lr * w.grad)`."""
    for node in code.walk(*unit.body) if ".grad" in unit.source else ():
        match node:
            case code.Augmented(operator="-", value=value) if _of_gradient(value):
                return True
            case code.Call(func=code.Attribute(attr=name), args=args) if name in _SUBTRACTS:
                if any(_of_gradient(each) for each in args):
                    return True
            case code.Assign(targets=(code.Attribute(attr="data"),), value=code.Binary(operator="-", right=right)):
                if _of_gradient(right):
                    return True
            case _:
                pass
    return False


def _of_gradient(value: code.Node) -> bool:
    return any(isinstance(each, code.Attribute) and each.attr == "grad" for each in code.walk(value))
