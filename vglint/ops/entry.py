"""One entry of the op table: an op with all its spellings as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from vglint.ops.spec import Call, Kind, ParamSpec, Result
from vglint.ops.traits import Trait
from vglint.value import Literal_

Config: TypeAlias = Mapping[str, Literal_]
ShapeRule: TypeAlias = Callable[[Call], Result]
ParamRule: TypeAlias = Callable[[Config], tuple[ParamSpec, ...]]
ConfigRule: TypeAlias = Callable[[str, Config], dict[str, Literal_]]


class Entry(Struct, frozen=True):
    """An op, its spellings (see `vglint.ops.signature`) and its rules.

    `config` takes a module's name and constructor arguments to what the module shows as attributes (`kernel_size=3` → `(3, 3)`).
    """

    name: str
    kind: Kind
    summary: str
    result: ShapeRule
    spellings: str
    params: ParamRule | None = None
    config: ConfigRule | None = None
    traits: frozenset[Trait] = frozenset()
    init: str = ""
    last: str = ""
    names: tuple[str, ...] = ()

    def having(self, *traits: Trait) -> Entry:
        """Returns the entry with properties added."""
        return replace(self, traits=self.traits | frozenset(traits))

    def behind(self, init: str) -> Entry:
        """Returns an activation's entry with the initialisation that suits the weights in front of it, a function of `torch.nn.init`."""
        return replace(self, init=init)

    def ending(self, last: str) -> Entry:
        """Returns the entry with the argument that tells the last size of the result, whatever the rank of what it gets."""
        return replace(self, last=last)

    def naming(self, *names: str) -> Entry:
        """Returns the entry with the names of its results (`x.max(dim=1).values`); one that has several has a space between them."""
        return replace(self, names=names)
