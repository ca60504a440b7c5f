"""Probes public models without any configuration: `python -m benchmarks probe_zoo [--limit N] [POPULATION ...]`.

`zoo` are the whole models of `targets/zoo.toml`, one of each file, which published training made good classifiers, generators and language models
of; `fixtures` are the whole models of our own marked files; `vit-pytorch` and `x-transformers` those of the packages that build and run with no argument
or with what their own names tell. A model counts as probed when it trained and was measured; the reasons of the rest are listed. Needs
`$VGLINT_ZOO` and `$VGLINT_CORPUS` as the other benchmarks do, and the packages that the models import. Writes `benchmarks/reports/probe_zoo.md`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import tomli
from msgspec.structs import replace

from benchmarks.corpus.target import LISTS
from benchmarks.oracle.measure import cache_folder
from vglint.interp import EntryError, entries, extract
from vglint.lint.jobs import whole_models
from vglint.lint.probing import buildable
from vglint.probe import Limits, Measured, faults, plan, run_isolated
from vglint.probe.decoding import decoded
from vglint.probe.record import Reply, to_json
from vglint.source.module import Module
from vglint.source.project import Project

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = "3"
SECONDS = 60.0
"""Wall-clock limit of one model, as the command has it where nothing is configured; `--seconds` gives more on a machine that is busy."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model: where it lies, what builds it (a class, a function, a call), and whether it carries a mark of a fault."""

    population: str
    root: Path
    file: str
    entry: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one: the reason where nothing was measured, else the faults."""

    subject: Subject
    reason: str
    found: tuple[str, ...]


def zoo() -> Iterator[Subject]:
    folder = Path(os.environ["VGLINT_ZOO"])
    seen = set()
    for target in tomli.loads((LISTS / "zoo.toml").read_text())["targets"]:
        place = target["root"], target["file"]
        if place not in seen:
            seen.add(place)
            yield Subject(
                "zoo", folder / target["root"].partition("@")[0].replace("/", "+"), target["file"], target["entry"]
            )


def fixtures() -> Iterator[Subject]:
    root = ROOT / "fixtures" / "models"
    for path in sorted(root.glob("*.py")):
        marked = "expect: VG" in path.read_text()
        yield from (Subject("fixtures", root, path.name, name, marked) for name in _whole(root, path))


def package(name: str, folder: str) -> Iterator[Subject]:
    for root in sorted(Path(os.environ["VGLINT_CORPUS"]).glob(f"{name}-*")):
        for path in sorted((root / folder).glob("*.py")):
            whole = _whole(root, path)
            yield from (Subject(name, root, str(path.relative_to(root)), entry) for entry in whole[-1:])


POPULATIONS: dict[str, Callable[[], Iterator[Subject]]] = {
    "zoo": zoo,
    "fixtures": fixtures,
    "vit-pytorch": lambda: package("vit-pytorch", "vit_pytorch"),
    "x-transformers": lambda: package("x-transformers", "x_transformers"),
}


def _whole(root: Path, path: Path) -> list[str]:
    project = Project(root, [path])
    module = project.module(path)
    return (
        [graph.entry for graph in whole_models(module, entries(project, module))] if isinstance(module, Module) else []
    )


def probed(subject: Subject, seconds: float) -> Row:
    """Probes a model, or takes it from the cache where the same file was probed before."""
    path, kept = subject.root / subject.file, _kept(subject)
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(_outcome(subject, path, seconds)))
    reply = decoded(kept.read_bytes(), Reply)
    if reply.measured is None:
        return Row(subject, reply.reason, ())
    project = Project(subject.root, [path])
    module = project.module(path)
    assert isinstance(module, Module)
    graph = extract(project, module, subject.entry)
    found = faults(reply.measured, subject.entry, graph.span, graph)
    return Row(subject, "", tuple(f"{one.name}: {one.message}" for one in found))


def _kept(subject: Subject) -> Path:
    text = (subject.root / subject.file).read_bytes()
    key = sha256(repr((VERSION, text, subject.entry)).encode()).hexdigest()[:24]
    return cache_folder() / "zoo-probes" / f"{key}.json"


def _outcome(subject: Subject, path: Path, seconds: float) -> dict[str, object]:
    project = Project(subject.root, [path])
    module = project.module(path)
    assert isinstance(module, Module)
    try:
        graph = extract(project, module, subject.entry)
    except EntryError as error:
        return {"measured": None, "reason": str(error)}
    graphs = entries(project, module)
    request = plan(graph, subject.root, subject.entry, [other for other in graphs if other.kind == "training"])
    request = replace(buildable(request, module, graphs), seconds=0.7 * seconds)
    found = run_isolated(request, Limits(seconds=seconds))
    if isinstance(found, Measured):
        return {"measured": to_json(found), "reason": ""}
    return {"measured": None, "reason": found.reason}


def table(rows: list[Row]) -> str:
    lines = [
        "| population | models | import with torch alone | probed | share | unmarked with a confirmed fault |",
        "|---|---|---|---|---|---|",
    ]
    for name in (*POPULATIONS, "all"):
        own = [row for row in rows if name in (row.subject.population, "all")]
        if own:
            done = [row for row in own if not row.reason]
            count = sum(not row.reason.startswith(("ModuleNotFoundError", "ImportError")) for row in own)
            wrong = sum(bool(row.found) and not row.subject.marked for row in done)
            lines.append(f"| {name} | {len(own)} | {count} | {len(done)} | {len(done) / max(1, count):.0%} | {wrong} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("populations", nargs="*", metavar="POPULATION", help=f"of {', '.join(POPULATIONS)}")
    parser.add_argument("--every", type=int, default=1, help="only each N-th model of a population")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="wall-clock limit of one model")
    parser.add_argument("--kept", action="store_true", help="only models that were probed before")
    options = parser.parse_args()
    rows = []
    left = 0
    for name in options.populations or POPULATIONS:
        for subject in list(POPULATIONS[name]())[:: options.every]:
            if options.kept and not _kept(subject).exists():
                left += 1
                continue
            rows.append(row := probed(subject, options.seconds))
            if row.reason or row.found:
                print(
                    subject.population, subject.file, subject.entry, "|", row.reason or "; ".join(row.found), flush=True
                )
    text = table(rows)
    print(text)
    reasons = "\n".join(
        f"* {row.subject.population} `{Path(row.subject.file).name}`: {row.reason[:160]}" for row in rows if row.reason
    )
    confirmed = "\n".join(
        f"* {row.subject.population} `{Path(row.subject.file).name}`, `{row.subject.entry}`: {'; '.join(row.found)}"
        for row in rows
        if row.found and not row.subject.marked
    )
    (HERE / "probe_zoo.md").write_text(
        _PAGE.format(
            table=text,
            faults=confirmed or "None.",
            reasons=reasons,
            every=options.every,
            seconds=options.seconds,
            left=left,
        )
    )


_PAGE = """# Public models, probed without configuration

Written by `python -m benchmarks probe_zoo --every {every}`. Each model is built, fed and trained from its source alone, within {seconds:g} s; `probed` are those that were measured to the end.
{left} further models were not reached in this run.

{table}

Confirmed in models that carry no mark of a fault:

{faults}

Not probed, and why:

{reasons}
"""

if __name__ == "__main__":
    main()
