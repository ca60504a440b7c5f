"""What other functions of a file store into its objects, where one function is walked by itself."""

from __future__ import annotations

from functools import lru_cache

from vglint import origin
from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import member
from vglint.interp.values.objects import DictV, FunctionV, Instance, ListV
from vglint.source import code
from vglint.source.names import free_names
from vglint.source.unit import Unit
from vglint.value import Unknown


def open_stored(run: Run, function: FunctionV) -> None:
    """Makes unknown, of the objects that a file binds and a function of it reads, the attributes that other functions of the file give them: what
    they hold when the function is called is not what they hold when the file has run (`model.log_prob = 0`)."""
    space = function.scope.module
    read = free_names((function.node,)) & space.module.bound
    for unit in space.module.units if read else ():
        for holder, name, anew in _stored(unit) if unit.kind == "function" and unit.name != function.name else ():
            held = member(run, space, holder) if holder in read else None
            value = held.attrs.get(name, MISSING) if isinstance(held, Instance) else MISSING
            if isinstance(held, Instance) and (isinstance(value, (ListV, DictV)) or (anew and value is not MISSING)):
                run.journal.put(held.attrs, name, Unknown(origin.Member(holder, name)))


@lru_cache(maxsize=1024)  # each function of a file that is walked by itself asks what the others store
def _stored(unit: Unit) -> tuple[tuple[str, str, bool], ...]:
    """Returns the attributes of objects that a function does not bind itself, with the object's name, that it stores (true), or whose methods it
    calls: `model.value = x`, `model.values.append(x)`."""
    outside, found = free_names(unit.body), dict[tuple[str, str, bool], None]()
    for each in code.walk(*unit.body):
        targets: tuple[code.Node, ...] = ()
        match each:
            case code.Assign(targets=stored):
                targets = stored
            case code.Call(func=code.Attribute(value=called)):
                targets = (called,)
            case _:
                pass
        for target in targets:
            match target:
                case code.Attribute(value=code.Name(id=holder), attr=name) if holder in outside:
                    found[holder, name, isinstance(each, code.Assign)] = None
                case _:
                    pass
    return tuple(found)
