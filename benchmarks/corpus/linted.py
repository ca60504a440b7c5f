"""Runs the linter over a folder in pieces and keeps what each piece gave, so that a second run does only what is out of date."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli

import vglint
from benchmarks.corpus.fetch import PINS

PIECE = 800_000
"""Bytes of source in one run of the linter."""
JOBS = os.cpu_count() or 1
"""Runs side by side."""
LIMIT = 900
"""Seconds that one run may take."""


def kept_folder() -> Path:
    """Returns the folder in which runs are kept."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "vglint-benchmarks" / "precision"
    return Path(os.environ.get("VGLINT_PRECISION", default))


def pinned() -> dict[str, Any]:
    """Returns what `corpus.toml` says of each package."""
    found: dict[str, Any] = tomli.loads(PINS.read_text(encoding="utf-8"))["packages"]
    return found


def templates(package: str) -> str | None:
    """Returns the pattern of a package's files that others are generated from."""
    pattern: str | None = pinned().get(package, {}).get("templates")
    return pattern


@dataclass(frozen=True, slots=True)
class Found:
    """One finding: `path` from the folder's top with `/`, `symbol` the class or function around the line (`Net.forward`)."""

    package: str
    path: str
    line: int
    symbol: str
    rule: str
    severity: str
    message: str
    related: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of one file: the CPU seconds of its interpretation, and its graphs."""

    path: str
    seconds: float
    graphs: tuple[DrawnGraph, ...]


@dataclass(frozen=True, slots=True)
class DrawnGraph:
    """A graph in numbers: kind, first line, number of nodes, and the reason, text and place of each gap."""

    entry: str
    kind: str
    line: int
    nodes: int
    gaps: tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Linted:
    """What the linter said of one folder; `seconds` on the clock and `cpu`, of the runs that the findings come from."""

    package: str
    files: int = 0
    entries: int = 0
    gaps: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    megabytes: int = 0
    findings: list[Found] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """The paths that were linted, and `unread` those for which there was no time."""
    unread: list[str] = field(default_factory=list)


def linted(
    package: str,
    folder: Path,
    kept: Path,
    again: Sequence[str] | None = None,
    without: str | None = None,
    until: float = float("inf"),
    only: str | None = None,
) -> Linted:
    """Returns what the linter says of the Python files and notebooks below `folder`, from `kept` where nothing has changed.

    With `again`, only those paths are read anew, and nothing is kept: a quick look after a change of vglint. Names that match
    `without` are left out, or, given `only`, those that do not match it. Pieces are read in an order that does not depend on their names, and none is begun after `until` on the
    clock, so that what was read is a sample of the whole.
    """
    result = Linted(package)
    if again is not None:
        paths = [path for path in again if (folder / path).is_file()]
        _add(result, folder, _run(folder, paths) if paths else _EMPTY)
        result.findings = _distinct(result.findings)
        result.read = paths
        return result
    pieces = list(enumerate(_pieces(folder, without, only)))

    def read(piece: tuple[int, list[str]]) -> dict[str, Any] | None:
        number, paths = piece
        state = _state(folder, paths)
        memory = kept / package / f"{'' if only is None else 'only-'}{number:03}.json"
        report: dict[str, Any] = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
        if report.get("state") == state:
            return report
        if time.monotonic() > until:
            return None
        report = {**_run(folder, paths), "state": state}
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(report), encoding="utf-8")
        print(f"{package} {number:03}: {report['seconds']:.0f} s", file=sys.stderr, flush=True)
        return report

    pieces.sort(key=lambda piece: sha256(f"{package} {piece[0]}".encode()).hexdigest())
    with ThreadPoolExecutor(JOBS) as pool:
        for (_, paths), report in zip(pieces, pool.map(read, pieces), strict=True):
            if report is None:
                result.unread += paths
            else:
                _add(result, folder, report)
                result.read += paths
    result.findings = _distinct(result.findings)
    return result


def remembered(package: str, kept: Path) -> set[str]:
    """Returns the files that the last run named, whether or not vglint has changed since."""
    reports = (json.loads(path.read_text(encoding="utf-8")) for path in sorted((kept / package).glob("*.json")))
    return {finding["path"].removeprefix("./") for report in reports for finding in report["findings"]}


def _distinct(findings: Sequence[Found]) -> list[Found]:
    """Returns one finding of a rule for a place that several files lead to, the gravest."""
    ordered = sorted(findings, key=lambda found: found.severity == "error")
    best = {(found.path, found.line, found.rule): found for found in ordered}
    return sorted(best.values(), key=lambda found: (found.path, found.line, found.rule))


_EMPTY: dict[str, Any] = {
    "findings": [],
    "problems": [],
    "summary": {"files": 0, "entries": 0, "gaps": 0},
    "read": [],
    "seconds": 0.0,
    "cpu": 0.0,
    "megabytes": 0,
}


def sources(folder: Path, without: str | None = None, only: str | None = None) -> list[Path]:
    """Returns the Python files and notebooks below a folder whose names do not match `without`, and do match `only`."""
    every = (path for path in folder.rglob("*") if path.suffix in (".py", ".ipynb") and path.is_file())
    return sorted(
        path
        for path in every
        if (without is None or not fnmatch(path.name, without)) and (only is None or fnmatch(path.name, only))
    )


def _pieces(folder: Path, without: str | None, only: str | None) -> Iterator[list[str]]:
    piece: list[str] = []
    size = 0
    for path in sources(folder, without, only):
        piece.append(path.relative_to(folder).as_posix())
        size += path.stat().st_size
        if size > PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


@cache
def program() -> str:
    """Returns a digest of vglint's sources and rules."""
    package = Path(vglint.__file__).parent
    files = sorted([*package.rglob("*.py"), *package.rglob("*.toml"), *(package.parent / "rules").glob("*.toml")])
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _state(folder: Path, paths: Sequence[str]) -> str:
    return sha256("\0".join((program(), str(folder), *paths)).encode()).hexdigest()[:16]


