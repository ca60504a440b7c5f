"""`matching-init`."""

from __future__ import annotations

import libcst as cst

from vglint.analysis.facts.model import ModelView, commonest
from vglint.fix.calls import body
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.models import layer_types, model_of
from vglint.fix.remedies.matching_init import init_behind
from vglint.fix.source import Splice
from vglint.span import Span
from vglint.value import Unknown


def matching_init(request: Request) -> Answer:
    """Initialises every weight as the activation behind it needs it, and every bias with zeros: where the file does it already, with another
    call; else at the end of `__init__`."""
    model = model_of(request)
    if model is None:
        return Refusal("the model is not found in the graph")
    common = commonest(model, model.activations)
    splices = initialising(request, model, init_behind("none" if isinstance(common, Unknown) else common)[1])
    if isinstance(splices, str):
        return Refusal(splices)
    note = "" if any(start == end for start, end, _ in splices) else "the biases keep their initialisation"
    return Change(splices, Allowed(inits=True), note)


def initialising(request: Request, model: ModelView, call: str) -> tuple[Splice, ...] | str:
    """Returns the edits that initialise a model's weights with a call of `torch.nn.init`; why not, where there are none."""
    name, _, rest = call.partition("(weight")
    spelled = request.names.spelled(f"torch.nn.init.{name}")
    if spelled is None:
        return "no import leads to torch.nn.init"
    more = rest.removesuffix(")").replace("'", '"')
    written = _written(model)
    if written is not None:
        return _replaced(request, written, spelled, more)
    return _appended(request, model, spelled, more)


def _written(model: ModelView) -> list[Span] | None:
    """Returns the places that initialise the weights; None where a weight keeps torch's default."""
    graph = model.view.graph
    found: dict[Span, None] = {}
    for index in model.path.weights:
        weight = model.view.parameter(graph.nodes[index], "weight")
        if weight is None or weight.init.span is None:
            return None
        found[weight.init.span] = None
    return list(found)


def _replaced(request: Request, places: list[Span], name: str, more: str) -> tuple[Splice, ...] | str:
    splices: list[Splice] = []
    for place in places:
        call = request.source.at(place) if place.file == request.finding.span.file else None
        target = None if not isinstance(call, cst.Call) else target_of(request, call)
        if call is None or target is None:
            return "the weights are initialised in another file, or not by one call"
        splices.append((*request.source.range(call), f"{name}({target}{more})"))
    return tuple(splices)


def target_of(request: Request, call: cst.Call) -> str | None:
    """Returns the weight that `nn.init.normal_(m.weight)` or `m.weight.data.normal_()` fills."""
    if (request.names.dotted(call.func) or "").startswith("torch.nn.init."):
        return request.source.code(call.args[0].value) if call.args and call.args[0].keyword is None else None
    match call.func:
        case cst.Attribute(value=cst.Attribute(value=owner, attr=cst.Name(value="data"))):
            return request.source.code(owner)
        case cst.Attribute(value=owner) if isinstance(owner, cst.Attribute):
            return request.source.code(owner)
        case _:
            return None


def _appended(request: Request, model: ModelView, name: str, more: str) -> tuple[Splice, ...] | str:
    types, zeros = layer_types(request, model), request.names.spelled("torch.nn.init.zeros_")
    if types is None or zeros is None:
        return "a layer is none of torch's that the file imports"
    owner, _ = after_built(request, model, "")
    if owner is None:
        return "the model is built neither by a class of this file that has an __init__ nor by one assignment"
    kinds = types[0] if len(types) == 1 else f"({', '.join(types)})"
    biased = any("bias" in dict(model.view.graph.nodes[index].params) for index in model.path.weights)
    lines = [
        f"for module in {owner}.modules():",
        f"    if isinstance(module, {kinds}):",
        f"        {name}(module.weight{more})",
    ]
    if biased:
        lines += ["        if module.bias is not None:", f"            {zeros}(module.bias)"]
    placed = after_built(request, model, "\n".join(lines))[1]
    return (placed,) if placed is not None else "it shares its line with others"


def after_built(request: Request, model: ModelView, lines: str) -> tuple[str | None, Splice | None]:
    """Returns what the model is called where it has just been built, and the edit that puts lines there."""
    source = request.source
    classes = [one for one in source.every(cst.ClassDef) if one.name.value == model.type.rpartition(".")[2]]
    if len(classes) == 1:
        makers = [one for one in source.every(cst.FunctionDef, classes[0]) if one.name.value == "__init__"]
        last = body(makers[0])[-1:] if len(makers) == 1 else []
        return ("self", request.after(last[0], lines)) if last else (None, None)
    built = [
        node
        for node in source.every(cst.Assign)
        if isinstance(node.targets[0].target, (cst.Name, cst.Attribute)) and _spans(request, model, node.value)
    ]
    statement = source.statement(built[0]) if len(built) == 1 else None
    if statement is None:
        return None, None
    return source.code(built[0].targets[0].target), request.after(statement, lines)


def _spans(request: Request, model: ModelView, value: cst.BaseExpression) -> bool:
    """Whether an expression builds the first weight layer of the finding's model."""
    first = model.view.graph.nodes[model.path.weights[0]]
    if first.span.file != request.finding.span.file:
        return False
    start, end = request.source.range(value)
    return start <= request.source.offsets(first.span)[0] < end
