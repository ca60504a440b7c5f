"""What settings choose of the outcomes, which are those of all rules: so one outcome serves every selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.config import Settings
from vglint.finding import Finding
from vglint.lint.outcome import Outcome
from vglint.rule import is_meant

Named = tuple[str, str, str]
"""A rule's id, name and family."""


class Selection(Struct, frozen=True):
    """The rules that are wanted, those whose fixes are not, and those that are not wanted in a path."""

    chosen: frozenset[str]
    words: frozenset[str]
    """Ids and names of the chosen rules."""
    unfixable: frozenset[str]
    ignored: Callable[[str], frozenset[str]]
    is_everything: bool

    def is_told(self, outcome: Outcome) -> bool:
        """Whether nothing that is wanted of a file gave way to something that is not."""
        return self.is_everything or not any(
            rule in self.chosen and not self.chosen.intersection(greater) for rule, greater in outcome.yielded
        )

    def of(self, outcome: Outcome) -> Outcome:
        """Returns what is wanted of an outcome."""
        if self.is_everything or not (outcome.findings or outcome.idle):
            return outcome
        findings = tuple(
            self._offered(finding)
            for finding in outcome.findings
            if finding.rule in self.chosen and finding.rule not in self.ignored(finding.span.file)
        )
        idle = tuple(one for one in outcome.idle if not one.word or one.word in self.words)
        return replace(outcome, findings=findings, idle=idle)

    def _offered(self, finding: Finding) -> Finding:
        return replace(finding, fix=None) if finding.rule in self.unfixable else finding


def selection(settings: Settings, rules: Sequence[Named]) -> Selection | None:
    """Returns what settings choose of some rules; None where a word of theirs stands for no rule."""
    fixed = settings.fixable is not None or settings.unfixable
    if settings.select is None and not settings.ignore and not settings.per_file_ignores and not fixed:
        return Selection(frozenset(), frozenset(), frozenset(), lambda path: frozenset(), True)
    try:
        selected = _ids(
            (*(settings.select or (("ALL",) if settings.select is None else ())), *settings.extend_select), rules
        )
        chosen = selected - _ids(settings.ignore, rules)
        fixable = _ids(settings.fixable or ("ALL",), rules) - _ids(settings.unfixable, rules)
        table = [(pattern, _ids(words, rules)) for pattern, words in settings.per_file_ignores]
    except KeyError:
        return None
    words = frozenset(word for identifier, name, _ in rules if identifier in chosen for word in (identifier, name))
    unfixable = frozenset(identifier for identifier, _, _ in rules) - fixable
    return Selection(chosen, words, unfixable, _ignores(settings.root, table), False)


def _ids(words: Iterable[str], rules: Sequence[Named]) -> frozenset[str]:
    found: set[str] = set()
    for word in words:
        meant = [rule[0] for rule in rules if is_meant(word, *rule)]
        if not meant:
            raise KeyError(word)
        found.update(meant)
    return frozenset(found)


def _ignores(root: str, table: Sequence[tuple[str, frozenset[str]]]) -> Callable[[str], frozenset[str]]:
    if not table:
        return lambda path: frozenset()
    from vglint.source.patterns import Patterns

    patterns = [(Patterns(root, (pattern,)), rules) for pattern, rules in table]
    return lambda path: frozenset().union(*(rules for pattern, rules in patterns if pattern.names(path)))
