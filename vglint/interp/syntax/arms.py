"""Which arm of a condition stands for both: of two that do the same the plainer, of two for different sizes the one for the size that a module was built for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vglint import ops, origin
from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.drafts import Draft
from vglint.interp.protocols.comparison import MIDDLE
from vglint.interp.values.objects import ModuleV, OpaqueV, TensorV, Value
from vglint.ops.fills import CREATED, IN_PLACE
from vglint.ops.numbers import COMPARE
from vglint.shape import Shape
from vglint.source import code
from vglint.value import Unknown

_ARRANGES = ops.having("rearranges") | ops.having("refits") | ops.having("copies") | ops.having("joins")
"""Ops that hand values on, in some order and in one piece or several."""


def the_plainer(run: Run, one: list[int], other: list[int]) -> int | None:
    """Returns which of two arms makes fewer nodes, where both run the same ops with the same weights in the same order; else None."""
    work = [_work(run, nodes) for nodes in (one, other)]
    if not work[0] or work[0] != work[1]:
        return None
    return 0 if len(one) < len(other) else 1


def _work(run: Run, nodes: list[int]) -> list[tuple[str, Any]]:
    """Returns what an arm does beyond arranging values: ops, and the identity of their weights."""
    drafts = [run.graph.nodes[number] for number in nodes]
    return [
        (draft.op, tuple(id(param) for _, param in draft.params))
        for draft in drafts
        if not draft.setup and draft.op not in _ARRANGES and draft.op != "getitem" and draft.op != "join"
    ]


def joined_shape(left: Shape | None, right: Shape | None) -> Shape | None:
    """Returns what is known of the shape of either of two tensors: the sizes that they share."""
    if left is None or right is None or len(left) != len(right):
        return None
    return tuple(one if one == other else None for one, other in zip(left, right, strict=True))


def arm_that_stands(run: Run, test: code.Expression, condition: Value, frame: Frame) -> int | None:
    """Returns which arm of `if test` speaks for both where the other has no layer of its own, None where neither does."""
    built = arm_as_built(test, condition, frame)
    if built is not None or run.context.training_code:
        return built
    holds = _mostly(run, test, condition, frame)
    return None if holds is None else 0 if holds else 1


_DRAWS = frozenset(name for name, init in CREATED.items() if init.scheme == "uniform")
"""Ops that draw evenly from 0 to 1."""
_HANDS_ON = ops.having("rearranges") | ops.having("leaves_torch") | ops.having("picks")


def _mostly(run: Run, test: code.Expression, condition: Value, frame: Frame) -> bool | None:
    """Whether a condition mostly holds, which asks whether a number that is drawn from 0 to 1 lies below a known one, as LayerDrop does."""
    match test:
        case code.Unary(operator="not", operand=operand):
            inner = _mostly(run, operand, None, frame)
            return None if inner is None else not inner
        case code.Boolean(left=left, operator=operator, right=right):
            # One part that mostly is so decides; where the other is known, the whole is that part.
            ends = operator == "or"
            parts = _mostly(run, left, None, frame), _mostly(run, right, None, frame)
            return ends if ends in parts else _mostly_true(run, condition)
        case code.Name(id=name):
            return _mostly_true(run, frame.scope.names.get(name))
        case _:
            return _mostly_true(run, condition)


def _mostly_true(run: Run, value: Value | None) -> bool | None:
    """Whether a comparison of a drawn number holds for the half of its values that the middle lies in."""
    if isinstance(value, Unknown) and isinstance(value.origin, origin.Drawn):
        return value.origin.mostly
    if not isinstance(value, TensorV):
        return None
    draft = run.graph.nodes[value.node]
    holds, bound = COMPARE.get(draft.op), draft.config.get("other")
    if holds is None or len(draft.inputs) != 1 or not isinstance(bound, (int, float)) or bound == MIDDLE:
        return None
    source = run.graph.nodes[draft.inputs[0]]
    while source.op in _HANDS_ON and len(source.inputs) == 1:
        source = run.graph.nodes[source.inputs[0]]
    return holds(MIDDLE, bound) if _draws(source) else None


def _draws(draft: Draft) -> bool:
    """Whether a node draws evenly from 0 to 1."""
    ends = draft.config.get("from", 0), draft.config.get("to", 1)
    return draft.op in _DRAWS or (IN_PLACE.get(draft.op) == "uniform" and ends == (0, 1))


def arm_as_built(test: code.Expression, condition: Value, frame: Frame) -> int | None:
    """Returns which arm of `if test` runs on inputs of the size that the module was built for, None where the test asks something else."""
    why = condition.why if isinstance(condition, OpaqueV) else condition
    if not isinstance(why, Unknown) or not isinstance(why.origin, origin.Computed) or not why.origin.sized:
        return None
    holds = _as_built(test, frame)
    return None if holds is None else 0 if holds else 1


def _as_built(test: code.Expression, frame: Frame) -> bool | None:
    match test:
        case code.Compare(left=left, operators=("==" | "!=" as operator,), comparators=(right,)):
            return operator == "==" if _of_module(left, frame) != _of_module(right, frame) else None
        case code.Unary(operator="not", operand=operand):
            inner = _as_built(operand, frame)
            return None if inner is None else not inner
        case code.Boolean(left=left, operator=operator, right=right):
            both = {_as_built(left, frame), _as_built(right, frame)}
            return both.pop() if len(both) == 1 else None
        case _:
            return None


def _of_module(expression: code.Expression, frame: Frame) -> bool:
    """Whether an expression is an attribute of a module, or an entry or a call of one: `self.size`, `self.table.shape[1]`."""
    inside = expression
    while True:
        match inside:
            case code.Attribute(value=value) | code.Subscript(value=value):
                inside = value
            case code.Call(func=func, args=args, keywords=()) if all(isinstance(arg, code.Constant) for arg in args):
                inside = func
            case code.Name(id=name):
                return inside is not expression and isinstance(frame.scope.names.get(name), ModuleV)
            case _:
                return False


def spared(run: Run, nodes: list[int], kept: list[int], left: Iterable[Value]) -> bool:
    """Leaves out what an arm made, unless it has a layer of its own, or reads a parameter that the arm that is kept does not read.

    `kept` are the nodes of the other arm, `left` the values that it leaves. Training code keeps both arms.
    """
    drafts = [run.graph.nodes[number] for number in nodes]
    if run.context.training_code or any(draft.params and draft.op != "parameter" for draft in drafts):
        return False
    read = {source for number in kept for source in run.graph.nodes[number].inputs}
    read |= {value.node for value in left if isinstance(value, TensorV)}
    known = {id(value) for value in left}
    for number in nodes:
        params = run.graph.nodes[number].params
        if params and number not in read and not all(id(param) in known for _, param in params):
            return False
    for draft in drafts:
        draft.setup = draft.setup or not draft.params
    return True
