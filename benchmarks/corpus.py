"""Reads the pinned packages with vglint's interpreter and prints what it understood, per package.

    python benchmarks/corpus.py [--corpus DIR] [--also FOLDER …] [--json FILE] [--no-lint] [PACKAGE …]

Per package: files, module classes, entries, share of module classes with a gap-free graph, gaps by reason, findings by
rule, seconds of CPU, peak memory, slowest files, internal errors. A module class is one whose bases reach nn.Module by
name within the package; it counts as understood when one of its graphs has no gap. Each package runs in a process of
its own. Exit status 1 on an internal error, or a file over 10 seconds.
"""

from __future__ import annotations

import argparse
import ast
import json
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from fetch import corpus_folder, packages
from guarded import Failed, guarded

SLOW = 10.0
"""Seconds that no file may take."""
ROOTS = frozenset(
    {
        "Module",
        "LightningModule",
        "PreTrainedModel",
        "Sequential",
        "ModuleList",
        "ModuleDict",
        "ModelMixin",
        "BaseModule",
    }
)
"""Names of bases that make a class a module wherever they come from."""


@dataclass(slots=True)
class Row:
    """What was read of one package."""

    name: str
    files: int = 0
    classes: int = 0
    seen: int = 0
    """Module classes with at least one graph, or with a forward of their own."""
    gap_free: int = 0
    entries: Counter[str] = field(default_factory=Counter)
    nodes: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    blocking: Counter[str] = field(default_factory=Counter)
    """Classes that lack a gap-free graph, by the first gap of their best graph."""
    examples: dict[str, str] = field(default_factory=dict)
    """One place for each text of a gap."""
    rules: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    megabytes: int = 0
    lint_seconds: float = 0.0
    slowest: list[tuple[float, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--also", nargs="*", default=[], type=Path, help="further folders of source")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--no-lint", action="store_true")
    parser.add_argument("--top", type=int, default=30)
    given = parser.parse_args()
    folders = dict(packages(corpus_folder(given.corpus), tuple(given.packages)))
    folders |= {folder.name: folder for folder in given.also}
    rows = []
    print(HEAD)
    for name, folder in folders.items():
        try:
            row = guarded(partial(_read, name, folder), 3600)
        except Failed as error:
            row = Row(name, errors=[f"{name}: {error}"])
        if not given.no_lint:
            _lint(row, folder)
        rows.append(row)
        print(_line(row), flush=True)
    total = _total(rows)
    print(_line(total))
    _print_details(total, given.top)
    if given.json:
        given.json.write_text(json.dumps([_plain(row) for row in rows], indent=1), encoding="utf-8")
    return 1 if total.errors or any(seconds > SLOW for seconds, _ in total.slowest) else 0


def _plain(row: Row) -> dict[str, object]:
    """Returns the row's fields; `asdict` cannot copy a Counter."""
    return {entry.name: getattr(row, entry.name) for entry in fields(row)}


def _read(name: str, folder: Path) -> Row:
    """Interprets every file of a package."""
    from vglint import interp
    from vglint.finding import Problem
    from vglint.source.project import Project

    row = Row(name)
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".ipynb"} and path.is_file())
    classes = module_classes(files)
    project = Project(folder, files)
    begin = time.process_time()
    timed = []
    for path in files:
        row.files += 1
        start = time.process_time()
        try:
            module = project.module(path)
            if isinstance(module, Problem):
                row.problems.append(f"{path}: {module.message}")
                continue
            graphs = interp.entries(project, module)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            row.errors.append(f"{path}: {type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})")
            graphs = ()
        timed.append((round(time.process_time() - start, 2), str(path.relative_to(folder.parent))))
        _count(row, graphs, classes.get(path, {}))
        project.forget(keep=8_000_000)
    row.classes = sum(map(len, classes.values()))
    row.seconds = time.process_time() - begin
    row.megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    row.slowest = sorted(timed, reverse=True)[:10]
    return row


def _count(row: Row, graphs: tuple[Any, ...], classes: dict[str, tuple[int, int, bool]]) -> None:
    best: dict[str, tuple[Any, ...]] = {}
    for graph in graphs:
        row.entries[graph.kind] += 1
        row.nodes += len(graph.nodes)
        row.reasons.update(gap.why for gap in graph.gaps)
        row.texts.update({f"{gap.why}: {gap.text}" for gap in graph.gaps})
        for gap in graph.gaps:
            row.examples[f"{gap.why}: {gap.text}"] = f"{gap.span} in {graph.entry}"
        if graph.kind in ("class", "training"):
            for name, (first, last, _) in classes.items():
                if first <= graph.span.line <= last and (name not in best or len(graph.gaps) < len(best[name])):
                    best[name] = graph.gaps
    for name, (_, _, forward) in classes.items():
        row.seen += forward or name in best
        row.gap_free += best.get(name, (None,)) == ()
        if best.get(name):
            row.blocking[f"{best[name][0].why}: {best[name][0].text}"] += 1
        elif forward and name not in best:
            row.blocking["no graph"] += 1


