"""What a call does to one layer or parameter, it does to the next that is alike: initialisers are walked once for each kind of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import FieldKey, Log
from vglint.interp.values.objects import (
    External,
    FunctionV,
    IteratorV,
    Locals,
    MethodV,
    ModuleV,
    ParamV,
    ParamView,
    Scope,
    Site,
    Value,
)
from vglint.source import code

Key: TypeAlias = Hashable
Target: TypeAlias = ModuleV | ParamV | ParamView
_SCALARS = (bool, int, float, str, type(None))


class Effect(Struct, frozen=True):
    """What a call wrote: fields of the layer's parameters, its attributes; `version` and `clock` say when that was true."""

    fields: tuple[tuple[str, str, Any, Site | None], ...]
    attrs: tuple[tuple[str, Value], ...]
    returns: bool
    """It returned the layer, not None."""
    steps: int
    version: int
    clock: int
    read: tuple[dict[str, Value], ...]
    """What else the call may read: attributes of the other arguments, names of calls around functions."""
    others: tuple[Value, ...]
    """The function and the other arguments, which the key names by identity."""


def target_among(run: Run, function: FunctionV, args: list[Value], keywords: dict[str, Value]) -> Target | None:
    """Returns the one layer without parts of its own that is given to a call, or the one parameter."""
    layer: ModuleV | None = None
    param: ParamV | ParamView | None = None
    several = False
    for arg in (*args, *keywords.values()) if keywords else args:
        if type(arg) is ModuleV:
            if not arg.modules and not arg.opaque and (arg.parameters or arg.spelling is not None):
                if layer is not None:
                    return None
                layer = arg
        elif type(arg) is ParamV or type(arg) is ParamView:
            several = param is not None
            param = arg
    if layer is not None or several:
        return layer
    if run.graph.trained or (run.context.training_code and not run.context.constructing):
        return None
    return None if function.scope.module.prefix else param


def called_on(
    run: Run,
    function: FunctionV,
    layer: Target,
    args: list[Value],
    keywords: dict[str, Value],
    walk: Callable[[], Value],
) -> Value:
    """Calls a function on a layer or a parameter: replays what it did to one that is alike, else walks it and keeps what it does."""
    key = _key(function, layer, args, keywords)
    if key is None:
        return walk()
    effect = run.journal.learnt.effects.get(key, walk)
    if effect is None:  # it does more than to the layer
        return walk()
    if isinstance(effect, Effect) and _holds(run, effect):
        run.budget.tick(effect.steps)
        for name, field, value, site in effect.fields:
            param = _named(layer)[name]
            run.journal.set_field(param, field, value)
            run.graph.note_init(param, site)
        if isinstance(layer, ModuleV):
            for name, value in effect.attrs:
                run.journal.put(layer.attrs, name, value)
        return layer if effect.returns else None
    before = len(run.graph.nodes), len(run.graph.modules), len(run.graph.gaps)
    steps = run.budget.steps
    with run.journal.recorded() as written:
        result = walk()
    alone = before == (len(run.graph.nodes), len(run.graph.modules), len(run.graph.gaps)) and (
        result is None or result is layer
    )
    others = tuple(arg for arg in (*args, *keywords.values()) if arg is not layer)
    # A layer given by place costs one step when it is replayed, anything else what its walk did.
    cost = 1 if isinstance(layer, ModuleV) and not keywords else run.budget.steps - steps
    effect = _effect(run, function, layer, written, result is layer, others, cost) if alone else None
    run.journal.learnt.effects[key] = effect
    return result


def _holds(run: Run, effect: Effect) -> bool:
    """Whether nothing was written since that the call may read: only names of calls, parameters and attributes of other modules."""
    return effect.version == run.journal.version and all(
        run.journal.written.get(id(table), 0) <= effect.clock for table in effect.read
    )


def _read_by(function: FunctionV, others: tuple[Value, ...]) -> Iterator[dict[str, Value]]:
    yield from names_around(function)
    for other in others:
        if isinstance(other, MethodV):
            yield from _read_by(function, (other.function, other.self))
        elif isinstance(other, FunctionV):
            yield from names_around(other)
        elif isinstance(other, ModuleV):
            yield other.attrs


