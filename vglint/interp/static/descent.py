"""Whether code moves tensors against their gradients by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


_ZEROES = re.compile(
    r"zero_|zeros|fill_|requires_grad|copy_|\bdel\b|autograd|closure|grad(\.data)?(\[[^]]*\])?\s*([*+-]?=)(?!=)"
)
"""What sets gradients to zero, or makes new leaves."""


_ZEROES_GRADIENTS = re.compile(
    r"zero_grad|\bgrad(\.data|\.detach\(\))?(\.(zero_|fill_|copy_|detach_)|(\[[^]]*\])?\s*=(?!=))"
)
"""What sets gradients to zero or to something else, wherever it stands: a function that a loop calls may do it."""


def zeroes_gradients(text: str) -> bool:
    """Whether the text of a file sets gradients to zero somewhere."""
    return _ZEROES_GRADIENTS.search(text) is not None


def never_zeroes(module: Module) -> bool:
    """Whether the loops with a backward pass in them do nothing that may set a gradient to zero, or make new leaves, nor does their file."""
    loops = [each for unit in module.units if "backward" in unit.source for each in _loops(unit)]
    return bool(loops) and not any(_ZEROES.search(text) for text in loops) and not zeroes_gradients(module.text)


def _loops(unit: Unit) -> Iterator[str]:
    """Yields the text of loops with a backward pass in them."""
    for node in code.walk(*unit.body):
        if isinstance(node, (code.For, code.While)):
            end = max(each.end for each in code.walk(node))
            text = unit.text[unit.start + node.start : unit.start + end]
            if ".backward" in text:
                yield text


def of_gradient(value: code.Node) -> bool:
    """Whether an expression names a gradient."""
    return any(isinstance(each, code.Attribute) and each.attr == "grad" for each in code.walk(value))
