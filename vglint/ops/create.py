"""Tensors from nothing, and tensors overwritten whole."""

from __future__ import annotations

import math

from vglint.ops.entry import Entry
from vglint.ops.shapes import broadcast_all, given, integer, same, sizes, tensor, unknown
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape
from vglint.value import Literal_, Unknown


def of_size(call: Call) -> Result:
    """The shape that `size` says."""
    return Tensor(sizes(call.config["size"]))


def of_size_or_high(call: Call) -> Result:
    """`randint(high, size)` binds the size to the place of `high`."""
    size = call.config.get("size")
    return Tensor(sizes(call.config.get("high") if size is None else size))


def normal_result(call: Call) -> Result:
    """`normal(mean, std, size)`, or the shape of tensors mean and std."""
    size = call.config.get("size")
    return Tensor(sizes(size)) if size is not None else broadcast_all(call)


def of_data(call: Call) -> Result:
    """The shape of nested sequences of numbers; a tensor's own shape."""
    return Tensor(tensor(call, "data") if given(call, "data") else data_shape(call.config.get("data")))


def data_shape(data: Literal_) -> Shape | None:
    """Returns the shape of nested tuples of numbers."""
    if isinstance(data, tuple):
        inner = data_shape(data[0]) if data else ()
        return None if inner is None else (len(data), *inner)
    return None if data is None or isinstance(data, (Unknown, str)) else ()


def range_result(call: Call) -> Result:
    """ceil((end - start) / step) numbers; a lone argument is the end."""
    start, end, step = (call.config.get(name) for name in ("start", "end", "step"))
    if end is None:
        start, end = 0, start
    if start == 0 and step == 1:
        return Tensor((integer(end) if not isinstance(end, float) else math.ceil(end),))
    if isinstance(start, (int, float)) and isinstance(end, (int, float)) and isinstance(step, (int, float)) and step:
        return Tensor((max(math.ceil((end - start) / step), 0),))
    return Tensor((None,))


def steps_result(call: Call) -> Result:
    return Tensor((integer(call.config["steps"]),))


def square_result(call: Call) -> Result:
    rows = integer(call.config["n"])
    columns = call.config.get("m")
    return Tensor((rows, rows if columns is None else integer(columns)))


def length_result(call: Call) -> Result:
    """One dimension as long as the first number says."""
    for name in ("n", "window_length"):
        if name in call.config:
            return Tensor((integer(call.config[name]),))
    return Tensor()


