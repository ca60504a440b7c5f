"""What each rule's fault costs: `python -m benchmarks harm [--only RULE] [--seeds N] [--write]`.

Each case of `oracle/harm` is a small classifier of scikit-learn's digits, trained for 300 steps with the fault and without it. The numbers in the
rules' pages are the medians over the seeds. `--write` writes `harm.md`.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.oracle.harm import CASES, Case, Outcome

PAGE = Path(__file__).with_name("harm.md")
HEAD = """# What each fault costs

Written by `python -m benchmarks harm --write`: small classifiers of scikit-learn's digits (1,285 to train on, 512 to judge by), 300 steps of 64 samples, Adam at 0.001 where
nothing else is said, {seeds} seeds; the median, and the smallest and largest where they differ. Chance is an accuracy of 0.10.

| rule | with the fault | | without it |
|---|---|---|---|
"""


def outcomes(case: Case, fault: bool, seeds: int) -> list[Outcome]:
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        found.append(case.body(fault))
    return found


def said(found: Sequence[Outcome]) -> str:
    """Returns outcomes in words: their median and range, or the first that is no number."""
    words = [each for each in found if isinstance(each, str)]
    numbers = [each for each in found if not isinstance(each, str)]
    if words:
        return words[0] + (f" ({len(words)} of {len(found)} seeds)" if numbers else "")
    low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
    return _plain(middle) if _plain(low) == _plain(high) else f"{_plain(middle)} ({_plain(low)} to {_plain(high)})"


def _plain(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    for case in sorted(CASES, key=lambda case: (case.rule in ("VG504", "VG603"), case.rule)):
        if options.only and case.rule not in options.only:
            continue
        with_it, without = (said(outcomes(case, fault, options.seeds)) for fault in (True, False))
        unit = "" if case.unit == "accuracy" else f" ({case.unit})"
        lines.append(f"| {case.rule} | {case.words}{unit} | {with_it} | {without} |")
        print(lines[-1], flush=True)
    if options.write:
        PAGE.write_text(HEAD.format(seeds=options.seeds) + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
