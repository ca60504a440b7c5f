"""Notebooks in an editor: cells are linted together, and what is found stands in its cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from tests.server.editor import Editor, edited, position, with_editor

HEAD = "%matplotlib inline\nimport torch\nfrom torch import nn\n'\U0001f600'"
MODEL = (
    "class Odds(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)\n"
)
FORWARD = "\n    def forward(self, x):\n        '\U0001f600'; return torch.log(torch.softmax(self.fc(x), dim=1))"


def cell_uri(path: Path, number: int) -> str:
    return f"vscode-notebook-cell:{path}#W{number}"


def opened(editor: Editor, path: Path, texts: Sequence[str]) -> list[str]:
    """Opens a notebook whose first cell is no code, and returns the addresses of the others."""
    uris = [cell_uri(path, number) for number in range(len(texts))]
    kinds = [types.NotebookCellKind.Markup, *[types.NotebookCellKind.Code] * (len(texts) - 1)]
    cells = [types.NotebookCell(kind, uri) for kind, uri in zip(kinds, uris, strict=True)]
    items = [types.TextDocumentItem(uri, "python", 1, text) for uri, text in zip(uris, texts, strict=True)]
    editor.texts.update(zip(uris, texts, strict=True))
    editor.versions.update(dict.fromkeys(uris, 1))
    book = types.NotebookDocument(path.as_uri(), "jupyter-notebook", 1, cells)
    editor.notebook_document_did_open(types.DidOpenNotebookDocumentParams(book, items))
    return uris[1:]


def changed(editor: Editor, path: Path, cells: types.NotebookDocumentCellChanges) -> None:
    document = types.VersionedNotebookDocumentIdentifier(2, path.as_uri())
    change = types.NotebookDocumentChangeEvent(cells=cells)
    editor.notebook_document_did_change(types.DidChangeNotebookDocumentParams(document, change))


def test_a_notebook(tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"

    async def scenario(editor: Editor) -> None:
        first, second, third = opened(editor, path, ["# A title", HEAD, MODEL + FORWARD, "net = Odds()"])
        (found,) = await editor.codes(second, "VG003")
        line = FORWARD.rpartition("\n")[2]
        assert (found.range.start.line, found.range.start.character) == (6, line.index("torch.log") + 1)
        assert [place.location.uri for place in found.related_information or ()] == [second]
        assert editor.told[second].version == 1 and first not in editor.told
        assert (await editor.hover(second, "nn.Linear(8, 8)")).startswith("`Linear(8→8)` in `Odds`")
        assert await editor.hover(first, "import torch") == "" and await editor.lenses(third) == []

        fix, ignore = await editor.actions(second, found.range)
        assert fix.is_preferred and ignore.title == "Ignore VG003 here" and ignore.edit is not None
        assert fix.edit is not None and fix.edit.document_changes
        (change,) = fix.edit.document_changes
        assert isinstance(change, types.TextDocumentEdit) and change.text_document.uri == second
        assert change.text_document.version == editor.versions[second]
        typed(editor, path, second, edited(editor.texts[second], change.edits))
        await editor.codes(second)
        assert editor.texts[second].endswith("'\U0001f600'; return nn.functional.log_softmax(self.fc(x), dim=1)")

        typed(editor, path, second, MODEL)
        wrong = FORWARD.replace("self.fc(x)", "x")
        new = cell_uri(path, 9)  # a cell between the others, with a finding of its own
        array = types.NotebookCellArrayChange(3, 0, [types.NotebookCell(types.NotebookCellKind.Code, new)])
        item = types.TextDocumentItem(new, "python", 1, f"class Own(nn.Module):{wrong}")
        structure = types.NotebookDocumentCellChangeStructure(array, [item])
        changed(editor, path, types.NotebookDocumentCellChanges(structure=structure))
        await editor.codes(new, "VG003")
        array = types.NotebookCellArrayChange(3, 1)
        structure = types.NotebookDocumentCellChangeStructure(array, did_close=[types.TextDocumentIdentifier(new)])
        changed(editor, path, types.NotebookDocumentCellChanges(structure=structure))
        await editor.codes(new)

        typed(editor, path, second, MODEL + FORWARD)
        await editor.codes(second, "VG003")
        cells = [types.TextDocumentIdentifier(uri) for uri in (first, second, third)]
        closed = types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(path.as_uri()), cells)
        editor.notebook_document_did_close(closed)
        await editor.codes(second)

    with_editor(scenario, tmp_path)


def typed(editor: Editor, path: Path, uri: str, text: str) -> None:
    """Replaces the text of a cell by a change of a range."""
    before = editor.texts[uri]
    editor.texts[uri] = text
    editor.versions[uri] += 1
    where = types.Range(position(before, 0), position(before, len(before)))
    document = types.VersionedTextDocumentIdentifier(editor.versions[uri], uri)
    content = types.NotebookDocumentCellContentChanges(document, [types.TextDocumentContentChangePartial(where, text)])
    changed(editor, path, types.NotebookDocumentCellChanges(text_content=[content]))
