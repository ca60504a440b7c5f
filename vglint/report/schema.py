"""The JSON Schema of `--output-format json`, version 1."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def json_schema() -> dict[str, object]:
    """Returns the schema; later versions of vglint may add keys."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vglint report",
        "$ref": "#/$defs/report",
        "$defs": {
            "report": _object(
                version={"const": 1, "description": "The version of this format."},
                findings=_array("finding", "What the rules found, in the order of files and lines."),
                problems=_array("note", "Files that could not be read, comments that suppress nothing, and the like."),
                missing=_array("note", "Imports of the project's own modules that were not found."),
                summary={"$ref": "#/$defs/summary"},
            ),
            "finding": _object(
                rule=_text("The rule's id, such as VG101."),
                name=_text("The rule's name, such as saturating-stack."),
                severity=_one_of("error", "warning", "info"),
                confidence=_one_of("high", "medium", "low"),
                path=_text("The file as it was named on the command line."),
                line=_number("The line, from 1; in a notebook, the line in the cell."),
                column=_number("The column, from 1, in characters."),
                end_line=_number("The line of the end."),
                end_column=_number("The column after the last character."),
                cell=_optional("integer", "The code cell of a notebook, from 1."),
                message=_text("What is wrong, in at most 100 characters."),
                detail=_text("Why it matters; may be empty."),
                advice=_text("One thing to do."),
                effect=_text("What the advice is predicted to change; may be empty."),
                entry=_text("The model or the training code that the finding is about."),
                evidence={"$ref": "#/$defs/evidence"},
                related=_array("related", "Other lines to look at."),
                fix={"anyOf": [{"$ref": "#/$defs/fix"}, {"type": "null"}]},
                probe={"anyOf": [{"$ref": "#/$defs/probe"}, {"type": "null"}]},
                world=_text("When it is so, where it is not always: a switch that is on, a device; may be empty."),
                fingerprint=_text("Stays the same when other lines change."),
            ),
            "related": {
                **_object(
                    path=_text("The file."),
                    line=_number("The line, from 1."),
                    column=_number("The column, from 1."),
                    message=_text("What the line has to do with the finding."),
                    cell=_number("The code cell of a notebook, from 1."),
                ),
                "required": ["path", "line", "column", "message"],
            },
            "fix": {
                **_object(
                    title=_text("What the fix does."),
                    safety=_one_of("safe", "unsafe"),
                    edits=_array("edit", "The changes, in the order of the file."),
                    proof=_text("With --prove-fix: what was measured before and after it."),
                ),
                "required": ["title", "safety", "edits"],
            },
            "edit": _object(
                path=_text("The file."),
                start=_number("The first character that is replaced, from 0, in the decoded text.", least=0),
                end=_number("The character after the last.", least=0),
                text=_text("What stands there instead."),
            ),
            "probe": _object(
                verdict=_one_of("confirmed", "refuted", "inconclusive"), evidence={"$ref": "#/$defs/evidence"}
            ),
            "evidence": {
                "description": "The facts that the finding rests on, by name (`vglint facts` explains them).",
                "type": "object",
                "additionalProperties": {"type": ["boolean", "number", "string", "null"]},
            },
            "note": _object(
                path=_text("The file."), line=_optional("integer", "The line, from 1."), message=_text("What is said.")
            ),
            "summary": _object(
                files=_number("Files that were looked at.", least=0),
                entries=_number("Models and training loops that were read.", least=0),
                training=_number("How many of them are training loops.", least=0),
                partial=_number("How many of them were read only in part.", least=0),
                gaps=_number("Places that could not be followed.", least=0),
                known=_number("Findings that a baseline holds, which are not listed.", least=0),
            ),
        },
    }


def _object(**properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _array(of: str, description: str) -> Document:
    return {"type": "array", "description": description, "items": {"$ref": f"#/$defs/{of}"}}


def _text(description: str) -> Document:
    return {"type": "string", "description": description}


def _number(description: str, least: int = 1) -> Document:
    return {"type": "integer", "minimum": least, "description": description}


def _optional(kind: str, description: str) -> Document:
    return {"type": [kind, "null"], "description": description}


def _one_of(*values: str) -> Document:
    return {"enum": list(values)}