def half_length_result(call: Call) -> Result:
    length = integer(call.config["n"])
    return Tensor((length // 2 + 1 if isinstance(length, int) else None,))


def triangle_result(call: Call) -> Result:
    """(2, number of indices in the triangle)."""
    return Tensor((2, _triangle(call)))


def _triangle(call: Call) -> Dim:
    rows, columns, offset = (call.config.get(name) for name in ("row", "col", "offset"))
    if not isinstance(rows, int) or not isinstance(columns, int) or not isinstance(offset, int):
        return None
    if call.config.get("upper"):
        return sum(min(columns, max(0, columns - row - offset)) for row in range(rows))
    return sum(min(columns, max(0, row + offset + 1)) for row in range(rows))


_MAKE = "-out=None, -dtype=None, -layout=None, -device=None, -pin_memory=False, requires_grad=False"
_DRAW = f"-generator=None, {_MAKE}"
_LIKE = "-dtype=None, -layout=None, -device=None, -pin_memory=False, requires_grad=False, -memory_format=None"
_NEW = "-dtype=None, -device=None, requires_grad=False, -layout=None, -pin_memory=False"
_WINDOW = "-dtype=None, -layout=None, -device=None, -pin_memory=False, requires_grad=False"

ENTRIES = (
    Entry(
        "zeros", "create", "all 0", of_size, f"torch.zeros(*size, {_MAKE})\nx.new_zeros(%self, *size, {_NEW})"
    ).having("zeros", "same_numbers", "even"),
    Entry("ones", "create", "all 1", of_size, f"torch.ones(*size, {_MAKE})\nx.new_ones(%self, *size, {_NEW})").having(
        "same_numbers", "even"
    ),
    Entry(
        "empty",
        "create",
        "not filled",
        of_size,
        f"""torch.empty(*size, {_MAKE}, -memory_format=None)
        x.new_empty(%self, *size, {_NEW})
        x.new(%self, *size)
        torch.Tensor torch.FloatTensor torch.DoubleTensor torch.HalfTensor torch.LongTensor torch.IntTensor torch.BoolTensor torch.ByteTensor
        torch.cuda.FloatTensor torch.cuda.LongTensor (*size)""",
    ),
    Entry(
        "full",
        "create",
        "all one value",
        of_size,
        f"torch.full(size, fill_value, *, {_MAKE})\nx.new_full(%self, size, fill_value, *, {_NEW})",
    ).having("same_numbers", "even"),
    Entry("randn", "create", "standard normal numbers", of_size, f"torch.randn(*size, {_DRAW})").having(
        "draws", "draws_signed"
    ),
    Entry("rand", "create", "uniform numbers in [0, 1)", of_size, f"torch.rand(*size, {_DRAW})").having(
        "draws", "never_negative"
    ),
    Entry(
        "randint",
        "create",
        "random integers",
        of_size_or_high,
        f"torch.randint(low=0, high=None, size=None, *, {_DRAW})",
    ).having("labels", "gives_integers"),
    Entry("randperm", "create", "random permutation", length_result, f"torch.randperm(n, *, {_DRAW})").having(
        "gives_integers"
    ),
    Entry(
        "normal",
        "create",
        "normal numbers",
        normal_result,
        f"""torch.normal(%mean=0.0, %std=1.0, size=None, *, {_DRAW})""",
    ).having("draws", "draws_signed"),
    Entry(
        "zeros_like",
        "create",
        "all 0, shaped like x",
        same,
        f"torch.zeros_like(%input, *, {_LIKE})\nx.zero_ torch.zero_ (%input)",
    ).having("shape_alone", "zeros", "even"),
    Entry("ones_like", "create", "all 1, shaped like x", same, f"torch.ones_like(%input, *, {_LIKE})").having(
        "shape_alone", "even"
    ),
    Entry("empty_like", "create", "not filled, shaped like x", same, f"torch.empty_like(%input, *, {_LIKE})").having(
        "shape_alone"
    ),
    Entry(
        "full_like",
        "create",
        "all one value, shaped like x",
        same,
        f"""torch.full_like(%input, fill_value, *, {_LIKE})
        x.fill_ torch.fill_ torch.fill (%input, value)""",
    ).having("shape_alone", "even"),
    Entry(
        "randn_like",
        "create",
        "standard normal numbers, shaped like x",
        same,
        f"torch.randn_like(%input, *, -generator=None, {_LIKE})",
    ).having("shape_alone", "draws", "draws_signed"),
    Entry(
        "rand_like",
        "create",
        "uniform numbers, shaped like x",
        same,
        f"torch.rand_like(%input, *, -generator=None, {_LIKE})",
    ).having("shape_alone", "draws", "never_negative"),
    Entry(
        "randint_like",
        "create",
        "random integers, shaped like x",
        same,
        f"torch.randint_like(%input, low=0, high=None, *, -generator=None, {_LIKE})",
    ).having("shape_alone"),
    Entry(
        "normal_",
        "create",
        "overwrites with normal numbers",
        same,
        "x.normal_(%self, mean=0.0, std=1.0, *, -generator=None)",
    ).having("draws", "shape_alone"),
    Entry(
        "uniform_",
        "create",
        "overwrites with uniform numbers",
        same,
        "x.uniform_(%self, from=0.0, to=1.0, *, -generator=None)",
    ).having("draws", "shape_alone"),
    Entry(
        "log_normal_",
        "create",
        "overwrites with log-normal numbers",
        same,
        "x.log_normal_(%self, mean=1.0, std=2.0, *, -generator=None)",
    ),
    Entry(
        "exponential_",
        "create",
        "overwrites with exponential numbers",
        same,
        "x.exponential_(%self, lambd=1.0, *, -generator=None)",
    ).having("draws"),
    Entry(
        "cauchy_",
        "create",
        "overwrites with Cauchy numbers",
        same,
        "x.cauchy_(%self, median=0.0, sigma=1.0, *, -generator=None)",
    ),
    Entry(
        "geometric_", "create", "overwrites with geometric numbers", same, "x.geometric_(%self, p, *, -generator=None)"
    ),
    Entry(
        "random_",
        "create",
        "overwrites with random integers",
        same,
        "x.random_(%self, from=0, to=None, *, -generator=None)",
    ),
    Entry(
        "bernoulli",
        "create",
        "0 or 1 with the given probability",
        same,
        """torch.bernoulli(%input, *, -generator=None, -out=None)
        x.bernoulli(%input, p=None, *, -generator=None)
        x.bernoulli_(%input, p=0.5, *, -generator=None)""",
    ).having("labels", "never_negative"),
    Entry("poisson", "create", "Poisson numbers", same, "torch.poisson(%input, -generator=None)").having(
        "never_negative"
    ),
    Entry("binomial", "create", "binomial numbers", broadcast_all, "torch.binomial(%count, %prob, -generator=None)"),
    Entry(
        "arange",
        "create",
        "numbers from start to end",
        range_result,
        f"torch.arange(start=0, end=None, step=1, *, {_MAKE})",
    ).having("same_numbers"),
    Entry(
        "linspace",
        "create",
        "numbers at equal distance",
        steps_result,
        f"torch.linspace(%start, %end, steps, *, {_MAKE})",
    ).having("same_numbers"),
    Entry(
        "logspace",
        "create",
        "powers at equal distance",
        steps_result,
        f"torch.logspace(%start, %end, steps, base=10.0, *, {_MAKE})",
    ),
    Entry("eye", "create", "identity matrix", square_result, f"torch.eye(n, m=None, *, {_MAKE})").having(
        "same_numbers"
    ),
    Entry(
        "tensor",
        "create",
        "numbers from Python data",
        of_data,
        """torch.tensor(%data, *, -dtype=None, -device=None, requires_grad=False, -pin_memory=False)
        torch.as_tensor(%data, *, -dtype=None, -device=None)
        torch.scalar_tensor(%data, *, -dtype=None, -layout=None, -device=None, -pin_memory=False, requires_grad=False)
        x.new_tensor(%self, %data, *, -dtype=None, -device=None, requires_grad=False)""",
    ),
    Entry(
        "from_numpy",
        "create",
        "an array of another library",
        unknown,
        """torch.from_numpy(-ndarray)
        torch.from_dlpack(-ext_tensor, *, -device=None, -copy=None)
        torch.frombuffer(-buffer, *, -dtype, count=-1, offset=0, requires_grad=False)
        torch.asarray(-obj, *, -dtype=None, -device=None, -copy=None, requires_grad=False)""",
    ),
    Entry(
        "tril_indices",
        "create",
        "indices of the lower triangle",
        triangle_result,
        "torch.tril_indices(row, col, offset=0, *, -dtype=None, -device=None, -layout=None)",
    ),
    Entry(
        "triu_indices",
        "create",
        "indices of the upper triangle",
        triangle_result,
        "torch.triu_indices(row, col, offset=0, *, -dtype=None, -device=None, -layout=None) | upper=True",
    ),
    Entry(
        "window",
        "create",
        "a window function",
        length_result,
        f"""torch.hann_window torch.bartlett_window torch.blackman_window (window_length, periodic=True, *, {_WINDOW})
        torch.hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, {_WINDOW})
        torch.kaiser_window(window_length, periodic=True, beta=12.0, *, {_WINDOW})""",
    ),
    Entry(
        "fftfreq",
        "create",
        "frequencies of a Fourier transform",
        length_result,
        f"torch.fft.fftfreq(n, d=1.0, *, {_MAKE})",
    ),
    Entry(
        "rfftfreq",
        "create",
        "frequencies of a real Fourier transform",
        half_length_result,
        f"torch.fft.rfftfreq(n, d=1.0, *, {_MAKE})",
    ),
)
