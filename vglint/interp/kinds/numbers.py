"""Numbers, truth values and None: known ones, symbolic ones, and those that count the turns of a loop."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.protocols.comparison import counts_turns, native_compare
from vglint.interp.protocols.methods import plain_method
from vglint.interp.protocols.operators import native_binary, symbolic_operands
from vglint.interp.protocols.symbols import positive
from vglint.interp.values.objects import BuiltinV, NumberMember, Site, TurnNumber, Value
from vglint.value import Expr, Unknown

PLAIN = (bool, int, float, complex, TurnNumber, NumberMember)

declines((*PLAIN, Expr, type(None)), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, CONTAINS)
declines((Expr,), COMPARE)
declines((type(None),), GETATTR)

register(COMPARE, *PLAIN, type(None))(native_compare)
register(OPERATE, *PLAIN, type(None))(native_binary)
register(OPERATE, Expr)(symbolic_operands)
_SAME = frozenset({"item", "cpu", "detach", "clone", "float", "long", "to"})
"""What a number answers where a program takes it for a tensor or an array of one number."""


@register(GETATTR, bool, int, float, complex, TurnNumber)
def attribute(run: Run, value: bool | int | float | complex, name: str, frame: Frame) -> Value:
    if isinstance(value, complex):
        return plain_method(value, name, frozenset())
    if name in ("real", "imag", "numerator"):
        found: Value = getattr(value, name, value)
        return found
    if name in _SAME:
        return BuiltinV(name, lambda run, args, keywords, frame, site: value)
    return plain_method(value, name, frozenset({"is_integer", "bit_length"}))


@register(GETATTR, Expr)
def symbolic_attribute(run: Run, value: Expr, name: str, frame: Frame) -> Value:
    if name == "item":
        return BuiltinV("item", lambda run, args, keywords, frame, site: value)
    return Unknown(origin.Computed(f"{value}.{name}"))


@register(TRUTH, bool, int, float, complex, NumberMember, type(None))
def truth(run: Run, value: bool | int | float | complex | None, frame: Frame, site: Site) -> bool | None:
    return bool(value)


@register(TRUTH, TurnNumber)
def truth_of_turn(run: Run, value: TurnNumber, frame: Frame, site: Site) -> bool | None:
    if counts_turns(run):
        run.graph.asked_turn = True
        if run.context.any_turn:
            return None
    return bool(value)


@register(TRUTH, Expr)
def symbolic_truth(run: Run, value: Expr, frame: Frame, site: Site) -> bool | None:
    return True if positive(value) else None
