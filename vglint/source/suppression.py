"""`# vglint: ignore[VG101] reason`: which findings the author of the code has answered."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from vglint.finding import Finding, Problem
from vglint.nearest import nearest
from vglint.regex import regex

_MARK = regex(r"#\s*vglint\s*:", re.IGNORECASE)
_COMMENT = regex(
    r"#\s*vglint\s*:\s*(?P<kind>file-ignore|ignore)(?![\w-])(?:\s*\[(?P<rules>[^\]]*)\]|(?!\s*\[))\s*(?P<reason>[^#]*)"
)
MOST_WORDS = 100
"""Rules that one comment may name."""
MOST_COMMENTS = 2000
"""Comments of one file that are heeded; of each kind of mistake in them, the first hundred are told."""
_MOST_TOLD = 100
_NOT_CODE = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.ENCODING, tokenize.ENDMARKER})
_BLOCK_STARTS = ("class", "def", "async", "@")


class Suppression(Struct, frozen=True):
    """One comment: findings of `rules` (ids or names; none means all) on lines `first` to `last` are not reported."""

    line: int
    first: int
    last: int
    rules: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether the finding lies on these lines."""
        return self.first <= finding.span.end_line and finding.span.line <= self.last


def suppressions(path: str, text: str) -> tuple[tuple[Suppression, ...], tuple[Problem, ...]]:
    """Returns the suppressions of a file in order of line, and what is wrong with comments that were meant as one.

    A comment covers every line of the statement it stands in, or, alone on its line, of the statement below it; on the header
    or a decorator of a class or function it covers the whole body, and `file-ignore` the whole file.
    """
    if not _MARK.search(text):
        return (), ()
    found, problems = [], []
    last_line = text.count("\n") + 1
    for count, (line, first, last, comment) in enumerate(sorted(_comments(text))):
        if count == MOST_COMMENTS:
            problems.append(Problem(path, line, f"this comment and those below suppress nothing: {count} are enough"))
            break
        match = _COMMENT.search(comment)
        if match is None or (match["rules"] is not None and not match["rules"].strip(" ,")):
            what = "`# vglint: ignore[VG101] reason` or `# vglint: file-ignore[VG101] reason` would be right"
            problems.append(Problem(path, line, f"this comment suppresses nothing: {what}", "comment"))
            continue
        rules = tuple(dict.fromkeys(rule.strip() for rule in (match["rules"] or "").split(",") if rule.strip()))
        if len(rules) > MOST_WORDS:
            problems.append(
                Problem(path, line, f"this comment suppresses nothing: it names more than {MOST_WORDS} rules")
            )
            continue
        if match["kind"] == "file-ignore":
            first, last = 1, last_line
        found.append(Suppression(line, first, last, rules, match["reason"].strip()))
    return tuple(found), tuple(problems[:_MOST_TOLD])


class Unused(Struct, frozen=True):
    """One word of a comment (empty where it names no rule) by which no finding of the file was suppressed, and what to say of it."""

    line: int
    word: str
    first: int
    last: int
    problem: Problem


