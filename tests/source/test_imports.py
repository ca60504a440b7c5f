"""Which files import which, told from the text of import statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.source.imports import Imports
from vglint.source.project import Project


def leading(folder: Path, changed: str, files: dict[str, str], gone: tuple[str, ...] = ()) -> set[str]:
    """Writes files, and returns those that import the changed one."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    imports = Imports(
        Project(folder, sorted(str(folder / name) for name in files)), [str(folder / name) for name in gone]
    )
    found = imports.leading_to([str(folder / name) for name in files], lambda file: file == str(folder / changed))
    return {Path(file).relative_to(folder).as_posix() for file in found}


PACKAGE = {
    "pkg/__init__.py": "from .one import One\nfrom .two import Two as Second\nfrom .three import *\n__version__ = '1'\n\ndef own():\n    return One\n",
    "pkg/one.py": "class One: ...\n",
    "pkg/two.py": "from . import __version__\nclass Two: ...\n",
    "pkg/three.py": "class Three: ...\n",
}


@pytest.mark.parametrize(
    ("statement", "needs"),
    [
        ("from pkg import One", {"one", "__init__"}),
        ("from pkg import Second as S", {"two", "__init__"}),
        ("from pkg import (\n    One, # with a comment\n    Second)", {"one", "two", "__init__"}),
        ("from pkg import Three", {"three", "__init__"}),
        ("from pkg import __version__", {"__init__"}),
        ("from pkg import own", {"one", "two", "three", "__init__"}),
        ("from pkg import *", {"one", "two", "three", "__init__"}),
        ("import pkg", {"one", "two", "three", "__init__"}),
        ("import pkg.two as two", {"two", "__init__"}),
        ("from pkg import two", {"two", "__init__"}),
        ("from pkg.one import One", {"one"}),
        ("def late(): from pkg.one import One", {"one"}),
        ("try: import numpy, pkg.one\nexcept ImportError: pass", {"one"}),
        ("import os; from pkg \\\n    import One", {"one", "__init__"}),
        ("importer = 'import pkg'\nfrom_pkg = 1", set()),
        ("import pkgs", set()),
    ],
)
def test_a_name_needs_the_files_that_it_comes_from(tmp_path: Path, statement: str, needs: set[str]) -> None:
    found = {
        changed
        for changed in ("one", "two", "three", "__init__")
        if "main.py" in leading(tmp_path, f"pkg/{changed}.py", {**PACKAGE, "main.py": f"{statement}\n"})
    }
    assert found == needs


def test_imports_lead_on(tmp_path: Path) -> None:
    files = {
        "a.py": "import b\n",
        "b.py": "from c import x\n",
        "c.py": "from d import *\n",
        "d.py": "x = 1\n",
        "e.py": "import a\n",
        "f.py": "",
    }
    assert leading(tmp_path, "d.py", files) == {"a.py", "b.py", "c.py", "e.py"}
    assert leading(tmp_path, "a.py", files) == {"e.py"}


def test_circles_end(tmp_path: Path) -> None:
    files = {"p/__init__.py": "from q import X\n", "q/__init__.py": "from p import X\n", "main.py": "from p import X\n"}
    assert "main.py" in leading(tmp_path, "q/__init__.py", files)
    assert leading(tmp_path, "b.py", {"a.py": "import b\n", "b.py": "import a\n"}) == {"a.py", "b.py"}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("lib/gone.py", "from lib.gone import x"),
        ("lib/gone.py", "import lib.gone"),
        ("lib/gone/__init__.py", "from lib import gone"),
        ("gone.py", "from .gone import x"),
    ],
)
def test_a_file_that_is_gone_is_imported_still(tmp_path: Path, name: str, statement: str) -> None:
    assert leading(tmp_path, name, {"main.py": f"{statement}\n", "lib/__init__.py": ""}, (name,)) == {"main.py"}


def test_notebooks_import_too(tmp_path: Path) -> None:
    book = '{"cells": [{"cell_type": "code", "source": ["import a\\n"], "outputs": []}], "nbformat": 4}'
    assert leading(tmp_path, "a.py", {"a.py": "", "book.ipynb": book}) == {"book.ipynb"}
