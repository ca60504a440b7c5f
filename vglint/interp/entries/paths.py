"""The modules that an entry built, under the paths that `named_modules()` gives them."""

from __future__ import annotations

from vglint.graph import ModuleInfo
from vglint.interp.machine.core import Run
from vglint.interp.torch.containers import GAP
from vglint.interp.torch.modules import walk
from vglint.interp.values.classes import class_name, find_in_mro
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import DictV, ListV, ModuleV, ParamV, SetV, Site, Value
from vglint.span import Span
from vglint.value import Unknown


def module_names(run: Run, roots: dict[str, ModuleV]) -> dict[int, tuple[str, bool]]:
    """Returns path and registration of every module that can be reached from the roots."""
    names: dict[int, tuple[str, bool]] = {}
    for prefix, root in roots.items():
        _name(root, prefix, names, True)
    seen: set[int] = set()
    told = any(GAP in module.attrs for module in run.graph.modules)
    for prefix, root in roots.items():
        _name_hidden(root, prefix, names, seen, told)
    counts: dict[str, int] = {}
    for module in run.graph.modules:
        if id(module) not in names and module.called:
            label = class_name(module.cls).rpartition(".")[2]
            counts[label] = counts.get(label, 0) + 1
            where = " of forward" if module.in_forward else ""
            _name(module, f"<{label} {counts[label]}{where}>" if roots else "", names, False)
    return names


def _name(module: ModuleV, path: str, names: dict[int, tuple[str, bool]], registered: bool) -> None:
    waiting = [(module, path, registered)]
    while waiting:
        each, path, registered = waiting.pop()
        if id(each) in names:
            continue
        registered = registered or each.unnamed
        names[id(each)] = (path, registered)
        waiting += [(child, _below(path, name), registered) for name, child in reversed(_children(each))]


_LISTS = ("parameters", "named_parameters")
"""Methods by which a class says itself which are its parameters."""


def lists_itself(module: ModuleV) -> bool:
    """Whether a module's class has a method of its own that says which are its parameters."""
    return any(find_in_mro(module.cls, name) is not None for name in _LISTS)


def _name_hidden(module: ModuleV, path: str, names: dict[int, tuple[str, bool]], seen: set[int], told: bool) -> None:
    """Names modules that sit in plain lists, tuples and dicts, which registration does not see; `told`: it may see them, as something that
    is not known was put into a container of modules."""
    waiting = [(module, path)]
    while waiting:
        each, path = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        listed = told or lists_itself(each)
        for name, value in each.attrs.items():
            for part, hidden in _inside(value, name, 0) if bulk(value, _LARGEST) <= _LARGEST else ():
                _name(hidden, _below(path, part), names, listed)
        waiting += [(child, _below(path, name)) for name, child in reversed(_children(each))]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _children(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns the registered modules with their names; one that was put into `_modules` under anything but a text has its place as name."""
    return [
        (name if isinstance(name, str) else str(place), child)
        for place, (name, child) in enumerate(module.modules.items())
        if isinstance(child, ModuleV)
    ]


_LARGEST = 100_000
"""Entries of a value in which modules are looked for."""


def _inside(value: Value, path: str, depth: int) -> list[tuple[str, ModuleV]]:
    if depth > 4:
        return []
    match value:
        case ModuleV():
            return [(path, value)]
        case ListV() | SetV():
            return [
                pair for number, item in enumerate(value.items) for pair in _inside(item, f"{path}.{number}", depth + 1)
            ]
        case tuple():
            return [pair for number, item in enumerate(value) for pair in _inside(item, f"{path}.{number}", depth + 1)]
        case DictV():
            return [pair for key, item in named(value) for pair in _inside(item, f"{path}.{key}", depth + 1)]
        case _:
            return []


def named(value: DictV) -> list[tuple[str, Value]]:
    """Returns the entries of a dict with their keys as parts of a path: the place of an entry whose key is neither a text nor a number."""
    return [
        (str(key) if isinstance(key, (str, int)) else "?" if isinstance(key, Unknown) else str(place), item)
        for place, (key, item) in enumerate(value.items.items())
    ]


def module_infos(run: Run, names: dict[int, tuple[str, bool]], span: Span) -> tuple[ModuleInfo, ...]:
    made = []
    listed = {
        id(param)
        for module in run.graph.modules
        if names.get(id(module), ("", False))[1]
        for param in (*module.parameters.values(), *module.modules.values())
        if isinstance(param, ParamV)
    }
    for module in run.graph.modules:
        if id(module) not in names:
            continue
        path, registered = names[id(module)]
        children = tuple(
            f"{path}.{name}" if path else name for name, child in module.modules.items() if isinstance(child, ModuleV)
        )
        made.append(
            ModuleInfo(
                path,
                class_name(module.cls),
                span_of(module.origin, span) or span,
                (registered or _listed(module, listed)) and not module.in_forward,
                module.called,
                children,
                module.anew,
            )
        )
    return tuple(made)


def _listed(module: ModuleV, listed: set[int]) -> bool:
    """Whether all parameters of a module that hides in a plain list are registered elsewhere, as in an `nn.ParameterList`."""
    own = [param for _, part in walk(module) for param in part.parameters.values() if isinstance(param, ParamV)]
    return bool(own) and all(id(param) in listed for param in own)


def span_of(site: Site | None, otherwise: Span | None) -> Span | None:
    return otherwise if site is None else site.unit.span(site.node)
