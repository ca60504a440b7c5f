"""Statements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import libcst as cst

from vglint.interp.machine.core import EXEC, Flow, Frame, Raised, Run, evaluate, execute, register
from vglint.interp.machine.imports import bind_import
from vglint.interp.nodes.emit import emit
from vglint.interp.protocols import comparison, operators, repeats
from vglint.interp.protocols.indexing import index
from vglint.interp.static.liveness import lost_rebindings
from vglint.interp.syntax.assignment import assign, bind, delete
from vglint.interp.syntax.branches import fork, source_of
from vglint.interp.syntax.carried import held, note_carried
from vglint.interp.syntax.definitions import make_class, make_function
from vglint.interp.syntax.expressions import SYMBOLS, key_of
from vglint.interp.syntax.independent_turns import turns_are_apart
from vglint.interp.syntax.loops import walk_loop, walk_while
from vglint.interp.syntax.refusals import refuses
from vglint.interp.torch import containers
from vglint.interp.values.objects import ClassV, External, Instance, ModuleV, ParamV, Site, TensorV, Value, is_unknown
from vglint.value import Unknown


def block(run: Run, statements: Sequence[cst.CSTNode], frame: Frame) -> int | None:
    """Executes statements in order until one does not fall through."""
    for statement in statements:
        flow = execute(run, statement, frame)
        if flow is not None:
            return flow
    return None


_SUITES = frozenset({cst.IndentedBlock, cst.SimpleStatementSuite})


def body_of(node: Any) -> Sequence[cst.CSTNode]:
    suite = node.body
    return suite.body if type(suite) in _SUITES else ()


@register(EXEC, cst.SimpleStatementLine)
def line(run: Run, node: cst.SimpleStatementLine, frame: Frame) -> int | None:
    for statement in node.body:
        handler = EXEC.get(type(statement))
        flow = None if handler is None else handler(run, statement, frame)
        if flow is not None:
            return flow
    return None


@register(EXEC, cst.Expr)
def expression(run: Run, node: cst.Expr, frame: Frame) -> int | None:
    evaluate(run, node.value, frame)
    return None


@register(EXEC, cst.Assign)
def assignment(run: Run, node: cst.Assign, frame: Frame) -> int | None:
    value = evaluate(run, node.value, frame)
    for target in node.targets:
        assign(run, target.target, value, frame)
    return None


@register(EXEC, cst.AnnAssign)
def annotated(run: Run, node: cst.AnnAssign, frame: Frame) -> int | None:
    if node.value is not None:
        assign(run, node.target, evaluate(run, node.value, frame), frame)
    return None


@register(EXEC, cst.AugAssign)
def augmented(run: Run, node: cst.AugAssign, frame: Frame) -> int | None:
    symbol = SYMBOLS[type(node.operator)]
    site = Site(frame.unit, node)
    target = node.target
    if isinstance(target, cst.Subscript):
        holder, key = evaluate(run, target.value, frame), key_of(run, target, frame)
        before: Value = index(run, holder, key, frame, site)
    else:
        before = evaluate(run, target, frame)
    value = evaluate(run, node.value, frame)
    from vglint.interp.values.objects import ListV

    if symbol == "+" and isinstance(before, ListV):
        from vglint.interp.protocols.iteration import items_of

        found = repeats.stretches(value) if isinstance(value, ListV) else None
        inner = found if found is not None else items_of(run, value, frame, site).items
        if inner is not None:
            repeats.append(run, before, inner)
            return None
    if symbol == "+" and isinstance(before, ModuleV) and comparison.is_container(before):
        containers.extend(run, before, value, site)
        return None
    after = operators.binary(run, symbol, before, value, frame, site)
    if isinstance(before, TensorV) and isinstance(after, TensorV):
        # In place: every alias of the tensor sees the change.
        run.set_field(before, "node", after.node)
        run.set_field(before, "pick", after.pick)
        run.set_field(before, "shape", before.shape or after.shape)
        run.set_field(before, "init", after.init)
        run.set_field(before, "ramp", after.ramp)
        after = before
    if isinstance(before, ParamV):
        from vglint.interp.nodes.distribution import UNKNOWN, combined, overwrite
        from vglint.interp.values.objects import is_tensor

        if run.setup or not is_tensor(value):
            overwrite(
                run,
                before,
                combined({"*": "mul", "/": "div", "+": "add", "-": "sub"}.get(symbol, symbol), [before, value])
                or UNKNOWN,
                site,
            )
            return None
    assign(run, target, after, frame)
    return None


@register(EXEC, cst.Return)
def return_(run: Run, node: cst.Return, frame: Frame) -> int | None:
    frame.result = None if node.value is None else evaluate(run, node.value, frame)
    return Flow.RETURN


@register(EXEC, cst.Raise)
def raise_(run: Run, node: cst.Raise, frame: Frame) -> int | None:
    value = None if node.exc is None else evaluate(run, node.exc, frame)
    name = "Exception"
    if isinstance(value, External):
        name = value.name
    elif isinstance(value, Instance):
        name = value.cls.name
    elif isinstance(value, ClassV):
        name = value.name
    elif isinstance(value, Unknown):
        name = value.text
    name = name.rsplit(".", 1)[-1]
    if name in _MISSING_PACKAGE and run.trying == 0:
        return None  # what the code needs is taken to be installed where it runs
    raise Raised(name, value, Site(frame.unit, node))


_MISSING_PACKAGE = frozenset({"ImportError", "ModuleNotFoundError"})


@register(EXEC, cst.Assert)
def assert_(run: Run, node: cst.Assert, frame: Frame) -> int | None:
    evaluate(run, node.test, frame)
    return None


@register(EXEC, cst.Break)
def break_(run: Run, node: cst.Break, frame: Frame) -> int | None:
    return Flow.BREAK


@register(EXEC, cst.Continue)
def continue_(run: Run, node: cst.Continue, frame: Frame) -> int | None:
    return Flow.CONTINUE


@register(EXEC, cst.Global)
def global_(run: Run, node: cst.Global, frame: Frame) -> int | None:
    frame.scope.globals.update(item.name.value for item in node.names)
    return None


@register(EXEC, cst.Nonlocal)
def nonlocal_(run: Run, node: cst.Nonlocal, frame: Frame) -> int | None:
    frame.scope.nonlocals.update(item.name.value for item in node.names)
    return None


@register(EXEC, cst.Del)
def del_(run: Run, node: cst.Del, frame: Frame) -> int | None:
    targets = (
        [element.value for element in node.target.elements]
        if isinstance(node.target, (cst.Tuple, cst.List))
        else [node.target]
    )
    for target in targets:
        delete(run, target, frame)
    return None


@register(EXEC, cst.Import, cst.ImportFrom)
def import_(run: Run, node: cst.Import | cst.ImportFrom, frame: Frame) -> int | None:
    for name, value in bind_import(run, node, frame.scope):
        bind(run, name, value, frame.scope)
    return None


@register(EXEC, cst.FunctionDef)
def function(run: Run, node: cst.FunctionDef, frame: Frame) -> int | None:
    value = make_function(run, node, frame)
    assign(run, node.name, value, frame)
    return None


@register(EXEC, cst.ClassDef)
def class_(run: Run, node: cst.ClassDef, frame: Frame) -> int | None:
    assign(run, node.name, make_class(run, node, frame), frame)
    return None


@register(EXEC, cst.If)
def if_(run: Run, node: cst.If, frame: Frame) -> int | None:
    raises = _only_raises(node)
    run.refusing += raises
    try:
        condition = evaluate(run, node.test, frame)
    finally:
        run.refusing -= raises
    known = comparison.truth(run, condition, frame, Site(frame.unit, node))
    refused = refuses(run, node, condition, known, frame)
    known = known if refused is None else refused
    if known is None and run.chosen and source_of(node.test) in run.chosen:
        known = True
    run.guards += 1
    try:
        return _arms(run, node, condition, known, frame)
    finally:
        run.guards -= 1


def _arms(run: Run, node: cst.If, condition: Value, known: bool | None, frame: Frame) -> int | None:
    orelse = node.orelse

    def first() -> int | None:
        if known is None:
            narrow(run, node.test, frame)
        return block(run, body_of(node), frame)

    def second() -> int | None:
        if orelse is None:
            return None
        return if_(run, orelse, frame) if type(orelse) is cst.If else block(run, body_of(orelse), frame)

    if known is not None:
        return first() if known else second()
    return fork(run, condition, [first, second], frame, Site(frame.unit, node.test))


def _only_raises(node: cst.If) -> bool:
    body = body_of(node)
    line = body[0] if len(body) == 1 else None
    return isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Raise)


def narrow(run: Run, test: cst.BaseExpression, frame: Frame) -> None:
    """Takes over what a condition says in its own arm: `isinstance(x, C)` and `x is None` of unknown names."""
    match test:
        case cst.Comparison(
            left=cst.Name(value=name),
            comparisons=[cst.ComparisonTarget(operator=cst.Is() | cst.Equal(), comparator=comparator)],
        ):
            value = evaluate(run, comparator, frame)
            if name in frame.scope.names and isinstance(frame.scope.names[name], Unknown) and not is_unknown(value):
                run.put(frame.scope.names, name, value)
        case _:
            pass


@register(EXEC, cst.For)
def for_(run: Run, node: cst.For, frame: Frame) -> int | None:
    source = evaluate(run, node.iter, frame)
    site = Site(frame.unit, node.iter)
    before, start = held(run, frame), len(run.nodes)
    flow = walk_loop(
        run,
        source,
        lambda item: assign(run, node.target, item, frame),
        lambda: block(run, body_of(node), frame),
        frame,
        site,
        _text(node.iter),
        lambda log, first: turns_are_apart(run, log, first, node, frame),
    )
    note_rebindings(run, node, frame)
    note_carried(run, node, before, start, frame)
    if flow is None and node.orelse is not None:
        return block(run, body_of(node.orelse), frame)
    return None if flow == Flow.BREAK else flow


def note_rebindings(run: Run, node: cst.For, frame: Frame) -> None:
    """Notes assignments to the variable of a loop over parameters that change no parameter."""
    for found in lost_rebindings(node):
        emit(run, "rebind", [], {"name": found.name}, Site(frame.unit, found.statement))
        run.nodes[-1].setup = False


@register(EXEC, cst.While)
def while_(run: Run, node: cst.While, frame: Frame) -> int | None:
    return walk_while(
        run, node.test, lambda: block(run, body_of(node), frame), frame, Site(frame.unit, node.test), _text(node.test)
    )


@register(EXEC, cst.With)
def with_(run: Run, node: cst.With, frame: Frame) -> int | None:
    from vglint.interp.syntax.contexts import enter

    opened = run.region
    for item in node.items:
        value = evaluate(run, item.item, frame)
        entered = enter(run, value, frame, Site(frame.unit, item.item))
        if item.asname is not None:
            assign(run, item.asname.name, entered, frame)
    try:
        return block(run, body_of(node), frame)
    finally:
        run.region = opened


@register(EXEC, cst.Try, cst.TryStar)
def try_(run: Run, node: cst.Try, frame: Frame) -> int | None:
    flow: int | None = None
    trying, depth, running, region, guards = (
        run.trying,
        run.depth,
        list(run.modules_running),
        run.region,
        run.guards,
    )
    try:
        run.trying += bool(node.handlers)
        flow = block(run, body_of(node), frame)
        run.trying = trying
        if flow is None and node.orelse is not None:
            flow = block(run, body_of(node.orelse), frame)
    except Raised as error:
        run.trying, run.depth, run.modules_running[:], run.region = trying, depth, running, region
        handler = next((each for each in node.handlers if _catches(run, each.type, error, frame)), None)
        if handler is None:
            if node.finalbody is not None:
                block(run, body_of(node.finalbody), frame)
            raise
        if handler.name is not None:
            assign(run, handler.name.name, error.value, frame)
        run.guards = guards + 1
        flow = block(run, body_of(handler), frame)
        run.guards = guards
    if node.finalbody is not None:
        ended = block(run, body_of(node.finalbody), frame)
        flow = ended if ended is not None else flow
    return flow


_IMPORT_ERRORS = {"ImportError": ("ModuleNotFoundError",)}


def _catches(run: Run, kind: cst.BaseExpression | None, error: Raised, frame: Frame) -> bool:
    if kind is None:
        return True
    caught = evaluate(run, kind, frame)
    for each in caught if isinstance(caught, tuple) else (caught,):
        name = each.name if isinstance(each, (External, ClassV)) else each.text if isinstance(each, Unknown) else ""
        name = name.rsplit(".", 1)[-1]
        if name in ("Exception", "BaseException", error.name) or error.name in _IMPORT_ERRORS.get(name, ()):
            return True
        if isinstance(error.value, Instance) and isinstance(error.value.cls, ClassV) and each in error.value.cls.mro:
            return True
    return False


@register(EXEC, cst.Match)
def match_(run: Run, node: cst.Match, frame: Frame) -> int | None:
    from vglint.interp.syntax.patterns import matches

    subject = evaluate(run, node.subject, frame)
    site = Site(frame.unit, node.subject)
    arms: list[Any] = []
    for case in node.cases:
        bound: list[tuple[str, Value]] = []
        known = matches(run, case.pattern, subject, frame, bound, site)
        if known is False:
            continue

        def arm(case: cst.MatchCase = case, bound: list[tuple[str, Value]] = bound) -> int | None:
            for name, value in bound:
                run.put(frame.scope.names, name, value)
            return block(run, body_of(case), frame)

        if case.guard is not None and known:
            for name, value in bound:
                run.put(frame.scope.names, name, value)
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


@lru_cache(maxsize=1024)
def _text(node: cst.CSTNode) -> str:
    """Returns the source of an expression, shortened."""
    text = source_of(node).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "…"
