"""Rules × facts → findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from vglint.analysis.facts import SubjectFacts, subjects
from vglint.finding import Evidence, Finding, Place
from vglint.graph import Graph
from vglint.nearest import nearest
from vglint.number import counted
from vglint.rule import Confidence, Rule, Scalar, Severity, is_meant
from vglint.rulebook.asking import Asking, lookup_in
from vglint.rulebook.condition import Lookup, evaluate
from vglint.rulebook.elsewhere import initialised_elsewhere, not_cleared, of_trained
from vglint.rulebook.load import CheckedRule, RuleError
from vglint.rulebook.template import HEADLINE, render, render_known, said
from vglint.rulebook.worlds import Found, in_its_world, of_worlds
from vglint.signal import Trace
from vglint.span import Span
from vglint.value import Unknown

_NAMES = 4
"""Names of one place that are said."""
_SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Choice(Struct, frozen=True):
    """Which rules run, and how: ids, names and families; `ALL` is every rule. `extend` adds to what `select` names."""

    select: tuple[str, ...] = ("ALL",)
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)


def chosen(rules: Sequence[CheckedRule], choice: Choice) -> tuple[CheckedRule, ...]:
    """Returns the rules that run, with the user's severities and params in place; raises RuleError on a name that is not known."""
    wanted = _ids((*choice.select, *choice.extend), rules) - _ids(choice.ignore, rules)
    severities = _by_id(choice.severity, rules)
    params = _by_id(choice.params, rules)
    return tuple(
        _adjusted(checked, severities.get(checked.rule.id), params.get(checked.rule.id))
        for checked in rules
        if checked.rule.id in wanted
    )


Yielded: TypeAlias = tuple[str, tuple[str, ...]]
"""A rule that found something which is not told, and those that it gave way to."""


def check(rules: Sequence[CheckedRule], graphs: Iterable[Graph]) -> tuple[Finding, ...]:
    """Returns what the rules find in the graphs of one file, one finding for one cause, in order of place."""
    return judged(rules, graphs)[0]


def judged(
    rules: Sequence[CheckedRule], graphs: Iterable[Graph], make_trace: Callable[[Graph], Trace] | None = None
) -> tuple[tuple[Finding, ...], tuple[Yielded, ...]]:
    """Returns what `check` does, and what gave way."""
    graphs = tuple(graphs)
    asking = Asking(rules)
    found: list[Found] = []
    for position, facts in subjects(graphs, asking.subjects, make_trace):
        for checked in asking.of(facts):
            finding = judge(checked, facts)
            if finding is not None:
                found.append((position, checked, replace(finding, world=graphs[position].world)))
    undone = initialised_elsewhere(graphs)
    found = [each for each in found if each[0] not in undone or each[1].rule.subject not in ("model", "parameter")]
    found = of_trained(of_worlds(not_cleared(found, graphs), graphs), graphs)
    distinct = [in_its_world(each) for each in _distinct(_one_cause(found), _classes(graphs))]
    return tuple(sorted(_of_wholes(distinct, graphs), key=_place)), tuple(sorted(_yielded(found)))


def judge(checked: CheckedRule, facts: SubjectFacts) -> Finding | None:
    """Returns the rule's finding about one subject; None where its condition is false or rests on an unknown."""
    lookup = lookup_in(checked, facts)
    if evaluate(checked.when, lookup) is not True:
        return None
    blamed = evaluate(checked.blame, lookup)
    if isinstance(blamed, Unknown) or not isinstance(blamed, tuple) or not blamed:
        return None
    first = blamed[0]
    assert isinstance(first, Place)
    rule = checked.rule
    severity, confidence, note = rule.severity, rule.confidence, ""
    for condition, level, template in checked.levels:
        if evaluate(condition, lookup) is True:
            severity, confidence = level.severity, level.confidence or confidence
            note = render(template, lookup)
            break
    detail = render_known(checked.detail, lookup)
    return Finding(
        rule=rule.id,
        name=rule.name,
        severity=severity,
        confidence=confidence,
        span=first.span,
        message=render(checked.message, lookup, HEADLINE),
        entry=facts.entry,
        evidence=_evidence(checked, lookup),
        related=_related(checked, lookup, first),
        detail="; ".join(part for part in (detail, note) if part),
        advice=render(checked.advice, lookup),
        effect=render_known(checked.effect, lookup),
    )


