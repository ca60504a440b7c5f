"""Rules as data for other programs: what `vglint explain --json` and `vglint rules --output-format json` print."""

from __future__ import annotations

from collections.abc import Mapping

from vglint import rule_page
from vglint.rule import Rule
from vglint.rulebook.pages import fires


def listed(rule: Rule) -> dict[str, object]:
    """Returns what the list of rules says of one."""
    return {
        "id": rule.id,
        "name": rule.name,
        "family": rule.family,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "summary": rule.summary,
        "fix": None if rule.fix is None else {"title": rule.fix.title, "safety": rule.fix.safety},
        "params": dict(rule.params),
        "url": rule_page(rule.id) if is_bundled(rule) else None,
        "source": "bundled" if is_bundled(rule) else rule.source,
    }


def described(rule: Rule) -> Mapping[str, object]:
    """Returns everything that a page says of a rule; texts are templates with facts in braces."""
    return {
        **listed(rule),
        "subject": rule.subject,
        "message": _one_line(rule.message),
        "detail": _one_line(rule.detail),
        "advice": _one_line(rule.advice),
        "effect": _one_line(rule.effect),
        "why": rule.why,
        "references": list(rule.references),
        "yields_to": list(rule.yields_to),
        "examples": [
            {
                "title": example.title,
                "code": example.code,
                "found": fires(rule, example),
                "fixed": example.fixed,
            }
            for example in rule.examples
        ],
    }


def is_bundled(rule: Rule) -> bool:
    """Whether a rule is vglint's own."""
    from vglint.rulebook import bundled

    return rule.source.startswith(str(bundled()))


def _one_line(text: str) -> str:
    return " ".join(text.split())
