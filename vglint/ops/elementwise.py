"""Arithmetic of one tensor, element by element."""

from __future__ import annotations

from vglint.ops.entry import Entry
from vglint.ops.shapes import broadcast_all, first, same
from vglint.ops.spec import Call, Result, Tensor
from vglint.ops.traits import Trait

_UNARY = {
    "abs": "|x|",
    "neg": "-x",
    "exp": "eˣ",
    "exp2": "2ˣ",
    "expm1": "eˣ - 1",
    "log": "natural logarithm",
    "log1p": "log(1 + x)",
    "log2": "logarithm to base 2",
    "log10": "logarithm to base 10",
    "sqrt": "√x",
    "rsqrt": "1 / √x",
    "square": "x²",
    "reciprocal": "1 / x",
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "asin": "inverse sine",
    "acos": "inverse cosine",
    "atan": "inverse tangent",
    "sinh": "hyperbolic sine",
    "cosh": "hyperbolic cosine",
    "asinh": "inverse hyperbolic sine",
    "acosh": "inverse hyperbolic cosine",
    "atanh": "inverse hyperbolic tangent",
    "erf": "error function",
    "erfc": "1 - erf(x)",
    "erfinv": "inverse error function",
    "lgamma": "logarithm of the gamma function",
    "digamma": "derivative of lgamma",
    "frac": "x - trunc(x)",
    "deg2rad": "degrees to radians",
    "rad2deg": "radians to degrees",
    "sinc": "sin(πx) / (πx)",
    "i0": "modified Bessel function of order 0",
}
"""Ops that exist as torch.f, torch.f_, x.f and x.f_, with their formula."""

_ALIASES = {
    "abs": "torch.absolute x.absolute x.absolute_",
    "neg": "torch.negative torch.negative_ x.negative x.negative_",
    "asin": "torch.arcsin torch.arcsin_ x.arcsin x.arcsin_",
    "acos": "torch.arccos torch.arccos_ x.arccos x.arccos_",
    "atan": "torch.arctan torch.arctan_ x.arctan x.arctan_",
    "asinh": "torch.arcsinh torch.arcsinh_ x.arcsinh x.arcsinh_",
    "acosh": "torch.arccosh torch.arccosh_ x.arccosh x.arccosh_",
    "atanh": "torch.arctanh torch.arctanh_ x.arctanh x.arctanh_",
    "exp2": "torch.special.exp2",
    "expm1": "torch.special.expm1",
    "log1p": "torch.special.log1p",
    "erf": "torch.special.erf",
    "erfc": "torch.special.erfc",
    "erfinv": "torch.special.erfinv",
    "lgamma": "torch.special.gammaln",
    "digamma": "torch.special.digamma torch.special.psi",
    "sinc": "torch.special.sinc",
    "i0": "torch.special.i0",
}

_TRAITS: dict[str, tuple[Trait, ...]] = {
    "neg": ("affine", "either_sign"),
    "sqrt": ("rescales", "roots", "keeps_positive", "singular"),
    "square": ("squares", "bends", "keeps_positive", "never_negative"),
    "rsqrt": ("roots", "singular"),
    "log": ("logarithm", "logs", "singular"),
    "log2": ("logarithm", "logs", "singular"),
    "log10": ("logarithm", "logs", "singular"),
    "sin": ("bends", "waves", "flattens", "either_sign"),
    "cos": ("bends", "waves", "flattens", "either_sign"),
    "erf": ("bends", "flattens"),
    "exp": ("bends", "positive"),
    "abs": ("bends", "keeps_positive", "rectifies"),
    "atan": ("bends", "flattens", "either_sign"),
    "exp2": ("positive",),
    "cosh": ("positive",),
    "asinh": ("either_sign",),
    "acos": ("singular",),
    "asin": ("singular",),
    "atanh": ("singular",),
    "reciprocal": ("singular",),
}

_SPECIAL = {
    "entr": "-x log x",
    "erfcx": "exp(x²) erfc(x)",
    "i0e": "exponentially scaled modified Bessel function of order 0",
    "i1": "modified Bessel function of order 1",
    "i1e": "exponentially scaled modified Bessel function of order 1",
    "ndtr": "standard normal distribution function",
    "ndtri": "inverse of ndtr",
    "log_ndtr": "log(ndtr(x))",
}


def with_last_two(call: Call) -> Result:
    """A complex tensor as pairs of reals."""
    shape = first(call)
    return Tensor(None if shape is None else (*shape, 2))


