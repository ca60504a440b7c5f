"""Text to its top-level statements, by looking at line starts, strings and brackets alone.

This is quick (a fiftieth of a parse), needs no grammar, and one statement that nobody can read does not touch the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from vglint.regex import regex

Kind: TypeAlias = Literal["class", "function", "import", "other"]

DEEPEST = 100
"""Brackets within brackets that are read."""
LONGEST = 800
"""Characters of one logical line from which on its nesting is looked at."""


class Piece(Struct, frozen=True):
    """The lines of one statement, or of several that share a line through `;`: `text[start:end]`, line end included."""

    start: int
    end: int
    kind: Kind
    name: str
    """What a class or function is called; else ''."""
    deep: bool
    """It may be nested too deeply to be read."""


_STRING = (
    r"\"\"\"(?:[^\\\"]+|\\.|\"(?!\"\"))*(?:\"\"\"|\Z)|'''(?:[^\\']+|\\.|'(?!''))*(?:'''|\Z)"
    r"|\"(?:[^\\\"\r\n]+|\\\r\n|\\.)*\"?|'(?:[^\\'\r\n]+|\\\r\n|\\.)*'?"
)
_MARK = regex(
    rf"(?P<string>{_STRING})|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{{])|(?P<close>[)\]}}])"
    r"|(?P<continued>\\(?:\r\n|\r|\n))|(?P<end>\r\n|\r|\n)",
    re.DOTALL,
)
_CONTINUES = regex(r"(?:else|elif|except|finally)\b|[ \t\f\r\n#]|\Z")
_HEAD = regex(r"(?:async[ \t]+)?(?P<word>class|def)[ \t]+(?P<name>\w+)|(?P<import>import|from)\b")
_BLANK = regex(r"[ \t\f]*(?:[#\r\n]|\Z)")


def split(text: str) -> Iterator[Piece]:
    """Yields the statements of a text in order."""
    begin = line = stop = _first(text)  # of the statement, of the logical line, behind the last line with code
    depth = 0
    deep = False
    decorated = text.startswith("@", begin)
    for mark in _MARK.finditer(text, begin):
        match mark.lastgroup:
            case "open":
                depth += 1
                deep = deep or depth > DEEPEST
            case "close":
                depth = max(0, depth - 1)
            case "end":
                behind = mark.end()
                if depth and not _DEFINITION.match(text, behind):
                    continue
                depth = 0  # a bracket that is open where a definition begins was never closed
                deep = deep or behind - line > LONGEST
                if not _BLANK.match(text, line):
                    stop = behind
                line = behind
                if _CONTINUES.match(text, behind):
                    continue
                if decorated:
                    decorated = text.startswith("@", behind)
                    continue
                yield _piece(text, begin, stop, deep)
                begin, deep = behind, False
                decorated = text.startswith("@", begin)
            case _:
                pass
    if begin < len(text):
        stop = stop if _BLANK.match(text, line) else len(text)
        yield _piece(text, begin, stop, deep or len(text) - line > LONGEST)


def _first(text: str) -> int:
    """Returns where the first statement's line begins."""
    at = 1 if text.startswith("\ufeff") else 0
    found = re.compile(r"(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*").match(text, at)
    return found.end() if found else at


_INDENTED = regex(rf"[\r\n][ \t]{{{DEEPEST}}}")
_DEFINITION = regex(r"(?:async[ \t]+def|def|class)[ \t]+\w+[ \t]*[(:\[]")


def _piece(text: str, start: int, end: int, deep: bool) -> Piece:
    deep = deep or text.count("elif", start, end) > DEEPEST or _INDENTED.search(text, start, end) is not None
    head = _head(text, start)
    if head is None or head["import"]:
        plain = head is not None and ";" not in text[start:end]
        return Piece(start, end, "import" if plain else "other", "", deep)
    return Piece(start, end, "class" if head["word"] == "class" else "function", head["name"], deep)


def _head(text: str, start: int) -> re.Match[str] | None:
    """Returns what a statement begins with, behind its decorators."""
    at = start
    while text.startswith("@", at):
        depth = 0
        for mark in _MARK.finditer(text, at):
            if mark.lastgroup == "open":
                depth += 1
            elif mark.lastgroup == "close":
                depth -= 1
            elif mark.lastgroup == "end" and depth <= 0:
                at = mark.end()
                if not _CONTINUES.match(text, at):
                    break
        else:
            return None
    return _HEAD.match(text, at)