class Applied(Struct, frozen=True):
    """Findings that no comment suppresses, what is wrong with comments, and which of their words were of use or not."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...] = ()
    unused: tuple[Unused, ...] = ()
    used: frozenset[tuple[int, str]] = frozenset()
    """By line and word."""


def applied(
    path: str, text: str, findings: Iterable[Finding], known: Collection[str] = (), ran: Collection[str] | None = None
) -> Applied:
    """Returns what the comments of a file leave of its findings, and which comments are of no use.

    `known` are all ids and names of rules; `ran` those of the rules that were looked for: a comment about others may be of use.
    """
    comments, problems = suppressions(path, text)
    if not comments:
        return Applied(tuple(findings), problems)
    used: set[tuple[Suppression, str]] = set()
    by_word: dict[str, list[Suppression]] = {}
    for comment in comments:
        for word in comment.rules or ("",):
            by_word.setdefault(word, []).append(comment)
    kept = []
    for finding in findings:
        words = dict.fromkeys(("", finding.rule, finding.name))
        covering = [(one, word) for word in words for one in by_word.get(word, ()) if one.covers(finding)]
        used.update(covering)
        if not covering:
            kept.append(finding)
    wrong = tuple(islice(_wrong(path, comments, known), _MOST_TOLD))
    unused = tuple(islice(_unused(path, comments, used, known, ran), _MOST_TOLD))
    return Applied(tuple(kept), (*problems, *wrong), unused, frozenset((comment.line, word) for comment, word in used))


def _wrong(path: str, comments: Sequence[Suppression], known: Collection[str]) -> Iterator[Problem]:
    known = frozenset(known)
    for comment in comments:
        for rule in comment.rules:
            if known and rule not in known:
                yield Problem(
                    path, comment.line, f"there is no rule {rule!r} to ignore{nearest(rule, known)}", "comment"
                )


def _unused(
    path: str,
    comments: Sequence[Suppression],
    used: set[tuple[Suppression, str]],
    known: Collection[str],
    ran: Collection[str] | None,
) -> Iterator[Unused]:
    known, ran = frozenset(known), None if ran is None else frozenset(ran)
    for comment in comments:
        names = f"[{', '.join(comment.rules)}]" if comment.rules else ""
        whole = f"`vglint: ignore{names}`"
        for word in comment.rules or ("",):
            judged = not word or ((not known or word in known) and (ran is None or word in ran))
            if (comment, word) in used or not judged:
                continue
            what = f"`{word}` in {whole}" if len(comment.rules) > 1 else whole
            problem = Problem(path, comment.line, f"unused {what}: it suppresses nothing", "comment")
            yield Unused(comment.line, word, comment.first, comment.last, problem)


def _comments(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yields line, first and last covered line, and text of each comment with our mark."""
    reader = _Reader()
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            reader.take(token)
    except (tokenize.TokenError, SyntaxError, ValueError):
        # Broken code: what was read so far holds, and of the rest each comment covers its own line.
        for number, row in enumerate(text.splitlines(), 1):
            if number > reader.line and (mark := _MARK.search(row)):
                reader.done.append((number, number, number, row[mark.start() :]))
    reader.close()
    yield from reader.done


class _Reader:
    """Follows the tokens of a file from statement to statement; comments wait for the end of what they cover."""

    def __init__(self) -> None:
        self.done: list[tuple[int, int, int, str]] = []
        self.line = 0
        self._waiting: list[tuple[int, str]] = []
        self._first = 0  # line where the current statement starts, 0 between statements
        self._opener = ""
        self._header: tuple[int, list[tuple[int, str]]] | None = None
        self._blocks: list[tuple[int, list[tuple[int, str]]] | None] = []
        self._last = 0

    def take(self, token: tokenize.TokenInfo) -> None:
        self.line = token.end[0]
        if token.type == tokenize.COMMENT and _MARK.search(token.string):
            self._waiting.append((token.start[0], token.string))
        elif token.type == tokenize.INDENT:
            self._blocks.append(self._header)
            self._header = None
        elif token.type == tokenize.DEDENT:
            self._end_block()
        elif token.type == tokenize.NEWLINE:
            self._end_statement(token.start[0])
        elif token.type not in _NOT_CODE and not self._first:
            self._flush_header()
            self._first, self._opener = token.start[0], token.string

    def close(self) -> None:
        self._flush_header()
        while self._blocks:
            self._end_block()
        self.done += [(line, line, line, comment) for line, comment in self._waiting]

    def _end_statement(self, last: int) -> None:
        self._last = last
        if self._opener != "@":  # a decorator's comments go with what it decorates
            first = min([self._first, *(line for line, _ in self._waiting)])
            if self._opener in _BLOCK_STARTS:
                self._header = first, self._waiting
            else:
                self._cover(self._waiting, first)
            self._waiting = []
        self._first, self._opener = 0, ""

    def _flush_header(self) -> None:
        """Ends a `def f(): return 1` that no block followed."""
        if self._header is not None:
            self._cover(self._header[1], self._header[0])
            self._header = None

    def _end_block(self) -> None:
        block = self._blocks.pop()
        if block is not None:
            self._cover(block[1], block[0])

    def _cover(self, comments: Iterable[tuple[int, str]], first: int) -> None:
        self.done += [(line, first, self._last, comment) for line, comment in comments]
