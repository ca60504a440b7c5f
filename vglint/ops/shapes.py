"""Arithmetic of shapes for the table's rules: broadcasting, dimensions, lengths; any size may be symbolic or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Expr, Literal_, Unknown, divided, normal, plus, times


def same(call: Call) -> Result:
    """The shape of the first tensor."""
    return Tensor(first(call))


def unknown(call: Call) -> Result:
    """No rule: the shape depends on the data or is seldom needed."""
    return Tensor()


def scalar(call: Call) -> Result:
    """One number."""
    return Tensor(())


def broadcast_all(call: Call) -> Result:
    """All tensors broadcast together; an operand that is not known at all may be a number, or a tensor that stretches what is 1."""
    shape = broadcast(call.inputs)
    if shape is not None and any(isinstance(call.config.get(name), Unknown) for name in _OPERANDS):
        return Tensor(tuple(None if size == 1 else size for size in shape))
    return Tensor(shape)


_OPERANDS = ("input", "other", "exponent", "min", "max", "end", "weight", "tensor1", "tensor2", "condition")


def first(call: Call) -> Shape | None:
    """Returns the shape of the first tensor; None where what the op is about is not known, and only its weights or targets are."""
    if not call.inputs or any(isinstance(call.config.get(name), Unknown) for name in ("input", "query")):
        return None
    return call.inputs[0]


def given(call: Call, name: str) -> bool:
    """Returns whether the argument `name` is a tensor of this call."""
    return name in call.names


def tensor(call: Call, name: str) -> Shape | None:
    """Returns the shape of the tensor given for argument `name`."""
    for position, argument in enumerate(call.names):
        if argument == name:
            return call.inputs[position]
    return None


def integer(value: Literal_) -> Dim:
    """Returns a config value as a size: None where it is not known."""
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, (int, Expr)) else None


def whole(value: Literal_) -> int:
    """Returns a config value that must be a plain integer; raises ValueError (unknown shape) where it is not."""
    if isinstance(value, int):
        return int(value)
    raise ValueError(f"not an integer: {value!r}")


def flag(value: Literal_) -> bool:
    """Returns a config value that must be a bool; raises ValueError where it is unknown."""
    if value is None or isinstance(value, (bool, int)):
        return bool(value)
    raise ValueError(f"not a bool: {value!r}")


def sizes(value: Literal_) -> Shape | None:
    """Returns a config value as sizes: an integer is one size; None where their number is not known."""
    if isinstance(value, tuple):
        if len(value) == 1 and isinstance(value[0], (tuple, Unknown)):
            # One unknown positional may be a whole size (`x.view(size)`), so its rank is unknown.
            return sizes(value[0])
        return tuple(integer(item) for item in value)
    if isinstance(value, (int, Expr)):
        return (integer(value),)
    return None


def spread(value: Literal_, count: int) -> tuple[Dim, ...]:
    """Returns `value` once per spatial dimension: `3` → `(3, 3)`, a tuple as it is."""
    if isinstance(value, tuple):
        if len(value) == 1:
            return (integer(value[0]),) * count
        if len(value) != count:
            raise ValueError(f"{value} is not {count} sizes")
        return tuple(integer(item) for item in value)
    return (integer(value),) * count


def axis(dim: Literal_, rank: int) -> int:
    """Returns `dim` counted from the front; raises ValueError where it is unknown or out of range."""
    index = whole(dim)
    if not -max(rank, 1) <= index < max(rank, 1):
        raise ValueError(f"dim {index} of rank {rank}")
    return index % rank if rank else 0


def add(*dims: Dim) -> Dim:
    """Returns the sum; unknown where one is."""
    total: Dim = 0
    for dim in dims:
        if total is None or dim is None:
            return None
        total = total + dim if type(total) is int and type(dim) is int else _number(plus(total, dim))
    return total


def multiply(dims: Iterable[Dim]) -> Dim:
    """Returns the product; unknown where one is."""
    total: Dim = 1
    for dim in dims:
        if total is None or dim is None:
            return None
        total = total * dim if type(total) is int and type(dim) is int else _number(times(total, dim))
    return total


def divide(left: Dim, right: Dim) -> Dim:
    """Returns left // right, a symbolic size taken to be divisible; unknown where it cannot be said."""
    if left is None or right is None or right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    quotient = divided(left, right)
    return None if quotient is None else _number(quotient)


def floor_divide(left: Dim, right: int) -> Dim:
    """Returns floor(left / right); the symbolic part of `left` is taken to be divisible, its constant is rounded down."""
    if not isinstance(left, Expr):
        return divide(left, right)
    constant = sum((factor for powers, factor in left.terms if not powers), Fraction(0))
    symbolic = normal({powers: factor / right for powers, factor in left.terms if powers})
    return _number(plus(symbolic, (constant / right).__floor__()))


def broadcast(shapes: Sequence[Shape | None]) -> Shape | None:
    """Returns the broadcast shape; unknown where a rank is unknown or sizes clash."""
    if not shapes:
        return ()
    known = [shape for shape in shapes if shape is not None]
    if len(known) < len(shapes):
        return None
    rank = max(len(shape) for shape in known)
    columns = zip(*((1,) * (rank - len(shape)) + shape for shape in known), strict=True)
    return tuple(_together(column) for column in columns)


def replace(shape: Shape, dim: int, size: Dim) -> Shape:
    """Returns `shape` with one size changed."""
    return (*shape[:dim], size, *shape[dim + 1 :])


def merge(dim: Dim, other: Dim) -> Dim:
    """Returns the better known of two sizes that are equal in a program that runs."""
    if isinstance(dim, int) or other is None:
        return dim
    return other if isinstance(other, int) or dim is None else dim


def _together(column: tuple[Dim, ...]) -> Dim:
    sized = {dim for dim in column if isinstance(dim, int) and dim != 1}
    if len(sized) > 1:
        raise ValueError(f"sizes {sorted(sized)} do not broadcast")
    if sized:
        return sized.pop()
    symbols = {dim for dim in column if isinstance(dim, Expr)}
    if symbols:
        return symbols.pop() if len(symbols) == 1 else None
    return None if None in column else 1


def _number(value: int | float | Expr) -> Dim:
    return None if isinstance(value, float) else value
