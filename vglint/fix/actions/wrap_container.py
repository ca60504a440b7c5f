"""`wrap-container`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import assignments
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice
from vglint.span import Span


def wrap_container(request: Request) -> Answer:
    """Registers what lists and dicts hold: `self.layers = […]` becomes `self.layers = nn.ModuleList([…])`, of parameters `nn.ParameterList`."""
    own = _registered(request, request.finding.span)
    if isinstance(own, str):
        return Refusal(own)
    splices: dict[Splice, None] = dict.fromkeys(own)
    for place in request.places[1:]:
        more = _registered(request, place)
        if not isinstance(more, str):
            splices.update(dict.fromkeys(more))
    return Change(tuple(splices), Allowed(registered=True, inits=True))


def _registered(request: Request, place: Span) -> tuple[Splice, ...] | str:
    """Returns the edits that register the container which holds the layer at a place; why not, where there are none."""
    source = request.source
    layer = source.at(place)
    value = None if layer is None else _assigned(request, layer) or _filled(request, layer)
    if layer is None or value is None:
        return "the container that it is kept in is not assigned to an attribute"
    what = "Parameter" if _is_parameter(request, layer) else "Module"
    name = f"{what}Dict" if isinstance(value, (cst.Dict, cst.DictComp)) else f"{what}List"
    owner = request.names.spelled(f"torch.nn.{name}")
    if owner is None:
        return "no import leads to torch.nn"
    start, end = source.range(value)
    if isinstance(value, (cst.List, cst.Dict)) and not value.elements:
        return ((start, end, f"{owner}()"),)
    return (start, start, f"{owner}("), (end, end, ")")


def _assigned(request: Request, layer: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns the container that is written out around a layer and kept as an attribute."""
    match request.source.statement(layer):
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[cst.AssignTarget(target=target)], value=value)]):
            pass
        case cst.SimpleStatementLine(body=[cst.AnnAssign(target=target, value=value)]) if value is not None:
            pass
        case _:
            return None
    if not isinstance(value, (cst.List, cst.ListComp, cst.Dict, cst.DictComp)):
        return None
    return value if isinstance(target, cst.Attribute) else _kept(request, layer, request.source.code(target))


def _filled(request: Request, layer: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns the container that a layer is put into: by `append`, `+=` or a key, where it starts empty."""
    source = request.source
    container: cst.BaseExpression | None = None
    match source.statement(layer):
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="append" | "extend"))))]
        ):
            container = owner
        case cst.SimpleStatementLine(body=[cst.AugAssign(target=target, operator=cst.AddAssign())]):
            container = target
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Subscript(value=owner))])]):
            container = owner
    if container is None:
        return None
    if not isinstance(container, cst.Attribute):
        return _kept(request, layer, source.code(container))
    owner_class = source.around(layer, cst.ClassDef)
    made = [] if owner_class is None else assignments(source, source.code(container), owner_class)
    value = made[0].value if len(made) == 1 else None
    return value if isinstance(value, (cst.List, cst.Dict)) else None


def _kept(request: Request, layer: cst.BaseExpression, name: str) -> cst.BaseExpression | None:
    """Returns the use of a local container by which it becomes an attribute: `layers` in `self.layers = layers`."""
    function = request.source.around(layer, cst.FunctionDef)
    if function is None:
        return None
    found = [
        node.value
        for node in request.source.every(cst.Assign, function)
        if isinstance(node.value, cst.Name)
        and node.value.value == name
        and isinstance(node.targets[0].target, cst.Attribute)
    ]
    return found[0] if len(found) == 1 else None


def _is_parameter(request: Request, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and request.names.dotted(node.func) in (
        "torch.nn.Parameter",
        "torch.nn.parameter.Parameter",
    )
