"""`--since` and `--with-importers`: a run on what changed, and on what depends on it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import cli

HEAD = "import torch\nfrom torch import nn\n\n\n"
STACK = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([{layer}(64, 64) for _ in range(12)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).sigmoid()
        return x


"""
DENSE = """\
class Dense(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.layer = nn.Linear(a, b)

    def forward(self, x):
        return self.layer(x)


"""


def code(*names: str, layer: str = "nn.Linear", before: str = "") -> str:
    return HEAD + before + "".join(STACK.format(name=name, layer=layer) for name in names)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def commit(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('_in_', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a change")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VGLINT_DEBUG", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    return tmp_path / "repository"


def vglint(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(cli, [*arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "internal error" not in result.output
    return result


def found(*arguments: str) -> list[str]:
    """Returns file and entry of each finding."""
    result = vglint(*arguments, "--output-format", "json")
    assert result.exit_code in (0, 1), result.output
    return [f"{one['path']}:{one['entry']}" for one in json.loads(result.stdout)["findings"]]


def test_nothing_changed(folder: Path) -> None:
    commit(folder, a=code("A"), b=code("B"))
    result = vglint(".", "--since", "HEAD")
    assert result.exit_code == 0 and result.stderr == "nothing changed in . since HEAD\n"
    assert found(".") == ["a.py:A", "b.py:B"]


def test_only_entries_that_changed_are_told(folder: Path) -> None:
    commit(folder, a=code("A", "B"), b=code("C"))
    (folder / "a.py").write_text(
        "# a comment\n" + code("A", "B").replace("class B(nn.Module):", "class B(nn.Module):  # here")
    )
    assert found(".", "--since", "HEAD") == ["a.py:B"], "uncommitted changes count, moved lines do not"
    git(folder, "add", "-A")
    assert found(".", "--since", "HEAD") == ["a.py:B"], "so do staged ones"
    (folder / "new.py").write_text(code("N", "M"))
    assert found(".", "--since", "HEAD") == ["a.py:B", "new.py:M", "new.py:N"] or found(".", "--since", "HEAD") == [
        "a.py:B",
        "new.py:N",
        "new.py:M",
    ]
    commit(folder)
    assert found(".", "--since", "HEAD") == []
    assert len(found(".", "--since", "HEAD~1")) == 3
    assert found("b.py", "--since", "HEAD~1") == [], "no more than the paths are linted"


def test_entries_that_use_what_changed_are_told(folder: Path) -> None:
    before = code("A", layer="Dense", before=DENSE) + STACK.format(name="B", layer="nn.Linear")
    commit(folder, a=before)
    (folder / "a.py").write_text(before.replace("nn.Linear(a, b)", "nn.Linear(a, b, bias=True)"))
    assert found(".", "--since", "HEAD") == ["a.py:A"]


@pytest.mark.parametrize(
    "statement",
    [
        "from layers import Dense",
        "from layers import (\n    Dense,  # the layer\n)",
        "import layers\nDense = layers.Dense",
        "from between import Dense",
        "try:\n    from \\\n        layers import Dense\nexcept ImportError: Dense = nn.Linear",
        "from pkg import Dense",
        "from pkg.inner import *",
    ],
)
def test_files_that_import_what_changed_are_linted_whole(folder: Path, statement: str) -> None:
    commit(
        folder,
        layers=HEAD + DENSE,
        between="from layers import Dense\n",
        pkg_in___init__="from .inner import Dense\n",
        pkg_in_inner="from layers import *\n",
        a=code("A", layer="Dense", before=f"{statement}\n\n\n"),
        b=code("B"),
    )
    (folder / "layers.py").write_text(HEAD + DENSE.replace("a, b)\n", "a, b) \n", 1))
    assert "a.py:A" in found("a.py", "b.py"), "the import is followed"
    assert found(".", "--since", "HEAD") == ["a.py:A"]
    assert found("a.py", "b.py", "--since", "HEAD") == ["a.py:A"], "the changed file need not be linted itself"
    assert found("layers.py", "--with-importers") == ["a.py:A"]
    (folder / "layers.py").unlink()
    linted = json.loads(vglint(".", "--since", "HEAD", "--output-format", "json").stdout)
    assert [one["path"] for one in linted["missing"]] or linted["summary"]["entries"], (
        "what imports a file that is gone is linted"
    )
    assert linted["summary"]["files"] >= 1


def test_training_code_that_changed_is_told_and_the_rest_of_its_file_is_not(folder: Path) -> None:
    script = (
        code("A")
        + 'model = A()\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nfor x, y in torch.load("data.pt"):\n    nn.CrossEntropyLoss()(model(x).softmax(1), y).backward()\n    optimizer.step()\n'
    )
    commit(folder, a=script)
    everything = found(".")
    (folder / "a.py").write_text(script.replace("lr=0.1", "lr=0.2"))
    told = found(".", "--since", "HEAD")
    assert told and set(told) == {one for one in everything if one != "a.py:A"}


def test_notebooks(folder: Path) -> None:
    def book(*cells: str) -> str:
        return json.dumps(
            {"cells": [{"cell_type": "code", "source": cell, "outputs": []} for cell in cells], "nbformat": 4}
        )

    (folder / "a.ipynb").write_text(book(code("A"), STACK.format(name="B", layer="nn.Linear")))
    commit(folder)
    (folder / "a.ipynb").write_text(
        book("1 + 1\n", code("A"), STACK.format(name="B", layer="nn.Linear").replace("12", "14"))
    )
    assert found(".", "--since", "HEAD") == ["a.ipynb:B"]


def test_line_ends_do_not_count(folder: Path) -> None:
    commit(folder, a=code("A"))
    (folder / "a.py").write_bytes(code("A").replace("\n", "\r\n").encode())
    assert found(".", "--since", "HEAD") == []


def test_where_two_branches_parted(folder: Path) -> None:
    commit(folder, a=code("A"), b=code("B"))
    git(folder, "checkout", "-q", "-b", "other")
    commit(folder, b=code("B", "New"))
    git(folder, "checkout", "-q", "main")
    commit(folder, a=code("A", "Newer"))
    git(folder, "checkout", "-q", "other")
    assert found(".", "--since", "main...") == ["b.py:New"]


def test_submodules_and_links(folder: Path) -> None:
    inner = folder.parent / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    commit(inner, lib=code("L"))
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "third")
    (folder / "link.py").symlink_to("a.py")
    commit(folder, a=code("A"))
    assert found(".", "--since", "HEAD") == []
    (folder / "third" / "lib.py").write_text(code("L", "M"))
    assert found(".", "--since", "HEAD") == ["third/lib.py:M"]


def test_it_does_not_matter_where_vglint_is_called(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(folder, sub_in_a=code("A"), b=code("B"))
    (folder / "sub" / "a.py").write_text(code("A", "New"))
    monkeypatch.chdir(folder / "sub")
    assert found("..", "--since", "HEAD") == ["../sub/a.py:New"] or found("..", "--since", "HEAD") == ["a.py:New"]
    monkeypatch.chdir("/")
    assert [one.rpartition(":")[2] for one in found(str(folder), "--since", "HEAD")] == ["New"]


def test_useless_comments_are_told_of_changed_files_alone(folder: Path) -> None:
    useless = "x = 1  # vglint: ignore[VG101] no reason\n"
    commit(folder, layers=HEAD + DENSE, a="from layers import Dense\nmodel = Dense(2, 2)\n" + useless)
    (folder / "layers.py").write_text(HEAD + DENSE + useless)
    assert [
        one["path"] for one in json.loads(vglint(".", "--since", "HEAD", "--output-format", "json").stdout)["problems"]
    ] == ["layers.py"]


@pytest.mark.parametrize("cache", [(), ("--no-cache",)])
def test_a_narrow_run_and_a_whole_one_keep_the_same_results(folder: Path, cache: tuple[str, ...]) -> None:
    commit(folder, a=code("A"), b=code("B"))
    (folder / "a.py").write_text(code("A", "New"))
    for _ in range(2):
        assert found(".", "--since", "HEAD", *cache) == ["a.py:New"]
        assert found(".", *cache) == ["a.py:A", "a.py:New", "b.py:B"]
    if not cache:
        assert len(list((folder / ".vglint_cache").glob("findings-*"))) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((".", "--since", "nowhere"), "git knows no revision 'nowhere'"),
        ((".", "--since", "HEAD~9"), "git knows no revision 'HEAD~9'"),
        ((".", "--since", "--output=x"), "'--output=x' is no revision"),
        ((".", "--since", ""), "'' is no revision"),
        ((".", "--since", "a\nb"), "is no revision"),
        ((".", "--since", "HEAD:a.py"), "git knows no revision"),
        (("-", "--since", "HEAD"), "standard input"),
        (("-", "--with-importers"), "standard input"),
        ((".", "--since", "HEAD", "--show-files"), "--show-files"),
        ((".", "--since", "HEAD", "--with-importers"), "leave --with-importers out"),
        ((".", "--since", "HEAD", "--write-baseline", "x"), "--write-baseline"),
    ],
)
def test_wrong_use(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    commit(folder, a=code("A"))
    result = vglint(*arguments, stdin="")
    assert result.exit_code == 2 and said in result.stderr


def test_outside_of_a_repository(folder: Path) -> None:
    (folder.parent / "a.py").write_text(code("A"))
    result = vglint("../a.py", "--since", "HEAD")
    assert result.exit_code == 2 and "is in none" in result.stderr
    (folder.parent / ".git").mkdir()
    assert "git knows no revision 'HEAD'" in vglint("../a.py", "--since", "HEAD").stderr


def test_without_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(folder, a=code("A"))
    monkeypatch.setenv("PATH", str(folder))
    result = vglint(".", "--since", "HEAD")
    assert result.exit_code == 2 and "git is not installed" in result.stderr
    (folder / "git").write_text("#!/bin/sh\ntouch ran\n")
    (folder / "git").chmod(0o755)
    result = vglint(".", "--since", "HEAD")
    assert result.exit_code == 2 and "lies in the repository, and is not run" in result.stderr
    assert not (folder / "ran").exists()