def without_last_two(call: Call) -> Result:
    """Pairs of reals as a complex tensor."""
    shape = first(call)
    return Tensor(None if shape is None else shape[:-1])


def _unary(name: str, summary: str) -> Entry:
    in_place = "" if name in ("lgamma", "digamma", "erfinv") else f"torch.{name}_ "
    spellings = f"torch.{name} {in_place}x.{name} x.{name}_ {_ALIASES.get(name, '')} (%input, *, -out=None)"
    return Entry(name, "elementwise", summary, same, spellings).having(*_TRAITS.get(name, ()))


ENTRIES = (
    *(_unary(name, summary) for name, summary in _UNARY.items()),
    *(
        Entry(name, "elementwise", summary, same, f"torch.special.{name}(%input, *, -out=None)")
        for name, summary in _SPECIAL.items()
    ),
    Entry(
        "positive",
        "elementwise",
        "x itself",
        same,
        """torch.positive x.positive (%input)""",
    ),
    Entry(
        "logit",
        "elementwise",
        "log(x / (1 - x))",
        same,
        """torch.logit torch.special.logit x.logit (%input, eps=None, *, -out=None)
        torch.logit_ x.logit_ (%input, eps=None)""",
    ),
    Entry(
        "polygamma",
        "elementwise",
        "nth derivative of digamma",
        same,
        """torch.polygamma torch.special.polygamma (n, %input, *, -out=None)
        x.polygamma x.polygamma_ (%input, n)""",
    ),
    Entry(
        "mvlgamma",
        "elementwise",
        "logarithm of the multivariate gamma function",
        same,
        """torch.mvlgamma torch.special.multigammaln x.mvlgamma x.mvlgamma_ (%input, p, *, -out=None)""",
    ),
    Entry(
        "clamp",
        "elementwise",
        "x clipped to [min, max]",
        broadcast_all,
        """torch.clamp torch.clamp_ torch.clip torch.clip_ x.clamp x.clamp_ x.clip x.clip_ (%input, %min=None, %max=None, *, -out=None)""",
    ).having("carries_terms", "bends", "floors", "caps", "clamps"),
    Entry(
        "clamp_min",
        "elementwise",
        "max(x, min)",
        broadcast_all,
        """torch.clamp_min torch.clamp_min_ x.clamp_min x.clamp_min_ (%input, %min, *, -out=None)""",
    ).having("floors", "clamps"),
    Entry(
        "clamp_max",
        "elementwise",
        "min(x, max)",
        broadcast_all,
        """torch.clamp_max torch.clamp_max_ x.clamp_max x.clamp_max_ (%input, %max, *, -out=None)""",
    ).having("caps", "clamps"),
    Entry(
        "pow",
        "elementwise",
        "x to the power of the exponent",
        broadcast_all,
        """torch.pow x.pow x.pow_ (%input, %exponent, *, -out=None)
        torch.float_power x.float_power (%input, %exponent, *, -out=None)""",
    ).having("rescales", "squares", "roots", "bends", "keeps_positive"),
    Entry(
        "nan_to_num",
        "elementwise",
        "replaces what is not finite",
        same,
        """torch.nan_to_num torch.nan_to_num_ x.nan_to_num x.nan_to_num_ (%input, nan=None, posinf=None, neginf=None, *, -out=None)""",
    ).having("floors"),
    Entry(
        "conj",
        "elementwise",
        "complex conjugate",
        same,
        """torch.conj torch.conj_physical torch.resolve_conj torch.resolve_neg x.conj x.conj_physical x.resolve_conj x.resolve_neg (%input)""",
    ),
    Entry(
        "real",
        "elementwise",
        "real part",
        same,
        """torch.real x:real (%input)""",
    ).having("complex_part", "makes_real"),
    Entry(
        "imag",
        "elementwise",
        "imaginary part",
        same,
        """torch.imag x:imag (%input)""",
    ).having("complex_part", "makes_real"),
    Entry(
        "angle",
        "elementwise",
        "argument of a complex number",
        same,
        """torch.angle x.angle (%input, *, -out=None)""",
    ),
    Entry(
        "view_as_real",
        "shape",
        "complex numbers as pairs of reals",
        with_last_two,
        """torch.view_as_real(%input)""",
    ).having("makes_real"),
    Entry(
        "view_as_complex",
        "shape",
        "pairs of reals as complex numbers",
        without_last_two,
        """torch.view_as_complex(%input)""",
    ).having("makes_complex"),
)
