"""libcst's expressions, lowered."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal
from unicodedata import normalize

import libcst as cst
from msgspec.structs import replace

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering import Cursor, Mismatch, expression, expression_rule, optional

OPERATORS: dict[type[cst.CSTNode], str] = {
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
    cst.LessThan: "<",
    cst.LessThanEqual: "<=",
    cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=",
    cst.Equal: "==",
    cst.Is: "is",
    cst.In: "in",
}
_UNARY: dict[type[cst.CSTNode], Literal["-", "+", "~", "not"]] = {
    cst.Minus: "-",
    cst.Plus: "+",
    cst.BitInvert: "~",
    cst.Not: "not",
}


@expression_rule(cst.Name)
def name(node: cst.Name, at: Cursor) -> Expression:
    start = at.take(node.value)
    if node.value in _KEYWORDS:
        return code.Constant(start, at.at, _KEYWORDS[node.value])
    return code.Name(start, at.at, node.value if node.value.isascii() else normalize("NFKC", node.value))


_KEYWORDS: dict[str, bool | None] = {"None": None, "True": True, "False": False}


@expression_rule(cst.Integer)
def integer(node: cst.Integer, at: Cursor) -> Expression:
    start = at.take(node.value)
    number = int(node.value) if node.value.isdigit() and len(node.value) < 19 else _number(node.value)
    return _special(start, at, node.value) if number is None else code.Constant(start, at.at, number)


@expression_rule(cst.Float)
def floating(node: cst.Float, at: Cursor) -> Expression:
    return code.Constant(at.take(node.value), at.at, float(node.value))


@expression_rule(cst.Imaginary)
def imaginary(node: cst.Imaginary, at: Cursor) -> Expression:
    return _special(at.take(node.value), at, node.value)


@expression_rule(cst.Ellipsis)
def ellipsis(node: cst.Ellipsis, at: Cursor) -> Expression:
    return _special(at.take("..."), at, "...")


def _special(start: int, at: Cursor, text: str) -> Expression:
    return code.Special(start, at.at, text)


@lru_cache(maxsize=1024)
def _number(text: str) -> int | None:
    """Returns an integer of at most 64 bits."""
    if len(text) > 80:
        return None
    number = int(text.replace("_", ""), 0)
    return number if number.bit_length() < 64 else None


@expression_rule(cst.SimpleString)
def string(node: cst.SimpleString, at: Cursor) -> Expression:
    start, value = at.take(node.value), _string(node.value)
    return code.Bytes(start, at.at, value) if isinstance(value, bytes) else code.Constant(start, at.at, value)


def _string(text: str) -> str | bytes:
    quote = text[0]
    if quote in "'\"" and "\\" not in text and text[:3] != quote * 3:
        return text[1:-1]
    value = ast.literal_eval(text)
    assert isinstance(value, (str, bytes))
    return value


@expression_rule(cst.ConcatenatedString)
def concatenated(node: cst.ConcatenatedString, at: Cursor) -> Expression:
    left, right = expression(node.left, at), expression(node.right, at)
    match left, right:
        case code.Constant(value=str(first)), code.Constant(value=str(second)):
            return code.Constant(left.start, right.end, first + second)
        case code.Bytes(value=start), code.Bytes(value=rest):
            return code.Bytes(left.start, right.end, start + rest)
        case _:
            return code.Text(left.start, right.end, (*_parts(left), *_parts(right)))


def _parts(node: Expression) -> tuple[Expression, ...]:
    return node.parts if isinstance(node, code.Text) else (node,)


@expression_rule(cst.FormattedString, cst.TemplatedString)
def formatted(node: Any, at: Cursor) -> Expression:
    start = at.take(node.start)
    parts = _text_parts(node.parts, at)
    at.take_raw(node.end)
    return code.Text(start, at.at, parts, isinstance(node, cst.TemplatedString))


def _text_parts(nodes: Sequence[Any], at: Cursor) -> tuple[Expression, ...]:
    parts: list[Expression] = []
    for part in nodes:
        if isinstance(part, (cst.FormattedStringText, cst.TemplatedStringText)):
            start = at.take_raw(part.value)
            parts.append(code.Constant(start, at.at, _unescaped(part.value)))
            continue
        start = at.take_raw("{")
        value = expression(part.expression, at)
        if part.equal is not None:
            at.take("=")
            parts.append(code.Constant(start + 1, at.at, at.text[start + 1 : at.at]))
        if part.conversion is not None:
            at.take("!")
            at.take(part.conversion)
        spec = None
        if part.format_spec is not None:
            at.take(":")
            begin = at.at
            spec = code.Text(begin, begin, _text_parts(part.format_spec, at))
        at.take("}")
        parts.append(code.Field(start, at.at, value, part.conversion or "", spec))
    return tuple(parts)


def _unescaped(text: str) -> str:
    text = text.replace("{{", "{").replace("}}", "}")
    if "\\" not in text:
        return text
    try:
        return str(ast.literal_eval(f'"""{text}"""'))
    except (SyntaxError, ValueError):
        return text


@expression_rule(cst.Tuple)
def tuple_(node: cst.Tuple, at: Cursor) -> Expression:
    start = -1
    for _ in node.lpar:
        start = at.take("(")
    first = at.skip()
    elements = _elements(node.elements, at)
    end = -1
    for _ in node.rpar:
        at.take(")")
        end = at.at if end < 0 else end
    return code.Display(start if start >= 0 else first, end if end >= 0 else at.at, "tuple", elements)


def _elements(nodes: Sequence[cst.BaseElement], at: Cursor) -> tuple[Expression, ...]:
    made = []
    for each in nodes:
        made.append(element(each, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    return tuple(made)


def element(node: cst.BaseElement, at: Cursor) -> Expression:
    if not isinstance(node, cst.StarredElement):
        return expression(node.value, at)
    for _ in node.lpar:
        at.take("(")
    start = at.take("*")
    value = expression(node.value, at)
    end = at.at
    for _ in node.rpar:
        at.take(")")
    return code.Starred(start, end, value)


@expression_rule(cst.StarredElement)
def starred(node: cst.StarredElement, at: Cursor) -> Expression:
    start = at.take("*")
    value = expression(node.value, at)
    return code.Starred(start, at.at, value)


@expression_rule(cst.List)
def list_(node: cst.List, at: Cursor) -> Expression:
    start = at.take("[")
    elements = _elements(node.elements, at)
    at.take("]")
    return code.Display(start, at.at, "list", elements)


@expression_rule(cst.Set)
def set_(node: cst.Set, at: Cursor) -> Expression:
    start = at.take("{")
    elements = _elements(node.elements, at)
    at.take("}")
    return code.Display(start, at.at, "set", elements)


@expression_rule(cst.Dict)
def dict_(node: cst.Dict, at: Cursor) -> Expression:
    start = at.take("{")
    keys: list[Expression | None] = []
    values: list[Expression] = []
    for each in node.elements:
        if isinstance(each, cst.StarredDictElement):
            at.take("**")
            keys.append(None)
        else:
            assert isinstance(each, cst.DictElement)
            keys.append(expression(each.key, at))
            at.take(":")
        values.append(expression(each.value, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    at.take("}")
    return code.Mapping(start, at.at, tuple(keys), tuple(values))


@expression_rule(cst.Attribute)
def attribute(node: cst.Attribute, at: Cursor) -> Expression:
    start = at.skip()
    value = expression(node.value, at)
    at.take(".")
    at.take(node.attr.value)
    return code.Attribute(start, at.at, value, node.attr.value)


@expression_rule(cst.Subscript)
def subscript(node: cst.Subscript, at: Cursor) -> Expression:
    start = at.skip()
    value = expression(node.value, at)
    at.take("[")
    keys = []
    first = at.skip()
    trailing = False
    for each in node.slice:
        keys.append(_key(each.slice, at))
        trailing = isinstance(each.comma, cst.Comma)
        if trailing:
            at.take(",")
    behind = at.at
    at.take("]")
    alone = len(keys) == 1 and not trailing and not isinstance(keys[0], code.Starred)
    key = keys[0] if alone else code.Display(first, behind, "tuple", tuple(keys))
    return code.Subscript(start, at.at, value, key)


def _key(node: cst.BaseSlice, at: Cursor) -> Expression:
    if isinstance(node, cst.Index):
        if node.star is not None:
            start = at.take("*")
            value = expression(node.value, at)
            return code.Starred(start, at.at, value)
        return expression(node.value, at)
    assert isinstance(node, cst.Slice)
    start = at.skip()
    lower = optional(node.lower, at)
    at.take(":")
    upper = optional(node.upper, at)
    step = None
    if isinstance(node.second_colon, cst.Colon):
        at.take(":")
        step = optional(node.step, at)
    return code.Slice(start, at.at, lower, upper, step)


@expression_rule(cst.Call)
def call(node: cst.Call, at: Cursor) -> Expression:
    start = at.skip()
    func = expression(node.func, at)
    opened = at.take("(")
    args, keywords = arguments(node.args, at)
    at.take(")")
    if len(node.args) == 1 and type(node.args[0].value) is cst.GeneratorExp and not node.args[0].value.lpar:
        args = (replace(args[0], start=opened, end=at.at),)  # the call's parentheses are the generator's
    return code.Call(start, at.at, func, args, keywords)


def arguments(nodes: Sequence[cst.Arg], at: Cursor) -> tuple[tuple[Expression, ...], tuple[code.Keyword, ...]]:
    """Lowers the arguments of a call or class statement."""
    args: list[Expression] = []
    keywords: list[code.Keyword] = []
    for each in nodes:
        start = at.skip()
        if each.star == "*":
            at.take("*")
            value = expression(each.value, at)
            args.append(code.Starred(start, at.at, value))
        elif each.star == "**":
            at.take("**")
            value = expression(each.value, at)
            keywords.append(code.Keyword(start, at.at, None, value))
        elif each.keyword is not None:
            at.take(each.keyword.value)
            at.take("=")
            value = expression(each.value, at)
            keywords.append(code.Keyword(start, at.at, each.keyword.value, value))
        else:
            args.append(expression(each.value, at))
        if isinstance(each.comma, cst.Comma):
            at.take(",")
    return tuple(args), tuple(keywords)


@expression_rule(cst.BinaryOperation)
def binary(node: cst.BinaryOperation, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbol = OPERATORS[type(node.operator)]
    at.take(symbol)
    right = expression(node.right, at)
    return code.Binary(start, at.at, left, symbol, right)


@expression_rule(cst.UnaryOperation)
def unary(node: cst.UnaryOperation, at: Cursor) -> Expression:
    symbol = _UNARY[type(node.operator)]
    start = at.take(symbol)
    operand = expression(node.expression, at)
    return code.Unary(start, at.at, symbol, operand)


@expression_rule(cst.BooleanOperation)
def boolean(node: cst.BooleanOperation, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbol: Literal["and", "or"] = "and" if isinstance(node.operator, cst.And) else "or"
    at.take(symbol)
    right = expression(node.right, at)
    return code.Boolean(start, at.at, left, symbol, right)


@expression_rule(cst.Comparison)
def compare(node: cst.Comparison, at: Cursor) -> Expression:
    start = at.skip()
    left = expression(node.left, at)
    symbols, comparators = [], []
    for target in node.comparisons:
        symbols.append(_comparison(target.operator, at))
        comparators.append(expression(target.comparator, at))
    return code.Compare(start, at.at, left, tuple(symbols), tuple(comparators))


def _comparison(node: cst.BaseCompOp, at: Cursor) -> str:
    match node:
        case cst.NotEqual(value=value):
            at.take(value)
            return "!="
        case cst.IsNot():
            at.take("is")
            at.take("not")
            return "is not"
        case cst.NotIn():
            at.take("not")
            at.take("in")
            return "not in"
        case _:
            symbol = OPERATORS[type(node)]
            at.take(symbol)
            return symbol


@expression_rule(cst.IfExp)
def conditional(node: cst.IfExp, at: Cursor) -> Expression:
    start = at.skip()
    body = expression(node.body, at)
    at.take("if")
    test = expression(node.test, at)
    at.take("else")
    orelse = expression(node.orelse, at)
    return code.Conditional(start, at.at, test, body, orelse)


@expression_rule(cst.Lambda)
def lambda_(node: cst.Lambda, at: Cursor) -> Expression:
    start = at.take("lambda")
    given = parameters(node.params, at)
    at.take(":")
    body = expression(node.body, at)
    return code.Lambda(start, at.at, given, body)


def parameters(node: cst.Parameters, at: Cursor) -> code.Parameters:
    """Lowers what stands between a function's parentheses."""
    start = at.skip()
    positional_only = tuple(parameter(each, at) for each in node.posonly_params)
    if node.posonly_params:
        at.take("/")
        at.take_if(",")
    positional = tuple(parameter(each, at) for each in node.params)
    rest = None
    match node.star_arg:
        case cst.Param() as star:
            at.take("*")
            rest = parameter(star, at)
        case cst.ParamStar():
            at.take("*")
            at.take(",")
        case _:
            if node.kwonly_params:
                at.take("*")
                at.take(",")
    keyword_only = tuple(parameter(each, at) for each in node.kwonly_params)
    others = None
    if node.star_kwarg is not None:
        at.take("**")
        others = parameter(node.star_kwarg, at)
    return code.Parameters(start, at.at, positional_only, positional, rest, keyword_only, others)


