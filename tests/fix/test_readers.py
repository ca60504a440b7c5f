"""The label of a fix names the places that read an output whose meaning changes, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vglint.config import Configuration
from vglint.lint import lint
from vglint.lint.text import text_linter
from vglint.rulebook import load
from vglint.server.analysis import done
from vglint.server.message import Job, Linted

LINT = text_linter(load())
PROGRAM = """import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return F.softmax(self.fc(x), dim=1)


model = Net().to("cpu")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def fit(batches):
    for x, y in batches:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def read(x):
    return {read}
"""


@pytest.mark.parametrize(
    ("read", "named"),
    [
        ("model(x).max() > 0.9", True),
        ("model(x)", True),
        ("model(x).argmax(1)", False),
        ("torch.argmax(model(x), dim=1)", False),
        ("x.max() > 0.9", False),
    ],
)
def test_readers_outside_the_graphs_are_named(read: str, named: bool) -> None:
    text = PROGRAM.replace("{read}", read)
    (finding,) = (one for one in LINT("x.py", text) if one.rule == "VG701")
    assert finding.fix is not None
    line = next(number for number, one in enumerate(text.split("\n"), 1) if one.startswith("    return " + read))
    assert (f"line {line} calls the model too" in finding.fix.label) is named, finding.fix.label


ELSEWHERE = {
    "from net import Net\n\nmodel = Net()\nprint(model(x).max() > 0.9)\n": "a.py:4",
    "from net import Net as Classifier\n\n\ndef load():\n    return Classifier().eval()\n\n\nprint(load()(1))\nm = load()\nm(2)\n": "a.py:10",
    "import net as n\n\n\nclass App:\n    def __init__(self):\n        self.net = n.Net()\n\n    def run(self, x):\n        return self.net(x)\n": "a.py:9",
    "from net import *\n\n\ndef score(net, x):\n    return net(x)\n\n\nscore(Net(), 1)\n": "a.py:5",
    "from net import Net\n\nNet().eval()\nmodel = Net()\nmodel(x).argmax(1)\n": "",
    "from net import Net\n\n\ndef run(model, x):\n    return model(x)\n": "",
    "from other import Net\n\nmodel = Net()\nmodel(x)\n": "",
    "class Net:\n    pass\n\n\nmodel = Net()\nmodel(x)\n": "",
}


@pytest.mark.parametrize("text", ELSEWHERE)
def test_readers_in_other_files_are_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(PROGRAM.replace("{read}", "x"))
    (tmp_path / "a.py").write_text(text)
    report = lint(["."], Configuration(None, True, {"cache": False}).of)
    (label,) = (one.fix.label for one in report.findings if one.rule == "VG701" and one.fix is not None)
    place = ELSEWHERE[text]
    assert (
        (f"({place} calls the model too: its output changes there as well)" in label) if place else "calls" not in label
    )


def test_readers_in_notebooks_are_named_by_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    parts = PROGRAM.replace("{read}", "model(x).max()").split("\n\n\n")
    cells = [{"cell_type": "code", "source": part} for part in parts]
    (tmp_path / "net.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    report = lint(["."], Configuration(None, True, {"cache": False}).of)
    (label,) = (one.fix.label for one in report.findings if one.rule == "VG701" and one.fix is not None)
    assert "(line 2 of cell 5 calls the model too" in label


@pytest.mark.parametrize("is_open", [True, False])
def test_an_editor_names_readers_in_files_that_are_open_or_not(tmp_path: Path, is_open: bool) -> None:
    net, other = tmp_path / "net.py", tmp_path / "show.py"
    text = PROGRAM.replace("{read}", "x")
    reader = "import torch\nfrom net import Net\n\nmodel = Net()\nprint(model(torch.ones(1, 64)).max() > 0.9)\n"
    net.write_text(text)
    other.write_text("" if is_open else reader)
    texts = ((str(net), text.encode()), *(((str(other), reader.encode()),) if is_open else ()))
    told = done(Job(texts, (str(net),), (str(tmp_path),), True))
    found = [
        one for each in told if isinstance(each, Linted) and each.path == str(net) for one in each.outcome.findings
    ]
    labels = [one.fix.label for one in found if one.rule == "VG701" and one.fix is not None]
    assert "calls the model too" not in labels[0] and f"{other}:5 calls the model too" in labels[-1], labels
