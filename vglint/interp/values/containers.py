"""What holds other values: lists, dicts, sets, arrays, iterators."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from vglint import origin
from vglint.value import Unknown

if TYPE_CHECKING:
    from vglint.interp.values.objects import Value
    from vglint.interp.values.scopes import Site


UNKNOWN_LENGTH = Unknown(origin.Length("list of unknown length"))
birth = itertools.count().__next__


class OpenLoop(Struct, eq=False):
    """A loop of unknown length that is being walked, and when that began, by the clock of `born`."""

    count: Value
    uneven: bool = False
    """Its turns may differ in what they make: how often a layer stands that one of them made is not known."""
    region: int = 0
    """The region that is walked for it; 0 where none is."""
    start: int = field(default_factory=birth)
    apart: bool = False
    """No turn reads what another wrote, so that their number is nobody's depth."""
    carried: tuple[tuple[int, int], ...] | None = None
    """What each turn hands to the next: the node that a turn starts from and the one that the next takes in its place. None where that is not known."""


class RepeatV(Struct, frozen=True, eq=False):
    """Among the items of a list: what one turn of a loop of unknown length adds, which stands for all turns."""

    items: tuple[Value, ...]
    count: Value
    loop: OpenLoop

    @property
    def turns(self) -> Value:
        """How often the items stand one behind the other."""
        return UNKNOWN_LENGTH if self.loop.uneven else self.count


class ListV(Struct, eq=False):
    items: list[Value]
    count: Value = None
    """When set, `items` holds one representative of this many (a number that is not known)."""
    loop: OpenLoop | None = None
    """The loop that repeats it, where it was one."""
    born: int = field(default_factory=birth)
    """When it was made: before or after a loop began."""


class ArrayV(Struct, eq=False):
    """A numpy array: numbers, or arrays of one dimension less, which are not changed."""

    items: list[Value]


class DictV(Struct, eq=False):
    items: dict[Any, Value]
    default: Value = None
    """A defaultdict's factory."""
    complete: bool = True
    """False when keys that are not known were stored or merged into it."""
    mixed: bool = False
    """What is not known was stored or merged into it since it was made, or code that is not followed got it: its values may be others."""
    born: int = field(default_factory=birth)
    """When it was made: before or after a loop began."""


class SetV(Struct, eq=False):
    items: list[Value]


class IteratorV(Struct, eq=False):
    """An iterator or generator, evaluated eagerly; `items` None where its length is not known, `item` then stands for each."""

    items: list[Value] | None
    item: Value = None
    count: Value = None
    position: int = 0
    exhausted: bool = False
    origin: Site | None = None
    """Where it was made."""
