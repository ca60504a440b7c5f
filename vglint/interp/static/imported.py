"""What a file's text alone says of its names: what an import binds, which attributes are set."""

from __future__ import annotations

from vglint.source import code
from vglint.source.module import Module


def imported(module: Module, name: str) -> str:
    """Returns the dotted name of what the last import at the top of a file binds to a name, '' where none does: `torch.nn` for the `nn` of
    `from torch import nn`. Relative imports are none."""
    for unit in reversed(module.binding(name)):
        for statement in unit.body:
            match statement:
                case code.Import(aliases=aliases):
                    for alias in aliases:
                        if alias.asname == name:
                            return alias.name
                        if alias.asname is None and alias.name.partition(".")[0] == name:
                            return name
                case code.ImportFrom(module=dotted, level=0, aliases=aliases):
                    for alias in aliases:
                        if (alias.asname or alias.name) == name:
                            return f"{dotted}.{alias.name}"
                case _:
                    pass
    return ""


def is_of(module: Module, name: str, *packages: str) -> bool:
    """Whether a name holds one of some packages, or something of them."""
    return imported(module, name).partition(".")[0] in packages


def sets_attribute(module: Module, name: str) -> bool:
    """Whether a file assigns to an attribute of a name of anything: `model.drop.p = 0.3`."""
    return any(
        isinstance(each, code.Assign)
        and any(isinstance(target, code.Attribute) and target.attr == name for target in each.targets)
        for unit in module.units
        for each in code.walk(*unit.body)
    )
