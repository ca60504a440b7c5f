"""The verbs about rules: `rules`, `explain`, `explain-match`, `facts`, `test`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from vglint.cli.completion import complete_rules
from vglint.cli.output import say, terminal_width
from vglint.cli.wrong import plain_errors
from vglint.regex import regex
from vglint.target import Target, graphs_of, parse_target

if TYPE_CHECKING:
    from vglint.config import Settings
    from vglint.rule import Rule
    from vglint.rulebook import Rulebook
    from vglint.rulebook.load import CheckedRule

_rule_dirs = click.option(
    "--rule-dir", "rule_dirs", multiple=True, type=click.Path(file_okay=False), help="A folder of further rules."
)


@click.command()
@click.option("--output-format", "form", type=click.Choice(("text", "markdown", "json")), default="text", help="How to print the list.")  # fmt: skip
@click.option("--markdown", is_flag=True, help="The same as --output-format markdown.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a rule file.")
@_rule_dirs
@plain_errors
def rules(form: str, markdown: bool, schema: bool, rule_dirs: tuple[str, ...]) -> None:
    """List the rules."""
    if schema:
        from vglint.rulebook.format import schema as document

        say(json.dumps(document(), indent=2) + "\n")
        return
    from vglint.rulebook.described import listed
    from vglint.rulebook.pages import table

    found = _rulebook(rule_dirs).rules
    if markdown or form == "markdown":
        say(table(found))
    elif form == "json":
        say(json.dumps({"version": 1, "rules": [listed(rule) for rule in found]}, indent=2) + "\n")
    else:
        from vglint.rulebook.pages import plain_table

        say(plain_table(found, terminal_width() if sys.stdout.isatty() else 0))


@click.command()
@click.argument("rule", required=False, shell_complete=complete_rules)
@click.argument("target", required=False, metavar="[FILE[:EXPR|:LINE]]")
@click.option("--all", "every", is_flag=True, help="Explain every rule.")
@click.option("--format", "form", type=click.Choice(("text", "markdown")), default="text", help="How to print it.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@_rule_dirs
@plain_errors
def explain(
    rule: str | None, target: str | None, every: bool, form: str, as_json: bool, rule_dirs: tuple[str, ...]
) -> None:
    """Explain a rule: what it finds, why that is bad, when it is fine.

    RULE is an id or a name. The start of an id (VG1) or a family lists its rules; with --all, each of them is explained. With FILE, FILE:EXPR or FILE:LINE,
    compare what can be done about what the rule finds there, with what each is predicted to change.
    """
    if rule is not None and target is not None:
        say(_compared(rule, target, rule_dirs))
        return
    from vglint.rulebook.described import described
    from vglint.rulebook.pages import page, plain_page, plain_table

    if rule is None and not every:
        raise click.UsageError("RULE or --all is needed")
    book = _rulebook(rule_dirs)
    found = _meant(book, "ALL" if rule is None else rule)
    if as_json:
        document = [described(one) for one in found]
        say(json.dumps(document if every or len(found) > 1 else document[0], indent=2) + "\n")
        return
    if len(found) > 1 and not every:
        say(
            f"{plain_table(found, terminal_width())}\nvglint explain {found[0].id} explains one of them, vglint explain {rule} --all each of them\n"
        )
        return
    pages = [page(one, book.checked) for one in found]
    say("\n\n".join(pages if form == "markdown" else [plain_page(one, terminal_width()) for one in pages]))


def _compared(rule: str, text: str, rule_dirs: tuple[str, ...]) -> str:
    """Returns what can be done about what a rule finds at FILE, FILE:EXPR or FILE:LINE, with predictions."""
    from vglint.rulebook.explain import compared, explain_match

    target = parse_target(text)
    place = _LINE.fullmatch(target.expression)
    checked, rules = _as_set(rule, rule_dirs, target.file)
    graphs, module = graphs_of(Target(target.file, "") if place else target)
    lines: dict[str, None] = {}
    for match in explain_match(checked, graphs, rules):
        found = match.finding
        if found is None:
            continue
        at = module.cell_at(found.span.line) if found.span.file == module.path else None
        cell, line = at or (None, found.span.line)
        if place and (line != int(place["line"]) or (place["cell"] and cell != int(place["cell"]))):
            continue
        where = f"{found.span.file}:" + (f"cell {cell}:" if cell else "") + str(line)
        told = compared(match.tried) or [_only_way(checked.rule)]
        lines["\n".join([f"{where} in {found.entry}: {found.message}", *(f"  {one}" for one in told)])] = None
    if not lines:
        return f"{checked.rule.id} finds nothing at {text}: vglint explain-match {checked.rule.id} {target.file} says why\n"
    return "\n\n".join(lines) + "\n"


_LINE = regex(r"(?:cell (?P<cell>\d+):)?(?P<line>\d+)(?::\d+)?")


def _only_way(rule: Rule) -> str:
    """Returns what is said where no remedies can be compared."""
    advice = " ".join(rule.advice.split())
    if rule.fix is not None:
        return f"its one fix: {rule.fix.title}"
    return (
        "no change of the model can be predicted to help"
        if rule.remedies or not advice
        else f"its one advice: {advice}"
    )


@click.command()
@click.argument("rule", shell_complete=complete_rules)
@click.argument("target", metavar="FILE:EXPR")
@_rule_dirs
@plain_errors
def explain_match(rule: str, target: str, rule_dirs: tuple[str, ...]) -> None:
    """Show why a rule fires on a model, or does not: its condition with the value of each fact."""
    from vglint.rulebook.explain import explain_match as matches
    from vglint.rulebook.explain import told

    where = parse_target(target)
    checked, others = _as_set(rule, rule_dirs, where.file)
    text = told(matches(checked, graphs_of(where)[0], others))
    say(f"{text}\n" if text else f"{target} has no {checked.rule.subject} that {checked.rule.id} could be asked of\n")


@click.command()
@plain_errors
def facts() -> None:
    """List what rules are made of: facts, functions of conditions, actions of fixes, measures of the probe."""
    from vglint.rulebook.pages import facts_text

    say(facts_text())


@click.command()
@click.argument("folder", type=click.Path(exists=True))
@plain_errors
@click.pass_context
def test(ctx: click.Context, /, folder: str) -> None:
    """Run the examples of a folder of rules (*.toml), or compare the `# expect:` marks of a folder of code with what is found."""
    from vglint.lint.text import text_linter
    from vglint.report.summary import plural
    from vglint.selftest import check_files, check_rules

    path = Path(folder)
    if path.suffix == ".toml" or (any(path.glob("*.toml")) and not any(path.glob("*.py"))):
        from vglint.rulebook import Rulebook, load
        from vglint.rulebook.load import read_rule

        if path.is_file():
            one = read_rule(path)
            book = Rulebook((one,), (one,))
        else:
            book = load([path], with_bundled=False)
        checks = list(check_rules(book.rules, text_linter(book)))
    else:
        checks = list(check_files(path, text_linter(_rulebook(()))))
    for check in checks:
        if not check.passed:
            say(f"{check}\n")
    failed = sum(not check.passed for check in checks)
    say(f"{plural(len(checks), 'check')}, {failed} failed\n")
    ctx.exit(1 if failed else 0)


def _meant(book: Rulebook, word: str) -> tuple[Rule, ...]:
    """Returns the rules that a word stands for: an id in either case, the start of some, a name, a family, or ALL; raises RuleError."""
    from vglint.rulebook import RuleError

    try:
        ids = book.ids(word.upper() if word.upper().startswith("VG") else word)
    except RuleError as error:
        raise RuleError("", "", error.message) from None
    return tuple(rule for rule in book.rules if rule.id in ids)


def _rulebook(rule_dirs: tuple[str, ...]) -> Rulebook:
    """Returns the bundled rules, those of the configuration here, and those of `rule_dirs`."""
    from vglint.rulebook import load

    return load((*_settings().rule_dirs, *rule_dirs))


def _as_set(rule: str, rule_dirs: tuple[str, ...], file: str) -> tuple[CheckedRule, Sequence[CheckedRule]]:
    """Returns a rule with the params that the configuration of a file sets, whether it is selected or not, and all rules."""
    from vglint.config import Configuration
    from vglint.lint.work import rulebook_of

    settings = Configuration().of_file(file)
    dirs = (*settings.rule_dirs, *rule_dirs)
    book = rulebook_of(replace(settings, select=None, extend_select=(), ignore=(), rule_dirs=dirs))
    wanted = book.find(rule).rule.id
    return next(checked for checked in book.chosen if checked.rule.id == wanted), book.chosen


def _settings() -> Settings:
    from vglint.config import Configuration

    return Configuration().of(os.getcwd())
