"""The title of a fix names the lines that read an output whose meaning changes, and no others."""

from __future__ import annotations

import pytest

from vglint.lint.text import text_linter
from vglint.rulebook import load

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
    assert (f"line {line} calls the model too" in finding.fix.title) is named, finding.fix.title
