"""A model of the wild that the benchmarks build: where it is written, the expression that builds it, what it is fed."""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli

from benchmarks.corpus.fetch import corpus_folder, every_pin, installed

LISTS = Path(__file__).with_name("targets")
"""One TOML file per population: `population`, `root`, perhaps `resolve`, and `targets`, a list of tables `file`, `entry`, `inputs`; or,
for classes that take a configuration alike, `file`, `classes`, `config`, `inputs`."""
TESTS = str(Path(__file__).resolve().parents[2] / "tests")
"""Lies on the path of `python -m benchmarks`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model: `entry` is evaluated among the names of `file`, `inputs` among torch's; both are Python expressions.

    `root` is a pinned package, or `owner/name@commit` of a public repository, or `benchmarks` for files beside this
    one; `file` is relative to it. `inputs` is a tuple of positional or a dict of keyword arguments of forward.
    """

    population: str
    root: str
    file: str
    entry: str
    inputs: str
    resolve: tuple[str, ...] = ()
    """Installed packages that are read as source too: those that the code is written in."""

    @property
    def key(self) -> str:
        """A name that changes with what is built and run, for caches."""
        built = {name: value for name, value in asdict(self).items() if name != "resolve"}
        return sha256(json.dumps(built).encode()).hexdigest()[:16]

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def load(populations: Iterable[str] = ()) -> Iterator[Target]:
    """Yields the committed targets of the named populations, of all where none is named."""
    wanted = set(populations)
    for path in sorted(LISTS.glob("*.toml")):
        content = tomli.loads(path.read_text(encoding="utf-8"))
        if not wanted or content["population"] in wanted:
            for row in content["targets"]:
                root = row.get("root") or content["root"]
                entries = (
                    [f"{name}({row['config']})" for name in row["classes"]] if "classes" in row else [row["entry"]]
                )
                also = tuple(content.get("resolve", ()))
                yield from (
                    Target(content["population"], root, row["file"], entry, row["inputs"], also) for entry in entries
                )


def folder(root: str, zoo: Path | None = None) -> Path:
    """Returns where the files of `root` lie: an unpacked package, a checkout below $VGLINT_ZOO, or this folder."""
    if root == "benchmarks":
        return Path(__file__).parent
    if "/" in root:
        repository = root.partition("@")[0].replace("/", "+")
        return (zoo or Path(os.environ.get("VGLINT_ZOO", "~/.cache/vglint-zoo")).expanduser()) / repository
    return corpus_folder() / f"{root}-{every_pin()[root]}"


def build(target: Target) -> Any:
    """Imports the target's file and returns the model; raises whatever that code raises. Needs torch."""
    import torch

    stand_in_for_torchvision()
    if not installed(target.root):
        sys.path.insert(0, str(folder(target.root)))
        if "/" in target.root:
            os.chdir(folder(target.root))
    seed()
    with _without_tests():
        names = vars(importlib.import_module(target.module))
        return eval(target.entry, dict(names, __builtins__=__builtins__, torch=names.get("torch", torch)))


@contextmanager
def _without_tests() -> Iterator[None]:
    """Takes our tests off the path: a file there comes before a folder of the same name, without `__init__.py`, in a repository."""
    there = TESTS in sys.path
    if there:
        sys.path.remove(TESTS)
    try:
        yield
    finally:
        if there:
            sys.path.append(TESTS)


def feed(target: Target) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns positional and keyword arguments for the model's forward. Needs torch."""
    import torch

    seed()
    scope = {"torch": torch, "x": torch.randn, "ids": lambda high, *shape: torch.randint(0, high, shape)}
    value = eval(target.inputs, scope)
    return ((), value) if isinstance(value, dict) else (value if isinstance(value, tuple) else (value,), {})


def fixed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Returns inputs with sizes, dtypes and ranges, as `vglint graph --input` fixes them; those behind one that is no tensor are left out."""
    from vglint.given import Input

    found = []
    named = [*((None, value) for value in args), *kwargs.items()]
    for name, value in named:
        if not hasattr(value, "dtype"):
            if name is None:
                break
            continue
        dtype = str(value.dtype).removeprefix("torch.")
        bounds = (0, int(value.max()) + 1) if dtype.startswith("int") and value.numel() else (None, None)
        found.append(Input(name, tuple(value.shape), dtype, *bounds))
    return tuple(found)


def seed() -> None:
    import torch

    random.seed(0)
    torch.manual_seed(0)


def stand_in_for_torchvision() -> None:
    """Makes torchvision's Python source importable without its binary part, by declaring the operators that it defines."""
    import torch

    source = folder("torchvision")
    if str(source) in sys.path or not source.is_dir():
        return
    sys.path.append(str(source))
    meta = (source / "torchvision/_meta_registrations.py").read_text(encoding="utf-8")
    library = torch.library.Library("torchvision", "DEF")
    for operator in sorted(set(re.findall(r'(?:register_meta\("|torchvision::)(\w+)', meta))):
        library.define(f"{operator}() -> ()")
    KEPT.append(library)


KEPT: list[Any] = []
"""Libraries of operators live as long as their objects."""
