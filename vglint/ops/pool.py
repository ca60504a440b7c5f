"""Pooling and its inverses."""

from __future__ import annotations

from collections.abc import Callable

from vglint.ops.entry import Config, ConfigRule, Entry
from vglint.ops.shapes import add, first, flag, floor_divide, integer, multiply, spread
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Literal_


def pooled(rank: int) -> Callable[[Call], Result]:
    """L_out = floor((L + 2 padding - dilation (kernel - 1) - 1) / stride) + 1; with ceil_mode rounded up, but no window starts in the padding."""

    def rule(call: Call) -> Result:
        shape, config = first(call), call.config
        if shape is None:
            return Tensor()
        kernel = spread(config["kernel_size"], rank)
        stride = kernel if config.get("stride") in (None, ()) else spread(config["stride"], rank)
        padding, dilation = spread(config.get("padding", 0), rank), spread(config.get("dilation", 1), rank)
        up = flag(config.get("ceil_mode", False))
        lengths = tuple(
            pool_length(length, k, s, p, d, up)
            for length, k, s, p, d in zip(shape[len(shape) - rank :], kernel, stride, padding, dilation, strict=True)
        )
        return with_indices(call, (*shape[: len(shape) - rank], *lengths))

    return rule


def pool_length(length: Dim, kernel: Dim, stride: Dim, padding: Dim, dilation: Dim, up: bool) -> Dim:
    """Returns one dimension of a pooled output."""
    if not isinstance(stride, int):
        return None
    reach = multiply((dilation, add(kernel, -1)))
    room = add(length, multiply((2, padding)), multiply((-1, reach)), -1)
    out = add(floor_divide(add(room, stride - 1) if up else room, stride), 1)
    if (
        up
        and isinstance(out, int)
        and isinstance(length, int)
        and isinstance(padding, int)
        and (out - 1) * stride >= length + padding
    ):
        return out - 1
    return out


def adaptive(rank: int) -> Callable[[Call], Result]:
    """The spatial size becomes output_size; None keeps a dimension."""

    def rule(call: Call) -> Result:
        shape, wanted = first(call), call.config["output_size"]
        if shape is None:
            return Tensor()
        wanted = wanted if isinstance(wanted, tuple) else (wanted,) * rank
        if len(wanted) != rank:
            wanted = wanted * rank
        kept = shape[len(shape) - rank :]
        out = tuple(old if new is None else integer(new) for old, new in zip(kept, wanted, strict=True))
        return with_indices(call, (*shape[: len(shape) - rank], *out))

    return rule


def fractional(rank: int) -> Callable[[Call], Result]:
    def rule(call: Call) -> Result:
        shape, size = first(call), call.config.get("output_size")
        if shape is None:
            return Tensor()
        ratio = call.config.get("output_ratio")
        kept = shape[len(shape) - rank :]
        out: tuple[Dim, ...] = (None,) * rank
        if size is not None:
            out = spread(size, rank)
        elif ratio is not None:
            ratios = ratio if isinstance(ratio, tuple) else (ratio,) * rank
            out = tuple(
                int(old * part) if isinstance(old, int) and isinstance(part, (int, float)) else None
                for old, part in zip(kept, ratios, strict=True)
            )
        return with_indices(call, (*shape[: len(shape) - rank], *out))

    return rule


def unpooled(rank: int) -> Callable[[Call], Result]:
    """L_out = (L - 1) stride - 2 padding + kernel, unless output_size says otherwise."""

    def rule(call: Call) -> Result:
        shape, config = first(call), call.config
        if shape is None:
            return Tensor()
        size = config.get("output_size")
        if isinstance(size, tuple):
            return Tensor((*shape[: len(shape) - rank], *(integer(item) for item in size[len(size) - rank :])))
        if size is not None:
            return Tensor((*shape[: len(shape) - rank], *(None,) * rank))
        kernel = spread(config["kernel_size"], rank)
        stride = kernel if config.get("stride") is None else spread(config["stride"], rank)
        padding = spread(config.get("padding", 0), rank)
        lengths = (
            add(multiply((add(length, -1), s)), multiply((-2, p)), k)
            for length, k, s, p in zip(shape[len(shape) - rank :], kernel, stride, padding, strict=True)
        )
        return Tensor((*shape[: len(shape) - rank], *lengths))

    return rule


def with_indices(call: Call, shape: Shape) -> Result:
    """The pooled tensor, and its indices where asked for."""
    return (Tensor(shape), Tensor(shape)) if flag(call.config.get("return_indices", False)) else Tensor(shape)


