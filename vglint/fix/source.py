"""A file's text with its libcst tree: spans to nodes, nodes to offsets, statements to the lines around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from msgspec import Struct

from vglint.span import Span

if TYPE_CHECKING:  # libcst is slow to import, and most runs propose no fix
    import libcst as cst
    from libcst.metadata import CodeRange, MetadataWrapper

Splice: TypeAlias = tuple[int, int, str]
"""Offsets of the first character that goes and of the one behind the last, and what comes in their place."""

Statement: TypeAlias = "cst.BaseStatement"
Node = TypeVar("Node", bound="cst.CSTNode")


class Source(Struct, frozen=True, dict=True):
    """A file's decoded text; what is asked of its tree is computed when it is first asked for."""

    text: str

    @cached_property
    def tree(self) -> cst.Module | None:
        """The file as libcst reads it; None where it cannot."""
        import libcst as cst

        try:
            return cst.parse_module(self.text)
        except (cst.ParserSyntaxError, RecursionError, ValueError, TypeError):  # the last one is libcst's on valid code
            return None

    @cached_property
    def _wrapper(self) -> MetadataWrapper:
        from libcst.metadata import MetadataWrapper

        assert self.tree is not None
        return MetadataWrapper(self.tree, unsafe_skip_copy=True)

    @cached_property
    def _positions(self) -> Mapping[cst.CSTNode, CodeRange]:
        from libcst.metadata import PositionProvider

        return self._wrapper.resolve(PositionProvider)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", self.text))]

    @property
    def indentation(self) -> str:
        """By what the file indents its blocks; by a tab where it has none, and its continued lines begin with one."""
        if self.tree is None:
            return "    "
        import libcst as cst

        if re.search(r"(?:^|[\r\n])\t", self.text) and next(self.every(cst.IndentedBlock), None) is None:
            return "\t"
        return self.tree.default_indent

    @property
    def newline(self) -> str:
        """How the file ends its lines."""
        return self.tree.default_newline if self.tree is not None else "\n"

    def offsets(self, span: Span) -> tuple[int, int]:
        """Returns where a span starts and ends."""
        return (
            self._starts[span.line - 1] + span.column - 1,
            self._starts[span.end_line - 1] + span.end_column - 1,
        )

    def range(self, node: cst.CSTNode) -> tuple[int, int]:
        """Returns where a node starts and ends, with the parentheses around it."""
        import libcst as cst

        start, end = self._bare(node)
        left, right = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        if not isinstance(left, Sequence) or not left:
            return start, end
        empty = cst.Module([], default_newline=self.newline)
        return (
            start - sum(len(empty.code_for_node(one)) for one in left),
            end + sum(len(empty.code_for_node(one)) for one in right),
        )

    def line(self, node: cst.CSTNode) -> int:
        """Returns the line on which a node starts."""
        return self._positions[node].start.line

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """Returns the first and the last line of a node."""
        return self._positions[node].start.line, self._positions[node].end.line

    def code(self, node: cst.CSTNode) -> str:
        """Returns a node's own text."""
        start, end = self.range(node)
        return self.text[start:end]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Returns the node around a node."""
        return self._parents.get(node)

    def around(self, node: cst.CSTNode, *kinds: type[Node]) -> Node | None:
        """Returns the innermost node of some kinds that is, or lies around, a node."""
        found: cst.CSTNode | None = node
        while found is not None and not isinstance(found, kinds):
            found = self._parents.get(found)
        return found

    def every(self, kind: type[Node], inside: cst.CSTNode | None = None) -> Iterator[Node]:
        """Yields the nodes of a kind inside a node, or in the file, in order."""
        return (node for node in self._walk(inside or self._wrapper.module) if isinstance(node, kind))

    def nodes(self) -> Iterator[cst.CSTNode]:
        """Yields every node of the file, in order."""
        return iter(self._nodes)

    def at(self, span: Span) -> cst.BaseExpression | None:
        """Returns the outermost expression that covers exactly the span, its parentheses counted or not."""
        wanted = self.offsets(span)
        for node in self._on_line(span.line):
            if wanted in (self.range(node), self._bare(node)):
                return node
        return None

    def statement(self, place: Span | cst.CSTNode) -> Statement | None:
        """Returns the innermost statement around a place."""
        import libcst as cst

        kinds = cst.SimpleStatementLine, cst.BaseCompoundStatement
        if isinstance(place, cst.CSTNode):
            found: cst.CSTNode | None = place
            while found is not None and not isinstance(found, kinds):
                found = self._parents.get(found)
            return found
        start, _ = self.offsets(place)
        best: Statement | None = None
        for node in self._walk(self._wrapper.module):
            if isinstance(node, kinds):
                first, last = self.range(node)
                if first <= start < last and (best is None or first >= self.range(best)[0]):
                    best = node
        return best

    def indent(self, statement: Statement) -> str | None:
        """Returns the white space before a statement; None where something else stands on its line."""
        start, _ = self.range(statement)
        found = self.text[self._starts[self.line(statement) - 1] : start]
        return None if found.strip() else found

    def whole_line(self, statement: Statement) -> tuple[int, int] | None:
        """Returns the lines of a statement with their end; None where something else but a comment stands on them."""
        start, end = self.range(statement)
        last = self._positions[statement].end.line
        after = self._starts[last] if last < len(self._starts) else len(self.text)
        if self.indent(statement) is None or self.text[end:after].partition("#")[0].strip():
            return None
        return start - len(self.indent(statement) or ""), after

    def block(self, statement: Statement) -> list[cst.BaseStatement] | None:
        """Returns the statements of the block that a statement stands in."""
        import libcst as cst

        around = self._parents.get(statement)
        if isinstance(around, (cst.IndentedBlock, cst.Module)):
            return list(around.body)
        return None

    def _on_line(self, line: int) -> Iterator[cst.BaseExpression]:
        import libcst as cst

        for node in self._walk(self._wrapper.module):
            if isinstance(node, cst.BaseExpression) and self._positions[node].start.line <= line:
                yield node

    @property
    def _nodes(self) -> list[cst.CSTNode]:
        """All nodes of the file, outer ones first."""
        return self._walked[0]

    @property
    def _parents(self) -> Mapping[cst.CSTNode, cst.CSTNode]:
        return self._walked[1]

    @cached_property
    def _walked(self) -> tuple[list[cst.CSTNode], dict[cst.CSTNode, cst.CSTNode]]:
        """All nodes of the file and the node around each, of one walk: libcst makes the list of a node's children anew each time."""
        nodes: list[cst.CSTNode] = []
        around: dict[cst.CSTNode, cst.CSTNode] = {}
        todo: list[cst.CSTNode] = [self._wrapper.module]
        while todo:
            node = todo.pop()
            nodes.append(node)
            children = node.children
            for child in children:
                around[child] = node
            todo.extend(reversed(children))
        return nodes, around

    def _walk(self, start: cst.CSTNode) -> Iterator[cst.CSTNode]:
        return iter(self._nodes) if start is self._wrapper.module else _below(start)

    def _bare(self, node: cst.CSTNode) -> tuple[int, int]:
        place = self._positions[node]
        start = self._starts[place.start.line - 1] + place.start.column
        return start, self._starts[place.end.line - 1] + place.end.column


def _below(start: cst.CSTNode) -> Iterator[cst.CSTNode]:
    todo = [start]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(node.children))
