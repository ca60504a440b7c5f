"""What files held at a revision of git, read from its objects alone.

A repository under lint is not trusted, and its configuration can name programs. So git is asked to name objects and to print them, and for nothing
else: no hook, filter, external diff, pager or monitor runs, and nothing that is missing is fetched. Files are compared here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from difflib import SequenceMatcher
from functools import cached_property
from hashlib import sha1, sha256

from msgspec import Struct

from vglint import disk

_OPTIONS = (
    *("--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.allow=never", "-c", "core.askPass=", "-c", "credential.helper="),
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "",
    "LC_ALL": "C",
}
_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
)
_SECONDS = 60


class RevisionError(Exception):
    """Why a revision cannot be looked at: one sentence."""


class Revision(Struct, dict=True):
    """A revision of the repository whose folder is `top`; `name` is what git understands, or `A...` for where HEAD and A parted."""

    top: str
    name: str
    _top: str = ""

    def __post_init__(self) -> None:
        """Finds the revision. Raises RevisionError."""
        self._top = os.path.realpath(self.top)
        if not self.name or self.name.startswith("-") or not self.name.isprintable():
            raise RevisionError(f"{self.name!r} is no revision")
        commit = self._commit(self.name.removesuffix("..."))
        if self.name.endswith("..."):
            commit = self._git("merge-base", commit, self._commit("HEAD")).decode("ascii", "replace").strip()
        self._id = commit

    def content(self, file: str) -> bytes | None:
        """Returns what a file held; None where it was not there, or cannot be had."""
        found = self._blobs.get(self._place(file))
        return None if found is None else self._blob(*found, disk.most_of(file))

    def is_changed(self, file: str, content: bytes) -> bool:
        """Whether a file holds something else now; line ends do not count."""
        found = self._blobs.get(self._place(file))
        if found is None:
            return True
        if _name_of(content, len(found[1])) == found[1]:
            return False
        old = self._blob(*found, disk.most_of(file))
        return old is None or old.replace(b"\r\n", b"\n") != content.replace(b"\r\n", b"\n")

    def changed_lines(self, file: str, content: bytes) -> frozenset[int]:
        """Returns the numbers of the lines that are new or were changed; where something was taken out, of those beside it."""
        old = self.content(file)
        lines, before = (text.splitlines() for text in (content, old or b""))
        if old is None or max(len(lines), len(before)) > _MOST_LINES:
            return frozenset(range(1, len(lines) + 1))
        found: set[int] = set()
        for tag, _, _, start, end in SequenceMatcher(None, before, lines, autojunk=False).get_opcodes():
            if tag == "delete":
                found |= {start, start + 1}
            elif tag != "equal":
                found.update(range(start + 1, end + 1))
        return frozenset(found & set(range(1, len(lines) + 1)))

    def gone(self) -> list[str]:
        """Returns the Python files that are no longer there, by absolute path."""
        found = [os.path.join(self.top, path) for path in self._blobs if path.endswith(".py")]
        return [file for file in found if not os.path.lexists(file)]

    def _place(self, file: str) -> str:
        return os.path.relpath(os.path.realpath(file), self._top).replace(os.sep, "/")

    @cached_property
    def _blobs(self) -> dict[str, tuple[str, str]]:
        """Repository and object by path from the top; submodules as the revision had them."""
        return dict(self._listing(self._top, self._id, "", 0))

    def _listing(self, top: str, commit: str, prefix: str, depth: int) -> list[tuple[str, tuple[str, str]]]:
        found = []
        for line in _git(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
            head, tab, name = line.partition(b"\t")
            if not tab:
                continue
            mode, kind, identity = head.decode("ascii", "replace").split(" ")
            path = os.fsdecode(name)
            if kind == "blob" and mode != "120000":
                found.append((prefix + path, (top, identity)))
            elif kind == "commit" and depth < _DEEPEST and ".." not in path.split("/"):
                inner = os.path.join(top, path)
                if os.path.lexists(os.path.join(inner, ".git")) and not os.path.islink(inner):
                    try:
                        found += self._listing(inner, identity, f"{prefix}{path}/", depth + 1)
                    except RevisionError:  # the commit was never fetched: all of its files count as changed
                        continue
        return found

    def _blob(self, top: str, identity: str, most: int) -> bytes | None:
        try:
            content = _git(top, "cat-file", "blob", identity, most=most)
        except RevisionError:
            return None
        return content if len(content) <= most else None

    def _commit(self, name: str) -> str:
        try:
            text = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except RevisionError as error:
            why = f": {error}" if str(error) else ""
            raise RevisionError(f"git knows no revision {name!r} in {self.top}{why}") from None
        found = text.decode("ascii", "replace").strip()
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found):
            raise RevisionError(f"git knows no revision {name!r} in {self.top}")
        return found

    def _git(self, *arguments: str) -> bytes:
        return _git(self._top, *arguments)


_DEEPEST = 5
_MOST_LINES = 20_000
"""A file that has more is not compared line by line."""


def _git(top: str, *arguments: str, most: int | None = None) -> bytes:
    """Returns what git prints, of a blob no more than a byte beyond `most`. Raises RevisionError."""
    command = [_program(top), "-C", top, *_OPTIONS, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED} | _ENVIRONMENT
    environment["GIT_CEILING_DIRECTORIES"] = os.path.dirname(top)  # not the repository around it, where this is none
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as process:
            try:
                assert process.stdout is not None
                output = b"" if most is None else process.stdout.read(most + 1)
                if most is not None and len(output) > most:
                    process.kill()
                    return output
                rest, error = process.communicate(timeout=_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise RevisionError(f"git did not answer within {_SECONDS} seconds") from None
    except OSError as error_:
        raise RevisionError(f"git cannot be run: {error_.strerror or error_}") from None
    if process.returncode:
        said = error.decode("utf-8", "replace").strip().splitlines()
        raise RevisionError(said[0].removeprefix("fatal: ") if said else "")
    return output + rest


def _program(top: str) -> str:
    """Returns where git is; never one of the repository's own. Raises RevisionError."""
    found = shutil.which("git")
    if found is None:
        raise RevisionError("git is not installed, and --since asks it what changed")
    path = os.path.abspath(found)
    if disk.is_below(path, top):
        raise RevisionError(f"{path} lies in the repository, and is not run")
    return path


def _name_of(content: bytes, length: int) -> str:
    made = sha256() if length == 64 else sha1(usedforsecurity=False)
    made.update(b"blob %d\0" % len(content))
    made.update(content)
    return made.hexdigest()
