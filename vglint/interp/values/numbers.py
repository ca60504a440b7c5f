"""Numbers and texts that know more than their value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from vglint.interp.values.instances import ClassV


class TurnNumber(int):
    """A number that counts the turns of a loop, or what is left of one divided by `every`: the next turn has another one.

    `every` is 0 for a count that starts anew after a number of turns that is not known, None for one that does not.
    """

    every: int | None = None

    @staticmethod
    def of(number: int, every: int | None) -> TurnNumber:
        found = TurnNumber(number)
        found.every = every
        return found


class TextMember(str):
    """A member of an enumeration whose value is a text."""

    cls: ClassV
    name: str


class NumberMember(int):
    """A member of an enumeration whose value is a whole number."""

    cls: ClassV
    name: str


class VersionV(Struct, frozen=True):
    """A version of Python or of a package, by its numbers."""

    numbers: tuple[int, ...]

    @staticmethod
    def parsed(text: str) -> VersionV:
        """Reads the numbers at the dots of a text; a part that is none is left out."""
        return VersionV(tuple(int(part) for part in text.partition("+")[0].split(".") if part.isdigit()))

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))
