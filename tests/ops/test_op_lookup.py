"""Every spelling leads to the one op."""

from __future__ import annotations

import pytest

from vglint import ops
from vglint.ops.entry import Entry
from vglint.ops.shapes import same
from vglint.ops.spec import Call, Tensor
from vglint.ops.table import collected
from vglint.value import Expr


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("torch.nn.ReLU", "relu"),
        ("torch.nn.functional.relu", "relu"),
        ("torch.relu_", "relu"),
        ("torch.nn.modules.linear.Linear", "linear"),
        ("torch.nn.modules.Linear", "linear"),
        ("torch.functional.einsum", "einsum"),
        ("torch._C._nn.gelu", "gelu"),
        ("torch._C._VariableFunctions.cat", "cat"),
        ("torch._C._special.special_expit", "sigmoid"),
        ("torch._C._linalg.linalg_svd", "svd"),
        ("torch._C._fft.fft_rfft", "rfft"),
        ("torch.special.expit", "sigmoid"),
        ("torch.optim.Adam", "optimizer"),
        ("torch.optim.adamw.AdamW", "optimizer"),
        ("torch.optim.lr_scheduler.StepLR", "scheduler"),
        ("torch.nn.utils.clip_grad.clip_grad_norm_", "clip_grad_norm"),
        ("torch.amp.grad_scaler.GradScaler", "grad_scaler"),
        ("torch.nn.functional.hardtanh_", "hardtanh"),
    ],
)
def test_find(name, op):
    assert ops.find(name).op == op


@pytest.mark.parametrize(
    "name", ["torch.nn.Module", "torch.nn.Sequential", "relu", "numpy.exp", "torch", "torch.nn.modules.nothing.At", ""]
)
def test_what_is_no_op(name):
    assert ops.find(name) is None
    assert ops.canonical(name) == name


def test_methods_and_attributes():
    assert ops.method("add_").inplace and ops.method("add_").op == "add"
    assert not ops.method("add").inplace
    assert ops.method("T") is None and ops.attribute("T").op == "t"
    assert ops.method("__matmul__").op == "matmul" and not ops.method("__matmul__").inplace
    assert ops.attribute("data").op == "detach"


def test_operators():
    assert [ops.operator(symbol) for symbol in ("+", "-", "*", "/", "//", "@", "**", ">", "!=", "&")] == [
        "add", "sub", "mul", "div", "floor_divide", "matmul", "pow", "gt", "ne", "bitwise_and",
    ]  # fmt: skip
    assert ops.operator("-", unary=True) == "neg" and ops.operator("~", unary=True) == "bitwise_not"
    assert ops.operator("and") is None


def test_fixed_values_reach_the_config():
    assert ops.canonical_config(ops.find("torch.nn.Softmax2d"), {}) == {"dim": -3}
    assert ops.canonical_config(ops.method("long"), {})["dtype"] == "torch.int64"


@pytest.mark.parametrize(
    ("op", "call", "refined"),
    [
        ("max", Call({}, [(2,), (2,)], ["self", "dim"]), "maximum"),
        ("min", Call({}, [(2,), (2,)], ["input", "other"]), "minimum"),
        ("max", Call({"dim": 1}, [(2, 3)], ["self"]), "max"),
        ("to", Call({"device": "torch.long", "dtype": None}, [(2,)], ["self"]), "to_integer"),
        ("to", Call({"device": "cuda", "dtype": "torch.float16"}, [(2,)], ["self"]), "to"),
        ("where", Call({"input": None, "other": None}, [(2,)], ["condition"]), "nonzero"),
        ("where", Call({"other": 0.0}, [(2,), (2,)], ["condition", "input"]), "where"),
    ],
)
def test_refined(op, call, refined):
    assert ops.refined(op, call) == refined


def test_duplicates_are_an_error():
    entry = Entry("relu", "activation", "", same, "torch.relu(%input)")
    with pytest.raises(ValueError, match="op relu has two entries"):
        collected([entry, entry])
    with pytest.raises(ValueError, match=r"torch\.relu is spelled by both relu and other"):
        collected([entry, Entry("other", "activation", "", same, "torch.relu(%input)")])


