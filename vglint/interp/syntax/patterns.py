"""`match`: whether a pattern fits, and what it binds."""

from __future__ import annotations

import libcst as cst

from vglint.interp.machine.core import Frame, Run, evaluate, get_attribute
from vglint.interp.protocols.comparison import equal
from vglint.interp.values.objects import DictV, ListV, Site, Value, is_unknown
from vglint.value import Unknown


def matches(
    run: Run, pattern: cst.MatchPattern, subject: Value, frame: Frame, bound: list[tuple[str, Value]], site: Site
) -> bool | None:
    """Returns whether a pattern fits, None where that is not known."""
    match pattern:
        case cst.MatchValue(value=node):
            return equal(subject, evaluate(run, node, frame))
        case cst.MatchSingleton(value=cst.Name(value=name)):
            expected = {"None": None, "True": True, "False": False}[name]
            return None if is_unknown(subject) else subject is expected
        case cst.MatchAs(pattern=inner, name=name):
            known = True if inner is None else matches(run, inner, subject, frame, bound, site)
            if known is not False and name is not None:
                bound.append((name.value, subject))
            return known
        case cst.MatchOr(patterns=elements):
            answers = [matches(run, element.pattern, subject, frame, bound, site) for element in elements]
            return True if True in answers else None if None in answers else False
        case cst.MatchList(patterns=elements) | cst.MatchTuple(patterns=elements):
            return _sequence(run, elements, subject, frame, bound, site)
        case cst.MatchClass():
            from vglint.interp.kinds.type_tests import is_instance

            known = is_instance(run, subject, evaluate(run, pattern.cls, frame))
            for element in pattern.kwds:
                value = (
                    get_attribute(run, subject, element.key.value, frame)
                    if known
                    else Unknown("argument", element.key.value)
                )
                fits = matches(run, element.pattern, value, frame, bound, site)
                known = False if fits is False else known if fits else None
            return known
        case cst.MatchMapping() if isinstance(subject, DictV):
            known = True
            for entry in pattern.elements:
                key = evaluate(run, entry.key, frame)
                if not isinstance(key, (str, int)) or key not in subject.items:
                    return False
                fits = matches(run, entry.pattern, subject.items[key], frame, bound, site)
                known = False if fits is False else known if fits else None
            return known
        case _:
            return None


def _sequence(
    run: Run, elements: object, subject: Value, frame: Frame, bound: list[tuple[str, Value]], site: Site
) -> bool | None:
    assert isinstance(elements, (list, tuple))
    if isinstance(subject, ListV) and subject.count is None:
        items: list[Value] = subject.items
    elif isinstance(subject, tuple):
        items = list(subject)
    else:
        return None if is_unknown(subject) else False
    star = next((index for index, element in enumerate(elements) if isinstance(element, cst.MatchStar)), None)
    if len(items) != len(elements) if star is None else len(items) < len(elements) - 1:
        return False
    known: bool | None = True
    for index, element in enumerate(elements):
        if isinstance(element, cst.MatchStar):
            if element.name is not None:
                bound.append((element.name.value, ListV(items[index : len(items) - (len(elements) - index - 1)])))
            continue
        position = index if star is None or index < star else len(items) - (len(elements) - index)
        inner = matches(run, element.value, items[position], frame, bound, site)
        if inner is False:
            return False
        known = known if inner else None
    return known
