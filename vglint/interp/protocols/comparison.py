"""Comparison, membership and truth of abstract values, in three values."""

from __future__ import annotations

from collections.abc import Sequence

from vglint import ops, origin
from vglint.interp.machine.core import Frame, Run, call, get_attribute, opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.questions import COMPARE, CONTAINS, TRUTH
from vglint.interp.nodes.operations import emit_operator
from vglint.interp.protocols.equality import equal, identical, record_fields
from vglint.interp.protocols.repeats import is_repeated
from vglint.interp.protocols.symbols import NATIVE, RELATIONS, made_of, short, symbolic, symbolic_compare
from vglint.interp.values.objects import (
    ClassV,
    External,
    Instance,
    ListV,
    OpaqueV,
    Site,
    TurnNumber,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Expr, Unknown

GPU = External("torch.cuda.is_available()")
"""Whether there is a GPU. Code is followed as if there were none, but of names of devices and dtypes that hang on it neither is chosen."""
DUNDER = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "&": "and",
    "|": "or",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
}


def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value:
    """Returns a bool, a tensor, or an unknown."""
    for side, other in ((left, right), (right, left)):
        if isinstance(side, TurnNumber) and counts_turns(run):
            run.graph.asked_turn = True
            if run.context.any_turn:
                return Unknown(_turn(side, other, symbol))
    if symbol in ("is", "is not", "in", "not in"):
        answer = identical(left, right) if symbol.startswith("is") else contains(run, right, left, frame, site)
        return _undecided(run, symbol, left, right, site) if answer is None else answer != ("not" in symbol)
    if run.context.refusing and (isinstance(left, Expr) or isinstance(right, Expr)):
        return _undecided(run, symbol, left, right, site)
    if symbol in RELATIONS and _nobody_says(run, symbol, left, right):
        taken = symbol == "!=" if symbol in ("==", "!=") else _of_positive(symbol, left, right)
        if taken is not None:
            run.graph.compared.append(f"`{short(left)}` {_SAID[symbol, taken]} {short(right)}")
            if run.context.apart:
                return taken
    # A tensor answers first, on whichever side it stands.
    for side in (right, left) if is_tensor(right) else (left, right):
        handler = COMPARE.get(type(side))
        made = MISSING if handler is None else handler(run, symbol, left, right, frame, site)
        if made is not MISSING:
            return made
    if symbol in ("==", "!="):
        same = equal(left, right)
        decided = None if same is None else same == (symbol == "==")
    else:
        decided = symbolic_compare(symbol, left, right)
        pair = _sequences(left, right)
        if decided is None and pair is not None:
            decided = _ordered(run, symbol, *pair, frame, site)
    return _undecided(run, symbol, left, right, site) if decided is None else decided


_SAID = {
    (symbol, taken): word
    for word, said in (
        ("is not", (("==", False), ("!=", True))),
        ("is above", ((">", True), ("<=", False))),
        ("is below", (("<", True), (">=", False))),
        ("is at least", ((">=", True), ("<", False))),
        ("is at most", (("<=", True), (">", False))),
    )
    for symbol, taken in said
}
"""How a comparison that holds or does not is said."""


def _of_positive(symbol: str, left: Value, right: Value) -> bool | None:
    """Compares two numbers whose symbols stand for positive ones; None where that does not decide it."""
    first, second = symbolic(left), symbolic(right)
    return None if first is None or second is None else symbolic_compare(symbol, first, second)


def _nobody_says(run: Run, symbol: str, left: Value, right: Value) -> bool:
    """Whether two numbers are made of arguments of the entry that nobody gives, and not known to compare in one way."""
    if not run.context.not_given:
        return False
    names = made_of(left), made_of(right)
    if None in names or not (both := frozenset().union(*filter(None, names))):
        return False
    known = equal(left, right) if symbol in ("==", "!=") else symbolic_compare(symbol, left, right)
    return both <= run.context.not_given and known is None


def native_compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Compares values of Python's own."""
    if not (isinstance(left, NATIVE) and isinstance(right, NATIVE)):
        return MISSING
    if symbol in ("==", "!="):
        same = equal(left, right)
        return _undecided(run, symbol, left, right, site) if same is None else same == (symbol == "==")
    try:
        return bool(RELATIONS[symbol](left, right))
    except TypeError:
        return Unknown(origin.Computed(f"{short(left)} {symbol} {short(right)}"))


def _sequences(left: Value, right: Value) -> tuple[Sequence[Value], Sequence[Value]] | None:
    """Returns what two values hold that are ordered as their items are: lists, records of one class."""
    if isinstance(left, ListV) and isinstance(right, ListV):
        plain = left.count is None and right.count is None and not is_repeated([*left.items, *right.items])
        return (left.items, right.items) if plain else None
    ours, theirs = record_fields(left), record_fields(right)
    return None if ours is None or theirs is None else (ours, theirs)


