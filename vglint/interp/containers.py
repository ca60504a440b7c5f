"""Sequential, ModuleList, ModuleDict and their parameter twins."""

from __future__ import annotations

from vglint.interp.core import Frame, Run, call
from vglint.interp.objects import (
    DictV,
    IteratorV,
    ListV,
    ModuleV,
    OpaqueV,
    ParamV,
    SetV,
    Site,
    TensorV,
    Value,
    is_unknown,
)
from vglint.value import Unknown


def fill(
    run: Run, module: ModuleV, kind: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> None:
    """Puts a container's constructor arguments in place."""
    if kind == "torch.nn.Sequential":
        if len(args) == 1 and isinstance(args[0], DictV):
            _fill_named(run, module, args[0], site)
            return
        for index, value in enumerate(args):
            if isinstance(value, ListV) and value.count is not None:
                add(run, module, value.items[0], site, value.count)
            elif isinstance(value, ModuleV):
                add(run, module, value, site)
            elif value is not None:
                run.gap("argument", f"entry {index} of a Sequential", site)
                run.put(module.attrs, "__gap__", True)
        return
    if not args:
        return
    source = args[0]
    if kind in ("torch.nn.ModuleDict", "torch.nn.ParameterDict"):
        if isinstance(source, DictV):
            _fill_named(run, module, source, site)
        elif isinstance(source, (ListV, tuple)):
            for pair in source.items if isinstance(source, ListV) else source:
                both = pair.items if isinstance(pair, ListV) else pair
                if isinstance(both, (tuple, list)) and len(both) == 2:
                    put(run, module, str(both[0]), both[1])
        return
    extend(run, module, source, site)


def extend(run: Run, module: ModuleV, source: Value, site: Site) -> None:
    """Appends everything in a list, tuple, iterator or other container; unknown length becomes a counted child."""
    match source:
        case ListV() if source.count is not None:
            add(run, module, source.items[0], site, source.count)
        case tuple():
            for item in source:
                add(run, module, item, site)
        case ListV() | SetV():
            for item in source.items:
                add(run, module, item, site)
        case IteratorV() if source.items is None:
            add(
                run,
                module,
                source.item,
                site,
                source.count if source.count is not None else Unknown("loop bound", "list of unknown length"),
            )
        case IteratorV():
            for item in source.items or []:
                add(run, module, item, site)
        case ModuleV():
            for item in list(source.modules.values()):
                add(run, module, item, site)
        case _:
            run.gap("argument", "entries of a module list", site)
            run.put(module.attrs, "__gap__", True)


def add(run: Run, module: ModuleV, value: Value, site: Site, count: Value = None) -> None:
    """Appends a child under the next number."""
    name = str(len(module.parameters) if isinstance(value, (ParamV, TensorV)) else len(module.modules))
    put(run, module, name, value)
    if count is not None:
        run.put(module.extra, "count:" + name, count)


def put(run: Run, module: ModuleV, name: str, value: Value) -> None:
    if isinstance(value, ParamV):
        run.put(module.parameters, name, value)
    elif isinstance(value, ModuleV) or is_unknown(value) or value is None:
        run.put(module.modules, name, value)
    else:
        run.put(module.attrs, name, value)


def _fill_named(run: Run, module: ModuleV, source: DictV, site: Site) -> None:
    for name, value in source.items.items():
        put(run, module, str(name), value)
    if not source.complete:
        run.gap("argument", "names of a module dict", site)
        run.put(module.attrs, "__gap__", True)


def run_sequential(run: Run, module: ModuleV, args: list[Value], frame: Frame, site: Site) -> Value:
    """Runs the children of a Sequential one after the other."""
    value = args[0] if args else Unknown("argument", "input")
    if "__gap__" in module.attrs:
        run.gap("argument", "entries of a Sequential", site)
        value = _blurred(run, value, site)
    for name, child in list(module.modules.items()):
        count = module.extra.get("count:" + name)
        if child is None:
            continue
        if count is not None:
            from vglint.interp.loops import counted

            before = value
            with counted(run, count, f"{count} layers", site):
                value = call(run, child, [before], {}, frame, site)
            continue
        value = call(run, child, [value], {}, frame, site)
    return value


def _blurred(run: Run, value: Value, site: Site) -> Value:
    if isinstance(value, TensorV):
        return OpaqueV(Unknown("argument", "entries of a Sequential"), (value.node,), None, site)
    return value


def child_at(module: ModuleV, index: int) -> Value:
    children = list(module.modules.values()) or list(module.parameters.values())
    if -len(children) <= index < len(children):
        return children[index]
    return Unknown("argument", f"index {index} of {len(children)} modules")
