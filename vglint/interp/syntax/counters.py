"""Numbers that training code counts or sums up from turn to turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vglint.interp.machine.core import Frame, Run
from vglint.interp.nodes.emit import emit
from vglint.interp.protocols.comparison import counts_turns
from vglint.interp.static.methods import methods
from vglint.interp.values.objects import ClassV, DictV, Instance, ModuleV, TensorV, TurnNumber, Value
from vglint.source import code


def mark_counters(run: Run, loop: code.For | code.While, frame: Frame) -> None:
    """Marks the numbers that a loop of training code adds to: a turn that stands for all knows none of them."""
    if not counts_turns(run):
        return
    _mark(run, loop.body, frame.scope.names, _attributes(frame.self_))
    for node in code.walk(*loop.body):
        match node:
            case code.Call(func=code.Attribute(value=holder, attr=name)):
                found = _object(holder, frame)
                method = _method(found, name) if found is not None else None
                if found is not None and method is not None:
                    _mark(run, method.body, {}, found.attrs)
            case _:
                pass


def _mark(run: Run, body: Sequence[code.Node], names: dict[str, Value], attrs: dict[str, Value]) -> None:
    """Marks the numbers among names and attributes that statements add to."""
    added, reset = set[str](), set[str]()
    for node in code.walk(*body):
        match node:
            case code.Augmented(target=target, operator="+"):
                added.add(_name(target))
            case code.Assign(targets=targets):
                reset.update(_name(target) for target in targets)
            case _:
                pass
    for name in added - {""}:
        table = attrs if name.startswith("self.") else names
        key = name.removeprefix("self.")
        value = table.get(key)
        if isinstance(value, int) and not isinstance(value, (bool, TurnNumber)):
            run.journal.put(table, key, TurnNumber.of(value, 0 if name in reset else None))


def _attributes(value: Value) -> dict[str, Value]:
    return value.attrs if isinstance(value, Instance) and not isinstance(value, ModuleV) else {}


def _object(holder: code.Node, frame: Frame) -> Instance | None:
    """Returns the object of the program's own, no module, that a name or an attribute of the object that runs holds."""
    match holder:
        case code.Name(id="self"):
            found = frame.self_
        case code.Name(id=name):
            found = frame.scope.names.get(name)
        case code.Attribute(value=code.Name(id="self"), attr=attr):
            found = _attributes(frame.self_).get(attr)
        case _:
            return None
    return found if isinstance(found, Instance) and not isinstance(found, ModuleV) else None


def _method(found: Instance, name: str) -> code.Function | None:
    for cls in found.cls.mro if isinstance(found.cls, ClassV) else ():
        if isinstance(cls, ClassV) and cls.node is not None and (own := methods(cls.node).get(name)) is not None:
            return own
    return None


def zeros_before(run: Run, frame: Frame) -> list[tuple[dict[Any, Value], Any]]:
    """Returns the places that hold the number 0 before a loop of training code: what a loop may sum up in."""
    if not counts_turns(run):
        return []
    return [
        (table, key)
        for table in _tables(frame)
        for key, value in table.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0
    ]


def note_sums(run: Run, before: list[tuple[dict[Any, Value], Any]], start: int, opened: int) -> None:
    """Notes each place that held 0 before a loop and holds a tensor after a turn that stands for all: a sum over the turns.

    `start` and `opened` are the first node and region of the loop.
    """
    if (
        opened >= len(run.graph.regions)
        or run.graph.regions[opened].kind != "loop"
        or run.graph.regions[opened].alias is not None
    ):
        return  # turn by turn: the sum is one of this turn of the loop around
    for table, key in before:
        value = table.get(key)
        if isinstance(value, TensorV) and not value.pick and value.node >= start:
            with run.graph.inside(opened):
                emit(run, "kept", [value.node], {"sum": True}, run.graph.nodes[value.node].site)
            run.graph.nodes[-1].setup = False


def _tables(frame: Frame) -> Iterator[dict[Any, Value]]:
    """Yields the local names, and the attributes and entries of what they hold."""
    yield frame.scope.names
    for value in [*frame.scope.names.values(), frame.self_]:
        if isinstance(value, Instance) and not isinstance(value, ModuleV):
            yield value.attrs
        elif isinstance(value, DictV):
            yield value.items


def _name(target: code.Node) -> str:
    """Returns a local name, `self.x` for an attribute of the object that runs; '' for anything else."""
    match target:
        case code.Name(id=name):
            return name
        case code.Attribute(value=code.Name(id="self"), attr=name):
            return f"self.{name}"
        case _:
            return ""
