"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable

from vglint.ops.entry import Entry
from vglint.ops.shapes import add, axis, first, floor_divide, integer, multiply, replace, same, unknown
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape


def transform(call: Call) -> Result:
    """Complex to complex: the given sizes along the dimensions transformed."""
    return Tensor(_resized(call, lambda size: size))


def to_half(call: Call) -> Result:
    """Real to half-complex: n // 2 + 1 along the last dimension transformed."""
    return Tensor(_resized(call, lambda size: add(floor_divide(size, 2), 1)))


def from_half(call: Call) -> Result:
    """Half-complex to real: 2 (m - 1) along the last dimension transformed, where its size is not given."""
    if call.config.get("n") is not None or call.config.get("s") is not None:
        return transform(call)
    return Tensor(_resized(call, lambda size: multiply((2, add(size, -1)))))


def _resized(call: Call, last: Callable[[Dim], Dim]) -> Shape | None:
    shape, config = first(call), call.config
    if shape is None:
        return None
    lengths = config.get("s", config.get("n"))
    lengths = lengths if lengths is None or isinstance(lengths, tuple) else (lengths,)
    dim = config.get("dim")
    if isinstance(dim, tuple):
        dims = [axis(item, len(shape)) for item in dim]
    elif dim is None:
        dims = list(range(len(shape)))[-len(lengths) :] if lengths else list(range(len(shape)))
    else:
        dims = [axis(dim, len(shape))]
    if lengths is not None:
        for place, length in zip(dims, lengths, strict=True):
            shape = replace(shape, place, integer(length))
    return replace(shape, dims[-1], last(shape[dims[-1]]))


_ONE = "(%input, n=None, dim=-1, norm=None, *, -out=None)"
_TWO = "(%input, s=None, dim=(-2, -1), norm=None, *, -out=None)"
_ALL = "(%input, s=None, dim=None, norm=None, *, -out=None)"


def _fft(name: str, summary: str, rule: Callable[[Call], Result]) -> Entry:
    spellings = f"torch.fft.{name} {_ONE}\ntorch.fft.{name}2 {_TWO}\ntorch.fft.{name}n {_ALL}"
    return Entry(name, "other", summary, rule, spellings)


_STFT = "n_fft, hop_length=None, win_length=None, %window=None, center=True"

ENTRIES = (
    _fft("fft", "Fourier transform", transform).having("makes_complex"),
    _fft("ifft", "inverse Fourier transform", transform).having("makes_complex"),
    _fft("rfft", "Fourier transform of real numbers", to_half).having("makes_complex"),
    _fft("irfft", "inverse Fourier transform to real numbers", from_half).having("makes_real"),
    _fft("hfft", "Fourier transform of a Hermitian signal", from_half),
    _fft("ihfft", "inverse of hfft", to_half),
    Entry("fftshift", "shape", "zero frequency to the middle", same, "torch.fft.fftshift(%input, dim=None)"),
    Entry("ifftshift", "shape", "inverse of fftshift", same, "torch.fft.ifftshift(%input, dim=None)"),
    Entry(
        "stft",
        "other",
        "short-time Fourier transform",
        unknown,
        f"""torch.stft x.stft (%input, {_STFT}, pad_mode='reflect', normalized=False, onesided=None, return_complex=None,
            align_to_window=None)""",
    ),
    Entry(
        "istft",
        "other",
        "inverse short-time Fourier transform",
        unknown,
        f"torch.istft x.istft (%input, {_STFT}, normalized=False, onesided=None, length=None, return_complex=False)",
    ),
)
