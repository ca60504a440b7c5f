"""Runs the default rules over the public repositories of `repositories.toml` and holds every finding against the ledger `repositories_found.toml`.

    python -m benchmarks repositories DIR [--rounds 1,2] [--jobs N] [--write]

DIR has a folder `owner+name` for each, with its Python files and notebooks at the pinned commit. The ledger has a person's verdict
(`true`, `arguable`, `false`: benchmarks/README.md) for every finding of the first look, before anything was mended, and for those that came
later. A finding without a verdict is named; exit status 1 if there is one. `--rounds` runs only the repositories of some first looks. `--write` puts
the table into `repositories.md`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

PINS = Path(__file__).with_suffix(".toml")
LEDGER = PINS.with_name("repositories_found.toml")
PAGE = PINS.with_suffix(".md")
NEAR = 3
"""Lines by which a finding may have moved from its verdict's place, where another line of the same fault is blamed."""


@dataclass(frozen=True, slots=True)
class Said:
    """A finding; `place` is its file, with the cell of a notebook."""

    repository: str
    place: str
    line: int
    rule: str
    severity: str


def found(folder: Path, repository: str) -> list[Said]:
    """Returns the default findings in one repository."""
    done = subprocess.run(
        [sys.executable, "-m", "vglint", "--isolated", "--output-format", "json", "."],
        cwd=folder / repository.replace("/", "+"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    for problem in report["problems"]:
        if "internal error" in problem["message"]:
            print(f"{repository}: {problem['path']}: {problem['message']}", file=sys.stderr)
    return [
        Said(repository, place(each["path"], each["cell"]), each["line"], each["rule"], each["severity"])
        for each in report["findings"]
    ]


def place(path: str, cell: int | None) -> str:
    return path if cell is None else f"{path}:cell {cell}"


def ledger() -> list[dict[str, Any]]:
    judged: list[dict[str, Any]] = tomli.loads(LEDGER.read_text(encoding="utf-8"))["finding"]
    return judged


def verdict(said: Said, judged: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the verdict on a finding: the nearest one of its rule in its file or cell."""
    own = [
        each
        for each in judged
        if (each["repository"], each["place"], each["rule"]) == (said.repository, said.place, said.rule)
    ]
    near = min(own, key=lambda each: abs(int(each["line"]) - said.line), default=None)
    return near if near is not None and abs(int(near["line"]) - said.line) <= NEAR else None


def turn_of(repository: dict[str, Any]) -> int:
    """Returns the round in which a repository was first looked at: what earlier ones had shown was mended by then."""
    return int(repository.get("round", 1))


def table(title: str, rows: list[tuple[str, str]]) -> list[str]:
    """Returns a table of verdicts by severity, of (severity, verdict) pairs."""
    counts = Counter(rows)
    lines = [
        f"| {title} | findings | true | arguable | false | true | true or arguable |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for severity in ("error", "warning"):
        true, arguable, false = (counts[severity, word] for word in ("true", "arguable", "false"))
        total = true + arguable + false
        shares = (f"{100 * part / total:.0f}%" if total else "-" for part in (true, true + arguable))
        lines.append(f"| {severity}s | {total} | {true} | {arguable} | {false} | " + " | ".join(shares) + " |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--rounds", default="", help="such as 1,2: only the repositories first looked at in these")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    repositories = tomli.loads(PINS.read_text(encoding="utf-8"))["repository"]
    wanted = {int(each) for each in given.rounds.split(",") if each} or {turn_of(each) for each in repositories}
    names = [each["name"] for each in repositories if turn_of(each) in wanted]
    judged = ledger()
    now: list[tuple[str, str]] = []
    unjudged: list[Said] = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for name, all_said in zip(names, pool.map(lambda name: found(given.folder, name), names), strict=True):
            print(f"{name}: {len(all_said)}", file=sys.stderr, flush=True)
            for said in all_said:
                known = verdict(said, judged)
                if known is None:
                    unjudged.append(said)
                else:
                    now.append((said.severity, known["now"] if "now" in known else known["verdict"]))
    lines = []
    for turn in sorted({turn_of(each) for each in repositories}):
        own = {each["name"] for each in repositories if turn_of(each) == turn}
        seen = [each for each in judged if each["repository"] in own and each.get("first", True)]
        title = f"first look at {len(own)}"
        lines += [*table(title, [(each["severity"], each["verdict"]) for each in seen]), ""]
    lines += table(f"now, {len(names)}", now)
    print("\n".join(lines))
    for said in unjudged:
        print(f"no verdict: {said.repository} {said.place}:{said.line} {said.rule} {said.severity}")
    if given.write:
        text = PAGE.read_text(encoding="utf-8")
        head, _, _ = text.partition("| first look at")
        PAGE.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return 1 if unjudged else 0


if __name__ == "__main__":
    sys.exit(main())
