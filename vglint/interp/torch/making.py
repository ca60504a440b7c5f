"""Modules are made empty, and filled by their class."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from vglint.interp.machine.calls import Act, methods
from vglint.interp.machine.core import Frame, Run
from vglint.interp.nodes.distribution import UNKNOWN, of_tensor
from vglint.interp.values.objects import (
    Attrs,
    BuiltinV,
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

METHODS: dict[str, BuiltinV] = {}
"""Methods of modules by name."""
BASES: dict[tuple[str, str], dict[str, BuiltinV]] = {}
"""What classes of libraries that models derive from bring beside these, by package and by how the class's name ends."""


def base_class(*classes: tuple[str, str]) -> Callable[..., Callable[[Act], Act]]:
    """Returns the decorator that enters methods of classes of libraries; the module is the first argument."""
    return methods(*(BASES.setdefault(cls, {}) for cls in classes))


@lru_cache(maxsize=4096)
def base_of(name: str) -> dict[str, BuiltinV] | None:
    """Returns what a class of a library brings; None where it is not one that models derive from."""
    package, last = name.partition(".")[0], name.rpartition(".")[2]
    return next((BASES[home, end] for home, end in BASES if home == package and last.endswith(end)), None)


def base_method(cls: ClassV | External, name: str) -> BuiltinV | None:
    """Returns a method that a module has from a class of a library."""
    for base in cls.mro if isinstance(cls, ClassV) else (cls,):
        if isinstance(base, External) and (table := base_of(base.name)) is not None and name in table:
            return table[name]
    return None


CLASS_METHODS = frozenset(("load_from_checkpoint", "from_pretrained"))
"""Those of them whose first argument is the class."""


def class_method(cls: ClassV, name: str) -> BuiltinV | None:
    """Returns a method of the class itself that it has from a class of a library, bound to it."""
    found = base_method(cls, name) if name in CLASS_METHODS else None
    if found is None:
        return None
    act = found.call
    return BuiltinV(name, lambda run, args, keywords, frame, site: act(run, [cls, *args], keywords, frame, site))


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
