"""What the probe makes up where source is silent: arguments, inputs, and a loss that looks at one output of several."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from vglint.probe.feeding import find_inputs  # noqa: E402
from vglint.probe.loading import NeedsArgumentError, build  # noqa: E402
from vglint.probe.task import teacher_task  # noqa: E402
from vglint.probe.training import train  # noqa: E402

SOURCE = """
from dataclasses import dataclass
import torch
from torch import nn


@dataclass
class TextConfig:
    width: int = 12


class Annotated(nn.Module):
    def __init__(self, settings: TextConfig):
        super().__init__()
        self.layer = nn.Linear(settings.width, 2)


class Unannotated(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.Linear(config.width, 2)


class AsOthers(nn.Module):
    def __init__(self, settings, enc_depth, dim_in):
        super().__init__()
        self.layer = nn.Linear(settings.width, 2)
        self.made = enc_depth, dim_in


class Wrapper(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
"""


@pytest.fixture
def module() -> ModuleType:
    made = ModuleType("made_up_models")
    sys.modules[made.__name__] = made
    exec(SOURCE, vars(made))
    return made


@pytest.mark.parametrize("name", ["Annotated", "Unannotated", "AsOthers"])
def test_a_configuration_is_built_from_its_defaults(module: ModuleType, name: str) -> None:
    notes: list[str] = []
    model = build(module, name, notes)
    assert model.layer.in_features == 12
    assert "TextConfig()" in notes[0]
    if name == "AsOthers":
        assert model.made == (4, 64)


def test_a_module_is_not_made_up(module: ModuleType) -> None:
    with pytest.raises(NeedsArgumentError, match="net"):
        build(module, "Wrapper", [])


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.out = nn.Embedding(50, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, text: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(text), lengths, batch_first=True, enforce_sorted=False)
        return self.out(self.rnn(packed)[1][-1])


def test_lengths_fit_their_sequences() -> None:
    inputs = find_inputs(Packed(), ())
    assert str(inputs[1]) == "(batch) of integers from 16 to 16"
    task = teacher_task(Packed(), inputs, None)
    assert len(train(Packed(), task, "sgd", 0.1, 4, 0, 10.0, 8).losses) == 4


class Heads(nn.Module):
    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.body, self.head, self.other = nn.Linear(8, 8), nn.Linear(8, 3), nn.Linear(8, 3)
        self.cut = cut

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.body(x).relu()
        other = self.other(x)
        return self.head(x), other.detach() if self.cut else other


@pytest.mark.parametrize(("cut", "silent"), [(False, 0), (True, 2)])
def test_a_head_that_the_made_up_loss_leaves_out_is_not_unreached(cut: bool, silent: int) -> None:
    torch.manual_seed(0)
    model = Heads(cut)
    run = train(model, teacher_task(model, find_inputs(model, ()), None), "sgd", 0.1, 6, 0, 10.0, 16)
    assert run.measures["zero_gradients"] == silent


def test_queries_may_share_their_keys() -> None:
    class Grouped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.out = nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(16, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q = self.q(x).view(*x.shape[:2], 4, 4).transpose(1, 2)
            k = self.k(x).view(*x.shape[:2], 2, 4).transpose(1, 2)
            found = nn.functional.scaled_dot_product_attention(q, k, k, enable_gqa=True)
            return self.out(found.transpose(1, 2).flatten(2)).mean(1)

    model = Grouped()
    task = teacher_task(model, find_inputs(model, ()), None)
    run = train(model, task, "sgd", 0.1, 4, 0, 10.0, 8)
    assert 0 < float(run.measures["attention_entropy"]) <= 1
