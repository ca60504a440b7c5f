"""Reads the pinned packages with vglint and prints what it understood, per package.

    python -m benchmarks corpus [--list NAME] [--corpus DIR] [--kept DIR] [--json FILE] [--write] [--part K/N] [PACKAGE …]

Per package: files, module classes, entries, share of module classes with a gap-free graph, gaps by reason, findings by
rule, seconds of CPU, peak memory, slowest files, internal errors. A module class is one whose bases reach nn.Module by
name within the package; it counts as understood when one of its graphs has no gap. The files are read in pieces, each by a
run of the linter, and what they gave is kept in DIR ($VGLINT_PRECISION), where `precision.py` finds it. `--write` puts the tables into
`corpus.md`. `--part 3/24` reads a sample: the files with module classes whose path has the SHA-256 digest 3 modulo 24. Exit status 1 on an internal error, or a file over 10 seconds.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path

from benchmarks.corpus.fetch import LISTS, corpus_folder, packages
from benchmarks.corpus.linted import DrawnGraph, kept_folder, linted, sources, templates

PAGE = Path(__file__).with_suffix(".md")
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
    """Of CPU, findings included."""
    megabytes: int = 0
    slowest: list[tuple[float, str]] = field(default_factory=list)
    """Of CPU for a file's graphs, cold or warm as the run meets it."""
    errors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--list", choices=LISTS, default="corpus")
    parser.add_argument("--corpus", metavar="DIR")
    parser.add_argument("--kept", metavar="DIR", type=Path, default=kept_folder())
    parser.add_argument("--json", type=Path)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--part", type=_part, metavar="K/N")
    given = parser.parse_args()
    rows = [
        read(name, folder, given.kept, given.part)
        for name, folder in packages(corpus_folder(given.corpus), tuple(given.packages), given.list).items()
    ]
    total = _total(rows)
    page = "\n".join(_page(rows, total, given.top))
    print(page)
    _print_details(total, given.top)
    if given.json:
        given.json.write_text(json.dumps([_plain(row) for row in rows], indent=1), encoding="utf-8")
    if given.write:
        PAGE.write_text(page + "\n", encoding="utf-8")
    return 1 if total.errors or any(seconds > SLOW for seconds, _ in total.slowest) else 0


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    return int(number), int(of)


def _is_in(part: tuple[int, int], path: str) -> bool:
    return int(sha256(path.encode()).hexdigest(), 16) % part[1] == part[0]


def _plain(row: Row) -> dict[str, object]:
    """Returns the row's fields; `asdict` cannot copy a Counter."""
    return {entry.name: getattr(row, entry.name) for entry in fields(row)}


def read(name: str, folder: Path, kept: Path, part: tuple[int, int] | None = None) -> Row:
    """Reads every file of a package, or those of a part that have module classes."""
    row = Row(name)
    classes = module_classes([path for path in sources(folder) if path.suffix == ".py"])
    pattern = templates(name)
    if part is not None:
        classes = {
            path: found for path, found in classes.items() if found and _is_in(part, str(path.relative_to(folder)))
        }
        runs = [linted(name, folder, kept, again=sorted(path.relative_to(folder).as_posix() for path in classes))]
    else:
        runs = [linted(name, folder, kept, without=pattern)]
        if pattern is not None:
            runs.append(linted(name, folder, kept, only=pattern))
    graphs: dict[Path, tuple[DrawnGraph, ...]] = {}
    for run in runs:
        row.files += len(run.read)
        row.seconds += run.cpu
        row.megabytes = max(row.megabytes, run.megabytes)
        row.rules.update(found.rule for found in run.findings)
        row.errors += [problem for problem in run.problems if "internal error" in problem]
        row.problems += [problem for problem in run.problems if "internal error" not in problem]
        for file in run.drawn:
            graphs[folder / file.path] = file.graphs
            row.slowest.append((file.seconds, f"{folder.name}/{file.path.removeprefix('./')}"))
    for path in {*graphs, *classes}:
        _count(row, graphs.get(path, ()), classes.get(path, {}))
    row.classes = sum(map(len, classes.values()))
    row.slowest = sorted(row.slowest, reverse=True)[:10]
    return row


