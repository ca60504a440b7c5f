"""Rules and facts as text: the page of a rule in markdown or plain, the table of all rules, the list of facts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from vglint.analysis.facts.spec import FACTS
from vglint.fix import ACTIONS, REMEDIES, TITLES, loaded
from vglint.rule import Example, Rule
from vglint.rulebook.explain import alternatives
from vglint.rulebook.functions import FUNCTIONS
from vglint.rulebook.load import CheckedRule
from vglint.rulebook.measures import MEASURES


def page(rule: Rule, rules: Sequence[CheckedRule] = ()) -> str:
    """Returns the page of a rule as markdown: what it does, why it is bad, when it is fine, instead, examples, references; where `rules` are given, what else
    may be done, with its prediction on an example."""
    parts = [f"# {rule.id} {rule.name}", _badges(rule), rule.summary, rule.why]
    firing = [example for example in rule.examples if fires(rule, example)]
    silent = [example for example in rule.examples if not fires(rule, example)]
    if firing:
        parts.append("## Found")
        parts += [_example(rule, example) for example in firing]
    if silent:
        parts.append("## Fine")
        parts += [_example(rule, example) for example in silent]
    parts.append("## How it is decided")
    parts.append(f"For each {rule.subject}:\n\n```\n{_conditions(rule)}\n```")
    if rule.levels:
        rows = [f"| `{_condition(level.when)}` | {level.severity} | {level.note} |" for level in rule.levels]
        parts.append("\n".join(["| when | severity | |", "|---|---|---|", *rows]))
    if rule.params:
        rows = [f"| `{name}` | {value} |" for name, value in rule.params]
        parts.append(
            "\n".join([f"Parameters (`[tool.vglint.rules.{rule.id}]`):\n", "| name | default |", "|---|---|", *rows])
        )
    if rule.confirm:
        never = "" if rule.refutes else " It never refutes it: only particular data shows this fault."
        parts.append(f"The probe confirms it when `{_condition(rule.confirm)}`.{never}")
    if rule.yields_to:
        parts.append(
            f"Where {_either(rule.yields_to)} finds something in the same model or training code, this rule is silent."
        )
    if rule.fix:
        parts.append(f"Fix ({rule.fix.safety}): {rule.fix.title}.")
    elif rule.remedies:
        titles = "\n".join(f"* {TITLES[name]}." for name in rule.remedies)
        parts.append(f"Fix (unsafe), the first that is predicted to help:\n\n{titles}")
        title, tried = alternatives(rule, rules)
        if tried:
            lines = "\n".join(f"* {one}." for one in tried)
            parts.append(f"Predicted for the example “{title}”:\n\n{lines}")
    if rule.references:
        parts.append("## References\n\n" + "\n".join(f"* {reference}" for reference in rule.references))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def table(rules: Sequence[Rule]) -> str:
    """Returns the table of rules as markdown, for a page beside the folder `rules/` of their pages."""
    rows = [
        f"| [{rule.id}](rules/{rule.id}.md) | {rule.name} | {rule.severity} | {rule.confidence} | {'yes' if has_fix(rule) else ''} | {rule.summary} |"
        for rule in rules
    ]
    return "\n".join(["| rule | name | severity | confidence | fix | |", "|---|---|---|---|---|---|", *rows]) + "\n"


def has_fix(rule: Rule) -> bool:
    """Whether vglint can mend the file: by the rule's own action, or by a remedy of a model."""
    return bool(rule.fix or rule.remedies)


def plain_table(rules: Sequence[Rule], width: int) -> str:
    """Returns the table of rules for a terminal of that many columns; 0: one line for each rule."""
    names = max((len(rule.name) for rule in rules), default=0)
    lines = []
    for rule in rules:
        head = f"{rule.id}  {rule.name:{names}}  {rule.severity:7}  {rule.confidence:6}  {'fix' if has_fix(rule) else '':3}  "
        if not width:
            lines.append(head + rule.summary)
        elif len(head) + 40 <= width:
            lines += textwrap.wrap(rule.summary, width, initial_indent=head, subsequent_indent=" " * len(head))
        else:
            lines += [
                head.rstrip(),
                *textwrap.wrap(rule.summary, width, initial_indent="    ", subsequent_indent="    "),
            ]
    return "".join(f"{line}\n" for line in lines)


