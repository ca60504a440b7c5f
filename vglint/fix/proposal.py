"""A rule's fix for one finding: the action asked, its edits made in memory, and what they do to the text."""

from __future__ import annotations

import tokenize
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import Edit, Finding, Fix
from vglint.fix.change import Change, Refusal, Request
from vglint.fix.source import Source, Splice
from vglint.fix.table import ACTIONS
from vglint.graph import Graph
from vglint.rule import Action

if TYPE_CHECKING:
    import libcst as cst


class Proposal(Struct, frozen=True):
    """A fix, the text that it makes, and what it may change in the graphs; it is offered only once these were compared."""

    fix: Fix
    text: str
    change: Change


def propose(
    action: Action, finding: Finding, text: str, graphs: Sequence[Graph], source: Source | None = None
) -> Proposal | Refusal:
    """Returns the rule's fix for a finding; a refusal where the code has a form that the action does not know."""
    source = source or _source(text)
    if source.tree is None:
        return Refusal("libcst cannot read the file")
    answer = ACTIONS[action.action](Request(finding, source, tuple(graphs), action.with_))
    if isinstance(answer, Refusal):
        return answer
    splices = _with_comments(source, answer.splices)
    after = spliced(text, splices)
    if after == text:
        return Refusal("there is nothing to change")
    if Source(after).tree is None:
        return Refusal("what it makes is not valid Python")
    edits = tuple(Edit(finding.span.file, *splice) for splice in splices)
    fix = Fix(action.title, action.safety, edits, answer.note, answer.makers)
    return Proposal(fix, after, replace(answer, splices=splices))


@lru_cache(maxsize=2)
def _source(text: str) -> Source:
    """The file that several findings ask fixes for, read once."""
    return Source(text)


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Returns a text with edits made, from its end to its start."""
    for start, end, new in sorted(splices, key=lambda splice: splice[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _with_comments(source: Source, splices: tuple[Splice, ...]) -> tuple[Splice, ...]:
    """Returns the edits, and one more that puts the comments inside what they take out above its statement."""
    kept: list[Splice] = []
    for start, end, new in splices:
        lost = Counter(_comments(source.text[start:end])) - Counter(_comments(new))
        statement = _statement_at(source, start) if lost else None
        kept.append((start, end, new))
        if statement is None:
            continue
        first, last = source.range(statement)
        indent = source.indent(statement)
        if indent is not None and first <= start and end <= last:
            kept.append((first, first, "".join(f"{comment}{source.newline}{indent}" for comment in lost)))
    return tuple(kept)


def _statement_at(source: Source, offset: int) -> cst.SimpleStatementLine | None:
    import libcst as cst

    lines = source.every(cst.SimpleStatementLine)
    return next((line for line in lines if source.range(line)[0] <= offset < source.range(line)[1]), None)


def _comments(text: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(StringIO(f"({text.strip()}\n)").readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [token.string for token in tokens if token.type == tokenize.COMMENT]
