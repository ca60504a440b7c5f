"""Runs the default rules over the pinned packages and holds every finding against the ledger `precision.toml`.

    python -m benchmarks precision [--corpus DIR] [--kept DIR] [--seconds N] [--quick] [--findings] [--write] [PACKAGE …]

Prints findings per rule and per 1,000 model classes, and the precision of each rule over the ledger with its 95 %
interval (Wilson's). The ledger has a verdict for every finding in the packages that are known to train, and for a sample of
the other packages' findings (`SAMPLE` of them, by a keyed hash, so that a finding that goes away replaces nothing but itself).
A finding without a verdict and a verdict without a finding are named; exit status 1 for the former.

What the linter said is kept in DIR ($VGLINT_PRECISION) until vglint or its rules change. `--quick` then reads only the
files anew that the ledger or the last run names. A run of everything takes an hour; with `--seconds` it stops after a while, and the tables are
of the files that were read, a sample of the package; the next run goes on from there. `--findings` prints each finding with its verdict; `--write` puts the tables into
`precision.md`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli

from benchmarks.corpus.fetch import corpus_folder, packages, pins
from benchmarks.corpus.linted import Found, Linted, kept_folder, linted, pinned, remembered, sources, templates
from benchmarks.reports.corpus import module_classes

LEDGER = Path(__file__).with_suffix(".toml")
PAGE = Path(__file__).with_suffix(".md")
SAMPLE = 60
KEY = "5"
"""Chooses the sample."""
NEAR = 15
"""Lines by which a finding may have moved from its verdict's place, where it is no longer in the same class or function."""
VERDICTS = ("true", "arguable", "false")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of a finding after reading the source; `place` is `file:line`."""

    package: str
    version: str
    place: str
    symbol: str
    rule: str
    severity: str
    verdict: str
    reason: str

    @property
    def file(self) -> str:
        return self.place.rpartition(":")[0]

    @property
    def line(self) -> int:
        return int(self.place.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding and its verdict; None where it has none."""

    found: Found
    verdict: Verdict | None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--kept", metavar="DIR", type=Path, default=kept_folder())
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--findings", action="store_true")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    folders = packages(corpus_folder(given.corpus), tuple(given.packages))
    ledger = ledger_of(LEDGER)
    until = time.monotonic() + given.seconds
    runs = {
        name: _read(name, folder, given.kept, ledger if given.quick else None, until)
        for name, folder in folders.items()
    }
    classes = {name: count_classes(name, folder, runs[name].unread) for name, folder in folders.items()}
    training = trains()
    wanted = [found for name, run in runs.items() if name in training for found in run.findings]
    wanted += sample([found for name, run in runs.items() if name not in training for found in run.findings])
    judged, idle = match(wanted, ledger)
    idle = [
        verdict
        for verdict in idle
        if not any(_answers(found, verdict) for run in runs.values() for found in run.findings)
    ]
    idle = [verdict for verdict in idle if verdict.package in runs]
    page = "\n".join(_page(runs, classes, judged, training))
    print(page)
    if given.findings:
        _print_findings(runs, judged)
    open_ = _print_open(judged, idle, runs)
    if given.write:
        PAGE.write_text(page + "\n", encoding="utf-8")
    return 1 if open_ else 0


def _read(name: str, folder: Path, kept: Path, ledger: Sequence[Verdict] | None, until: float) -> Linted:
    if ledger is None:
        return linted(name, folder, kept, without=templates(name), until=until)
    named = {verdict.file for verdict in ledger if verdict.package == name}
    return linted(name, folder, kept, sorted(named | remembered(name, kept)))


def trains() -> frozenset[str]:
    """Returns the packages whose models are known to train."""
    return frozenset(name for name, pin in pinned().items() if pin.get("trains"))


def count_classes(name: str, folder: Path, unread: Sequence[str]) -> int:
    """Returns how many classes of a package are modules by their bases, in the files that were read."""
    files = [path for path in sources(folder, templates(name)) if path.suffix == ".py"]
    left = {folder / path for path in unread}
    return sum(len(classes) for path, classes in module_classes(files).items() if path not in left)


def ledger_of(path: Path) -> tuple[Verdict, ...]:
    """Returns the verdicts of a ledger; raises SystemExit where one is not what it should be."""
    rows: list[dict[str, Any]] = tomli.loads(path.read_text(encoding="utf-8")).get("finding", [])
    versions = pins()
    verdicts = tuple(Verdict(**row) for row in rows)
    for verdict in verdicts:
        if verdict.verdict not in VERDICTS:
            raise SystemExit(f"{path.name}: {verdict.place}: verdict {verdict.verdict!r}, one of {VERDICTS} is needed")
        if versions.get(verdict.package) != verdict.version:
            raise SystemExit(f"{path.name}: {verdict.place}: {verdict.package} is pinned at another version")
    return verdicts


def sample(findings: Iterable[Found]) -> list[Found]:
    """Returns SAMPLE of the findings: those whose place and rule hash lowest."""

    def rank(found: Found) -> str:
        return sha256("\0".join((KEY, found.package, found.path, found.symbol, found.rule)).encode()).hexdigest()

    return sorted(findings, key=lambda found: (rank(found), found.line))[:SAMPLE]


