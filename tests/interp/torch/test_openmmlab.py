"""What vglint knows of OpenMMLab's layers, run under torch, against what these layers themselves were measured to be (`openmmlab.toml`).

The description in `vglint/interp/torch/prelude` is Python: executed with torch, it must make layers with the parameters of mmcv's own, name for name and
size for size, which start as they do and give the same output for the same weights. Neither mmcv nor mmengine needs to be installed for that.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import tomli
import torch

import vglint.interp
from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import entries
from vglint.source.project import Project

DESCRIBED = Path(vglint.interp.__file__).parent / "torch" / "prelude" / "openmmlab.txt"
MEASURED: dict[str, dict[str, Any]] = tomli.loads(Path(__file__).with_name("openmmlab.toml").read_text())


def measured(
    names: Mapping[str, Any], make: str, size: Sequence[int]
) -> tuple[list[str], list[float], bool, list[float]]:
    """Returns a layer's state, the spread that its parameters start with, whether all are trained, and four numbers of its output."""
    torch.manual_seed(0)
    layer = eval(make, dict(names))
    state = layer.state_dict()
    spread = [float(value.detach().float().std(correction=0)) for value in layer.parameters()]
    trained = all(value.requires_grad for value in layer.parameters())
    with torch.no_grad():
        for name, value in state.items():
            if value.dtype.is_floating_point:
                wave = torch.sin(torch.arange(value.numel()).reshape(value.shape) * 0.7 + len(name))
                value.copy_(1 + 0.1 * wave if value.dim() < 2 else 0.5 * wave)
        given = torch.sin(torch.arange(torch.Size(size).numel()) * 0.37).reshape(*size)
        for part in layer.eval() if make.endswith(".layers") else [layer.eval()]:
            given = part(given)
    flat = given.flatten()
    output = [float(each) for each in (flat.mean(), flat.std(), flat[0], flat[-1])]
    return [f"{name} {'x'.join(map(str, value.shape))}" for name, value in state.items()], spread, trained, output


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description as a module."""
    config = types.ModuleType("mmengine.config")
    config.__dict__["ConfigDict"] = dict
    patched = {"mmengine": types.ModuleType("mmengine"), "mmengine.config": config}
    before = {name: sys.modules.get(name) for name in patched}
    sys.modules.update(patched)
    made: dict[str, Any] = {"__name__": "openmmlab"}
    exec(compile(DESCRIBED.read_text(), "openmmlab", "exec"), made)
    for name, module in before.items():
        if module is None:
            del sys.modules[name]
        else:
            sys.modules[name] = module
    return made


@pytest.mark.parametrize("name", MEASURED)
def test_a_described_layer_is_that_of_the_library(described: dict[str, Any], name: str) -> None:
    case = MEASURED[name]
    state, spread, trained, output = measured(described, case["make"], case["size"])
    assert state == case["state"]
    assert spread == pytest.approx(case["spread"], abs=0.002)
    assert trained == case["trained"]
    assert output == pytest.approx(case["output"], rel=1e-3, abs=1e-5)


PROGRAM = {
    "registry.py": """
from mmengine.registry import MODELS as ROOT, Registry

MODELS = Registry("model", parent=ROOT, locations=["layers"])
""",
    "layers.py": """
from torch import nn
from mmcv.cnn import ConvModule, build_activation_layer, build_conv_layer, build_norm_layer
from mmengine.model import BaseModule
from registry import MODELS


@MODELS.register_module()
class Block(BaseModule):
    def __init__(self, width, norm_cfg=dict(type="BN", requires_grad=True), init_cfg=None):
        super().__init__(init_cfg)
        self.norm1_name, norm1 = build_norm_layer(norm_cfg, width, postfix=1)
        self.conv1 = build_conv_layer(None, width, width, 3, padding=1, bias=False)
        self.add_module(self.norm1_name, norm1)
        self.relu = build_activation_layer(dict(type="ReLU"))

    @property
    def norm1(self):
        return getattr(self, self.norm1_name)

    def forward(self, x):
        return x + self.relu(self.norm1(self.conv1(x)))


@MODELS.register_module(name="head")
class Head(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))
""",
    "net.py": """
import layers
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule, ModuleList, Sequential
from registry import MODELS


class Net(BaseModule):
    def __init__(self, block=dict(type="Block", width=16), head=dict(type="head"), norm_cfg=dict(type="GN", num_groups=4)):
        super().__init__()
        self.stem = ConvModule(3, 16, 3, padding=1, norm_cfg=norm_cfg, act_cfg=dict(type="LeakyReLU"))
        self.blocks = ModuleList([MODELS.build(block) for _ in range(2)])
        self.last = Sequential(ConvModule(16, 16, 1), MODELS.build(dict(type="Swish")))
        self.head = MODELS.build(head, default_args=dict(width=16, classes=5))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))
