"""Sequential, ModuleList, ModuleDict and their parameter twins."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Run, call, register
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.open_loops import counted
from vglint.interp.machine.questions import OPERATE
from vglint.interp.protocols.comparison import dunder
from vglint.interp.protocols.repeats import repeating
from vglint.interp.protocols.turns import carried_by_turns, pairs
from vglint.interp.torch.making import new_module
from vglint.interp.values.classes import is_container
from vglint.interp.values.inside import inside, width
from vglint.interp.values.objects import (
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    ModuleV,
    OpaqueV,
    OpenLoop,
    ParamV,
    RepeatV,
    SetV,
    Site,
    TensorV,
    Value,
    is_unknown,
)
from vglint.value import Unknown

GAP = "__gap__"
"""The attribute of a container into which something was put that is not known."""


def fill(
    run: Run, module: ModuleV, kind: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> None:
    """Puts a container's constructor arguments in place."""
    args = [own_entries(arg) for arg in args]
    if kind == "torch.nn.Sequential":
        if len(args) == 1 and isinstance(args[0], DictV):
            _fill_named(run, module, args[0], site)
            return
        for index, value in enumerate(args):
            if isinstance(value, ListV) and value.count is not None:
                extend(run, module, value, site)
            elif value is None or isinstance(value, (ModuleV, RepeatV, Unknown, OpaqueV)):
                add(run, module, value, site)  # None takes a number as a layer does
            else:
                _leave_open(run, module, f"entry {index} of a Sequential", site)
        return
    source = args[0] if args else own_entries(next(iter(keywords.values()), None))
    if source is None:
        return
    if kind in ("torch.nn.ModuleDict", "torch.nn.ParameterDict"):
        if isinstance(source, DictV):
            _fill_named(run, module, source, site)
            return
        if isinstance(source, ModuleV) and is_container(source):
            for name, child in (source.parameters or source.modules).items():
                put(run, module, name, child)
            return
        listed = (
            source if isinstance(source, tuple) else source.items if isinstance(source, (ListV, IteratorV)) else None
        )
        if listed is None or (isinstance(source, ListV) and source.count is not None):
            _leave_open(run, module, _NAMES, site, source)
            return
        for pair in listed:
            both = pair.items if isinstance(pair, ListV) else pair
            if isinstance(both, (tuple, list)) and len(both) == 2 and not is_unknown(both[0]):
                put(run, module, str(both[0]), both[1])
            else:
                _leave_open(run, module, _NAMES, site, pair)
        return
    extend(run, module, source, site)


def own_entries(value: Value) -> Value:
    """Returns the dict or list that an object of a class derived from one is; any other value as it is."""
    return value.entries if type(value) is Instance and value.entries is not None else value


_NAMES = "names of a module dict"


def _leave_open(run: Run, module: ModuleV, what: str, site: Site, held: Value = None) -> None:
    """Notes that something is put into a container that is not known, or is `held` under a name that is not."""
    run.graph.gap(origin.Computed(what), site)
    run.journal.put(module.attrs, GAP, True)
    register_all(run, held)


def register_all(run: Run, held: Value) -> None:
    """Notes that modules are registered somewhere, or may be: under which name is not known."""
    for value in inside(held):
        if isinstance(value, ModuleV) and not value.unnamed:
            run.journal.set_field(value, "unnamed", True)


