"""Which names the plainest statements bind, told by their text: most files are only asked for their names."""

from __future__ import annotations

import re

from vglint.regex import regex

_COMMENT = regex(r"#[^\r\n]*")
_STRING = r"\"{3}(?:[^\\\"]|\\.|\"(?!\"\"))*\"{3}|'{3}(?:[^\\']|\\.|'(?!''))*'{3}|\"(?:[^\"\\\r\n]|\\.)*\"|'(?:[^'\\\r\n]|\\.)*'"
_TOKEN = regex(rf"(?P<string>{_STRING})|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{{])|(?P<close>[)\]}}])", re.DOTALL)
_ASSIGNED = regex(r"(?P<name>[^\W\d]\w*)\s*(?::[^=:;\n]*)?=(?P<value>[^=:;][^=:;]*)\Z")
_CALLED = regex(
    r"(?!(?:del|global|nonlocal|import|from|type|match|return|raise)\b)[^\W\d]\w*(?:\.\w+|\(\)|\[\])*\(\)\s*\Z"
)


def plain_names(source: str) -> tuple[str, ...] | None:
    """Returns what a statement binds; None where only its nodes tell."""
    if source.startswith(("from", "import")):
        return _imported(source)
    if ":=" in source or ";" in source:
        return None
    outside = _outside(source)
    if outside is None or "\\" in outside:
        return None
    outside = outside.strip()
    if not outside.strip("0 \t\r\n") or _CALLED.match(outside):
        return ()
    found = _ASSIGNED.match(outside)
    return None if found is None else (found["name"],)


def _imported(source: str) -> tuple[str, ...] | None:
    words = _COMMENT.sub("", source).replace("\\\n", " ").replace("\\\r\n", " ").split()
    kind, _, text = " ".join(words).partition(" ")
    if kind == "from":
        _, found, text = text.partition(" import ")
        if text.startswith("(") and text.endswith(")"):
            text = text[1:-1].strip().removesuffix(",")
        if not found:
            return None
    elif kind != "import":
        return None
    names: dict[str, None] = {}
    for alias in text.split(","):
        match alias.split():
            case [name] if kind == "from" and (name.isidentifier() or name == text == "*"):
                names.setdefault(name)
            case [name] if kind == "import" and all(part.isidentifier() for part in name.split(".")):
                names.setdefault(name.partition(".")[0])
            case [_, "as", name] if name.isidentifier():
                names.setdefault(name)
            case _:
                return None
    return tuple(names)


def _outside(source: str) -> str | None:
    """Returns a statement with 0 for each string, without comments and what stands in brackets; None where those do not close."""
    parts: list[str] = []
    depth = at = 0
    for token in _TOKEN.finditer(source):
        if not depth:
            parts.append(source[at : token.start()])
        match token.lastgroup:
            case "open":
                if not depth:
                    parts.append(token[0])
                depth += 1
            case "close":
                depth -= 1
                if depth < 0:
                    return None
                if not depth:
                    parts.append(token[0])
            case "string" if not depth:
                parts.append("0")
            case _:
                pass
        at = token.end()
    if depth:
        return None
    parts.append(source[at:])
    outside = "".join(parts)
    return None if '"' in outside or "'" in outside else outside
