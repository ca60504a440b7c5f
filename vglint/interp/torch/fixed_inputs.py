"""Inputs that a user fixes by hand (`--input`, `[[tool.vglint.inputs]]`): which arguments of a model's forward they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from vglint import ops
from vglint.given import Input, settings_of, shape_given
from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING, Built, Called, Missing
from vglint.interp.torch.devices import dtype_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    DtypeV,
    FunctionV,
    ListV,
    MethodV,
    ModuleV,
    ParamV,
    TensorV,
    Value,
)
from vglint.nearest import nearest
from vglint.shape import Shape
from vglint.source import code
from vglint.value import Unknown


class InputError(ValueError):
    """Inputs that a model's forward does not take; the message says what it takes."""


def fixed_inputs(run: Run, module: ModuleV) -> tuple[Input, ...]:
    """Returns the inputs that are fixed for a model, by the first pattern that names it."""
    if not run.project.inputs:
        return ()
    names = list(_names(run, module))
    return next(
        (each.inputs for each in run.project.inputs if any(fnmatchcase(name, each.model) for name in names)), ()
    )


def _names(run: Run, module: ModuleV) -> Iterator[str]:
    """Yields what a pattern may call a model: its class, its entry, each after any end of the file's path too."""
    head, _, expression = run.entry.partition(".py:")
    entry = expression if expression else head
    file = os.path.abspath(module.cls.unit.file) if isinstance(module.cls, ClassV) else ""
    parts = file.replace("\\", "/").split("/")
    for name in dict.fromkeys((module.cls.name.rpartition(".")[2], entry)):
        yield name
        yield from ("/".join([*parts[start:], ""])[:-1] + f":{name}" for start in range(len(parts)))


def assigned(inputs: Sequence[Input], names: Sequence[str], rest: str | None = None) -> dict[str, Input]:
    """Returns the inputs by the names of forward's arguments; those beyond `names` are `rest[0]`, `rest[1]`… Raises InputError."""
    found: dict[str, Input] = {}
    taken = [re.split(r"[.\[]", each.name)[0] for each in inputs if each.name is not None]
    for head in taken:
        if head not in names and head != rest:
            raise InputError(f"forward has no argument {head!r}{nearest(head, names)}: it takes {_listed(names, rest)}")
    free = iter([name for name in names if name not in taken])
    for each in inputs:
        name = each.name or next(free, None)
        if name is None and rest is not None:
            name = f"{rest}[{len([key for key in found if key.startswith(f'{rest}[')])}]"
        if name is None:
            raise InputError(f"forward takes {_listed(names, rest)}, and {len(inputs)} inputs are given")
        if name in found:
            raise InputError(f"the input {name!r} is given twice")
        found[name] = each
    return found


def _listed(names: Sequence[str], rest: str | None) -> str:
    every = [*names, *([f"*{rest}"] if rest else [])]
    return ", ".join(every) if every else "no input"


