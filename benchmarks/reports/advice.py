"""Trains models before and after vglint's advice: `python -m benchmarks advice [--seeds N] [--only RULE] [--kept] [--write]`.

Each case of `advice_cases` is linted with the optimiser in sight. *Advice* is the case with what the finding says done to the letter: a remedy that was chosen by
prediction on the built model, other advice by hand. *Fix* is the text that `--fix --unsafe-fixes` makes. Each is trained for 300 steps with SGD and Adam at
three rates; a model trains where its accuracy reaches 0.9 at two of the three rates (median over seeds). Trainings are kept in `$VGLINT_BENCHMARKS`. `--kept`
leaves out models that were not trained yet. `--write` writes `docs/advice.md`.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import torch

from benchmarks.generators.advice_cases import Case, cases
from benchmarks.oracle.advised import CALLS, RATES, Accuracies, NotTrainedError, Trained, accuracies, trains, worse
from benchmarks.oracle.letters import LETTERS
from benchmarks.oracle.train import OptimizerName
from vglint.config import Settings
from vglint.finding import Finding
from vglint.fix import ACTIONS
from vglint.lint import fixing, work
from vglint.lint.text import text_linter
from vglint.rulebook import load

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "advice.md"
ROUNDS = 4
NOTES = (
    "What does not hold: a layer of 32 units over 32 steps stays below 0.9 at two rates of SGD (VG501, VG503, VG504), as it does before; 40 unnormalised residual blocks whose last layers",
    "start at zero diverge with SGD (VG303); a GRU of 64 units over 32 steps comes to 0.80 at one rate of SGD, and to 0.72 before (VG502); 16 residual blocks of one layer",
    "whose skip connection was detached train at one rate of SGD when it is no longer (VG305).",
)
Lint: TypeAlias = Callable[[str, str], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """One case under one optimiser: what is advised, and the accuracy at each rate before, with the advice, and with the fix."""

    case: Case
    optimizer: OptimizerName
    finding: Finding | None
    before: Accuracies
    advice: Accuracies | None
    fix: Accuracies | None


def rows(seeds: int, only: str, kept: bool) -> Iterator[Row]:
    """Yields every case under both optimisers."""
    lint = text_linter(load())
    for case in cases():
        if only and not case.rule.startswith(tuple(only.split(","))):
            continue
        for optimizer, call in CALLS.items():
            text = case.text(call.format(RATES[optimizer][0]))
            try:
                row = _row(case, optimizer, text, seeds, lint, kept)
            except NotTrainedError:
                print(f"not trained yet: {case.rule}, {case.name}, {optimizer}", flush=True)
                continue
            print(line(row), flush=True)
            yield row


def _row(case: Case, optimizer: OptimizerName, text: str, seeds: int, lint: Lint, kept: bool) -> Row:
    """Trains what the rule finds something in; where it is silent, nothing."""
    found = [one for one in lint("case.py", case.source if case.unseen else text) if one.rule == case.rule]
    if not found:
        return Row(case, optimizer, None, (), None, None)
    plain = Trained(text, optimizer, case.data, case.steps, kept=kept)
    advised = _advised(case, text, found[0], optimizer)
    advice = None if advised is None else accuracies(replace(advised, kept=kept), seeds)
    fixed = _fixed(text, case.rule) if any(one.fix is not None for one in found) else None
    fix = None if fixed is None else accuracies(replace(plain, text=fixed), seeds)
    sure = advice is not None and trains(advice) and (fix is None or trains(fix))
    before = accuracies(plain, 1 if sure else seeds)
    return Row(case, optimizer, found[0], before, advice, fix)


def _advised(case: Case, text: str, finding: Finding, optimizer: OptimizerName) -> Trained | None:
    """Returns the program with the advice followed; None where it says only what has to be decided."""
    if finding.remedy:
        return Trained(text, optimizer, case.data, case.steps, LETTERS[finding.remedy](finding.advice), finding.advice)
    changed = text
    for old, new in case.advised:
        changed = changed.replace(old, new)
    return Trained(changed, optimizer, case.data, case.steps) if changed != text else None


def _fixed(text: str, rule: str) -> str:
    """Returns the program after `--fix --unsafe-fixes`: the fixes of the case's rule, and those of other rules that are shown, until none is left."""
    work.begin(work.Task(Settings(root=str(Path.cwd())), ("case.py",), False))
    for _ in range(ROUNDS):
        found = work.lint_buffer("case.py", text.encode(), True).findings
        offered = [one for one in found if one.fix is not None and (one.severity != "info" or one.rule == rule)]
        made = (
            list(fixing.of_file("case.py", text.encode(), offered, lambda finding, _: finding.fix)) if offered else []
        )
        after = [one.after.decode() for one in made if isinstance(one, fixing.Fixed)]
        if not after:
            break
        text = after[0]
    return text


