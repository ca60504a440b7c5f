"""`replace-op`."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from vglint.fix.calls import argument, assignments
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.fix.source import Splice
from vglint.ops import find
from vglint.span import Span


def replace_op(request: Request) -> Answer:
    """Puts another activation, `with = "torch.nn.GELU"`, in the place of this one and of those of its kind that the finding names."""
    wanted = find(request.with_)
    kinds = {node.op for _, node in request.nodes_at(request.finding.span)}
    if wanted is None or len(kinds) != 1:
        return Refusal("its operation is not known")
    old = kinds.pop()
    splices = replaced(request, request.places, old, request.with_)
    if isinstance(splices, str):
        return Refusal(splices)
    return Change(splices, Allowed(ops=frozenset({old, wanted.op}), anywhere=True))


def replaced(request: Request, places: Sequence[Span], old: str, new: str) -> tuple[Splice, ...] | str:
    """Returns the edits that put an activation, by its module's dotted name, in the place of those of another kind; why not, where there
    are none."""
    wanted = find(new)
    assert wanted is not None
    splices: dict[Splice, None] = {}
    for span in dict.fromkeys(places):
        call = request.source.at(span) if span.file == request.finding.span.file else None
        nodes = [node for _, node in request.nodes_at(span) if node.op == old]
        if not nodes:
            continue
        if not isinstance(call, cst.Call):
            return f"{old} is not written as a call in this file"
        is_layer = all(node.type is not None for node in nodes)
        made = _replaced_layer(request, call, new) if is_layer else _replaced_function(request, call, wanted.op)
        if not made:
            return f"no import leads to {new}, or {old} is not written out"
        splices.update(dict.fromkeys(made))
    return tuple(splices) or "it is not written as a call in this file"


def _replaced_layer(request: Request, call: cst.Call, dotted: str) -> list[Splice]:
    """Returns the edit of one layer's construction: `nn.Sigmoid()` becomes `nn.GELU()`; of `self.ACT()` and `act()`, what they are bound to."""
    source, names = request.source, request.names
    spelled = names.spelled(dotted)
    if spelled is None:
        return []
    said = names.dotted(call.func)
    if said is not None and find(said) is not None:
        return [(*source.range(call), f"{spelled}()")]
    bound = None if call.args else _bound(request, call.func)
    known = names.dotted(bound) if bound is not None else None
    return [(*source.range(bound), spelled)] if bound is not None and known is not None and find(known) else []


def _bound(request: Request, name: cst.BaseExpression) -> cst.BaseExpression | None:
    """Returns what an attribute of the class, or an argument's default, is bound to in one place."""
    source = request.source
    function = source.around(name, cst.FunctionDef)
    owner = source.around(name, cst.ClassDef)
    match name:
        case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=attribute)) if owner is not None:
            made = assignments(source, attribute, owner) + assignments(source, f"self.{attribute}", owner)
            return made[0].value if len(made) == 1 else None
        case cst.Name(value=argument) if function is not None:
            given = [one.default for one in source.every(cst.Param, function) if one.name.value == argument]
            return given[0] if len(given) == 1 and not assignments(source, argument, function) else None
        case _:
            return None


def _replaced_function(request: Request, call: cst.Call, op: str) -> list[Splice]:
    """Returns the edits of one call: `torch.sigmoid(x)` becomes `F.gelu(x)`, `x.sigmoid()` becomes `F.gelu(x)`, or `x.relu()`; its tensor stays as it is."""
    source, names = request.source, request.names
    _, end = source.range(call)
    function = names.spelled(f"torch.{op}") if op == "relu" else None
    function = function or names.spelled(f"torch.nn.functional.{op}")
    said = names.dotted(call.func)
    if said is not None and find(said) is not None:
        given = argument(call, "input", 0)
        if given is None or given.star or function is None:
            return []
        if given is not call.args[0]:
            return [(*source.range(call), f"{function}({source.code(given.value)})")]
        _, first = source.range(given.value)
        rest = [(first, end - 1, "")] if len(call.args) > 1 else []
        return [(*source.range(call.func), function), *rest]
    if isinstance(call.func, cst.Attribute) and said is None:
        owner, name = call.func.value, call.func.attr
        if op == "relu":
            made = "relu_" if name.value.endswith("_") else "relu"
            start, after = source.range(name)
            return [(start, end, f"{made}()") if call.args else (start, after, made)]
        start, last = source.range(owner)
        return [] if function is None else [(start, start, f"{function}("), (last, end, ")")]
    return []
