"""What a file says around a call that makes a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from vglint.probe.loading import load
from vglint.probe.written import Written, written

FILE = """
import torch
from torch import nn

class Encoder(nn.Module):
    def __init__(self, width, act=torch.relu):
        super().__init__()
        self.width, self.act = width, act

class Net(nn.Module):
    def __init__(self, encoder, classes=10, deep=False):
        super().__init__()
        self.encoder, self.classes, self.deep = encoder, classes, deep

length = 5

def test(length=24, unknown=None):
    net = Net(Encoder(length), classes=3)
    x = torch.randn(2, 3, length)
    with torch.no_grad():
        net(x)
    net(torch.zeros(4, 7).long(), torch.ones(4))
    net(missing)
    net(x[:1], mask=None)

def check(given):
    return Net(encoder, classes=given)

def choose(kinds):
    for deep, (width, classes) in [(True, (16, 5)), (False, (8, 2))]:
        def act(t):
            return t * width
        encoder, other = Encoder(width, act), Encoder(1)
        net = Net(encoder, classes=classes, deep=deep)

if __name__ == "__main__":
    import math as maths
    side: int = maths.floor(4.5)
    encoder = encoder_of_side = Encoder(side * 8)
    for flag in kinds:
        model = Net(encoder, deep=flag)
    model = Net(model)
"""

CASES = {
    "Net(Encoder(length), classes=3)": (24, 3, False),
    "Net(encoder, classes=classes, deep=deep)": (16, 5, True),
    "Net(encoder, deep = flag)": (32, 10, False),
}


def _written(folder: Path, expression: str, name: str = "written_models.py") -> Written | None:
    book = {"cells": [{"cell_type": "code", "source": FILE}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / name).write_text(FILE if name.endswith(".py") else json.dumps(book))
    return written(load(folder, name), expression)


@pytest.mark.parametrize("expression", CASES)
def test_names_that_only_the_call_knows(tmp_path: Path, expression: str) -> None:
    place = _written(tmp_path, expression)
    assert place is not None
    model = place.made()
    assert (model.encoder.width, model.classes, model.deep) == CASES[expression]


def test_a_local_function_keeps_its_names(tmp_path: Path) -> None:
    place = _written(tmp_path, "Net(encoder, classes=classes, deep=deep)")
    assert place is not None and place.made().encoder.act(2) == 32


@pytest.mark.parametrize("expression", ["Net(model)", "Net(encoder, classes=given)"])
def test_names_that_nothing_gives(tmp_path: Path, expression: str) -> None:
    place = _written(tmp_path, expression)
    assert place is not None
    with pytest.raises(NameError):
        place.made()


@pytest.mark.parametrize("expression", ["Net(3)", "Net(", "Other"])
def test_no_such_call(tmp_path: Path, expression: str) -> None:
    assert _written(tmp_path, expression) is None


def test_a_notebook_is_read_by_its_cells(tmp_path: Path) -> None:
    place = _written(tmp_path, "Net(Encoder(length), classes=3)", "written_models_shown.ipynb")
    assert place is not None and place.made().encoder.width == 24


def test_inputs_are_the_tensors_that_the_model_is_given(tmp_path: Path) -> None:
    place = _written(tmp_path, "Net(Encoder(length), classes=3)")
    assert place is not None
    found = [[(tuple(each.shape), each.dtype) for each in tensors] for tensors in place.inputs()]
    assert found == [
        [((2, 3, 24), torch.float32)],
        [((4, 7), torch.int64), ((4,), torch.float32)],
        [((1, 3, 24), torch.float32)],
    ]
