"""What is called a fault, trained for 300 and for 3,000 steps: `python -m benchmarks long [--seeds N] [--only RULE] [--write]`.

Each program of `generators/long_cases` is linted with its optimiser in sight, and trained at three rates. An *error* is earned where the model reaches 0.9 at
fewer than two of the rates even after 3,000 steps. Trainings are kept in `$VGLINT_BENCHMARKS`. `--write` writes `long.md`; exit status 1 where an error is not
earned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.generators.long_cases import long_cases
from benchmarks.oracle.advised import CALLS, GOOD, RATES, Accuracies, Trained, accuracies, trains
from vglint.lint.text import text_linter
from vglint.rulebook import load

PAGE = Path(__file__).with_name("long.md")
HEAD = f"""# Three hundred steps, and three thousand

Written by `python -m benchmarks long --write`: the programs of `generators/long_cases.py` on scikit-learn's digits, 64 samples a step, with SGD at {", ".join(RATES["sgd"])} and
Adam at {", ".join(RATES["adam"])}. *Said* is what vglint finds in the program with the optimiser in sight. The accuracies are those at the rates
that decide: two that agree on {GOOD}. A training ends when it has reached 0.95.

| rule | model | optimiser | said | 300 steps | 3,000 steps |
|---|---|---|---|---|---|
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lint, lines, unearned = text_linter(load()), list[str](), 0
    for case in long_cases():
        if options.only and not case.rule.startswith(options.only):
            continue
        for optimizer, call in CALLS.items():
            text = case.text(call.format(RATES[optimizer][0]))
            said = {each.rule: each.severity for each in lint("case.py", text)}
            found = [accuracies(Trained(text, optimizer, case.data, steps), options.seeds) for steps in (300, 3000)]
            bad = "error" in said.values() and trains(found[1])
            unearned += bad
            words = ", ".join(f"{rule} {severity}" for rule, severity in sorted(said.items())) or "-"
            words += " (not earned)" if bad else ""
            lines.append(f"| {case.rule} | {case.name} | {optimizer} | {words} | {_row(found[0])} | {_row(found[1])} |")
            print(lines[-1], flush=True)
    if options.write:
        PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    raise SystemExit(1 if unearned else 0)


def _row(found: Accuracies) -> str:
    return " ".join(f"{one:.2f}" for one in found)


if __name__ == "__main__":
    main()
