"""Measures what linting costs beside a bare libcst parse of the same files, and beside other linters that are installed.

    python -m benchmarks speed [--corpus DIR] [--rounds N] [--peers DIR] [--whole] [--same] [PACKAGE …]

One run: everything is measured `--rounds` times, in turns, so that a busy machine slows all of it alike; medians of CPU seconds are told as
ratios. P is `libcst.parse_module`, one process, over the files that can matter (a filter on the bytes). By default the package is
timm; `--whole` adds the warm run and the memory over everything that was fetched. `--peers` names a folder of programs (an environment's `bin`)
with torch-preflight, TorchFix and ruff. Fails where a run in another way says something else: warm, in two processes, in parts, on a
Dask cluster (where it is installed), from another folder, with the paths in another order; `--same` looks at that alone.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.util
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.corpus.fetch import corpus_folder, packages

ROOT = Path(__file__).resolve().parent.parent.parent
MATTERS = re.compile(rb"nn\.Sequential|\.backward\(|clip_grad|gradient_clip_val")
"""Beside files that hold a class and a forward or `nn.`: what a gradient linter may have to read."""
PARSE = """
import sys, libcst
for path in sys.stdin.read().splitlines():
    try:
        libcst.parse_module(open(path, "rb").read())
    except Exception:
        pass
"""
PEERS: Mapping[str, Sequence[str]] = {
    "torch-preflight": ("torch-preflight", "check"),
    "torchfix": ("torchfix", "--select", "ALL"),
    "ruff": ("ruff", "check", "--isolated", "--no-cache", "-q", "--exit-zero"),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU (user and system, children included), seconds on the clock, peak megabytes of the largest process, and what was printed."""

    cpu: float
    wall: float
    peak: int
    printed: bytes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=["timm"], metavar="PACKAGE")
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", metavar="DIR")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--same", action="store_true")
    given = parser.parse_args()
    corpus = corpus_folder(given.corpus)
    folders = list(packages(corpus, tuple(given.packages)).values())
    print(f"{', '.join(folder.name for folder in folders)}: {len(mattering(folders))} files that can matter")
    with tempfile.TemporaryDirectory() as scratch:
        copies = [Path(shutil.copytree(folder, Path(scratch) / folder.name)) for folder in folders]
        for copy in copies:  # where imports start from: without it, that is the current folder
            (copy / "setup.cfg").touch()
        if not given.same:
            told(rounds(jobs(copies, Path(scratch), given.peers), given.rounds))
        wrong = differing(copies, Path(scratch))
        if given.whole:
            _whole(list(packages(corpus).values()), scratch)
    return 1 if wrong else 0


def jobs(folders: Sequence[Path], scratch: Path, peers: str | None) -> dict[str, Callable[[], Cost]]:
    """Returns what is measured, by name; P comes first."""
    files = mattering(folders)
    kept = str(scratch / "kept")
    largest = max(files, key=lambda path: path.stat().st_size)
    alone = next((path for path in files if path.name == "resnet.py"), largest)

    def changed(new: str) -> Cost:
        number = alone.read_bytes().count(b"\n")
        alone.write_bytes(alone.read_bytes() + new.format(number).encode())
        return _vglint(folders, "--cache-dir", kept)

    made: dict[str, Callable[[], Cost]] = {
        "P": lambda: measured([sys.executable, "-c", PARSE], "\n".join(map(str, files))),
        "cold, one process": lambda: _vglint(folders, "--no-cache", "--jobs", "1"),
        "cold, two processes": lambda: _vglint(folders, "--no-cache", "--jobs", "2"),
        f"{alone.name} alone": lambda: _vglint([alone], "--no-cache"),
        "filling the cache": lambda: _vglint(folders, "--cache-dir", kept),
        "warm": lambda: _vglint(folders, "--cache-dir", kept),
        f"a function more in {alone.name}, the rest warm": lambda: changed("\n\ndef of_line_{}(x):\n    return x\n"),
        "--version": lambda: measured([sys.executable, "-m", "vglint", "--version"]),
    }
    for name, (program, *options) in PEERS.items():
        found = shutil.which(program, path=peers or str(Path(sys.executable).parent))
        if found is not None:
            command = [found, *options, *map(str, folders)]
            made[name] = lambda command=command: measured(command)  # type: ignore[misc]
            if name == "ruff":
                warm = [found, "check", "--isolated", "--cache-dir", str(scratch / "ruff"), "-q", "--exit-zero"]
                made["ruff, one rule, warm"] = lambda warm=warm: measured([*warm, "--select", "E9", *map(str, folders)])  # type: ignore[misc]
    return made


def rounds(made: Mapping[str, Callable[[], Cost]], count: int) -> dict[str, list[Cost]]:
    """Measures everything in turns, the first of which only fills caches."""
    costs: dict[str, list[Cost]] = {name: [] for name in made}
    _vglint([ROOT / "fixtures" / "planted"], "--no-cache")  # what is imported is compiled
    for number in range(count):
        for name, job in made.items():
            cost = job()
            if name != "ruff, one rule, warm" or number or count == 1:
                costs[name].append(cost)
    return costs