def line(row: Row) -> str:
    """Returns a row as a line of the table."""
    shown = [" ".join(f"{one:.2f}" for one in found) if found else "-" for found in (row.before, row.advice, row.fix)]
    remedy = row.finding.remedy or "its text" if row.finding is not None else "silent"
    level = row.finding.severity if row.finding is not None else "-"
    return f"| {row.case.rule} | {row.case.name} | {row.optimizer} | {level} | {remedy} | {' | '.join(shown)} |"


def page(found: Sequence[Row], seeds: int) -> str:
    """Returns the tables as markdown."""
    lines = [
        "# Advice, measured",
        "",
        f"Written by `python -m benchmarks advice --seeds {seeds} --write`: models with one fault each, four for most rules of VG1 to VG6, trained in batches of 64 with SGD at 0.1,",
        "0.02 and 0.5, and with Adam at 0.001, 0.005 and 0.0002: for 300 steps; recurrent models for 600 (VG501, VG503, VG504) or 1,000, because those with gates are slow with and without",
        "a fault. A model trains where it reaches an accuracy of 0.9 at two of the three rates, in the median over the seeds; where the first two rates agree the third is left out.",
        f"There are {seeds} seeds, and one before the advice where what comes after trains. The data are",
        "scikit-learn's digits, read as rows or a few pixels at a time by recurrent models and attention, some with padding after them; for two models of VG110 they are points of the plane of which",
        "those near the origin are one class. *Advice* is what the finding says, done to the letter; *fix* is the text that `--fix --unsafe-fixes` makes of the file, with the fixes of other rules",
        "that it shows there; *worse* counts models that train before and not after. A step that raises, and a loss that is not finite, counts as 0; so does a weight that nothing fills (VG405).",
        "",
        "Where a model trains before as well, the digits do not need what the fault takes: softmax over the wrong axis (VG606), heads that are mixed (VG607), scores that are scaled",
        "wrongly (VG601, VG602, VG604) and linear pairs (VG110) cost a small classifier little. `benchmarks/reports/harm.md` has tasks on which they cost more.",
        "",
        "| rule | models | trained before | with the advice | worse | with the fix | worse |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for rule in [*dict.fromkeys(row.case.rule for row in found), "all"]:
        own = [row for row in found if rule in ("all", row.case.rule) and row.finding is not None]
        models = len({(row.case.rule, row.case.name) for row in own})
        lines.append(
            f"| {rule} | {models} | {_share(own, 'before')} | {_cells(own, 'advice')} | {_cells(own, 'fix')} |"
        )
    measured = {(row.case.rule, row.case.name) for row in found}
    missing = [f"{case.rule} {case.name}" for case in cases() if (case.rule, case.name) not in measured]
    if missing:
        lines += ["", f"Not trained yet: {'; '.join(missing)}."]
    lines += ["", *NOTES]
    lines += ["", "Accuracy at the rates, before, with the advice, with the fix:", ""]
    lines += [
        "| rule | model | optimiser | level | advice | before | advice | fix |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(line, found), *actions()]) + "\n"


def actions() -> Iterator[str]:
    """Yields the table of what can be changed in a file, with the rules that ask for it."""
    yield from ("", "What `--fix` can change, and for which rules:", "", "| action | rules |", "|---|---|")
    for name in sorted(ACTIONS):
        rules = [rule.id for rule in load().rules if (rule.fix and rule.fix.action == name) or name in rule.remedies]
        yield f"| `{name}` | {', '.join(rules) or 'rules of your own'} |"


def _share(found: Sequence[Row], name: str) -> str:
    made = [row for row in found if getattr(row, name) is not None]
    return f"{sum(trains(getattr(row, name)) for row in made)} of {len(made)}" if made else "-"


def _cells(found: Sequence[Row], name: str) -> str:
    lost = sum(worse(row.before, getattr(row, name)) for row in found)
    return f"{_share(found, name)} | {lost}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    text = page(list(rows(given.seeds, given.only, given.kept)), given.seeds)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
