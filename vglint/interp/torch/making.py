"""Modules are made empty, and filled by their class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from vglint.interp.machine.core import Frame, Run
from vglint.interp.nodes.distribution import UNKNOWN, of_tensor
from vglint.interp.values.objects import (
    Attrs,
    ClassV,
    External,
    ModuleV,
    ParamV,
    ParamView,
    Site,
    TensorV,
    Value,
    is_unknown,
)

Method: TypeAlias = Callable[[Run, "list[Value]", "dict[str, Value]", Frame, Site], Value]
METHODS: dict[str, Method] = {}
"""Methods of modules by name; the module is the first argument."""


def new_module(run: Run, cls: ClassV | External, frame: Frame, site: Site) -> ModuleV:
    """Returns an empty instance of a module class."""
    module = ModuleV(cls, Attrs(), run.context.borrowed or site)
    module.in_forward = bool(run.context.modules_running) and not run.context.setup and not run.context.cached
    module.anew = module.in_forward and not run.context.guarded
    module.region = run.graph.region
    run.graph.modules.append(module)
    return module


def as_buffer(run: Run, value: Value, name: str, site: Site) -> Value:
    """Returns a buffer that holds a tensor; None and unknown values stay as they are."""
    if isinstance(value, TensorV):
        return ParamV(value.shape, of_tensor(run, value), False, True, site, None, name)
    if isinstance(value, ParamV) and not value.buffer:
        return ParamV(value.shape, value.init, False, True, site, None, name)
    if isinstance(value, ParamView):
        return ParamV(value.param.shape if value.whole else None, UNKNOWN, False, True, site, None, name)
    if is_unknown(value):
        return ParamV(None, UNKNOWN, False, True, site, None, name)
    return value
