"""What an editor may do about a finding: make its fix, or say that it is intended."""

from __future__ import annotations

import io
import json
import tokenize
from collections.abc import Iterator, Sequence

from lsprotocol import types

from vglint.finding import Edit, Finding, Fix, Problem
from vglint.lint.comment import with_comment
from vglint.server.documents import Document, Documents
from vglint.server.text import Text
from vglint.source.notebook import read_notebook
from vglint.source.suppression import applied

FIX_ALL = "source.fixAll.vglint"


def actions(
    findings: Sequence[tuple[Finding, types.Diagnostic]],
    document: Document,
    documents: Documents,
    only: Sequence[str] | None,
    versioned: bool,
) -> Iterator[types.CodeAction]:
    """Yields the actions for findings of a document whose text is the one that was linted; `only` are the kinds that are asked for."""
    quick = types.CodeActionKind.QuickFix.value
    if _is_wanted(quick, only):
        for finding, diagnostic in findings:
            if finding.fix is not None:
                yield _fix(finding.fix, diagnostic, document, documents, versioned)
        for finding, diagnostic in findings:
            found = suppression(finding, document)
            if found is not None:
                edit = workspace_edit([found], document, documents, versioned)
                title = f"Ignore {finding.rule} here"
                yield types.CodeAction(title, types.CodeActionKind.QuickFix, [diagnostic], False, edit=edit)
    if only and _is_wanted(FIX_ALL, only):
        from vglint.fix import compatible

        safe = [finding.fix for finding, _ in findings if finding.fix is not None and finding.fix.safety == "safe"]
        made = compatible(safe)
        if made:
            edits = [edit for fix in made for edit in fix.edits]
            edit = workspace_edit(list(dict.fromkeys(edits)), document, documents, versioned)
            yield types.CodeAction("Make all safe fixes of vglint", FIX_ALL, edit=edit)


def _fix(
    fix: Fix, diagnostic: types.Diagnostic, document: Document, documents: Documents, versioned: bool
) -> types.CodeAction:
    is_safe = fix.safety == "safe"
    title = fix.label if is_safe else f"{fix.label} (changes what the program computes)"
    edit = workspace_edit(fix.edits, document, documents, versioned)
    return types.CodeAction(title, types.CodeActionKind.QuickFix, [diagnostic], is_safe, edit=edit)


def suppression(finding: Finding, document: Document) -> Edit | None:
    """Returns the edit that puts `# vglint: ignore[…]` where it suppresses a finding and changes nothing else; None where no line takes one."""
    _, text, _ = document.part(finding.cell)
    is_cell = document.cells is not None
    before = _code(_plain(text, is_cell))
    if before is None:
        return None
    for line in dict.fromkeys((finding.span.line, finding.span.end_line, _end(before, finding.span.end_line))):
        splice = with_comment(text, line, [finding.rule])
        if splice is None:
            continue
        start, end, new = splice
        changed = _plain(text[:start] + new + text[end:], is_cell)
        if _words(_code(changed)) == _words(before) and not applied(finding.span.file, changed, [finding]).findings:
            return Edit(finding.span.file, start, end, new, finding.cell)
    return None


def _plain(text: str, is_cell: bool) -> str:
    """Returns the Python of a text; that of a cell without magics."""
    if not is_cell:
        return text
    book = read_notebook("", json.dumps({"cells": [{"cell_type": "code", "source": text}]}).encode())
    return "" if isinstance(book, Problem) else book.text


def _code(text: str) -> list[tokenize.TokenInfo] | None:
    """Returns the tokens of a text without its comments; None where it is no Python."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text, newline=None).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None
    return [token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL)]


def _words(tokens: Sequence[tokenize.TokenInfo] | None) -> list[tuple[int, str]]:
    return [(token.type, token.string) for token in tokens or ()]


def _end(tokens: Sequence[tokenize.TokenInfo], line: int) -> int:
    """Returns the last line of the statement that holds a line."""
    ends = (token.start[0] for token in tokens if token.type == tokenize.NEWLINE and token.start[0] >= line)
    return next(ends, line)


def workspace_edit(
    edits: Sequence[Edit], document: Document, documents: Documents, versioned: bool
) -> types.WorkspaceEdit:
    """Returns edits of a document as the editor makes them; `versioned` where it can check that they are made to this text."""
    by_uri: dict[str, list[types.TextEdit]] = {}
    versions: dict[str, int | None] = {}
    for edit in edits:
        uri, content, version = document.part(edit.cell)
        text = Text(content, documents.encoding)
        start, end = text.position_at(edit.start), text.position_at(edit.end)
        by_uri.setdefault(uri, []).append(
            types.TextEdit(types.Range(types.Position(*start), types.Position(*end)), edit.text)
        )
        versions[uri] = version
    if not versioned:
        return types.WorkspaceEdit(changes=by_uri)
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, versions[uri]), list(found))
            for uri, found in by_uri.items()
        ]
    )


def _is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Whether a kind is one of those that are asked for, or lies below one."""
    return not only or any(kind == each or kind.startswith(f"{each}.") for each in only)
