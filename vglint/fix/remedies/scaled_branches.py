"""`scaled-branches`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView
from vglint.fix.imagined import Added, Imagined, extended


def scaled_branches(model: ModelView) -> Imagined | None:
    """Divides each residual branch by the number of blocks.

    Measured on un-normalised residual nets of 20 to 40 blocks (docs/advice.md): with 1/number SGD trains at two of three rates, with one over the root of it or with
    the last layers at zero at one.
    """
    branches = branches_of(model)
    if branches is None:
        return None
    scale = 1 / len(branches)
    behind = {branch: [Added("mul", (("other", scale),))] for _, branch in branches}
    text = f"divide each branch by the number of blocks: x = x + branch(x) / {len(branches)}"
    return Imagined(extended(model.view.graph, behind), text)


def branches_of(model: ModelView) -> list[tuple[int, int]] | None:
    """Returns the residual sums with the branch that each adds; None where one has another form, or there are fewer than four."""
    graph, trunk = model.view.graph, frozenset(model.path.trunk)
    found: list[tuple[int, int]] = []
    for index in model.sums:
        branch = [source for source in graph.nodes[index].inputs if source not in trunk]
        if len(branch) != 1 or set(model.view.readers[branch[0]]) != {index}:
            return None
        found.append((index, branch[0]))
    return found if len(found) >= 4 else None
