"""Expressions."""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst

from vglint.interp import arithmetic
from vglint.interp.core import EVAL, MISSING, Frame, Run, call, evaluate, get_attribute, opaque, register
from vglint.interp.indexing import index
from vglint.interp.iteration import items_of
from vglint.interp.names import lookup
from vglint.interp.objects import (
    DictV,
    External,
    FunctionV,
    IteratorV,
    ListV,
    Scope,
    SetV,
    Site,
    SuperV,
    Value,
    is_unknown,
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


@register(EVAL, cst.Integer)
def integer(run: Run, node: cst.Integer, frame: Frame) -> Value:
    text = node.value
    try:
        return int(text) if text.isdigit() else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return Unknown("unsupported syntax", text)


@register(EVAL, cst.Float)
def floating(run: Run, node: cst.Float, frame: Frame) -> Value:
    return float(node.value)


@register(EVAL, cst.Imaginary)
def imaginary(run: Run, node: cst.Imaginary, frame: Frame) -> Value:
    return complex(node.value.replace("J", "j"))


@register(EVAL, cst.SimpleString)
def string(run: Run, node: cst.SimpleString, frame: Frame) -> Value:
    text = node.value
    quote = text[0]
    if quote in "'\"" and "\\" not in text and text[:3] != quote * 3:
        return text[1:-1]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return Unknown("unsupported syntax", "string")


@register(EVAL, cst.ConcatenatedString)
def concatenated(run: Run, node: cst.ConcatenatedString, frame: Frame) -> Value:
    left, right = evaluate(run, node.left, frame), evaluate(run, node.right, frame)
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    return Unknown("argument", "formatted text")


@register(EVAL, cst.FormattedString)
def formatted(run: Run, node: cst.FormattedString, frame: Frame) -> Value:
    parts: list[str] = []
    for part in node.parts:
        if isinstance(part, cst.FormattedStringText):
            parts.append(part.value.replace("{{", "{").replace("}}", "}"))
            continue
        assert isinstance(part, cst.FormattedStringExpression)
        value = evaluate(run, part.expression, frame)
        if not isinstance(value, (str, int, float, bool)) or part.format_spec and len(part.format_spec) > 1:
            return value if isinstance(value, Unknown) else Unknown("argument", "formatted text")
        spec = part.format_spec[0].value if part.format_spec and isinstance(part.format_spec[0], cst.FormattedStringText) else ""
        try:
            parts.append(repr(value) if part.conversion == "r" else format(value, spec))
        except (ValueError, TypeError):
            return Unknown("argument", "formatted text")
    return "".join(parts)


@register(EVAL, cst.Ellipsis)
def ellipsis(run: Run, node: cst.Ellipsis, frame: Frame) -> Value:
    return Ellipsis


def elements(run: Run, nodes: Any, frame: Frame) -> list[Value] | None:
    """Returns the entries of a display, stars expanded; None when a star's length is not known."""
    values: list[Value] = []
    for element in nodes:
        value = evaluate(run, element.value, frame)
        if isinstance(element, cst.StarredElement):
            inner = items_of(run, value, frame, Site(frame.unit, element))
            if inner.items is None:
                return None
            values += inner.items
        else:
            values.append(value)
    return values


def _display(run: Run, node: Any, frame: Frame, make: Any) -> Value:
    values = elements(run, node.elements, frame)
    if values is not None:
        return make(values)
    if len(node.elements) == 1:
        inner = items_of(run, evaluate(run, node.elements[0].value, frame), frame, Site(frame.unit, node))
        return ListV([inner.item], inner.count if inner.count is not None else Unknown("loop bound", "list of unknown length"))
    sources = [evaluate(run, element.value, frame) for element in node.elements]
    return opaque(run, "loop bound", "list of unknown length", sources, Site(frame.unit, node))


@register(EVAL, cst.Tuple)
def tuple_(run: Run, node: cst.Tuple, frame: Frame) -> Value:
    return _display(run, node, frame, tuple)


@register(EVAL, cst.List)
def list_(run: Run, node: cst.List, frame: Frame) -> Value:
    return _display(run, node, frame, ListV)


@register(EVAL, cst.Set)
def set_(run: Run, node: cst.Set, frame: Frame) -> Value:
    return _display(run, node, frame, SetV)


@register(EVAL, cst.Dict)
def dict_(run: Run, node: cst.Dict, frame: Frame) -> Value:
    made = DictV({})
    for element in node.elements:
        value = evaluate(run, element.value, frame)
        if isinstance(element, cst.StarredDictElement):
            if isinstance(value, DictV):
                made.items.update(value.items)
                made.complete = made.complete and value.complete
            else:
                made.complete = False
            continue
        store(made, evaluate(run, element.key, frame), value)  # type: ignore[union-attr]
    return made


def store(target: DictV, key: Value, value: Value) -> None:
    """Stores into a dict that nothing else sees yet."""
    if is_unknown(key):
        target.complete = False
        return
    try:
        target.items[key] = value
    except TypeError:
        target.complete = False


@register(EVAL, cst.BinaryOperation)
def binary(run: Run, node: cst.BinaryOperation, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    right = evaluate(run, node.right, frame)
    return arithmetic.binary(run, SYMBOLS[type(node.operator)], left, right, frame, Site(frame.unit, node))


@register(EVAL, cst.UnaryOperation)
def unary(run: Run, node: cst.UnaryOperation, frame: Frame) -> Value:
    value = evaluate(run, node.expression, frame)
    return arithmetic.unary(run, SYMBOLS[type(node.operator)], value, frame, Site(frame.unit, node))


@register(EVAL, cst.BooleanOperation)
def boolean(run: Run, node: cst.BooleanOperation, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    left = evaluate(run, node.left, frame)
    known = arithmetic.truth(run, left, frame, site)
    is_and = isinstance(node.operator, cst.And)
    if known is not None:
        return evaluate(run, node.right, frame) if known == is_and else left
    right = evaluate(run, node.right, frame)
    other = arithmetic.truth(run, right, frame, site)
    if other is not None and isinstance(right, bool) and right != is_and:
        return right
    return opaque(run, "argument", "and/or", [left, right], site) if not isinstance(left, Unknown) else left


@register(EVAL, cst.Comparison)
def comparison(run: Run, node: cst.Comparison, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    site = Site(frame.unit, node)
    result: Value = True
    for target in node.comparisons:
        right = evaluate(run, target.comparator, frame)
        answer = arithmetic.compare(run, SYMBOLS[type(target.operator)], left, right, frame, site)
        if answer is False:
            return False
        if answer is not True:
            result = answer
        left = right
    return result


@register(EVAL, cst.IfExp)
def conditional(run: Run, node: cst.IfExp, frame: Frame) -> Value:
    from vglint.interp.branches import fork_values

    condition = evaluate(run, node.test, frame)
    known = arithmetic.truth(run, condition, frame, Site(frame.unit, node))
    if known is not None:
        return evaluate(run, node.body if known else node.orelse, frame)
    return fork_values(run, condition, [node.body, node.orelse], frame, Site(frame.unit, node))


@register(EVAL, cst.Lambda)
def lambda_(run: Run, node: cst.Lambda, frame: Frame) -> Value:
    from vglint.interp.functions import defaults_of

    return FunctionV("<lambda>", node, frame.scope, frame.unit, defaults_of(run, node.params, frame))


@register(EVAL, cst.NamedExpr)
def walrus(run: Run, node: cst.NamedExpr, frame: Frame) -> Value:
    from vglint.interp.assignment import assign

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
        if isinstance(part, cst.Index):
            keys.append(evaluate(run, part.value, frame))
        else:
            assert isinstance(part, cst.Slice)
            bounds = [None if bound is None else evaluate(run, bound, frame) for bound in (part.lower, part.upper, part.step)]
            keys.append(slice(*bounds))
    trailing = len(node.slice) == 1 and isinstance(node.slice[0].comma, cst.Comma)
    return tuple(keys) if len(keys) > 1 or trailing else keys[0]


@register(EVAL, cst.Call)
def call_(run: Run, node: cst.Call, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    callee = evaluate(run, node.func, frame)
    if isinstance(node.func, cst.Name) and node.func.value == "super" and not node.args and callee == External("builtins.super"):
        return SuperV(frame.cls, frame.self_) if frame.cls is not None else Unknown("unresolved name", "super")
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    for arg in node.args:
        value = evaluate(run, arg.value, frame)
        if arg.star == "*":
            inner = items_of(run, value, frame, site)
            if inner.items is None:
                args.append(ListV([inner.item], inner.count if inner.count is not None else Unknown("loop bound", "list of unknown length")))
            else:
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
    return call(run, callee, args, keywords, frame, site)


def _comprehension(run: Run, clause: cst.CompFor, frame: Frame, make: Any) -> tuple[list[Value] | None, Value]:
    """Returns (results in order, count); results of an unknown number of turns are one representative with its count."""
    from vglint.interp.assignment import assign
    from vglint.interp.loops import counted

    scope = Scope({}, frame.scope, frame.scope.module)
    inner = Frame(scope, frame.unit, frame.owner, frame.self_, frame.cls, name=frame.name)
    results: list[Value] = []
    counts: list[Value] = []

    def turn(clause: cst.CompFor, source: Frame) -> None:
        site = Site(frame.unit, clause)
        found = items_of(run, evaluate(run, clause.iter, source), frame, site)
        if found.items is None:
            count = found.count if found.count is not None else Unknown("loop bound", "length of an iterable")
            counts.append(count)
            with counted(run, count, "comprehension", site):
                step(clause, found.item)
            return
        for item in found.items:
            run.tick()
            step(clause, item)

    def step(clause: cst.CompFor, item: Value) -> None:
        assign(run, clause.target, item, inner)
        for condition in clause.ifs:
            known = arithmetic.truth(run, evaluate(run, condition.test, inner), inner, Site(frame.unit, condition))
            if known is False:
                return
            if known is None:
                counts.append(Unknown("branches differ", "condition of a comprehension"))
        if clause.inner_for_in is not None:
            turn(clause.inner_for_in, inner)
        else:
            results.append(make(inner))

    turn(clause, frame)
    return results, (counts[0] if counts else None)


def _gathered(results: list[Value] | None, count: Value, site: Site, run: Run) -> Value:
    assert results is not None
    if count is None:
        return ListV(results)
    if len(results) == 1:
        return ListV(results, count)
    return opaque(run, "loop bound", "list of unknown length", results, site)


@register(EVAL, cst.ListComp)
def list_comprehension(run: Run, node: cst.ListComp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    return _gathered(results, count, Site(frame.unit, node), run)


@register(EVAL, cst.SetComp)
def set_comprehension(run: Run, node: cst.SetComp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    gathered = _gathered(results, count, Site(frame.unit, node), run)
    return SetV(gathered.items) if isinstance(gathered, ListV) and gathered.count is None else gathered


@register(EVAL, cst.GeneratorExp)
def generator(run: Run, node: cst.GeneratorExp, frame: Frame) -> Value:
    results, count = _comprehension(run, node.for_in, frame, lambda inner: evaluate(run, node.elt, inner))
    gathered = _gathered(results, count, Site(frame.unit, node), run)
    if isinstance(gathered, ListV):
        return IteratorV(None, gathered.items[0], gathered.count) if gathered.count is not None else IteratorV(gathered.items)
    return gathered


@register(EVAL, cst.DictComp)
def dict_comprehension(run: Run, node: cst.DictComp, frame: Frame) -> Value:
    pairs, count = _comprehension(run, node.for_in, frame, lambda inner: (evaluate(run, node.key, inner), evaluate(run, node.value, inner)))
    made = DictV({}, complete=count is None)
    for pair in pairs or []:
        assert isinstance(pair, tuple)
        store(made, pair[0], pair[1])
    return made


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
    return None
