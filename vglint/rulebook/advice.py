"""The one best thing to do: each remedy of a rule is tried on the graph, and the first that helps is advised with its prediction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.analysis.facts import SubjectFacts, subjects
from vglint.analysis.facts.effort import SpentError
from vglint.analysis.facts.model import ModelView
from vglint.finding import Finding
from vglint.fix import REMEDIES
from vglint.fix.imagined import Imagined
from vglint.graph import Graph
from vglint.number import factor
from vglint.rulebook.check import judge
from vglint.rulebook.load import CheckedRule

_DEAR = 500
"""What a trial costs for each node of a graph, in nodes that walks come to: the whole graph is predicted and judged again."""
_LEAST, _MOST = -1.0, 1.6
"""Decades between which a predicted ratio is as good as any: of generated nets, those that start so train (benchmarks/reports/prediction.md)."""


class Trial(Struct, frozen=True):
    """One remedy on one model: what it says to do, the ratio that it is predicted to lead to, and the rules that would then find something."""

    name: str
    text: str
    decades: float | None
    found: tuple[str, ...]
    proved: bool = True

    @property
    def helps(self) -> bool:
        """Whether the ratio is known and nothing is found any more."""
        return self.decades is not None and not self.found

    def __str__(self) -> str:
        ratio = "cannot be predicted" if self.decades is None else f"is predicted to be {factor(self.decades)}"
        found = f"; then {', '.join(self.found)} would be found" if self.found else ""
        deep = "" if self.proved else "; models of this depth often failed with it (docs/advice.md)"
        return f"{self.name}: {self.text}: the gradient ratio {ratio}{found}{deep}"


def with_advice(
    findings: Sequence[Finding], graphs: Sequence[Graph], rules: Sequence[CheckedRule]
) -> tuple[Finding, ...]:
    """Returns the findings, each with the first remedy of its rule that is predicted to bring the ratio within bounds and to start no rule;
    as it is where its rule has no remedy, or none that helps."""
    by_id = {checked.rule.id: checked for checked in rules if checked.rule.remedies}
    entries = {finding.entry for finding in findings if finding.rule in by_id}
    if not entries:
        return tuple(findings)
    wanted: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        wanted.setdefault((finding.rule, finding.entry), []).append(finding)
    said: dict[tuple[str, str, object], Finding] = {}
    for _, facts in subjects(graphs, frozenset({"model"})):
        for checked in by_id.values() if facts.entry in entries else ():
            for finding in wanted.get((checked.rule.id, facts.entry), ()):
                judged = judge(checked, facts)
                if judged is not None and (judged.span, judged.message) == (finding.span, finding.message):
                    tried = trials(checked, facts, rules)
                    said[finding.rule, finding.entry, finding.span] = _advised(finding, facts, tried)
    return tuple(said.get((finding.rule, finding.entry, finding.span), finding) for finding in findings)


def _advised(finding: Finding, facts: SubjectFacts, tried: Iterable[Trial]) -> Finding:
    best = best_of(tried)
    if best is None or best.decades is None:
        return finding
    first, last = facts.value("first_layer"), facts.value("last_layer")
    now = facts.value("log10_gradient_ratio")
    change = f"{factor(now)} → {factor(best.decades)}" if isinstance(now, float) else factor(best.decades)
    effect = f"predicted {change}: the gradient at {first} compared with the one at {last}"
    return replace(finding, advice=best.text, effect=effect, remedy=best.name)


def best_of(tried: Iterable[Trial]) -> Trial | None:
    """Returns the trial that is advised: the first of the best; None where none helps."""
    best: Trial | None = None
    for trial in tried:
        if not trial.helps:
            continue
        if best is None or _merit(trial) > _merit(best):
            best = trial
        if _merit(trial) == _BEST:
            break
    return best


def _merit(trial: Trial) -> tuple[bool, bool, float]:
    """Orders trials with a known ratio: within bounds and proved, then within bounds, then by how near the ratio is to 1."""
    assert trial.decades is not None
    within = _LEAST <= trial.decades <= _MOST
    return within, within and trial.proved, 0.0 if within else -abs(trial.decades)


_BEST = True, True, 0.0


def trials(checked: CheckedRule, facts: SubjectFacts, rules: Sequence[CheckedRule]) -> Iterator[Trial]:
    """Yields what each remedy of a rule is predicted to do for a model, in the rule's order, as far as the file's budget goes."""
    model = facts.view
    if not isinstance(model, ModelView):
        return
    asked = [one for one in rules if one.rule.subject == "model"]
    for name in checked.rule.remedies:
        try:
            model.view.effort.spend(_DEAR * len(model.view.graph.nodes))
        except SpentError:
            return
        imagined = REMEDIES[name](model)
        if imagined is not None:
            yield _tried(name, imagined, model, asked)


def _tried(name: str, imagined: Imagined, model: ModelView, rules: Sequence[CheckedRule]) -> Trial:
    decades: float | None = None
    found: dict[str, None] = {}
    for _, facts in subjects((imagined.graph,), frozenset({"model"}), beside=model.view):
        if not isinstance(facts.view, ModelView) or facts.view.type != model.type:
            continue
        value = facts.value("log10_gradient_ratio")
        decades = float(value) if isinstance(value, (int, float)) else None
        for checked in rules:
            judged = judge(checked, facts)
            if judged is not None and judged.severity != "info" and judged.confidence != "low":
                found[judged.rule] = None
    return Trial(name, imagined.text, decades, tuple(found), imagined.proved)
