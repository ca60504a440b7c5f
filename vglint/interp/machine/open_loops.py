"""Loops of unknown length while they are walked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vglint import origin
from vglint.interp.machine.core import Run
from vglint.interp.values.objects import OpenLoop, Site, Value
from vglint.value import Expr, Unknown

TRAINING = frozenset({"backward", "step", "zero_grad"})


@contextmanager
def counted(run: Run, count: Value, text: str, site: Site) -> Iterator[OpenLoop]:
    """Opens the region of a loop of unknown length, which is a gap unless its turns are found to be `apart`.

    Where their number is a symbol, as widths are (`range(depth)`, `range(x.shape[1])`), it also is none once all that they hand on is known.
    """
    outer = run.graph.region
    start = len(run.graph.nodes)
    loop = OpenLoop(count if count is not None else Unknown(origin.Length(text)))
    region = len(run.graph.regions)
    around = run.context.having(open_loops=(*run.context.open_loops, loop))
    try:
        with run.graph.opened("loop", text, site), around:
            loop.region = region
            run.graph.regions[region].count = count if isinstance(count, (int, Expr)) else None
            yield loop
    finally:
        if len(run.graph.nodes) == start:
            run.graph.regions[region].alias = outer
        elif loop.carried and isinstance(count, (int, Expr)):
            run.graph.regions[region].carried = loop.carried
        elif not run.context.setup and text != "comprehension" and not loop.apart:
            _note_bound(run, start, count, text, site)


def _note_bound(run: Run, start: int, count: Value, text: str, site: Site) -> None:
    """A loop over layers whose number is not known is a gap; one over batches or epochs is how training looks."""
    drafts = run.graph.nodes[start:]
    if run.context.setup or not drafts or any(draft.op in TRAINING for draft in drafts) or run.context.training_code:
        return
    if any(draft.op not in ("input", "parameter", "getitem") for draft in drafts):
        unknown = count.text if isinstance(count, Unknown) else str(count) if count is not None else text
        run.graph.gap(origin.Length(unknown), site)
