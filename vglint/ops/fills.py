"""How torch fills a tensor, by the names of its functions and methods: with what distribution what they make or overwrite starts."""

from __future__ import annotations

from vglint.graph import Init
from vglint.value import Literal_

SCHEMES: dict[str, tuple[tuple[str, Literal_], ...]] = {
    "uniform": (("a", 0.0), ("b", 1.0)),
    "normal": (("mean", 0.0), ("std", 1.0)),
    "trunc_normal": (("mean", 0.0), ("std", 1.0), ("a", -2.0), ("b", 2.0)),
    "constant": (("val", None),),
    "ones": (),
    "zeros": (),
    "eye": (),
    "dirac": (("groups", 1),),
    "xavier_uniform": (("gain", 1.0),),
    "xavier_normal": (("gain", 1.0),),
    "kaiming_uniform": (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "leaky_relu")),
    "kaiming_normal": (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "leaky_relu")),
    "orthogonal": (("gain", 1.0),),
    "sparse": (("sparsity", None), ("std", 0.01)),
}
"""torch.nn.init's functions without their underscore, arguments after the tensor with defaults."""

CREATED = {
    "zeros": Init("zeros"),
    "zeros_like": Init("zeros"),
    "new_zeros": Init("zeros"),
    "ones": Init("ones"),
    "ones_like": Init("ones"),
    "new_ones": Init("ones"),
    "randn": Init("normal", SCHEMES["normal"]),
    "randn_like": Init("normal", SCHEMES["normal"]),
    "rand": Init("uniform", SCHEMES["uniform"]),
    "rand_like": Init("uniform", SCHEMES["uniform"]),
    "empty": Init("uninitialised"),
    "empty_like": Init("uninitialised"),
    "new_empty": Init("uninitialised"),
    "new": Init("uninitialised"),
    "Tensor": Init("uninitialised"),
    "FloatTensor": Init("uninitialised"),
    "eye": Init("eye"),
}
"""Functions and methods that make a tensor, with its distribution."""
IN_PLACE: dict[str, str] = {
    "normal_": "normal",
    "uniform_": "uniform",
    "fill_": "constant",
    "zero_": "zeros",
    "trunc_normal_": "trunc_normal",
}
"""Tensor methods that overwrite, with the scheme that they mean."""
OVERWRITES = frozenset(
    "copy_ set_ exponential_ bernoulli_ random_ log_normal_ cauchy_ geometric_ index_fill_ masked_fill_ scatter_ erfinv_ add_ sub_ clamp_ pow_ sqrt_ abs_ renorm_ index_copy_".split()
)
"""Tensor methods after which the distribution is not known."""
