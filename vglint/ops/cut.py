"""What no gradient passes: detaching, integers, comparisons, rounding, leaving torch."""

from __future__ import annotations

from vglint.ops.entry import Entry
from vglint.ops.reduce import reduction
from vglint.ops.shapes import broadcast_all, first, flag, given, integer, same, scalar, tensor, unknown
from vglint.ops.spec import Call, Result, Tensor

INTEGER_DTYPES = frozenset(
    f"torch.{name}"
    for name in (
        "long",
        "int",
        "short",
        "bool",
        "uint8",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint16",
        "uint32",
        "uint64",
    )
)
"""Types that carry no gradient."""


def index_of_extreme(call: Call) -> Result:
    """Without `dim`, one index into the flattened tensor (`keepdim` then has no dimension to keep but torch keeps all as 1)."""
    return reduction(call)


def one_hot_result(call: Call) -> Result:
    shape = first(call)
    if shape is None:
        return Tensor()
    classes = call.config.get("num_classes", -1)
    return Tensor((*shape, None if classes == -1 else integer(classes)))


def of_values(call: Call) -> Result:
    """One index per value looked up."""
    for name in ("values", "input"):
        if given(call, name):
            return Tensor(tensor(call, name))
    return Tensor(())


def drawn(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-1], integer(call.config["num_samples"])))


def nonzero_result(call: Call) -> Result:
    shape = first(call)
    if flag(call.config.get("as_tuple", False)):
        return Tensor() if shape is None else tuple(Tensor((None,)) for _ in shape)
    return Tensor((None, None if shape is None else len(shape)))


def of_inputs(call: Call) -> Result:
    """The gradient with respect to a tensor has its shape."""
    return Tensor(tensor(call, "inputs")) if given(call, "inputs") else Tensor()


def unique_result(call: Call) -> Result:
    return Tensor((None,)) if call.config.get("dim") is None and not _several(call) else Tensor()


def _several(call: Call) -> bool:
    return any(call.config.get(name, False) is not False for name in ("return_inverse", "return_counts"))


def _compare(name: str, summary: str, *aliases: str) -> Entry:
    names = f"torch.{name} x.{name} x.{name}_ " + " ".join(f"torch.{alias} x.{alias} x.{alias}_" for alias in aliases)
    return Entry(name, "cut", summary, broadcast_all, f"{names} (%input, %other, *, -out=None)")


def _test(name: str, summary: str) -> Entry:
    return Entry(name, "cut", summary, same, f"torch.{name} x.{name} (%input)")


def _round(name: str, summary: str) -> Entry:
    return Entry(name, "cut", summary, same, f"torch.{name} torch.{name}_ x.{name} x.{name}_ (%input, *, -out=None)")