def extend(run: Run, module: ModuleV, source: Value, site: Site) -> None:
    """Appends everything in a list, tuple, iterator or other container; unknown length becomes a counted child."""
    source = own_entries(source)
    run.budget.tick(width(source) // 4)
    match source:
        case ListV() if source.count is not None:
            add(run, module, RepeatV(tuple(source.items), source.count, source.loop or OpenLoop(source.count)), site)
        case tuple():
            for item in source:
                add(run, module, item, site)
        case ListV() | SetV():
            for item in source.items:
                add(run, module, item, site)
        case IteratorV() if source.items is None:
            count = source.count if source.count is not None else Unknown(origin.Length("list of unknown length"))
            add(run, module, RepeatV((source.item,), count, OpenLoop(count)), site)
        case IteratorV():
            for item in source.items or []:
                add(run, module, item, site)
        case ModuleV():
            for item in parts_of(source):
                add(run, module, item, site)
        case _:
            _leave_open(run, module, "entries of a module list", site)


def add(run: Run, module: ModuleV, value: Value, site: Site, loop: OpenLoop | None = None) -> None:
    """Appends a child under the next number; one that a loop of unknown length adds is known to be repeated by it."""
    loops = [*([loop] if loop else []), *repeating(run, module.born)]
    if isinstance(value, RepeatV):
        for item in value.items:
            add(run, module, item, site, loop or value.loop)
        loops.append(value.loop)
    if len(set(map(id, loops))) > 1:
        run.graph.gap(origin.Length("loops in loops that make layers"), site)
    if isinstance(value, RepeatV):
        return
    name = str(len(module.parameters) if isinstance(value, (ParamV, TensorV)) else len(module.modules))
    put(run, module, name, value)
    if loops:
        run.journal.put(module.loops, name, loops[0])


@register(OPERATE, ModuleV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Performs the operator that a class has, else `+` of two lists of modules."""
    made = dunder(run, symbol, left, right, frame, site)
    if made is not MISSING or not (isinstance(left, ModuleV) and isinstance(right, ModuleV)):
        return made
    if symbol != "+" or not (is_container(left) and is_container(right) and isinstance(left.cls, External)):
        return Unknown(origin.Call("sum of modules"))
    whole = new_module(run, left.cls, frame, site)
    for source in (left, right):
        extend(run, whole, source, site)
    return whole


def make_uneven(module: ModuleV) -> None:
    """Notes that something else than appending is done to what loops of unknown length have filled."""
    for loop in module.loops.values():
        loop.uneven = True


def renumber(run: Run, module: ModuleV, children: list[Value]) -> None:
    """Gives a container other children, under numbers; of those that a loop repeats nobody knows any more how many there are."""
    make_uneven(module)
    loops = {id(child): module.loops[name] for name, child in module.modules.items() if name in module.loops}
    for name in list(module.modules):
        run.journal.drop(module.modules, name)
        run.journal.drop(module.loops, name)
    for index, child in enumerate(children):
        run.journal.put(module.modules, str(index), child)
        if id(child) in loops:
            run.journal.put(module.loops, str(index), loops[id(child)])


def parts_of(module: ModuleV) -> list[Value]:
    """Returns the children in order, those that a loop of unknown length repeats as such."""
    found: list[Value] = []
    for name, child in (module.modules or module.parameters).items():
        loop = module.loops.get(name)
        last = found[-1] if found else None
        if loop is None:
            found.append(child)
        elif isinstance(last, RepeatV) and last.loop is loop:
            found[-1] = RepeatV((*last.items, child), loop.count, loop)
        else:
            found.append(RepeatV((child,), loop.count, loop))
    return found


def put(run: Run, module: ModuleV, name: str, value: Value) -> None:
    if isinstance(value, ParamV):
        run.journal.put(module.parameters, name, value)
    elif isinstance(value, ModuleV) or is_unknown(value) or value is None:
        run.journal.put(module.modules, name, value)
    else:
        run.journal.put(module.attrs, name, value)


def _fill_named(run: Run, module: ModuleV, source: DictV, site: Site) -> None:
    for name, value in source.items.items():
        if isinstance(name, Unknown):
            _leave_open(run, module, _NAMES, site, value)
        else:
            put(run, module, str(name), value)
    if not source.complete:
        _leave_open(run, module, _NAMES, site)


def run_sequential(run: Run, module: ModuleV, args: list[Value], frame: Frame, site: Site) -> Value:
    """Runs the children of a Sequential one after the other."""
    value = args[0] if args else Unknown(origin.Computed("input"))
    if GAP in module.attrs:
        run.graph.gap(origin.Computed("entries of a Sequential"), site)
        value = _blurred(run, value, site)
    for part in parts_of(module):
        if isinstance(part, RepeatV):
            text = "layers" if len(part.items) == 1 else f"{len(part.items)} layers a turn"
            first, start = value, len(run.graph.nodes)
            with counted(run, part.turns, text, site) as loop, run.journal.recorded() as log:
                for child in part.items:
                    value = call(run, child, [value], {}, frame, site)
                if carried_by_turns(run, log, start, None, frame) == ():
                    loop.carried = tuple(pairs(run, first, value))
        elif part is not None:
            value = call(run, part, [value], {}, frame, site)
    return value


def _blurred(run: Run, value: Value, site: Site) -> Value:
    if isinstance(value, TensorV):
        return OpaqueV(Unknown(origin.Computed("entries of a Sequential")), (value.node,), None, site)
    return value


def child_at(module: ModuleV, index: int) -> Value:
    children = list(module.modules.values()) or list(module.parameters.values())
    if -len(children) <= index < len(children):
        return children[index]
    return Unknown(origin.Computed(f"index {index} of {len(children)} modules"))
