"""Inputs that a user fixes by hand, on the command line and in the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given as draw
from hypothesis import strategies

from vglint.cli import cli
from vglint.config import ConfigError, load
from vglint.config.written import settings_toml
from vglint.given import DTYPES, Input, parse_input

MODELS = """
import torch
from torch import nn
from torch.nn import functional as F


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 5, 3, padding=1)

    def forward(self, x, mask=None, *, scale=None):
        h = self.first(x)
        if x.shape[2] % 2 == 1:
            h = torch.sigmoid(self.second(h))
        if mask is not None:
            h = h * mask
        return self.last(h)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(50, 8), nn.Linear(8, 3)

    def forward(self, ids, *others):
        x = self.embed(ids if ids.dtype == torch.int64 else ids.long())
        return self.out(x.mean(1)) + sum(other.mean() for other in others)


def build():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))


def train(loader):
    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path


def vglint(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def ops(*arguments: str) -> tuple[list[str], list[object]]:
    """Returns the ops of a graph that has no gap, and the shapes of its inputs."""
    result = vglint("graph", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["gaps"] == []
    nodes = document["nodes"]
    return [node["op"] for node in nodes if node["op"] != "input"], [
        node["shape"] for node in nodes if node["op"] == "input"
    ]


EVEN = ["conv2d", "conv2d"]
ODD = ["conv2d", "conv2d", "sigmoid", "conv2d"]


def test_sizes_decide_branches(file: Path) -> None:
    assert ops("models.py:Odd", "--input", "8,3,32,32") == (EVEN, [[8, 3, 32, 32]])
    assert ops("models.py:Odd()", "--input", "8,3,33,32") == (ODD, [[8, 3, 33, 32]])
    assert ops("models.py:build", "--input", "8,4")[1] == [[8, 4]]


def test_an_optional_input_that_is_given_is_not_none(file: Path) -> None:
    for mask in ("8,1,32,32,bool", "mask=8,1,32,32:bool"):
        made, shapes = ops("models.py:Odd", "--input", "8,3,32,32", "--input", mask)
        assert made == ["conv2d", "mul", "conv2d"] and shapes == [[8, 3, 32, 32], [8, 1, 32, 32]]
    made, shapes = ops("models.py:Words", "--input", "8,20:long:0..50", "--input", "4", "--input", "5")
    assert "to" not in made and made.count("mean") == 3 and shapes == [[8, 20], [4], [5]]


def test_a_range_of_whole_numbers_has_their_moments(file: Path) -> None:
    document = json.loads(vglint("graph", "models.py:build()", "--input", "16,4:long:0..10", "--format", "json").stdout)
    assert document["nodes"][0]["signal"]["second_moment"] == pytest.approx(sum(x * x for x in range(10)) / 10)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["8,x"], "--input 8,x: there is no dtype 'x'"),
        (["8,flaot32"], "did you mean 'float32'?"),
        (["8,0"], "a size must be at least 1"),
        (["8:long:5..5"], "the range 5..5 holds no number"),
        (["8:float:0..5"], "a range is for whole numbers, not for float32"),
        (["8:0..5:0..5"], "'0..5' is no size, dtype or range"),
        ([""], "'' is no size, dtype or range"),
        (["2x=8"], "'2x' is no name of an argument"),
        (["8", "8", "8", "8"], "forward takes x, mask, scale, and 4 inputs are given"),
        (["msk=8"], "forward has no argument 'msk', did you mean 'mask'?"),
        (["x=8", "x=9"], "the input 'x' is given twice"),
    ],
)
def test_what_is_wrong_is_said(file: Path, inputs: list[str], message: str) -> None:
    result = vglint("graph", "models.py:Odd", *(word for text in inputs for word in ("--input", text)))
    assert result.exit_code == 2 and message in result.output


def configure(file: Path, text: str) -> Path:
    path = file.parent / "vglint.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("model", ["Odd", "O*", "models.py:Odd", "*/models.py:Odd"])