H, W, D, HEADS = (Expr.symbol(name) for name in ("H", "W", "D", "h"))


@pytest.mark.parametrize(
    ("op", "call", "shape"),
    [
        (
            "conv2d",
            Call({"out_channels": 8, "kernel_size": 3, "padding": 1}, [(None, 3, H, W)], ["input"]),
            "(?, 8, H, W)",
        ),
        (
            "conv2d",
            Call({"out_channels": 8, "kernel_size": 3, "padding": 1, "stride": 2}, [(None, 3, H, W)], ["input"]),
            "(?, 8, H//2, W//2)",
        ),
        (
            "conv2d",
            Call({"out_channels": D, "kernel_size": 16, "stride": 16}, [(None, 3, 224, 224)], ["input"]),
            "(?, D, 14, 14)",
        ),
        ("max_pool2d", Call({"kernel_size": 2}, [(None, 3, H, W)], ["input"]), "(?, 3, H//2, W//2)"),
        ("view", Call({"size": (None, 5, HEADS, -1)}, [(None, 5, D)], ["self"]), "(?, 5, h, D//h)"),
        ("view", Call({"size": (-1, D)}, [(None, 5, D)], ["self"]), "(?, D)"),
        ("flatten", Call({"start_dim": 2, "end_dim": -1}, [(None, D, 4, 6)], ["input"]), "(?, D, 24)"),
        ("cat", Call({"dim": 1}, [(None, D, 4), (None, 3, 4)], ["tensors"] * 2), "(?, D + 3, 4)"),
        ("getitem", Call({"index": (("slice", None, None, None), 0)}, [(None, 5, D)], ["self"]), "(?, D)"),
        ("getitem", Call({"index": ("...", ("slice", None, D, None))}, [(None, 5, None)], ["self"]), "(?, 5, D)"),
        ("matmul", Call({}, [(None, HEADS, 5, D), (None, HEADS, D, 5)], ["input", "other"]), "(?, h, 5, 5)"),
        (
            "rearrange",
            Call({"pattern": "b n (h d) -> b h n d", "h": HEADS}, [(None, 5, D)], ["tensor"]),
            "(?, h, 5, D//h)",
        ),
        (
            "rearrange",
            Call({"pattern": "b c (h p) (w q) -> b (h w) (p q c)", "p": 4, "q": 4}, [(2, 3, 8, 8)], ["tensor"]),
            "(2, 4, 48)",
        ),
        ("rearrange", Call({"pattern": "... c -> c ..."}, [(2, 3, 8)], ["tensor"]), "(8, 2, 3)"),
        ("rearrange", Call({"pattern": "b (... c) -> b 1 c ()", "c": 3}, [(2, 6)], ["tensor"]), "?"),
        (
            "einops_reduce",
            Call({"pattern": "b c h w -> b c 1 1", "reduction": "mean"}, [(2, 3, 8, 8)], ["tensor"]),
            "(2, 3, 1, 1)",
        ),
        ("einops_repeat", Call({"pattern": "1 d -> b 1 d", "b": 7}, [(1, D)], ["tensor"]), "(7, 1, D)"),
        ("add", Call({}, [(None, 1, D), (4, 5, D)], ["input", "other"]), "(4, 5, D)"),
        ("unflatten", Call({"dim": 0, "sizes": (None, -1)}, [(None, D)], ["input"]), "(?, ?, D)"),
    ],
)
def test_symbolic_shapes(op, call, shape):
    from vglint.shape import shape_text

    predicted = ops.result(op, call)
    assert isinstance(predicted, Tensor)
    assert shape_text(predicted.shape) == shape


def test_split_of_a_fused_projection():
    """`q, k, v = qkv.chunk(3, dim=-1)` and `.split(D, dim=2)` of 3·D."""
    wide = (None, 5, Expr((((("D", 1),), 3),)))
    assert [part.shape for part in ops.result("chunk", Call({"chunks": 3, "dim": -1}, [wide], ["input"]))] == [
        (None, 5, D)
    ] * 3
    assert [part.shape for part in ops.result("split", Call({"split_size": D, "dim": 2}, [wide], ["self"]))] == [
        (None, 5, D)
    ] * 3