ENTRIES = (
    Entry(
        "detach",
        "cut",
        "the same values without their history",
        same,
        "torch.detach torch.detach_ x.detach x.detach_ x:data (%input)",
    ).having("copies", "detaches"),
    Entry(
        "grad",
        "cut",
        "gradients of outputs with respect to inputs",
        of_inputs,
        """torch.autograd.grad(%%outputs, %%inputs, %%grad_outputs=None, retain_graph=None, create_graph=False, -only_inputs=True,
            allow_unused=None, is_grads_batched=False, materialize_grads=False)""",
    ).having("detaches", "acts"),
    Entry(
        "to_integer",
        "cut",
        "cast to integers or bools",
        same,
        "\n".join(
            f"x.{name}(%input, -memory_format=None) | dtype='torch.{dtype}'"
            for name, dtype in (
                ("long", "int64"),
                ("int", "int32"),
                ("short", "int16"),
                ("char", "int8"),
                ("byte", "uint8"),
                ("bool", "bool"),
            )
        ),
    ).having("gives_integers"),
    Entry(
        "argmax",
        "cut",
        "where the largest value stands",
        index_of_extreme,
        "torch.argmax x.argmax (%input, dim=None, keepdim=False)",
    ).having("orders", "labels", "gives_integers"),
    Entry(
        "argmin",
        "cut",
        "where the smallest value stands",
        index_of_extreme,
        "torch.argmin x.argmin (%input, dim=None, keepdim=False)",
    ).having("labels", "gives_integers"),
    Entry(
        "argsort",
        "cut",
        "where the values stand in order",
        same,
        "torch.argsort x.argsort (%input, dim=-1, descending=False, stable=False)",
    ).having("orders", "gives_integers"),
    Entry(
        "nonzero",
        "cut",
        "indices of what is not 0",
        nonzero_result,
        "torch.nonzero x.nonzero (%input, *, as_tuple=False, -out=None)\ntorch.argwhere x.argwhere (%input)",
    ),
    Entry("one_hot", "cut", "classes as unit vectors", one_hot_result, "F.one_hot(%input, num_classes=-1)").having(
        "labels", "gives_integers", "never_negative"
    ),
    Entry(
        "multinomial",
        "cut",
        "indices drawn by weight",
        drawn,
        "torch.multinomial x.multinomial (%input, num_samples, replacement=False, *, -generator=None, -out=None)",
    ).having("labels"),
    Entry(
        "bincount",
        "cut",
        "counts of integers",
        unknown,
        "torch.bincount x.bincount (%input, %weights=None, minlength=0)",
    ),
    Entry("histc", "cut", "histogram", unknown, "torch.histc x.histc (%input, bins=100, min=0, max=0, *, -out=None)"),
    Entry(
        "bucketize",
        "cut",
        "the bucket of each value",
        of_values,
        "torch.bucketize(%input, %boundaries, *, out_int32=False, right=False, -out=None)",
    ),
    Entry(
        "searchsorted",
        "cut",
        "where each value would be inserted",
        of_values,
        "torch.searchsorted(%sorted_sequence, %values, *, out_int32=False, right=False, side=None, %sorter=None, -out=None)",
    ),
    Entry(
        "unique",
        "cut",
        "distinct values",
        unique_result,
        """torch.unique x.unique (%input, sorted=True, return_inverse=False, return_counts=False, dim=None)
        torch.unique_consecutive x.unique_consecutive (%input, return_inverse=False, return_counts=False, dim=None)""",
    ),
    Entry(
        "isin",
        "cut",
        "whether each element is among others",
        same,
        "torch.isin(%elements, %test_elements, *, assume_unique=False, invert=False, -out=None)",
    ).having("gives_truths"),
    Entry(
        "all",
        "cut",
        "whether all are true",
        reduction,
        "torch.all x.all (%input, dim=None, keepdim=False, *, -out=None)",
    ).having("keeps_constant", "gives_truths"),
    Entry(
        "any",
        "cut",
        "whether one is true",
        reduction,
        "torch.any x.any (%input, dim=None, keepdim=False, *, -out=None)",
    ).having("keeps_constant", "gives_truths"),
    Entry(
        "count_nonzero",
        "cut",
        "number of elements that are not 0",
        reduction,
        "torch.count_nonzero x.count_nonzero (%input, dim=None)",
    ),
    Entry("item", "cut", "a Python number", scalar, "x.item(%self)").having(
        "detaches", "leaves_torch", "keeps_constant"
    ),
    Entry("tolist", "cut", "Python lists", same, "x.tolist(%self)").having("detaches", "leaves_torch"),
    Entry(
        "numpy", "cut", "a numpy array", same, "x.numpy(%self, *, force=False)\nx.__array__(%self, -dtype=None)"
    ).having("detaches", "leaves_torch"),
    Entry("equal", "cut", "whether two tensors are the same", scalar, "torch.equal x.equal (%input, %other)"),
    Entry(
        "allclose",
        "cut",
        "whether two tensors are close",
        scalar,
        "torch.allclose x.allclose (%input, %other, rtol=1e-05, atol=1e-08, equal_nan=False)",
    ),
    Entry(
        "isclose",
        "cut",
        "whether elements are close",
        broadcast_all,
        "torch.isclose x.isclose (%input, %other, rtol=1e-05, atol=1e-08, equal_nan=False)",
    ).having("gives_truths"),
    _compare("gt", "x > y", "greater").having("gives_truths", "compares"),
    _compare("ge", "x ≥ y", "greater_equal").having("gives_truths", "compares"),
    _compare("lt", "x < y", "less").having("gives_truths", "compares"),
    _compare("le", "x ≤ y", "less_equal").having("gives_truths", "compares"),
    _compare("eq", "x = y").having("gives_truths", "compares"),
    _compare("ne", "x ≠ y", "not_equal").having("gives_truths", "compares"),
    _compare("logical_and", "both true").having("gives_truths"),
    _compare("logical_or", "one true").having("gives_truths"),
    _compare("logical_xor", "exactly one true").having("gives_truths"),
    _compare("bitwise_and", "bits of both"),
    _compare("bitwise_or", "bits of either"),
    _compare("bitwise_xor", "bits of exactly one"),
    _compare("bitwise_left_shift", "bits moved left"),
    _compare("bitwise_right_shift", "bits moved right"),
    _compare("floor_divide", "⌊x / y⌋"),
    Entry(
        "heaviside",
        "cut",
        "step function",
        broadcast_all,
        "torch.heaviside x.heaviside x.heaviside_ (%input, %values, *, -out=None)",
    ),
    Entry(
        "logical_not", "cut", "not x", same, "torch.logical_not x.logical_not x.logical_not_ (%input, *, -out=None)"
    ).having("gives_truths"),
    Entry(
        "bitwise_not",
        "cut",
        "bits turned over",
        same,
        "torch.bitwise_not x.bitwise_not x.bitwise_not_ (%input, *, -out=None)",
    ),
    _round("floor", "⌊x⌋"),
    _round("ceil", "⌈x⌉"),
    Entry(
        "round",
        "cut",
        "nearest integer",
        same,
        "torch.round torch.round_ torch.special.round x.round x.round_ (%input, *, decimals=0, -out=None)",
    ),
    Entry(
        "trunc",
        "cut",
        "integer part",
        same,
        "torch.trunc torch.trunc_ x.trunc x.trunc_ torch.fix torch.fix_ x.fix x.fix_ (%input, *, -out=None)",
    ),
    Entry("sign", "cut", "-1, 0 or 1", same, "torch.sign x.sign x.sign_ torch.sgn x.sgn x.sgn_ (%input, *, -out=None)"),
    Entry(
        "signbit", "cut", "whether the sign bit is set", same, "torch.signbit x.signbit (%input, *, -out=None)"
    ).having("gives_truths"),
    _test("isnan", "whether x is NaN").having("gives_truths"),
    _test("isinf", "whether x is infinite").having("gives_truths"),
    _test("isfinite", "whether x is finite").having("gives_truths"),
    _test("isreal", "whether x is real").having("gives_truths"),
    Entry("isposinf", "cut", "whether x is +∞", same, "torch.isposinf x.isposinf (%input, *, -out=None)").having(
        "gives_truths"
    ),
    Entry("isneginf", "cut", "whether x is -∞", same, "torch.isneginf x.isneginf (%input, *, -out=None)").having(
        "gives_truths"
    ),
)