def told(costs: Mapping[str, Sequence[Cost]]) -> None:
    """Prints the medians as ratios to P."""
    parse = statistics.median(cost.cpu for cost in costs["P"])
    for name, every in costs.items():
        cpu = statistics.median(cost.cpu for cost in every)
        wall = statistics.median(cost.wall for cost in every)
        peak = max(cost.peak for cost in every)
        print(f"{name:44}{cpu / parse:8.2f} P of CPU {wall / parse:8.2f} P on the clock {peak:6} MB")


def differing(folders: Sequence[Path], scratch: Path) -> list[str]:
    """Returns and prints the ways to run that say something else than a cold run in one process."""
    inner = [each for folder in folders for each in sorted(folder.iterdir()) if each.is_dir() or each.suffix == ".py"]
    kept, other = str(scratch / "same"), scratch / "other"
    other.mkdir()
    wanted = _said(inner, "--no-cache", "--jobs", "1")
    parts = [str(scratch / f"part{number}") for number in (1, 2, 3)]
    for number, part in enumerate(parts, 1):
        _said(inner, "--no-cache", "--shard", f"{number}/3={part}")
    merged = [option for part in parts for option in ("--merge", part)]
    ways = {
        "two processes": lambda: _said(inner, "--no-cache", "--jobs", "2"),
        "filling the cache, another order": lambda: _said(inner[::-1], "--cache-dir", kept),
        "warm": lambda: _said(inner, "--cache-dir", kept),
        "warm, another folder": lambda: _said(inner, "--cache-dir", kept, folder=other),
        "another folder": lambda: _said(inner, "--no-cache", folder=other),
        "parts put together": lambda: _said(inner, *merged),
    }
    wrong = [name for name, said in ways.items() if said() != wanted]
    if importlib.util.find_spec("distributed") is not None and _on_cluster(inner) != wanted:
        wrong.append("Dask")
    print(f"{len(wanted):,} bytes of JSON and text, {wanted.count(b'fingerprint')} findings; ", end="")
    print("every way to run says the same" if not wrong else f"says something else: {', '.join(wrong)}")
    return wrong


def _on_cluster(files: Sequence[Path]) -> bytes:
    """Returns what two workers of a Dask cluster say."""
    distributed: Any = importlib.import_module("distributed")
    os.environ["PYTHONPATH"] = str(ROOT)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        return _said(files, "--no-cache", "--executor", cluster.scheduler_address.replace("tcp://", "dask://"))


def _said(files: Sequence[Path], *options: str, folder: Path = ROOT) -> bytes:
    """Returns what a run says of everything that any rule finds, as JSON and as text."""
    with tempfile.TemporaryDirectory() as scratch:
        formats = ("--output-format", f"json={scratch}/json", "--output-format", "full")
        every = ("--select", "ALL", "--min-severity", "info", "--min-confidence", "low", "--verbose")
        command = [sys.executable, "-m", "vglint", "--isolated", "--exit-zero", *formats, *every, *options]
        text = measured([*command, *map(str, files)], folder=folder).printed
        return Path(scratch, "json").read_bytes() + text


def mattering(folders: Sequence[Path]) -> list[Path]:
    """Returns the Python files below `folders` that a linter of model code cannot skip by their bytes."""
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        content = path.read_bytes()
        holds_class = b"class " in content and (b"def forward" in content or b"nn." in content)
        if holds_class or MATTERS.search(content):
            found.append(path)
    return found


def measured(command: Sequence[str], text: str = "", folder: Path = ROOT) -> Cost:
    """Runs a command to its end and returns what it cost and printed; its exit status is ignored. Bytecode of vglint's own is kept, as an
    installer does."""
    with tempfile.TemporaryFile() as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**_surroundings(), "PYTHONPATH": str(ROOT)},
        )
        assert child.stdin is not None
        child.stdin.write(text.encode())
        child.stdin.close()
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0
        wall = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(cpu, wall, used.ru_maxrss // 1024, output.read())


@lru_cache
def _surroundings() -> dict[str, str]:
    """Returns the environment of what is measured: one in which Python compiles a file of ours once, whatever this process was told."""
    bytecode = tempfile.mkdtemp(prefix="bytecode-")
    atexit.register(shutil.rmtree, bytecode, ignore_errors=True)
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPYCACHEPREFIX": bytecode}


def _vglint(folders: Sequence[Path], *options: str) -> Cost:
    command = [sys.executable, "-m", "vglint", "--isolated", "--exit-zero", "--output-format", "json", *options]
    return measured([*command, *map(str, folders)])


def _whole(folders: Sequence[Path], scratch: str) -> None:
    kept = Path(scratch) / "whole"
    for name in ("everything, filling its cache", "everything, warm"):
        cost = _vglint(folders, "--cache-dir", str(kept))
        print(f"{name:44}{cost.cpu:8.2f} CPU s {cost.wall:8.2f} s {cost.peak:6} MB")


if __name__ == "__main__":
    raise SystemExit(main())
