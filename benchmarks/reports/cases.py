"""Runs the linter over real cases, faults and lookalikes, and prints which it hits and which silences it breaks.

    python -m benchmarks cases CASES.json --checkouts DIR [--near N] [--all] [-- OPTION …]

Each case names a repository, commit, path and lines; its checkout is DIR/OWNER+NAME@COMMIT (the commit's first 12
digits are enough). A fault is hit when a finding of one of its label's rules (`cases.toml`), or a place related to
one, lies within N lines of the case's (a case without a file: anywhere). A clean case is broken when a finding of a rule that it wants silent does.
OPTIONs go to vglint. Exit status 1 when a fault is missed or a silence broken.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

RULES: dict[str, list[str]] = tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["labels"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the linter said of one case: `good` None where there is no checkout."""

    id: str
    fault: bool
    good: bool | None
    text: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--near", type=int, default=10, help="lines of tolerance (10)")
    parser.add_argument("--all", action="store_true", help="print every finding in the files of the cases")
    given, options = parser.parse_known_args()
    cases = json.loads(given.cases.read_text(encoding="utf-8"))["cases"]
    linted: dict[Path, list[dict[str, Any]]] = {}
    outcomes = []
    for case in cases:
        checkout = _checkout(given.checkouts, case)
        if checkout is None:
            outcomes.append(Outcome(case["id"], case["is_fault"], None, "no checkout"))
            continue
        if checkout not in linted:
            linted[checkout] = _lint(checkout, [option for option in options if option != "--"])
        outcomes.append(_judge(case, checkout, linted[checkout], given.near))
        if given.all:
            _print_findings(case, checkout, linted[checkout])
    return _print(outcomes)


def _checkout(folder: Path, case: dict[str, Any]) -> Path | None:
    commit = case["commit"] or "issue"
    found = folder.glob(f"{case['repo'].replace('/', '+')}@*")
    return next((path for path in found if commit.startswith(path.name.rpartition("@")[2])), None)


def _lint(checkout: Path, options: list[str]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "vglint", "--output-format", "json", "--exit-zero", *options, "."]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    if not done.stdout:
        raise SystemExit(f"{checkout.name}: {done.stderr}")
    report = json.loads(done.stdout)
    findings: list[dict[str, Any]] = report["findings"]
    return findings


def _judge(case: dict[str, Any], checkout: Path, findings: list[dict[str, Any]], near: int) -> Outcome:
    wanted = list(places(case))
    labels = [case["label"]] if case["is_fault"] else case["silent_rules"]
    answering: list[tuple[str, bool, dict[str, Any]]] = []
    for finding in findings:
        for label in labels:
            rules = RULES.get(re.sub(r"\(.*\)", "", label).strip(), [])
            level = "error" if "error level" in label else None
            if finding["rule"] in rules and level in {None, finding["severity"]}:
                spots = [finding, *finding["related"]] if case["is_fault"] else [finding]
                inside = not wanted or any(_near(spot, place, near) for spot in spots for place in wanted)
                beside = any(_posix(spot["path"]) == place[0] for spot in spots for place in wanted)
                if inside or beside:
                    answering.append((finding["rule"], inside, finding))
    texts = sorted(
        {
            f"{f['rule']} {f['path']}:{f['line']}{'' if inside else ' (elsewhere in the file)'}"
            for _, inside, f in answering
        }
    )
    hit = any(inside for _, inside, _ in answering)
    unmapped = [label for label in labels if re.sub(r"\(.*\)", "", label).strip() not in RULES]
    note = f" labels without a rule: {unmapped}" if unmapped else ""
    return Outcome(case["id"], case["is_fault"], hit if case["is_fault"] else not hit, ", ".join(texts) + note)


def places(case: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yields file, first and last line of each place that the case names; a notebook's lines mean the whole of it.

    A file that is named without a folder lies at the top or beside the case's.
    """
    path = case["path"]
    for part in re.split(r"[;(]|\btwin in\b|\bwith\b", case["lines"]):
        named = re.search(r"([\w./-]+\.py):", part)
        files = [named[1] if named else path]
        if named and "/" not in named[1] and "/" in path:
            files.append(str(Path(path).parent / named[1]))
        if path.endswith(".ipynb") and not named:
            yield path, 0, 1 << 30
            continue
        for first, last in re.findall(r"(?<![\w/.])(\d+)(?:-(\d+))?(?!\w)", part[named.end() :] if named else part):
            yield from ((file, int(first), int(last or first)) for file in files)


def _near(spot: dict[str, Any], place: tuple[str, int, int], near: int) -> bool:
    file, first, last = place
    return _posix(spot["path"]) == file and first - near <= spot["line"] <= last + near


def _posix(path: str) -> str:
    return path.removeprefix("./")


def _print_findings(case: dict[str, Any], checkout: Path, findings: list[dict[str, Any]]) -> None:
    files = {place[0] for place in places(case)} | {case["path"]}
    print(f"{case['id']} {checkout.name} {case['path']}:{case['lines']}")
    for finding in findings:
        if _posix(finding["path"]) in files:
            print(
                f"    {finding['path']}:{finding['line']} {finding['rule']} {finding['severity']}: {finding['message']}"
            )


def _print(outcomes: list[Outcome]) -> int:
    for outcome in outcomes:
        kind = "fault" if outcome.fault else "clean"
        verdict = {
            True: "hit" if outcome.fault else "silent",
            False: "MISSED" if outcome.fault else "BROKEN",
            None: "-",
        }
        print(f"{outcome.id:5} {kind:6} {verdict[outcome.good]:7} {outcome.text}".rstrip())
    faults = [outcome for outcome in outcomes if outcome.fault]
    clean = [outcome for outcome in outcomes if not outcome.fault]
    print(f"faults hit: {sum(o.good is True for o in faults)} of {len(faults)}")
    print(f"silences broken: {sum(o.good is False for o in clean)} of {len(clean)}")
    print(f"without checkout: {sum(o.good is None for o in outcomes)}")
    return 1 if any(outcome.good is False for outcome in outcomes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