def _run(folder: Path, paths: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("reading.py")), *paths]
    begin = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT)
    if not done.stdout:
        raise SystemExit(f"{folder.name}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return {**report, "seconds": time.monotonic() - begin}


def _add(result: Linted, folder: Path, report: dict[str, Any]) -> None:
    result.files += report["summary"]["files"]
    result.entries += report["summary"]["entries"]
    result.gaps += report["summary"]["gaps"]
    result.seconds += report["seconds"]
    result.cpu += report["cpu"]
    result.megabytes = max(result.megabytes, report["megabytes"])
    result.drawn += [
        Drawn(file["path"], file["seconds"], tuple(map(_graph, file["graphs"]))) for file in report["read"]
    ]
    result.problems += [f"{problem['path']}: {problem['message']}" for problem in report["problems"]]
    for finding in report["findings"]:
        path = finding["path"].removeprefix("./")
        cell = f":cell {finding['cell']}" if finding["cell"] else ""
        result.findings.append(
            Found(
                result.package,
                path + cell,
                finding["line"],
                "" if cell else symbol(folder / path, finding["line"]),
                finding["rule"],
                finding["severity"],
                finding["message"],
                tuple(f"{place['path']}:{place['line']} {place['message']}" for place in finding["related"]),
            )
        )


def _graph(drawn: dict[str, Any]) -> DrawnGraph:
    gaps = tuple((why, text, place) for why, text, place in drawn["gaps"])
    return DrawnGraph(drawn["entry"], drawn["kind"], drawn["line"], drawn["nodes"], gaps)


@cache
def _symbols(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Returns first line, last line and dotted name of each class and function, outer ones first."""
    found: list[tuple[int, int, str]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                name = f"{prefix}{child.name}"
                found.append((child.lineno, child.end_lineno or child.lineno, name))
                visit(child, f"{name}.")
            else:
                visit(child, prefix)

    try:
        visit(ast.parse(path.read_bytes()), "")
    except (SyntaxError, ValueError, OSError):
        return ()
    return tuple(found)


def symbol(path: Path, line: int) -> str:
    """Returns the innermost class or function around a line of a file; the empty text at its top level."""
    around = [name for first, last, name in _symbols(path) if first <= line <= last]
    return around[-1] if around else ""
