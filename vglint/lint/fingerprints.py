"""What a finding is known by from run to run, whatever is edited elsewhere and whichever file led to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from vglint.finding import Finding
from vglint.regex import regex


def path_in(file: str, top: str) -> str:
    """Returns a file's path from the project's folder, with forward slashes, as UTF-8 can hold it."""
    try:
        path = os.path.relpath(file, top)
    except ValueError:  # another drive
        path = os.path.abspath(file)
    return path.replace(os.sep, "/").encode("utf-8", "backslashreplace").decode()


def fingerprints(findings: Iterable[tuple[Finding, str]], texts: Mapping[str, str]) -> list[str]:
    """Returns the fingerprint of each finding, given with its project's folder: a hash of rule, path, enclosing definitions and text of the line.

    Twins on equal lines of one definition are told apart by their order. Neither the number of the line nor the entry counts: several models may
    lead to one line. `texts` are a report's.
    """
    made = []
    seen: dict[str, int] = {}
    for finding, top in findings:
        lines = texts.get(_key(finding), "").splitlines()
        path = path_in(finding.span.file, top)
        identity = "\0".join((finding.rule, path, *_around(lines, finding.span.line)))
        seen[identity] = seen.get(identity, 0) + 1
        text = f"{identity}\0{seen[identity]}".encode("utf-8", "surrogatepass")
        made.append(blake2b(text, digest_size=8).hexdigest())
    return made


def _key(finding: Finding) -> str:
    return finding.span.file if finding.cell is None else f"{finding.span.file}:cell {finding.cell}"


_DEFINITION = regex(r"(?:async\s+)?(?:def|class)\s+(\w+)")


def _around(lines: list[str], number: int) -> list[str]:
    """Returns the names of the definitions around a line, the innermost first, and its text; nothing for a line that is not there."""
    if not 0 < number <= len(lines):
        return []
    text = lines[number - 1].strip()
    depth = _depth(lines[number - 1])
    names = []
    for line in reversed(lines[: number - 1]):
        if not depth:
            break
        if line.strip() and _depth(line) < depth:
            depth = _depth(line)
            if found := _DEFINITION.match(line.strip()):
                names.append(found[1])
    return [*names, text]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
