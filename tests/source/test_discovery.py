"""Which files are linted: folders, globs, links, ignore files, excludes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from vglint.source.discovery import Exclusion, discover
from vglint.source.patterns import Patterns
from vglint.source.relevance import concerns_torch


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "a.py": "",
        "b.ipynb": "",
        "c.pyw": "",
        "data.txt": "",
        "run": "",
        "pkg/__init__.py": "",
        "pkg/net.py": "",
        "pkg/gen/made.py": "",
        "pkg/gen/kept.py": "",
        "pkg/.gitignore": "gen/*\n!kept.py\n\\\n",
        "out/x.py": "",
        "logs/x.py": "",
        ".gitignore": "/out/\n*.log.py\n# no\n",
        "y.log.py": "",
        ".venv/lib/x.py": "",
        "env/pyvenv.cfg": "",
        "env/x.py": "",
        "__pycache__/x.py": "",
        "site-packages/timm/x.py": "",
        ".hidden/x.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / ".git" / "info").mkdir(parents=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("logs\n")
    (tmp_path / ".git" / "hook.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ALL = [".hidden/x.py", "a.py", "b.ipynb", "c.pyw", "pkg/__init__.py", "pkg/gen/kept.py", "pkg/net.py"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["."], ALL),
        (["pkg"], ["pkg/__init__.py", "pkg/gen/kept.py", "pkg/net.py"]),
        (["pkg/"], ["pkg/__init__.py", "pkg/gen/kept.py", "pkg/net.py"]),
        (["./pkg/../pkg/net.py", "pkg/net.py"], ["pkg/../pkg/net.py"]),
        (["pkg", ".", "a.py"], ALL),
        (["run", "data.txt"], ["data.txt", "run"]),  # what is named is taken
        (["out"], ["out/x.py"]),
        (["out/x.py", "logs"], ["logs/x.py", "out/x.py"]),
        (["site-packages"], ["site-packages/timm/x.py"]),
        (["env"], ["env/x.py"]),
        (["pkg/gen"], ["pkg/gen/kept.py"]),
        (["*.py"], ["a.py", "y.log.py"]),
        (["pkg/**/*.py"], ["pkg/__init__.py", "pkg/gen/kept.py", "pkg/gen/made.py", "pkg/net.py"]),
        (["[a-b].*"], ["a.py", "b.ipynb"]),
    ],
)
def test_what_is_found(tree: Path, arguments: list[str], found: list[str]) -> None:
    assert discover(arguments) == (tuple(found), ())
    assert discover(arguments[::-1]) == (tuple(found), ())


def test_without_ignore_files(tree: Path) -> None:
    files, _ = discover(["."], lambda folder: Exclusion(Patterns(folder, ()), gitignore=False))
    assert set(files) == {*ALL, "logs/x.py", "out/x.py", "pkg/gen/made.py", "y.log.py"}


def test_absolute_paths_stay_absolute(tree: Path) -> None:
    assert discover([str(tree / "pkg")])[0][0] == (tree / "pkg/__init__.py").as_posix()


@pytest.mark.parametrize(
    ("patterns", "force", "arguments", "found"),
    [
        (["pkg"], False, ["."], [".hidden/x.py", "a.py", "b.ipynb", "c.pyw"]),
        (["pkg"], False, ["pkg/net.py"], ["pkg/net.py"]),
        (["pkg"], True, ["pkg/net.py"], []),
        (["pkg"], True, ["pkg"], []),
        (["*.ipynb", "pkg/*", "!pkg/net.py"], False, ["."], [".hidden/x.py", "a.py", "c.pyw", "pkg/net.py"]),
        ([], True, ["site-packages/timm/x.py", "a.py"], ["a.py"]),
    ],
)
def test_excludes(tree: Path, patterns: list[str], force: bool, arguments: list[str], found: list[str]) -> None:
    exclusion = Exclusion(Patterns(str(tree), tuple(patterns)), force)
    assert discover(arguments, lambda folder: exclusion)[0] == tuple(found)


def test_each_folder_has_its_own_excludes(tree: Path) -> None:
    inner = Exclusion(Patterns(str(tree / "pkg"), ("/net.py",)))
    nothing = Exclusion(Patterns(str(tree), ()))
    files, _ = discover(["."], lambda folder: inner if folder.startswith(str(tree / "pkg")) else nothing)
    assert set(ALL) - set(files) == {"pkg/net.py"}


def test_what_does_not_exist_is_a_problem(tree: Path) -> None:
    files, problems = discover(["a.py", "absent.py", "no*where.py"])
    assert files == ("a.py",)
    assert [(problem.path, problem.message) for problem in problems] == [
        ("absent.py", "does not exist"),
        ("no*where.py", "no file matches"),
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links(tree: Path) -> None:
    os.symlink("..", tree / "pkg" / "loop")
    os.symlink("self.py", tree / "self.py")
    os.symlink("gone.py", tree / "dangling.py")
    os.symlink("gone.py", tree / ".#lock.py")
    os.symlink("a.py", tree / "alias.py")
    os.mkfifo(tree / "pipe.py")
    assert discover(["."])[0] == tuple(sorted([*ALL, "self.py", "dangling.py", "alias.py"]))
    assert discover(["pkg/loop"])[0][1] == "pkg/loop/a.py"  # named: followed, once


@pytest.mark.parametrize(
    ("content", "concerns"),
    [
        (b"import torch.nn as nn\nclass A(nn.Module): pass", True),
        (b"from torch.nn import Module, Linear\nclass A(Module):\n  def forward(self): pass", True),
        (b"from base import Net\nclass A(Net):\n  def forward(self, x): pass", True),
        (b"import torch\ndef f(p, t): return p.softmax(-1).log().mean()", True),
        (b"import torch\nloss = l1_loss(a, b)", True),
        (b"import torch\nx = torch.sqrt(y)", True),
        (b"import lightning as L\nL.Trainer(max_epochs=3)", True),
        (b"import torch\nloss.backward()\n", True),
        (b'{"cells": [{"source": ["import torch\\n", "m = nn.Sequential()"]}]}', True),
        (b"import torch\nprint(torch.__version__)", False),
        (b"import numpy\nclass A(Base): pass\nnumpy.log(x)", False),
        (b"from mxnet import autograd, np\nfrom mxnet.gluon import nn\nloss.backward()", False),
        (b"import jax\nimport torch\nloss.backward()", True),
        (b"from zoo import nn\nnet = nn.Sequential()", True),
        (b"", False),
    ],
)
def test_relevance(content: bytes, concerns: bool) -> None:
    assert concerns_torch(content) is concerns
