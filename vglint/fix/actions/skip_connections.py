"""`skip-connections`."""

from __future__ import annotations

import libcst as cst

from vglint.analysis.facts.model import ModelView
from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.skip_connections import blocks_of, divisor_of
from vglint.fix.runs import Run, runs
from vglint.fix.source import Splice


def skip_connections(request: Request) -> Answer:
    """Adds the input of each block to its output, the block divided as the advice says: `x = block(x)` becomes `x = x + block(x) / 12`."""
    model = model_of(request)
    splices = added(request, model) if model is not None else "the model is not found in the graph"
    return Refusal(splices) if isinstance(splices, str) else Change(splices, Allowed(ops=ADDED))


ADDED = frozenset({"add", "mul", "div"})
"""What stands beside a block then."""


def added(request: Request, model: ModelView) -> tuple[Splice, ...] | str:
    """Returns the edits that add the input of each block to its output, which leave what the block computes as it stands; why not, where there are none."""
    blocks = blocks_of(model)
    if len(blocks) < 4:
        return "no blocks of one shape are found in the graph"
    found = runs(request, model, blocks)
    if isinstance(found, str):
        return found
    divisor = f"{divisor_of(model, blocks):g}"
    splices: list[Splice] = []
    for run in found:
        made = _added(request, run, divisor)
        if isinstance(made, str):
            return made
        splices += made
    return tuple(splices)


def _added(request: Request, run: Run, divisor: str) -> list[Splice] | str:
    """Returns the edits that add a run's input to what it computes; why not, where there are none."""
    source = request.source
    start, end = source.range(run.value)
    opened, closed = ("", "") if grouped(source, run.value) == source.code(run.value) else ("(", ")")

    def beside(name: str) -> list[Splice]:
        return [(start, start, f"{name} + {opened}"), (end, end, f"{closed} / {divisor}")]

    if len(run.statements) == 1:
        return beside(run.name)
    function = source.around(run.statements[0], cst.FunctionDef)
    taken = {one.value for one in source.every(cst.Name, function)}
    kept = next((name for name in ("identity", "shortcut") if name not in taken), None)
    first = None if kept is None else request.before(run.statements[0], f"{kept} = {run.name}")
    if first is None:
        return "the names identity and shortcut are taken, or a block shares its line with others"
    assert kept is not None
    return [first, *beside(kept)]
