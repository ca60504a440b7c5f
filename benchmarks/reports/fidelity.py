"""Compares the graphs that vglint extracts with what torch executes, over the models of `targets/`.

    python -m benchmarks fidelity --record [POPULATION …]      build, run and record each model once (slow; cached)
    python -m benchmarks fidelity [--sample N] [--jobs N] [--list] [POPULATION …]

Recordings lie in $VGLINT_RECORDINGS (~/.cache/vglint-recordings), packages where `fetch.py` put them, checkouts of
public repositories below $VGLINT_ZOO as OWNER+NAME. Needs torch and what the models import: `requirements.txt`.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.corpus.fetch import every_pin
from benchmarks.corpus.target import Target, build, feed, fixed, folder, load
from benchmarks.oracle.guarded import Failed, guarded

SECONDS = 60
"""Of CPU: what building and running, or extracting and comparing, one model may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one model fared: `error` where extraction raised or was stopped, else what `oracle.compare` says."""

    target: Target
    error: str = ""
    comparison: Any = None
    gaps: tuple[str, ...] = ()
    seconds: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("populations", nargs="*", metavar="POPULATION")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--again", action="store_true", help="record what failed before too")
    parser.add_argument("--sample", type=int, help="at most N models of each population, drawn with a fixed seed")
    parser.add_argument("--only", default="", help="models whose file or entry contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sized", action="store_true", help="fix the sizes of inputs to those that torch ran with")
    parser.add_argument("--list", action="store_true", help="print every model that is not exact, and why")
    given = parser.parse_args()
    targets = _sampled(load(given.populations), given.sample)
    targets = [target for target in targets if given.only in f"{target.file}:{target.entry}"]
    if given.record:
        return _record_all(targets, given.jobs, given.again)
    outcomes = _guarded_all(
        partial(_judge, sized=given.sized), [target for target in targets if _cache(target).is_file()], given.jobs
    )
    _print_table(outcomes, Counter(target.population for target in targets))
    _print_causes(outcomes)
    if given.list:
        _print_models(outcomes)
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _sampled(targets: Iterable[Target], size: int | None) -> list[Target]:
    populations: dict[str, list[Target]] = {}
    for target in targets:
        populations.setdefault(target.population, []).append(target)
    draw = random.Random(0)
    return [
        target
        for name in sorted(populations)
        for target in (
            populations[name]
            if size is None or len(populations[name]) <= size
            else draw.sample(populations[name], size)
        )
    ]


def _cache(target: Target, ending: str = "pickle") -> Path:
    recordings = Path(os.environ.get("VGLINT_RECORDINGS", "~/.cache/vglint-recordings")).expanduser()
    return recordings / target.population / f"{target.key}.{ending}"


def _record_all(targets: list[Target], jobs: int, again: bool) -> int:
    """Records what is not recorded yet, and prints how many of each population run."""
    import recording  # noqa: F401  # once, before the children are forked
    import torch

    torch.set_num_threads(1)
    left = [t for t in targets if not _cache(t).is_file() and (again or not _cache(t, "failed").is_file())]
    for target in {t.file: t for t in left if t.root in every_pin()}.values():
        with suppress(Exception):  # once, before the children are forked
            build(replace(target, entry="None"))
    for target in {target.population: target for target in left}.values():
        _cache(target).parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        for target, failure in zip(left, pool.map(_recorded, left), strict=True):
            if failure:
                print(f"{target.population} {target.file}:{target.entry[:80]}: {failure[:160]}", file=sys.stderr)
    done = Counter(target.population for target in targets if _cache(target).is_file())
    for population, count in Counter(target.population for target in targets).items():
        print(f"{population:20} {done[population]:5} of {count:5} recorded")
    return 0


def _recorded(target: Target) -> str:
    """Records one model in a child and keeps the result; returns what went wrong."""
    try:
        content = guarded(partial(_record, target), SECONDS)
    except Failed as error:
        _cache(target, "failed").write_text(str(error), encoding="utf-8")
        return " ".join(str(error).split())
    _cache(target).write_bytes(content)
    return ""


def _record(target: Target) -> bytes:
    from recording import record

    model = build(target)
    args, kwargs = feed(target)
    return pickle.dumps(replace(record(model, *args, **kwargs), output=None))


def _guarded_all(work: Callable[[Target], Outcome], targets: list[Target], jobs: int) -> list[Outcome]:
    """Applies `work` to every target, a few at a time to a child, and a child that dies costs only its target."""
    import oracle  # noqa: F401  # once, before the children are forked

    import vglint.interp
    import vglint.source  # noqa: F401

    def one(target: Target) -> Outcome:
        try:
            return guarded(partial(work, target), SECONDS)
        except Failed as error:
            return Outcome(target, " ".join(str(error).split()))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, targets))


def _judge(target: Target, sized: bool = False) -> Outcome:
    from oracle import compare

    from vglint import interp
    from vglint.finding import Problem
    from vglint.given import ModelInputs
    from vglint.source.project import Project

    sys.setrecursionlimit(20_000)
    recording = pickle.loads(_cache(target).read_bytes())
    root = folder(target.root)
    project = Project(root, [root / target.file], target.resolve)
    if sized and (inputs := fixed(*feed(target))):
        project.inputs = (ModelInputs("*", inputs),)
    module = project.module(root / target.file)
    if isinstance(module, Problem):
        return Outcome(target, module.message)
    begin = time.process_time()
    graph = interp.extract(project, module, target.entry)
    seconds = time.process_time() - begin
    return Outcome(
        target, "", compare(recording, graph), tuple(f"{gap.why}: {gap.text}" for gap in graph.gaps), seconds
    )


HEAD = (
    f"{'population':18}{'models':>7}{'run':>6}{'errors':>7}{'gap-free':>9}{'exact':>7}{'layers':>8}{'similar':>8}"
    f"{'invented':>9}{'missing':>8}{'exact*':>7}{'init':>7}{'CPU s':>7}"
)


def _print_table(outcomes: list[Outcome], models: Counter[str]) -> None:
    print(HEAD)
    for population in sorted(models):
        print(_line(population, models[population], [o for o in outcomes if o.target.population == population]))
    print(_line("all", models.total(), outcomes))
    print(
        "run: recorded; exact, layers: weighted layers in order, path, type and hyper-parameters; similar: ratio of the op\n"
        "sequences; invented, missing, exact*, init: over models with a gap-free graph (nodes that torch does not execute,\n"
        "steps that the graph lacks, models exact, parameters whose initial mean and std agree)"
    )


def _line(name: str, models: int, outcomes: list[Outcome]) -> str:
    good = [outcome for outcome in outcomes if outcome.comparison is not None]
    free = [outcome.comparison for outcome in good if not outcome.gaps]
    every = [outcome.comparison for outcome in good]
    layers = sum(c.layers for c in every)
    nodes = sum(c.nodes for c in free)
    params = sum(c.params for c in free)
    return (
        f"{name:18}{models:7}{len(outcomes):6}{len(outcomes) - len(good):7}{_share(len(free), len(outcomes)):>9}"
        f"{_share(sum(c.exact for c in every), len(outcomes)):>7}{_share(sum(c.layers_matched for c in every), layers):>8}"
        f"{sum(c.similarity for c in every) / max(1, len(outcomes)):8.3f}{_share(sum(len(c.invented) for c in free), nodes, 2):>9}"
        f"{_share(sum(len(c.missing) for c in free), nodes, 2):>8}{_share(sum(c.exact for c in free), len(free)):>7}"
        f"{_share(params - sum(len(c.wrong_init) for c in free), params):>7}{sum(o.seconds for o in outcomes):7.0f}"
    )


def _share(part: int, whole: int, digits: int = 0) -> str:
    return f"{part / whole:.{digits}%}" if whole else "-"


def _print_causes(outcomes: list[Outcome], top: int = 40) -> None:
    """Prints what stands between the models and exactness: errors, first gaps, first differences of gap-free graphs."""
    errors = Counter(outcome.error[:140] for outcome in outcomes if outcome.error)
    gaps = Counter(text[:140] for outcome in outcomes for text in dict.fromkeys(outcome.gaps[:1]))
    free = [outcome for outcome in outcomes if outcome.comparison is not None and not outcome.gaps]
    wrong = [
        (o.comparison.differences[:1] or ("?",))[0] for o in free if not o.comparison.exact or o.comparison.invented
    ]
    for title, found in (
        ("errors", errors),
        ("first gaps", gaps),
        ("first differences of gap-free graphs", Counter(wrong)),
    ):
        print(f"\n{title}: {found.total()}")
        for text, count in found.most_common(top):
            print(f"{count:6} {text}")


def _kind(differences: tuple[str, ...]) -> str:
    """Returns the first difference without its path, so that alike ones count together."""
    if not differences:
        return "same steps, another order or path"
    what, _, rest = differences[0].partition(": ")
    if rest.count("="):
        words = rest.partition(", ")[0].split(" ")
        return (
            f"{what}: {words[0]} {words[2] if len(words) > 2 else ''}"
            if what.startswith("layer not")
            else f"layer: {rest}"
        )
    return what.partition(" ")[0] + " " + " ".join(what.split(" ")[1:2])


def _print_models(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        comparison = outcome.comparison
        if comparison is not None and comparison.exact and not comparison.invented and not comparison.wrong_init:
            continue
        print(f"\n{folder(outcome.target.root) / outcome.target.file}:{outcome.target.entry}")
        for text in [outcome.error, *outcome.gaps[:3]] if outcome.error or outcome.gaps else []:
            print(f"    ! {text[:200]}" if text else "", end="\n" if text else "")
        if comparison is not None:
            for text in comparison.differences[:6]:
                print(f"    {text[:200]}")
            for mismatch in comparison.wrong_init[:3]:
                print(f"    init {mismatch.path}: predicted {mismatch.predicted}, measured {mismatch.measured}")


if __name__ == "__main__":
    raise SystemExit(main())
