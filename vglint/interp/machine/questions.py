"""Python's questions: one table each, in which every kind of value has its answer or declines to have one of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from vglint.interp.machine.core import Frame, Raised, Run
    from vglint.interp.machine.journal import Missing
    from vglint.interp.values.objects import Site, Value

A = TypeVar("A", bound=Callable[..., Any])


class Question(dict[type, A]):
    """The answers by kind; for the kinds that `declined`, what Python says of objects in general holds."""

    __slots__ = ("declined", "name")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.declined: set[type] = set()


CALL: Question[Callable[[Run, Any, list[Value], dict[str, Value], Frame, Site], Value]] = Question("call")
"""`value(…)`; what declines gives an opaque value."""
GETATTR: Question[Callable[[Run, Any, str, Frame], Value]] = Question("attribute")
"""`value.name`; what declines has none that is known."""
SETATTR: Question[Callable[[Run, Any, str, Value, Frame, Site], None]] = Question("set attribute")
"""`value.name = other`; what declines keeps nothing."""
ITEM: Question[Callable[[Run, Any, Value, Frame, Site], Value]] = Question("item")
"""`value[key]`; what declines gives an opaque value."""
SET_ITEM: Question[Callable[[Run, Any, Value, Value, Frame, Site], None]] = Question("set item")
"""`value[key] = other`; what declines keeps nothing."""
ITERATE: Question[Callable[[Run, Any, Frame, Site], Any]] = Question("iterate")
"""What iterating yields, as `Items`; what declines yields something that is not known."""
TRUTH: Question[Callable[[Run, Any, Frame, Site], bool | None]] = Question("truth")
"""Whether a value is true, None where that is not known; what declines is true, as objects are."""
OPERATE: Question[Callable[[Run, str, Value, Value, Frame, Site], Value | Missing]] = Question("operator")
"""`left + right`, asked of the left and then of the right operand; MISSING leaves it to the other."""
COMPARE: Question[Callable[[Run, str, Value, Value, Frame, Site], Value | Missing]] = Question("compare")
"""`left < right`, in the same way; what declines is equal to itself."""
CONTAINS: Question[Callable[[Run, Any, Value, Frame, Site], bool | None]] = Question("contains")
"""`item in value`, None where that is not known, as it is of what declines."""
QUESTIONS: tuple[Question[Any], ...] = (
    CALL,
    GETATTR,
    SETATTR,
    ITEM,
    SET_ITEM,
    ITERATE,
    TRUTH,
    OPERATE,
    COMPARE,
    CONTAINS,
)
ENTER: dict[type, Callable[[Run, Any, Frame, Site], Value]] = {}
"""What `with value as name` does and binds, of the kinds that are context managers."""
LEAVE: dict[type, Callable[[Run, Any, Raised | None, Frame, Site], bool]] = {}
"""What leaving the `with` does, and whether an exception that ends it ends there."""


def declines(kinds: tuple[type, ...], *questions: Question[Any]) -> None:
    """Says that kinds have no answer of their own to some questions."""
    for question in questions:
        question.declined.update(kinds)