def _effect(
    run: Run,
    function: FunctionV,
    layer: Target,
    written: Log,
    returns: bool,
    others: tuple[Value, ...],
    steps: int,
) -> Effect | None:
    names = {id(param): name for name, param in _named(layer).items()}
    fields: dict[tuple[str, str], tuple[Any, Site | None]] = {}
    attrs: dict[str, Value] = {}
    for holder, place, _ in written:
        if type(holder) is Locals or type(holder) is IteratorV:
            continue
        if isinstance(holder, ParamV) and id(holder) in names and isinstance(place, FieldKey):
            fields[names[id(holder)], place.name] = getattr(holder, place.name), run.graph.init_site(holder)
        elif (
            isinstance(layer, ModuleV)
            and holder is layer.attrs
            and place in layer.attrs
            and isinstance(layer.attrs[place], _SCALARS)
        ):
            attrs[place] = layer.attrs[place]
        else:
            return None
    kept = tuple((name, field, value, site) for (name, field), (value, site) in fields.items())
    return Effect(
        kept,
        tuple(attrs.items()),
        returns,
        steps,
        run.journal.version,
        run.journal.clock,
        tuple(_read_by(function, others)),
        (function, *others),
    )


def _key(function: FunctionV, layer: Target, args: list[Value], keywords: dict[str, Value]) -> Key | None:
    """Returns what two calls must agree in; None where that cannot be said."""
    parts: list[Hashable] = [id(function.node), id(function.scope)]
    if keywords:
        unread = _unread(function.node)
        named = {name: value for name, value in keywords.items() if name not in unread}
        parts += [len(args), *named]
        args = [*args, *named.values()]
    for arg in args:
        if arg is layer:
            parts.append(_kind(layer) if isinstance(layer, ModuleV) else _kind_of_param(layer))
        elif isinstance(arg, MethodV) and isinstance(arg.function, FunctionV):
            parts.append(("method", id(arg.function.node), id(arg.self)))
        elif isinstance(arg, (ModuleV, FunctionV)):
            parts.append(("one", id(arg)))
        elif isinstance(arg, _SCALARS):
            parts.append((type(arg), arg))
        else:
            return None
    key = tuple(parts)
    try:
        hash(key)
    except TypeError:
        return None
    return None if any(part is None for part in parts) else key


def _unread(function: code.Function | code.Lambda) -> frozenset[str]:
    """Returns the parameters of a function that its body never mentions: the name of a layer, as `named_apply` gives it."""
    known = _UNREAD.get(id(function))
    if known is not None and known[0] is function:
        return known[1]
    body = (function.body,) if isinstance(function, code.Lambda) else function.body
    used = {each.id for each in code.walk(*body) if isinstance(each, code.Name)}
    taken = function.parameters
    names = {each.name for each in (*taken.positional, *taken.keyword_only)}
    found = frozenset() if used & {"locals", "vars", "eval", "exec"} else frozenset(names - used)
    if len(_UNREAD) > _MOST:
        _UNREAD.clear()
    _UNREAD[id(function)] = function, found
    return found


_MOST = 1_024
_UNREAD: dict[int, tuple[code.Function | code.Lambda, frozenset[str]]] = {}
"""What was found out about functions, by the identity of their trees."""


def names_around(function: FunctionV) -> Iterator[dict[str, Value]]:
    """Yields the names of the calls around a function, which it reads."""
    scope: Scope | None = function.scope
    while scope is not None and scope.names is not scope.module.names:
        yield scope.names
        scope = scope.parent


def _named(layer: Target) -> dict[str, ParamV]:
    if isinstance(layer, ParamV):
        return {"": layer}
    if isinstance(layer, ParamView):
        return {"": layer.param}
    both = {**layer.buffers, **layer.parameters}
    return {name: param for name, param in both.items() if isinstance(param, ParamV)}


def _kind(layer: ModuleV) -> Hashable | None:
    """Returns what a function may find out about a layer, save its identity."""
    if layer.loops or layer.unnamed or layer.parametrised or layer.view:
        return None
    params = tuple(
        (name, (param.shape, param.init, param.trainable, param.buffer, param.computed))
        if isinstance(param, ParamV)
        else (name, param)
        for table in (layer.parameters, layer.buffers)
        for name, param in table.items()
    )
    cls = layer.cls.name if isinstance(layer.cls, External) else id(layer.cls)
    attrs = tuple((name, value if isinstance(value, _SCALARS) else id(value)) for name, value in layer.attrs.items())
    return cls, tuple(layer.config.items()), params, attrs


def _kind_of_param(given: ParamV | ParamView) -> Hashable | None:
    """Returns the same of a parameter, or of a part of one."""
    param = given.param if isinstance(given, ParamView) else given
    if param.node is not None or param.anew or param.leaf or param.frozen is not None:
        return None
    view = (given.whole, given.cut, given.blocks, given.shape, given.rows) if isinstance(given, ParamView) else None
    return view, param.shape, param.init, param.trainable, param.buffer, param.computed, param.name
