"""What vglint knows of torchvision's models, run under torch, against what torchvision itself was measured to be (`torchvision.toml`).

The descriptions in `vglint/interp/torch/prelude` are Python: executed with torch, they must have the parameters of torchvision's own models,
name for name and size for size, and give the same output for the same weights. torchvision needs not be installed for that.
"""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
import torch

import vglint.interp

DESCRIBED = Path(vglint.interp.__file__).parent / "torch" / "prelude"
MEASURED: dict[str, dict[str, Any]] = tomli.loads(Path(__file__).with_name("torchvision.toml").read_text())


@pytest.fixture(scope="module")
def models() -> Iterator[types.ModuleType]:
    """The description of `torchvision.models` as a module, with that of `torchvision.ops` where it imports from."""
    made = {}
    before = {name: sys.modules.get(name) for name in ("torchvision", "torchvision.ops")}
    sys.modules["torchvision"] = types.ModuleType("torchvision")
    for name in ("ops", "models"):
        made[name] = types.ModuleType(f"torchvision.{name}")
        text = (DESCRIBED / f"torchvision_{name}.txt").read_text()
        exec(compile(text, name, "exec"), made[name].__dict__)
        sys.modules.setdefault(f"torchvision.{name}", made[name])
    yield made["models"]
    sys.modules.pop("torchvision.models", None)
    for name, module in before.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def names(model: torch.nn.Module) -> str:
    """Returns a digest of the names and sizes of a model's parameters and buffers, in their order."""
    rows = [f"{name} {tuple(value.shape)}" for name, value in model.state_dict().items()]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def output(model: torch.nn.Module, size: int) -> list[float]:
    """Returns four numbers of what a model gives in evaluation mode, with weights and an image that follow from names and sizes alone."""
    for name, value in model.state_dict().items():
        if not value.dtype.is_floating_point:
            continue
        wave = torch.sin((torch.arange(value.numel()) % 997).reshape(value.shape) * 0.7 + len(name))
        fan = max(1, value.numel() // value.shape[0])
        value.copy_(1 + 0.1 * wave if value.dim() == 1 else wave * (2.0 / fan) ** 0.5)
    image = torch.sin((torch.arange(3 * size * size) % 991) * 0.013).reshape(1, 3, size, size)
    given = model.eval()(image)[0]
    return [float(each) for each in (given.mean(), given.std(), given[0], given[-1])]


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Models are made without memory, and what fills their weights does nothing: that is most of the time."""
    for name in (
        "kaiming_normal_",
        "kaiming_uniform_",
        "xavier_uniform_",
        "trunc_normal_",
        "normal_",
        "uniform_",
        "zeros_",
        "constant_",
    ):
        monkeypatch.setattr(torch.nn.init, name, lambda tensor, *args, **keywords: tensor)
    with torch.device("meta"), torch.no_grad():
        yield


@pytest.mark.usefixtures("unfilled")
@pytest.mark.parametrize("name", MEASURED)
def test_a_described_model_has_the_parameters_of_torchvision(models: types.ModuleType, name: str) -> None:
    model = getattr(models, name)()
    assert sum(each.numel() for each in model.parameters()) == MEASURED[name]["parameters"]
    assert names(model) == MEASURED[name]["names"]


@pytest.mark.usefixtures("unfilled")
@pytest.mark.parametrize("name", [name for name, each in MEASURED.items() if "output" in each])
def test_a_described_model_gives_what_torchvision_gives(models: types.ModuleType, name: str) -> None:
    model = getattr(models, name)().to_empty(device="cpu")
    with torch.device("cpu"):
        given = output(model, MEASURED[name]["size"])
    assert given == pytest.approx(MEASURED[name]["output"], rel=1e-3, abs=1e-5)
