"""f-strings, read from the text: before Python 3.12 the places of what they hold are not known to its parser."""

from __future__ import annotations

import ast
import re

from vglint.regex import regex
from vglint.source import code
from vglint.source.code import Expression
from vglint.source.native.places import Places, Unsure, lowered, reads

_LITERAL = regex(r"(?P<prefix>[A-Za-z]*)(?P<quote>\"\"\"|'''|\"|')")
_MARK = regex(r"""\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''|"[^"\r\n]*"|'[^'\r\n]*'|[(\[{)\]}!:=]""", re.DOTALL)


@reads(ast.JoinedStr)
def joined(node: ast.JoinedStr, at: Places) -> Expression:
    """Reads all strings that stand side by side and of which one is an f-string."""
    behind, end = at.start(node), at.end(node)
    parts: list[Expression] = []
    while behind < end:
        part = _literal(at.skip(behind), end, at)
        parts.append(part)
        behind = part.end
    made = parts.pop()
    while parts:
        made = _beside(parts.pop(), made)
    return made


def _beside(left: Expression, right: Expression) -> Expression:
    match left, right:
        case code.Constant(value=str(first)), code.Constant(value=str(second)):
            return code.Constant(left.start, right.end, first + second)
        case _:
            return code.Text(left.start, right.end, (*_parts(left), *_parts(right)))


def _parts(node: Expression) -> tuple[Expression, ...]:
    return node.parts if isinstance(node, code.Text) else (node,)


def _literal(start: int, end: int, at: Places) -> Expression:
    head = _LITERAL.match(at.text, start, end)
    if head is None:
        raise Unsure
    quote = head["quote"]
    if "f" not in head["prefix"].lower():
        body = re.compile(rf"(?:[^\\]|\\.)*?{quote}", re.DOTALL).match(at.text, head.end(), end)
        value = None if body is None else ast.literal_eval(at.text[start : body.end()])
        if body is None or not isinstance(value, str):
            raise Unsure
        return code.Constant(start, body.end(), value)
    is_raw = "r" in head["prefix"].lower()
    parts, behind = _filled(head.end(), end, quote, is_raw, at)
    if not at.text.startswith(quote, behind):
        raise Unsure
    return code.Text(start, behind + len(quote), parts)


def _filled(behind: int, end: int, stop: str, is_raw: bool, at: Places) -> tuple[tuple[Expression, ...], int]:
    """Reads text and fields up to `stop`, a quote or the brace behind a format."""
    text = at.text
    parts: list[Expression] = []
    begin = behind
    in_format = stop == "}"
    while not text.startswith(stop, behind):
        if behind >= end:
            raise Unsure
        if text.startswith(("{{", "}}"), behind):
            if in_format:
                raise Unsure
            behind += 2
        elif text[behind] == "{":
            if behind > begin:
                parts.append(code.Constant(begin, behind, unescaped(text[begin:behind])))
            field = _field(behind, end, is_raw, at)
            parts.append(field)
            begin = behind = field.end
        elif text[behind] == "\\":
            if is_raw or text.startswith("\\N", behind) or text[behind + 1 : behind + 2] in "{}":
                raise Unsure
            behind += 2
        else:
            behind += 1
    if behind > begin:
        parts.append(code.Constant(begin, behind, unescaped(text[begin:behind])))
    return tuple(parts), behind


def _field(start: int, end: int, is_raw: bool, at: Places) -> code.Field:
    """Reads `{value!conversion:format}`."""
    text = at.text
    stop = _stop(start + 1, end, text)
    value = _value(start + 1, stop, at)
    conversion, spec = "", None
    behind = at.skip(stop)
    if text[behind] == "!":
        behind = at.skip(behind + 1)
        conversion = text[behind : behind + 1]
        behind = at.skip(behind + 1)
    if text[behind] == ":":
        begin = behind + 1
        parts, behind = _filled(begin, end, "}", is_raw, at)
        spec = code.Text(begin, begin, parts)
    if text[behind] != "}":
        raise Unsure
    return code.Field(start, behind + 1, value, conversion, spec)


def _stop(begin: int, end: int, text: str) -> int:
    """Returns where a field's expression ends."""
    depth = 0
    for mark in _MARK.finditer(text, begin, end):
        token, at = mark[0], mark.start()
        if token in ("(", "[", "{"):
            depth += 1
        elif depth and token in (")", "]", "}"):
            depth -= 1
        elif depth or len(token) > 1:
            continue
        elif token == "=" or (token == "!" and text.startswith("!=", at)):
            if token == "=" and text[at - 1] not in "=!<>" and not text.startswith("==", at):
                raise Unsure  # `{x=}`
        else:
            return at
    raise Unsure


def _value(begin: int, end: int, at: Places) -> Expression:
    """Reads an expression as Python does: in parentheses of its own."""
    source = at.text[begin:end]
    body = ast.parse(f"({source}\n)", mode="eval").body
    rows = [begin - 1, *(begin + found.end() for found in re.finditer(r"\r\n|\r|\n", source))]
    inner = Places(at.text, rows)
    if inner.start(body) < begin:  # a tuple took them for its own
        raise Unsure
    made: Expression = lowered(body, inner)
    return made


def unescaped(text: str) -> str:
    """Returns what the text of an f-string between its fields stands for."""
    text = text.replace("{{", "{").replace("}}", "}")
    if "\\" not in text:
        return text
    try:
        return str(ast.literal_eval(f'"""{text}"""'))
    except (SyntaxError, ValueError):
        return text
