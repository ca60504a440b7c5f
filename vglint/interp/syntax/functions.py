"""Calls: functions, methods, classes, partials, library names."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.answers import answered
from vglint.interp.machine.budget import RECURSION, RECURSION_UNKNOWN
from vglint.interp.machine.core import (
    Flow,
    Frame,
    Raised,
    Run,
    block,
    evaluate,
    opaque,
    register,
)
from vglint.interp.machine.defaults import default_of
from vglint.interp.machine.questions import CALL
from vglint.interp.nodes.emit import under_no_grad
from vglint.interp.syntax.branches import returned_value
from vglint.interp.syntax.remainders import close_remainders
from vglint.interp.torch.replay import called_on, target_among
from vglint.interp.values.inside import as_tuple
from vglint.interp.values.objects import (
    UNKNOWN_LENGTH,
    ClassV,
    DictV,
    FunctionV,
    Instance,
    IteratorV,
    Locals,
    RepeatV,
    Scope,
    Site,
    Value,
)
from vglint.source import code
from vglint.value import Unknown


@register(CALL, FunctionV)
def call_function(
    run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if function.memo is not None and all(isinstance(each, _KEYS) for each in (*args, *keywords.values())):
        return _remembered(run, function, args, keywords, frame, site)
    target = target_among(run, function, args, keywords) if run.context.setup else None
    if target is None and function.owner is not None:
        return _walked(run, function, args, keywords, frame, site)
    if target is None:
        return answered(run, function, args, keywords, lambda: _walked(run, function, args, keywords, frame, site))
    return called_on(run, function, target, args, keywords, lambda: _walked(run, function, args, keywords, frame, site))


_KEYS = (int, float, str, type(None))


def _remembered(
    run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Calls a function that keeps what it returns, once for the same arguments."""
    assert function.memo is not None
    key = (*args, *sorted(keywords.items(), key=lambda pair: pair[0]))
    if key not in function.memo:
        run.journal.put(function.memo, key, _walked(run, function, args, keywords, frame, site))
    return function.memo[key]


def _tells_nothing(function: FunctionV, args: list[Value], keywords: dict[str, Value]) -> bool:
    """Whether a function gets nothing, beside the object that it is a method of, but what is not known."""
    bound = function.owner is not None and bool(args) and isinstance(args[0], (Instance, ClassV))
    given = (*args[bound:], *keywords.values())
    return bool(given) and all(isinstance(each, Unknown) for each in given)