def _ordered(
    run: Run, symbol: str, left: Sequence[Value], right: Sequence[Value], frame: Frame, site: Site
) -> bool | None:
    """Compares sequences: by the first items that differ, else by their lengths."""
    for one, other in zip(left, right, strict=False):
        same = equal(one, other)
        if same is None:
            return None
        if not same:
            return truth(run, compare(run, symbol, one, other, frame, site), frame, site)
    return bool(RELATIONS[symbol](len(left), len(right)))


MIDDLE = 0.5
"""Of numbers that are drawn evenly from 0 to 1."""
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _undecided(run: Run, symbol: str, left: Value, right: Value, site: Site) -> Value:
    for number, bound, holds in (
        (left, right, RELATIONS.get(symbol)),
        (right, left, RELATIONS.get(_TURNED.get(symbol, ""))),
    ):
        if isinstance(number, Unknown) and isinstance(number.origin, origin.Drawn) and isinstance(bound, (int, float)):
            return Unknown(origin.Drawn(None if holds is None or bound == MIDDLE else holds(MIDDLE, bound)))
    sized = isinstance(left, Expr) != isinstance(right, Expr) or _of_sizes(left) or _of_sizes(right)
    return opaque(run, origin.Computed(f"{short(left)} {symbol} {short(right)}", sized=sized), [left, right], site)


def _of_sizes(value: Value) -> bool:
    return isinstance(value, tuple) and any(isinstance(each, Expr) for each in value)


def counts_turns(run: Run) -> bool:
    """Whether a number may count the turns of a training loop: it is training code's own, not a model's."""
    return run.context.training_code and not run.context.setup and not run.context.modules_running


def turn_of(value: Value) -> origin.Turn | None:
    """Returns which turns a condition holds in; None where the turn does not decide it."""
    if isinstance(value, TurnNumber):
        return origin.Turn(value.every)
    if isinstance(value, Unknown) and isinstance(value.origin, origin.Turn):
        return value.origin
    return None


def _turn(number: TurnNumber, other: Value, symbol: str) -> origin.Turn:
    """Returns which turns a comparison of a turn's number holds in. A count that starts anew is compared with where it does so."""
    if number.every == 0 and isinstance(other, int) and 1 < other <= _PERIOD:
        return origin.Turn(int(other))
    return origin.Turn(number.every, symbol == "==" and number.every is None)


_PERIOD = 1024
"""The largest number of turns after which a count is taken to start anew."""


def truth(run: Run, value: Value, frame: Frame, site: Site) -> bool | None:
    """Returns the truth of a value, None where it is not known."""
    handler = TRUTH.get(type(value))
    return True if handler is None else handler(run, value, frame, site)


def contains(run: Run, holder: Value, item: Value, frame: Frame, site: Site) -> bool | None:
    """Three-valued `item in holder`."""
    handler = CONTAINS.get(type(holder))
    return None if handler is None else handler(run, holder, item, frame, site)


def tensor_binary(run: Run, symbol: str, left: Value, right: Value, site: Site) -> Value:
    """Performs an operator or a comparison of which one side is a tensor, or an opaque value."""
    if (isinstance(left, OpaqueV) and not is_tensor(right)) or (isinstance(right, OpaqueV) and not is_tensor(left)):
        source = left if isinstance(left, OpaqueV) else right
        assert isinstance(source, OpaqueV)
        return source.part(site)
    name = ops.operator(symbol)
    if name is None:
        return opaque(run, origin.Call(f"tensor {symbol}"), [left, right], site)
    return emit_operator(run, name, [left, right], site)


def dunder(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Calls the method that a class of the program has for an operator or a comparison."""
    name = DUNDER.get(symbol)
    if name is None:
        return MISSING
    mirrored = _MIRRORED.get(symbol)
    sides = [(left, right, f"__{name}__"), (right, left, f"__{DUNDER[mirrored]}__" if mirrored else f"__r{name}__")]
    if _derives(right, left):
        sides.reverse()
    for holder, other, method_name in sides:
        if isinstance(holder, Instance) and isinstance(holder.cls, ClassV):
            method = get_attribute(run, holder, method_name, frame)
            if not is_unknown(method):
                made = call(run, method, [other], {}, frame, site)
                if made != NOT_IMPLEMENTED:
                    return made
    return MISSING


NOT_IMPLEMENTED = External("builtins.NotImplemented")
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def _derives(value: Value, other: Value) -> bool:
    """Whether an object's class derives from that of another: its reflected method is asked first."""
    if not (isinstance(value, Instance) and isinstance(other, Instance) and isinstance(value.cls, ClassV)):
        return False
    return value.cls is not other.cls and any(base is other.cls for base in value.cls.mro)
