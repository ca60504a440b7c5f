"""A module's parameters, default init and config are those of the real module."""

from __future__ import annotations

import math

import pytest
import torch
from op_calls import read
from op_samples import SAMPLES
from torch import nn

from vglint import ops
from vglint.graph import Init

MADE = [text for text in SAMPLES if text.startswith("nn.") and "Lazy" not in text]

WIDE = """
nn.Linear(200, 300)
nn.Bilinear(30, 40, 50)
nn.Conv1d(20, 60, 5)
nn.Conv2d(32, 64, 3, groups=4)
nn.Conv3d(8, 16, 3)
nn.ConvTranspose1d(20, 60, 5)
nn.ConvTranspose2d(32, 64, 3, groups=2)
nn.ConvTranspose3d(8, 16, 3)
nn.Embedding(300, 50)
nn.EmbeddingBag(300, 50)
nn.PReLU(7, init=0.1)
nn.BatchNorm2d(300)
nn.LayerNorm(300)
nn.RMSNorm(300)
nn.GroupNorm(3, 300)
nn.RNN(60, 90, 2, bidirectional=True)
nn.LSTM(60, 90, 2, proj_size=50)
nn.GRU(60, 90)
nn.RNNCell(60, 90)
nn.LSTMCell(60, 90)
nn.GRUCell(60, 90)
nn.MultiheadAttention(64, 4)
nn.MultiheadAttention(64, 4, kdim=40, vdim=50, add_bias_kv=True)
nn.TransformerEncoderLayer(64, 4, 128)
nn.TransformerDecoderLayer(64, 4, 128)
nn.Transformer(64, 4, 1, 1, 128)
nn.AdaptiveLogSoftmaxWithLoss(64, 400, (50, 150))
""".strip().splitlines()


def specs(spelling, constructed):
    rule = ops.OPS[spelling.op].params
    return rule(constructed) if rule is not None else ()


@pytest.mark.parametrize("text", MADE)
def test_parameters_are_torchs(text):
    sample = read(text)
    if sample.op in ("transformer_encoder", "transformer_decoder"):
        pytest.skip("made of copies of the module given, which the interpreter knows")
    ours = specs(sample.spelling, sample.constructed)
    named = [(spec.name, tuple(spec.shape)) for spec in ours if not spec.buffer]
    assert named == [(name, tuple(value.shape)) for name, value in sample.module.named_parameters()]
    if "MultiLabel" in text or sample.op.endswith(("loss", "entropy", "logits", "kl_div")):
        return
    buffers = [(spec.name, tuple(spec.shape)) for spec in ours if spec.buffer]
    assert buffers == [(name, tuple(value.shape)) for name, value in sample.module.named_buffers()]


@pytest.mark.parametrize("text", WIDE)
def test_default_init_is_torchs(text):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = eval(text, {"nn": nn})
    name, _, arguments = text.partition("(")
    positional, named = eval(f"(lambda *a, **k: (a, k))({arguments}")
    spelling = ops.find(f"torch.{name}")
    constructed = ops.canonical_config(spelling, ops.bind(spelling.args, positional, named))
    ours = {spec.name: spec for spec in specs(spelling, constructed)}
    assert ours
    for path, value in module.named_parameters():
        mean, std = moments(ours[path].init, tuple(value.shape), fan_out_first="Transpose" not in text)
        allowed = 5 / math.sqrt(value.numel()) * std
        assert abs(value.mean().item() - mean) <= allowed + 1e-7, path
        assert value.std(unbiased=False).item() == pytest.approx(std, abs=allowed + 1e-7), path
        if ours[path].init.scheme.endswith("uniform"):
            assert (value - mean).abs().max().item() <= math.sqrt(3) * std * 1.0001, path


def moments(init: Init, shape: tuple[int, ...], *, fan_out_first: bool) -> tuple[float, float]:
    """Mean and standard deviation of torch's initialiser, from its documented formula."""
    args = dict(init.args)
    receptive = math.prod(shape[2:])
    fan_in, fan_out = (shape[1] * receptive, shape[0] * receptive) if len(shape) > 1 else (0, 0)
    match init.scheme:
        case "ones":
            return 1.0, 0.0
        case "zeros":
            return 0.0, 0.0
        case "constant":
            return args["val"], 0.0
        case "normal":
            return args["mean"], args["std"]
        case "uniform":
            return (args["a"] + args["b"]) / 2, (args["b"] - args["a"]) / math.sqrt(12)
        case "kaiming_uniform":
            assert args["mode"] == "fan_in" and args["nonlinearity"] == "leaky_relu"
            return 0.0, math.sqrt(2 / (1 + args["a"] ** 2)) / math.sqrt(fan_in)
        case "xavier_uniform" | "xavier_normal":
            return 0.0, args["gain"] * math.sqrt(2 / (fan_in + fan_out))
    raise AssertionError(init.scheme)


SHOWN_OTHERWISE = {"bias", "activation", "distance_function", "weight", "pos_weight", "init", "cutoffs"}
"""Arguments that the module shows as something else: a parameter, a function, a longer list."""


@pytest.mark.parametrize("text", MADE)
def test_config_is_what_the_module_shows(text):
    sample = read(text)
    for name, value in sample.constructed.items():
        if name in SHOWN_OTHERWISE or not hasattr(sample.module, name):
            continue
        shown = getattr(sample.module, name)
        if isinstance(shown, (torch.Tensor, nn.Module)):
            continue
        shown = tuple(shown) if isinstance(shown, (list, torch.Size)) else shown
        assert value == shown and isinstance(value, tuple) == isinstance(shown, tuple), (
            f"{name}: {value!r} is {shown!r} in torch"
        )


def test_init_bounds_are_unknown_where_the_fan_is():
    spelling = ops.find("torch.nn.LazyLinear")
    (weight, bias) = ops.OPS["linear"].params(ops.bind(spelling.args, (5,), {}))
    assert weight.shape == (5, None)
    assert str(bias.init).startswith("uniform(a=?(")
