"""Worlds: an entry is judged as its definition says, and again with one optional switch on."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from vglint.origin import Argument
from vglint.source import code
from vglint.value import Expr, Unknown

ON_CPU, ON_GPU = "on the CPU", "on a GPU"


Off: TypeAlias = "bool | float | None"
"""What a switch is while it is off: None, False, or 0 of a number."""


class World(Struct, frozen=True, eq=False):
    """One default that is other than the program says: a parameter's of the function `node`, a field's of the class `node`, an option's of
    the command line, an entry's of the dict that `node` displays, or a constant's that the statement `node` at the top of a file binds; the device that models run on; or the other arm of the condition `node`
    at the top of a file, whose arms define the same classes."""

    kind: Literal["parameter", "field", "option", "entry", "device", "arm", "constant"]
    name: str
    default: Off
    node: code.Node | None = None
    holder: str = ""
    """The name that a file binds to the dict."""

    @property
    def text(self) -> str:
        """When the world is the case, for people."""
        if self.kind == "device":
            return ON_GPU
        if self.kind == "arm":
            return f"in the other arm of {f'`{self.name}`' if self.name.startswith('if ') else self.name}"
        if self.is_number:
            return f"when `{'--' * (self.kind == 'option')}{self.name.replace('_', '-') if self.kind == 'option' else self.name}` is above 0"
        shown = f"--{self.name.replace('_', '-')}" if self.kind == "option" else self.name
        return f"when `{shown}` is {'given' if self.default is None or self.kind == 'option' else not self.default}"

    @property
    def is_number(self) -> bool:
        return self.default is not None and not isinstance(self.default, bool)

    def is_off(self, value: object) -> bool:
        """Whether a value is what the switch is while it is off."""
        return (
            type(value) in (bool, int, float, type(None))
            and isinstance(value, bool) == isinstance(self.default, bool)
            and value == self.default
        )

    def changes(self, kind: str, name: str, node: code.Node | None = None) -> bool:
        """Whether a default is the one that is other here."""
        return self.kind == kind and self.name == name and self.node is node

    def gives(self, value: Unknown) -> bool:
        """Whether a value is what is None elsewhere and given here."""
        return self.kind != "device" and self.default is None and value.origin == Argument(self.name)


def switched(world: World) -> bool | Unknown | Expr:
    """Returns what a default is in a world where it is another: something that is not known for None, True for False, a positive number for 0."""
    if world.is_number:
        return Expr.symbol(world.name)
    return Unknown(Argument(world.name)) if world.default is None else not world.default


GPU_WORLD = World("device", "cuda", None)
