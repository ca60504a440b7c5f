"""Padding, resampling, pixel shuffling, im2col: operations on images that move values."""

from __future__ import annotations

import math

from vglint.ops.entry import Config, Entry
from vglint.ops.shapes import add, divide, first, integer, multiply, same, sizes, spread, tensor
from vglint.ops.spec import Call, Result, Tensor
from vglint.ops.weight import conv_length
from vglint.shape import Dim
from vglint.value import Expr, Literal_


def padded(call: Call) -> Result:
    """Pairs of (left, right) from the last dimension backwards."""
    shape, pad = first(call), call.config.get("pad", call.config.get("padding"))
    if shape is None:
        return Tensor()
    if not isinstance(pad, tuple):
        return Tensor((None,) * len(shape))
    out = list(shape)
    for position in range(len(pad) // 2):
        place = len(shape) - 1 - position
        out[place] = add(out[place], integer(pad[2 * position]), integer(pad[2 * position + 1]))
    return Tensor(tuple(out))


def pad_config(name: str, config: Config) -> dict[str, Literal_]:
    """One number pads every side; the layer's name says how many sides there are."""
    padding, rank = config["padding"], int(name[-2])
    return {**config, "padding": padding if isinstance(padding, tuple) else (padding,) * (2 * rank)}


def resampled(call: Call) -> Result:
    """The size given, or floor(L scale_factor)."""
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    spatial = shape[2:]
    if config.get("size") is not None:
        return Tensor((*shape[:2], *spread(config["size"], len(spatial))))
    factor = config.get("scale_factor")
    factors = factor if isinstance(factor, tuple) else (factor,) * len(spatial)
    return Tensor((*shape[:2], *map(_scaled, spatial, factors)))


def _scaled(length: Dim, factor: Literal_) -> Dim:
    if isinstance(factor, float) and factor.is_integer():
        factor = int(factor)
    if isinstance(factor, (int, Expr)):
        return multiply((length, factor))
    if not isinstance(factor, float) or length is None:
        return None
    if isinstance(length, int):
        return math.floor(length * factor)
    inverse = 1 / factor
    return divide(length, round(inverse)) if abs(inverse - round(inverse)) < 1e-9 else None


def upsample_config(name: str, config: Config) -> dict[str, Literal_]:
    """Scale factors stand as floats, as the module shows them."""
    factor = config.get("scale_factor")
    if isinstance(factor, tuple):
        return {**config, "scale_factor": tuple(float(item) if isinstance(item, int) else item for item in factor)}
    return {**config, "scale_factor": float(factor)} if isinstance(factor, int) else dict(config)


def shuffled(call: Call) -> Result:
    """(C r², H, W) to (C, H r, W r)."""
    shape, factor = first(call), integer(call.config["upscale_factor"])
    if shape is None:
        return Tensor()
    *lead, channels, height, width = shape
    return Tensor(
        (*lead, divide(channels, multiply((factor, factor))), multiply((height, factor)), multiply((width, factor)))
    )


def unshuffled(call: Call) -> Result:
    """(C, H r, W r) to (C r², H, W)."""
    shape, factor = first(call), integer(call.config["downscale_factor"])
    if shape is None:
        return Tensor()
    *lead, channels, height, width = shape
    return Tensor((*lead, multiply((channels, factor, factor)), divide(height, factor), divide(width, factor)))


def columns(call: Call) -> Result:
    """im2col: (N, C, H, W) to (N, C k k, number of windows)."""
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    kernel, stride, padding, dilation = (spread(config.get(name, default), 2) for name, default in _WINDOW)
    count = multiply(map(conv_length, shape[-2:], kernel, stride, padding, dilation))
    return Tensor((*shape[:-3], multiply((shape[-3], *kernel)), count))


def folded(call: Call) -> Result:
    """col2im: (N, C k k, windows) to (N, C, H, W)."""
    shape, config = first(call), call.config
    if shape is None:
        return Tensor()
    size = spread(config["output_size"], 2)
    return Tensor((*shape[:-2], divide(shape[-2], multiply(spread(config["kernel_size"], 2))), *size))


_WINDOW = (("kernel_size", None), ("stride", 1), ("padding", 0), ("dilation", 1))


def sampled(call: Call) -> Result:
    """Channels of the input, positions of the grid."""
    shape, grid = first(call), tensor(call, "grid")
    return Tensor() if shape is None or grid is None else Tensor((*shape[:2], *grid[1:-1]))


def grid_of(call: Call) -> Result:
    """One coordinate per position and dimension."""
    size = sizes(call.config["size"])
    return Tensor() if size is None else Tensor((size[0], *size[2:], len(size) - 2))


def _pad(cls: str, mode: str, rank: int) -> str:
    args, fixed = ("padding, value", "") if cls == "Constant" else ("padding", ", value=0.0" if cls == "Zero" else "")
    return f"nn.{cls}Pad{rank}d({args})(%input) | mode='{mode}'{fixed}"


_MODES = (
    ("Zero", "constant"),
    ("Constant", "constant"),
    ("Reflection", "reflect"),
    ("Replication", "replicate"),
    ("Circular", "circular"),
)

ENTRIES = (
    Entry(
        "pad",
        "shape",
        "values added around",
        padded,
        "F.pad(%input, pad, mode='constant', value=None)\ntorch.constant_pad_nd(%input, pad, value=0)\n"
        + "\n".join(_pad(cls, mode, rank) for cls, mode in _MODES for rank in (1, 2, 3)),
        config=pad_config,
    ).having("refits"),
    Entry(
        "interpolate",
        "shape",
        "resampled to another size",
        resampled,
        """nn.Upsample(size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None)(%input)
        nn.UpsamplingNearest2d(size=None, scale_factor=None)(%input) | mode='nearest'
        nn.UpsamplingBilinear2d(size=None, scale_factor=None)(%input) | mode='bilinear', align_corners=True
        F.interpolate(%input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None,
            antialias=False)
        F.upsample(%input, size=None, scale_factor=None, mode='nearest', align_corners=None)
        F.upsample_nearest(%input, size=None, scale_factor=None) | mode='nearest'
        F.upsample_bilinear(%input, size=None, scale_factor=None) | mode='bilinear', align_corners=True""",
        config=upsample_config,
    ).having("map_along", "refits"),
    Entry(
        "pixel_shuffle",
        "shape",
        "channels become pixels",
        shuffled,
        """nn.PixelShuffle(upscale_factor)(%input)
        F.pixel_shuffle torch.pixel_shuffle (%input, upscale_factor)""",
    ),
    Entry(
        "pixel_unshuffle",
        "shape",
        "pixels become channels",
        unshuffled,
        """nn.PixelUnshuffle(downscale_factor)(%input)
        F.pixel_unshuffle torch.pixel_unshuffle (%input, downscale_factor)""",
    ),
    Entry(
        "channel_shuffle",
        "shape",
        "channels of groups interleaved",
        same,
        """nn.ChannelShuffle(groups)(%input)
        F.channel_shuffle torch.channel_shuffle F.native_channel_shuffle torch.native_channel_shuffle (%input, groups)""",
    ),
    Entry(
        "unfold",
        "shape",
        "sliding windows as columns",
        columns,
        """nn.Unfold(kernel_size, dilation=1, padding=0, stride=1)(%input)
        F.unfold(%input, kernel_size, dilation=1, padding=0, stride=1)""",
    ),
    Entry(
        "fold",
        "shape",
        "columns added up as sliding windows",
        folded,
        """nn.Fold(output_size, kernel_size, dilation=1, padding=0, stride=1)(%input)
        F.fold(%input, output_size, kernel_size, dilation=1, padding=0, stride=1)""",
    ),
    Entry(
        "grid_sample",
        "shape",
        "values at the positions of a grid",
        sampled,
        "F.grid_sample(%input, %grid, mode='bilinear', padding_mode='zeros', align_corners=None)",
    ),
    Entry(
        "affine_grid", "combine", "grid of an affine map", grid_of, "F.affine_grid(%theta, size, align_corners=None)"
    ),
)
