"""What a call does to one layer, it does to the next that is alike: initialisers are walked once for each kind of layer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import FieldKey, Log
from vglint.interp.values.objects import External, FunctionV, Locals, MethodV, ModuleV, ParamV, Scope, Site, Value

Key: TypeAlias = Hashable
_SCALARS = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call wrote: fields of the layer's parameters, its attributes; `version` and `clock` say when that was true."""

    fields: tuple[tuple[str, str, Any, Site | None], ...]
    attrs: tuple[tuple[str, Value], ...]
    returns: bool
    """It returned the layer, not None."""
    version: int
    clock: int
    read: tuple[dict[str, Value], ...]
    """What else the call may read: attributes of the other arguments, names of calls around functions."""
    others: tuple[Value, ...]
    """The other arguments, which the key names by identity."""


def layer_among(args: list[Value]) -> ModuleV | None:
    """Returns the one layer without parts of its own that is given to a call."""
    found = None
    for arg in args:
        if type(arg) is ModuleV and not arg.modules and not arg.opaque and (arg.parameters or arg.spelling is not None):
            if found is not None:
                return None
            found = arg
    return found


def called_on(run: Run, function: FunctionV, layer: ModuleV, args: list[Value], walk: Callable[[], Value]) -> Value:
    """Calls a function on a layer: replays what it did to one that is alike, else walks it and keeps what it does."""
    key = _key(function, layer, args)
    if key is None:
        return walk()
    effect = run.journal.learnt.effects.get(key, walk)
    if effect is None:  # it does more than to the layer
        return walk()
    if isinstance(effect, Effect) and _holds(run, effect):
        run.budget.tick()
        for name, field, value, site in effect.fields:
            param = _named(layer)[name]
            run.journal.set_field(param, field, value)
            run.graph.init_sites[id(param)] = site
        for name, value in effect.attrs:
            run.journal.put(layer.attrs, name, value)
        return layer if effect.returns else None
    before = len(run.graph.nodes), len(run.graph.modules), len(run.graph.gaps)
    with run.journal.recorded() as written:
        result = walk()
    alone = before == (len(run.graph.nodes), len(run.graph.modules), len(run.graph.gaps)) and (
        result is None or result is layer
    )
    others = tuple(arg for arg in args if arg is not layer)
    run.journal.learnt.effects[key] = _effect(run, function, layer, written, result is layer, others) if alone else None
    return result


def _holds(run: Run, effect: Effect) -> bool:
    """Whether nothing was written since that the call may read: only names of calls, parameters and attributes of other modules."""
    return effect.version == run.journal.version and all(
        run.journal.written.get(id(table), 0) <= effect.clock for table in effect.read
    )


def _read_by(function: FunctionV, others: tuple[Value, ...]) -> Iterator[dict[str, Value]]:
    yield from _around(function)
    for other in others:
        if isinstance(other, MethodV):
            yield from _read_by(function, (other.function, other.self))
        elif isinstance(other, FunctionV):
            yield from _around(other)
        elif isinstance(other, ModuleV):
            yield other.attrs


def _effect(
    run: Run, function: FunctionV, layer: ModuleV, written: Log, returns: bool, others: tuple[Value, ...]
) -> Effect | None:
    names = {id(param): name for name, param in _named(layer).items()}
    fields: dict[tuple[str, str], tuple[Any, Site | None]] = {}
    attrs: dict[str, Value] = {}
    for holder, place, _ in written:
        if type(holder) is Locals:
            continue
        if isinstance(holder, ParamV) and id(holder) in names and isinstance(place, FieldKey):
            fields[names[id(holder)], place.name] = getattr(holder, place.name), run.graph.init_sites.get(id(holder))
        elif holder is layer.attrs and place in layer.attrs and isinstance(layer.attrs[place], _SCALARS):
            attrs[place] = layer.attrs[place]
        else:
            return None
    kept = tuple((name, field, value, site) for (name, field), (value, site) in fields.items())
    return Effect(
        kept,
        tuple(attrs.items()),
        returns,
        run.journal.version,
        run.journal.clock,
        tuple(_read_by(function, others)),
        others,
    )


def _key(function: FunctionV, layer: ModuleV, args: list[Value]) -> Key | None:
    """Returns what two calls must agree in; None where that cannot be said."""
    parts: list[Hashable] = [id(function.node), id(function.scope)]
    for arg in args:
        if arg is layer:
            parts.append(_kind(layer))
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


def _around(function: FunctionV) -> Iterator[dict[str, Value]]:
    """Yields the names of the calls around a function, which it reads."""
    scope: Scope | None = function.scope
    while scope is not None and scope.names is not scope.module.names:
        yield scope.names
        scope = scope.parent


def _named(layer: ModuleV) -> dict[str, ParamV]:
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
