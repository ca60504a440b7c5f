"""What an action is asked, and what it answers: edits with the difference that they may make to the graphs, or why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import TypeAlias

from msgspec import Struct

from vglint.finding import Finding
from vglint.fix.names import Names
from vglint.fix.source import Source, Splice, Statement
from vglint.graph import Graph, Node
from vglint.span import Span


class Allowed(Struct, frozen=True):
    """The difference that a change may make to the graphs of its file; all else has to stay as it was.

    Nodes of `ops` on the changed lines may come, go and move. `config` names values of the layers' configuration that may differ;
    with `inits` parameters may start otherwise, with `registered` more of them may belong to their model, with `paths` modules and
    parameters may be called otherwise, with `links` what a node reads may differ, with `outputs` the outputs' shapes.
    """

    ops: frozenset[str] = frozenset()
    config: frozenset[str] = frozenset()
    inits: bool = False
    registered: bool = False
    links: bool = False
    anywhere: bool = False
    """The nodes of `ops` may lie on any line: they are layers that are built in one place and run in another."""


class Change(Struct, frozen=True):
    """Edits of one file, and what they may change in its graphs. `note` is a sentence that the reader of the fix has to know.

    Where a model's output means something else afterwards, `makers` are the names of the file whose call makes the model, and `calls` the lines that
    call it unseen by any graph.
    """

    splices: tuple[Splice, ...]
    allowed: Allowed
    note: str = ""
    makers: tuple[str, ...] = ()
    calls: tuple[int, ...] = ()


class Refusal(Struct, frozen=True):
    """Why an action does nothing here."""

    why: str


Answer: TypeAlias = Change | Refusal


class Request(Struct, frozen=True, dict=True):
    """A finding, the file that it lies in, the graphs of that file, and the action's argument."""

    finding: Finding
    source: Source
    graphs: tuple[Graph, ...] = ()
    with_: str = ""

    @cached_property
    def names(self) -> Names:
        """What the file's names mean."""
        return _names(self.source)

    @property
    def places(self) -> list[Span]:
        """The places of the finding in this file, its own first."""
        own = self.finding.span
        return [own, *(place.span for place in self.finding.related if place.span.file == own.file)]

    @property
    def target(self) -> Span | None:
        """The place that a change concerns: the finding's own, or with the argument `related` the first other place in the same file."""
        if not self.with_.startswith("related"):
            return self.finding.span
        return next(iter(self.places[1:]), None)

    @property
    def graph(self) -> Graph | None:
        """The graph of the finding's entry."""
        return next((graph for graph in self.graphs if graph.entry == self.finding.entry), None)

    def nodes_at(self, span: Span) -> Iterator[tuple[Graph, Node]]:
        """Yields the nodes that stand at a place, in every graph of the file."""
        return ((graph, node) for graph in self.graphs for node in graph.nodes if node.span == span)

    def before(self, statement: Statement, lines: str) -> Splice | None:
        """Returns the edit that puts lines before a statement; None where it does not stand on lines of its own."""
        indent = self.source.indent(statement)
        if indent is None or self.source.block(statement) is None:
            return None
        start, _ = self.source.range(statement)
        text = "".join(f"{line}{self.source.newline}{indent}" for line in self._indented(lines))
        return start, start, text

    def after(self, statement: Statement, lines: str) -> Splice | None:
        """Returns the edit that puts lines behind a statement; None where it does not stand on lines of its own."""
        indent, whole = self.source.indent(statement), self.source.whole_line(statement)
        if indent is None or whole is None or self.source.block(statement) is None:
            return None
        end, newline = whole[1], self.source.newline
        text = "".join(f"{indent}{line}{newline}" for line in self._indented(lines))
        if not self.source.text[:end].endswith(("\n", "\r")):
            text = newline + text.removesuffix(newline)
        return end, end, text

    def _indented(self, lines: str) -> list[str]:
        """Returns lines indented as the file does it; they come with four spaces a level."""
        return [line.replace("    ", self.source.indentation) for line in lines.split("\n")]

    def without(self, statement: Statement) -> Splice | None:
        """Returns the edit that takes a statement and its lines out; None where its block would be empty, or something stands beside it."""
        import libcst as cst

        block, whole = self.source.block(statement), self.source.whole_line(statement)
        if block is None or whole is None or len(block) < 2:
            return None
        if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) > 1:
            return None
        return whole[0], whole[1], ""


Act: TypeAlias = Callable[[Request], Answer]
"""An action: one function, with one sentence of documentation."""


def change(
    allowed: Allowed, *splices: Splice | None, note: str = "", why: str = "it shares its line with others"
) -> Answer:
    """Returns the change that edits make; a refusal where one of them could not be made."""
    made = tuple(splice for splice in splices if splice is not None)
    return Change(made, allowed, note) if made and len(made) == len(splices) else Refusal(why)


@lru_cache(maxsize=2)
def _names(source: Source) -> Names:
    """The names of a file that several findings ask fixes for, read once."""
    return Names(source)
