"""Numbers that training code counts up from turn to turn."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run
from vglint.interp.protocols.comparison import counts_turns
from vglint.interp.values.objects import Instance, ModuleV, TurnNumber, Value
from vglint.source import code


def mark_counters(run: Run, loop: code.For | code.While, frame: Frame) -> None:
    """Marks the numbers that a loop of training code adds to: a turn that stands for all knows none of them."""
    if not counts_turns(run):
        return
    added, reset = set[str](), set[str]()
    for node in code.walk(*loop.body):
        match node:
            case code.Augmented(target=target, operator="+"):
                added.add(_name(target))
            case code.Assign(targets=targets):
                reset.update(_name(target) for target in targets)
            case _:
                pass
    for name in added - {""}:
        table: dict[str, Value] | None = frame.scope.names
        if name.startswith("self."):
            table = (
                frame.self_.attrs
                if isinstance(frame.self_, Instance) and not isinstance(frame.self_, ModuleV)
                else None
            )
        key = name.removeprefix("self.")
        value = None if table is None else table.get(key)
        if table is not None and isinstance(value, int) and not isinstance(value, (bool, TurnNumber)):
            run.put(table, key, TurnNumber.of(value, 0 if name in reset else None))


def _name(target: code.Node) -> str:
    """Returns a local name, `self.x` for an attribute of the object that runs; '' for anything else."""
    match target:
        case code.Name(id=name):
            return name
        case code.Attribute(value=code.Name(id="self"), attr=name):
            return f"self.{name}"
        case _:
            return ""
