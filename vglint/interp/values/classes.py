"""Classes: what they are called, what they derive from, what they hold."""

from __future__ import annotations

from vglint.interp.values.objects import ClassV, External, ModuleV, Value


def class_name(cls: Value) -> str:
    return cls.qualified if isinstance(cls, ClassV) else cls.name if isinstance(cls, External) else type(cls).__name__


def find_in_mro(cls: ClassV | External, name: str, after: ClassV | None = None) -> tuple[Value, Value] | None:
    """Returns (value, class that holds it) of a class attribute; classes up to `after` are skipped."""
    if not isinstance(cls, ClassV):
        return None
    if after is None:
        for base in cls.mro:
            if type(base) is ClassV and name in base.names:
                return base.names[name], base
        return None
    skipping = True
    for base in cls.mro:
        if skipping:
            skipping = base is not after
            continue
        if isinstance(base, External) and base.name == "torch.nn.Module" and name in _OF_MODULES:
            return None
        if isinstance(base, ClassV) and name in base.names:
            return base.names[name], base
    return None


def is_mixed(cls: ClassV) -> bool:
    """Whether the members of an enumeration are texts or numbers too, and equal to those."""
    names = (base.name for base in cls.mro if isinstance(base, External))
    return any(
        name in _MIXED or name.rpartition(".")[2] in ("IntEnum", "StrEnum", "ExplicitEnum", "IntFlag") for name in names
    )


_MIXED = frozenset({"builtins.str", "builtins.int"})


def is_container(module: ModuleV) -> bool:
    """Whether a module is one of torch's lists of modules, or of a class built on one."""
    classes = module.cls.mro if isinstance(module.cls, ClassV) else (module.cls,)
    names = {cls.name for cls in classes if isinstance(cls, External)}
    return bool(names & {"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"})


_OF_MODULES = frozenset({"__getattr__", "__setattr__", "__delattr__", "__call__", "__dir__"})
"""What `super()` finds in nn.Module itself, before any class behind it."""
