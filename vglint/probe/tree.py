"""Copies the source files around a file, so that code that runs can do no harm to its own tree."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_SKIPPED = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "site-packages", "build", "dist", ".tox", ".nox"}
)
_COPIED = frozenset({".py", ".pyi", ".json", ".yaml", ".yml", ".toml", ".txt", ".cfg", ".ini", ".csv"})
_FILES, _FILE_BYTES, _TREE_BYTES = 5000, 1 << 20, 64 << 20


def copy_tree(root: Path, file: Path, target: Path) -> None:
    """Copies the source files under `root`, small data beside them included; what cannot be read is left out.

    In a tree with too many files, those nearest to `file` are copied. Raises OSError where `file` itself cannot be read.
    """
    place = target / file
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / file, place)
    count, size = 1, 0
    seen = {root / file}
    for source, length in _near(root, (root / file).parent):
        if count >= _FILES or size + length > _TREE_BYTES:
            return
        if source in seen:
            continue
        seen.add(source)
        place = target / source.relative_to(root)
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)
            count, size = count + 1, size + length


def _near(root: Path, folder: Path) -> Iterator[tuple[Path, int]]:
    """Yields the files under the file's own folder, then those under the folder around it, up to the root; each first below it, then beside it."""
    around = [folder, *(parent for parent in folder.parents if parent.is_relative_to(root))]
    below: Path | None = None
    for top in around:
        yield from _files(top, below)
        below = top
        if top == root:
            return


def _files(top: Path, known: Path | None) -> Iterator[tuple[Path, int]]:
    for folder, names, files in os.walk(top):
        names[:] = sorted(
            name for name in names if name not in _SKIPPED and not name.startswith(".") and Path(folder, name) != known
        )
        for name in sorted(files):
            path = Path(folder, name)
            with contextlib.suppress(OSError):
                if path.suffix in _COPIED and path.is_file() and not path.is_symlink():
                    length = path.stat().st_size
                    if length <= _FILE_BYTES:
                        yield path, length
