"""Inputs that a user fixes by hand (`--input`, `[[tool.vglint.inputs]]`): which arguments of a model's forward they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from vglint import ops
from vglint.given import Input, settings_of, shape_given
from vglint.interp.machine.core import Run
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import ClassV, FunctionV, MethodV, ModuleV, TensorV, Value
from vglint.nearest import nearest


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