def undecided(rules: Sequence[CheckedRule], graphs: Iterable[Graph]) -> list[tuple[Rule, Span | None]]:
    """Returns the places where a rule's condition rests on an unknown, with its rule; None where the place is not known either. So it does
    where the rule says that the caller decides (`given_when`)."""
    found: list[tuple[Rule, Span | None]] = []
    asking = Asking(rules)
    for _, facts in subjects(graphs, asking.subjects):
        for checked in asking.of(facts):
            lookup = lookup_in(checked, facts)
            is_given = checked.given_when is not None and evaluate(checked.given_when, lookup) is True
            if not is_given and not isinstance(evaluate(checked.when, lookup), Unknown):
                continue
            blamed = evaluate(checked.blame, lookup)
            places = blamed if isinstance(blamed, tuple) else (None,)
            found += [(checked.rule, place.span if isinstance(place, Place) else None) for place in places]
    return found


def _ids(words: Iterable[str], rules: Sequence[CheckedRule]) -> set[str]:
    return {rule for word in words for rule in matching(word, rules)}


def matching(word: str, rules: Sequence[CheckedRule]) -> tuple[str, ...]:
    """Returns the ids that a word stands for: an id, the start of ids (`VG1`), a name, a family, or ALL; raises RuleError."""
    found = tuple(
        checked.rule.id for checked in rules if is_meant(word, checked.rule.id, checked.rule.name, checked.rule.family)
    )
    if not found:
        known = {word for checked in rules for word in (checked.rule.id, checked.rule.name, checked.rule.family)}
        raise RuleError("configuration", word, f"no rule, name or family {word!r}{nearest(word, known)}")
    return found


def _by_id(settings: Mapping[str, object], rules: Sequence[CheckedRule]) -> dict[str, object]:
    return {identifier: value for word, value in settings.items() for identifier in matching(word, rules)}


def _adjusted(checked: CheckedRule, severity: object, params: object) -> CheckedRule:
    rule = checked.rule
    if isinstance(params, Mapping):
        known = dict(rule.params)
        for name, value in params.items():
            if name not in known:
                keys = ["severity", "confidence", *known]
                said = nearest(name, keys) or f": the keys are {', '.join(keys)}"
                raise RuleError("configuration", f"rules.{rule.id}.{name}", f"there is no such key{said}")
            if isinstance(value, bool) is not isinstance(known[name], bool) or isinstance(value, str) is not isinstance(
                known[name], str
            ):
                wanted = {bool: "true or false", str: "a text"}.get(type(known[name]), "a number")
                raise RuleError("configuration", f"rules.{rule.id}.{name}", f"must be {wanted}, not {value!r}")
            known[name] = value
        rule = replace(rule, params=tuple(known.items()))
    if severity in _SEVERITIES:
        return replace(checked, rule=replace(rule, severity=severity), levels=())
    return replace(checked, rule=rule)


def _evidence(checked: CheckedRule, lookup: Lookup) -> Evidence:
    """Returns the facts that the condition and the message use, with their values; params are no evidence.

    Numbers have six significant digits: the last of a float's hang on the version of Python that adds them up.
    """
    names = dict.fromkeys((*checked.when.names, *said(checked.message, lookup)[1]))
    params = dict(checked.rule.params)
    evidence: list[tuple[str, Scalar]] = []
    for name in names:
        if name in params:
            continue
        value = lookup(name)
        if isinstance(value, Unknown) or value == ():
            continue
        if isinstance(value, tuple):
            texts = [item.message if isinstance(item, Place) else item for item in value]
            evidence.append((name, counted(texts, _NAMES)))
        else:
            evidence.append((name, float(f"{value:.6g}") if isinstance(value, float) else value))
    return tuple(evidence)


def _related(checked: CheckedRule, lookup: Lookup, blamed: Place) -> tuple[Place, ...]:
    """Returns the other places of a finding; what is said of several layers that one line makes is said once."""
    places: dict[Place, None] = {}
    for name, template in checked.related:
        value = lookup(name)
        if isinstance(value, Unknown) or not isinstance(value, tuple):
            continue
        labels: dict[Span, list[str]] = {}
        for item in value:
            if isinstance(item, Place) and item.span != blamed.span:
                labels.setdefault(item.span, []).append(item.message)
        for span, names in labels.items():
            places[Place(span, render(template, _naming(counted(names, _NAMES), lookup)))] = None
    return tuple(places)[:6]