def size_arguments(run: Run, module: ModuleV, args: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Gives batches that training code hands to a model the sizes that are fixed for its inputs; what does not fit is left alone."""
    inputs = fixed_inputs(run, module)
    if not inputs:
        return
    names = _argument_names(module)
    try:
        given = assigned(inputs, names or ["input"])
    except InputError:
        return
    for name, value in (*zip(names or ["input"], args, strict=False), *keywords.items()):
        if name in given and isinstance(value, TensorV):
            _size(run, value, name, given[name])


def _size(run: Run, value: TensorV, name: str, given: Input) -> None:
    """Gives a tensor the shape of an input where it is one, or a part of a batch, of unknown shape."""
    number = value.node
    while not value.pick and ops.has(run.graph.nodes[number].op, "copies") and run.graph.nodes[number].inputs:
        number = run.graph.nodes[number].inputs[0]
    draft = run.graph.nodes[number]
    source = draft
    while source.op == "getitem" and len(source.inputs) == 1:  # a part of a batch
        source = run.graph.nodes[source.inputs[0]]
    if source.op != "input" or (value.shape if value.pick else draft.shape) is not None:
        return
    if value.pick:
        run.journal.set_field(value, "shape", shape_given(name, given))
        return
    draft.shape = shape_given(name, given)
    if draft is source:
        draft.config = {**draft.config, **settings_of(given)}


def _argument_names(module: ModuleV) -> list[str]:
    """Returns the names of the arguments of a forward that is the user's own."""
    forward = module.attrs.get("forward")
    skip = 0 if isinstance(forward, FunctionV) else 1
    if forward is None and isinstance(module.cls, ClassV):
        found = find_in_mro(module.cls, "forward")
        forward = None if found is None else found[0]
    function = forward.function if isinstance(forward, MethodV) else forward
    if not isinstance(function, FunctionV):
        return []
    return [param.name for param in function.plain.node.parameters.positional[skip:]]


# ---- how parts are called


def note_call(run: Run, module: ModuleV, args: Sequence[Value], keywords: dict[str, Value]) -> None:
    """Notes how the first part of a class is called, and what it was built with."""
    made = run.graph.made_with.get(id(module))
    if made is None or not isinstance(module.cls, ClassV) or module.cls.qualified in run.graph.called:
        return
    names = _written_names(module.cls)
    run.graph.called[module.cls.qualified] = None
    if len(args) > len(names):
        return
    given: dict[str, Value] = {}
    inputs: dict[str, Input] = {}
    for name, value in (*zip(names, args, strict=False), *keywords.items()):
        again = _stand_in(run, name, value, inputs)
        if again is not MISSING:  # the state that a model keeps between its calls: the part is called without
            given[name] = again
    run.graph.called[module.cls.qualified] = Called(Built(made[1], made[2], False), given, inputs)


def _written_names(cls: ClassV) -> list[str]:
    """Returns the names of the arguments of a class's forward as it is written: what the program puts in its place calls it with what it gets."""
    forwards = (
        each
        for base in cls.mro
        if isinstance(base, ClassV) and base.node is not None
        for each in base.node.body
        if isinstance(each, code.Function) and each.name == "forward"
    )
    forward = next(forwards, None)
    return [] if forward is None else [param.name for param in forward.parameters.positional[1:]]


def _stand_in(run: Run, name: str, value: Value, inputs: dict[str, Input]) -> Value | Missing:
    """Returns a value of another run in the place of one of this; MISSING where there is none."""
    match value:
        case TensorV() | ParamV():
            shape = value.shape if value.shape is not None or isinstance(value, ParamV) else _shape_of(run, value)
            kind = dtype_of(run, value.node, 0) if isinstance(value, TensorV) and not value.pick else None
            sizes = None if shape is None else tuple(size if isinstance(size, int) else None for size in shape)
            inputs[name] = Input(name, sizes, kind.name if isinstance(kind, DtypeV) else None)
            return TensorV(-1)
        case None | bool() | int() | float() | str() | DtypeV() | Unknown():
            return value
        case tuple():
            items = _stand_ins(run, name, enumerate(value), inputs)
            return MISSING if items is None else tuple(items.values())
        case ListV(count=None):
            items = _stand_ins(run, name, enumerate(value.items), inputs)
            return MISSING if items is None else ListV([*items.values()])
        case DictV(complete=True, default=None):
            items = _stand_ins(run, name, value.items.items(), inputs)
            return MISSING if items is None else DictV(items)
        case _:
            return MISSING


def _stand_ins(
    run: Run, name: str, held: Iterable[tuple[Any, Value]], inputs: dict[str, Input]
) -> dict[Any, Value] | None:
    """Returns values of another run in the place of those that a value of this holds; None where there is none for one."""
    found: dict[Any, Value] = {}
    for key, each in held:
        again = _stand_in(run, f"{name}[{key}]", each, inputs)
        if again is MISSING:
            return None
        found[key] = again
    return found


def _shape_of(run: Run, value: TensorV) -> Shape | None:
    return None if value.pick else run.graph.nodes[value.node].shape
