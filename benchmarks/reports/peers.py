"""Runs vglint and other linters over the same source, and prints what each says of gradients.

    python -m benchmarks peers CASES.json --checkouts DIR --programs FOLDER [--corpus DIR] [--kept DIR] [--list] [PACKAGE …]

The source is the checkouts that the cases name (see `cases.py`) and packages of the corpus whose models train (torchvision and timm).
FOLDER is the `bin` of an environment that has TorchFix, mldoct, ml-code-smell-detector and ruff, none of which vglint needs;
one that is not there is left out. A tool's rules that speak of gradients are in `peers.toml`, with the labels of the faults that
they speak of. Such a finding is *true* where a case of that label is a fault at that place, or `peers.toml` says so of it after a look at
the source; else it is false. `--list` prints those findings.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli

from benchmarks.corpus.fetch import corpus_folder, packages
from benchmarks.reports.cases import RULES, places

TABLE: dict[str, Any] = tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
NEAR = 10
"""Lines of tolerance around a case's."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool said of a place; line 0 is the whole file. `grave` is false for what the tool itself calls less than an error."""

    tool: str
    tree: str
    path: str
    line: int
    rule: str
    grave: bool = True


Tool = Callable[[Path], list[tuple[str, int, str]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("packages", nargs="*", default=["torchvision", "timm"], metavar="PACKAGE")
    parser.add_argument("--checkouts", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--kept", type=Path, metavar="DIR", help="keeps what each tool said of each tree")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    cases = json.loads(given.cases.read_text(encoding="utf-8"))["cases"]
    trees = {path.name: path for path in sorted(given.checkouts.iterdir()) if "@" in path.name}
    trees |= packages(corpus_folder(given.corpus), tuple(given.packages))
    rows = []
    for tool, run in tools(given.programs).items():
        said = [found for name, tree in trees.items() for found in _said(tool, name, tree, run, given.kept)]
        rows.append(_row(tool, said, cases, given.list))
    print("| tool | rules | of gradients | findings | of gradients | true | false | faults hit | lookalikes broken |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    print("\n".join(rows))
    return 0


def tools(programs: Path) -> dict[str, Tool]:
    """Returns the tools that are there, by name."""
    found: dict[str, Tool] = {"vglint": _vglint}
    if (programs / "torchfix").exists():
        found["TorchFix"] = partial(_torchfix, programs)
    for name, module in (("mldoct", "mldoctor"), ("ml-code-smell-detector", "ml_code_smell_detector")):
        if subprocess.run([programs / "python", "-c", f"import {module}"], capture_output=True).returncode == 0:
            found[name] = partial(_scripted, programs, name)
    if (programs / "ruff").exists():
        found["ruff"] = partial(_ruff, programs)
    return found


def _vglint(tree: Path) -> list[tuple[str, int, str]]:
    command = [
        sys.executable,
        "-m",
        "vglint",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--output-format",
        "json",
        ".",
    ]
    report = json.loads(_output(command, tree))
    return [(found["path"], found["line"], f"{found['rule']} {found['severity']}") for found in report["findings"]]


def _torchfix(programs: Path, tree: Path) -> list[tuple[str, int, str]]:
    said = _output([str(programs / "torchfix"), "--select", "ALL", "."], tree)
    return [(path, int(line), rule) for path, line, rule in re.findall(r"^(.+?):(\d+):\d+: (TOR\d+)", said, re.M)]


def _ruff(programs: Path, tree: Path) -> list[tuple[str, int, str]]:
    fixed = ["check", "--isolated", "--no-cache", "-q", "--exit-zero", "--output-format", "concise"]
    said = _output([str(programs / "ruff"), *fixed, "."], tree)
    return [(path, int(line), rule) for path, line, rule in re.findall(r"^(.+?):(\d+):\d+: ([A-Z]+\d+)", said, re.M)]


_SCRIPTS = {
    "mldoct": """
from mldoctor.linter import lint_script
def say(path):
    return [(finding["line"] or 0, finding["type"]) for finding in lint_script(path)[0]]
""",
    "ml-code-smell-detector": """
import ml_code_smell_detector as tool
def say(path):
    said = []
    for kind in (tool.FrameworkSpecificSmellDetector, tool.HuggingFaceSmellDetector, tool.ML_SmellDetector):
        detector = kind()
        detector.detect_smells(path)
        for smell in detector.get_results():
            line = "".join(filter(str.isdigit, str(smell.get("location") or "")))
            said.append((int(line or 0), smell["name"]))
    return said
""",
}
_AROUND = """
import contextlib, io, json, pathlib, sys
found = []
for path in sorted(pathlib.Path(".").rglob("*.py")):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            found += [(path.as_posix(), line, rule) for line, rule in say(str(path))]
    except Exception as error:
        print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
print(json.dumps(found))
"""


def _scripted(programs: Path, name: str, tree: Path) -> list[tuple[str, int, str]]:
    said = _output([str(programs / "python"), "-c", _SCRIPTS[name] + _AROUND], tree)
    return [(path, line, rule) for path, line, rule in json.loads(said)]


def _output(command: Sequence[str], tree: Path) -> str:
    return subprocess.run(command, cwd=tree, capture_output=True, text=True).stdout


def _said(tool: str, name: str, tree: Path, run: Tool, kept: Path | None) -> list[Said]:
    memory = kept / f"{tool} {name}.json" if kept is not None else None
    if memory is not None and memory.is_file():
        found = json.loads(memory.read_text(encoding="utf-8"))
    else:
        begin = time.monotonic()
        found = run(tree)
        print(f"{tool} {name}: {len(found)} in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
        if memory is not None:
            memory.parent.mkdir(parents=True, exist_ok=True)
            memory.write_text(json.dumps(found), encoding="utf-8")
    return [
        Said(tool, name, path.removeprefix("./"), line, rule.split()[0], "error" in rule)
        if tool == "vglint"
        else Said(tool, name, path.removeprefix("./"), line, rule)
        for path, line, rule in found
    ]


def _row(tool: str, said: Sequence[Said], cases: Sequence[dict[str, Any]], show: bool) -> str:
    speaking = [found for found in said if labels(tool, found.rule)]
    hit: set[str] = set()
    broken: set[str] = set()
    good = 0
    for found in speaking:
        faults = {case["id"] for case in cases if case["is_fault"] and _meets(found, case, [case["label"]])}
        clean = {case["id"] for case in cases if not case["is_fault"] and _meets(found, case, case["silent_rules"])}
        right = bool(faults) or _judged(found)
        hit |= faults
        broken |= clean
        good += right
        if show:
            print(
                f"{'true ' if right else 'false'} {tool}: {found.tree}/{found.path}:{found.line} {found.rule} {sorted(faults | clean)}"
            )
    rules = TABLE["tools"].get(tool, {"rules": 0, "labels": {}})
    own = (len(list((Path(__file__).parent.parent.parent / "rules").glob("*.toml"))),) * 2
    total, of_gradients = own if tool == "vglint" else (rules["rules"], len(rules["labels"]))
    return (
        f"| {tool} | {total} | {of_gradients} | {len(said)} | {len(speaking)} | {good} | {len(speaking) - good} "
        f"| {len(hit)} of {sum(case['is_fault'] for case in cases)} | {len(broken)} of {sum(not case['is_fault'] for case in cases)} |"
    )


def labels(tool: str, rule: str) -> frozenset[str]:
    """Returns the labels of the faults that a tool's rule speaks of; none where it does not speak of gradients."""
    if tool == "vglint":
        found = frozenset(label for label, rules in RULES.items() if rule in rules)
        return found or frozenset({"other"})
    return frozenset(TABLE["tools"].get(tool, {"labels": {}})["labels"].get(rule, ()))


def _meets(found: Said, case: dict[str, Any], wanted: Sequence[str]) -> bool:
    """Whether a finding lies at a case's place and speaks of one of `wanted`."""
    commit = case["commit"] or "issue"
    repository, _, at = found.tree.partition("@")
    if repository != case["repo"].replace("/", "+") or not at or not commit.startswith(at):
        return False
    asked = {re.sub(r"\(.*\)", "", label).strip() for label in wanted if found.grave or "error level" not in label}
    if not labels(found.tool, found.rule) & asked:
        return False
    spots = list(places(case))
    return not spots or any(
        found.path == file and (found.line == 0 or first - NEAR <= found.line <= last + NEAR)
        for file, first, last in spots
    )


def _judged(found: Said) -> bool:
    """Whether `peers.toml` calls a finding true."""
    return any(
        (row["tree"], row["path"]) == (found.tree.partition("@")[0], found.path)
        and (found.line == 0 or abs(row["line"] - found.line) <= NEAR)
        and row["label"] in labels(found.tool, found.rule)
        for row in TABLE.get("fault", [])
    )


if __name__ == "__main__":
    raise SystemExit(main())
