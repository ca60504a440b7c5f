"""Whether the graphs after a change differ from those before it by what the change says, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from vglint.fix.change import Allowed
from vglint.graph import Graph, Node
from vglint.ops import find
from vglint.regex import regex
from vglint.shape import shape_text

Lines: TypeAlias = "frozenset[int]"


class Side(Struct, frozen=True):
    """The graphs of a file in one state, and the lines that the change touches there."""

    path: str
    graphs: tuple[Graph, ...]
    lines: Lines


def difference(before: Side, after: Side, allowed: Allowed) -> str:
    """Returns in what the graphs differ that the change does not say; an empty text where there is nothing."""
    old, new = _by_entry(before.graphs), _by_entry(after.graphs)
    if lost := [entry for entry in old if entry not in new]:
        return f"{lost[0][0]} would no longer be read"
    for entry, graph in old.items():
        if found := _of_graph(_Reduced.of(graph, before, allowed), _Reduced.of(new[entry], after, allowed), allowed):
            return f"in {graph.entry} {found}"
    return ""


def _by_entry(graphs: Iterable[Graph]) -> dict[tuple[str, str, int], Graph]:
    found: dict[tuple[str, str, int], Graph] = {}
    for graph in graphs:
        number = sum(key[:2] == (graph.entry, graph.kind) for key in found)
        found[graph.entry, graph.kind, number] = graph
    return found


class _Reduced(Struct, frozen=True, dict=True):
    """A graph without the nodes that the change may touch; what read one of them reads what it read."""

    graph: Graph
    nodes: tuple[Node, ...]
    lines: frozenset[int]
    """Nodes on the lines that the change touches."""
    place: Mapping[int, int | str | None]
    """The position of each node among those that are left; for one that is left out, of what it reads; what is given from outside has its name."""

    @staticmethod
    def of(graph: Graph, side: Side, allowed: Allowed) -> _Reduced:
        kept: list[Node] = []
        place: dict[int, int | str | None] = {}
        for node in graph.nodes:
            if node.op in allowed.ops and (allowed.anywhere or _touched(node, side)):
                is_second = node.op == "where" or (node.op == "add" and len(node.inputs) > 1)
                read = node.inputs[1:2] if is_second else node.inputs[:1]
                place[node.index] = place[read[0]] if read else None
            elif node.op in _GIVEN and not node.inputs:
                place[node.index] = f"{node.op} {_kept(node, allowed.config)} {node.path}"
            else:
                place[node.index] = len(kept)
                kept.append(node)
        lines = frozenset(node.index for node in kept if _touched(node, side))
        return _Reduced(graph, tuple(kept), lines, place)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """What sizes of the inside (`%115.0`) are called after, numbered in the order in which the nodes that are left name them."""
        found: dict[str, int] = {}
        for node in self.nodes:
            for text in (shape_text(node.shape), *(str(value) for _, value in node.config)):
                for number in _SIZE.findall(text):
                    found.setdefault(number, len(found))
        return found

    def named(self, text: str) -> str:
        """Returns a text in which sizes of the inside have names that do not depend on nodes which are left out."""
        return _SIZE.sub(lambda found: f"%<{self._sizes.get(found[1], found[1])}>", text)


_SIZE = regex(r"%(\d+)(?=\.)")

_GIVEN = frozenset({"input", "parameter", "optimizer"})
"""What the program is given, in the order in which it first asks for it: a change may ask earlier."""


def _touched(node: Node, side: Side) -> bool:
    if node.span.file != side.path:
        return False
    return any(line in side.lines for line in range(node.span.line, node.span.end_line + 1))


def _of_graph(old: _Reduced, new: _Reduced, allowed: Allowed) -> str:
    if len(new.graph.gaps) > len(old.graph.gaps):
        return "more would be unknown"
    given = [{place for place in side.place.values() if isinstance(place, str)} for side in (old, new)]
    if given[0] != given[1] and not allowed.registered:
        return "something else would be given"
    if len(old.nodes) != len(new.nodes):
        return f"{len(old.nodes)} operations would become {len(new.nodes)}"
    for left, right in zip(old.nodes, new.nodes, strict=True):
        if found := _of_node(left, right, old, new, allowed):
            return f"{left.path or left.op} {found}"
    if found := _of_parameters(old, new, allowed):
        return found
    if not allowed.registered and _modules(old, allowed) != _modules(new, allowed):
        return "other modules would be built"
    return _of_outputs(old, new, allowed)


def _of_node(left: Node, right: Node, old: _Reduced, new: _Reduced, allowed: Allowed) -> str:
    is_named = left.op == "opaque" and left.index in old.lines and right.index in new.lines
    if (left.op, left.type) != (right.op, right.type) and not is_named:
        return f"would become {right.op}"
    if left.path != right.path and not allowed.registered:
        return f"would be called {right.path}"
    skipped = allowed.config
    if is_named:
        left = replace(left, config=right.config, shape=right.shape)
    if [(name, old.named(value)) for name, value in _kept(left, skipped)] != [
        (name, new.named(value)) for name, value in _kept(right, skipped)
    ]:
        return "would be configured otherwise"
    if left.shape != right.shape and not skipped:
        shapes = old.named(shape_text(left.shape)), new.named(shape_text(right.shape))
        if shapes[0] != shapes[1]:
            return f"would have the shape {shapes[1]} in place of {shapes[0]}"
    if not allowed.links and [old.place[each] for each in left.inputs] != [new.place[each] for each in right.inputs]:
        return "would read something else"
    return ""


def _kept(node: Node, skipped: frozenset[str]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in node.config if name not in skipped]


def _of_parameters(old: _Reduced, new: _Reduced, allowed: Allowed) -> str:
    left, right = old.graph.parameters, new.graph.parameters
    if len(left) != len(right) and not allowed.registered:
        return f"{len(left)} parameters would become {len(right)}"
    for before, after in zip(left, right, strict=False):
        if allowed.registered:
            break
        if (before.path, before.shape, before.trainable) != (after.path, after.shape, after.trainable):
            return f"{before.path} would become {after.path}"
        if not allowed.inits and str(before.init) != str(after.init):
            return f"{before.path} would start otherwise"
    return ""


def _modules(side: _Reduced, allowed: Allowed) -> list[tuple[str, str]]:
    return [
        (module.path, module.type)
        for module in side.graph.modules
        if (known := find(module.type)) is None or known.op not in allowed.ops
    ]


def _of_outputs(old: _Reduced, new: _Reduced, allowed: Allowed) -> str:
    if allowed.links and old.graph.kind == "training":
        return ""
    left, right = _outputs(old), _outputs(new)
    if left.keys() != right.keys():
        return "the outputs would be others"
    for name, (place, shape) in left.items():
        other, size = right[name]
        if shape != size and not allowed.config:
            return f"the output {name} would have the shape {size}"
        if place != other and not allowed.links:
            return f"the output {name} would come from elsewhere"
    return ""


def _outputs(side: _Reduced) -> dict[str, tuple[int | str | None, str]]:
    graph = side.graph
    return {
        name: (side.place[index], side.named(shape_text(graph.nodes[index].shape))) for name, index in graph.outputs
    }


def changed_lines(text: str, splices: Sequence[tuple[int, int, str]]) -> tuple[Lines, Lines]:
    """Returns the lines that edits touch, in the text before and in the text after them."""
    before: set[int] = set()
    after: set[int] = set()
    grown = 0
    for start, end, new in sorted(splices):
        whole = new.rstrip(" \t") or (text[start:end] if not new else "")
        own_lines = whole.endswith(("\n", "\r"))
        first = _line(text, start)
        if start < end or not own_lines:
            before |= set(range(first, first + _breaks(text[start:end].rstrip("\r\n")) + 1))
        breaks = _breaks(new)
        after |= set(range(first + grown, first + grown + breaks + (not own_lines)))
        grown += breaks - _breaks(text[start:end])
    return frozenset(before), frozenset(after)


def _line(text: str, offset: int) -> int:
    return _breaks(text[:offset]) + 1


def _breaks(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
