"""What the names of a file mean, and how the file would write a name of torch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from vglint.fix.source import Source

if TYPE_CHECKING:
    import libcst as cst


class Names(Struct, frozen=True, dict=True):
    """The imports of a file; a name that the file also binds otherwise means nothing for certain."""

    source: Source

    @cached_property
    def table(self) -> dict[str, str]:
        """The dotted name that each imported name stands for: `F` is `torch.nn.functional`."""
        found: dict[str, str] = {}
        for name, dotted in self._imports():
            found[name] = "" if found.get(name, dotted) != dotted else dotted
        bound = self._bound
        return {name: dotted for name, dotted in found.items() if dotted and name not in bound}

    def dotted(self, node: cst.CSTNode) -> str | None:
        """Returns the dotted name that `F.softmax` stands for; None where it is no chain of names from an import."""
        import libcst as cst

        match node:
            case cst.Name(value=name):
                return self.table.get(name)
            case cst.Attribute(value=owner, attr=attr):
                above = self.dotted(owner)
                return None if above is None else f"{above}.{attr.value}"
            case _:
                return None

    def spelled(self, dotted: str) -> str | None:
        """Returns the shortest way to write a dotted name in this file; None where no import leads to it."""
        ways = [
            name + dotted.removeprefix(origin)
            for name, origin in self.table.items()
            if dotted == origin or dotted.startswith(f"{origin}.")
        ]
        return min(ways, key=lambda way: (way.count("."), len(way)), default=None)

    @cached_property
    def _bound(self) -> frozenset[str]:
        """The names that something else than an import binds: an assignment, a parameter, a definition."""
        import libcst as cst

        found: set[str] = set()
        for kind in (cst.AssignTarget, cst.Param, cst.For, cst.AsName, cst.NamedExpr, cst.AnnAssign, cst.AugAssign):
            for node in self.source.every(kind):
                if isinstance(node, cst.AsName) and isinstance(self.source.parent(node), cst.ImportAlias):
                    continue
                target = getattr(node, "target", None) or getattr(node, "name", None)
                targets = [one.value for one in target.elements] if isinstance(target, cst.Tuple) else [target]
                found |= {one.value for one in targets if isinstance(one, cst.Name)}
        found |= {node.name.value for node in self.source.every(cst.FunctionDef)}
        found |= {node.name.value for node in self.source.every(cst.ClassDef)}
        return frozenset(found)

    def _imports(self) -> Iterator[tuple[str, str]]:
        import libcst as cst

        for plain in self.source.every(cst.Import):
            for alias in plain.names:
                name = alias.evaluated_name
                yield (alias.evaluated_alias, name) if alias.evaluated_alias else (name.partition(".")[0],) * 2
        for node in self.source.every(cst.ImportFrom):
            if node.relative or node.module is None or isinstance(node.names, cst.ImportStar):
                continue
            module = _text(node.module)
            for alias in node.names:
                yield alias.evaluated_alias or alias.evaluated_name, f"{module}.{alias.evaluated_name}"


def _text(node: cst.BaseExpression) -> str:
    import libcst as cst

    return cst.Module([]).code_for_node(node)
