"""Expressions."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.machine.core import EVAL, Frame, Run, call, evaluate, get_attribute, opaque, register
from vglint.interp.machine.defaults import defaults_of
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import lookup
from vglint.interp.protocols import comparison, operators
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.operators import has_to_be_given
from vglint.interp.static.worlds import GPU_WORLD
from vglint.interp.syntax.assignment import bind
from vglint.interp.syntax.branches import fork_values
from vglint.interp.torch.devices import asks_device
from vglint.interp.torch.given import backward_of_unknown, step_of_unknown, zero_grad_of_unknown
from vglint.interp.torch.module_methods import change_any_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    DictV,
    External,
    FunctionV,
    Instance,
    LaterV,
    ListV,
    MethodV,
    ModuleV,
    OpaqueV,
    Site,
    SuperV,
    TensorV,
    Value,
    is_tensor,
)
from vglint.source import code
from vglint.value import Unknown


@register(EVAL, code.Name)
def name(run: Run, node: code.Name, frame: Frame) -> Value:
    value = frame.scope.names.get(node.id, MISSING)
    if value is not MISSING and type(value) is not LaterV:
        return value
    value = lookup(run, node.id, frame.scope)
    return Unknown(origin.Name(node.id)) if value is MISSING else value


@register(EVAL, code.Binary)
def binary(run: Run, node: code.Binary, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    right = evaluate(run, node.right, frame)
    return operators.binary(run, node.operator, left, right, frame, Site(frame.unit, node))


@register(EVAL, code.Unary)
def unary(run: Run, node: code.Unary, frame: Frame) -> Value:
    value = evaluate(run, node.operand, frame)
    return operators.unary(run, node.operator, value, frame, Site(frame.unit, node))


@register(EVAL, code.Boolean)
def boolean(run: Run, node: code.Boolean, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    left = evaluate(run, node.left, frame)
    known = comparison.truth(run, left, frame, site)
    is_and = node.operator == "and"
    if known is not None and known != is_and:
        return left
    with run.context.having(guarded=True):
        right = evaluate(run, node.right, frame)
    if known is not None:
        return right
    other = comparison.truth(run, right, frame, site)
    if other is not None and isinstance(right, bool) and right != is_and:
        return right
    if isinstance(left, Unknown) and not isinstance(left.origin, origin.Drawn):  # what was drawn says nothing of both
        return left
    return opaque(run, origin.Computed("and/or"), [left, right], site)


@register(EVAL, code.Compare)
def compared(run: Run, node: code.Compare, frame: Frame) -> Value:
    left = evaluate(run, node.left, frame)
    site = Site(frame.unit, node)
    result: Value = True
    for operator, comparator in zip(node.operators, node.comparators, strict=True):
        right = evaluate(run, comparator, frame)
        answer = comparison.compare(run, operator, left, right, frame, site)
        if answer is False:
            return False
        if answer is not True:
            result = answer
        left = right
    return result


@register(EVAL, code.Conditional)
def conditional(run: Run, node: code.Conditional, frame: Frame) -> Value:
    condition = evaluate(run, node.test, frame)
    known = comparison.truth(run, condition, frame, Site(frame.unit, node))
    names = all(_is_text(arm) or isinstance(arm, code.Attribute) for arm in (node.body, node.orelse))
    if condition == comparison.GPU and names and run.context.world is not GPU_WORLD:
        without = evaluate(run, node.orelse, frame)
        if isinstance(without, External) and without.name.endswith("Tensor"):
            return without  # torch.cuda.FloatTensor and torch.FloatTensor make the same tensor
        names = not (isinstance(without, External) and without.name.startswith("torch.nn."))
        if names:
            return Unknown(origin.ByMachine())
    if condition == comparison.GPU and not names:
        asks_device(run, (node.body, node.orelse))
    with run.context.having(guarded=True):
        if known is not None:
            return evaluate(run, node.body if known else node.orelse, frame)
        return fork_values(run, condition, [node.body, node.orelse], frame, Site(frame.unit, node))


@register(EVAL, code.Lambda)
def lambda_(run: Run, node: code.Lambda, frame: Frame) -> Value:
    return FunctionV("<lambda>", node, frame.scope, frame.unit, defaults_of(run, node.parameters, frame))


@register(EVAL, code.Walrus)
def walrus(run: Run, node: code.Walrus, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    scope = frame.scope
    while scope.comprehension and scope.parent is not None:
        scope = scope.parent
    bind(run, node.target.id, value, scope)
    return value


@register(EVAL, code.Attribute)
def attribute(run: Run, node: code.Attribute, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    if value is None:
        if has_to_be_given(run):
            return Unknown(origin.Computed(code.dotted(node) or node.attr))
        run.graph.of_none.append(Site(frame.unit, node))
    start = len(run.graph.nodes)
    found = get_attribute(run, value, node.attr, frame)
    if ops.attribute(node.attr) is not None:
        for draft in run.graph.nodes[start:]:
            draft.site = Site(frame.unit, node)
    return found


@register(EVAL, code.Subscript)
def subscript(run: Run, node: code.Subscript, frame: Frame) -> Value:
    value = evaluate(run, node.value, frame)
    key = evaluate(run, node.key, frame)
    if value is None and has_to_be_given(run):
        return Unknown(origin.Computed(f"{code.dotted(node.value) or 'None'}[…]"))
    return index(run, value, key, frame, Site(frame.unit, node))


@register(EVAL, code.Slice)
def slice_(run: Run, node: code.Slice, frame: Frame) -> Value:
    return slice(
        *(None if each is None else evaluate(run, each, frame) for each in (node.lower, node.upper, node.step))
    )


@register(EVAL, code.Call)
def call_(run: Run, node: code.Call, frame: Frame) -> Value:
    site = Site(frame.unit, node)
    callee = evaluate(run, node.func, frame)
    if (
        type(node.func) is code.Name
        and node.func.id == "super"
        and not node.args
        and callee == External("builtins.super")
    ):
        return SuperV(frame.cls, frame.self_) if frame.cls is not None else Unknown(origin.Name("super"))
    if isinstance(callee, Unknown) and _attribute(node.func).endswith("_"):
        change_any_of(run, node.func, frame)
    args: list[Value] = []
    keywords: dict[str, Value] = {}
    for arg in node.args:
        if type(arg) is not code.Starred:
            args.append(evaluate(run, arg, frame))
        else:
            given = evaluate(run, arg.value, frame)
            inner = items_of(run, given, frame, site)
            wanted = _positions(callee, len(args)) if run.context.training_code and is_tensor(given) else 0
            if inner.parts is not None:
                args += inner.parts
            elif inner.items is None and wanted:
                args += [index(run, given, number, frame, site) for number in range(wanted)]  # the parts of a batch
            elif inner.items is None:
                args.append(
                    ListV(
                        [inner.item],
                        inner.count if inner.count is not None else Unknown(origin.Length("list of unknown length")),
                    )
                )
            else:
                run.budget.tick(len(inner.items) // 8)
                args += inner.items
    for keyword in node.keywords:
        value = evaluate(run, keyword.value, frame)
        if keyword.name is None:
            if isinstance(value, DictV):
                keywords.update({key: each for key, each in value.items.items() if isinstance(key, str)})
                if not value.complete:
                    keywords.setdefault("**", Unknown(origin.Computed("keywords")))
            else:
                keywords.setdefault("**", value)
        else:
            keywords[keyword.name] = value
    if run.context.training_code and isinstance(callee, Unknown) and _attribute(node.func) == "backward":
        return backward_of_unknown(run, callee, args, keywords, site)
    # What code that is not followed returns is taken for data until it is treated as an optimiser.
    if run.context.training_code and isinstance(callee, (Unknown, OpaqueV, TensorV)):
        match _attribute(node.func):
            case "zero_grad":
                return zero_grad_of_unknown(run, site)
            case "step" if not args and step_of_unknown(run, callee, site):
                return None
            case _:
                pass
    return call(run, callee, args, keywords, frame, site)


def _positions(callee: Value, given: int) -> int:
    """Returns how many more arguments a function, a method or a module must get by place, where it says so."""
    function: Value = callee
    if isinstance(callee, MethodV):
        function, given = callee.function, given + 1
    elif isinstance(callee, Instance):
        name = "forward" if isinstance(callee, ModuleV) else "__call__"
        found = find_in_mro(callee.cls, name)
        function, given = (None if found is None else found[0]), given + 1
    if not isinstance(function, FunctionV) or function.plain.node.parameters.rest is not None:
        return 0
    parameters = function.plain.node.parameters
    required = [each for each in (*parameters.positional_only, *parameters.positional) if each.default is None]
    return max(0, len(required) - given)


def _attribute(callee: code.Expression) -> str:
    return callee.attr if isinstance(callee, code.Attribute) else ""


def _is_text(node: code.Expression) -> bool:
    return isinstance(node, code.Constant) and isinstance(node.value, str)


@register(EVAL, code.Await)
def await_(run: Run, node: code.Await, frame: Frame) -> Value:
    return evaluate(run, node.value, frame)


@register(EVAL, code.Yield)
def yield_(run: Run, node: code.Yield, frame: Frame) -> Value:
    if frame.yields is None:
        frame.yields = []
    value = node.value
    if value is not None and node.delegates:
        inner = items_of(run, evaluate(run, value, frame), frame, Site(frame.unit, node))
        if inner.items is not None:
            frame.yields += inner.items
        return Unknown(origin.Computed("yield from"))
    else:
        made = None if value is None else evaluate(run, value, frame)
        frame.yields.append(made)
        if frame.resume is not None:
            frame.resume(made)
        if len(run.context.open_loops) > frame.loops:
            frame.turns.append(run.context.open_loops[-1].count)
    return None
