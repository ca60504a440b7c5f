"""Sums, means, norms and other reductions; scans along a dimension; sorting."""

from __future__ import annotations

from collections.abc import Callable

from vglint.ops.entry import Entry
from vglint.ops.shapes import axis, broadcast, first, flag, given, integer, replace, same, unknown, whole
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Shape
from vglint.value import Literal_, Unknown


def over(shape: Shape | None, dim: Literal_, keepdim: Literal_) -> Tensor:
    """The shape without the dimensions `dim` (all where None or empty), or with 1 in their place."""
    if shape is None:
        return Tensor(() if _all(dim) and keepdim in (None, False) else None)
    if isinstance(dim, Unknown):
        return Tensor()
    dims = (
        range(len(shape))
        if _all(dim)
        else {axis(item, len(shape)) for item in (dim if isinstance(dim, tuple) else (dim,))}
    )
    if flag(keepdim):
        return Tensor(tuple(1 if place in dims else size for place, size in enumerate(shape)))
    return Tensor(tuple(size for place, size in enumerate(shape) if place not in dims))


def reduction(call: Call) -> Result:
    """One result, over `dim` or over everything."""
    return over(first(call), call.config.get("dim"), call.config.get("keepdim", False))


def spread_of(call: Call) -> Result:
    """Standard deviation and variance: a bool in the place of `dim` is the old `unbiased`."""
    dim = call.config.get("dim")
    return over(first(call), None if isinstance(dim, bool) else dim, call.config.get("keepdim", False))


def pair_of(rule: Callable[[Call], Result]) -> Callable[[Call], Result]:
    """Two results of one shape."""
    return lambda call: (rule(call), rule(call))


def extreme(call: Call) -> Result:
    """`max()` is one number, `max(dim)` (values, indices), `max(other)` elementwise."""
    if given(call, "dim") or given(call, "other"):
        return Tensor(broadcast(call.inputs))
    dim = call.config.get("dim")
    if dim is None:
        return Tensor(())
    return Tensor() if isinstance(dim, Unknown) else pair_of(reduction)(call)


def extreme_along(call: Call) -> Result:
    """(values, indices) along one dimension, the last one by default."""
    dim = call.config.get("dim")
    value = over(first(call), -1 if dim is None else dim, call.config.get("keepdim", False))
    return (value, value)


def quantiles(call: Call) -> Result:
    """The quantiles stand in front where `q` is a tensor."""
    reduced = over(first(call), call.config.get("dim"), call.config.get("keepdim", False))
    if not given(call, "q"):
        return reduced
    lead = call.inputs[call.names.index("q")]
    return Tensor() if lead is None or reduced.shape is None else Tensor((*lead, *reduced.shape))


def sorted_pair(call: Call) -> Result:
    return (Tensor(first(call)), Tensor(first(call)))


def top(call: Call) -> Result:
    """(values, indices) with `k` in the place of `dim`."""
    shape = first(call)
    if shape is None:
        return (Tensor(), Tensor())
    dim = call.config.get("dim")
    result = Tensor(
        replace(shape, axis(-1 if dim is None else dim, len(shape)), integer(call.config["k"])) if shape else ()
    )
    return (result, result)


def differences(call: Call) -> Result:
    """Each of n differences shortens the dimension by one."""
    shape = first(call)
    if shape is None or len(call.inputs) > 1:
        return Tensor()
    dim = axis(call.config.get("dim", -1), len(shape))
    size, count = shape[dim], whole(call.config.get("n", 1))
    return Tensor(replace(shape, dim, max(size - count, 0) if isinstance(size, int) else None))


def without_last(call: Call) -> Result:
    """Integrals along `dim`."""
    return over(first(call), call.config.get("dim", -1), False)


def _all(dim: Literal_) -> bool:
    return dim is None or dim == ()


def _reduction(name: str, summary: str) -> Entry:
    spellings = f"torch.{name} x.{name} (%input, dim=None, keepdim=False, *, -dtype=None, -out=None)"
    return Entry(name, "reduce", summary, reduction, spellings)


def _scan(name: str, summary: str) -> Entry:
    return Entry(
        name, "reduce", summary, same, f"torch.{name} x.{name} x.{name}_ (%input, dim, *, -dtype=None, -out=None)"
    )


_SPREAD = "(%input, dim=None, unbiased=True, keepdim=False, *, correction=None, -out=None)"
_NORM = "keepdim=False, -out=None, -dtype=None"

