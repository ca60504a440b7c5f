"""Binding: targets of assignments, imports, deletion."""

from __future__ import annotations

from contextlib import suppress

from vglint.interp.machine.core import Frame, Run, call, evaluate
from vglint.interp.nodes.ranks import learn
from vglint.interp.protocols.attributes import delete_attribute, set_attribute
from vglint.interp.protocols.indexing import set_index
from vglint.interp.protocols.iteration import items_of
from vglint.interp.protocols.repeats import forget_number
from vglint.interp.protocols.tensor_parts import dimension, index_tensor
from vglint.interp.torch.making import METHODS
from vglint.interp.torch.module_methods import change_any_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    DictV,
    Instance,
    ListV,
    MethodV,
    ModuleV,
    Scope,
    ShapeV,
    Site,
    TensorV,
    Value,
)
from vglint.source import code
from vglint.value import Unknown


def assign(run: Run, target: code.Expression, value: Value, frame: Frame) -> None:
    """Binds a value to an assignment target."""
    match target:
        case code.Name(id=name):
            bind(run, name, value, frame.scope)
            if isinstance(value, ModuleV) and not run.context.modules_running and not run.context.setup:
                run.graph.roots.setdefault(name, value)
        case code.Attribute():
            holder = evaluate(run, target.value, frame)
            if isinstance(holder, Unknown):
                change_any_of(run, target.value, frame)
            set_attribute(run, holder, target.attr, value, frame, Site(frame.unit, target))
        case code.Subscript():
            holder = evaluate(run, target.value, frame)
            set_index(run, holder, evaluate(run, target.key, frame), value, frame, Site(frame.unit, target))
        case code.Display():
            _unpack(run, list(target.elements), value, frame, Site(frame.unit, target))
        case code.Starred():
            assign(run, target.value, value, frame)
        case _:
            pass


def bind(run: Run, name: str, value: Value, scope: Scope) -> None:
    if name in scope.globals:
        run.journal.put(scope.module.names, name, value)
        return
    if name in scope.nonlocals:
        around = scope.parent
        while around is not None:
            if name in around.names:
                run.journal.put(around.names, name, value)
                return
            around = around.parent
    run.journal.put(scope.names, name, value)


def _unpack(run: Run, elements: list[code.Expression], value: Value, frame: Frame, site: Site) -> None:
    starred = next((position for position, element in enumerate(elements) if isinstance(element, code.Starred)), None)
    if isinstance(value, ShapeV) and starred is None:
        sizes = name_sizes(run, value.tensor, value.skip + len(elements) + value.cut)
        value = sizes[value.skip : value.skip + len(elements)]
    found = items_of(run, value, frame, site)
    if found.items is None or (
        len(found.items) != len(elements) if starred is None else len(found.items) < len(elements) - 1
    ):
        for position, element in enumerate(elements):
            assign(
                run,
                element,
                ListV([found.item], found.count)
                if position == starred
                else _part(run, value, position, found.item, site),
                frame,
            )
        return
    if starred is None:
        for element, item in zip(elements, found.items, strict=False):
            assign(run, element, item, frame)
        return
    after = len(elements) - starred - 1
    for element, item in zip(elements[:starred], found.items, strict=False):
        assign(run, element, item, frame)
    end = len(found.items) - after
    assign(run, elements[starred], ListV(found.items[starred:end]), frame)
    for element, item in zip(elements[starred + 1 :], found.items[end:], strict=False):
        assign(run, element, item, frame)


def _part(run: Run, value: Value, position: int, item: Value, site: Site) -> Value:
    """Returns one of the values that something of unknown length is unpacked into."""
    if isinstance(value, TensorV):
        return index_tensor(run, value, position, site)
    return item


def name_sizes(run: Run, tensor: TensorV, rank: int) -> tuple[Value, ...]:
    """Gives names to the sizes of a tensor whose rank has just become known, and returns them."""
    learn(run, tensor, rank)
    return tuple(dimension(run, tensor, position) for position in range(rank))


def delete(run: Run, target: code.Expression, frame: Frame) -> None:
    match target:
        case code.Name(id=name):
            run.journal.drop(frame.scope.names, name)
        case code.Attribute():
            delete_attribute(run, evaluate(run, target.value, frame), target.attr)
        case code.Subscript():
            holder, key = evaluate(run, target.value, frame), evaluate(run, target.key, frame)
            if isinstance(holder, DictV) and isinstance(key, (str, int)):
                run.journal.drop(holder.items, key)
            elif isinstance(holder, ListV) and holder.count is None and isinstance(key, (int, slice)):
                forget_number(run, holder)
                with suppress(IndexError, TypeError):
                    del holder.items[key]
            elif type(holder) is Instance and (own := find_in_mro(holder.cls, "__delitem__")) is not None:
                call(run, MethodV(own[0], holder), [key], {}, frame, Site(frame.unit, target))
            elif isinstance(holder, ModuleV):
                call(run, METHODS["pop"], [holder, key], {}, frame, Site(frame.unit, target))
        case _:
            pass
