"""Downloads the pinned packages of a list and unpacks their Python sources; installs nothing.

    python -m benchmarks fetch [--into DIR] [--list NAME] [PACKAGE …]

A list is `NAME.toml` in this folder: `corpus` by default, `fresh` and `wild`, whose packages no other list has.
DIR defaults to $VGLINT_CORPUS, else ~/.cache/vglint-corpus. Each package gets a folder DIR/NAME-VERSION; one that is
there already is left alone. DIR/INDEX lists what is there: name, version, folder, number of Python files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import tomli

PINS = Path(__file__).with_name("corpus.toml")
LISTS = ("corpus", "fresh", "wild")
KEPT = (".py", ".ipynb", ".toml", ".cfg", "LICENSE", "METADATA")
"""Endings of the files that are unpacked; binaries, weights and data are not."""


def corpus_folder(given: str | None = None) -> Path:
    """Returns the folder of unpacked packages: `given`, else $VGLINT_CORPUS, else a folder of the user's cache."""
    chosen = given or os.environ.get("VGLINT_CORPUS") or "~/.cache/vglint-corpus"
    return Path(chosen).expanduser()


def pins(file: Path = PINS) -> dict[str, str]:
    """Returns the pinned version of each package of a list by name."""
    packages = tomli.loads(file.read_text(encoding="utf-8"))["packages"]
    return {name: pin["version"] for name, pin in packages.items()}


def pins_of(name: str) -> dict[str, str]:
    """Returns the pinned versions of the list of that name."""
    return pins(PINS.with_name(f"{name}.toml"))


def every_pin() -> dict[str, str]:
    """Returns the pinned version of each package of all lists."""
    return {package: version for name in LISTS for package, version in pins_of(name).items()}


def installed(package: str) -> bool:
    """Whether the benchmarks import a package as it is installed: those of `corpus.toml`; others from where they were unpacked."""
    return package in pins()


def packages(folder: Path, names: tuple[str, ...] = (), listed: str = "corpus") -> dict[str, Path]:
    """Returns the folder of each package of a list that has been fetched, by name; all of them where `names` is empty."""
    found = {
        name: folder / f"{name}-{version}" for name, version in pins_of(listed).items() if not names or name in names
    }
    return {name: path for name, path in found.items() if path.is_dir()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE")
    parser.add_argument("--into", metavar="DIR")
    parser.add_argument("--list", choices=LISTS, default="corpus")
    given = parser.parse_args()
    into = corpus_folder(given.into)
    into.mkdir(parents=True, exist_ok=True)
    listed = pins_of(given.list)
    wanted = {name: version for name, version in listed.items() if not given.packages or name in given.packages}
    with ThreadPoolExecutor(4) as pool:
        errors = [error for error in pool.map(lambda pin: _fetch(*pin, into), wanted.items()) if error]
    lines = [f"{name}\t{listed[name]}\t{path}\t{_count(path)}" for name, path in packages(into, (), given.list).items()]
    (into / "INDEX").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _fetch(name: str, version: str, into: Path) -> str | None:
    """Downloads and unpacks one package; returns what went wrong."""
    target = into / f"{name}-{version}"
    if target.is_dir():
        return None
    with tempfile.TemporaryDirectory(dir=into) as scratch:
        for form in ("--only-binary=:all:", "--no-binary=:all:"):
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--ignore-requires-python"]
            command += ["--no-build-isolation", form, "-d", scratch, f"{name}=={version}"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                break
        else:
            return f"{name}=={version}: {done.stderr.strip().splitlines()[-1:]}"
        unpacked = Path(scratch) / "unpacked"
        for member, content in _members(next(path for path in Path(scratch).iterdir() if path.is_file())):
            place = unpacked / member
            if unpacked.resolve() in place.resolve().parents:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        unpacked.rename(target)
    return None


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yields name and content of each source file in a wheel or sdist; an sdist's own top folder is dropped."""
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist() if name.endswith(KEPT))
        return
    with tarfile.open(archive) as sdist:
        for member in sdist:
            content = sdist.extractfile(member) if member.isfile() and member.name.endswith(KEPT) else None
            if content is not None:
                yield member.name.partition("/")[2], content.read()


def _count(path: Path) -> int:
    return sum(1 for _ in path.rglob("*.py"))


if __name__ == "__main__":
    raise SystemExit(main())