def module_classes(files: list[Path]) -> dict[Path, dict[str, tuple[int, int, bool]]]:
    """Returns each file's classes whose bases reach nn.Module: name → first line, last line, defines forward."""
    bases: dict[str, set[str]] = {}
    found: dict[Path, list[tuple[ast.ClassDef, set[str]]]] = {}
    for path in files:
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                names = {
                    base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
                }
                direct = {
                    f"nn.{base.attr}"
                    for base in node.bases
                    if isinstance(base, ast.Attribute) and getattr(base.value, "id", "") == "nn"
                }
                found.setdefault(path, []).append((node, names | direct))
                bases.setdefault(node.name, set()).update(names | direct)
    modules: set[str] = set(ROOTS)
    grown = True
    while grown:
        more = {
            name
            for name, above in bases.items()
            if name not in modules and (above & modules or any(b.startswith("nn.") for b in above))
        }
        grown = bool(more)
        modules |= more
    return {
        path: {
            node.name: (
                min([node.lineno, *(d.lineno for d in node.decorator_list)]),
                node.end_lineno or node.lineno,
                any(isinstance(part, ast.FunctionDef) and part.name == "forward" for part in node.body)
                and not _is_abstract(node),
            )
            for node, above in nodes
            if above & modules or any(base.startswith("nn.") for base in above)
        }
        for path, nodes in found.items()
    }


def _is_abstract(node: ast.ClassDef) -> bool:
    """Whether a class leaves a method to the classes that derive from it, so that it has no forward to run."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            named = [
                each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
                for each in part.decorator_list
            ]
            lines = part.body[1:] if ast.get_docstring(part) is not None else part.body
            if "abstractmethod" in named:
                return True
            if lines and isinstance(lines[0], ast.Raise) and "NotImplementedError" in ast.unparse(lines[0]):
                return True
    return False


def _lint(row: Row, folder: Path) -> None:
    """Runs the command itself over the package, and counts its findings."""
    command = [sys.executable, "-m", "vglint", "--no-cache", "--output-format", "json", "--exit-zero", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    row.lint_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        row.errors.append(f"{row.name}: vglint printed no JSON: {done.stderr.strip().splitlines()[-1:]}")
        return
    row.rules.update(finding["rule"] for finding in report["findings"])
    row.errors += [f"{p['path']}: {p['message']}" for p in report["problems"] if "internal" in p["message"].lower()]


HEAD = f"{'package':28}{'files':>6}{'classes':>8}{'entries':>8}{'gap-free':>9}{'nodes':>9}{'gaps':>7}{'CPU s':>7}{'MB':>6}{'errors':>7}  findings"


def _line(row: Row) -> str:
    share = f"{row.gap_free / row.seen:.0%}" if row.seen else "-"
    rules = " ".join(f"{rule}:{count}" for rule, count in sorted(row.rules.items()))
    return (
        f"{row.name:28}{row.files:6}{row.classes:8}{sum(row.entries.values()):8}{share:>9}{row.nodes:9}"
        f"{sum(row.reasons.values()):7}{row.seconds:7.1f}{row.megabytes:6}{len(row.errors):7}  {rules}"
    )


def _total(rows: list[Row]) -> Row:
    total = Row("all")
    for row in rows:
        for key in ("files", "classes", "seen", "gap_free", "nodes", "seconds", "lint_seconds"):
            setattr(total, key, getattr(total, key) + getattr(row, key))
        for key in ("entries", "reasons", "texts", "blocking", "rules"):
            getattr(total, key).update(getattr(row, key))
        total.examples |= row.examples
        total.megabytes = max(total.megabytes, row.megabytes)
        total.slowest = sorted(total.slowest + row.slowest, reverse=True)[:10]
        total.errors += row.errors
        total.problems += row.problems
    return total


def _print_details(total: Row, top: int) -> None:
    print(f"\nmodule classes with a forward or a graph: {total.seen}, gap-free {total.gap_free}")
    print("entries by kind:", dict(total.entries), " gaps by reason:", dict(total.reasons.most_common()))
    print(f"\nwhat stands first between a class and a gap-free graph ({top} most frequent)")
    for text, count in total.blocking.most_common(top):
        print(f"{count:7} {text[:90]:90} {total.examples.get(text, '')[-130:]}")
    print(f"\ngaps by text, entries that have one ({top} most frequent)")
    for text, count in total.texts.most_common(top):
        print(f"{count:7} {text[:150]}")
    print("\nslowest files")
    for seconds, path in total.slowest:
        print(f"{seconds:7.2f} {path}")
    for title, lines in (("internal errors", total.errors), ("problems", total.problems)):
        print(f"\n{title}: {len(lines)}")
        for line in lines[:top]:
            print(f"    {line[:220]}")


if __name__ == "__main__":
    raise SystemExit(main())
