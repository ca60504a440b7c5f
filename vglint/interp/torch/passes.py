"""Passes: each call of a model by training code, outermost ones alone, with what it made and what it met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vglint.interp.machine.core import Run
from vglint.interp.machine.passes import Pass
from vglint.interp.values.objects import ModuleV


@contextmanager
def passed(run: Run, module: ModuleV) -> Iterator[Pass]:
    """Notes what is walked inside as one pass of a model."""
    around, run.graph.gaps = run.graph.gaps, {}
    this = Pass(module, len(run.graph.nodes), run.graph.region)
    run.graph.passes.calls.append(this)
    run.graph.passes.under_way = True
    try:
        yield this
        this.finished = True
    finally:
        run.graph.passes.under_way = False
        this.gaps = run.graph.gaps
        this.nodes = [number for number in range(this.start, len(run.graph.nodes)) if not run.graph.nodes[number].setup]
        run.graph.gaps = around | {key: gap for key, gap in this.gaps.items() if key not in around}
