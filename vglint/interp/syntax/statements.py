"""Statements."""

from __future__ import annotations

from typing import Any

from vglint.interp.machine.core import EXEC, Flow, Frame, Run, block, evaluate, register
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import bind_import
from vglint.interp.nodes import views
from vglint.interp.nodes.distribution import UNKNOWN, combined, overwrite
from vglint.interp.protocols import comparison, operators, repeats
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.iteration import items_of
from vglint.interp.static.worlds import switched
from vglint.interp.syntax.arms import arm_that_stands
from vglint.interp.syntax.assignment import assign, bind, delete
from vglint.interp.syntax.branches import fork, join_left
from vglint.interp.syntax.carried import held, note_carried
from vglint.interp.syntax.counters import mark_counters, note_sums, zeros_before
from vglint.interp.syntax.definitions import make_class, make_function
from vglint.interp.syntax.loops import note_picked, walk_loop, walk_while
from vglint.interp.syntax.patterns import matches
from vglint.interp.syntax.refusals import refuses
from vglint.interp.syntax.resent import note_overwritten, note_rebindings, note_replaced, note_resent, note_used_up
from vglint.interp.torch import containers
from vglint.interp.torch.contexts import switch_gradients
from vglint.interp.torch.devices import asks_device
from vglint.interp.torch.training import step_by_hand, written_in_place
from vglint.interp.values.classes import is_container
from vglint.interp.values.objects import (
    External,
    ListV,
    ModuleV,
    ParamV,
    ParamView,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.ops import kind
from vglint.source import code
from vglint.value import Unknown


@register(EXEC, code.Expr)
def expression(run: Run, node: code.Expr, frame: Frame) -> int | None:
    value = evaluate(run, node.value, frame)
    if isinstance(node.value, code.Call):
        _note_thrown_away(run, node.value, value, frame)
        if run.context.training_code:
            switch_gradients(run, value, Site(frame.unit, node))
    return None


def _note_thrown_away(run: Run, node: code.Call, value: Value, frame: Frame) -> None:
    """Notes an activation that is called as a statement, `F.relu(x)`, and does not work in place: its result is thrown away."""
    made = value.node if isinstance(value, TensorV) else None
    if made is None or made != len(run.graph.nodes) - 1 or kind(run.graph.nodes[made].op) != "activation":
        return
    called = evaluate(run, node.func, frame)
    plain = not node.keywords and len(node.args) == 1 and isinstance(called, External)
    if plain and isinstance(called, External) and not called.name.endswith("_"):
        run.graph.nodes[made].config["thrown_away"] = True


@register(EXEC, code.Assign)
def assignment(run: Run, node: code.Assign, frame: Frame) -> int | None:
    value = evaluate(run, node.value, frame)
    world = run.context.world
    if world is not None and world.node is node and world.is_off(value):
        value = switched(world)
    for target in node.targets:
        assign(run, target, value, frame)
    return None


@register(EXEC, code.Annotated)
def annotated(run: Run, node: code.Annotated, frame: Frame) -> int | None:
    if node.value is not None:
        assign(run, node.target, evaluate(run, node.value, frame), frame)
    return None


@register(EXEC, code.Augmented)
def augmented(run: Run, node: code.Augmented, frame: Frame) -> int | None:
    symbol = node.operator
    site = Site(frame.unit, node)
    target = node.target
    if isinstance(target, code.Subscript):
        holder, key = evaluate(run, target.value, frame), evaluate(run, target.key, frame)
        before: Value = index(run, holder, key, frame, site)
    else:
        before = evaluate(run, target, frame)
    value = evaluate(run, node.value, frame)
    if symbol == "+" and isinstance(before, ListV):
        found = repeats.stretches(value) if isinstance(value, ListV) else None
        inner = found if found is not None else items_of(run, value, frame, site).items
        if inner is not None:
            repeats.append(run, before, inner)
            return None
    if symbol == "+" and isinstance(before, ModuleV) and is_container(before):
        containers.extend(run, before, value, site)
        return None
    if symbol == "-":
        step_by_hand(run, before, [node.value], site)
    if written_in_place(run, symbol, before, value, site):
        return None
    param = before.param if isinstance(before, ParamView) and before.whole else before  # `m.weight.data *= 0.1`
    if isinstance(param, ParamV) and (run.context.setup or not is_tensor(value)):
        name = {"*": "mul", "/": "div", "+": "add", "-": "sub"}.get(symbol, symbol)
        overwrite(run, param, combined(name, [param, value]) or UNKNOWN, site)
        return None
    in_place = operators.in_place(run, symbol, before, value, frame, site)
    after = operators.binary(run, symbol, before, value, frame, site) if in_place is MISSING else in_place
    if isinstance(before, TensorV) and isinstance(after, TensorV):
        # In place: every alias of the tensor sees the change.
        run.journal.set_field(before, "node", after.node)
        run.journal.set_field(before, "pick", after.pick)
        run.journal.set_field(before, "shape", before.shape or after.shape)
        run.journal.set_field(before, "init", after.init)
        run.journal.set_field(before, "ramp", after.ramp)
        if not isinstance(target, code.Subscript):
            views.written(run, before, site)
        after = before
    assign(run, target, after, frame)
    return None


@register(EXEC, code.Return)
def return_(run: Run, node: code.Return, frame: Frame) -> int | None:
    frame.result = None if node.value is None else evaluate(run, node.value, frame)
    return Flow.RETURN


_JUMPS = {"pass": None, "break": Flow.BREAK, "continue": Flow.CONTINUE}


@register(EXEC, code.Jump)
def jump(run: Run, node: code.Jump, frame: Frame) -> int | None:
    return _JUMPS[node.kind]


@register(EXEC, code.Declared)
def declared(run: Run, node: code.Declared, frame: Frame) -> int | None:
    (frame.scope.globals if node.kind == "global" else frame.scope.nonlocals).update(node.names)
    return None


@register(EXEC, code.Delete)
def delete_(run: Run, node: code.Delete, frame: Frame) -> int | None:
    for target in node.targets:
        delete(run, target, frame)
    return None


@register(EXEC, code.Import, code.ImportFrom)
def import_(run: Run, node: code.Import | code.ImportFrom, frame: Frame) -> int | None:
    for name, value in bind_import(run, node, frame.scope):
        bind(run, name, value, frame.scope)
    return None


@register(EXEC, code.Function)
def function(run: Run, node: code.Function, frame: Frame) -> int | None:
    _define(run, node.name, make_function(run, node, frame), frame)
    return None


@register(EXEC, code.Class)
def class_(run: Run, node: code.Class, frame: Frame) -> int | None:
    _define(run, node.name, make_class(run, node, frame), frame)
    return None


def _define(run: Run, name: str, value: Value, frame: Frame) -> None:
    bind(run, name, value, frame.scope)
    if isinstance(value, ModuleV) and not run.context.modules_running and not run.context.setup:
        run.graph.roots.setdefault(name, value)


@register(EXEC, code.If)
def if_(run: Run, node: code.If, frame: Frame) -> int | None:
    context = run.context
    refusing = context.refusing
    context.refusing = refusing or _only_raises(node)
    try:
        condition = evaluate(run, node.test, frame)
    finally:
        context.refusing = refusing
    known = comparison.truth(run, condition, frame, Site(frame.unit, node))
    refused = refuses(run, node, condition, known, frame)
    if condition == comparison.GPU and refused is None:
        asks_device(run, (*node.body, *node.orelse))
    known = known if refused is None else refused
    if known is None and run.journal.learnt.chosen and frame.unit.source_of(node.test) in run.journal.learnt.chosen:
        known = True
    if context.world is not None and context.world.kind == "arm" and context.world.node is node:
        known = known is not True
    guarded, context.guarded = context.guarded, True
    try:
        if known is not None:
            return block(run, node.body if known else node.orelse, frame)
        return _arms(run, node, condition, frame)
    finally:
        context.guarded = guarded


def _arms(run: Run, node: code.If, condition: Value, frame: Frame) -> int | None:
    """Walks both arms of a condition that is not known."""

    def first() -> int | None:
        narrow(run, node.test, frame)
        return block(run, node.body, frame)

    def second() -> int | None:
        return block(run, node.orelse, frame)

    standing = arm_that_stands(run, node.test, condition, frame)
    return fork(run, condition, [first, second], frame, Site(frame.unit, node.test), standing)


def _only_raises(node: code.If) -> bool:
    return len(node.body) == 1 and isinstance(node.body[0], code.Raise)


def narrow(run: Run, test: code.Expression, frame: Frame) -> None:
    """Takes over what a condition says in its own arm: `isinstance(x, C)` and `x is None` of unknown names."""
    match test:
        case code.Compare(left=code.Name(id=name), operators=("is" | "==",), comparators=(comparator,)):
            value = evaluate(run, comparator, frame)
            if name in frame.scope.names and isinstance(frame.scope.names[name], Unknown) and not is_unknown(value):
                run.journal.put(frame.scope.names, name, value)
        case _:
            pass


@register(EXEC, code.For)
def for_(run: Run, node: code.For, frame: Frame) -> int | None:
    source = evaluate(run, node.iter, frame)
    site = Site(frame.unit, node.iter)
    before, start = held(run, frame), len(run.graph.nodes)
    note_used_up(run, source, node, frame, site)
    zeros, opened = zeros_before(run, frame), len(run.graph.regions)
    mark_counters(run, node, frame)
    outer = frame.left
    flow = walk_loop(
        run,
        source,
        lambda item: assign(run, node.target, item, frame),
        lambda: block(run, node.body, frame),
        frame,
        site,
        _text(frame, node.iter),
        node,
    )
    if flow != Flow.RETURN:
        join_left(run, outer, frame, site, _text(frame, node.iter))
    note_picked(run, node, opened, frame)
    note_rebindings(run, node, frame)
    note_carried(run, node, before, start, frame, lambda: block(run, node.body, frame))
    note_resent(run, node, before, start, frame)
    note_overwritten(run, node, start, frame)
    note_replaced(run, node, start, frame)
    note_sums(run, zeros, start, opened)
    if flow is None:
        return block(run, node.orelse, frame)
    return None if flow == Flow.BREAK else flow


@register(EXEC, code.While)
def while_(run: Run, node: code.While, frame: Frame) -> int | None:
    mark_counters(run, node, frame)
    before, start = held(run, frame), len(run.graph.nodes)
    zeros, opened, outer = zeros_before(run, frame), len(run.graph.regions), frame.left
    site = Site(frame.unit, node.test)
    flow = walk_while(
        run,
        node.test,
        lambda: block(run, node.body, frame),
        frame,
        site,
        _text(frame, node.test),
    )
    if flow != Flow.RETURN:
        join_left(run, outer, frame, site, _text(frame, node.test))
    note_carried(run, node, before, start, frame, lambda: block(run, node.body, frame))
    note_resent(run, node, before, start, frame)
    note_replaced(run, node, start, frame)
    note_sums(run, zeros, start, opened)
    return flow


@register(EXEC, code.Match)
def match_(run: Run, node: code.Match, frame: Frame) -> int | None:
    subject = evaluate(run, node.subject, frame)
    site = Site(frame.unit, node.subject)
    arms: list[Any] = []
    for case in node.cases:
        bound: list[tuple[str, Value]] = []
        known = matches(run, case.pattern, subject, frame, bound, site)
        if known is False:
            continue

        def arm(case: code.Case = case, bound: list[tuple[str, Value]] = bound) -> int | None:
            for name, value in bound:
                run.journal.put(frame.scope.names, name, value)
            return block(run, case.body, frame)

        if case.guard is not None and known:
            for name, value in bound:
                run.journal.put(frame.scope.names, name, value)
            known = comparison.truth(run, evaluate(run, case.guard, frame), frame, site)
            if known is False:
                continue
        arms.append(arm)
        if known:
            break
    else:
        if arms:
            arms.append(lambda: None)
    if not arms:
        return None
    return arms[0]() if len(arms) == 1 else fork(run, subject, arms, frame, site)


def _text(frame: Frame, node: code.Expression) -> str:
    """Returns the source of an expression, shortened."""
    text = frame.unit.source_of(node).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "…"