""",
}
READ = """
stem.conv conv2d 16x3x3x3
stem.gn group_norm 16
stem.activate leaky_relu
blocks.0.conv1 conv2d 16x16x3x3
blocks.0.bn1 batch_norm 16
blocks.0.relu relu
blocks.0 add
blocks.1.conv1 conv2d 16x16x3x3
blocks.1.bn1 batch_norm 16
blocks.1.relu relu
blocks.1 add
last.0.conv conv2d 16x16x1x1
last.0.activate relu
last.1 sigmoid
last.1 mul
head mean
head.fc linear 5x16
"""


def read(folder: Path, files: Mapping[str, str], file: str, entry: str) -> Graph:
    for name, text in files.items():
        (folder / name).write_text(text)
    project = Project(folder)
    module = project.module(folder / file)
    assert not isinstance(module, Problem)
    return next(graph for graph in entries(project, module) if graph.entry == entry)


def test_a_registry_leads_to_the_classes_of_the_program(tmp_path: Path) -> None:
    graph = read(tmp_path, PROGRAM, "net.py", "Net")
    assert not graph.gaps
    rows = []
    for node in graph.nodes:
        shape = graph.parameters[node.params[0][1]].shape if node.params else None
        size = "" if shape is None else " " + "x".join(map(str, shape))
        if node.path:
            rows.append(f"{node.path} {node.op}{size}")
    assert rows == READ.split("\n")[1:-1]
    assert {each.init.scheme for each in graph.parameters if each.path == "stem.conv.weight"} == {"kaiming_normal"}


def test_what_a_program_writes_stands_in_its_own_lines(tmp_path: Path) -> None:
    """Nodes, gaps and initialisers have places in the program: of its own classes where those are built by name, of the call elsewhere."""
    graph = read(tmp_path, PROGRAM, "net.py", "Net")
    places = {node.path: (Path(node.span.file).name, node.span.line) for node in graph.nodes if node.span is not None}
    assert places["stem.conv"][0] == "net.py"
    assert places["blocks.0.relu"][0] == places["head.fc"][0] == "layers.py"
    spans = [each.init.span for each in graph.parameters if each.init.span is not None]
    assert spans
    assert {Path(each.file).name for each in spans} == {"net.py"}


def test_what_is_not_given_is_a_gap_where_it_is_asked(tmp_path: Path) -> None:
    files = {
        "one.py": "from mmcv.cnn import build_conv_layer, ConvModule\nfrom torch import nn\n\n\nclass One(nn.Module):\n    def __init__(self, cfg):\n        super().__init__()\n        self.conv = build_conv_layer(cfg, 3, 4, 3)\n\n    def forward(self, x):\n        return self.conv(x)\n"
    }
    graph = read(tmp_path, files, "one.py", "One")
    assert graph.gaps
    assert all(gap.span is None or Path(gap.span.file).name == "one.py" for gap in graph.gaps)


def test_a_subclass_of_a_container_that_calls_its_constructor_by_name_has_its_layers(tmp_path: Path) -> None:
    text = """
from torch import nn


class Base(nn.Module):
    def __init__(self, options=None):
        super().__init__()
        self.options = options


class Stack(Base, nn.Sequential):
    def __init__(self, *layers, options=None):
        Base.__init__(self, options)
        nn.Sequential.__init__(self, *layers)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = Stack(nn.Linear(3, 4), nn.ReLU())

    def forward(self, x):
        return self.body(x)
"""
    graph = read(tmp_path, {"stack.py": text}, "stack.py", "Net")
    assert [node.op for node in graph.nodes] == ["input", "linear", "relu"]


STARTED = """
from mmcv.cnn import ConvModule, Linear
from mmengine.model import BaseModule, Sequential
from torch import nn


class Said(BaseModule):
    def __init__(self, init_cfg=[dict(type="Kaiming", layer="Linear"), dict(type="Normal", std=0.01, layer=[], override=dict(name="last"))]):
        super().__init__(init_cfg)
        self.body = Sequential(Linear(8, 8), nn.ReLU())
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.body(x))


class Written(BaseModule):
    def __init__(self):
        super().__init__()
        self.body = ConvModule(3, 8, 3)
        self.last = nn.Linear(8, 3)

    def init_weights(self):
        super().init_weights()
        nn.init.normal_(self.last.weight, std=0.02)

    def forward(self, x):
        return self.last(self.body(x).mean((2, 3)))


class Loaded(Written):
    def __init__(self):
        super().__init__()
        self.init_cfg = dict(type="Pretrained", checkpoint="weights.pth")


class Elsewhere(Written):
    def init_weights(self):
        from somewhere import fill

        for each in fill(self):
            nn.init.zeros_(each.weight)
"""


@pytest.mark.parametrize(
    ("entry", "body", "last"),
    [
        ("Said", "kaiming_normal(a=0, mode='fan_out', nonlinearity='relu')", "normal(mean=0, std=0.01)"),
        ("Written", "kaiming_normal(a=0, mode='fan_out', nonlinearity='relu')", "normal(mean=0, std=0.02)"),
        ("Loaded", "unknown", "normal(mean=0, std=0.02)"),
        ("Elsewhere", "unknown", "unknown"),
    ],
)
def test_a_class_starts_as_the_librarys_trainer_starts_it(tmp_path: Path, entry: str, body: str, last: str) -> None:
    """The runner calls `init_weights`; what that does and is not followed leaves weights of which nothing is known, and no gap."""
    graph = read(tmp_path, {"started.py": STARTED}, "started.py", entry)
    assert not graph.gaps
    inits = {each.path: str(each.init) for each in graph.parameters}
    assert inits["body.0.weight" if entry == "Said" else "body.conv.weight"] == body
    assert inits["last.weight"] == last
