"""Worlds: an entry is judged as its definition says, and again with one optional switch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vglint.origin import Argument
from vglint.source import code
from vglint.value import Unknown

ON_CPU, ON_GPU = "on the CPU", "on a GPU"


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One default that is other than the program says: a parameter's of the function `node`, a field's of the class `node`, or an
    option's of the command line; or the device that models run on."""

    kind: Literal["parameter", "field", "option", "device"]
    name: str
    default: bool | None
    node: code.Node | None = None

    @property
    def text(self) -> str:
        """When the world is the case, for people."""
        if self.kind == "device":
            return ON_GPU
        shown = f"--{self.name.replace('_', '-')}" if self.kind == "option" else self.name
        return f"when `{shown}` is {'given' if self.default is None or self.kind == 'option' else not self.default}"

    def changes(self, kind: str, name: str, node: code.Node | None = None) -> bool:
        """Whether a default is the one that is other here."""
        return self.kind == kind and self.name == name and self.node is node

    def gives(self, value: Unknown) -> bool:
        """Whether a value is what is None elsewhere and given here."""
        return self.kind != "device" and self.default is None and value.origin == Argument(self.name)


def switched(world: World) -> bool | Unknown:
    """Returns what a default is in a world where it is another: something that is not known for None, True for False."""
    return Unknown(Argument(world.name)) if world.default is None else not world.default


GPU_WORLD = World("device", "cuda", None)
