"""`skip-connections`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import grouped
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import model_of
from vglint.fix.remedies.skip_connections import blocks_of, divisor_of
from vglint.fix.runs import Run, runs
from vglint.fix.source import Splice


def skip_connections(request: Request) -> Answer:
    """Adds the input of each block to its output, the block divided as the advice says: `x = block(x)` becomes `x = x + block(x) / 12`."""
    model = model_of(request)
    blocks = [] if model is None else blocks_of(model)
    if model is None or len(blocks) < 4:
        return Refusal("no blocks of one shape are found in the graph")
    found = runs(request, model, blocks)
    if isinstance(found, str):
        return Refusal(found)
    divisor = f"{divisor_of(model, blocks):g}"
    splices: list[Splice] = []
    for run in found:
        made = _added(request, run, divisor)
        if isinstance(made, str):
            return Refusal(made)
        splices += made
    return Change(tuple(splices), Allowed(ops=frozenset({"add", "mul", "div"})))


def _added(request: Request, run: Run, divisor: str) -> list[Splice] | str:
    """Returns the edits that add a run's input to what it computes; why not, where there are none."""
    source = request.source
    start, end = source.range(run.value)
    divided = f"{grouped(source, run.value)} / {divisor}"
    if len(run.statements) == 1:
        return [(start, end, f"{run.name} + {divided}")]
    function = source.around(run.statements[0], cst.FunctionDef)
    taken = {one.value for one in source.every(cst.Name, function)}
    kept = next((name for name in ("identity", "shortcut") if name not in taken), None)
    first = None if kept is None else request.before(run.statements[0], f"{kept} = {run.name}")
    if first is None:
        return "the names identity and shortcut are taken, or a block shares its line with others"
    return [first, (start, end, f"{kept} + {divided}")]
