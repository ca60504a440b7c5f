"""`vglint server` with the client of pytest-lsp, which speaks for Visual Studio Code: it opens a file, types, hovers and takes a fix."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from tests.server.editor import LONG, START, uri_of

ODDS = """import torch
from torch import nn


class Odds(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 4)

    def forward(self, x):
        return torch.log(torch.softmax(self.second(self.first(x).relu()), dim=1))
"""


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[sys.executable, "-c", START, "server"]))
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: None)
    capabilities = client_capabilities("visual-studio-code")
    await lsp_client.initialize_session(types.InitializeParams(capabilities=capabilities))
    yield
    await lsp_client.shutdown_session()


async def told(client: LanguageClient, uri: str, *codes: str) -> list[types.Diagnostic]:
    """Waits until an address has the findings of these rules and no others."""
    while uri not in client.diagnostics or sorted(str(each.code) for each in client.diagnostics[uri]) != sorted(codes):
        await asyncio.wait_for(client.wait_for_notification("textDocument/publishDiagnostics"), LONG)
    return list(client.diagnostics[uri])


@pytest.mark.asyncio
async def test_a_session(client: LanguageClient, tmp_path: Path) -> None:
    uri = uri_of(tmp_path / "odds.py")
    document = types.TextDocumentIdentifier(uri)
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, ODDS)))
    (found,) = await told(client, uri, "VG003")
    assert found.range.start.line == ODDS.split("\n").index(next(line for line in ODDS.split("\n") if "log" in line))

    at = types.Position(8, 25)
    shown = await client.text_document_hover_async(types.HoverParams(document, at))
    assert shown is not None and "`Linear(64→4)` in `Odds`" in shown.contents.value  # type: ignore[union-attr]

    context = types.CodeActionContext([found], only=[types.CodeActionKind.QuickFix])
    actions = await client.text_document_code_action_async(types.CodeActionParams(document, found.range, context))
    fix = next(each for each in actions or () if isinstance(each, types.CodeAction) and each.is_preferred)
    assert fix.edit is not None and fix.edit.document_changes
    (change,) = fix.edit.document_changes
    assert isinstance(change, types.TextDocumentEdit) and len(change.edits) == 1
    (edit,) = change.edits
    lines = ODDS.split("\n")
    start, end = edit.range.start, edit.range.end
    before = "\n".join([*lines[: start.line], lines[start.line][: start.character]])
    after = "\n".join([lines[end.line][end.character :], *lines[end.line + 1 :]])
    mended = before + edit.new_text + after  # type: ignore[union-attr]
    assert "log_softmax" in mended
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, uri), [types.TextDocumentContentChangeWholeDocument(mended)]
        )
    )
    await told(client, uri)