def parameter(node: cst.Param, at: Cursor) -> code.Parameter:
    start = at.take(node.name.value)
    annotation = None
    if node.annotation is not None:
        at.take(":")
        annotation = element_or(node.annotation.annotation, at)
    default = None
    if node.default is not None:
        at.take("=")
        default = expression(node.default, at)
    end = at.at
    if isinstance(node.comma, cst.Comma):
        at.take(",")
    return code.Parameter(start, end, node.name.value, annotation, default)


def element_or(node: Any, at: Cursor) -> Expression:
    return element(node, at) if isinstance(node, cst.BaseElement) else expression(node, at)


@expression_rule(cst.ListComp, cst.SetComp)
def comprehension(node: cst.ListComp | cst.SetComp, at: Cursor) -> Expression:
    is_list = isinstance(node, cst.ListComp)
    start = at.take("[" if is_list else "{")
    made = expression(node.elt, at)
    loops = _loops(node.for_in, at)
    at.take("]" if is_list else "}")
    return code.Comprehension(start, at.at, "list" if is_list else "set", made, None, loops)


@expression_rule(cst.DictComp)
def dict_comprehension(node: cst.DictComp, at: Cursor) -> Expression:
    start = at.take("{")
    key = expression(node.key, at)
    at.take(":")
    value = expression(node.value, at)
    loops = _loops(node.for_in, at)
    at.take("}")
    return code.Comprehension(start, at.at, "dict", key, value, loops)


