"""How the weights of a class start in the models of its file that it is a part of: they may initialise anew what its constructor did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from vglint.graph import Graph, Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.distribution import UNKNOWN
from vglint.interp.torch.module_methods import named_parameters_of
from vglint.interp.torch.modules import walk
from vglint.interp.values.objects import ClassV, ModuleV, Site
from vglint.ops.init import CONSTANTS


class Given(Struct, frozen=True):
    """How a model starts the weights of one of its parts."""

    whole: str
    """The qualified name of the model's class."""
    inits: Mapping[str, tuple[Init, Site | None]]
    """By a parameter's path within the part: its distribution, and where it was written."""


Starts: TypeAlias = "dict[str, Given]"
"""By the part's qualified name."""


def note_parts(run: Run, roots: Mapping[str, ModuleV], file: str, starts: Starts) -> None:
    """Notes the weights of all parts of a model whose classes are defined in a file. What was noted first stands, save where the model
    has that whole for a part too."""
    for root in roots.values():
        parts = [part for _, part in walk(root)[1:] if isinstance(part.cls, ClassV) and part.cls.unit.file == file]
        within = {part.cls.qualified for part in parts if isinstance(part.cls, ClassV)}
        noted: set[str] = set()
        for part in parts:
            assert isinstance(part.cls, ClassV)
            name = part.cls.qualified
            if name in noted or (name in starts and starts[name].whole not in within):
                continue
            noted.add(name)
            inits = {path: (param.init, run.graph.init_site(param)) for path, param in named_parameters_of(part)}
            starts[name] = Given(root.cls.qualified if isinstance(root.cls, ClassV) else "", inits)


def is_started_otherwise(graph: Graph, starts: Starts) -> bool:
    """Whether a model of the file that was walked later starts the weights of a class in another way than the class does by itself."""
    given = starts.get(graph.root)
    return given is not None and any(
        param.path in given.inits and param.init.scheme not in ("unknown", given.inits[param.path][0].scheme)
        for param in graph.parameters
    )


def start_as_part(run: Run, module: ModuleV, starts: Starts) -> None:
    """Takes from the weights of a class that is looked at by itself the distributions that the model around it undoes.

    What it fills with one number is known here too. The rest is unknown: how the signal fares is a matter of the whole model.
    """
    given = starts.get(module.cls.qualified) if isinstance(module.cls, ClassV) else None
    known = given.inits if given is not None else {}
    for path, param in named_parameters_of(module) if known else ():
        if path in known and known[path][0] != param.init:
            init, site = known[path]
            if site is None and run.graph.init_site(param) is None and init.scheme == param.init.scheme:
                # A layer's own start, whose numbers follow its sizes.
                continue
            run.journal.set_field(param, "init", init if init.scheme in CONSTANTS else UNKNOWN)
            run.graph.note_init(param, site)