def _walked(
    run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    # What one decorator puts around different functions is not one function within itself.
    which = id(function.wraps or function.node)
    blind = bool(run.context.forks) and _tells_nothing(function, args, keywords)
    if blind and which in run.budget.blind:
        # What it does to one thing that is not known it does to all: the branch that this call stands in leaves as much.
        return Unknown(origin.Computed(f"{function.name}()"))
    if run.budget.reaches(which, RECURSION_UNKNOWN if run.context.forks else RECURSION):
        run.graph.gap(origin.Budget("calls within calls"), site)
        return opaque(run, origin.Budget("calls within calls"), [*args, *keywords.values()], site)
    names = bind_arguments(run, function, args, keywords, site)
    scope = Scope(names, function.scope, function.scope.module)
    owner = run.context.modules_running[-1] if run.context.modules_running else None
    self_ = (
        args[0]
        if function.owner is not None and args
        else frame.self_
        if function.owner is None and type(function.node) is code.Lambda
        else None
    )
    inner = Frame(
        scope,
        function.unit,
        owner,
        self_,
        function.owner or (frame.cls if type(function.node) is code.Lambda else None),
        loops=len(run.context.open_loops),
        name=function.name,
        called=site,
        resume=run.context.resume,
    )
    if self_ is None and function.owner is None:
        inner.self_, inner.cls = _enclosing_self(function, frame)
    # What three `with` would do, at a third of their cost: calls are what programs are made of.
    context, graph = run.context, run.graph
    cached, borrowed, region = context.cached, context.borrowed, graph.region
    if not function.scope.module.prefix:
        context.borrowed = None  # the user's own code, which a description calls
    elif borrowed is None:
        context.borrowed = site
    context.cached = function.cached or cached
    context.resume = None
    open_ = run.budget.enter(which)
    if blind:
        run.budget.blind.add(which)
    try:
        for guard in function.regions:
            if guard.region != "none" and (guard.region != "grad" or under_no_grad(run, graph.region)):
                run.graph.open_region(guard.region, guard.text, site, role=guard.role)
        if isinstance(function.node, code.Lambda):
            return evaluate(run, function.node.body, inner)
        try:
            flow = block(run, function.node.body, inner)
        except Raised as error:
            if not inner.returned:
                error.abstract = error.abstract or (error.name == "NotImplementedError" and _only_raises(function.node))
                raise
            # The paths of an unknown branch that returned before are the ones that the program takes.
            flow, inner.result = Flow.RETURN, inner.returned.pop()
        if inner.yields is not None:
            if inner.yields and len(inner.turns) == len(inner.yields):
                one = inner.yields[0]
                plain = isinstance(
                    one, (int, float, str)
                )  # what one turn yields is what the next does only where it computes
                return IteratorV(None, Unknown(origin.Length("generator")) if plain else one, inner.turns[0])
            return IteratorV(inner.yields)
        close_remainders(run, inner)
        result = returned_value(run, inner, flow if flow == Flow.RETURN else None, site)
        graph.leave(region)
        region = graph.region
        return result
    finally:
        graph.region, context.cached, context.borrowed = region, cached, borrowed
        run.budget.leave(which, open_)
        if blind:
            run.budget.blind.discard(which)


def _only_raises(node: code.Function | code.Lambda) -> bool:
    """Whether a function's body is nothing but a docstring and one `raise`."""
    if isinstance(node, code.Lambda):
        return False
    said = (isinstance(each, code.Raise) or _is_docstring(each) for each in node.body)
    return len(node.body) <= 2 and all(said)


def _is_docstring(node: code.Statement) -> bool:
    return isinstance(node, code.Expr) and isinstance(node.value, code.Constant) and isinstance(node.value.value, str)


def _enclosing_self(function: FunctionV, frame: Frame) -> tuple[Value, ClassV | None]:
    """A function nested in a method may use `super()` of the method around it."""
    around = function.scope
    if around is frame.scope:
        return frame.self_, frame.cls
    return None, None


def bind_arguments(
    run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value], site: Site
) -> dict[str, Value]:
    """Returns the local names of a call; an argument that is missing is unknown, one too many is dropped, with a gap."""
    params = function.node.parameters
    names: dict[str, Value] = Locals()
    rest = dict(keywords)
    blanket = rest.pop("**", None)
    position = 0
    args = _placed(args, len(params.positional_only) + len(params.positional))
    for param in params.positional_only:
        names[param.name] = _argument(run, function, param, args, position, {}, blanket)
        position += 1
    given = len(args)
    for param in params.positional:
        names[param.name] = (
            args[position] if position < given else _argument(run, function, param, args, position, rest, blanket)
        )
        position += 1
    if params.rest is not None:
        names[params.rest.name] = as_tuple(args[position:])
    elif len(args) > position:
        run.graph.gap(origin.Computed(f"{function.name}() is given {len(args) - position} too many"), site)
    for param in params.keyword_only:
        names[param.name] = _argument(run, function, param, [], 0, rest, blanket)
    if run.context.trying and params.others is None and rest:
        raise Raised("TypeError")
    if params.others is not None:
        names[params.others.name] = DictV(dict(rest), complete=blanket is None)
    return names


def _placed(args: list[Value], count: int) -> list[Value]:
    """Returns arguments of which those are unknown whose place depends on how often another is repeated."""
    for first, arg in enumerate(args):
        if type(arg) is RepeatV:
            return args if first >= count else [*args[:first], *[UNKNOWN_LENGTH] * (count - first), UNKNOWN_LENGTH]
    return args


def _argument(
    run: Run,
    function: FunctionV,
    param: code.Parameter,
    args: list[Value],
    position: int,
    keywords: dict[str, Value],
    blanket: Value,
) -> Value:
    name = param.name
    if position < len(args):
        return args[position]
    if name in keywords:
        return keywords.pop(name)
    return default_of(run, function, name) if name in function.defaults else Unknown(origin.Argument(name))
