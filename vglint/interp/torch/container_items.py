"""What containers of modules answer when they are iterated over or indexed."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Run, call, register
from vglint.interp.machine.questions import CONTAINS, ITEM, ITERATE, SET_ITEM
from vglint.interp.protocols.iteration import Items, listed
from vglint.interp.protocols.repeats import at, is_repeated, left_of
from vglint.interp.protocols.tensor_parts import plain_key
from vglint.interp.torch.containers import GAP, add, make_uneven, parts_of
from vglint.interp.torch.leaves import leaf_base
from vglint.interp.torch.module_methods import forget_init
from vglint.interp.torch.modules import register_unnamed
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import MethodV, ModuleV, OpenLoop, ParamV, RepeatV, Site, Value
from vglint.value import Unknown


@register(ITERATE, ModuleV)
def items(run: Run, module: ModuleV, frame: Frame, site: Site) -> Items:
    """Returns what iterating over a container yields: its children, of a dict the names."""
    if GAP in module.attrs:
        return Items(
            None,
            Unknown(origin.Computed("entries of a module list")),
            Unknown(origin.Length("entries of a module list")),
        )
    base = leaf_base(module.cls)
    names = list(module.modules) or list(module.parameters)
    if base is not None and base.name in ("torch.nn.ModuleDict", "torch.nn.ParameterDict"):
        return Items(list(names))
    return listed(parts_of(module))


@register(ITEM, ModuleV)
def item(run: Run, value: ModuleV, key: Value, frame: Frame, site: Site) -> Value:
    method = find_in_mro(value.cls, "__getitem__")
    if method is not None:
        return call(run, MethodV(method[0], value), [key], {}, frame, site)
    table = value.modules or value.parameters
    if isinstance(key, str):
        return table.get(key, value.attrs.get(key, Unknown(origin.Name(f"[{key!r}]"))))
    parts = parts_of(value)
    if len(table) == 1 and is_repeated(parts):
        if not isinstance(key, slice):
            return next(iter(table.values()))
        return value if key == slice(None) else _some_of(run, value, key, site)
    plain = plain_key(key)
    if plain is None:
        run.graph.indexed.append(len(table))
        if not run.context.modules_running:  # whoever builds or fills a model may change what it is handed
            forget_init(run, value, site)
        return Unknown(origin.Computed("index of a module list"))
    try:
        found = at(parts, plain)
    except (IndexError, TypeError):
        return Unknown(origin.Call("index out of range"))
    if not isinstance(found, list):
        return found
    part = ModuleV(value.cls, {}, value.origin)
    if is_repeated(found):
        for each in found:
            add(run, part, each, site)
        part.view = True
        return part
    for number, (name, child) in enumerate(list(table.items())[plain]):
        (part.modules if isinstance(child, ModuleV) else part.parameters)[str(number) if name.isdigit() else name] = (
            child
        )
    part.view = True
    return part


def _some_of(run: Run, value: ModuleV, key: slice, site: Site) -> ModuleV:
    """Returns a part of a container that a loop of unknown length filled with one layer a turn: one less of them, or nobody knows how many."""
    part = ModuleV(value.cls, {}, value.origin)
    for each in parts_of(value):
        if isinstance(each, RepeatV):
            left = left_of(each.turns, key)
            add(run, part, RepeatV(each.items, left, OpenLoop(left)), site)
    part.view = True
    return part


@register(CONTAINS, ModuleV)
def contains(run: Run, holder: ModuleV, item: Value, frame: Frame, site: Site) -> bool | None:
    return item in holder.modules if isinstance(item, str) else None


@register(SET_ITEM, ModuleV)
def set_item(run: Run, holder: ModuleV, key: Value, value: Value, frame: Frame, site: Site) -> None:
    if isinstance(key, str):
        run.journal.put(
            holder.modules
            if isinstance(value, ModuleV)
            else holder.parameters
            if isinstance(value, ParamV)
            else holder.attrs,
            key,
            value,
        )
    elif isinstance(key, int):
        names = list(holder.modules)
        make_uneven(holder)
        if -len(names) <= key < len(names):
            run.journal.put(holder.modules, names[key], value)
    else:
        register_unnamed(run, value, site)