def plain_page(markdown: str, width: int) -> str:
    """Returns a page as plain text: no fences, headings underlined, paragraphs and items in lines of `width` columns."""
    lines: list[str] = []
    paragraph: list[str] = []
    is_code = False

    def end() -> None:
        if paragraph:
            indent = "  " if paragraph[0].startswith("* ") else ""
            lines.extend(textwrap.wrap(" ".join(paragraph), width, subsequent_indent=indent, break_long_words=False))
            paragraph.clear()

    for line in markdown.splitlines():
        hashes = len(line) - len(line.lstrip("#"))
        if line.startswith("```"):
            end()
            is_code = not is_code
        elif is_code:
            lines.append(f"    {line}".rstrip())
        elif 0 < hashes <= 3 and line[hashes : hashes + 1] == " ":
            end()
            title = textwrap.wrap(line[hashes + 1 :], width)
            lines += [*title, ("=" if hashes == 1 else "-") * max(map(len, title))]
        elif not line.strip() or line.startswith("|"):
            end()
            lines.append(line)
        else:
            if line.startswith("* "):
                end()
            paragraph.append(line.replace("**", ""))
    end()
    return "\n".join(lines) + "\n"


def facts_text() -> str:
    """Returns every fact by subject, the functions of conditions, the actions of fixes and the probe's measures, as plain text."""
    lines: list[str] = []
    subject = ""
    for spec in sorted(FACTS.values(), key=lambda spec: (spec.subject, spec.name)):
        if spec.subject != subject:
            subject = spec.subject
            lines += ["", f"facts of a {subject}", ""]
        unit = f", {spec.unit}" if spec.unit else ""
        lines += [f"  {spec.name} ({spec.type}{unit})", f"      {spec.doc}"]
    lines += ["", "functions", ""]
    for name, function in FUNCTIONS.items():
        forms = " or ".join(f"{name}({', '.join(arguments)})" for arguments, _ in function.signatures)
        lines += [f"  {forms}", f"      {function.doc}"]
    lines += ["", "actions of a fix, for [fix]", ""]
    for name in ACTIONS:
        lines += [f"  {name}", f"      {' '.join((loaded(name).__doc__ or '').split())}"]
    lines += ["", "remedies, tried on a model's graph", ""]
    for name, remedy in REMEDIES.items():
        lines += [f"  {name}", f"      {' '.join((remedy.__doc__ or '').split())}"]
    lines += ["", "measures of the probe, for [confirm]", ""]
    for name, measure in MEASURES.items():
        unit = f", {measure.unit}" if measure.unit else ""
        lines += [f"  measured.{name} ({measure.type}{unit})", f"      {measure.doc}"]
    return "\n".join(lines).lstrip("\n") + "\n"


def fires(rule: Rule, example: Example) -> bool:
    """Whether an example carries the rule's own mark."""
    return any("# expect:" in line and rule.id in line.partition("# expect:")[2] for line in example.code.splitlines())


def _badges(rule: Rule) -> str:
    fix = f" · fix: {rule.fix.safety if rule.fix else 'unsafe'}" if has_fix(rule) else ""
    return f"**{rule.severity}** · confidence {rule.confidence} · family `{rule.family}`{fix}"


def _either(rules: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(rules[:-1]), rules[-1]) if part)


def _example(rule: Rule, example: Example) -> str:
    text = f"### {example.title}\n\n```python\n{example.code.strip()}\n```"
    if example.fixed:
        text += f"\n\nAfter the fix:\n\n```python\n{example.fixed.strip()}\n```"
    return text


def _conditions(rule: Rule) -> str:
    when, unless = ([_condition(text) for text in texts] for texts in (rule.when, rule.unless))
    lines = (
        when if len(when) == 1 else [f"all of: {text}" if not i else f"        {text}" for i, text in enumerate(when)]
    )
    lines += [f"unless: {text}" if not i else f"    or: {text}" for i, text in enumerate(unless)]
    return "\n".join(lines)


def _condition(text: str) -> str:
    return " ".join(text.split())
