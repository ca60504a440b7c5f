"""Registries: dicts of a file that decorators in other files fill when those files are imported.

Imports are resolved late, so a registry may be asked before the files that fill it were looked into. When a key is missing, the files
of the same package that the reader imports, directly or not, define those of their decorated statements that the key could come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from vglint.interp.machine.core import Frame, Raised, Run, call, evaluate
from vglint.interp.machine.names import member, namespace
from vglint.interp.static.decorated import Filler, Reached, decorated, folded
from vglint.interp.values.objects import ClassV, DictV, FunctionV, Instance, MethodV, Namespace, Scope, Site, Value
from vglint.source import code
from vglint.source.module import Module
from vglint.source.search import Search
from vglint.source.unit import Unit

_CHANGES = frozenset({"add", "append", "update", "setdefault", "extend", "register"})
FILES, FAR = 60, 400
"""Files that are looked through for one registry; for one of a library, which may hold all of a package."""


def filled(run: Run, registry: DictV, key: str, reader: Namespace) -> bool:
    """Executes the decorated definitions that a missing key of a registry may come from; returns whether it is there now."""
    if run.context.registering:
        return False
    home = run.memory.home(registry)
    most = FAR if reader.prefix else FILES
    reader = _asking(run, reader)
    if home is None or reader.prefix:
        return False
    seen = run.memory.entered_in(registry)
    with run.context.having(filling=True):
        for filler, names in _concerned(run, home, reader, key, most):
            space = namespace(run, filler.module)
            for unit in filler.module.statements:
                if unit.name in names and id(unit) not in seen and unit.source.startswith("@"):
                    seen.add(id(unit))
                    if unit.name in space.names:
                        _apply(run, unit, space)
                    else:
                        member(run, space, unit.name)
    return key in registry.items


def used(run: Run, registry: DictV, key: str, reader: Namespace) -> None:
    """Notes that a key of a registry is there because of what was executed for it, maybe for another entry."""
    if run.memory.is_filled(registry) and (home := run.memory.home(registry)) is not None:
        most = FAR if reader.prefix else FILES
        reader = _asking(run, reader)
        if not reader.prefix:
            _concerned(run, home, reader, key, most)


def _asking(run: Run, reader: Namespace) -> Namespace:
    """Returns the file that asks: where a library's registry as vglint describes it looks into its dict, the user's that called it."""
    site = run.context.borrowed
    if not reader.prefix or site is None:
        return reader
    files = run.memory.namespaces.values()
    return next((each for each in files if not each.prefix and each.module.path == site.unit.file), reader)


def _concerned(
    run: Run, home: Namespace, reader: Namespace, key: str, most: int
) -> tuple[tuple[Filler, frozenset[str]], ...]:
    """Returns the files with definitions that may enter a key, and the names of these."""
    asked = str(home.module.file), str(reader.module.file)
    place = (*asked, most)
    known = run.memory.reached.get(place)
    if known is None:
        known = run.memory.reached[place] = _reached(run, home, reader.module, most)
    wanted = folded(key)
    found = known.concerned(wanted)
    if known.names:
        search = Search(known.files, known.names, wanted)
        run.project.note_search(
            search, [str(filler.module.file) for filler, _ in found], asked[1:] * bool(reader.running)
        )
    return found


def _reached(run: Run, home: Namespace, reader: Module, most: int) -> Reached:
    """Looks through the files that are imported for decorators whose first name the registry's file binds."""
    units = home.module.statements if home.prefix else ()
    names = {name for unit in units if unit.kind == "other" for name in unit.names} or home.module.bound - {"*"}
    if not names:
        return Reached()
    with run.project.looking_through():
        modules = imported_files(run, [reader] if home.prefix else [home.module, reader], most)
    fillers = tuple(Filler(each, found) for each in modules if (found := decorated(each.content, names)))
    return Reached(fillers, tuple(str(each.file) for each in modules), tuple(sorted(names)))


def _apply(run: Run, unit: Unit, space: Namespace) -> None:
    """Applies the decorators of a definition that was executed before anything asked for what they fill."""
    definition = unit.definition
    if definition is None:
        return
    frame = Frame(Scope(space.names, None, space), unit, None)
    with run.journal.aside(None):  # as importing the file does, for every entry
        for each in reversed(definition.decorators):
            target = each.func if isinstance(each, code.Call) else each
            known = evaluate(run, target, frame)
            if isinstance(known, (FunctionV, MethodV)):
                registered(run, each, known, space.names[definition.name], frame)


def registered(run: Run, decorator: code.Expression, known: Value, value: Value, frame: Frame) -> None:
    """Applies a decorator that keeps what it gets in a container of its file or of its object; `known` is what it is named by."""
    keeps = (isinstance(known, FunctionV) and run.context.filling and _keeps(run, known)) or (
        isinstance(known, MethodV)
        and (
            (type(known.self) is Instance and isinstance(known.self.cls, ClassV))
            or (isinstance(known.self, ClassV) and run.context.filling)
        )
    )
    if not keeps:
        return
    gaps = dict(run.graph.gaps)
    with suppress(Raised), run.context.having(registering=True):
        call(run, evaluate(run, decorator, frame), [value], {}, frame, Site(frame.unit, decorator))
    run.graph.gaps = gaps


def _keeps(run: Run, function: FunctionV) -> bool:
    """Whether the code of a function changes a container that its file binds."""
    key = id(function.node)
    if key not in run.journal.learnt.keeping:
        run.journal.learnt.keeping[key] = any(
            function.scope.module.module.binding(name) for name in _changed(function.node)
        )
    return run.journal.learnt.keeping[key]


def _changed(definition: code.Node) -> Iterator[str]:
    """Yields the names of what a function's code changes: `NAME[key] = …`, `NAME.append(…)`, `NAME.method(…)`."""
    for node in code.walk(definition):
        match node:
            case code.Assign(targets=targets):
                yield from (
                    target.value.id
                    for target in targets
                    if isinstance(target, code.Subscript) and isinstance(target.value, code.Name)
                )
            case code.Call(func=code.Attribute(value=code.Name(id=name), attr=attr)) if attr in _CHANGES:
                yield name
            case _:
                pass


def imported_files(run: Run, start: list[Module], most: int) -> list[Module]:
    """Returns the files of the same top packages, and of none, that the given ones reach through imports, closest first."""
    tops = {each.name.partition(".")[0] for each in start}
    seen = {module.file: module for module in start}
    queue = list(start)
    for module in start:
        parts = module.name.split(".")
        for end in range(len(parts), 0, -1):
            package = run.project.resolve(module, ".".join(parts[:end]), 0)
            if package is not None and package.file not in seen:
                seen[package.file] = package
                queue.append(package)
    while queue and len(seen) < most:
        module = queue.pop(0)
        for unit in module.statements:
            if unit.kind != "import":
                continue
            for node in unit.body:
                for dotted, level in _targets(node):
                    target = run.project.resolve(module, dotted, level)
                    if target is None or target.file in seen:
                        continue
                    if target.name.partition(".")[0] in tops or "." not in target.name:
                        seen[target.file] = target
                        queue.append(target)
    return list(seen.values())


def _targets(node: code.Statement) -> list[tuple[str, int]]:
    if isinstance(node, code.ImportFrom):
        base = node.module
        return [(base, node.level)] + [
            (f"{base}.{each.name}".strip("."), node.level) for each in node.aliases if each.name != "*"
        ]
    return [(each.name, 0) for each in node.aliases] if isinstance(node, code.Import) else []