ENTRIES = (
    _reduction("sum", "sum").having("sums", "statistic", "carries_terms", "keeps_positive"),
    _reduction("nansum", "sum without NaN").having("sums", "statistic"),
    _reduction("mean", "mean").having("sums", "statistic", "carries_terms", "keeps_positive", "keeps_constant"),
    _reduction("nanmean", "mean without NaN").having("sums", "statistic"),
    _reduction("prod", "product"),
    Entry("std", "reduce", "standard deviation", spread_of, f"torch.std x.std {_SPREAD}").having("roots", "statistic"),
    Entry("var", "reduce", "variance", spread_of, f"torch.var x.var {_SPREAD}").having("sums_squares", "statistic"),
    Entry("std_mean", "reduce", "standard deviation and mean", pair_of(spread_of), f"torch.std_mean {_SPREAD}"),
    Entry("var_mean", "reduce", "variance and mean", pair_of(spread_of), f"torch.var_mean {_SPREAD}"),
    Entry(
        "max",
        "reduce",
        "largest value",
        extreme,
        "torch.max x.max (%input, %dim=None, keepdim=False, *, %other=None, -out=None)",
    )
    .having("selects", "takes_largest", "floors", "keeps_constant")
    .naming("values", "indices"),
    Entry(
        "min",
        "reduce",
        "smallest value",
        extreme,
        "torch.min x.min (%input, %dim=None, keepdim=False, *, %other=None, -out=None)",
    )
    .having("selects", "keeps_constant")
    .naming("values", "indices"),
    Entry(
        "amax", "reduce", "largest value", reduction, "torch.amax x.amax (%input, dim=(), keepdim=False, *, -out=None)"
    ).having("takes_largest", "keeps_constant"),
    Entry(
        "amin", "reduce", "smallest value", reduction, "torch.amin x.amin (%input, dim=(), keepdim=False, *, -out=None)"
    ).having("keeps_constant"),
    Entry(
        "aminmax",
        "reduce",
        "smallest and largest value",
        pair_of(reduction),
        "torch.aminmax x.aminmax (%input, *, dim=None, keepdim=False, -out=None)",
    ).naming("min", "max"),
    Entry(
        "median", "reduce", "median", extreme, "torch.median x.median (%input, dim=None, keepdim=False, *, -out=None)"
    )
    .having("selects")
    .naming("values", "indices"),
    Entry(
        "nanmedian",
        "reduce",
        "median without NaN",
        extreme,
        "torch.nanmedian x.nanmedian (%input, dim=None, keepdim=False, *, -out=None)",
    ).naming("values", "indices"),
    Entry(
        "mode",
        "reduce",
        "most frequent value",
        extreme_along,
        "torch.mode x.mode (%input, dim=-1, keepdim=False, *, -out=None)",
    )
    .having("selects")
    .naming("values", "indices"),
    Entry(
        "kthvalue",
        "reduce",
        "kth smallest value",
        extreme_along,
        "torch.kthvalue x.kthvalue (%input, k, dim=-1, keepdim=False, *, -out=None)",
    )
    .having("selects")
    .naming("values", "indices"),
    Entry(
        "logsumexp",
        "reduce",
        "log of the sum of exponentials",
        reduction,
        "torch.logsumexp torch.special.logsumexp x.logsumexp (%input, dim, keepdim=False, *, -out=None)",
    ).having("takes_largest", "logs"),
    Entry(
        "norm",
        "reduce",
        "norm of a vector or matrix",
        reduction,
        f"""torch.norm x.norm (%input, p='fro', dim=None, {_NORM})
        torch.linalg.norm(%input, ord=None, dim=None, keepdim=False, *, -out=None, -dtype=None)
        torch.linalg.vector_norm(%x, ord=2, dim=None, keepdim=False, *, -dtype=None, -out=None)
        torch.linalg.matrix_norm(%A, ord='fro', dim=(-2, -1), keepdim=False, *, -dtype=None, -out=None)""",
    ).having("roots", "statistic"),
    Entry(
        "quantile",
        "reduce",
        "quantile",
        quantiles,
        """torch.quantile torch.nanquantile x.quantile x.nanquantile (%input, %q, dim=None, keepdim=False, *, interpolation='linear',
            -out=None)""",
    ),
    _scan("cumsum", "running sum").having("keeps_positive"),
    _scan("cumprod", "running product").having("keeps_positive"),
    Entry(
        "logcumsumexp",
        "reduce",
        "running logsumexp",
        same,
        "torch.logcumsumexp x.logcumsumexp (%input, dim, *, -out=None)",
    ),
    Entry("cummax", "reduce", "running maximum", sorted_pair, "torch.cummax x.cummax (%input, dim, *, -out=None)")
    .having("selects", "keeps_constant")
    .naming("values", "indices"),
    Entry("cummin", "reduce", "running minimum", sorted_pair, "torch.cummin x.cummin (%input, dim, *, -out=None)")
    .having("selects", "keeps_constant")
    .naming("values", "indices"),
    Entry(
        "diff",
        "reduce",
        "differences of neighbours",
        differences,
        "torch.diff x.diff (%input, n=1, dim=-1, %prepend=None, %append=None, *, -out=None)",
    ),
    Entry(
        "trapezoid",
        "reduce",
        "integral by trapezoids",
        without_last,
        "torch.trapezoid torch.trapz (%y, %x=None, *, dx=1, dim=-1)",
    ),
    Entry(
        "sort",
        "reduce",
        "values in order, and where they stood",
        sorted_pair,
        """torch.sort x.sort (%input, dim=-1, descending=False, *, stable=False, -out=None)""",
    )
    .having("selects", "orders")
    .naming("values", "indices"),
    Entry(
        "msort",
        "reduce",
        "values in order along the first dimension",
        same,
        "torch.msort x.msort (%input, *, -out=None)",
    ),
    Entry(
        "topk",
        "reduce",
        "k largest values, and where they stood",
        top,
        "torch.topk x.topk (%input, k, dim=-1, largest=True, sorted=True, *, -out=None)",
    )
    .having("selects", "orders")
    .naming("values", "indices"),
    Entry(
        "gradient",
        "reduce",
        "numerical gradient",
        unknown,
        "torch.gradient(%input, *, spacing=1, dim=None, edge_order=1)",
    ),
)
