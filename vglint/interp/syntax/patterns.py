"""`match`: whether a pattern fits, and what it binds."""

from __future__ import annotations

from vglint import origin
from vglint.interp.kinds.type_tests import is_instance
from vglint.interp.machine.core import Frame, Run, evaluate, get_attribute
from vglint.interp.protocols.equality import equal
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import ClassV, DictV, External, ListV, Site, Value, is_unknown
from vglint.source import code
from vglint.value import Unknown


def matches(
    run: Run, pattern: code.Expression, subject: Value, frame: Frame, bound: list[tuple[str, Value]], site: Site
) -> bool | None:
    """Returns whether a pattern fits, None where that is not known."""
    match pattern:
        case code.Constant(value=None | True | False as expected):
            return None if is_unknown(subject) else subject is expected
        case code.Name(id=name):
            if name != "_":
                bound.append((name, subject))
            return True
        case code.Walrus(target=target, value=inner):
            known = matches(run, inner, subject, frame, bound, site)
            if known is not False:
                bound.append((target.id, subject))
            return known
        case code.Binary(operator="|", left=left, right=right):
            answers = [matches(run, each, subject, frame, bound, site) for each in (left, right)]
            return True if True in answers else None if None in answers else False
        case code.Display(elements=elements):
            return _sequence(run, elements, subject, frame, bound, site)
        case code.Call():
            return _class_fits(run, pattern, subject, frame, bound, site)
        case code.Mapping():
            return _mapping_fits(run, pattern, subject, frame, bound, site) if isinstance(subject, DictV) else None
        case _:
            return equal(subject, evaluate(run, pattern, frame))


def _class_fits(
    run: Run, pattern: code.Call, subject: Value, frame: Frame, bound: list[tuple[str, Value]], site: Site
) -> bool | None:
    cls = evaluate(run, pattern.func, frame)
    known = is_instance(run, subject, cls)
    for keyword in pattern.keywords:
        name = keyword.name or ""
        value = get_attribute(run, subject, name, frame) if known else Unknown(origin.Argument(name))
        fits = matches(run, keyword.value, value, frame, bound, site)
        known = False if fits is False else known if fits else None
    names = find_in_mro(cls, "__match_args__") if isinstance(cls, ClassV) else None
    places: Value = names[0] if names is not None else cls.fields if isinstance(cls, ClassV) else None
    for place, inner in enumerate(pattern.args):
        if isinstance(places, tuple) and place < len(places) and isinstance(places[place], str):
            value = get_attribute(run, subject, str(places[place]), frame) if known else Unknown(origin.Argument(""))
            fits = matches(run, inner, value, frame, bound, site)
            known = False if fits is False else known if fits else known and None
            continue
        own = isinstance(cls, External) and cls.name.startswith("builtins.")  # `int(x)` takes the subject itself
        fits = matches(run, inner, subject if own else Unknown(origin.Computed("a class pattern")), frame, bound, site)
        known = False if fits is False else known if fits else known and None
    return known


def _mapping_fits(
    run: Run, pattern: code.Mapping, subject: DictV, frame: Frame, bound: list[tuple[str, Value]], site: Site
) -> bool | None:
    known: bool | None = True
    for key_node, inner in zip(pattern.keys, pattern.values, strict=True):
        if key_node is None:
            taken = [evaluate(run, each, frame) for each in pattern.keys if each is not None]
            rest = {key: item for key, item in subject.items.items() if key not in taken}
            known_rest = matches(run, inner, DictV(rest, complete=subject.complete), frame, bound, site)
            known = known if known_rest else None
            continue
        key = evaluate(run, key_node, frame)
        if not isinstance(key, (str, int)) or key not in subject.items:
            return False
        fits = matches(run, inner, subject.items[key], frame, bound, site)
        known = False if fits is False else known if fits else None
    return known


def _sequence(
    run: Run,
    elements: tuple[code.Expression, ...],
    subject: Value,
    frame: Frame,
    bound: list[tuple[str, Value]],
    site: Site,
) -> bool | None:
    if isinstance(subject, ListV) and subject.count is None:
        items: list[Value] = subject.items
    elif isinstance(subject, tuple):
        items = list(subject)
    else:
        return None if is_unknown(subject) else False
    star = next((index for index, element in enumerate(elements) if isinstance(element, code.Starred)), None)
    if len(items) != len(elements) if star is None else len(items) < len(elements) - 1:
        return False
    known: bool | None = True
    for index, element in enumerate(elements):
        if isinstance(element, code.Starred):
            if isinstance(element.value, code.Name) and element.value.id != "_":
                bound.append((element.value.id, ListV(items[index : len(items) - (len(elements) - index - 1)])))
            continue
        position = index if star is None or index < star else len(items) - (len(elements) - index)
        inner = matches(run, element, items[position], frame, bound, site)
        if inner is False:
            return False
        known = known if inner else None
    return known