def stride_as_kernel(name: str, config: Config) -> dict[str, Literal_]:
    """An absent stride is the kernel's size, as the module shows it."""
    return {**config, "stride": config["kernel_size"] if config.get("stride") is None else config["stride"]}


def tuples(rank: int, *names: str) -> ConfigRule:
    """The named sizes stand as tuples, an absent stride as the kernel's size."""

    def rule(module: str, config: Config) -> dict[str, Literal_]:
        filled = stride_as_kernel(module, config) if "stride" in config else dict(config)
        for name in names:
            if filled.get(name) is not None and not isinstance(filled[name], tuple):
                filled[name] = (filled[name],) * rank
        return filled

    return rule


def _max_pool(rank: int) -> Entry:
    args = "kernel_size, stride=None, padding=0, dilation=1"
    return Entry(
        f"max_pool{rank}d",
        "pool",
        "largest value of each window",
        pooled(rank),
        f"""nn.MaxPool{rank}d({args}, return_indices=False, ceil_mode=False)(%input)
        F.max_pool{rank}d F.max_pool{rank}d_with_indices (%input, {args}, ceil_mode=False, return_indices=False)
        torch.max_pool{rank}d(%input, {args}, ceil_mode=False)""",
        config=stride_as_kernel,
    ).having("map_along")


def _avg_pool(rank: int) -> Entry:
    args = "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
    args += "" if rank == 1 else ", divisor_override=None"
    return Entry(
        f"avg_pool{rank}d",
        "pool",
        "mean of each window",
        pooled(rank),
        f"""nn.AvgPool{rank}d({args})(%input)
        F.avg_pool{rank}d{" torch.avg_pool1d" if rank == 1 else ""} (%input, {args})""",
        config=tuples(1, "kernel_size", "stride", "padding") if rank == 1 else stride_as_kernel,
    ).having("map_along")


def _adaptive_avg_pool(rank: int) -> Entry:
    return Entry(
        f"adaptive_avg_pool{rank}d",
        "pool",
        "means of as many windows as the output asks for",
        adaptive(rank),
        f"""nn.AdaptiveAvgPool{rank}d(output_size)(%input)
        F.adaptive_avg_pool{rank}d{" torch.adaptive_avg_pool1d" if rank == 1 else ""} (%input, output_size)""",
    )


def _adaptive_max_pool(rank: int) -> Entry:
    name = f"adaptive_max_pool{rank}d"
    return Entry(
        name,
        "pool",
        "largest values of as many windows as the output asks for",
        adaptive(rank),
        f"""nn.AdaptiveMaxPool{rank}d(output_size, return_indices=False)(%input)
        F.{name} F.{name}_with_indices (%input, output_size, return_indices=False)""",
    )


def _lp_pool(rank: int) -> Entry:
    args = "norm_type, kernel_size, stride=None, ceil_mode=False"
    return Entry(
        f"lp_pool{rank}d",
        "pool",
        "p-norm of each window",
        pooled(rank),
        f"""nn.LPPool{rank}d({args})(%input)
        F.lp_pool{rank}d(%input, {args})""",
    )


def _fractional_max_pool(rank: int) -> Entry:
    name = f"fractional_max_pool{rank}d"
    args = "kernel_size, output_size=None, output_ratio=None, return_indices=False, -_random_samples=None"
    return Entry(
        name,
        "pool",
        "largest value of each window of random size",
        fractional(rank),
        f"""nn.FractionalMaxPool{rank}d({args})(%input)
        F.{name} F.{name}_with_indices (%input, {args})""",
        config=tuples(rank, "kernel_size", "output_size", "output_ratio"),
    )


def _max_unpool(rank: int) -> Entry:
    return Entry(
        f"max_unpool{rank}d",
        "pool",
        "puts values back where max pooling took them, zeros elsewhere",
        unpooled(rank),
        f"""nn.MaxUnpool{rank}d(kernel_size, stride=None, padding=0)(%input, %indices, output_size=None)
        F.max_unpool{rank}d(%input, %indices, kernel_size, stride=None, padding=0, output_size=None)""",
        config=tuples(rank, "kernel_size", "stride", "padding"),
    )


ENTRIES = (
    *map(_max_pool, (1, 2, 3)),
    *map(_avg_pool, (1, 2, 3)),
    *map(_adaptive_avg_pool, (1, 2, 3)),
    *map(_adaptive_max_pool, (1, 2, 3)),
    *map(_lp_pool, (1, 2, 3)),
    *map(_fractional_max_pool, (2, 3)),
    *map(_max_unpool, (1, 2, 3)),
)
