"""How the weights of a class start in the models of its file that it is a part of: they may initialise anew what its constructor did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from vglint.graph import Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.distribution import UNKNOWN
from vglint.interp.torch.module_methods import named_parameters_of
from vglint.interp.torch.modules import walk
from vglint.interp.values.objects import ClassV, ModuleV, Site
from vglint.ops.init import CONSTANTS

Starts: TypeAlias = "dict[str, dict[str, tuple[Init, Site | None]]]"
"""By the class's qualified name and a parameter's path within it: its distribution, and where it was written."""


def note_parts(run: Run, roots: Mapping[str, ModuleV], file: str, starts: Starts) -> None:
    """Notes the weights of all parts of a model whose classes are defined in a file; what was noted first stands."""
    for root in roots.values():
        for _, part in walk(root)[1:]:
            if isinstance(part.cls, ClassV) and part.cls.unit.file == file and part.cls.qualified not in starts:
                starts[part.cls.qualified] = {
                    path: (param.init, run.graph.init_site(param)) for path, param in named_parameters_of(part)
                }


def start_as_part(run: Run, module: ModuleV, starts: Starts) -> None:
    """Takes from the weights of a class that is looked at by itself the distributions that the model around it undoes.

    What it fills with one number is known here too. The rest is unknown: how the signal fares is a matter of the whole model.
    """
    known = starts.get(module.cls.qualified, {}) if isinstance(module.cls, ClassV) else {}
    for path, param in named_parameters_of(module) if known else ():
        if path in known and known[path][0] != param.init:
            init, site = known[path]
            if site is None and run.graph.init_site(param) is None and init.scheme == param.init.scheme:
                # A layer's own start, whose numbers follow its sizes.
                continue
            run.journal.set_field(param, "init", init if init.scheme in CONSTANTS else UNKNOWN)
            run.graph.note_init(param, site)
