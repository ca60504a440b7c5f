"""Which rules ask about a subject, and what they see of it."""

from __future__ import annotations

from collections.abc import Iterable

from vglint.analysis.facts import SubjectFacts
from vglint.rulebook.condition import Lookup
from vglint.rulebook.load import CheckedRule


class Asking:
    """Which of some rules ask about a subject: a rule about nodes that names ops asks about no others."""

    def __init__(self, rules: Iterable[CheckedRule]) -> None:
        self.rules = tuple(rules)
        self.subjects: frozenset[str] = frozenset(checked.rule.subject for checked in self.rules)
        self.known: dict[tuple[str, object], tuple[CheckedRule, ...]] = {}

    def of(self, facts: SubjectFacts) -> tuple[CheckedRule, ...]:
        """Returns the rules that ask about a subject."""
        op = facts.value("op") if facts.subject == "node" else None
        key = facts.subject, op
        if key not in self.known:
            self.known[key] = tuple(
                each for each in self.rules if each.rule.subject == facts.subject and _asks(each, op)
            )
        return self.known[key]


def _asks(checked: CheckedRule, op: object) -> bool:
    wanted = checked.when.wanted.get("op")
    return op is None or wanted is None or op in wanted


def lookup_in(checked: CheckedRule, facts: SubjectFacts) -> Lookup:
    """Returns the meaning of a name in a rule: its param, or the subject's fact."""
    params = dict(checked.rule.params)
    return lambda name: params[name] if name in params else facts.value(name)