def match(findings: Sequence[Found], ledger: Sequence[Verdict]) -> tuple[list[Judged], list[Verdict]]:
    """Pairs findings with verdicts, the closest first, each once; returns the verdicts that are left too."""
    pairs = sorted(
        (abs(found.line - verdict.line), number, position)
        for number, found in enumerate(findings)
        for position, verdict in enumerate(ledger)
        if _answers(found, verdict)
    )
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for _, number, position in pairs:
        if number not in chosen and position not in taken:
            chosen[number] = position
            taken.add(position)
    judged = [
        Judged(found, ledger[chosen[number]] if number in chosen else None) for number, found in enumerate(findings)
    ]
    return judged, [verdict for position, verdict in enumerate(ledger) if position not in taken]


def _answers(found: Found, verdict: Verdict) -> bool:
    same = (found.package, found.path, found.rule) == (verdict.package, verdict.file, verdict.rule)
    return same and (found.symbol == verdict.symbol or abs(found.line - verdict.line) <= NEAR)


def wilson(good: int, all_: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the 95 % interval of a share (Wilson 1927)."""
    if not all_:
        return 0.0, 1.0
    share = good / all_
    middle = share + z * z / (2 * all_)
    half = z * math.sqrt(share * (1 - share) / all_ + z * z / (4 * all_ * all_))
    return (middle - half) / (1 + z * z / all_), (middle + half) / (1 + z * z / all_)


def _page(
    runs: dict[str, Linted], classes: dict[str, int], judged: Sequence[Judged], training: frozenset[str]
) -> Iterable[str]:
    """Yields the lines of the tables."""
    yield "# Precision"
    yield ""
    yield "Printed by `precision.py --write`: default rules, the packages of `corpus.toml`, verdicts of `precision.toml`."
    yield ""
    yield "| package | files | model classes | errors | warnings | per 1,000 classes |"
    yield "|---|---:|---:|---:|---:|---:|"
    groups: list[tuple[str, list[str]]] = [(name, [name]) for name in runs]
    groups.append(("**known to train**", [name for name in runs if name in training]))
    groups.append(("**the rest**", [name for name in runs if name not in training]))
    for title, names in groups:
        findings = [found for name in names for found in runs[name].findings]
        count = sum(classes[name] for name in names)
        errors = sum(found.severity == "error" for found in findings)
        share = f"{1000 * len(findings) / count:.1f}" if count else "-"
        files = str(sum(len(runs[name].read) for name in names))
        unread = sum(len(runs[name].unread) for name in names)
        files += f" of {int(files) + unread}" if unread else ""
        yield f"| {title} | {files} | {count} | {errors} | {len(findings) - errors} | {share} |"
    yield ""
    yield "Findings by rule, for 1,000 model classes:"
    yield ""
    yield "| rule | known to train | the rest | for 1,000 of all |"
    yield "|---|---:|---:|---:|"
    counts = {
        side: Counter(found.rule for name, run in runs.items() if (name in training) is side for found in run.findings)
        for side in (True, False)
    }
    total = sum(classes.values())
    for rule in sorted(counts[True] | counts[False]):
        here, there = counts[True][rule], counts[False][rule]
        yield f"| {rule} | {here} | {there} | {1000 * (here + there) / total:.2f} |"
    yield ""
    yield "Verdicts: every finding in the packages known to train, and a sample of the rest. Precision counts what is arguable against the rule;"
    yield "the interval is Wilson's, at 95 %."
    yield ""
    yield "| rule | judged | true | arguable | false | precision | interval |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    rules = sorted({entry.found.rule for entry in judged if entry.verdict})
    for rule in rules:
        yield _precision_line(rule, judged, lambda entry, rule=rule: entry.found.rule == rule)  # type: ignore[misc]
    yield _precision_line("**errors**", judged, lambda entry: entry.found.severity == "error")
    yield _precision_line("**warnings**", judged, lambda entry: entry.found.severity == "warning")


def _precision_line(title: str, judged: Sequence[Judged], chosen: Callable[[Judged], bool]) -> str:
    verdicts = Counter(entry.verdict.verdict for entry in judged if entry.verdict and chosen(entry))
    count = verdicts.total()
    low, high = wilson(verdicts["true"], count)
    share = f"{verdicts['true'] / count:.0%}" if count else "-"
    counts = " | ".join(str(verdicts[verdict]) for verdict in VERDICTS)
    return f"| {title} | {count} | {counts} | {share} | {low:.0%} to {high:.0%} |"


def _print_findings(runs: dict[str, Linted], judged: Sequence[Judged]) -> None:
    verdicts = {entry.found: entry.verdict for entry in judged}
    for run in runs.values():
        for found in run.findings:
            verdict = verdicts.get(found)
            said = verdict.verdict if verdict else "no verdict" if found in verdicts else "not sampled"
            print(f"\n{found.package} {found.place} in {found.symbol}: {found.rule} {found.severity}: {said}")
            print(f"    {found.message}")
            for place in found.related:
                print(f"    - {place}")


def _print_open(judged: Sequence[Judged], idle: Sequence[Verdict], runs: dict[str, Linted]) -> int:
    """Prints what the ledger and the findings do not agree on; returns the number of findings without a verdict."""
    missing = [entry.found for entry in judged if entry.verdict is None]
    print(f"\nfindings without a verdict: {len(missing)}")
    for found in missing:
        print(f"    {found.package} {found.place} {found.rule} in {found.symbol}")
    print(f"verdicts without a finding: {len(idle)}")
    for verdict in idle:
        print(f"    {verdict.verdict:8} {verdict.package} {verdict.place} {verdict.rule} in {verdict.symbol}")
    problems = [problem for run in runs.values() for problem in run.problems if "internal error" in problem]
    print(f"internal errors: {len(problems)}")
    for problem in problems:
        print(f"    {problem}")
    return len(missing)


if __name__ == "__main__":
    raise SystemExit(main())
