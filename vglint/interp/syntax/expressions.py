"""Expressions."""

from __future__ import annotations

import libcst as cst

from vglint.interp.machine.core import EVAL, MISSING, Frame, Run, call, evaluate, get_attribute, opaque, register
from vglint.interp.machine.names import lookup
from vglint.interp.protocols import comparison, operators
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.iteration import items_of
from vglint.interp.values.objects import (
    DictV,
    External,
    FunctionV,
    ListV,
    OpaqueV,
    Site,
    SuperV,
    Value,
)
from vglint.value import Unknown

SYMBOLS: dict[type, str] = {
    cst.Add: "+",
    cst.Subtract: "-",
    cst.Multiply: "*",
    cst.Divide: "/",
    cst.FloorDivide: "//",
    cst.Modulo: "%",
    cst.Power: "**",
    cst.MatrixMultiply: "@",
    cst.LeftShift: "<<",
    cst.RightShift: ">>",
    cst.BitAnd: "&",
    cst.BitOr: "|",
    cst.BitXor: "^",
    cst.AddAssign: "+",
    cst.SubtractAssign: "-",
    cst.MultiplyAssign: "*",
    cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//",
    cst.ModuloAssign: "%",
    cst.PowerAssign: "**",
    cst.MatrixMultiplyAssign: "@",
    cst.LeftShiftAssign: "<<",
    cst.RightShiftAssign: ">>",
    cst.BitAndAssign: "&",
    cst.BitOrAssign: "|",
    cst.BitXorAssign: "^",
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Equal: "==",
    cst.NotEqual: "!=",
    cst.Is: "is",
    cst.IsNot: "is not",
    cst.In: "in",
    cst.NotIn: "not in",
    cst.Not: "not",
    cst.Minus: "-",
    cst.Plus: "+",
    cst.BitInvert: "~",
}


@register(EVAL, cst.Name)
def name(run: Run, node: cst.Name, frame: Frame) -> Value:
    value = lookup(run, node.value, frame.scope)
    return Unknown("unresolved name", node.value) if value is MISSING else value


