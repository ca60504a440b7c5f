"""Positions and changes of texts, as editors count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from tests.server.editor import offset, position
from vglint.server.documents import Documents, encoded
from vglint.server.text import Encoding, Text, encoding_of

TEXTS = st.text(st.sampled_from("ab\n\r\f\u2028é\U0001f600"), max_size=12)
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@given(TEXTS, st.sampled_from(("utf-8", "utf-16", "utf-32")), st.data())
def test_positions_are_those_of_the_protocol(text: str, encoding: Encoding, data: st.DataObject) -> None:
    codec, width = CODECS[encoding]
    place = data.draw(st.integers(0, len(text)))
    if text[place - 1 : place + 1] == "\r\n":
        place += 1  # a position between the two stands before both
    given = Text(text, encoding)
    line, column = given.position_at(place)
    before = text[:place].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert (line, column) == (len(before) - 1, len(before[-1].encode(codec)) // width)
    assert given.offset(line, column) == place
    assert given.line(line).startswith(before[-1]) and given.lines > line


def test_places_outside_a_text_are_its_closest() -> None:
    text = Text("a\U0001f600\nb")
    assert text.position(-1, 5) == (0, 0) and text.position(7, 0) == (1, 1) and text.position(0, 99) == (0, 3)
    assert text.offset(9, 0) == 4 and text.offset(-1, 0) == 0 and text.offset(0, 99) == 2 and text.offset(0, 2) == 2
    assert text.line(9) == "" and Text("").position_at(3) == (0, 0)
    assert encoding_of(types.PositionEncodingKind.Utf8) == "utf-8" and encoding_of("utf-7") == "utf-16"


@given(TEXTS, st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), TEXTS), max_size=3))
def test_changes_are_made_one_after_the_other(text: str, changes: list[tuple[int, int, str]]) -> None:
    documents = Documents()
    document = documents.open_text(types.TextDocumentItem("file:///a.py", "python", 1, text))
    expected, sent = text, []
    for first, second, new in changes:
        start, end = sorted((min(first, len(expected)), min(second, len(expected))))
        where = types.Range(position(expected, start), position(expected, end))
        sent.append(types.TextDocumentContentChangePartial(where, new))
        start, end = offset(expected, where.start), offset(expected, where.end)
        expected = expected[:start] + new + expected[end:]
    assert documents.change_text("file:///a.py", 2, sent) is document
    assert document.text == expected and (document.version, document.revision) == (2, 1)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("é", b"\xc3\xa9"),
        ("# coding: latin-1\né", b"# coding: latin-1\n\xe9"),
        ("# coding: latin-1\n\u20ac", b"# coding: latin-1\n\xe2\x82\xac"),
        ("# coding: nothing\né", b"# coding: nothing\n\xc3\xa9"),
        ("\ud83d", b"\xed\xa0\xbd"),
    ],
)
def test_a_text_is_written_as_its_coding_line_says(text: str, content: bytes) -> None:
    assert encoded(text) == content


def test_addresses(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("a b")
    documents = Documents(folders=[str(folder)])
    path = (folder / "é.py").as_posix()
    document = documents.open_text(types.TextDocumentItem((folder / "é.py").as_uri(), "python", 1, ""))
    assert document.path == path and documents.uri_of(path) == document.uri
    assert documents.path_of("untitled:Untitled-1", ".py") == (folder / "Untitled-1.py").as_posix()
    assert documents.find("file:///elsewhere.py") is None and documents.close("file:///elsewhere.py") is None
