"""What outlives one interpretation, and what it takes back at its end."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.values.inside import inside
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    FunctionV,
    Instance,
    ListV,
    LoaderV,
    ModuleV,
    Namespace,
    OpaqueV,
    OptimizerV,
    ParamV,
    SchedulerV,
    TensorV,
    Value,
)

if TYPE_CHECKING:
    from vglint.interp.static.decorated import Reached
    from vglint.source.unit import Unit


Read: TypeAlias = "tuple[dict[str, Value], str, Any]"


class Answer(Struct, frozen=True):
    """What a call returned, and what that depends on beside its arguments."""

    result: Value
    steps: int
    taken: frozenset[tuple[str, int]]
    """The defaults that were taken for arguments."""
    reads: tuple[Read, ...]
    """Names around the functions, where they are bound, and what they meant."""
    function: FunctionV
    """Held, so that its identity stays its own."""


class Memory:
    """What module-level statements define, kept from one interpretation to the next.

    Values that hold nodes or modules of one interpretation go when the next begins, and what an entry writes is undone at its end.
    """

    __slots__ = (
        "_bound",
        "_entered",
        "_homes",
        "_ids",
        "_stale",
        "_units",
        "answers",
        "namespaces",
        "reached",
        "steps",
        "unanswered",
    )

    def __init__(self) -> None:
        self.namespaces: dict[str, Namespace] = {}
        self.steps = 0
        """What all interpretations took so far: the measure of work that is the same on every machine."""
        self.answers: dict[Hashable, Answer] = {}
        """What functions that only compute made of numbers."""
        self.unanswered: dict[Hashable, FunctionV] = {}
        """The functions that do more than to compute."""
        self._units: list[tuple[Namespace, Unit]] = []
        self._bound: list[tuple[Namespace, str, Value | Missing]] = []
        self._ids: set[int] = set()
        self._homes: dict[int, tuple[DictV, Namespace]] = {}
        self._stale: dict[int, Namespace] = {}
        self._entered: dict[int, tuple[DictV, set[int]]] = {}
        self.reached: dict[tuple[str, str, int], Reached] = {}
        """The files that may fill the registries of a file when another one asks, of so many."""

    def note_change(self, space: Namespace) -> None:
        """A statement of a file was executed, or an imported name looked into."""
        self._stale[id(space)] = space

    def home(self, registry: DictV) -> Namespace | None:
        """Returns the file that binds a dict, or an object or class that has it as an attribute, or is one itself."""
        for space in self._stale.values():
            for name, value in space.names.items():
                inside = value.attrs if type(value) is Instance else value.names if isinstance(value, ClassV) else {}
                own = value.entries if type(value) is Instance else None
                for each in (value, own, *inside.values()):
                    if isinstance(each, DictV) and any(unit.kind != "import" for unit in space.module.binding(name)):
                        self._homes.setdefault(id(each), (each, space))
        self._stale.clear()
        found = self._homes.get(id(registry))
        if found is None:
            return None
        space = found[1]
        key = f"<{space.prefix}>" if space.prefix else str(space.module.file)
        return space if self.namespaces.get(key) is space else None

    def entered_in(self, registry: DictV) -> set[int]:
        """Returns the statements, by identity, that were executed because a key of a registry was missing; the caller adds to them."""
        return self._entered.setdefault(id(registry), (registry, set()))[1]

    def is_filled(self, registry: DictV) -> bool:
        """Whether statements were executed because a key of a dict was missing."""
        return id(registry) in self._entered

    def holds(self, space: Namespace, unit: Unit) -> bool:
        """Whether what a statement bound holds nodes or modules, which another statement made."""
        return unit.kind == "other" and any(holds_nodes(space.names.get(name)) for name in unit.names)

    def note_unit(self, space: Namespace, unit: Unit) -> None:
        """A statement made nodes or modules, or holds some: it has to be executed again in every interpretation."""
        self._units.append((space, unit))
        self._ids.update(id(space.names[name]) for name in unit.names if name in space.names)

    def note_name(self, space: Namespace, name: str, before: Value | Missing) -> None:
        """A name was bound to a value of another file: what holds state is asked for anew in every interpretation."""
        value = space.names[name]
        if isinstance(value, (DictV, Instance, ClassV)):
            self.note_change(space)
        if isinstance(value, _HOLDERS) or id(value) in self._ids:
            self._bound.append((space, name, before))

    def begin(self) -> None:
        """Makes ready for the next interpretation."""
        self.withdraw((0, 0))
        self._ids.clear()

    def mark(self) -> tuple[int, int]:
        """Returns how much is noted by now, for `withdraw`."""
        return len(self._units), len(self._bound)

    def withdraw(self, mark: tuple[int, int]) -> None:
        """Forgets what was noted since a mark: it holds nodes or modules that are gone, and is evaluated anew when it is asked for."""
        units, bound = mark
        for space, name, before in reversed(self._bound[bound:]):
            if before is MISSING:
                space.names.pop(name, None)
            else:
                space.names[name] = before
        for space, unit in self._units[units:]:
            for name in unit.names:
                space.names.pop(name, None)
            space.done.discard(id(unit))
        del self._units[units:], self._bound[bound:]


_HOLDERS = (TensorV, ParamV, OpaqueV, Instance, OptimizerV, SchedulerV, LoaderV, ListV, DictV, tuple)


def holds_nodes(value: Value) -> bool:
    """Whether a value, or one inside of it, is of one interpretation only: a tensor, a module."""
    return any(
        isinstance(each, (TensorV, ModuleV, OpaqueV, OptimizerV, SchedulerV))
        or (isinstance(each, ParamV) and each.node is not None)
        for each in inside(value)
    )
