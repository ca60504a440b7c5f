"""Rules as data for other programs: what `vglint explain --json` and `vglint rules --output-format json` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from vglint import rule_page
from vglint.fix import TITLES
from vglint.rule import Confidence, Rule, Safety, Severity
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
        "fix": _fix(rule),
        "params": dict(rule.params),
        "url": rule_page(rule.id) if is_bundled(rule) else None,
        "source": "bundled" if is_bundled(rule) else rule.source,
    }


def _fix(rule: Rule) -> dict[str, object] | None:
    if rule.fix is not None:
        return {"title": rule.fix.title, "safety": rule.fix.safety}
    return {"title": TITLES[rule.remedies[0]], "safety": "unsafe"} if rule.remedies else None


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


def json_schema() -> dict[str, object]:
    """Returns the JSON Schema of what `vglint explain --json` prints: a rule, with --all a list of them. Later versions may add keys."""
    example = _object(
        title=_text("What the example shows."),
        code=_text("A program; a comment `# expect: VG101` stands on the line of the finding."),
        found={"type": "boolean", "description": "Whether the rule finds something in it."},
        fixed={"type": ["string", "null"], "description": "The program as the rule's fix leaves it."},
    )
    rule = _object(
        id=_text("Such as VG101."),
        name=_text("Such as saturating-stack."),
        family=_text("What the rule is about, such as activation."),
        severity={"enum": list(get_args(Severity)), "description": "An error is certain to do harm."},
        confidence={"enum": list(get_args(Confidence)), "description": "How sure vglint is."},
        summary=_text("What it finds, in one sentence."),
        fix={
            "anyOf": [
                _object(title=_text("What the fix does."), safety={"enum": list(get_args(Safety))}),
                {"type": "null"},
            ]
        },
        params={"type": "object", "description": "What the configuration may set for the rule, with defaults."},
        url={"type": ["string", "null"], "description": "The page of the rule."},
        source=_text("`bundled`, or the file of a rule of your own."),
        subject=_text("What the rule looks at: a model, a parameter, a loss, ..."),
        message=_text("The template of a finding's message, with facts in braces."),
        detail=_text("The same of the text below it; may be empty."),
        advice=_text("The same of what to do."),
        effect=_text("The same of what the advice changes; may be empty."),
        why=_text("Why it is bad, and when it is fine: Markdown."),
        references={"type": "array", "items": {"type": "string"}, "description": "Papers and documents."},
        yields_to={"type": "array", "items": {"type": "string"}, "description": "Rules that say more where both hold."},
        examples={"type": "array", "items": example},
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vglint explain",
        "anyOf": [{"$ref": "#/$defs/rule"}, {"type": "array", "items": {"$ref": "#/$defs/rule"}}],
        "$defs": {"rule": rule},
    }


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}