@register(EVAL, cst.BinaryOperation)
def binary(run: Run, node: cst.BinaryOperation, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    right = evaluate(run, node.right, frame)
    return operators.binary(run, SYMBOLS[type(node.operator)], left, right, frame, Site(frame.unit, node))


@register(EVAL, cst.UnaryOperation)
def unary(run: Run, node: cst.UnaryOperation, frame: Frame) -> Value:
    value = evaluate(run, node.expression, frame)
    return operators.unary(run, SYMBOLS[type(node.operator)], value, frame, Site(frame.unit, node))


@register(EVAL, cst.BooleanOperation)
def boolean(run: Run, node: cst.BooleanOperation, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    left = evaluate(run, node.left, frame)
    known = comparison.truth(run, left, frame, site)
    is_and = type(node.operator) is cst.And
    if known is not None and known != is_and:
        return left
    run.guards += 1
    try:
        right = evaluate(run, node.right, frame)
    finally:
        run.guards -= 1
    if known is not None:
        return right
    other = comparison.truth(run, right, frame, site)
    if other is not None and isinstance(right, bool) and right != is_and:
        return right
    return opaque(run, "argument", "and/or", [left, right], site) if not isinstance(left, Unknown) else left


@register(EVAL, cst.Comparison)
def compared(run: Run, node: cst.Comparison, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    site = Site(frame.unit, node)
    result: Value = True
    for target in node.comparisons:
        right = evaluate(run, target.comparator, frame)
        answer = comparison.compare(run, SYMBOLS[type(target.operator)], left, right, frame, site)
        if answer is False:
            return False
        if answer is not True:
            result = answer
        left = right
    return result


@register(EVAL, cst.IfExp)
def conditional(run: Run, node: cst.IfExp, frame: Frame) -> Value:
    from vglint.interp.syntax.branches import fork_values

    condition = evaluate(run, node.test, frame)
    known = comparison.truth(run, condition, frame, Site(frame.unit, node))
    if condition == comparison.GPU and all(
        isinstance(arm, (cst.SimpleString, cst.Attribute)) for arm in (node.body, node.orelse)
    ):
        without = evaluate(run, node.orelse, frame)
        if isinstance(without, External) and without.name.endswith("Tensor"):
            return without  # torch.cuda.FloatTensor and torch.FloatTensor make the same tensor
        return Unknown("argument", "GPU or not")
    run.guards += 1
    try:
        if known is not None:
            return evaluate(run, node.body if known else node.orelse, frame)
        return fork_values(run, condition, [node.body, node.orelse], frame, Site(frame.unit, node))
    finally:
        run.guards -= 1


@register(EVAL, cst.Lambda)
def lambda_(run: Run, node: cst.Lambda, frame: Frame) -> Value:
    from vglint.interp.syntax.functions import defaults_of

    return FunctionV("<lambda>", node, frame.scope, frame.unit, defaults_of(run, node.params, frame))


@register(EVAL, cst.NamedExpr)
def walrus(run: Run, node: cst.NamedExpr, frame: Frame) -> Value:
    from vglint.interp.syntax.assignment import assign

    value = evaluate(run, node.value, frame)
    assign(run, node.target, value, frame)
    return value


@register(EVAL, cst.Attribute)
def attribute(run: Run, node: cst.Attribute, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    start = len(run.nodes)
    found = get_attribute(run, value, node.attr.value, frame)
    if node.attr.value in ("data", "T", "mT", "H", "mH", "real", "imag"):
        for draft in run.nodes[start:]:
            draft.site = Site(frame.unit, node)
    return found


@register(EVAL, cst.Subscript)
def subscript(run: Run, node: cst.Subscript, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    return index(run, value, key_of(run, node, frame), frame, Site(frame.unit, node))


def key_of(run: Run, node: cst.Subscript, frame: Frame) -> Value:
    """Returns what stands between the brackets."""
    keys: list[Value] = []
    for element in node.slice:
        part = element.slice
        if type(part) is cst.Index:
            keys.append(evaluate(run, part.value, frame))
        else:
            assert isinstance(part, cst.Slice)
            bounds = [
                None if bound is None else evaluate(run, bound, frame) for bound in (part.lower, part.upper, part.step)
            ]
            keys.append(slice(*bounds))
    trailing = len(node.slice) == 1 and type(node.slice[0].comma) is cst.Comma
    return tuple(keys) if len(keys) > 1 or trailing else keys[0]


@register(EVAL, cst.Call)
def call_(run: Run, node: cst.Call, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    callee = evaluate(run, node.func, frame)
    if (
        type(node.func) is cst.Name
        and node.func.value == "super"
        and not node.args
        and callee == External("builtins.super")
    ):
        return SuperV(frame.cls, frame.self_) if frame.cls is not None else Unknown("unresolved name", "super")
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    for arg in node.args:
        value = evaluate(run, arg.value, frame)
        if arg.star == "*":
            inner = items_of(run, value, frame, site)
            if inner.parts is not None:
                args += inner.parts
            elif inner.items is None:
                args.append(
                    ListV(
                        [inner.item],
                        inner.count if inner.count is not None else Unknown("loop bound", "list of unknown length"),
                    )
                )
            else:
                run.tick(len(inner.items) // 8)
                args += inner.items
        elif arg.star == "**":
            if isinstance(value, DictV):
                keywords.update({key: each for key, each in value.items.items() if isinstance(key, str)})
                if not value.complete:
                    keywords.setdefault("**", Unknown("argument", "keywords"))
            else:
                keywords.setdefault("**", value)
        elif arg.keyword is not None:
            keywords[arg.keyword.value] = value
        else:
            args.append(value)
    if run.training_code and isinstance(callee, Unknown) and _attribute(node.func) == "backward":
        from vglint.interp.torch.training import backward_of_unknown

        return backward_of_unknown(run, callee, args, keywords, site)
    if run.training_code and isinstance(callee, (Unknown, OpaqueV)) and _attribute(node.func) == "zero_grad":
        from vglint.interp.torch.training import zero_grad_of_unknown

        return zero_grad_of_unknown(run, site)
    return call(run, callee, args, keywords, frame, site)


def _attribute(callee: cst.BaseExpression) -> str:
    return callee.attr.value if isinstance(callee, cst.Attribute) else ""


@register(EVAL, cst.Await)
def await_(run: Run, node: cst.Await, frame: Frame) -> Value:
    return evaluate(run, node.expression, frame)


@register(EVAL, cst.Yield)
def yield_(run: Run, node: cst.Yield, frame: Frame) -> Value:
    if frame.yields is None:
        frame.yields = []
    value = node.value
    if isinstance(value, cst.From):
        inner = items_of(run, evaluate(run, value.item, frame), frame, Site(frame.unit, node))
        if inner.items is not None:
            frame.yields += inner.items
    else:
        frame.yields.append(None if value is None else evaluate(run, value, frame))
        if len(run.open_loops) > frame.loops:
            frame.turns.append(run.open_loops[-1].count)
    return None
