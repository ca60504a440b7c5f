"""What is open in the editor: texts and notebooks as they are on the screen, saved or not."""

from __future__ import annotations

import io
import json
import os
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from msgspec import Struct, field
from pygls.uris import from_fs_path, to_fs_path

from vglint.server.text import Encoding, Text


class Cell(Struct):
    """One cell of an open notebook."""

    uri: str
    text: str
    version: int = 0
    is_code: bool = True


class Document(Struct):
    """A file or a notebook that is open; `revision` counts its changes, whatever the editor calls them."""

    uri: str
    path: str
    text: str = ""
    version: int | None = None
    cells: list[Cell] | None = None
    """The cells that the editor told of, in order; None for a file."""
    revision: int = 0

    def content(self) -> bytes:
        """Returns the bytes that a file with this text would hold; of a notebook, its cells in the format of Jupyter."""
        if self.cells is None:
            return encoded(self.text)
        cells = [{"cell_type": "code" if cell.is_code else "raw", "source": cell.text} for cell in self.cells]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode("ascii")

    @property
    def code(self) -> list[Cell]:
        """The cells with code."""
        return [cell for cell in self.cells or () if cell.is_code]

    def part(self, cell: int | None) -> tuple[str, str, int | None]:
        """Returns address, text and version of the file, or of a code cell by its number from 1."""
        if self.cells is None:
            return self.uri, self.text, self.version
        code = self.code
        if not code:
            return self.uri, "", None
        found = code[min(max(cell or 1, 1), len(code)) - 1]
        return found.uri, found.text, found.version


def encoded(text: str) -> bytes:
    """Returns a text as the bytes that its coding line asks for: what is read back is this text."""
    content = text.encode("utf-8", "surrogatepass")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content if encoding in ("utf-8", "utf-8-sig") else text.encode(encoding)
    except (SyntaxError, LookupError, UnicodeError):
        return content


class Documents(Struct):
    """Everything that is open, by path; `folders` are those of the workspace."""

    encoding: Encoding = "utf-16"
    folders: list[str] = field(default_factory=list)
    _by_path: dict[str, Document] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._by_path.values()))

    def at(self, path: str) -> Document | None:
        """Returns the document of a path."""
        return self._by_path.get(path)

    def find(self, uri: str) -> tuple[Document, int | None] | None:
        """Returns the document of an address; for that of a cell, its notebook and the cell's number from 1."""
        uri = unquote(uri)
        for document in self._by_path.values():
            if unquote(document.uri) == uri:
                return document, None
            for number, cell in enumerate(document.code, 1):
                if unquote(cell.uri) == uri:
                    return document, number
        return None

    def open_text(self, item: types.TextDocumentItem) -> Document:
        """Opens a file."""
        document = Document(item.uri, self.path_of(item.uri, ".py"), item.text, item.version)
        self._by_path[document.path] = document
        return document

    def change_text(
        self, uri: str, version: int, changes: Iterable[types.TextDocumentContentChangeEvent]
    ) -> Document | None:
        """Changes an open file."""
        found = self.find(uri)
        if found is None or found[0].cells is not None:
            return None
        document = found[0]
        document.text, document.version = self._changed(document.text, changes), version
        document.revision += 1
        return document

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> Document:
        """Opens a notebook."""
        book = params.notebook_document
        document = Document(book.uri, self.path_of(book.uri, ".ipynb"), "", book.version, [])
        document.cells = self._cells(document, book.cells, params.cell_text_documents)
        self._by_path[document.path] = document
        return document

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> Document | None:
        """Changes an open notebook: its cells, or their texts."""
        found = self.find(params.notebook_document.uri)
        if found is None or found[0].cells is None:
            return None
        document, cells = found[0], found[0].cells
        document.version = params.notebook_document.version
        document.revision += 1
        changes = params.change.cells
        if changes is not None and changes.structure is not None:
            array = changes.structure.array
            new = self._cells(document, array.cells or (), changes.structure.did_open or ())
            cells[array.start : array.start + array.delete_count] = new
        for change in (changes.text_content if changes is not None else None) or ():
            for cell in cells:
                if unquote(cell.uri) == unquote(change.document.uri):
                    cell.text = self._changed(cell.text, change.changes)
                    cell.version = change.document.version
        return document

    def close(self, uri: str) -> Document | None:
        """Closes a file or a notebook, and returns it."""
        found = self.find(uri)
        return None if found is None else self._by_path.pop(found[0].path, None)

    def path_of(self, uri: str, suffix: str) -> str:
        """Returns the path that an address stands for; for a text that was never saved, one in the workspace."""
        scheme = urlsplit(uri).scheme
        path = to_fs_path(uri) if scheme in ("", "file") else None
        if path is None:
            name = os.path.basename(unquote(urlsplit(uri).path)) or "untitled"
            folder = self.folders[0] if self.folders else os.getcwd()
            path = os.path.join(folder, name if name.endswith(suffix) else name + suffix)
        return os.path.abspath(path).replace(os.sep, "/")

    def uri_of(self, path: str, cell: int | None = None) -> str:
        """Returns the address of a path, as the editor wrote it where it is open."""
        document = self.at(path)
        return document.part(cell)[0] if document is not None else str(from_fs_path(path))

    def _cells(
        self, document: Document, listed: Sequence[types.NotebookCell], texts: Sequence[types.TextDocumentItem]
    ) -> list[Cell]:
        """Returns the cells that a notebook gets; those that only move keep their text."""
        known = {cell.uri: cell for cell in document.cells or ()}
        given = {text.uri: Cell(text.uri, text.text, text.version) for text in texts}
        found = [given.get(cell.document) or known.get(cell.document) or Cell(cell.document, "") for cell in listed]
        for cell, told in zip(found, listed, strict=True):
            cell.is_code = told.kind == types.NotebookCellKind.Code
        return found

    def _changed(self, text: str, changes: Iterable[types.TextDocumentContentChangeEvent]) -> str:
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                lines = Text(text, self.encoding)
                start = lines.offset(change.range.start.line, change.range.start.character)
                end = lines.offset(change.range.end.line, change.range.end.character)
                text = text[:start] + change.text + text[max(start, end) :]
            else:
                text = change.text
        return text
