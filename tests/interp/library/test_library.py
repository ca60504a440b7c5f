"""Base classes of other libraries do what those libraries do, and functions take what their signatures say."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import entries, extract
from vglint.interp.machine.calls import RefusedError, Signature, library
from vglint.source.project import Project

HEAD = """
import pytorch_lightning as pl
import torch
from torch import nn
from transformers import BertModel, PreTrainedModel


def made(model):
    return model
"""


def graph_of(text: str, expression: str = "made(Net())") -> Graph:
    project = Project(Path.cwd())
    module = project.add("net.py", HEAD + text)
    assert not isinstance(module, Problem)
    return extract(project, module, expression)


LIGHTNING = """
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.base, self.head = nn.Linear(4, 4), nn.Linear(4, 2)
        {setup}

    def forward(self, x):
        return self.head(torch.dropout(torch.relu(self.base(x)), 0.5, self.training))

    {more}
"""


def trained(graph: Graph) -> list[bool]:
    return [param.trainable for param in graph.parameters]


def test_freeze_of_lightning_freezes_and_evaluates() -> None:
    graph = graph_of(LIGHTNING.format(setup="self.freeze()", more=""))
    assert trained(graph) == [False] * 4
    assert next(node for node in graph.nodes if node.op == "dropout").get("train") is False


def test_unfreeze_of_lightning_undoes_it() -> None:
    graph = graph_of(LIGHTNING.format(setup="self.freeze(); self.unfreeze()", more=""))
    assert trained(graph) == [True] * 4


def test_a_freeze_of_the_user_is_followed() -> None:
    more = "def freeze(self):\n        self.base.requires_grad_(False)"
    assert trained(graph_of(LIGHTNING.format(setup="self.freeze()", more=more))) == [False, False, True, True]


def test_a_plain_module_has_no_freeze() -> None:
    text = LIGHTNING.format(setup="self.freeze()", more="").replace("pl.LightningModule", "nn.Module")
    assert trained(graph_of(text)) == [True] * 4


MANUAL = """
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.layer = nn.Linear(4, 2)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(nn.functional.mse_loss(self.layer(batch[0]), batch[1]))
        self.clip_gradients(optimizer, gradient_clip_val=1.0)
        optimizer.step()
"""


def test_manual_optimisation_of_lightning() -> None:
    project = Project(Path.cwd())
    module = project.add("net.py", HEAD + MANUAL)
    assert not isinstance(module, Problem)
    (graph,) = (graph for graph in entries(project, module) if graph.kind == "training")
    acts = [node.op for node in graph.nodes if node.op in ("zero_grad", "backward", "clip_grad_norm", "step")]
    assert acts == ["zero_grad", "backward", "clip_grad_norm", "step"]


TRANSFORMERS = """
class Net(PreTrainedModel):
    def __init__(self, config={{"hidden": 4}}):
        super().__init__(config)
        self.layer = nn.Linear(self.config["hidden"], 2)
        self.post_init()

    def forward(self, x):
        return self.layer(x)

    {more}
"""


def test_post_init_gives_each_module_to_init_weights() -> None:
    more = "def _init_weights(self, module):\n        if isinstance(module, nn.Linear):\n            module.weight.data.normal_(0, 0.02)"
    weight = graph_of(TRANSFORMERS.format(more=more)).parameters[0]
    assert weight.shape == (2, 4) and weight.init.scheme == "normal" and dict(weight.init.args)["std"] == 0.02


def test_post_init_of_a_base_class_may_give_any_weights() -> None:
    assert graph_of(TRANSFORMERS.format(more="")).parameters[0].init.scheme == "unknown"


@pytest.mark.parametrize(
    ("takes", "args", "keywords", "bound"),
    [
        ("a, b=2", [1], {}, {"a": 1, "b": 2}),
        ("a, b=2", [], {"b": 3, "a": 1}, {"a": 1, "b": 3}),
        ("a, b?", [1], {}, {"a": 1}),
        ("a, *rest, key=None", [1, 2, 3], {"key": 4}, {"a": 1, "key": 4}),
        ("a, **others", [1], {"x": 2}, {"a": 1}),
        ("a, b=2", [], {}, "misses 'a'"),
        ("a", [1, 2], {}, "takes 1 positional arguments but 2 were given"),
        ("a", [1], {"a": 2}, "got multiple values for argument 'a'"),
        ("a", [1], {"b": 2}, "got an unexpected keyword argument 'b'"),
        ("*, key", [1], {}, "takes 0 positional arguments but 1 were given"),
    ],
)
def test_arguments_are_bound_by_signature(
    takes: str, args: list[int], keywords: dict[str, int], bound: dict[str, int] | str
) -> None:
    if isinstance(bound, str):
        with pytest.raises(RefusedError, match=bound):
            Signature.of(takes).bind([*args], {**keywords})
    else:
        assert Signature.of(takes).bind([*args], {**keywords}) == bound


def test_a_function_is_entered_once() -> None:
    with pytest.raises(ValueError, match=r"math\.prod is entered twice"):
        library("math.prod")(lambda call: None)


SMALL = """
from fastcore.all import *
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, act=None, reduction="mean"):
        super().__init__()
        self.layer, self.act, self.after, self.reduction = nn.Linear(8, 8), ifnone(act, nn.GELU()), noop, reduction

    def forward(self, x):
        loss = self.after(self.act(self.layer(x)))
        number = F._Reduction.get_enum(self.reduction)
        if number == 1:
            return loss.mean()
        return loss.sum() if number == 2 else loss
"""


@pytest.mark.parametrize(
    ("given", "ops"), [("", "gelu mean"), ("nn.ReLU(), 'sum'", "relu sum"), ("None, 'none'", "gelu")]
)
def test_small_functions_of_libraries_are_known(given: str, ops: str) -> None:
    graph = graph_of(SMALL, f"made(Net({given}))")
    assert not graph.gaps and [node.op for node in graph.nodes] == ["input", "linear", *ops.split()]
