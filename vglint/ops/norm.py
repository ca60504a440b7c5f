"""Normalisation layers, and the reparametrisations that normalise a weight."""

from __future__ import annotations

from vglint.graph import Init
from vglint.ops.entry import Config, Entry
from vglint.ops.shapes import integer, same, sizes, unknown
from vglint.ops.spec import ParamSpec
from vglint.shape import Shape
from vglint.value import Literal_

ONES, ZEROS = Init("ones"), Init("zeros")


def affine(shape: Shape | None, config: Config, switch: str) -> tuple[ParamSpec, ...]:
    """Weight ones and bias zeros of `shape`, unless `switch` or `bias` says no."""
    if shape is None or config.get(switch, True) is False:
        return ()
    weight = ParamSpec("weight", shape, ONES)
    return (weight,) if config.get("bias", True) is False else (weight, ParamSpec("bias", shape, ZEROS))


def batch_norm_params(config: Config) -> tuple[ParamSpec, ...]:
    """Affine parameters, then the running moments as buffers."""
    shape = (integer(config.get("num_features")),)
    own = affine(shape, config, "affine")
    if config.get("track_running_stats", True) is False:
        return own
    return (
        *own,
        ParamSpec("running_mean", shape, ZEROS, trainable=False, buffer=True),
        ParamSpec("running_var", shape, ONES, trainable=False, buffer=True),
        ParamSpec("num_batches_tracked", (), ZEROS, trainable=False, buffer=True),
    )


def layer_norm_params(config: Config) -> tuple[ParamSpec, ...]:
    return affine(sizes(config["normalized_shape"]), config, "elementwise_affine")


def rms_norm_params(config: Config) -> tuple[ParamSpec, ...]:
    return layer_norm_params({**config, "bias": False})


def group_norm_params(config: Config) -> tuple[ParamSpec, ...]:
    return affine((integer(config["num_channels"]),), config, "affine")


def shape_as_tuple(name: str, config: Config) -> dict[str, Literal_]:
    shape = config["normalized_shape"]
    return {**config, "normalized_shape": shape if isinstance(shape, tuple) else (shape,)}


