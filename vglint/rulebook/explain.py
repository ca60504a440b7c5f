"""Why a rule fires on a subject or does not: its condition with the value of each fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.analysis.facts import SubjectFacts, subjects
from vglint.analysis.facts.spec import FactValue
from vglint.finding import Finding, Place
from vglint.graph import Graph
from vglint.interp import entries
from vglint.rule import Rule
from vglint.rulebook.advice import Trial, best_of, trials
from vglint.rulebook.asking import Asking, lookup_in
from vglint.rulebook.check import judge
from vglint.rulebook.condition import evaluate
from vglint.rulebook.load import CheckedRule
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.value import Unknown


class Match(Struct, frozen=True):
    """A rule's condition on one subject: the verdict, each part of it with its own, and the value of each fact."""

    entry: str
    where: str
    verdict: bool | Unknown
    parts: tuple[tuple[str, bool | Unknown], ...]
    facts: tuple[tuple[str, str], ...]
    finding: Finding | None
    tried: tuple[Trial, ...] = ()
    """What each of the rule's remedies is predicted to do, where it fires."""

    def __str__(self) -> str:
        return self._printed(f"{self.entry} {self.where}: {_word(self.verdict)}".replace(" :", ":"), self.facts)

    @property
    def likeness(self) -> object:
        """What this match shares with those that are told together with it: all but its places. One that is true is told by itself."""
        if self.verdict is True:
            return id(self)
        return self.entry, _word(self.verdict), tuple(_word(verdict) for _, verdict in self.parts), self._numbers

    @property
    def _numbers(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, value in self.facts if not value.startswith("["))

    def _printed(self, title: str, facts: tuple[tuple[str, str], ...]) -> str:
        lines = [title, *(f"  {_word(verdict):8} {text}" for text, verdict in self.parts)]
        width = max((len(name) for name, _ in facts), default=0)
        lines += [f"    {name:{width}} = {value}" for name, value in facts]
        return "\n".join([*lines, *(f"  tried    {one}" for one in compared(self.tried))])

    def printed_with(self, others: Sequence[Match]) -> str:
        """Returns the printed form of this match and of others like it."""
        if not others:
            return str(self)
        places = list(dict.fromkeys(match.where for match in (self, *others) if match.where))
        shown = ", ".join(places[:3]) + (", …" if len(places) > 3 else "")
        return self._printed(f"{self.entry} {shown}: {_word(self.verdict)} ({len(others) + 1} times)", self._numbers)


def told(matches: Iterable[Match]) -> str:
    """Returns the printed form of matches, those that differ in their places only told once."""
    groups: dict[object, list[Match]] = {}
    for match in matches:
        groups.setdefault(match.likeness, []).append(match)
    return "\n\n".join(first.printed_with(others) for first, *others in groups.values())


def explain_match(checked: CheckedRule, graphs: Iterable[Graph], rules: Sequence[CheckedRule] = ()) -> Iterator[Match]:
    """Yields how the rule judges each subject that it asks about in the graphs, and what its remedies are predicted to do there; `rules` are
    those that a remedy must not set off."""
    graphs, asking = tuple(graphs), Asking([checked])
    for _, facts in subjects(graphs, asking.subjects):
        if not asking.of(facts):
            continue
        match = _match(checked, facts)
        if match.verdict is True:
            match = replace(match, tried=tuple(trials(checked, facts, rules or (checked,))))
        yield match


def compared(tried: Sequence[Trial]) -> tuple[str, ...]:
    """Returns remedies with what they are predicted to do, the one that is advised marked."""
    best = best_of(tried)
    return tuple(f"{one} (advised)" if one is best else str(one) for one in tried)


def alternatives(rule: Rule, rules: Sequence[CheckedRule]) -> tuple[str, tuple[str, ...]]:
    """Returns the title of the rule's first example that its remedies can be tried on, and what each is predicted to do there; empty where there is none."""
    checked = next((one for one in rules if one.rule.id == rule.id), None)
    for example in rule.examples if checked is not None and rule.remedies else ():
        project = Project(".")
        module = project.add("example.py", example.code)
        graphs = entries(project, module) if isinstance(module, Module) else ()
        for match in explain_match(checked, graphs, rules) if checked is not None else ():
            if match.tried:
                return example.title, compared(match.tried)
    return "", ()


def value_text(value: FactValue | Unknown) -> str:
    """Returns the printed form of a fact's value."""
    match value:
        case Unknown():
            return str(value)
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value:.4g}"
        case str():
            return repr(value)
        case tuple():
            shown = [f"{item.message} ({item.span})" if isinstance(item, Place) else repr(item) for item in value[:6]]
            return f"[{len(value)}] " + ", ".join(shown) + (", …" if len(value) > 6 else "")


def _match(checked: CheckedRule, facts: SubjectFacts) -> Match:
    lookup = lookup_in(checked, facts)
    params = dict(checked.rule.params)
    names = dict.fromkeys((*checked.when.names, *checked.blame.names))
    blamed = lookup(checked.blame.names[0])
    where = str(blamed[0].span) if isinstance(blamed, tuple) and blamed and isinstance(blamed[0], Place) else ""
    return Match(
        facts.entry,
        where,
        _verdict(evaluate(checked.when, lookup)),
        tuple((" ".join(str(part).split()), _verdict(evaluate(part, lookup))) for part in checked.when.parts),
        tuple((f"{name} (param)" if name in params else name, value_text(lookup(name))) for name in names),
        judge(checked, facts),
    )


def _verdict(value: FactValue | Unknown) -> bool | Unknown:
    return value if isinstance(value, Unknown) else bool(value)


def _word(verdict: bool | Unknown) -> str:
    return "unknown" if isinstance(verdict, Unknown) else "true" if verdict else "false"
