"""What the server answers: the methods of the Language Server Protocol, each by what is known of the text on the screen."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from vglint import __version__
from vglint.finding import Finding, Report
from vglint.server.actions import FIX_ALL, actions
from vglint.server.analyst import DELAY, Analyst, differs
from vglint.server.diagnostics import absolute, diagnostics, range_of, report_on
from vglint.server.documents import Document, Documents
from vglint.server.message import Options
from vglint.server.shown import at, markdown, titled
from vglint.server.text import Text, encoding_of
from vglint.span import Span

_PATIENCE = 10.0
"""Seconds that a question waits for the text on the screen to be linted."""
_WATCHED = ("**/*.py", "**/vglint.toml", "**/pyproject.toml", "**/*.ipynb")
_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    [
        types.NotebookDocumentFilterWithCells(cells=[types.NotebookCellLanguage("python")], notebook=kind)
        for kind in ("jupyter-notebook", "interactive")
    ],
    save=True,
)


class Server(LanguageServer):
    """The server, with what is open and what is known of it."""

    def __init__(self, options: Options) -> None:
        super().__init__("vglint", __version__, notebook_document_sync=_NOTEBOOKS, max_workers=2)
        self.documents = Documents()
        self.analyst = Analyst(self.documents, self.show)
        self.analyst.options = options
        self.report = Report((), (), 0, 0, 0)
        self._shown: dict[str, list[types.Diagnostic]] = {}

    def report_server_error(self, error: Exception, source: object) -> None:
        """Writes what went wrong to the log of the editor, which shows no window for it."""
        print(f"vglint server: {type(error).__name__}: {error}", file=sys.stderr)

    def show(self) -> None:
        """Publishes the diagnostics that have changed."""
        self.report = report_on(self.analyst.linted, self.documents)
        own = frozenset[str]().union(*(one.own for one in self.analyst.linted.values()))
        now = diagnostics(self.report, self.analyst.faults.values(), own, self.documents)
        for uri in dict.fromkeys((*now, *self._shown)):
            found = now.get(uri, [])
            if found != self._shown.get(uri, []):
                known = self.documents.find(uri)
                version = None if known is None else known[0].part(known[1])[2]
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))
        self._shown = {uri: found for uri, found in now.items() if found}

    def findings_in(
        self, document: Document, cell: int | None, inside: types.Range
    ) -> list[tuple[Finding, types.Diagnostic]]:
        """Returns the findings whose lines meet a range, with their diagnostics."""
        uri, content, _ = document.part(cell)
        text = Text(content, self.documents.encoding)
        found = []
        for finding in self.report.findings:
            if absolute(finding.span.file) != document.path or finding.cell != cell:
                continue
            where = range_of(finding.span, text)
            if where.start.line <= inside.end.line and inside.start.line <= where.end.line:
                shown = (one for one in self._shown.get(uri, ()) if one.code == finding.rule and one.range == where)
                found += [(finding, one) for one in shown if one.data == {"fingerprint": finding.fingerprint}]
        return found


def server(options: Options) -> Server:
    """Returns a server that is ready to be started."""
    made = Server(options)
    _lifetime(made)
    _texts(made)
    _notebooks(made)
    _questions(made)
    return made


def _lifetime(made: Server) -> None:
    @made.feature(types.INITIALIZE)
    def initialize(ls: Server, params: types.InitializeParams) -> None:
        ls.documents.encoding = encoding_of(ls.workspace.position_encoding)
        uris = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
        ls.documents.folders = [path for uri in uris if uri and (path := to_fs_path(uri))]

    @made.feature(types.INITIALIZED)
    async def initialized(ls: Server, params: types.InitializedParams) -> None:
        workspace = ls.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace is not None else None
        if watching is not None and watching.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            one = types.Registration("vglint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await ls.client_register_capability_async(types.RegistrationParams([one]))

    @made.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
        paths = {ls.documents.path_of(change.uri, "") for change in params.changes}
        if any((document := ls.documents.at(path)) is None or differs(document) for path in paths):
            ls.analyst.want_everything(DELAY)

    @made.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
        gone = {to_fs_path(folder.uri) for folder in params.event.removed}
        come = [path for folder in params.event.added if (path := to_fs_path(folder.uri))]
        ls.documents.folders = [*(path for path in ls.documents.folders if path not in gone), *come]
        ls.analyst.want_everything()

    @made.feature(types.SHUTDOWN)
    async def shutdown(ls: Server, params: Any) -> None:
        await ls.analyst.close()


def _texts(made: Server) -> None:
    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        if params.text_document.language_id == "python" or params.text_document.uri.endswith((".py", ".pyw")):
            document = ls.documents.open_text(params.text_document)
            ls.analyst.want([document.path], deep=True)

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        given = params.text_document
        document = ls.documents.change_text(given.uri, given.version, params.content_changes)
        if document is not None:
            ls.analyst.want([document.path], DELAY)

    @made.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(ls: Server, params: types.DidSaveTextDocumentParams) -> None:
        known = ls.documents.find(params.text_document.uri)
        if known is not None:
            ls.analyst.want([known[0].path], deep=True)

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        document = ls.documents.close(params.text_document.uri)
        if document is not None:
            ls.analyst.forget(document)


def _notebooks(made: Server) -> None:
    @made.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def opened(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
        ls.analyst.want([ls.documents.open_notebook(params).path])

    @made.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def changed(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
        document = ls.documents.change_notebook(params)
        if document is not None:
            ls.analyst.want([document.path], DELAY)

    @made.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)
    def saved(ls: Server, params: types.DidSaveNotebookDocumentParams) -> None:
        known = ls.documents.find(params.notebook_document.uri)
        if known is not None:
            ls.analyst.want([known[0].path])

    @made.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def closed(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
        document = ls.documents.close(params.notebook_document.uri)
        if document is not None:
            ls.analyst.forget(document)


def _questions(made: Server) -> None:
    @made.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions([types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    async def code_actions(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction] | None:
        known = ls.documents.find(params.text_document.uri)
        if known is None or not await ls.analyst.current(known[0], _PATIENCE):
            return None
        document, cell = known
        only = params.context.only
        whole = types.Range(types.Position(0, 0), types.Position(2**31 - 1, 0))
        inside = whole if only and all(str(_value(kind)).startswith("source") for kind in only) else params.range
        workspace = ls.client_capabilities.workspace
        edits = workspace.workspace_edit if workspace is not None else None
        found = ls.findings_in(document, cell, inside)
        kinds = None if only is None else [str(_value(kind)) for kind in only]
        return list(actions(found, document, ls.documents, kinds, bool(edits and edits.document_changes)))

    @made.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
        known = ls.documents.find(params.text_document.uri)
        if known is None or not await ls.analyst.current(known[0], _PATIENCE):
            return None
        document, cell = known
        text = Text(document.part(cell)[1], ls.documents.encoding)
        line = params.position.line
        column = text.offset(line, params.position.character) - text.offset(line, 0) + 1
        described = ls.analyst.described.get(document.path)
        layers = at(described, cell, line + 1, column, text.line(line)) if described is not None else ()
        if not layers:
            return None
        shown = _one_range([layer.span for layer in layers], line + 1, text)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, markdown(layers)), shown)

    @made.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lenses(ls: Server, params: types.CodeLensParams) -> list[types.CodeLens] | None:
        known = ls.documents.find(params.text_document.uri)
        if known is None or not await ls.analyst.current(known[0], _PATIENCE):
            return None
        document, cell = known
        text = Text(document.part(cell)[1], ls.documents.encoding)
        described = ls.analyst.described.get(document.path)
        models = [model for model in described.models if model.cell == cell] if described is not None else []
        return [types.CodeLens(range_of(model.span, text), types.Command(said, "")) for model, said in titled(models)]


def _one_range(spans: Sequence[Span], line: int, text: Text) -> types.Range | None:
    """Returns the place of layers that share one; None where they do not, or stand on another line."""
    first = spans[0]
    if any(span != first for span in spans) or not first.line <= line <= first.end_line:
        return None
    return range_of(first, text)


def _value(kind: object) -> object:
    return getattr(kind, "value", kind)
