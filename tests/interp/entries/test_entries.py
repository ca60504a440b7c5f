"""With which arguments and inputs an entry is started when nobody gives any."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import vglint.interp
from vglint.graph import Graph
from vglint.interp import entries
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.value import Literal_

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
TWO_INPUTS = """
import torch
from torch import nn


class Joint(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.words = nn.Embedding(20, width)
        self.pixels = nn.Linear(12, width)
        self.out = nn.Linear(2 * width, 3)

    def forward(self, word_ids=None, pixel_values=None, weights=None):
        if word_ids is None:
            raise ValueError("word_ids are needed")
        {guard}
        words = self.words(word_ids).mean(1)
        if weights is not None:
            words = words * weights
        return self.out(torch.cat([words, self.pixels(pixel_values.float())], dim=-1))
"""


def by_name(project: Project, file: Path) -> dict[str, Graph]:
    module = project.module(file)
    assert isinstance(module, Module)
    return {graph.entry: graph for graph in entries(project, module)}


def test_one_of_two_inputs_is_given_where_a_model_wants_either(tmp_path: Path) -> None:
    either = """if word_ids is not None and embeddings is not None:
            raise ValueError("only one")
        elif word_ids is not None:
            found = self.words(word_ids)
        elif embeddings is not None:
            found = embeddings
        else:
            raise ValueError("one of the two")"""
    source = f"""
from torch import nn


class Either(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.words = nn.Embedding(20, width)
        self.out = nn.Linear(width, 3)

    def forward(self, pixels, word_ids=None, embeddings=None):
        {either}
        return self.out(found) + pixels
"""
    file = tmp_path / "either.py"
    file.write_text(source)
    module = Project(tmp_path).module(file)
    assert isinstance(module, Module)
    graph = next(graph for graph in entries(Project(tmp_path), module) if not graph.alternative)
    assert not graph.gaps
    assert [node.op for node in graph.nodes] == ["input", "input", "embedding", "linear", "add"]


@pytest.mark.parametrize("guard", ["if pixel_values is None: raise ValueError('pixel_values are needed')", ""])
def test_inputs_that_a_model_insists_on_are_given(tmp_path: Path, guard: str) -> None:
    file = tmp_path / "joint.py"
    file.write_text(TWO_INPUTS.replace("{guard}", guard))
    graph = by_name(Project(tmp_path), file)["Joint"]
    assert not graph.gaps
    assert [node.config[0][1] for node in graph.nodes if node.op == "input"] == ["word_ids", "pixel_values"]
    assert "mul" not in {node.op for node in graph.nodes}


def test_the_declared_attribute_says_which_configuration_is_meant() -> None:
    graphs = by_name(Project(FIXTURES / "graphs"), FIXTURES / "graphs" / "declared_config.py")
    assert [not graphs[name].gaps for name in ("Pair", "Text", "Net")] == [True, True, True]
    widths = [node.get("in_features") for node in graphs["Pair"].nodes if node.op == "linear"]
    assert widths == [8, 12, 12]
    # The annotation of Text names the pair; what builds it gives it the part.
    assert [node.get("in_features") for node in graphs["Text"].nodes if node.op == "linear"] == [12, 12]


USUAL = """
from dataclasses import dataclass

from torch import nn

ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


@dataclass
class Config:
    hidden: int = 24
    inner: int = 48
    activation: str = "gelu"
    dense: bool = False


class Gated(nn.Module):
    def __init__(self, config, inner=None):
        super().__init__()
        self.up = nn.Linear(config.hidden, inner or config.inner)
        self.act = ACTIVATIONS[config.activation]()
        self.down = nn.Linear(inner or config.inner, config.hidden)

    def forward(self, x):
        return self.down(self.act(self.up(x)))


class Block(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden)
        self.mlp = Gated(config) if config.dense else nn.Linear(config.hidden, config.hidden)

    def forward(self, x):
        return x + self.mlp(self.norm(x))
"""


def test_a_part_gets_the_configuration_that_the_others_are_annotated_with(tmp_path: Path) -> None:
    file = tmp_path / "blocks.py"
    file.write_text(USUAL)
    graph = by_name(Project(tmp_path), file)["Gated"]
    assert not graph.gaps
    assert [node.op for node in graph.nodes] == ["input", "linear", "gelu", "linear"]
    assert [node.get("out_features") for node in graph.nodes if node.op == "linear"] == [48, 24]
    assert built_by(tmp_path, "class Wide:\n    hidden = 36\n", "Wide") == [
        48,
        24,
    ]  # it has no `inner`, nor an activation
    assert built_by(tmp_path, "class Wide(Config):\n    pass\n", "Wide") == []
    assert built_by(tmp_path, "@dataclass\nclass GateConfig(Config):\n    hidden: int = 36\n", "GateConfig") == [48, 36]


def built_by(folder: Path, other: str, name: str) -> list[Literal_]:
    """Returns the widths of a part of blocks whose file has another configuration too; none where they are not known."""
    file = folder / f"with_{name.lower()}_{len(other)}.py"
    user = f"class Other(nn.Module):\n    def __init__(self, config: {name}):\n        super().__init__()\n"
    file.write_text(f"{USUAL}\n\n{other}\n\n{user}")
    graph = by_name(Project(folder), file)["Gated"]
    return [] if graph.gaps else [node.get("out_features") for node in graph.nodes if node.op == "linear"]


def test_names_of_a_package_that_is_not_read_are_not_taken_to_be_equal(tmp_path: Path) -> None:
    source = """
    from torch import nn
    from elsewhere import Kinds

    KINDS = Kinds("plain normed")

    class Net(nn.Module):
        def __init__(self, kind=KINDS.plain):
            super().__init__()
            self.layer = nn.Linear(8, 8)
            self.normed = kind == KINDS.normed

        def forward(self, x):
            x = self.layer(x)
            if self.normed:
                x = x.softmax(-1)
            return x
    """
    file = tmp_path / "net.py"
    file.write_text(textwrap.dedent(source))
    graph = by_name(Project(tmp_path, [file]), file)["Net"]
    assert [gap.why for gap in graph.gaps] == ["branches differ"]


def test_a_decorated_forward_is_given_what_its_own_parameters_name(tmp_path: Path) -> None:
    source = """
    from functools import wraps
    from torch import nn

    def scaled(forward):
        @wraps(forward)
        def wrapper(self, *args, **kwargs):
            kwargs["scale"] = 2.0
            return forward(self, *args, **kwargs)
        return wrapper

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(4, 8), nn.Linear(6, 8)

        @scaled
        def forward(self, left, right, scale=None):
            return scale * (self.left(left) + self.right(right))
    """
    file = tmp_path / "net.py"
    file.write_text(textwrap.dedent(source))
    graph = by_name(Project(tmp_path, [file]), file)["Net"]
    assert [node.get("name") for node in graph.nodes if node.op == "input"] == ["left", "right"]
    assert not graph.gaps


def test_a_forward_that_hands_its_keywords_on_is_given_what_its_base_names(tmp_path: Path) -> None:
    source = """
    from torch import nn

    class Base(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(4, 8), nn.Linear(6, 8)

        def forward(self, left, right, scale=None):
            return self.left(left) + self.right(right)

    class Net(Base):
        def forward(self, **named):
            return super().forward(**named)
    """
    file = tmp_path / "net.py"
    file.write_text(textwrap.dedent(source))
    graph = by_name(Project(tmp_path, [file]), file)["Net"]
    assert [node.get("name") for node in graph.nodes if node.op == "input"] == ["left", "right"]
    assert not graph.gaps


def test_files_that_star_import_each_other_still_find_their_classes(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .base import *\nfrom .net import *\n")
    (folder / "base.py").write_text("from torch import nn\n\n\nclass Base(nn.Module):\n    width = 8\n")
    net = "from models import Base\nfrom torch import nn\n\n\nclass Net(Base):\n    def __init__(self):\n        super().__init__()\n"
    net += "        self.layer = nn.Linear(self.width, 8)\n\n    def forward(self, x):\n        return self.layer(x)\n"
    (folder / "net.py").write_text(net)
    graph = by_name(Project(tmp_path, [folder / "net.py"]), folder / "net.py")["Net"]
    assert [node.op for node in graph.nodes] == ["input", "linear"] and not graph.gaps


@pytest.mark.parametrize("imported", ["from layers import Net", "import layers"])
def test_a_class_of_another_file_is_built_as_it_is_called(tmp_path: Path, imported: str) -> None:
    net = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width, depth):
            super().__init__()
            self.layers = nn.Sequential(*[nn.Linear(width, width) for _ in range(depth)])

        def forward(self, x):
            return self.layers(x)
    """
    (tmp_path / "layers.py").write_text(textwrap.dedent(net))
    name = "Net" if imported.startswith("from") else "layers.Net"
    use = f"import torch\n{imported}\n\nWIDTH = 16\n\n\ndef save(path):\n    torch.save({name}(WIDTH, depth=3), path)\n"
    (tmp_path / "use.py").write_text(use)
    graphs = by_name(Project(tmp_path), tmp_path / "use.py")
    (graph,) = graphs.values()
    assert [node.get("out_features") for node in graph.nodes if node.op == "linear"] == [16, 16, 16]
    assert not graph.gaps


def test_a_class_whose_forward_is_left_to_others_is_no_entry(tmp_path: Path) -> None:
    source = '''
    from torch import nn

    class Base(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def core(self, x):
            """What derives from this says how."""
            raise NotImplementedError

        def forward(self, x):
            return self.core(self.layer(x))

    class Net(Base):
        def core(self, x):
            return x.relu()
    '''
    file = tmp_path / "net.py"
    file.write_text(textwrap.dedent(source))
    graphs = by_name(Project(tmp_path), file)
    assert [node.op for node in graphs["Net"].nodes] == ["input", "linear", "relu"] and list(graphs) == ["Net"]


def test_sizes_that_differ_by_a_factor_are_compared() -> None:
    """A U-Net's skip is as large as what was halved and doubled again, and not as what was only halved."""
    text = (
        "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.first = nn.Conv2d(3, 8, 3, padding=1)\n"
        "        self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)\n"
        "        self.last = nn.Conv2d(16, 1, 1)\n\n"
        "    def forward(self, x):\n"
        "        skip = self.first(x)\n"
        "        x = self.down(skip)\n"
        "        if x.shape[-1] != skip.shape[-1]:\n"
        "            x = F.interpolate(x, scale_factor=2)\n"
        "        if x.size(2) > skip.size(2):\n"
        "            x = F.avg_pool2d(x, 2)\n"
        "        return self.last(torch.cat([x, skip], 1))\n"
    )
    project = Project("/")
    module = project.add("net.py", text)
    assert isinstance(module, Module)
    (graph,) = entries(project, module)
    assert [node.op for node in graph.nodes] == ["input", "conv2d", "conv2d", "interpolate", "cat", "conv2d"]
    assert not graph.gaps


HELPED = """
from torch import nn

{helpers}


class Block(nn.Module):
    def __init__(self, width=8, rate=0.1, size=(3, 5)):
        super().__init__()
        size = to_2tuple(size)
        self.first = nn.Linear(size[0], to_2tuple(width)[1])
        self.mlp = Mlp(width, 2 * width, drop=rate)
        self.skip = DropPath(rate) if rate > 0 else nn.Identity()

    def forward(self, x):
        x = self.first(x)
        return drop_path(x + self.skip(self.mlp(x)), 0.2, self.training)
"""


@pytest.mark.parametrize("package", ["timm.layers", "timm.models.layers"])
def test_what_model_code_takes_from_timm_is_known(tmp_path: Path, package: str) -> None:
    described = Path(vglint.interp.__file__).parent / "torch" / "prelude" / "timm_layers.txt"
    named = f"from {package} import DropPath, Mlp, drop_path, to_2tuple, trunc_normal_"
    graphs = []
    for name, helpers in (("named", named), ("written", described.read_text())):
        file = tmp_path / f"{name}.py"
        file.write_text(HELPED.replace("{helpers}", helpers))
        graphs.append(by_name(Project(tmp_path), file)["Block"])
    assert not graphs[0].gaps
    assert str(graphs[0]) == str(graphs[1])
    assert [node.op for node in graphs[0].nodes].count("bernoulli") == 2


def test_layers_of_an_unknown_library_in_a_container_are_a_gap(tmp_path: Path) -> None:
    """What passes through a child that is not known is not known either: no layer is lost without a word."""
    file = tmp_path / "features.py"
    file.write_text(
        textwrap.dedent(
            """
            from somewhere import backbone
            from torch import nn


            class Features(nn.Module):
                def __init__(self):
                    super().__init__()
                    layers = backbone().features
                    self.early = nn.Sequential()
                    for number in range(3):
                        self.early.add_module(str(number), layers[number])
                    self.late = nn.Conv2d(8, 8, 3)

                def forward(self, x):
                    return self.late(self.early(x))
            """
        )
    )
    graph = by_name(Project(tmp_path), file)["Features"]
    assert graph.gaps and [node.op for node in graph.nodes].count("opaque") >= 1


WRAPPED = """
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x) + x


class Net(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.layers = nn.Sequential(*[Residual(nn.Linear(width, width)) for _ in range(depth)])

    def forward(self, x):
        return self.layers(x)
"""


def test_a_class_that_wraps_a_layer_is_looked_at_with_the_one_that_its_file_gives_it(tmp_path: Path) -> None:
    file = tmp_path / "wrapped.py"
    file.write_text(WRAPPED)
    graphs = by_name(Project(tmp_path), file)
    assert not graphs["Residual"].gaps
    assert [node.op for node in graphs["Residual"].nodes] == ["input", "linear", "add"]
    assert [str(region.count) for region in graphs["Net"].regions] == ["None", "depth"]  # nobody gives its depth


REVERSIBLE = """
import torch
from torch import nn
from torch.autograd.function import Function


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.f = nn.Linear(width, width)
        self.g = nn.Linear(width, width)

    def forward(self, x):
        a, b = x.chunk(2, dim=-1)
        with torch.no_grad():
            c = a + self.f(b)
            d = b + self.g(c)
        return torch.cat([c, d], dim=-1)

    def backward_pass(self, y, dy):
        with torch.{enable}():
            torch.autograd.backward(self.g(y), dy)
        return y, dy


class Run(Function):
    @staticmethod
    def forward(ctx, x, blocks):
        for block in blocks:
            x = block(x)
        ctx.blocks, ctx.y = blocks, x.detach()
        return x

    @staticmethod
    def backward(ctx, dy):
        y = ctx.y
        for block in ctx.blocks[::-1]:
            y, dy = block.backward_pass(y, dy)
        return dy, None


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(8) for _ in range(2)])

    def forward(self, x):
        return Run.apply(x, self.blocks)
"""


@pytest.mark.parametrize(("enable", "followed"), [("enable_grad", True), ("no_grad", False)])
def test_a_function_that_runs_its_layers_again_for_their_gradients_is_followed(
    tmp_path: Path, enable: str, followed: bool
) -> None:
    file = tmp_path / "reversible.py"
    file.write_text(REVERSIBLE.replace("{enable}", enable))
    graph = by_name(Project(tmp_path), file)["Net"]
    assert (not graph.gaps) == followed
    assert [node.op for node in graph.nodes].count("linear") == (4 if followed else 0)
    assert all(region.kind != "no_grad" for region in graph.regions)


WEIGHTED = """
import functools

import torch
from torch import nn


def weighted(loss_function):
    @functools.wraps(loss_function)
    def wrapper(prediction, target, weight=None, reduction="mean", **options):
        loss = loss_function(prediction, target, **options)
        loss = loss.mean() if weight is None else (loss * weight).mean()
        return loss

    return wrapper


@weighted
def distance(prediction, target):
    return (prediction - target).abs()


class Loss(nn.Module):
    def forward(self, prediction, target, weight=None):
        return distance(prediction, target, weight, reduction="mean")
"""


def test_a_decorator_that_goes_on_with_the_result_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "weighted.py"
    file.write_text(WEIGHTED)
    graph = by_name(Project(tmp_path), file)["Loss"]
    assert not graph.gaps
    assert [node.op for node in graph.nodes] == ["input", "input", "sub", "abs", "mean"]


ARMS = """
import torch
from torch import nn
from torchvision.transforms import functional


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.norm, self.out = nn.ConvTranspose2d(8, 4, 2, 2), nn.BatchNorm1d(8), nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x, skip, row):
        if row.dim() == 3:
            row = torch.cat([self.norm(part).unsqueeze(0) for part in row], dim=0)
        else:
            row = self.norm(row)
        x = self.up(x)
        down, side = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        x = functional.pad(x, [side // 2, down // 2, side - side // 2, down - down // 2])
        return self.out(torch.cat([skip, x], dim=1)), row
"""


def test_arms_that_run_the_same_layers_are_one_graph_and_torchvision_pads(tmp_path: Path) -> None:
    file = tmp_path / "arms.py"
    file.write_text(ARMS)
    graph = by_name(Project(tmp_path), file)["Net"]
    assert not graph.gaps
    assert [node.op for node in graph.nodes if node.op != "input"] == [
        "batch_norm",
        "conv_transpose2d",
        "pad",
        "cat",
        "conv2d",
    ]
    file.write_text(ARMS.replace("row = self.norm(row)", "row = self.norm(row).relu()"))
    assert by_name(Project(tmp_path), file)["Net"].world == "when `row` has 2 dimensions"


NONE = [
    (  # keys that serve several heads, or one copy of them for each
        """
class Net(nn.Module):
    def __init__(self, width=8, heads=None):
        super().__init__()
        self.key = nn.Linear(width, width)
        self.groups = heads // 2

    def copies(self, x, count):
        batch, length, width = x.shape
        if count == 1:
            return x
        return x[:, None].expand(batch, count, length, width).reshape(batch, count * length, width)

    def forward(self, x):
        return self.copies(self.key(x), self.groups).softmax(-1)
""",
        "input linear getitem expand reshape join softmax".split(),
    ),
    (  # a number that has to be given
        """
class Net(nn.Module):
    def __init__(self, width=8, heads=None):
        super().__init__()
        self.first = nn.Linear(width, 4 * heads)
        self.last = nn.Linear(4 * heads, width // heads)

    def forward(self, x):
        return self.last(self.first(x))
""",
        ["input", "linear", "linear"],
    ),
    (  # an object that has to be given: its class is annotated
        """
class Settings:
    def __init__(self, width=8, act="relu"):
        self.width, self.act = width, act


class Net(nn.Module):
    def __init__(self, settings: Settings | None = None, later: Settings | None = None):
        super().__init__()
        self.later = later
        self.first = nn.Linear(settings.width, 4)
        self.act = {"relu": nn.ReLU(), "tanh": nn.Tanh()}[settings.act]

    def forward(self, x):
        return self.act(self.first(x))
""",
        ["input", "linear", "relu"],
    ),
    (  # a tensor of which a condition asks the size
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x, points=None):
        size = points.shape[-1]
        if size == 2:
            x = x + points
        elif size == 4:
            x = x + points[..., :2]
        return self.first(x)
""",
        ["input", "input", "getitem", "add", "join", "linear"],
    ),
    (  # a table whose parts are resized and put together again
        """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(1, 17, 8))
        self.first = nn.Linear(8, 8)

    def positions(self, x):
        if x.shape[1] == self.table.shape[1]:
            return self.table
        rest = self.table[:, 1:].reshape(1, 4, 4, 8).permute(0, 3, 1, 2)
        rest = nn.functional.interpolate(rest, size=(x.shape[1] // 4, 4)).flatten(2).transpose(1, 2)
        return torch.cat([self.table[:, 0].unsqueeze(1), rest], dim=1)

    def forward(self, x):
        return self.first(x + self.positions(x))
""",
        "input parameter getitem reshape permute interpolate flatten transpose getitem unsqueeze cat join add linear".split(),
    ),
    (  # a table that is resized for inputs of another size than the module was built for
        """
class Net(nn.Module):
    def __init__(self, size=16):
        super().__init__()
        self.size = size
        self.table = nn.Parameter(torch.randn(1, 8, size))
        self.first = nn.Linear(8, 8)

    def forward(self, x):
        if self.size != x.shape[1]:
            table = nn.functional.interpolate(self.table, size=x.shape[1]).transpose(1, 2)
        else:
            table = self.table.transpose(1, 2)
        return self.first(x + table)
""",
        "input parameter transpose add linear".split(),
    ),
    (  # a layer for inputs of another size is no table: it may run
        """
class Net(nn.Module):
    def __init__(self, size=16):
        super().__init__()
        self.size = size
        self.first = nn.Linear(8, 8)
        self.other = nn.Linear(8, 8)

    def forward(self, points):
        if not points.shape[1] == self.size:
            points = points + self.first(points).sigmoid() - self.first(points)
        else:
            points = points.relu()
        return self.other(points)
""",
        "input linear sigmoid add linear sub relu join linear".split(),
    ),
]


@pytest.mark.parametrize(("source", "ops"), NONE)
def test_what_is_none_by_default_and_cannot_be_is_given(tmp_path: Path, source: str, ops: list[str]) -> None:
    file = tmp_path / "net.py"
    file.write_text(f"import torch\nfrom torch import nn\n\n{source}")
    project = Project(tmp_path)
    module = project.module(file)
    assert isinstance(module, Module)
    graph = next(graph for graph in entries(project, module) if graph.entry == "Net" and not graph.alternative)
    assert {gap.why for gap in graph.gaps} <= {"branches differ"} and (not graph.gaps or "points" in source)
    assert [node.op for node in graph.nodes] == ops


def test_a_package_may_bring_its_names_by_hundreds_of_star_imports(tmp_path: Path) -> None:
    package = tmp_path / "zoo"
    names = [f"part_{number}" for number in range(100)]
    for name in names:
        folder = package / name
        folder.mkdir(parents=True)
        made = f"class {name.title().replace('_', '')}Net(nn.Module):\n    forward = lambda self, x: x.relu()\n"
        (folder / "__init__.py").write_text(f"from torch import nn\n\n\n{made}")
    stars = "".join(f"    from .{name} import *\n" for name in names)
    (package / "__init__.py").write_text(f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n{stars}")
    (tmp_path / "net.py").write_text("""
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        from zoo import Part7Net

        self.part = Part7Net()

    def forward(self, x):
        return self.part(x)
""")
    graph = by_name(Project(tmp_path), tmp_path / "net.py")["Net"]
    assert not graph.gaps and [node.op for node in graph.nodes] == ["input", "relu"]


LISTS = """
from torch import nn


class Neck(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, {features}, sizes: tuple[int, int]):
        height, width = sizes
        out = []
        for number, feature in enumerate(features):
            out.append(self.layers[number](feature).view(-1, height, width))
        return out[0] + out[1] + out[-1]
"""


@pytest.mark.parametrize("features", ["features: list[torch.Tensor]", "features"])
def test_a_list_of_inputs_is_as_long_as_the_layers_that_its_places_index(tmp_path: Path, features: str) -> None:
    (tmp_path / "neck.py").write_text(LISTS.replace("{features}", features))
    graph = by_name(Project(tmp_path), tmp_path / "neck.py")["Neck"]
    assert not graph.gaps
    assert [node.path for node in graph.nodes if node.op == "linear"] == ["layers.0", "layers.1", "layers.2"]
    assert [node.get("name") for node in graph.nodes if node.op == "input"] == [f"features[{n}]" for n in range(3)]


REFUSING = """
from torch import nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
POOLS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


class Sized(nn.Module):
    def __init__(self, width, input_shape=None, input_size=None):
        super().__init__()
        if input_shape is None and input_size is None:
            raise ValueError("one of input_shape and input_size is needed")
        if input_size is None:
            input_size = input_shape[-1] * (input_shape[-2] if len(input_shape) == 4 else 1)
            self.more = nn.Linear(input_size, input_size) if len(input_shape) > 2 else nn.Identity()
        self.layer = nn.Linear(input_size, width)

    def forward(self, x):
        return self.layer(x)


class Volume(nn.Module):
    def __init__(self, channels, dims, act="relu"):
        super().__init__()
        self.layer = CONVOLUTIONS[dims - 1](channels, 8, 3)
        self.pool = POOLS[dims](2)

    def forward(self, x):
        return self.pool(self.layer(x))


class Named(nn.Module):
    def __init__(self, act):
        super().__init__()
        self.act = ACTIVATIONS[act]()

    def forward(self, x):
        return self.act(x)
"""


def test_a_constructor_gets_what_it_refuses_to_be_without_and_a_number_that_picks_from_its_tables(
    tmp_path: Path,
) -> None:
    file = tmp_path / "refusing.py"
    file.write_text(REFUSING)
    graphs = by_name(Project(tmp_path, [file]), file)
    ops = {name: [node.op for node in graph.nodes if node.op != "input"] for name, graph in graphs.items()}
    assert ops["Sized"] == ["linear"]
    assert ops["Volume"] == ["conv2d", "max_pool2d"]
    assert [graphs[name].world for name in ("Sized", "Volume")] == ["", "when `dims` is 2"]
    assert not graphs["Sized"].gaps
    assert not graphs["Volume"].gaps
    assert graphs["Named"].gaps  # which of several activations it is nobody says


COMPARED = """
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, heads=8, size=64):
        super().__init__()
        one = heads == 1 and size == width
        self.layer = nn.Linear(width, width)
        self.out = nn.Identity() if one else nn.Linear(width, width)

    def forward(self, x):
        return self.out(self.layer(x))


class Stack(nn.Module):
    def __init__(self, *, width, heads, classes):
        super().__init__()
        self.attention = Attention(width, heads)
        self.head = nn.Linear(width, classes) if classes > 0 else None

    def forward(self, x):
        x = self.attention(x)
        return x if self.head is None else self.head(x)


class Residual(nn.Module):
    def __init__(self, inner, outer, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inner, outer, 3, stride, 1)
        self.skip = nn.Conv2d(inner, outer, 1, stride) if stride != 1 or inner != outer else nn.Identity()

    def forward(self, x):
        return self.conv(x) + self.skip(x)


class Mode(nn.Module):
    def __init__(self, mode):
        super().__init__()
        self.layer = nn.ReLU() if mode == "relu" else nn.Tanh()

    def forward(self, x):
        return self.layer(x)


class Long(nn.Module):
    def __init__(self, length):
        super().__init__()
        self.length = length
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.shape[1] == self.length else self.layer(x).relu()
"""


def test_numbers_that_nobody_gives_are_taken_to_differ_from_what_they_are_compared_with(tmp_path: Path) -> None:
    file = tmp_path / "compared.py"
    file.write_text(COMPARED)
    graphs = by_name(Project(tmp_path, [file]), file)
    said = {
        "Attention": "",
        "Stack": "when `heads` is not 1 and `classes` is above 0",
        "Residual": "when `inner` is not outer",
        "Mode": "",
        "Long": "",
    }
    assert {name: graphs[name].world for name in said} == said
    assert [name for name in said if graphs[name].gaps] == ["Mode", "Long"]
    assert [node.op for node in graphs["Stack"].nodes] == ["input", "linear", "linear", "linear"]
    assert [node.op for node in graphs["Residual"].nodes] == ["input", "conv2d", "conv2d", "add"]
