"""What the printed forms of a graph share: a node's place among the modules, and its label."""

from __future__ import annotations

from itertools import groupby

from vglint.graph import Graph, Node
from vglint.value import Expr, Literal_, Unknown


def owner(node: Node) -> tuple[str, ...]:
    """Returns the path of the module whose forward runs `node`, in parts."""
    parts = tuple(node.path.split(".")) if node.path else ()
    return parts[:-1] if node.type is not None else parts


def label(node: Node) -> str:
    """Returns `conv1: conv2d(in_channels=3, …)`: the leaf's own name, the op, and what configures it."""
    name = node.path.rpartition(".")[2] if node.type is not None else ""
    config = ", ".join(f"{key}={value_text(value)}" for key, value in node.config if value is not None)
    call = f"{node.op}({config})" if config else node.op
    return f"{name}: {call}" if name else call


def module_types(graph: Graph) -> dict[str, str]:
    """Returns the last part of each module's class name by path."""
    return {module.path: module.type.rpartition(".")[2] for module in graph.modules}


def folded(graph: Graph) -> list[tuple[tuple[str, ...], str]]:
    """Returns the modules around each node, and what stands before its name. A list of modules of which one runs between nodes of other modules has
    no line of its own: it is a part of that one's name, `blocks.0`."""
    types = module_types(graph)
    paths = [(*owner(node), node.path.rpartition(".")[2] if node.type is not None else "") for node in graph.nodes]
    lone: list[set[int]] = [set() for _ in paths]
    for depth in range(max(map(len, paths), default=0) - 1):
        for prefix, run in groupby(range(len(paths)), lambda index, end=depth + 1: paths[index][:end]):  # type: ignore[misc]
            indices = list(run)
            if types.get(".".join(prefix)) in _LISTS and len({paths[index][: depth + 2] for index in indices}) == 1:
                for index in indices:
                    lone[index].add(depth)
    found = []
    for path, folded in zip(paths, lone, strict=True):
        parts, before = [], ""
        for depth, part in enumerate(path[:-1]):
            before += part
            if depth in folded:
                before += "."
            else:
                parts.append(before)
                before = ""
        found.append((tuple(parts), before))
    return found


_LISTS = ("ModuleList", "ModuleDict")


def value_text(value: Literal_) -> str:
    """Returns a config value as Python would write it; an unknown is `?`."""
    match value:
        case Unknown():
            return "?"
        case Expr():
            return str(value)
        case float():
            return f"{value:.4g}"
        case tuple():
            return "(" + ", ".join(value_text(item) for item in value) + ("," if len(value) == 1 else "") + ")"
        case _:
            return repr(value)


def scientific(exponent: float | None) -> str:
    """Returns 10 to the power of `exponent` in few characters, the empty string where it is not known."""
    if exponent is None:
        return ""
    if -2 <= exponent < 3:
        return f"{10**exponent:.3g}"
    if abs(exponent) < 300:
        return f"{10**exponent:.1e}"
    return f"1e{exponent:.0f}"
