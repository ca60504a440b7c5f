"""Functions that make numbers of numbers (`get_padding(3, 2)`, `make_divisible(96)`) are walked once for the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.memory import Answer, Read
from vglint.interp.values.objects import External, FunctionV, LaterV, Scope, Value
from vglint.source import code
from vglint.source.names import bound_names, free_names

_NUMBERS = frozenset({bool, int, float, str, type(None)})
_LIBRARIES = ("builtins", "math", "operator", "itertools", "functools", "collections", "typing", "numbers", "torch.nn")
"""What functions may use of libraries and still give the same answer each time: nothing of it keeps a state."""
_WIDEST = 16
"""Entries of a tuple that is compared."""
_OTHERS = (
    code.Yield,
    code.Await,
    code.Declared,
    code.Import,
    code.ImportFrom,
    code.Class,
    code.Function,
    code.Try,
    code.With,
    code.Delete,
    code.Match,
)
"""What makes a function one that is not looked into: it may do more than to compute, or is rare among those that only do."""
_REACHING = frozenset({"globals", "locals", "vars", "eval", "exec", "setattr", "delattr", "__import__", "super"})
"""Builtins that see or change what no name of the function stands for."""
_MOST = 20_000
"""Answers that are kept."""


def answered(
    run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value], walk: Callable[[], Value]
) -> Value:
    """Returns what a function returned for the same numbers before, else walks it. It costs as many steps as its walk did."""
    given = (*args, *keywords.values()) if keywords else args
    for each in given:
        if type(each) not in _NUMBERS and type(each) is not tuple and type(each) is not External:
            return walk()
    memory = run.memory
    which = id(function)
    if which in memory.unanswered or run.context.world is not None:
        return walk()
    keys = _keys(given)
    if keys is None:
        return walk()
    key = (which, len(args), *keywords, *keys)
    answer = memory.answers.get(key)
    if answer is not None and all(names.get(name, MISSING) is meant for names, name, meant in answer.reads):
        run.budget.tick(answer.steps)
        run.context.taken |= answer.taken
        return answer.result
    return _walked(run, function, key, walk)


def _walked(run: Run, function: FunctionV, key: Hashable, walk: Callable[[], Value]) -> Value:
    memory = run.memory
    before, taken, steps = _state(run), run.context.taken, run.budget.steps
    run.context.taken = set()
    try:
        result = walk()
    finally:
        mine, run.context.taken = frozenset(run.context.taken), taken
        taken |= mine
    if _state(run) != before:
        _give_up(run, function)
        return result
    if _keys((result,)) is None:
        return result
    reads: dict[tuple[int, str], Read] = {}
    if _computes(function, reads, set()):
        if len(memory.answers) >= _MOST:
            memory.answers.clear()
        memory.answers[key] = Answer(result, run.budget.steps - steps, mine, tuple(reads.values()), function)
    else:
        _give_up(run, function)
    return result


def _give_up(run: Run, function: FunctionV) -> None:
    """Notes that a function does more than to compute."""
    known = run.memory.unanswered
    if len(known) >= _MOST:
        known.clear()
    known[id(function)] = function


def _keys(values: Iterable[Value]) -> tuple[Hashable, ...] | None:
    """Returns what tells numbers, names and tuples of them from others, types among it (`True` and `1`); None for anything else."""
    made: list[Hashable] = []
    for value in values:
        kind = type(value)
        if kind in _NUMBERS or kind is External:
            made.append((kind, value))
        elif isinstance(value, tuple) and len(value) <= _WIDEST and (inner := _keys(value)) is not None:
            made.append(inner)
        else:
            return None
    return tuple(made)


def _state(run: Run) -> tuple[object, ...]:
    """Returns what a walk leaves behind it, other than names and lists of its own."""
    graph, context = run.graph, run.context
    return (
        len(graph.nodes),
        len(graph.modules),
        len(graph.gaps),
        len(graph.regions),
        len(graph.of_none),
        graph.asked_device,
        graph.asked_turn,
        graph.chosen,
        len(context.doubted),
    )


def _computes(function: FunctionV, reads: dict[tuple[int, str], Read], seen: set[int]) -> bool:
    """Whether a function, and all those that it may call, do nothing but compute; notes the names around them that they read."""
    if id(function) in seen:
        return True
    seen.add(id(function))
    if (
        function.wraps is not None
        or function.regions
        or function.generator
        or function.cached
        or function.owner is not None
    ):
        return False
    if _keys(function.defaults.values()) is None:
        return False
    names = _read_by(function.node)
    return names is not None and all(_is_steady(name, function.scope, reads, seen) for name in names)


def _is_steady(name: str, scope: Scope, reads: dict[tuple[int, str], Read], seen: set[int]) -> bool:
    around: Scope | None = scope
    names = scope.module.names
    while around is not None:
        if name in around.names:
            names = around.names
            break
        around = around.parent
    value = names.get(name, MISSING)
    reads[id(names), name] = names, name, value
    match value:
        case FunctionV():
            return _computes(value, reads, seen)
        case External(name=dotted):
            return dotted == "torch" or any(dotted == each or dotted.startswith(f"{each}.") for each in _LIBRARIES)
        case LaterV():
            return True  # it was not asked for
        case _:
            return value is MISSING or _keys((value,)) is not None


def _read_by(function: code.Function | code.Lambda) -> frozenset[str] | None:
    """Returns the names that a function reads and does not bind; None for one that may do more than to compute."""
    known = _READ.get(id(function))
    if known is not None and known[0] is function:
        return known[1]
    body = (function.body,) if isinstance(function, code.Lambda) else function.body
    taken = function.parameters
    own = {each.name for each in (*taken.positional_only, *taken.positional, *taken.keyword_only)}
    own |= {each.name for each in (taken.rest, taken.others) if each is not None}
    if not isinstance(function, code.Lambda):
        own |= {*bound_names(function.body)}
    names = frozenset(free_names(body) - own)
    found = None if names & _REACHING or any(_is_other(each) for each in code.walk(*body)) else names
    if len(_READ) > _MOST:
        _READ.clear()
    _READ[id(function)] = function, found
    return found


_READ: dict[int, tuple[code.Function | code.Lambda, frozenset[str] | None]] = {}
"""What was found out about functions, by the identity of their trees."""


def _is_other(node: code.Node) -> bool:
    match node:
        case code.Assign(targets=targets):
            return any(isinstance(each, code.Attribute) for each in code.walk(*targets))
        case code.Augmented(target=code.Attribute()) | code.Annotated(target=code.Attribute()):
            return True
        case code.Attribute(value=code.Name(id="torch"), attr=attr):
            return attr != "nn"
        case _:
            return isinstance(node, _OTHERS)
