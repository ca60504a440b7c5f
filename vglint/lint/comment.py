"""Where a comment stands that suppresses a finding."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vglint.regex import regex

_WRITTEN = regex(r"#\s*vglint\s*:\s*ignore\s*\[(?P<rules>[^\]]*)\]")


def with_comment(text: str, line: int, rules: Sequence[str], reason: str = "") -> tuple[int, int, str] | None:
    """Returns the splice (start, end, new text) that puts a comment at the end of a line, from 1, or the rules into the one that stands
    there; None where there is no such line."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if not 0 < line <= len(lines):
        return None
    shown = lines[line - 1]
    start = sum(map(len, lines[: line - 1]))
    written = _WRITTEN.search(shown)
    if written is not None:
        own = [rule.strip() for rule in written["rules"].split(",") if rule.strip()]
        return start + written.start("rules"), start + written.end("rules"), ", ".join(dict.fromkeys((*own, *rules)))
    end = start + len(shown.rstrip())
    return end, end, f"  # vglint: ignore[{', '.join(rules)}] {reason}".rstrip()