@pytest.mark.parametrize("inputs", ["[[8, 3, 33, 32]]", '{ x = "8,3,33,32" }', "[{ shape = [8, 3, 33, 32] }]"])
def test_a_project_fixes_inputs(file: Path, model: str, inputs: str) -> None:
    configure(file, f'[[inputs]]\nmodel = "{model}"\ninputs = {inputs}\n')
    assert ops("models.py:Odd") == (ODD, [[8, 3, 33, 32]])
    assert ops("models.py:Odd", "--input", "8,3,32,32") == (EVEN, [[8, 3, 32, 32]])
    assert ops("models.py:build")[1] != [[8, 3, 33, 32]]


def test_lint_uses_them_in_models_and_in_training_code(file: Path) -> None:
    assert "not known in train" in vglint("--verbose", "models.py").output
    configure(file, '[[inputs]]\nmodel = "Odd"\ninputs = [[8, 3, 32, 32]]\n')
    told = vglint("--verbose", "models.py").output
    assert "not known in train" not in told and "not known in Odd" not in told and "training loop read" in told


def test_inputs_that_do_not_fit_are_a_gap_of_lint(file: Path) -> None:
    configure(file, '[[inputs]]\nmodel = "Odd"\ninputs = [[1], [1], [1], [1]]\n')
    told = vglint("--verbose", "models.py").output
    assert "not known in Odd: forward takes x, mask, scale, and 4 inputs are given" in told


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ('model = ""\ninputs = []', "inputs[0].model", "names no model"),
        ('model = "A"', "inputs[0]", "lacks the key 'inputs'"),
        ('model = "A"\ninputs = [[8, 0]]', "inputs[0].inputs[0]", "a size must be at least 1"),
        ('model = "A"\ninputs = [[8, "a"]]', "inputs[0].inputs[0][1]", "must be a whole number"),
        ('model = "A"\ninputs = ["8:lnog"]', "inputs[0].inputs[0]", "did you mean 'long'?"),
        ('model = "A"\ninputs = { x = "8:8..2" }', "inputs[0].inputs.x", "holds no number"),
        (
            'model = "A"\ninputs = [{ shape = [8], dtype = "int64", high = 0 }]',
            "inputs[0].inputs[0]",
            "holds no number",
        ),
        ('model = "A"\nshapes = []', "inputs[0].shapes", "there is no such key"),
    ],
)
def test_a_wrong_configuration_names_its_key(file: Path, text: str, key: str, message: str) -> None:
    path = configure(file, f"[[inputs]]\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        load(str(path))
    assert caught.value.key == key and message in caught.value.message


def test_settings_are_written_as_they_are_read(file: Path) -> None:
    path = configure(
        file,
        '[[inputs]]\nmodel = "A"\ninputs = ["x=8,?,4:long:-3..9", "4,bool"]\n[[inputs]]\nmodel = "B"\ninputs = { y = [2, 3] }\n',
    )
    settings = load(str(path))
    assert settings is not None
    path.write_text(settings_toml(settings))
    again = load(str(path))
    assert again is not None and again.inputs == settings.inputs


INPUTS = strategies.builds(
    Input,
    strategies.none() | strategies.sampled_from(["x", "batch.pos", "xs[0]"]),
    strategies.none() | strategies.lists(strategies.none() | strategies.integers(1, 999), max_size=4).map(tuple),
    strategies.none() | strategies.sampled_from(sorted(set(DTYPES.values()))),
).filter(lambda one: one.shape is not None or one.dtype is not None)


@draw(INPUTS)
def test_an_input_reads_as_it_prints(one: Input) -> None:
    assert parse_input(str(one)) == one


@draw(strategies.text(max_size=20))
def test_any_text_is_an_input_or_an_error(text: str) -> None:
    try:
        parse_input(text)
    except ValueError as error:
        assert str(error)
