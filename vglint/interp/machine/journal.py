"""Writes to what the program changes; those of an attempt are logged and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final, TypeVar

from msgspec import Struct, field

from vglint.given import Input
from vglint.interp.values.objects import (
    ArrayV,
    Attrs,
    DictV,
    Instance,
    IteratorV,
    ListV,
    Locals,
    OpaqueV,
    ParamV,
    SetV,
    TensorV,
    Value,
)
from vglint.value import Literal_


class Missing(Enum):
    """What stands where nothing is."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING
LIST: Final = object()
"""The key of all items of a list or set."""

T = TypeVar("T")


_LEAVES = frozenset({ParamV, TensorV, IteratorV})
"""Kinds of values on whose fields no answer depends that is kept."""


class FieldKey(Struct, frozen=True):
    name: str


def read_place(holder: Any, key: Any) -> Any:
    if key is LIST:
        return list(holder.items)
    if isinstance(key, FieldKey):
        return getattr(holder, key.name)
    return holder.get(key, MISSING)


def write_place(holder: Any, key: Any, value: Any) -> None:
    if key is LIST:
        holder.items[:] = value
    elif isinstance(key, FieldKey):
        setattr(holder, key.name, value)
    elif value is MISSING:
        holder.pop(key, None)
    else:
        holder[key] = value


class Log(list[tuple[Any, Any, Any]]):
    """Writes that can be taken back: holder, key, what it held; `touched` are the lists and sets among the holders."""

    __slots__ = ("touched",)

    def __init__(self) -> None:
        super().__init__()
        self.touched: dict[int, ListV | SetV | ArrayV] = {}

    def taken_back(self) -> dict[tuple[int, Any], tuple[Any, Any, Any]]:
        """Undoes the writes and returns what the written places held: by place, (holder, key, value after)."""
        after: dict[tuple[int, Any], tuple[Any, Any, Any]] = {}
        for holder, key, _ in self:
            place = (id(holder), key)
            if place not in after:
                after[place] = (holder, key, read_place(holder, key))
        for holder, key, old in reversed(self):
            write_place(holder, key, old)
        self.clear()
        self.touched.clear()
        return after

    def absorb(self, later: Log) -> None:
        """Takes the writes of a later log as its own."""
        self += later
        self.touched |= later.touched


class Built(Struct, frozen=True, eq=False):
    """The arguments that a class of modules was built with."""

    args: list[Value]
    keywords: dict[str, Value]
    assumed: bool
    """The program gives none to what builds it: they are defaults of annotated classes."""
    plain: bool = False
    """Nothing writes into any of them: they are numbers and names."""


class Called(Struct, frozen=True, eq=False):
    """How a model calls one of its parts for the first time."""

    built: Built
    """What it had built the part with."""
    given: dict[str, Value]
    """What it hands to the part's forward, by the names of its arguments; a tensor stands for any of that name."""
    inputs: dict[str, Input]
    """What is known of those tensors, by the names of their inputs (`mask`, `states[0]`)."""


class Learnt(Struct):
    """What one interpretation found out, and need not look for again."""

    effects: dict[Any, Any] = field(default_factory=dict)
    """What calls did to layers that others are like, see `replay`."""
    renamed: dict[tuple[int, str, bool, frozenset[tuple[str, str]]], Any] = field(default_factory=dict)
    """What `__getattribute__` of classes answered, see `kinds/instances`."""
    keeping: dict[int, bool] = field(default_factory=dict)
    """Whether a function, used as a decorator, keeps what it decorates, by the identity of its tree."""
    adding: dict[int, bool] = field(default_factory=dict)
    """Whether a decorator adds keyword arguments to the calls of what it decorates, by the identity of its tree."""
    changing: dict[int, bool] = field(default_factory=dict)
    """Whether a decorator changes how what it decorates is called, by the identity of its tree."""
    gradients: dict[Any, dict[str, Literal_]] = field(default_factory=dict)
    """What a `torch.autograd.Function` does to each entry, by its class and its arguments that are no tensors."""
    chosen: set[str] = field(default_factory=set)
    """Conditions, by their source, whose first arm is walked alone because a model was chosen by them."""


class Journal:
    """The one way to change what the program holds."""

    __slots__ = ("built", "called", "clock", "learnt", "log", "patched", "version", "written")

    def __init__(self) -> None:
        self.log: Log | None = None
        """The writes of the innermost attempt; None where nothing is taken back."""
        self.version = 0
        """Counts writes, save to names of calls, parameters, tensors and attributes of modules."""
        self.clock = 0
        """Counts writes to attributes of modules and captured names; `written` has the last one to each table."""
        self.written: dict[int, int] = {}
        self.built: dict[str, Built] = {}
        """With which arguments classes of modules were first built, by qualified name, where they hold nothing of this run."""
        self.called: dict[str, Called] = {}
        """How models without gaps call their parts, by the part's qualified name."""
        self.patched: dict[str, Value] = {}
        """Attributes that the program sets on classes of libraries, by qualified name."""
        self.learnt = Learnt()

    def put(self, table: dict[Any, T], key: Any, value: T) -> None:
        """Stores into a table."""
        if self.log is not None:
            self.log.append((table, key, table.get(key, MISSING)))
        table[key] = value
        if type(table) is not Locals or table.captured:
            self._note(table)

    def drop(self, table: dict[Any, Any], key: Any) -> None:
        """Removes a key from a table."""
        self._note(table)
        if self.log is not None:
            self.log.append((table, key, table.get(key, MISSING)))
        table.pop(key, None)

    def _note(self, table: dict[Any, Any]) -> None:
        if type(table) is Attrs or type(table) is Locals:
            self.clock += 1
            self.written[id(table)] = self.clock
        else:
            self.version += 1

    def touch(self, holder: ListV | SetV | ArrayV) -> None:
        """Must be called before a list, set or array changes."""
        self.version += 1
        if self.log is not None and id(holder) not in self.log.touched:
            # What it held at first is all that is needed to take everything back.
            self.log.touched[id(holder)] = holder
            self.log.append((holder, LIST, list(holder.items)))

    def set_field(
        self, holder: TensorV | ParamV | DictV | ListV | Instance | IteratorV | OpaqueV, name: str, value: Any
    ) -> None:
        """Sets a field of an abstract object."""
        if self.log is not None:
            self.log.append((holder, FieldKey(name), getattr(holder, name)))
        setattr(holder, name, value)
        if type(holder) not in _LEAVES:
            self.version += 1

    def write(self, holder: Any, key: Any, value: Any) -> None:
        """Writes a place, as an arm that was taken back left it."""
        if self.log is not None:
            self.log.append((holder, key, read_place(holder, key)))
        write_place(holder, key, value)

    # ---- attempts

    @contextmanager
    def aside(self, log: Log | None) -> Iterator[None]:
        """Logs what is written inside there, and nowhere else; None: nothing of it is taken back."""
        outer, self.log = self.log, log
        try:
            yield
        finally:
            self.log = outer

    @contextmanager
    def recorded(self) -> Iterator[Log]:
        """Gives the writes made inside, which stay those of the attempt around."""
        outer, self.log = self.log, Log()
        try:
            yield self.log
        finally:
            log, self.log = self.log, outer
            if outer is not None:
                outer.absorb(log)
