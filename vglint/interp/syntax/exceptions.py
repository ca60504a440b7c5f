"""`raise`, `assert`, `try` and `with`: exceptions, and what is done at their way out."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import EXEC, Frame, Raised, Run, block, evaluate, register
from vglint.interp.protocols import comparison
from vglint.interp.protocols.contexts import enter, leave, raised_object
from vglint.interp.syntax.assignment import assign, bind
from vglint.interp.values.objects import ClassV, External, FunctionV, Instance, MethodV, Site, Value
from vglint.source import code
from vglint.source.names import target_names
from vglint.value import Unknown


@register(EXEC, code.Raise)
def raise_(run: Run, node: code.Raise, frame: Frame) -> int | None:
    if node.exception is None and run.context.handling:
        raise run.context.handling[-1]
    value = None if node.exception is None else evaluate(run, node.exception, frame)
    name = "Exception"
    if isinstance(value, External):
        name = value.name
    elif isinstance(value, Instance):
        name = value.cls.name
    elif isinstance(value, ClassV):
        name = value.name
    elif isinstance(value, Unknown) and isinstance(value.origin, (origin.Name, origin.Call)):
        name = value.origin.name if isinstance(value.origin, origin.Name) else value.origin.callee
    name = name.rsplit(".", 1)[-1]
    if name in _MISSING_PACKAGE and not run.context.trying:
        return None  # what the code needs is taken to be installed where it runs
    raise Raised(name, value, Site(frame.unit, node))


_MISSING_PACKAGE = frozenset({"ImportError", "ModuleNotFoundError"})


@register(EXEC, code.Assert)
def assert_(run: Run, node: code.Assert, frame: Frame) -> int | None:
    known = comparison.truth(run, evaluate(run, node.test, frame), frame, Site(frame.unit, node))
    if known is False and run.context.trying:
        raise Raised("AssertionError", None, Site(frame.unit, node))
    return None


@register(EXEC, code.With)
def with_(run: Run, node: code.With, frame: Frame) -> int | None:
    with run.graph.inside(run.graph.region):
        return _entered(run, node, 0, frame)


def _entered(run: Run, node: code.With, number: int, frame: Frame) -> int | None:
    """Enters the managers from one on, outermost first, walks the body, and leaves them in reverse."""
    if number == len(node.items):
        return block(run, node.body, frame)
    item = node.items[number]
    site = Site(frame.unit, item.context)
    if (
        isinstance(item.context, code.Call)
        and _calls_once(item.context)
        and _is_managed(evaluate(run, item.context.func, frame))
    ):
        return _managed(run, node, number, frame)
    if isinstance(item.context, code.Call) and evaluate(run, item.context.func, frame) == _SUPPRESS:
        return _suppressing(run, node, item.context, number, frame)
    value = evaluate(run, item.context, frame)
    entered = enter(run, value, frame, site)
    if item.target is not None:
        assign(run, item.target, entered, frame)
    try:
        flow = _entered(run, node, number + 1, frame)
    except Raised as error:
        if leave(run, value, error, frame, site):
            return None
        raise
    leave(run, value, None, frame, site)
    return flow


_SUPPRESS = External("contextlib.suppress")


def _suppressing(run: Run, node: code.With, manager: code.Call, number: int, frame: Frame) -> int | None:
    """Walks the body of `with suppress(KeyError)`, which an exception of these kinds ends."""
    try:
        with run.context.having(trying=True):
            return _entered(run, node, number + 1, frame)
    except Raised as error:
        if any(_catches(run, kind, error, frame) for kind in manager.args):
            return None
        raise


def _calls_once(node: code.Call) -> bool:
    """Whether nothing else is called on the way to a call."""
    given = [*node.args, *(each.value for each in node.keywords), node.func]
    return not any(isinstance(each, code.Call) for arg in given for each in code.walk(arg))


def _is_managed(callee: Value) -> bool:
    """Whether a call makes a context manager of a generator that yields at one place, outside loops."""
    function = callee.function if isinstance(callee, MethodV) else callee
    if not isinstance(function, FunctionV) or not function.manages:
        return False
    found = [each for each in code.walk(function.node) if isinstance(each, code.Yield | code.For | code.While)]
    return len(found) == 1 and isinstance(found[0], code.Yield) and not found[0].delegates


def _managed(run: Run, node: code.With, number: int, frame: Frame) -> int | None:
    """Walks a generator that manages a `with`, and the body at its `yield`: in the regions that it opens, inside its `try`."""
    item, context = node.items[number], run.context
    flows: list[int | None] = []
    around = {name: getattr(context, name) for name in ("cached", "borrowed", "trying", "guarded")}

    def body(value: Value) -> None:
        with context.having(**around):
            if item.target is not None:
                assign(run, item.target, value, frame)
            flows.append(_entered(run, node, number + 1, frame))

    with context.having(resume=body):
        evaluate(run, item.context, frame)
    return flows[0] if flows else _entered(run, node, number + 1, frame)


@register(EXEC, code.Try)
def try_(run: Run, node: code.Try, frame: Frame) -> int | None:
    flow: int | None = None
    region = run.graph.region
    try:
        with run.context.having(
            trying=bool(node.handlers) or run.context.trying,
            otherwise=_defined_otherwise(node) or run.context.otherwise,
        ):
            flow = block(run, node.body, frame)
        if flow is None:
            flow = block(run, node.orelse, frame)
    except Raised as error:
        run.graph.region = region
        handler = next((each for each in node.handlers if _catches(run, each.caught, error, frame)), None)
        if handler is None:
            block(run, node.final, frame)
            raise
        if handler.name is not None:
            bind(run, handler.name, raised_object(error, error.site), frame.scope)
        with run.context.having(guarded=True, handling=(*run.context.handling, error)):
            flow = block(run, handler.body, frame)
    ended = block(run, node.final, frame)
    return ended if ended is not None else flow


def _defined_otherwise(node: code.Try) -> frozenset[str]:
    """Returns the names that handlers bind to more than a constant, where the body imports something."""
    if not any(isinstance(each, (code.Import, code.ImportFrom)) for each in node.body):
        return frozenset()
    found: set[str] = set()
    for each in (part for handler in node.handlers for part in handler.body):
        match each:
            case code.Class(name=name) | code.Function(name=name):
                found.add(name)
            case code.ImportFrom(aliases=aliases):
                found.update(alias.asname or alias.name for alias in aliases)
            case code.Assign(targets=targets, value=value) if not isinstance(value, code.Constant):
                found.update(name for target in targets for name in target_names(target))
            case _:
                pass
    return frozenset(found)


_IMPORT_ERRORS = {"ImportError": ("ModuleNotFoundError",)}


def _catches(run: Run, kind: code.Expression | None, error: Raised, frame: Frame) -> bool:
    if kind is None:
        return True
    caught = evaluate(run, kind, frame)
    for each in caught if isinstance(caught, tuple) else (caught,):
        name = each.name if isinstance(each, (External, ClassV)) else _unknown_name(each)
        name = name.rsplit(".", 1)[-1]
        if name in ("Exception", "BaseException", error.name) or error.name in _IMPORT_ERRORS.get(name, ()):
            return True
        if isinstance(error.value, Instance) and isinstance(error.value.cls, ClassV) and each in error.value.cls.mro:
            return True
    return False


def _unknown_name(value: Value) -> str:
    return value.origin.name if isinstance(value, Unknown) and isinstance(value.origin, origin.Name) else ""