def _naming(label: str, lookup: Lookup) -> Lookup:
    return lambda name: label if name == "place" else lookup(name)


def _one_cause(found: Sequence[Found]) -> list[Finding]:
    """Drops a finding whose rule yields to another one on the same entry; it becomes that one's related place."""
    at = _by_entry(found)
    lesser: dict[tuple[int, str], dict[Place, None]] = {}
    for position, checked, finding in found:
        for greater in at[position].intersection(checked.rule.yields_to):
            lesser.setdefault((position, greater), {})[Place(finding.span, finding.message)] = None
    return [
        replace(finding, related=tuple(dict.fromkeys((*finding.related, *lesser.get((position, finding.rule), ())))))
        for position, checked, finding in found
        if at[position].isdisjoint(checked.rule.yields_to)
    ]


def _yielded(found: Sequence[Found]) -> set[Yielded]:
    at = _by_entry(found)
    greater = {
        (finding.rule, at[position].intersection(checked.rule.yields_to)) for position, checked, finding in found
    }
    return {(rule, tuple(sorted(others))) for rule, others in greater if others}


def _by_entry(found: Sequence[Found]) -> dict[int, frozenset[str]]:
    """Returns the rules that found something, by the position of the entry."""
    rules: dict[int, set[str]] = {}
    for position, _, finding in found:
        rules.setdefault(position, set()).add(finding.rule)
    return {position: frozenset(names) for position, names in rules.items()}


def _classes(graphs: Iterable[Graph]) -> dict[Span, str]:
    """Returns the class of each entry that builds one, by the place that stands for the entry."""
    return {graph.span: graph.root for graph in graphs if graph.kind in ("class", "expression") and graph.root}


def _distinct(findings: Iterable[Finding], classes: Mapping[Span, str]) -> list[Finding]:
    """Keeps the gravest finding of a rule at a place: a block seen from several entries is one cause, and so is a class as a whole
    that is built in several ways. Where the models behind one line differ, it names the place in each (`ALIKE` of them at most)."""
    groups: dict[tuple[str, object], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, classes.get(finding.span, finding.span)), []).append(finding)
    return [_with_others(max(group, key=_rank), group) for group in groups.values()]


ALIKE = 4


def _with_others(best: Finding, group: Sequence[Finding]) -> Finding:
    """Adds the related places of the same fault in other models; those of a class as a whole that is built in several ways are its own."""
    seen = {best.span, *(place.span for place in best.related)}
    others: dict[Span, Place] = {}
    for finding in group:
        if finding.span == best.span and not finding.world and len(finding.related) == 1:
            (place,) = finding.related
            if place.span not in seen:
                others.setdefault(place.span, place)
    return replace(best, related=(*best.related, *list(others.values())[: ALIKE - 1])) if others else best


def _of_wholes(findings: Sequence[Finding], graphs: Iterable[Graph]) -> Iterator[Finding]:
    """Leaves out what is said of a class as a whole where the same is said of a model that it is a part of."""
    parts = {
        graph.span: (graph.root, frozenset(module.type for module in graph.modules if module.path)) for graph in graphs
    }
    around: dict[tuple[str, str], set[str]] = {}
    """By rule and class, the classes of models that the same is said of, and in which that class is a part."""
    for finding in findings:
        root, inner = parts.get(finding.span, ("", frozenset()))
        for part in inner:
            around.setdefault((finding.rule, part), set()).add(root)
    for finding in findings:
        own = parts.get(finding.span, ("", frozenset()))[0]
        if not own or around.get((finding.rule, own), set()) <= {own}:
            yield finding


def _rank(finding: Finding) -> tuple[bool, int, int]:
    confidences: tuple[Confidence, ...] = ("low", "medium", "high")
    return not finding.world, _SEVERITIES.index(finding.severity), confidences.index(finding.confidence)


def _place(finding: Finding) -> tuple[object, ...]:
    return finding.span, finding.rule, finding.message
