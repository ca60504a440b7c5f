"""Layers whose weights multiply: linear, bilinear, convolution, embedding."""

from __future__ import annotations

import math
from collections.abc import Callable

from vglint import origin
from vglint.graph import Init
from vglint.ops.entry import Config, ConfigRule, Entry
from vglint.ops.shapes import (
    add,
    broadcast,
    divide,
    first,
    flag,
    floor_divide,
    given,
    integer,
    multiply,
    spread,
    tensor,
)
from vglint.ops.spec import Call, ParamSpec, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Literal_, Unknown


def kaiming(fan_in: Dim, weight: Shape, bias: Shape | None) -> tuple[ParamSpec, ...]:
    """Weight kaiming_uniform(a=√5), bias uniform within 1/√fan_in: what Linear and the convolutions do."""
    args: tuple[tuple[str, Literal_], ...] = (("a", math.sqrt(5)), ("mode", "fan_in"), ("nonlinearity", "leaky_relu"))
    own = (ParamSpec("weight", weight, Init("kaiming_uniform", args)),)
    return own if bias is None else (*own, ParamSpec("bias", bias, within(fan_in)))


def within(fan: Dim) -> Init:
    """uniform(-1/√fan, 1/√fan)."""
    if isinstance(fan, int):
        bound = 1 / math.sqrt(fan) if fan > 0 else 0.0
        return Init("uniform", (("a", -bound), ("b", bound)))
    text = "1/sqrt(?)" if fan is None else f"1/sqrt({fan})"
    return Init("uniform", (("a", Unknown(origin.Computed(f"-{text}"))), ("b", Unknown(origin.Argument(text)))))


def linear_result(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    weight = tensor(call, "weight")
    if "out_features" in call.config:
        return Tensor((*shape[:-1], integer(call.config["out_features"])))
    if weight is None:
        return Tensor((*shape[:-1], None))
    return Tensor(shape[:-1] if len(weight) == 1 else (*shape[:-1], weight[0]))


def linear_params(config: Config) -> tuple[ParamSpec, ...]:
    inside, outside = integer(config.get("in_features")), integer(config["out_features"])
    return kaiming(inside, (outside, inside), (outside,) if has_bias(config) else None)


def has_bias(config: Config) -> bool:
    """Whether a layer has a bias; an unknown `bias` is taken to be the default, True."""
    bias = config.get("bias", True)
    return isinstance(bias, Unknown) or flag(bias)


def bilinear_result(call: Call) -> Result:
    left, right = call.inputs[0], call.inputs[1]
    if left is None or right is None:
        return Tensor()
    weight = tensor(call, "weight")
    outside = integer(call.config["out_features"]) if "out_features" in call.config else weight[0] if weight else None
    lead = broadcast((left[:-1], right[:-1]))
    return Tensor() if lead is None else Tensor((*lead, outside))


def bilinear_params(config: Config) -> tuple[ParamSpec, ...]:
    left, right, outside = (integer(config[name]) for name in ("in1_features", "in2_features", "out_features"))
    own = ParamSpec("weight", (outside, left, right), within(left))
    return (own, ParamSpec("bias", (outside,), within(left))) if has_bias(config) else (own,)


def conv_result(rank: int) -> Callable[[Call], Result]:
    """L_out = floor((L + 2 padding - dilation (kernel - 1) - 1) / stride) + 1 in each of `rank` dimensions."""

    def rule(call: Call) -> Result:
        shape, config = first(call), call.config
        weight = tensor(call, "weight")
        if shape is None:
            return Tensor()
        outside = integer(config["out_channels"]) if "out_channels" in config else weight[0] if weight else None
        kernel = (
            spread(config["kernel_size"], rank) if "kernel_size" in config else weight[2:] if weight else (None,) * rank
        )
        stride, dilation = spread(config.get("stride", 1), rank), spread(config.get("dilation", 1), rank)
        padding = config.get("padding", 0)
        spatial = shape[len(shape) - rank :]
        if padding == "same":
            out = spatial
        else:
            sides = (0,) * rank if padding == "valid" else spread(padding, rank)
            out = tuple(map(conv_length, spatial, kernel, stride, sides, dilation))
        return Tensor((*shape[: len(shape) - rank - 1], outside, *out))

    return rule


def conv_length(length: Dim, kernel: Dim, stride: Dim, padding: Dim, dilation: Dim) -> Dim:
    """Returns one dimension of a convolution's output."""
    reach = multiply((dilation, add(kernel, -1)))
    room = add(length, multiply((2, padding)), multiply((-1, reach)), -1)
    if not isinstance(stride, int):
        return None
    return add(floor_divide(room, stride), 1)


def transposed_result(rank: int) -> Callable[[Call], Result]:
    """L_out = (L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1."""

    def rule(call: Call) -> Result:
        shape, config = first(call), call.config
        weight = tensor(call, "weight")
        if shape is None:
            return Tensor()
        if "out_channels" in config:
            outside = integer(config["out_channels"])
        else:
            outside = multiply((weight[1], integer(config.get("groups", 1)))) if weight else None
        kernel = (
            spread(config["kernel_size"], rank) if "kernel_size" in config else weight[2:] if weight else (None,) * rank
        )
        numbers = [spread(config.get(name, default), rank) for name, default in _TRANSPOSED]
        lead = (*shape[: len(shape) - rank - 1], outside)
        if config.get("output_size") is not None:
            return Tensor((*lead, *spread(config["output_size"], rank)))
        spatial = shape[len(shape) - rank :]
        return Tensor((*lead, *map(transposed_length, spatial, kernel, *numbers)))

    return rule


_TRANSPOSED = (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1))


