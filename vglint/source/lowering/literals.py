"""Names, numbers and strings, lowered."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from unicodedata import normalize

import libcst as cst

from vglint.source import code
from vglint.source.code import Expression
from vglint.source.lowering.cursor import Cursor, expression, expression_rule


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