def _count(row: Row, graphs: tuple[DrawnGraph, ...], classes: dict[str, tuple[int, int, bool]]) -> None:
    best: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for graph in graphs:
        row.entries[graph.kind] += 1
        row.nodes += graph.nodes
        row.reasons.update(why for why, _, _ in graph.gaps)
        row.texts.update({f"{why}: {text}" for why, text, _ in graph.gaps})
        for why, text, place in graph.gaps:
            row.examples[f"{why}: {text}"] = f"{place} in {graph.entry}"
        if graph.kind in ("class", "training"):
            for name, (first, last, _) in classes.items():
                if first <= graph.line <= last and (name not in best or len(graph.gaps) < len(best[name])):
                    best[name] = graph.gaps
    for name, (_, _, forward) in classes.items():
        row.seen += forward or name in best
        row.gap_free += best.get(name, (None,)) == ()
        if best.get(name):
            why, text, _ = best[name][0]
            row.blocking[f"{why}: {text}"] += 1
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


_HEAD = """\
# The corpus, read

Written by `python -m benchmarks corpus --write` on {date}: {files} files of {packages} pinned packages, read by the linter in pieces, two side by side where the machine
has two cores. *classes*: module classes; *gap-free*: share of those with a forward of their own that have a graph without a gap (a class that leaves a
method to those that derive from it has none); *CPU s*: of the whole run, findings included; *MB*: the most that one run took; *errors*: internal errors; *slowest
file*: CPU seconds for its graphs, with what it imports evaluated anew for each piece. Verdicts on the findings are in [precision.md](precision.md).

| package | files | classes | entries | gap-free | nodes | gaps | CPU s | MB | errors | slowest file |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"""


def _page(rows: list[Row], total: Row, top: int) -> Iterator[str]:
    """Yields the lines of the tables."""
    yield _HEAD.format(date=datetime.date.today(), files=total.files, packages=len(rows))
    for row in [*rows, total]:
        share = f"{row.gap_free / row.seen:.0%}" if row.seen else "-"
        title = f"**{row.name}**" if row is total else row.name
        counts = f"{sum(row.entries.values())} | {share} | {row.nodes} | {sum(row.reasons.values())}"
        slowest = row.slowest[0][0] if row.slowest else 0.0
        yield (
            f"| {title} | {row.files} | {row.classes} | {counts} | {row.seconds:.0f} | {row.megabytes or '-'} | "
            f"{len(row.errors)} | {slowest:.1f} s |"
        )
    yield ""
    yield f"{total.gap_free} of {total.seen} classes with a forward have a gap-free graph: {total.gap_free / max(1, total.seen):.1%}."
    yield ""
    yield "| gaps by reason | |"
    yield "|---|---:|"
    for why, count in total.reasons.most_common():
        yield f"| {why} | {count} |"
    yield ""
    yield "| what stands first between a class and a gap-free graph | classes |"
    yield "|---|---:|"
    for text, count in total.blocking.most_common(top):
        yield f"| `{text[:90].replace('|', '/').replace('`', '')}` | {count} |"
    yield ""
    yield "| package | findings by rule |"
    yield "|---|---|"
    for row in [*rows, total]:
        title = f"**{row.name}**" if row is total else row.name
        yield f"| {title} | {', '.join(f'{rule}: {count}' for rule, count in sorted(row.rules.items())) or 'none'} |"


def _total(rows: list[Row]) -> Row:
    total = Row("all")
    for row in rows:
        for key in ("files", "classes", "seen", "gap_free", "nodes", "seconds"):
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
    print("\nentries by kind:", dict(total.entries))
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
