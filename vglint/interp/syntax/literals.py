"""Constants, strings and displays."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Any

import libcst as cst

from vglint.interp.machine.core import EVAL, Frame, Run, evaluate, opaque, register
from vglint.interp.protocols.iteration import Items, items_of
from vglint.interp.protocols.repeats import is_layered
from vglint.interp.values.objects import (
    DictV,
    ListV,
    OpenLoop,
    RepeatV,
    SetV,
    Site,
    Value,
    is_unknown,
)
from vglint.value import Unknown

_literal = lru_cache(maxsize=1024)(ast.literal_eval)


@register(EVAL, cst.Integer)
def integer(run: Run, node: cst.Integer, frame: Frame) -> Value:
    text = node.value
    try:
        return int(text) if text.isdigit() else _literal(text)
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
        return _literal(text)
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
        if not isinstance(value, (str, int, float, bool)) or (part.format_spec and len(part.format_spec) > 1):
            return value if isinstance(value, Unknown) else Unknown("argument", "formatted text")
        spec = (
            part.format_spec[0].value
            if part.format_spec and isinstance(part.format_spec[0], cst.FormattedStringText)
            else ""
        )
        if re.search(r"\d{5}", spec):
            return Unknown("budget", "long text")
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
            found = parts_of_items(inner)
            if found is None:
                return None
            run.tick(len(found) // 8)
            values += found
        else:
            values.append(value)
    return values


def parts_of_items(found: Items) -> list[Value] | None:
    """Returns what a starred expression adds to a list: items, of which layers may be repeated an unknown number of times."""
    if found.items is not None or found.parts is not None:
        return found.items if found.items is not None else found.parts
    if not is_layered(found.item):
        return None
    count = found.count if found.count is not None else Unknown("loop bound", "list of unknown length")
    return [RepeatV((found.item,), count, OpenLoop(count))]


def _display(run: Run, node: Any, frame: Frame, make: Any) -> Value:
    values = elements(run, node.elements, frame)
    if values is not None:
        return make(values)
    if len(node.elements) == 1:
        inner = items_of(run, evaluate(run, node.elements[0].value, frame), frame, Site(frame.unit, node))
        return ListV(
            [inner.item], inner.count if inner.count is not None else Unknown("loop bound", "list of unknown length")
        )
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
        if isinstance(element, cst.DictElement):
            store(made, evaluate(run, element.key, frame), value)
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
