"""`--write-baseline` and `--baseline`: what is known is not shown, and what is no longer there is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import cli

STACK = """\
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(12)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).sigmoid()
        return x


"""
HEAD = "from torch import nn\n\n\n"
MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, act=nn.Softmax(dim=1)):
        super().__init__()
        self.layer = nn.Linear(8, 4)
        self.act = act

    def forward(self, x):
        return self.act(self.layer(x))
"""
LOSS = """\
from torch import nn


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        self.ce = nn.CrossEntropyLoss()

    def forward(self, prediction, target):
        return self.ce(prediction, target)
"""
TRAIN = """\
import torch
from losses import Loss
from model import Net

model = Net()
loss = Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in torch.load("batches.pt"):
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
"""


def code(*names: str) -> str:
    return HEAD + "".join(STACK.format(name=name) for name in names)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGLINT_DEBUG", raising=False)
    (tmp_path / ".git").mkdir()
    return tmp_path


def vglint(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(cli, [*arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "internal error" not in result.output
    return result


def findings(*arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(vglint(*arguments, "--output-format", "json").stdout)["findings"]
    return found


def entries(file: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(file.read_text())["findings"]
    return found


def test_what_is_known_is_neither_shown_nor_counted(folder: Path) -> None:
    (folder / "a.py").write_text(code("A", "B"))
    (folder / "b.py").write_text(code("C"))
    written = vglint(".", "--write-baseline", "known.json")
    assert written.exit_code == 0 and "wrote 3 findings to known.json" in written.stderr and not written.stdout
    assert [entry["path"] for entry in entries(folder / "known.json")] == ["a.py", "a.py", "b.py"]
    clean = vglint(".", "--baseline", "known.json")
    assert clean.exit_code == 0 and "expired" not in clean.output and not clean.stderr
    assert clean.stdout.startswith("no problems in 2 files") and "3 more problems in the baseline" in clean.stdout
    assert (
        json.loads(vglint(".", "--baseline", "known.json", "--output-format", "json").stdout)["summary"]["known"] == 3
    )
    assert vglint(".").exit_code == 1


def test_it_holds_under_edits_elsewhere_and_shows_what_is_new(folder: Path) -> None:
    (folder / "a.py").write_text(code("A", "B"))
    vglint(".", "--write-baseline", "known.json")
    before = (folder / "known.json").read_bytes()
    (folder / "a.py").write_text("# a comment\n\n" + code("First", "A", "Between", "B", "Last"))
    result = findings(".", "--baseline", "known.json")
    assert [finding["entry"] for finding in result] == ["First", "Between", "Last"]
    (folder / "a.py").write_text(code("A", "B"))
    vglint(".", "--write-baseline", "known.json")
    assert (folder / "known.json").read_bytes() == before, "the same findings make the same file"


def test_it_does_not_matter_where_vglint_is_called_or_which_files_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("model", MODEL), ("losses", LOSS), ("train", TRAIN)):
        (folder / f"{name}.py").write_text(text)
    (folder / "other.py").write_text(TRAIN)
    (shown,) = findings("train.py")
    assert (shown["rule"], shown["path"]) == ("VG701", "losses.py")
    vglint(".", "--write-baseline", "known.json")
    assert [(entry["path"], entry["through"]) for entry in entries(folder / "known.json")] == [
        ("losses.py", "other.py")
    ]
    for paths in (["."], ["train.py"], ["other.py", "losses.py"]):
        assert vglint(*paths, "--baseline", "known.json").exit_code == 0
    alone = vglint("losses.py", "model.py", "--baseline", "known.json")
    assert "nothing any more" not in alone.stderr, "the file that leads to it was not linted"
    (folder / "deeper").mkdir()
    monkeypatch.chdir(folder / "deeper")
    assert vglint("..", "--baseline", "../known.json").exit_code == 0
    monkeypatch.chdir(folder.parent)
    assert vglint(folder.name, "--baseline", f"{folder.name}/known.json").exit_code == 0


def test_what_is_gone_is_said_in_one_line(folder: Path) -> None:
    (folder / "a.py").write_text(code("A", "B"))
    (folder / "b.py").write_text(code("C"))
    (folder / "c.py").write_text(code("D"))
    vglint(".", "--write-baseline", "known.json")
    (folder / "a.py").write_text(code("A"))
    (folder / "b.py").unlink()
    result = vglint(".", "--baseline", "known.json")
    assert result.exit_code == 0, "an expired entry is no finding"
    assert result.stderr.splitlines() == [
        "known.json: 2 entries match nothing any more (VG101 in a.py, VG101 in b.py): --write-baseline known.json leaves them out"
    ]
    assert not vglint(".", "--baseline", "known.json", "--quiet").output
    for narrower in (["c.py"], [".", "--select", "VG102"]):
        assert "a.py" not in vglint(*narrower, "--baseline", "known.json").stderr, "this call cannot know"
    (folder / "vglint.toml").write_text('[rules.VG101]\nseverity = "info"\n')
    assert "2 entries" in vglint(".", "--baseline", "known.json").stderr, "what is there and not shown is not gone"
    (folder / "vglint.toml").unlink()
    vglint(".", "--write-baseline", "known.json")
    assert [entry["path"] for entry in entries(folder / "known.json")] == ["a.py", "c.py"]
    assert not vglint(".", "--baseline", "known.json").stderr


def test_a_baseline_of_some_files_keeps_the_entries_of_others(folder: Path) -> None:
    for name in "abc":
        (folder / f"{name}.py").write_text(code(name.upper()))
    vglint(".", "--write-baseline", "known.json")
    (folder / "a.py").write_text(code("A", "New"))
    (folder / "c.py").unlink()
    assert (
        "wrote 2 findings to known.json, and 1 of other files stay"
        in vglint("a.py", "--write-baseline", "known.json").stderr
    )
    assert [entry["path"] for entry in entries(folder / "known.json")] == ["a.py", "a.py", "b.py"]


def test_the_configuration_may_name_it(folder: Path) -> None:
    (folder / "a.py").write_text(code("A"))
    (folder / "vglint.toml").write_text('baseline = "lint/known.json"\n')
    missing = vglint(".")
    assert missing.exit_code == 2 and "lint/known.json: there is no such baseline" in missing.stderr
    (folder / "lint").mkdir()
    assert vglint(".", "--write-baseline", "lint/known.json").exit_code == 0
    assert vglint(".").exit_code == 0
    assert vglint(".", "--isolated").exit_code == 1
    assert vglint("a.py", "--show-settings").stdout.count('baseline = "') == 1
    assert vglint("-", "--stdin-filename", "a.py", stdin=code("A")).exit_code == 0
    assert vglint("-", "--stdin-filename", "a.py", stdin=code("B")).exit_code == 1


def test_notebooks_have_one_too(folder: Path) -> None:
    def book(*cells: str) -> str:
        return json.dumps(
            {"cells": [{"cell_type": "code", "source": cell, "outputs": []} for cell in cells], "nbformat": 4}
        )

    (folder / "a.ipynb").write_text(book(code("A")))
    vglint(".", "--write-baseline", "known.json")
    (folder / "a.ipynb").write_text(book("x = 1\n", code("B"), "\n\n" + code("A")))
    assert [(one["entry"], one["cell"]) for one in findings(".", "--baseline", "known.json")] == [("B", 2)]


ENTRY = '{"path": "a.py", "rule": "VG101", "fingerprint": "00"}'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no baseline: Input data was truncated"),
        ("{]", "is no baseline: JSON is malformed"),
        ("[]", "is no baseline: Expected `object`, got `array`"),
        ('{"version": 1}', "missing required field `findings`"),
        ('{"version": 2, "findings": []}', "version: is 2, and this vglint reads version 1"),
        ('{"version": 1, "findings": {}}', "Expected `array`, got `object` - at `$.findings`"),
        ('{"version": 1, "findings": [{"path": 1}]}', "Expected `str`, got `int` - at `$.findings[0].path`"),
        ('{"version": 1, "findings": [null]}', "Expected `object`, got `null` - at `$.findings[0]`"),
        ('{"version": 1, "findings": [], "more": 1}', "unknown field `more`"),
        ('{"version": 1, "findings": ' + "[" * 100_000, "is no baseline: "),
        ('{"version": 1, "findings": [' + ",".join([ENTRY] * 30_000) + "]}", "has more than 1 MB"),
        ('{"version": 1, "findings": ["\\ud800"]}', "is no baseline: "),
        ("\xff", "is no baseline: "),
    ],
)
def test_what_is_no_baseline_is_said(folder: Path, content: str, said: str) -> None:
    (folder / "a.py").write_text(code("A"))
    (folder / "known.json").write_bytes(content.encode("latin-1"))
    for option in ("--baseline", "--write-baseline"):
        result = vglint(".", option, "known.json")
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: known.json: ") and said in result.stderr
    assert (folder / "known.json").read_bytes() == content.encode("latin-1"), "what is no baseline is not replaced"


def test_texts_of_a_baseline_do_not_steer_the_terminal(folder: Path) -> None:
    (folder / "a.py").write_text(code("A"))
    entry = {"path": "\x1b[2Jx\n::error::y", "rule": "VG101", "fingerprint": "00"}
    (folder / "known.json").write_text(json.dumps({"version": 1, "findings": [entry]}))
    (line,) = vglint("a.py", "--baseline", "known.json").stderr.splitlines()
    assert "\x1b" not in line and "matches nothing any more" in line


def test_no_source_is_replaced_by_a_baseline(folder: Path) -> None:
    (folder / "a.py").write_text(code("A"))
    result = vglint(".", "--write-baseline", "a.py")
    assert result.exit_code == 2 and "a.py: is no baseline" in result.stderr
    assert (folder / "a.py").read_text() == code("A")
    os.mkfifo(folder / "pipe")
    assert "is a pipe" in vglint(".", "--baseline", "pipe").stderr


def test_files_that_cannot_be_read_are_told_and_keep_their_entries(folder: Path) -> None:
    (folder / "a.py").write_text(code("A"))
    vglint(".", "--write-baseline", "known.json")
    (folder / "a.py").write_bytes(b"import torch.nn\0")
    for option in ("--baseline", "--write-baseline"):
        result = vglint(".", option, "known.json")
        assert result.exit_code == 1 and "a.py" in result.output and "nothing any more" not in result.output
    assert len(entries(folder / "known.json")) == 1


@pytest.mark.parametrize("other", ["--baseline=x.json", "--fix", "--diff", "--add-ignore=why", "--probe"])
def test_a_baseline_is_written_by_itself(folder: Path, other: str) -> None:
    (folder / "a.py").write_text(code("A"))
    assert vglint(".", "--write-baseline", "known.json", other).exit_code == 2
    assert not (folder / "known.json").exists()
