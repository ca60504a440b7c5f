"""An editor for tests: a real client that starts `vglint server` and talks to it on its standard streams."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.uris import from_fs_path

ROOT = Path(__file__).resolve().parent.parent.parent
START = f"import sys; sys.path[0] = {str(ROOT)!r}; from vglint.cli import main; main()"
"""Starts the vglint of this checkout as the installed command does: nothing is imported from the current folder."""
LONG = float(os.environ.get("VGLINT_TEST_SECONDS", 120))
"""Seconds after which a test gives up: long enough for a slow machine, and never waited for."""


class Editor(LanguageClient):
    """What an editor with UTF-16 and versioned edits knows: the texts that it opened, and the diagnostics that it was told."""

    def __init__(self) -> None:
        super().__init__("editor of the tests", "1")
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.told: dict[str, types.PublishDiagnosticsParams] = {}
        self.messages: list[str] = []
        self.registered: list[types.Registration] = []
        self._news = asyncio.Event()
        self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._published(params))
        self.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self.messages.append(params.message))
        self.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: self.registered.extend(params.registrations))

    def _published(self, params: types.PublishDiagnosticsParams) -> None:
        self.told[params.uri] = params
        self._news.set()

    async def begin(self, folder: Path, encodings: Sequence[str] = ()) -> types.InitializeResult:
        """Introduces itself with a folder as the workspace."""
        general = types.GeneralClientCapabilities(position_encodings=list(encodings)) if encodings else None
        notebooks = types.NotebookDocumentClientCapabilities(types.NotebookDocumentSyncClientCapabilities())
        workspace = types.WorkspaceClientCapabilities(
            workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        )
        uri = uri_of(folder)
        result = await self.initialize_async(
            types.InitializeParams(
                types.ClientCapabilities(workspace=workspace, notebook_document=notebooks, general=general),
                root_uri=uri,
                workspace_folders=[types.WorkspaceFolder(uri, folder.name)],
            )
        )
        self.initialized(types.InitializedParams())
        return result

    async def end(self) -> None:
        """Closes the server as editors do."""
        await self.shutdown_async(None)
        self.exit(None)
        await self.stop()

    def open(self, path: Path | str, text: str) -> str:
        """Opens a text that stands for a file, and returns its address."""
        uri = path if isinstance(path, str) else uri_of(path)
        self.texts[uri], self.versions[uri] = text, 1
        self.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, text)))
        return uri

    def replace(self, uri: str, old: str, new: str) -> None:
        """Types: replaces the only `old` in a text by `new`, and tells the server of that part alone."""
        text = self.texts[uri]
        assert text.count(old) == 1, old
        start = text.index(old)
        where = types.Range(position(text, start), position(text, start + len(old)))
        self.change(uri, text.replace(old, new), types.TextDocumentContentChangePartial(where, new))

    def change(self, uri: str, text: str, change: types.TextDocumentContentChangeEvent | None = None) -> None:
        """Changes a text, and tells the server of a change or of the whole text."""
        self.texts[uri] = text
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        changes = [change or types.TextDocumentContentChangeWholeDocument(text)]
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def close(self, uri: str) -> None:
        self.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    async def until(self, uri: str, wanted: Callable[[list[types.Diagnostic]], object]) -> list[types.Diagnostic]:
        """Waits until the diagnostics of an address are as wanted, and returns them."""

        async def wait() -> list[types.Diagnostic]:
            while True:
                self._news.clear()
                if uri in self.told and wanted(self.told[uri].diagnostics):
                    return self.told[uri].diagnostics
                await self._news.wait()

        try:
            return await asyncio.wait_for(wait(), LONG)
        except asyncio.TimeoutError:
            raise AssertionError(f"last told of {uri}: {self.told.get(uri)}") from None

    async def codes(self, uri: str, *codes: str) -> list[types.Diagnostic]:
        """Waits until an address has the findings of these rules and no others."""
        return await self.until(uri, lambda found: sorted(str(one.code) for one in found) == sorted(codes))

    async def hover(self, uri: str, place: str, text: str | None = None) -> str:
        """Returns what is shown over the first character of `place`; nothing where there is nothing."""
        text = self.texts[uri] if text is None else text
        where = position(text, text.index(place))
        params = types.HoverParams(types.TextDocumentIdentifier(uri), where)
        shown = await asyncio.wait_for(self.text_document_hover_async(params), LONG)
        return "" if shown is None else shown.contents.value  # type: ignore[union-attr]

    async def lenses(self, uri: str) -> list[tuple[int, str]]:
        """Returns line, from 1, and title of each code lens."""
        params = types.CodeLensParams(types.TextDocumentIdentifier(uri))
        found = await asyncio.wait_for(self.text_document_code_lens_async(params), LONG)
        return [(one.range.start.line + 1, one.command.title) for one in found or () if one.command is not None]

    async def actions(self, uri: str, where: types.Range, only: Sequence[str] | None = None) -> list[types.CodeAction]:
        """Returns the code actions for a range."""
        context = types.CodeActionContext([], only)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), where, context)
        found = await asyncio.wait_for(self.text_document_code_action_async(params), LONG)
        return [one for one in found or () if isinstance(one, types.CodeAction)]

    def make(self, action: types.CodeAction) -> None:
        """Makes the edits of an action, and tells the server of the new texts."""
        assert action.edit is not None and action.edit.document_changes
        for change in action.edit.document_changes:
            assert isinstance(change, types.TextDocumentEdit)
            uri = change.text_document.uri
            assert change.text_document.version == self.versions[uri]
            self.change(uri, edited(self.texts[uri], change.edits))


def edited(text: str, edits: Sequence[Any]) -> str:
    """Returns a text with the edits of an action made."""
    for edit in sorted(edits, key=lambda one: (one.range.start.line, one.range.start.character), reverse=True):
        start, end = offset(text, edit.range.start), offset(text, edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


def position(text: str, place: int) -> types.Position:
    """Returns the position of a character, in UTF-16."""
    ends = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text[:place]))]
    return types.Position(len(ends) - 1, len(text[ends[-1] : place].encode("utf-16-le")) // 2)


def offset(text: str, place: types.Position) -> int:
    """Returns the character at a position, in UTF-16."""
    starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
    start = starts[place.line]
    return start + len(text[start:].encode("utf-16-le")[: 2 * place.character].decode("utf-16-le"))


def uri_of(path: Path) -> str:
    found = from_fs_path(str(path))
    assert found is not None
    return found


async def started(folder: Path, *options: str, encodings: Sequence[str] = ()) -> Editor:
    """Returns an editor whose server works in a folder."""
    editor = Editor()
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "no configuration")}
    await editor.start_io(sys.executable, "-c", START, "server", *options, cwd=str(folder), env=environment)
    await asyncio.wait_for(editor.begin(folder, encodings), LONG)
    return editor


async def played(scenario: Callable[[Editor], Awaitable[None]], editor: Editor) -> None:
    """Runs a scenario, in which the server shows no message."""
    await asyncio.wait_for(scenario(editor), 2 * LONG)
    assert editor.messages == []


def with_editor(
    scenario: Callable[[Editor], Awaitable[None]], folder: Path, *options: str, encodings: Sequence[str] = ()
) -> None:
    """Runs a scenario with an editor of its own."""

    async def whole() -> None:
        editor = await started(folder, *options, encodings=encodings)
        try:
            await played(scenario, editor)
        finally:
            await asyncio.wait_for(editor.end(), LONG)

    asyncio.run(whole())
