"""Looks for text that makes vglint raise, hang, fill memory or steer a terminal.

    python -m benchmarks fuzz [--seed N] [--mutants N] [--hostile N] [--state FILE] [--keep DIR] [--only INDEX] [--again]

Mutants are broken copies of fixtures and of installed packages, and programs of a small grammar; hostile inputs are whole repositories:
notebooks, comments, ignore files, configurations, rules, names, caches, and expressions that are dear to compute. Case INDEX of a seed
is always the same. `--state` is a file to go on from when the run was ended; `--keep` is where what is found is written; `--again` first
tries what the file says was found, which may be mended since. Prints counts, and
ends with 1 where anything was found. What was found once stays in `fixtures/hostile`, and `tests/test_fuzz.py` tries it again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.generators.fuzz_code import dear_program, mutant, originals, program
from benchmarks.generators.fuzz_files import KINDS, Files, broken
from vglint.config import Settings
from vglint.lint import work
from vglint.lint.outcome import Outcome
from vglint.lint.parallel import spread

STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
COMMAND = re.compile(r"^\s*::(?!:|(?:error|warning|notice) )|##\[|##vso\[", re.MULTILINE)
FORMS = ("full", "concise", "json", "sarif", "github")
AT_ONCE = 50


@dataclass
class Found:
    """What a run found: cases by kind, and faults as (index, kind, what)."""

    done: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    slowest: float = 0.0

    def count(self, word: str) -> int:
        return sum(word in what for _, _, what in self.faults)

    def table(self) -> str:
        lines = [f"{kind:14} {count:7}" for kind, count in sorted(self.done.items())]
        kinds = ("internal error", "traceback", "over the limit", "steers")
        lines += [f"{kind:14} {self.count(kind):7}" for kind in kinds]
        lines += [f"{index} {kind}: {what}" for index, kind, what in self.faults[:40]]
        return "\n".join(lines)


def warm() -> None:
    """Lints some originals here, so that the processes that are forked for cases know already what is the same for all of them."""
    work.load = cache(work.load)  # type: ignore[assignment]
    texts = originals()[::40]
    task = work.Task(Settings(root=os.getcwd()), tuple(f"original_{number}.py" for number in range(len(texts))), True)
    work.begin(task)
    work.lint_buffers([(name, text.encode("utf-8", "replace")) for name, text in zip(task.paths, texts, strict=True)])


def code_case(seed: int, index: int) -> tuple[str, bytes]:
    """Returns kind and content of a mutant."""
    rng = random.Random(f"{seed}:{index}")
    chance = rng.random()
    if chance < 0.7:
        return "mutant", mutant(rng)
    return ("grammar", program(rng)) if chance < 0.95 else ("dear", dear_program(rng))


def hostile_case(seed: int, index: int) -> tuple[str, Files]:
    """Returns kind and files of a hostile repository."""
    rng = random.Random(f"{seed}:hostile:{index}")
    make = KINDS[index % len(KINDS)]
    return make.__name__, make(rng)


def run_code(seed: int, indices: range, found: Found) -> None:
    """Lints mutants in processes that may end."""
    cases = [(f"case_{index}.py", *code_case(seed, index)) for index in indices]
    kinds = {name: kind for name, kind, _ in cases}
    task = work.Task(Settings(root=os.getcwd()), tuple(kinds), True)
    work.begin(task)
    pieces = [[(name, content) for name, _, content in cases[at : at + 10]] for at in range(0, len(cases), 10)]
    for done in spread(work.lint_buffers, pieces, 1, work.lost, work.enter, task):
        for name, outcome in done.outcomes.items():
            found.done[kinds[name]] += 1
            if what := fault(outcome):
                found.faults.append((int(name[5:-3]), kinds[name], what))


def fault(outcome: Outcome) -> str:
    """Returns what is wrong with an outcome, nothing where it is one that a file may have."""
    for problem in outcome.problems:
        if "internal error" in problem.message:
            return problem.message
        if "is not linted: it would take" in problem.message:
            return "over the limit"
    return ""


def run_hostile(seed: int, indices: range, found: Found) -> None:
    """Lints hostile repositories by the command line, each in a folder of its own."""
    for index in indices:
        kind, files = hostile_case(seed, index)
        before = time.process_time()
        what = tried(files, random.Random(f"{seed}:form:{index}"))
        found.slowest = max(found.slowest, time.process_time() - before)
        found.done[kind] += 1
        if what:
            found.faults.append((index, kind, what))


def tried(files: Files, rng: random.Random) -> str:
    """Returns what a hostile repository does to a run, nothing where it is as it should be."""
    folder, here = Path(tempfile.mkdtemp(prefix="vglint-fuzz-")), os.getcwd()
    inside = folder / "repository"
    try:
        for name, content in files.items():
            path = inside / name
            with contextlib.suppress(OSError, ValueError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        os.chdir(inside)
        more = rng.choice(((), ("--diff", "--unsafe-fixes"), ("--statistics",), ("--verbose",), ("--pedantic",)))
        arguments = [".", "--output-format", rng.choice(FORMS), *more]
        if ".break" not in files:
            return _said(*_run([*arguments, *rng.choice(([], ["--no-cache"]))]), folder)
        _run(arguments)
        broken(inside / ".vglint_cache", int(files[".break"]))
        return _said(*_run(arguments), folder)
    finally:
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)


def _run(arguments: list[str]) -> tuple[object, str]:
    """Runs the command line and returns how it ended and what it printed."""
    from vglint.cli import cli

    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            cli(arguments, prog_name="vglint")
            status: object = 0
        except SystemExit as error:
            status = error.code
        except BaseException as error:
            status = f"traceback: {type(error).__name__}: {error}"
    out.flush()
    return status, out.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


def _said(status: object, text: str, folder: Path) -> str:
    if status not in (0, 1, 2):
        return str(status)[:300]
    if "is not linted: it would take" in " ".join(text.split()):
        return "over the limit"
    if "internal error" in text:
        return " ".join(text[text.index("internal error") :].split())[:200]
    if STEERING.search(text.replace("\r\n", "\n")) or COMMAND.search(text):
        return "steers whoever shows it"
    return "" if os.listdir(folder) == ["repository"] else f"steers writing: {os.listdir(folder)}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--hostile", type=int, default=5_000)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args(arguments)
    if given.only is not None:
        sys.stdout.buffer.write(code_case(given.seed, given.only)[1])
        print("\n", hostile_case(given.seed, given.only))
        return 0
    found, at = _resumed(given.state, given.seed)
    warm()
    if given.again:
        try_again(given.seed, found, at["mutants"])
        _save(given.state, given.seed, found, at)
    for kind, run, count in (("mutants", run_code, given.mutants), ("hostile", run_hostile, given.hostile)):
        while at[kind] < count:
            indices = range(at[kind], min(at[kind] + AT_ONCE, count))
            run(given.seed, indices, found)
            at[kind] = indices.stop
            _save(given.state, given.seed, found, at)
    if given.keep is not None:
        _keep(given.keep, given.seed, found)
    print(found.table())
    return int(bool(found.faults))


def try_again(seed: int, found: Found, mutants: int) -> None:
    """Tries what was found before once more; `mutants` is how many of those were tried."""
    before, found.faults = found.faults, []
    for index, kind, _ in before:
        found.done[kind] -= 1
        run = run_code if index < mutants and code_case(seed, index)[0] == kind else run_hostile
        run(seed, range(index, index + 1), found)


def _resumed(state: Path | None, seed: int) -> tuple[Found, dict[str, int]]:
    if state is None or not state.exists():
        return Found(), {"mutants": 0, "hostile": 0}
    data = json.loads(state.read_text(encoding="utf-8"))
    if data["seed"] != seed:
        raise SystemExit(f"{state} is of seed {data['seed']}")
    return Found(Counter(data["done"]), [tuple(one) for one in data["faults"]]), data["at"]


def _save(state: Path | None, seed: int, found: Found, at: dict[str, int]) -> None:
    if state is not None:
        data = {"seed": seed, "done": found.done, "faults": found.faults, "at": at}
        partial = state.with_suffix(".partial")
        partial.write_text(json.dumps(data), encoding="utf-8")
        partial.replace(state)


def _keep(folder: Path, seed: int, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, kind, _ in found.faults:
        if kind in ("mutant", "grammar", "dear"):
            (folder / f"{kind}_{seed}_{index}.py").write_bytes(code_case(seed, index)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