ENTRIES = (
    Entry(
        "batch_norm",
        "norm",
        "normalises each channel over the batch, then scales and shifts it",
        same,
        """nn.BatchNorm1d nn.BatchNorm2d nn.BatchNorm3d (num_features, eps=1e-05, momentum=0.1, affine=True,
            track_running_stats=True, -device=None, -dtype=None, *, bias=True)(%input)
        nn.LazyBatchNorm1d nn.LazyBatchNorm2d nn.LazyBatchNorm3d (eps=1e-05, momentum=0.1, affine=True,
            track_running_stats=True, -device=None, -dtype=None, *, bias=True)(%input)
        nn.SyncBatchNorm(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, -process_group=None,
            -device=None, -dtype=None, *, bias=True)(%input)
        F.batch_norm(%input, %running_mean, %running_var, %weight=None, %bias=None, training=False, momentum=0.1, eps=1e-05)
        torch.batch_norm(%input, %weight, %bias, %running_mean, %running_var, training, momentum, eps, -cudnn_enabled)""",
        params=batch_norm_params,
    ).having("by_mode", "each_channel", "breaks_selu", "map_parts", "map_places"),
    Entry(
        "instance_norm",
        "norm",
        "normalises each channel of each sample",
        same,
        """nn.InstanceNorm1d nn.InstanceNorm2d nn.InstanceNorm3d (num_features, eps=1e-05, momentum=0.1, affine=False,
            track_running_stats=False, -device=None, -dtype=None, *, bias=True)(%input)
        nn.LazyInstanceNorm1d nn.LazyInstanceNorm2d nn.LazyInstanceNorm3d (eps=1e-05, momentum=0.1, affine=True,
            track_running_stats=True, -device=None, -dtype=None, *, bias=True)(%input)
        F.instance_norm(%input, %running_mean=None, %running_var=None, %weight=None, %bias=None, use_input_stats=True,
            momentum=0.1, eps=1e-05)""",
        params=batch_norm_params,
    ).having("each_channel"),
    Entry(
        "layer_norm",
        "norm",
        "normalises each sample over its last dimensions",
        same,
        """nn.LayerNorm(normalized_shape, eps=1e-05, elementwise_affine=True, bias=True, -device=None, -dtype=None)(%input)
        F.layer_norm(%input, normalized_shape, %weight=None, %bias=None, eps=1e-05)
        torch.layer_norm(%input, normalized_shape, %weight=None, %bias=None, eps=1e-05, -cudnn_enable=True)""",
        params=layer_norm_params,
        config=shape_as_tuple,
    )
    .ending("normalized_shape")
    .having("over_features", "map_places"),
    Entry(
        "rms_norm",
        "norm",
        "divides by the root mean square over the last dimensions",
        same,
        """nn.RMSNorm(normalized_shape, eps=None, elementwise_affine=True, -device=None, -dtype=None)(%x)
        F.rms_norm torch.rms_norm (%input, normalized_shape, %weight=None, eps=None)""",
        params=rms_norm_params,
        config=shape_as_tuple,
    ).having("over_features", "map_places"),
    Entry(
        "group_norm",
        "norm",
        "normalises each group of channels of each sample",
        same,
        """nn.GroupNorm(num_groups, num_channels, eps=1e-05, affine=True, -device=None, -dtype=None, *, bias=True)(%input)
        F.group_norm(%input, num_groups, %weight=None, %bias=None, eps=1e-05)
        torch.group_norm(%input, num_groups, %weight=None, %bias=None, eps=1e-05, -cudnn_enabled=True)""",
        params=group_norm_params,
    ),
    Entry(
        "local_response_norm",
        "norm",
        "divides by a power of the energy of neighbouring channels",
        same,
        """nn.LocalResponseNorm(size, alpha=0.0001, beta=0.75, k=1.0)(%input)
        nn.CrossMapLRN2d(size, alpha=0.0001, beta=0.75, k=1)(%input)
        F.local_response_norm(%input, size, alpha=0.0001, beta=0.75, k=1.0)""",
    ),
    Entry(
        "normalize",
        "norm",
        "divides by the p-norm along a dimension",
        same,
        """F.normalize(%input, p=2.0, dim=1, eps=1e-12, -out=None)""",
    ).having("rescales", "map_places"),
    Entry(
        "renorm",
        "norm",
        "scales slices down to a p-norm of at most maxnorm",
        same,
        """torch.renorm(%input, p, dim, maxnorm, *, -out=None)
        x.renorm x.renorm_ (%input, p, dim, maxnorm)""",
    ),
    Entry(
        "weight_norm",
        "other",
        "splits a module's weight into magnitude and direction",
        unknown,
        """torch.nn.utils.weight_norm torch.nn.utils.parametrizations.weight_norm (-module, name='weight', dim=0)""",
    ),
    Entry(
        "spectral_norm",
        "other",
        "divides a module's weight by its largest singular value",
        unknown,
        """torch.nn.utils.spectral_norm torch.nn.utils.parametrizations.spectral_norm (-module, name='weight',
            n_power_iterations=1, eps=1e-12, dim=None)""",
    ),
    Entry(
        "orthogonal",
        "other",
        "keeps a module's weight orthogonal",
        unknown,
        """torch.nn.utils.parametrizations.orthogonal(-module, name='weight', orthogonal_map=None, *, use_trivialization=True)""",
    ),
    Entry(
        "remove_norm",
        "other",
        "takes weight_norm or spectral_norm off a module",
        unknown,
        """torch.nn.utils.remove_weight_norm torch.nn.utils.remove_spectral_norm (-module, name='weight')""",
    ),
)
