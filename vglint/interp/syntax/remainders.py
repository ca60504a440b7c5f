"""What runs where a condition did not return before."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.open_loops import TRAINING
from vglint.interp.values.objects import Site


def open_remainder(run: Run, behind: int | None, text: str, frame: Frame, site: Site) -> None:
    """What follows an arm that returns, under a condition on a tensor, is the other arm; the call's end closes it.

    `behind` is the node that the condition is computed from.
    """
    if behind is None or run.context.setup:
        return
    region = run.graph.open_region("branch", text, site, 1)
    run.graph.regions[region].condition = behind
    frame.remainders.append((region, len(run.graph.nodes)))


def close_remainders(run: Run, frame: Frame) -> None:
    """Code that trains runs on as before: a check that gives up a batch makes no branch of the rest of the step."""
    for region, start in frame.remainders:
        if any(draft.op in TRAINING for draft in run.graph.nodes[start:]):
            run.graph.regions[region].alias = run.graph.regions[region].parent
