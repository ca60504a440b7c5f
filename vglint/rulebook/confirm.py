"""What a probe's measures say of a finding: the rule's `[confirm]` condition, evaluated for every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from vglint import origin
from vglint.finding import Evidence, Finding, Verdict
from vglint.rule import Confidence, Scalar
from vglint.rulebook.condition import evaluate
from vglint.rulebook.load import CheckedRule
from vglint.value import Unknown

_RAISED: Mapping[Confidence, Confidence] = {"low": "medium", "medium": "high", "high": "high"}
_LOWERED: Mapping[Confidence, Confidence] = {"low": "low", "medium": "low", "high": "medium"}


def verdict(checked: CheckedRule, runs: Mapping[str, Sequence[Mapping[str, Scalar]]]) -> Verdict | None:
    """Returns the verdict on a rule's finding, None where the rule names no measure. `runs` holds the measures of each seed by optimiser.

    Confirmed: every seed of some optimiser satisfies the condition. Refuted: no run does, and the rule lets that count. Else, and where a
    measure is missing, inconclusive.
    """
    condition = checked.confirm
    if condition is None:
        return None
    params = dict(checked.rule.params)

    def meaning(measures: Mapping[str, Scalar], name: str) -> Scalar | Unknown:
        if name in params:
            return params[name]
        return measures.get(name.removeprefix("measured."), Unknown(origin.Call("this was not measured")))

    held = {
        optimizer: [evaluate(condition, lambda name, seed=seed: meaning(seed, name)) for seed in seeds]  # type: ignore[misc]
        for optimizer, seeds in runs.items()
    }
    shown = next(
        (name for name, answers in held.items() if answers and all(answer is True for answer in answers)), None
    )
    if shown is not None:
        return Verdict("confirmed", (("optimizer", shown), *_evidence(condition.names, runs[shown])))
    answers = [answer for seeds in held.values() for answer in seeds]
    evidence = _evidence(condition.names, [seed for seeds in runs.values() for seed in seeds])
    refuted = checked.rule.refutes and bool(answers) and all(answer is False for answer in answers)
    return Verdict("refuted" if refuted else "inconclusive", evidence)


def judged(finding: Finding, found: Verdict | None) -> Finding:
    """Returns the finding with the probe's verdict, its confidence raised or lowered by it."""
    if found is None:
        return finding
    confidence = finding.confidence
    if found.verdict == "confirmed":
        confidence = _RAISED[confidence]
    elif found.verdict == "refuted":
        confidence = _LOWERED[confidence]
    return replace(finding, probe=found, confidence=confidence)


def _evidence(names: Sequence[str], seeds: Sequence[Mapping[str, Scalar]]) -> Evidence:
    """Returns, for each measure that the condition reads, the first seed's value."""
    found: dict[str, Scalar] = {}
    for name in names:
        measure = name.removeprefix("measured.")
        if measure != name:
            for seed in seeds:
                if measure in seed:
                    found.setdefault(measure, seed[measure])
    return tuple(found.items())
