"""Measures what linting costs beside a bare libcst parse of the same files, and beside other linters that are installed.

    python -m benchmarks speed [--corpus DIR] [--whole] [--others] [PACKAGE …]

Prints CPU and wall seconds of whole processes and the ratios that matter; fails on none. P is `libcst.parse_module`, one process, over
the files that can matter (a filter on the bytes). By default the package is timm; `--whole` adds the warm run and
the memory over everything that was fetched; `--others` adds TorchFix and ruff where they are installed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fetch import corpus_folder, packages

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


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU (user and system, children included), seconds on the clock, peak megabytes of the largest process."""

    cpu: float
    wall: float
    peak: int

    def __str__(self) -> str:
        return f"{self.cpu:8.2f} CPU s {self.wall:8.2f} s {self.peak:6} MB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", default=["timm"], metavar="PACKAGE")
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--others", action="store_true")
    given = parser.parse_args()
    corpus = corpus_folder(given.corpus)
    folders = list(packages(corpus, tuple(given.packages)).values())
    print(f"{', '.join(folder.name for folder in folders)}: {len(mattering(folders))} files that can matter")
    with tempfile.TemporaryDirectory() as scratch:
        _cold_and_warm(folders, scratch)
        _linear(folders)
        if given.others:
            _others(folders)
        if given.whole:
            _whole(list(packages(corpus).values()), scratch)
    best = min((measured([sys.executable, "-m", "vglint", "--version"]) for _ in range(5)), key=lambda cost: cost.cpu)
    print(f"{'vglint --version':44}{best}   target 0.08 CPU s")
    return 0


def mattering(folders: Sequence[Path]) -> list[Path]:
    """Returns the Python files below `folders` that a linter of model code cannot skip by their bytes."""
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        content = path.read_bytes()
        holds_class = b"class " in content and (b"def forward" in content or b"nn." in content)
        if holds_class or MATTERS.search(content):
            found.append(path)
    return found


def measured(command: Sequence[str], text: str = "") -> Cost:
    """Runs a command to its end and returns what it cost; its output is dropped, its exit status ignored."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(text.encode())
    child.stdin.close()
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, used.ru_maxrss // 1024)


def _vglint(folders: Sequence[Path], *options: str) -> Cost:
    command = [sys.executable, "-m", "vglint", "--isolated", "--exit-zero", "--output-format", "json", *options]
    return measured([*command, *map(str, folders)])


def _cold_and_warm(folders: Sequence[Path], scratch: str) -> None:
    parse = measured([sys.executable, "-c", PARSE], "\n".join(map(str, mattering(folders))))
    one = _vglint(folders, "--no-cache", "--jobs", "1")
    two = _vglint(folders, "--no-cache", "--jobs", "2")
    print(f"{'P: bare libcst parse':44}{parse}")
    print(f"{'vglint, cold, one process':44}{one}   {one.cpu / parse.cpu:.2f} P, target 1.5 P")
    print(f"{'vglint, cold, two processes':44}{two}   {two.wall / parse.wall:.2f} P on the clock, target 0.85 P")
    copies = [Path(shutil.copytree(folder, Path(scratch) / folder.name)) for folder in folders]
    kept = Path(scratch) / "cache"
    first = _vglint(copies, "--cache-dir", str(kept))
    warm = _vglint(copies, "--cache-dir", str(kept))
    print(f"{'vglint, filling its cache':44}{first}")
    print(f"{'vglint, warm, nothing changed':44}{warm}")
    changed = max(mattering(copies), key=lambda path: path.stat().st_size)
    changed.write_bytes(changed.read_bytes() + b"\n# changed\n")
    edited = _vglint(copies, "--cache-dir", str(kept))
    print(f"{'vglint, warm, the largest file changed':44}{edited}   target 0.5 s")


def _linear(folders: Sequence[Path]) -> None:
    """Lints growing shares of the files, spread evenly: cost per file must not grow."""
    files = mattering(folders)
    for share in (10, 3, 1):
        part = files[::share]
        size = sum(path.stat().st_size for path in part)
        cost = _vglint(part, "--no-cache", "--jobs", "1")
        print(f"{f'vglint, cold, 1/{share} of the files':44}{cost}   {cost.cpu / size * 1e6:.2f} CPU s per MB")


def _others(folders: Sequence[Path]) -> None:
    beside = Path(sys.executable).parent
    commands = {
        "TorchFix": ["torchfix", "--select", "ALL"],
        "ruff, default rules": ["ruff", "check", "--isolated", "--no-cache", "-q", "--exit-zero"],
    }
    for name, (program, *options) in commands.items():
        found = shutil.which(program) or shutil.which(program, path=str(beside))
        if found is None:
            print(f"{name:44} not installed")
        else:
            print(f"{name:44}{measured([found, *options, *map(str, folders)])}")


def _whole(folders: Sequence[Path], scratch: str) -> None:
    kept = Path(scratch) / "whole"
    first = _vglint(folders, "--cache-dir", str(kept))
    warm = _vglint(folders, "--cache-dir", str(kept))
    print(f"{'vglint, everything, filling its cache':44}{first}   target 600 MB")
    print(f"{'vglint, everything, warm':44}{warm}   target: ruff's")
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is not None:
        command = [ruff, "check", "--isolated", "--cache-dir", str(Path(scratch) / "ruff"), "-q", "--exit-zero"]
        measured([*command, "--select", "E9", *map(str, folders)])
        print(f"{'ruff, smallest rule set, warm':44}{measured([*command, '--select', 'E9', *map(str, folders)])}")


if __name__ == "__main__":
    raise SystemExit(main())
