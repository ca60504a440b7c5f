"""One entry through the probe: its request from the graph, its measures against the rules, what else was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.config.settings import Target, TensorSpec, Value
from vglint.finding import Finding, Verdict
from vglint.graph import Graph
from vglint.interp import EntryError, entries, extract
from vglint.interp.static.candidates import needs
from vglint.probe import Argument, Given, Limits, Measured, ProbeReport, Request, faults, plan, run_isolated
from vglint.rule import Scalar
from vglint.rulebook import Rulebook
from vglint.rulebook.confirm import judged, verdict
from vglint.source.module import Module
from vglint.source.project import Project

SCRIPT = "<module>"
"""The entry of a file that trains at its top."""


def probe_entry(
    project: Project,
    module: Module,
    expression: str,
    rulebook: Rulebook,
    limits: Limits,
    adjust: Callable[[Request], Request] = lambda request: request,
) -> ProbeReport:
    """Runs one model of a file in a process of its own and returns the rules' findings with verdicts, and measured faults.

    `adjust` changes the request that was planned from the source; raises EntryError where the expression names no model.
    """
    graph = extract(project, module, expression)
    findings = rulebook.check((graph,))
    graphs = _graphs(project, module)
    planned = plan(graph, project.root, expression, [other for other in graphs if other.kind == "training"])
    planned = buildable(planned, module, graphs)
    script = not planned.training and bool(module.binding(expression)) and is_script(module, graphs)
    request = adjust(replace(planned, overfit=wants_overfit(rulebook, findings), script=script))
    outcome = run_isolated(request, limits)
    if not isinstance(outcome, Measured):
        undecided = Verdict("inconclusive", (("reason", outcome.reason),))
        return ProbeReport(
            expression, None, tuple(_judged(rulebook, finding, undecided) for finding in findings), outcome.reason
        )
    found = tuple(_judged(rulebook, finding, _verdict(rulebook, finding, outcome)) for finding in findings)
    explained = any(finding.probe is not None and finding.probe.verdict == "confirmed" for finding in found)
    extra = () if explained else faults(outcome, expression, graph.span, graph)
    return ProbeReport(expression, outcome, (*found, *extra), predicted=predicted_profile(graph))


def is_script(module: Module, graphs: Sequence[Graph]) -> bool:
    """Returns whether a file trains when it is run: at its top, behind its guard, or as a notebook."""
    training = [graph for graph in graphs if graph.kind == "training"]
    guarded = "__main__" in module.text or bool(module.cells)
    return bool(training) and (guarded or any(graph.entry == SCRIPT for graph in training))


def buildable(request: Request, module: Module, graphs: Sequence[Graph]) -> Request:
    """Returns the request for a class that needs arguments as the file itself builds it: by the smallest call of it, else as part of another model."""
    found = module.binding(request.expression)
    if not found or found[-1].kind != "class" or needs(found[-1]) != "arguments":
        return request
    name = request.expression
    calls = sorted((len(graph.nodes), graph.entry) for graph in graphs if graph.entry.startswith(f"{name}("))
    if calls:
        return replace(request, expression=calls[0][1])
    holding = [
        graph.entry
        for graph in sorted(graphs, key=lambda graph: len(graph.nodes))
        if graph.kind != "training"
        and any(info.type.rpartition(".")[2] == name and info.path for info in graph.modules)
    ]
    return replace(request, hosts=tuple(entry for entry in holding if entry != name)[:4])


def wants_overfit(rulebook: Rulebook, findings: Iterable[Finding]) -> bool:
    """Returns whether some rule's condition asks if a few samples can be learnt by heart, which costs a training of its own."""
    confirms = (rulebook.find(finding.rule).confirm for finding in findings)
    return any(confirm is not None and "measured.overfits" in confirm.names for confirm in confirms)


def adjusted(request: Request, target: Target) -> Request:
    """Returns the request as `[[tool.vglint.probe.targets]]` wants it."""
    changes: dict[str, object] = {
        name: value
        for name, value in (
            ("loss", target.loss),
            ("rate", target.lr),
            ("steps", target.steps),
            ("device", target.device),
            ("factory", target.factory),
        )
        if value is not None
    }
    if target.optimizer is not None:
        changes["optimizers"] = (target.optimizer.lower(),)
    if target.seeds:
        changes["seeds"] = len(target.seeds)
    changes.update(_inputs(request, target))
    if target.args:
        given = ", ".join(_plain(value) if name is None else f"{name}={_plain(value)}" for name, value in target.args)
        changes["expression"] = f"{request.expression.partition('(')[0]}({given})"
    return replace(request, **changes)


def _inputs(request: Request, target: Target) -> dict[str, object]:
    """Returns the batch as it is described: shapes to make a task for, or whole tensors where a target or a function is given."""
    if target.target is not None or any(isinstance(spec, str) for spec in target.inputs):
        wanted = None if target.target is None else _given(target.target)
        return {"given": tuple(_given(spec) for spec in target.inputs), "wanted": wanted}
    tensors = [spec for spec in target.inputs if isinstance(spec, TensorSpec)]
    if not tensors:
        return {}
    known = [argument.name for argument in request.arguments]
    names = [*known, *(str(i) for i in range(len(known), len(tensors)))]
    return {
        "arguments": tuple(
            Argument(name, spec.shape, spec.high if spec.dtype.startswith("int") else None)
            for name, spec in zip(names, tensors, strict=False)
        )
    }


def _given(spec: TensorSpec | str) -> Given:
    return Given(maker=spec) if isinstance(spec, str) else Given(spec.shape, spec.dtype, spec.low, spec.high)


def _plain(value: Value) -> str:
    """Returns a TOML value as Python text: tables are dictionaries, arrays lists."""
    if not isinstance(value, tuple):
        return repr(value)
    if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):
        return "{" + ", ".join(f"{item[0]!r}: {_plain(item[1])}" for item in value if isinstance(item, tuple)) + "}"
    return "[" + ", ".join(_plain(item) for item in value) + "]"


def measures_by_optimizer(measured: Measured) -> Mapping[str, Sequence[Mapping[str, Scalar]]]:
    """Returns the measures of every seed by optimiser."""
    found: dict[str, list[Mapping[str, Scalar]]] = {}
    for run in measured.runs:
        found.setdefault(run.optimizer, []).append(run.measures)
    return found


def _verdict(rulebook: Rulebook, finding: Finding, measured: Measured) -> Verdict | None:
    return verdict(rulebook.find(finding.rule), measures_by_optimizer(measured))


def _judged(rulebook: Rulebook, finding: Finding, found: Verdict | None) -> Finding:
    return judged(finding, found if rulebook.find(finding.rule).confirm is not None else undecidable(finding.rule))


def undecidable(rule: str) -> Verdict:
    """Returns the verdict on a finding of a rule that names no measure."""
    return Verdict("inconclusive", (("reason", f"no measurement decides {rule}: it rests on the source alone"),))


def predicted_profile(graph: Graph) -> tuple[tuple[str, float | None], ...]:
    found = ratio(graph, propagate(graph))
    return tuple((graph.nodes[index].path, value) for index, value in found.profile)


def _graphs(project: Project, module: Module) -> tuple[Graph, ...]:
    """Returns the graphs of the file's own entries, which may tell the arguments, the optimiser and the loss."""
    try:
        return entries(project, module)
    except EntryError:
        return ()
