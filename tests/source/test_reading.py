"""Bytes to text: encodings, line ends, and a clear word where there is no text."""

from __future__ import annotations

import pytest

from vglint.finding import Problem
from vglint.source import code
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.source.reading import decode


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        (b"", "", "utf-8"),
        ("x = 'é'".encode(), "x = 'é'", "utf-8"),
        (b"\xef\xbb\xbfx = 1\r\n", "x = 1\r\n", "utf-8-sig"),
        (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n", "iso-8859-1"),
        (b"#!python\n# -*- coding: cp1252 -*-\n# \x80", "#!python\n# -*- coding: cp1252 -*-\n# €", "cp1252"),
        ("# vim: set fileencoding=shift_jis :\nx = '日'".encode("shift_jis"), "# vim: set fileencoding=shift_jis :\nx = '日'", "shift_jis"),
        (b"x = 1\rdef f(): pass\r", "x = 1\rdef f(): pass\r", "utf-8"),
    ],
)  # fmt: skip
def test_text_comes_back_to_the_same_bytes(content: bytes, text: str, encoding: str) -> None:
    found = decode("a.py", content)
    assert not isinstance(found, Problem)
    assert (found.text, found.encoding) == (text, encoding)
    assert found.text.encode(found.encoding) == content


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"\x7fELF\x00\x01", None, "is binary, not Python source"),
        (b"\xff\xfex\x00", None, "is UTF-16, which Python does not read: save it as UTF-8"),
        (b"x = '\xe9'\n", 1, "byte 0xe9 is not utf-8: a coding line must name the file's encoding"),
        (b"x\ny\n\nx = '\xe9'\n", 4, "byte 0xe9 is not utf-8: a coding line must name the file's encoding"),
        (b"# coding: ascii\nx = '\xe9'\n", 2, "byte 0xe9 is not ascii: a coding line must name the file's encoding"),
        (b"# coding: klingon\n", 1, "cannot be decoded: unknown encoding: klingon"),
        (b"\xef\xbb\xbf# coding: latin-1\n", 1, "cannot be decoded: encoding problem: utf-8"),
        (b"# coding: hex\n00", 1, "cannot be decoded: 'hex' is not a text encoding"),
        (b"# coding: undefined\n00", 1, "cannot be decoded: "),
    ],
)
def test_no_text(content: bytes, line: int | None, message: str) -> None:
    found = decode("a.py", content)
    assert isinstance(found, Problem)
    assert (found.path, found.line) == ("a.py", line)
    assert found.message.startswith(message)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places_are_counted_in_characters_of_the_decoded_text(newline: str) -> None:
    text = newline.join(["# coding: latin-1", "x = 'é', f(1)", "class A:", "\tdef größe(self): return self.größe(2)"])
    module = Project(".").add("a.py", text.encode("latin-1"))
    assert isinstance(module, Module)
    definition = module.units[1].definition
    assert isinstance(definition, code.Class) and definition.name == "A" and module.units[1].line == 3
    method = definition.body[0]
    span = module.units[1].span(method)
    assert (span.line, span.column, span.end_column) == (4, 2, 11)