@expression_rule(cst.GeneratorExp)
def generator(node: cst.GeneratorExp, at: Cursor) -> Expression:
    start = -1
    for _ in node.lpar:
        start = at.take("(")
    first = at.skip()
    made = expression(node.elt, at)
    loops = _loops(node.for_in, at)
    end = -1
    for _ in node.rpar:
        at.take(")")
        end = at.at if end < 0 else end
    return code.Comprehension(
        start if start >= 0 else first, end if end >= 0 else at.at, "generator", made, None, loops
    )


def _loops(node: cst.CompFor | None, at: Cursor) -> tuple[code.Loop, ...]:
    made = []
    while node is not None:
        start = at.skip()
        if node.asynchronous is not None:
            at.take("async")
        at.take("for")
        target = expression(node.target, at)
        at.take("in")
        source = expression(node.iter, at)
        conditions = []
        for each in node.ifs:
            at.take("if")
            conditions.append(expression(each.test, at))
        made.append(code.Loop(start, at.at, target, source, tuple(conditions), node.asynchronous is not None))
        node = node.inner_for_in
    return tuple(made)


@expression_rule(cst.NamedExpr)
def walrus(node: cst.NamedExpr, at: Cursor) -> Expression:
    target = expression(node.target, at)
    if not isinstance(target, code.Name):
        raise Mismatch("`:=` binds a name")
    at.take(":=")
    value = expression(node.value, at)
    return code.Walrus(target.start, at.at, target, value)


@expression_rule(cst.Await)
def await_(node: cst.Await, at: Cursor) -> Expression:
    start = at.take("await")
    value = expression(node.expression, at)
    return code.Await(start, at.at, value)


@expression_rule(cst.Yield)
def yield_(node: cst.Yield, at: Cursor) -> Expression:
    start = at.take("yield")
    if isinstance(node.value, cst.From):
        at.take("from")
        value: Expression | None = expression(node.value.item, at)
        return code.Yield(start, at.at, value, True)
    value = optional(node.value, at)
    return code.Yield(start, at.at, value)
