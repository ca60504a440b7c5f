"""Which files a run is about."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from vglint import disk
from vglint.finding import Problem
from vglint.source.patterns import MOST, Patterns

SUFFIXES = (".py", ".pyw", ".ipynb")
DEFAULT_EXCLUDES = (
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pyenv",
    ".pytest_cache",
    ".pytype",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    ".vscode",
    "__pycache__",
    "__pypackages__",
    "_build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
)
"""Folders that are not looked into, by name, unless they are themselves named on the command line."""


class Exclusion(Struct, frozen=True):
    """What the configuration that governs a folder leaves out; `force` leaves it out even where it is named by the user.

    `gitignore` leaves out what git ignores.
    """

    patterns: Patterns
    force: bool = False
    gitignore: bool = True


NOTHING = Exclusion(Patterns("", ()))


def discover(
    arguments: Iterable[str], exclusion: Callable[[str], Exclusion] = lambda folder: NOTHING
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Returns the files that files, folders and globs stand for, each once, sorted, as the user would write them.

    `exclusion` gives what is left out by absolute folder. A file that is named is taken whatever its suffix. Links to folders are
    not followed, unless named. Order of arguments and of the disk does not matter.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for argument in sorted(set(arguments)):
        named = _expanded(argument)
        if not named:
            what = "no file matches" if _is_glob(argument) else "does not exist"
            problems.append(Problem(_posix(argument), None, what))
        for path in named:
            if _would_wait(path):
                problems.append(Problem(_posix(path), None, "is a pipe, a socket or a device, not a file"))
                continue
            files = _below(path, exclusion, problems) if os.path.isdir(path) else _one(path, exclusion)
            for file in files:
                found.setdefault(os.path.abspath(file), _posix(file))
    return tuple(sorted(found.values())), tuple(dict.fromkeys(problems))


def repository(folder: str) -> str | None:
    """Returns the folder at or above `folder` that holds `.git`."""
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _expanded(argument: str) -> list[str]:
    if os.path.lexists(argument):
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) if _is_glob(argument) else []


def _would_wait(path: str) -> bool:
    """Whether reading a path may never end; below /dev, users ask for it."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or os.path.abspath(path).startswith("/dev/"))


def _is_glob(argument: str) -> bool:
    return glob.has_magic(argument)


def _posix(path: str) -> str:
    return Path(path).as_posix()


def _one(path: str, exclusion: Callable[[str], Exclusion]) -> Iterator[str]:
    file = os.path.abspath(path)
    rule = exclusion(os.path.dirname(file))
    if not (rule.force and _is_forced_out(file, rule)):
        yield path


def _below(top: str, exclusion: Callable[[str], Exclusion], problems: list[Problem]) -> Iterator[str]:
    absolute = os.path.abspath(top)
    rule = exclusion(absolute)
    if rule.force and _is_forced_out(absolute, rule):
        return
    ignores = _ignores_above(absolute, problems)
    if _is_ignored(ignores, absolute, is_folder=True):
        ignores = ()  # named by the user all the same: what was said above it does not count
    stack = [(top, absolute, ignores)]
    while stack:
        folder, absolute, ignores = stack.pop()
        rule = exclusion(absolute)
        if own := _ignore_file(absolute, ".gitignore", problems):
            ignores = (*ignores, own)
        for entry in _entries(folder):
            path = os.path.join(absolute, entry.name)
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not (entry.name.endswith(SUFFIXES) and _may_be_file(entry)):
                continue
            if entry.name in DEFAULT_EXCLUDES and is_folder:
                continue
            if rule.patterns.verdict(path, is_folder) or (
                rule.gitignore and _is_ignored(ignores, path, is_folder, walked=True)
            ):
                continue
            if not is_folder:
                yield _joined(folder, entry.name)
            elif not os.path.exists(os.path.join(path, "pyvenv.cfg")):
                stack.append((_joined(folder, entry.name), path, ignores))


def _joined(folder: str, name: str) -> str:
    return name if folder == "." else os.path.join(folder, name)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or a broken link, which reading will report; a pipe or a link to a folder is neither."""
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:
        return not entry.name.startswith(".#")  # an editor's lock


def _is_forced_out(path: str, rule: Exclusion) -> bool:
    relative = os.path.relpath(path, rule.patterns.folder or os.sep)
    return rule.patterns.verdict(path, os.path.isdir(path)) is True or any(
        part in DEFAULT_EXCLUDES for part in relative.split(os.sep)
    )


def _ignores_above(folder: str, problems: list[Problem]) -> tuple[Patterns, ...]:
    """Returns the ignore files of the repository that hold at `folder`, outermost first, without its own."""
    root = repository(folder)
    if root is None:
        return ()
    found = [_ignore_file(root, os.path.join(".git", "info", "exclude"), problems)]
    current = root
    for part in os.path.relpath(folder, root).split(os.sep):
        if current != folder:
            found.append(_ignore_file(current, ".gitignore", problems))
        current = os.path.normpath(os.path.join(current, part))
    return tuple(one for one in found if one is not None)


def _ignore_file(folder: str, name: str, problems: list[Problem]) -> Patterns | None:
    path = os.path.join(folder, name)
    try:
        content = disk.read(path, disk.TEXT)
    except disk.Refused as error:
        problems.append(Problem(_posix(_from_here(path)), None, f"is not heeded: it {error.strerror}"))
        return None
    except (OSError, ValueError):
        return None
    lines = tuple(content.decode("utf-8", "surrogateescape").split("\n"))
    if len(lines) > MOST:
        what = f"has more than {MOST} lines: the rest of them is not heeded"
        problems.append(Problem(_posix(_from_here(path)), MOST + 1, what))
    return Patterns(folder, lines[:MOST])


def _from_here(path: str) -> str:
    return os.path.relpath(path) if disk.is_below(path, os.getcwd()) else path


def _is_ignored(ignores: tuple[Patterns, ...], path: str, is_folder: bool, walked: bool = False) -> bool:
    for patterns in reversed(ignores):  # the innermost file that speaks of the path decides
        verdict = patterns.verdict(path, is_folder, walked)
        if verdict is not None:
            return verdict
    return False