def transposed_length(length: Dim, kernel: Dim, stride: Dim, padding: Dim, extra: Dim, dilation: Dim) -> Dim:
    """Returns one dimension of a transposed convolution's output."""
    reach = multiply((dilation, add(kernel, -1)))
    return add(multiply((add(length, -1), stride)), multiply((-2, padding)), reach, extra, 1)


def conv_params(rank: int, *, transposed: bool = False) -> Callable[[Config], tuple[ParamSpec, ...]]:
    def rule(config: Config) -> tuple[ParamSpec, ...]:
        inside, outside = integer(config.get("in_channels")), integer(config["out_channels"])
        groups, kernel = integer(config.get("groups", 1)), spread(config["kernel_size"], rank)
        lead = (inside, divide(outside, groups)) if transposed else (outside, divide(inside, groups))
        fan_in = multiply((lead[1], *kernel))
        return kaiming(fan_in, (*lead, *kernel), (outside,) if has_bias(config) else None)

    return rule


def conv_config(rank: int) -> ConfigRule:
    """Sizes stand as tuples, as the module shows them."""

    def rule(name: str, config: Config) -> dict[str, Literal_]:
        filled = dict(config)
        for size in ("kernel_size", "stride", "padding", "dilation", "output_padding"):
            if size in filled and not isinstance(filled[size], (str, tuple)):
                filled[size] = (filled[size],) * rank
        return filled

    return rule


def embedding_result(call: Call) -> Result:
    shape, weight = first(call), tensor(call, "weight")
    if shape is None:
        return Tensor()
    return Tensor(
        (
            *shape,
            integer(call.config["embedding_dim"]) if "embedding_dim" in call.config else weight[1] if weight else None,
        )
    )


def embedding_params(config: Config) -> tuple[ParamSpec, ...]:
    shape = (integer(config["num_embeddings"]), integer(config["embedding_dim"]))
    frozen = config.get("_freeze", False) is True
    return (ParamSpec("weight", shape, Init("normal", (("mean", 0.0), ("std", 1.0))), trainable=not frozen),)


