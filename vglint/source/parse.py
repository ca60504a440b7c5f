"""One statement's text to its nodes: by Python's own parser, and by libcst where that cannot read it or tell a place."""

from __future__ import annotations

import ast
import re
import warnings

from vglint.regex import regex
from vglint.source.code import Statement, Unread
from vglint.source.native import read


def parsed(text: str, deep: bool = False) -> tuple[Statement, ...]:
    """Returns the statements of a text; one `Unread` where nobody can read it, or only in an age (`deep` asks for a look)."""
    if deep and too_deep(text):
        return _unread(text, "is nested too deeply to be read")
    made = read(text)
    if made is not None:
        return made
    return _unread(text, "is nested too deeply to be read") if too_deep(text) else by_libcst(text)


def by_libcst(text: str) -> tuple[Statement, ...]:
    """Returns the statements of a text that Python's parser does not read, in syntax newer than it too."""
    import libcst as cst

    from vglint.source.lowering import Mismatch, lower  # late: few texts need it

    try:
        tree = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        return (_explained(text) or Unread(*_place(text, error.raw_line, error.raw_column), "is not valid Python"),)
    except RecursionError:
        return _unread(text, "is nested too deeply to be read")
    except (ValueError, SyntaxError) as error:
        return _unread(text, f"is not valid Python: {error}")
    except TypeError:  # libcst's own, on valid code: `raise(lambda: 0)[0]`
        return (_explained(text) or _unread(text, "is Python that libcst cannot read")[0],)
    try:
        return lower(tree.body, text)
    except RecursionError:
        return _unread(text, "is nested too deeply to be read")
    except (Mismatch, ValueError) as error:
        return _unread(text, f"is not valid Python: {error}")


def _unread(text: str, message: str) -> tuple[Statement, ...]:
    return (Unread(0, len(text.partition("\n")[0].rstrip("\r")), message),)


_PYTHON_2 = regex("Missing parentheses in call|multiple exception types|leading zeros|inconsistent use of tabs")


def _explained(text: str) -> Unread | None:
    """Returns what Python itself says of a text that it cannot read either."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        kind = "Python 3, rather Python 2" if _PYTHON_2.search(error.msg) else "Python"
        return Unread(*_place(text, error.lineno or 1, (error.offset or 1) - 1), f"is not valid {kind}: {error.msg}")
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def _place(text: str, line: int, column: int) -> tuple[int, int]:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1 or start
    return min(start + column, len(text)), min(start + column + 1, len(text))


_DEEPEST = 400
_INDENTED = regex(rf"(?:\A|[\r\n])[ \t]{{{_DEEPEST}}}[^\s#]")
_TOKEN = regex(
    r"(?P<string>(?:\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|\"(?:[^\"\\\r\n]|\\.)*\"|'(?:[^'\\\r\n]|\\.)*'))"
    r"|(?P<comment>#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<comma>,)|(?P<continued>\\\r?\n)"
    r"|(?P<end>[\r\n;])|(?P<turn>\belif\b)|(?P<other>\w+|[^\s\w])",
    re.DOTALL,
)


def too_deep(text: str) -> bool:
    """Whether libcst, whose time grows with the square of the nesting and whose stack is finite, should not read a text: brackets, or a
    run of tokens without a comma that could nest, a chain of `elif`, or blocks in blocks."""
    if _INDENTED.search(text):
        return True
    runs = [0]
    turns = 0
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "open":
                runs.append(runs[-1])
            case "close":
                if len(runs) > 1:
                    runs.pop()
                runs[-1] += 1  # a call of a call, an item of an item
            case "comma":
                runs[-1] = runs[-2] if len(runs) > 1 else 0
            case "end":
                if len(runs) == 1:
                    runs[0] = 0
            case "turn":
                turns += 1
            case "other" | "string":
                runs[-1] += 1
        if len(runs) > _DEEPEST // 4 or runs[-1] > 2 * _DEEPEST or turns > 2 * _DEEPEST:
            return True
    return False
