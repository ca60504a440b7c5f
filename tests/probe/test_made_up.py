"""What the probe makes up where source is silent: arguments, inputs, and a loss that looks at one output of several."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from vglint.probe.building import NeedsArgumentError, build  # noqa: E402
from vglint.probe.faults import _unreached  # noqa: E402
from vglint.probe.feeding import find_inputs, reaching  # noqa: E402
from vglint.probe.loading import load  # noqa: E402
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


class Stages(nn.Module):
    def __init__(self, dim, depth, out_dim):
        super().__init__()
        assert isinstance(depth, tuple), "depth must be a tuple, one number for each stage"
        self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in depth)


class Bought(nn.Module):
    def __init__(self, dim, heads=None, width=None):
        super().__init__()
        assert heads is not None and width is not None, "heads and width must be supplied"
        self.layer = nn.Linear(dim, heads * width)


class Sorted(nn.Module):
    def __init__(self, *, dim, **kwargs):
        super().__init__()
        inner = {name[len("enc_"):]: value for name, value in kwargs.items() if name.startswith("enc_")}
        self.embed = nn.Embedding(inner.pop("num_tokens"), dim)
        self.stages = Stages(dim=dim, depth=(1, 1), **inner)


class Divided(nn.Module):
    def __init__(self, image_size, num_classes, patch=12):
        super().__init__()
        assert image_size % patch == 0, "the image must be divisible by its patches"
        self.layer = nn.Linear(image_size, num_classes)


class Deep(nn.Module):
    def __init__(self, block, layers, num_classes=3):
        super().__init__()
        self.stages = nn.ModuleList(block(8, 8) for count in layers for _ in range(count))


class SmallBlock(nn.Linear):
    pass


class Around(nn.Module):
    def __init__(self, body: Bought):
        super().__init__()
        self.body = body


class Named(nn.Module):
    def __init__(self, stages):
        super().__init__()
        self.body = stages


class Wrapper(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    (tmp_path / "made_up_models.py").write_text(SOURCE)
    sys.modules.pop("made_up_models", None)
    return load(tmp_path, "made_up_models.py")


@pytest.mark.parametrize("name", ["Annotated", "Unannotated", "AsOthers"])
def test_a_configuration_is_built_from_its_defaults(module: ModuleType, name: str) -> None:
    notes: list[str] = []
    model = build(module, name, notes)
    assert model.layer.in_features == 12
    assert "TextConfig()" in notes[0]
    if name == "AsOthers":
        assert model.made == (4, 64)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Stages", "dim=64, depth=(4, 4, 4, 4), out_dim=10"),
        ("Bought", "dim=64, heads=4, width=64"),
        ("Sorted", "dim=64, enc_num_tokens=100, enc_out_dim=10"),
        ("Divided", "image_size=96, num_classes=10"),
        ("Deep", "block=SmallBlock, layers=(2, 2, 2, 2)"),
        ("Around", "body=Bought()"),
        ("Named", "stages=Stages()"),
    ],
)
def test_what_a_constructor_raises_changes_its_arguments(module: ModuleType, name: str, made: str) -> None:
    first, second = [], []
    torch.manual_seed(3)
    model = build(module, name, first)
    torch.manual_seed(3)
    again = build(module, name, second)
    assert first == second == [f"arguments made up: {made}"]
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), again.parameters(), strict=True))


def test_the_first_complaint_is_the_one_that_is_told(module: ModuleType) -> None:
    exec(
        "class Never(nn.Module):\n    def __init__(self, depth):\n        raise ValueError(f'a tuple, not {depth}')",
        vars(module),
    )
    with pytest.raises(ValueError, match="a tuple, not 4"):
        build(module, "Never", [])


def test_a_package_that_misses_something_does_not_keep_a_file_from_being_imported(tmp_path: Path) -> None:
    (tmp_path / "apart" / "inner").mkdir(parents=True)
    (tmp_path / "apart" / "__init__.py").write_text("import package_that_nobody_has\n")
    (tmp_path / "apart" / "inner" / "__init__.py").write_text("from apart.inner import model\n")
    (tmp_path / "apart" / "sizes.py").write_text("WIDTH = 7\n")
    (tmp_path / "apart" / "inner" / "model.py").write_text("from ..sizes import WIDTH\n")
    assert load(tmp_path, "apart/inner/model.py").WIDTH == 7
    (tmp_path / "apart" / "needy.py").write_text("import package_that_nobody_has\n")
    with pytest.raises(ImportError, match="package_that_nobody_has"):
        load(tmp_path, "apart/needy.py")


def test_a_module_of_no_known_kind_is_not_made_up(module: ModuleType) -> None:
    with pytest.raises(NeedsArgumentError, match="net"):
        build(module, "Wrapper", [])


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.out = nn.Embedding(50, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, text: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(text), lengths, batch_first=True, enforce_sorted=False)
        return self.out(self.rnn(packed)[1][-1])


class Optional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(30, 8), nn.Linear(8, 30)

    def forward(self, input_ids=None, inputs_embeds=None):
        return self.out(self.embed(input_ids) if inputs_embeds is None else inputs_embeds)


def test_one_of_several_forms_of_input_is_given() -> None:
    (given,) = find_inputs(Optional(), ())
    assert given.high == 30


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


def test_a_picture_is_likelier_than_one_patch() -> None:
    class Patches(nn.Module):
        def __init__(self, image_size: int = 48) -> None:
            super().__init__()
            self.embed = nn.Linear(3 * 4 * 4, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            patches = x.unfold(2, 4, 4).unfold(3, 4, 4)
            return self.embed(patches.permute(0, 2, 3, 1, 4, 5).flatten(3)).mean((1, 2))

    assert str(find_inputs(Patches(), ())[0]) == "(batch, 3, 48, 48) of N(0, 1)"


def test_a_picture_grows_until_every_layer_has_something_to_read() -> None:
    deep = nn.Sequential(nn.Conv2d(3, 4, 3, stride=64), nn.AvgPool2d(6), nn.Flatten(), nn.Linear(4, 2))
    assert str(find_inputs(deep, ())[0]) == "(batch, 3, 512, 512) of N(0, 1)"


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.rest = nn.Conv2d(3, 8, 16, stride=32), nn.Linear(8, 2)
        self.query, self.key, self.spare = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        scores = self.query(x) @ self.key(x).transpose(1, 2)
        return self.rest((scores.softmax(-1) @ x).mean(1))


def test_a_map_of_one_position_is_not_what_a_model_is_judged_by() -> None:
    small = find_inputs(Attending(), ())
    assert small[0].shape[2:] == (32, 32)
    assert reaching(Attending(), small)[0].shape[2:] == (64, 64)
    assert reaching(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()), small) == small


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


def test_what_attends_to_one_position_is_not_unreached() -> None:
    model = Attending()
    run = train(model, teacher_task(model, find_inputs(model, ()), None), "sgd", 0.1, 4, 0, 10.0, 8)
    assert {"query.weight", "key.weight"} <= set(run.zero_parameters)
    assert not _unreached(run)
