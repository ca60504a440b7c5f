"""Constants, strings and displays."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from vglint import origin
from vglint.interp.machine.core import EVAL, Frame, Run, evaluate, opaque, register
from vglint.interp.protocols.iteration import items_of, parts_of_items
from vglint.interp.protocols.texts import text_of
from vglint.interp.static.worlds import switched
from vglint.interp.values.inside import as_tuple
from vglint.interp.values.objects import (
    DictV,
    ListV,
    ModuleV,
    OpaqueV,
    SetV,
    Site,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.source import code
from vglint.value import Unknown


@register(EVAL, code.Constant, code.Bytes)
def constant(run: Run, node: code.Constant | code.Bytes, frame: Frame) -> Value:
    return node.value


@register(EVAL, code.Special)
def special(run: Run, node: code.Special, frame: Frame) -> Value:
    if node.text == "...":
        return Ellipsis
    try:
        found: Value = _literal(node.text)
        return found
    except (ValueError, SyntaxError):
        return Unknown(origin.Syntax(node.text))


_literal = lru_cache(maxsize=1024)(ast.literal_eval)


LONGEST = 100_000
"""Characters of a text that is put together."""


@register(EVAL, code.Text)
def formatted(run: Run, node: code.Text, frame: Frame) -> Value:
    parts: list[str] = []
    for part in node.parts:
        if sum(map(len, parts)) > LONGEST:
            return Unknown(origin.Budget("long text"))
        if not isinstance(part, code.Field):
            value = evaluate(run, part, frame)
            if not isinstance(value, str):
                return Unknown(origin.Computed("formatted text"))
            parts.append(value)
            continue
        value = evaluate(run, part.value, frame)
        given = None if part.format is None else evaluate(run, part.format, frame)
        if not part.conversion and (shown := text_of(value)) is not None:
            value = shown
        if not isinstance(value, (str, int, float, bool)) or not isinstance(given, (str, type(None))):
            return value if isinstance(value, Unknown) else Unknown(origin.Computed("formatted text"))
        spec = given or ""
        if re.search(r"\d{5}", spec):
            return Unknown(origin.Budget("long text"))
        try:
            parts.append(repr(value) if part.conversion == "r" else format(value, spec))
        except (ValueError, TypeError):
            return Unknown(origin.Computed("formatted text"))
    return Unknown(origin.Call("a template string")) if node.template else "".join(parts)


def elements(run: Run, nodes: Any, frame: Frame) -> list[Value] | None:
    """Returns the entries of a display, stars expanded; None when a star's length is not known."""
    values: list[Value] = []
    for element in nodes:
        if isinstance(element, code.Starred):
            inner = items_of(run, evaluate(run, element.value, frame), frame, Site(frame.unit, element))
            found = parts_of_items(inner)
            if found is None:
                return None
            run.budget.tick(len(found) // 8)
            values += found
        else:
            values.append(evaluate(run, element, frame))
    return values


_KINDS: dict[str, Callable[[list[Value]], Value]] = {"tuple": as_tuple, "list": ListV, "set": SetV}


@register(EVAL, code.Display)
def display(run: Run, node: code.Display, frame: Frame) -> Value:
    make = _KINDS[node.kind]
    values = elements(run, node.elements, frame)
    if values is not None:
        return make(values)
    only = node.elements[0]
    if len(node.elements) == 1 and isinstance(only, code.Starred):
        inner = items_of(run, evaluate(run, only.value, frame), frame, Site(frame.unit, node))
        return ListV(
            [inner.item], inner.count if inner.count is not None else Unknown(origin.Length("list of unknown length"))
        )
    sources = [evaluate(run, each.value if isinstance(each, code.Starred) else each, frame) for each in node.elements]
    return opaque(run, origin.Length("list of unknown length"), sources, Site(frame.unit, node))


@register(EVAL, code.Mapping)
def mapping(run: Run, node: code.Mapping, frame: Frame) -> Value:
    made = DictV({})
    for key, inner in zip(node.keys, node.values, strict=True):
        value = evaluate(run, inner, frame)
        if key is None:
            if isinstance(value, DictV):
                made.items.update(value.items)
                made.complete = made.complete and value.complete
            else:
                made.complete = False
            continue
        store(made, evaluate(run, key, frame), value)
    world = run.context.world
    if world is not None and not world.holder and world.changes("entry", world.name, node) and world.name in made.items:
        made.items[world.name] = switched(world)
    return made


def store(target: DictV, key: Value, value: Value) -> None:
    """Stores into a dict that nothing else sees yet."""
    if is_unknown(key):
        target.complete = False
        if isinstance(key, Unknown) and (isinstance(value, (ModuleV, OpaqueV)) or is_tensor(value)):
            target.items[key] = value  # stands for all that one place stores
        return
    try:
        target.items[key] = value
    except TypeError:
        target.complete = False