def bag_result(call: Call) -> Result:
    shape, weight = first(call), tensor(call, "weight")
    width = integer(call.config["embedding_dim"]) if "embedding_dim" in call.config else weight[1] if weight else None
    if shape is not None and len(shape) == 2:
        return Tensor((shape[0], width))
    offsets = tensor(call, "offsets") if given(call, "offsets") else None
    if offsets is None:
        return Tensor((None, width))
    return Tensor((add(offsets[0], -1) if flag(call.config.get("include_last_offset", False)) else offsets[0], width))


def _conv(rank: int) -> Entry:
    return Entry(
        f"conv{rank}d",
        "weight",
        f"convolution over {rank} spatial dimension{'s' if rank > 1 else ''}",
        conv_result(rank),
        f"""nn.Conv{rank}d(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
            padding_mode='zeros', -device=None, -dtype=None)(%input)
        nn.LazyConv{rank}d(out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
            padding_mode='zeros', -device=None, -dtype=None)(%input)
        torch.conv{rank}d F.conv{rank}d (%input, %weight, %bias=None, stride=1, padding=0, dilation=1, groups=1)""",
        params=conv_params(rank),
        config=conv_config(rank),
    ).having("convolution")


def _transposed(rank: int) -> Entry:
    return Entry(
        f"conv_transpose{rank}d",
        "weight",
        f"transposed convolution over {rank} spatial dimension{'s' if rank > 1 else ''}",
        transposed_result(rank),
        f"""nn.ConvTranspose{rank}d(in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
            dilation=1, padding_mode='zeros', -device=None, -dtype=None)(%input, output_size=None)
        nn.LazyConvTranspose{rank}d(out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
            dilation=1, padding_mode='zeros', -device=None, -dtype=None)(%input, output_size=None)
        torch.conv_transpose{rank}d F.conv_transpose{rank}d (%input, %weight, %bias=None, stride=1, padding=0, output_padding=0,
            groups=1, dilation=1)""",
        params=conv_params(rank, transposed=True),
        config=conv_config(rank),
    ).having("transposed_convolution")


ENTRIES = (
    Entry(
        "linear",
        "weight",
        "x Wᵀ + b",
        linear_result,
        """nn.Linear(in_features, out_features, bias=True, -device=None, -dtype=None)(%input)
        nn.LazyLinear(out_features, bias=True, -device=None, -dtype=None)(%input)
        F.linear(%input, %weight, %bias=None)""",
        params=linear_params,
    )
    .ending("out_features")
    .having("map_places"),
    Entry(
        "bilinear",
        "weight",
        "x1ᵀ A x2 + b",
        bilinear_result,
        """nn.Bilinear(in1_features, in2_features, out_features, bias=True, -device=None, -dtype=None)(%input1, %input2)
        F.bilinear torch.bilinear (%input1, %input2, %weight, %bias=None)""",
        params=bilinear_params,
    ),
    *(_conv(rank) for rank in (1, 2, 3)),
    *(_transposed(rank) for rank in (1, 2, 3)),
    Entry(
        "embedding",
        "weight",
        "rows of a table",
        embedding_result,
        """nn.Embedding(num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
            sparse=False, -_weight=None, _freeze=False, -device=None, -dtype=None)(%input)
        F.embedding(%input, %weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False)""",
        params=embedding_params,
    )
    .ending("embedding_dim")
    .having("looks_up"),
    Entry(
        "embedding_bag",
        "weight",
        "sum, mean or maximum of rows of a table",
        bag_result,
        """nn.EmbeddingBag(num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', sparse=False,
            -_weight=None, include_last_offset=False, padding_idx=None, -device=None, -dtype=None)(%input, %offsets=None, %per_sample_weights=None)
        F.embedding_bag(%input, %weight, %offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean', sparse=False,
            %per_sample_weights=None, include_last_offset=False, padding_idx=None)""",
        params=embedding_params,
    ).having("looks_up"),
)
