"""Inputs of models that a user fixes by hand: `8,3,224,224`, `mask=8,77,bool`, `8,77:long:0..1000`."""

from __future__ import annotations

import re

from msgspec import Struct

from vglint.nearest import nearest
from vglint.shape import Shape
from vglint.value import Expr

DTYPES: dict[str, str] = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "short": "int16",
    "cfloat": "complex64",
} | {
    name: name
    for name in "float16 bfloat16 float32 float64 complex64 complex128 uint8 int8 int16 int32 int64 bool".split()
}
"""Names of dtypes, and what torch calls them."""
LARGEST = 1 << 31
"""A size, or a number that an input holds, is below this."""


class Input(Struct, frozen=True):
    """One input: its name where it is not told by its place, its sizes (None: not known), its dtype, and low ≤ x < high where it holds whole numbers."""

    name: str | None = None
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None
    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        """Returns the input as it is written on the command line."""
        sizes = ("?" if size is None else str(size) for size in self.shape or ())
        parts = [] if self.shape is None else [",".join(sizes) or "()"]
        parts += [] if self.dtype is None else [self.dtype]
        parts += [] if self.low is None else [f"{self.low}..{self.high}"]
        return ("" if self.name is None else f"{self.name}=") + ":".join(parts)


class ModelInputs(Struct, frozen=True):
    """`[[tool.vglint.inputs]]`: the inputs of each model that a pattern names: by its class, its entry or `FILE:` and one of both."""

    model: str
    inputs: tuple[Input, ...]


def parse_input(text: str) -> Input:
    """Returns the input that a text describes: sizes (`?` for one that is not known), a dtype and a range, in any order, each of
    them optional, after the argument's name and `=` where it is not told by its place. Raises ValueError."""
    head, equals, rest = text.partition("=")
    name = head.strip() if equals else None
    if name is not None and not re.fullmatch(r"[A-Za-z_]\w*([.\[][\w.\[\]'\"]*)?", name):
        raise ValueError(f"{name!r} is no name of an argument")
    sizes: list[int | None] = []
    dtype: str | None = None
    bounds: tuple[int, int] | None = None
    is_scalar = False
    for part in re.split(r"[,:]", rest if equals else text):
        word = part.strip()
        if word == "()":
            is_scalar = True
        elif word == "?":
            sizes.append(None)
        elif re.fullmatch(r"\d+", word):
            sizes.append(checked_size(int(word)))
        elif (found := re.fullmatch(r"(-?\d+)\.\.(-?\d+)", word)) is not None and bounds is None:
            bounds = checked_range(int(found[1]), int(found[2]))
        elif dtype is None and re.match(r"[A-Za-z]", word):
            dtype = checked_dtype(word)
        else:
            raise ValueError(f"{word!r} is no size, dtype or range: {FORM}")
    low, high = bounds or (None, None)
    if bounds is not None:
        dtype = checked_whole(dtype or "int64")
    return Input(name, tuple(sizes) if sizes or is_scalar else None, dtype, low, high)


def shape_given(name: str, given: Input) -> Shape | None:
    """Returns the shape of an input; a size that is left open is a symbol."""
    if given.shape is None:
        return None
    return tuple(Expr.symbol(f"{name}.{place}") if size is None else size for place, size in enumerate(given.shape))


def settings_of(given: Input) -> dict[str, int | str]:
    """Returns what the node of an input says of it beside its name."""
    found: dict[str, int | str] = {} if given.dtype is None else {"dtype": given.dtype}
    if given.low is not None and given.high is not None:
        found |= {"low": given.low, "high": given.high}
    return found


FORM = "an input is written as 8,3,224,224 or 8,77:long:0..1000, after NAME= where its place does not tell which it is"


def checked_size(size: int) -> int:
    """Returns a size; raises ValueError where it is none."""
    if not 0 < size < LARGEST:
        raise ValueError(f"a size must be at least 1 and below {LARGEST}, not {size}")
    return size


def checked_dtype(name: str) -> str:
    """Returns torch's name of a dtype; raises ValueError where there is none of this name."""
    plain = name.removeprefix("torch.")
    if plain not in DTYPES:
        raise ValueError(f"there is no dtype {name!r}{nearest(plain, DTYPES)}")
    return DTYPES[plain]


def checked_whole(dtype: str) -> str:
    """Returns a dtype of whole numbers; raises ValueError for another."""
    if "int" not in dtype:
        raise ValueError(f"a range is for whole numbers, not for {dtype}")
    return dtype


def checked_range(low: int, high: int) -> tuple[int, int]:
    """Returns the range of whole numbers low ≤ x < high; raises ValueError where it is empty."""
    if not -LARGEST < low < high <= LARGEST:
        raise ValueError(f"the range {low}..{high} holds no number: low..high means low ≤ x < high")
    return low, high
