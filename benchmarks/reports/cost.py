"""Measures what prediction costs beside extraction, over a random sample of the corpus that `fetch.py` unpacked.

python -m benchmarks cost [--seconds N]      prints one line
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from pathlib import Path

from benchmarks.corpus.fetch import corpus_folder, packages
from vglint.analysis.propagate import propagate
from vglint.interp import entries
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.relevance import concerns_torch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of processor time")
    given = parser.parse_args()
    sys.setrecursionlimit(20_000)
    extraction = prediction = 0.0
    files = graphs = faults = 0
    begin = time.process_time()
    for folder, file in sampled():
        if time.process_time() - begin > given.seconds:
            break
        start = time.process_time()
        project = Project(folder, [file])
        module = project.module(file)
        if not isinstance(module, Module):
            continue
        try:
            found = entries(project, module)
        except Exception:
            faults += 1
            continue
        gc.collect()  # what extraction put off
        extraction += time.process_time() - start
        start = time.process_time()
        for graph in found:
            propagate(graph)
        prediction += time.process_time() - start
        files, graphs = files + 1, graphs + len(found)
    print(
        f"{files} files, {graphs} graphs: extraction {extraction:.1f} s of processor time, prediction {prediction:.1f} s, "
        f"{prediction / max(extraction, 1e-9):.1%} of it{f'; {faults} files that could not be read' if faults else ''}."
    )
    return 0


def sampled() -> list[tuple[Path, Path]]:
    """Returns (package, file) for the corpus's files that concern torch, in an order drawn with a fixed seed."""
    found = [
        (folder, file)
        for folder in packages(corpus_folder()).values()
        for file in sorted(folder.rglob("*.py"))
        if concerns_torch(file.read_bytes())
    ]
    random.Random(0).shuffle(found)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
