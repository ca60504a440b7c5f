"""What a complaint of torch tells about the shape that a model wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from vglint.probe.candidate import BATCH, Candidate

_VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
_PRODUCT = re.compile(
    r"(?:cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)|got \[(\d+), (\d+)\] ?[xX] ?\[(\d+), (\d+)\])"
)
_CHANNELS = re.compile(r"expected input\[[\d, ]+\] to have (\d+) channels")
_UNPACK = re.compile(r"(?:too many values to unpack \(expected (\d+)|not enough values to unpack \(expected (\d+))")
_NORM = re.compile(
    r"normalized_shape=\[([\d, ]+)\]|running_mean should contain (\d+) elements|expected input with shape \[\*, (\d+)\]"
)
_RANK = re.compile(r"(?:Expected (\d)-D tensors, but got|expected (\d) dims)")
_SMALL = re.compile(r"[Oo]utput size is too small|Kernel size can't be greater than actual input size")
_LONGEST = 512
_INTEGERS = ("scalar type Long", "scalar types: Long", "int32/int64", "tensors used as indices")


def hinted(complaint: str, choice: Sequence[Candidate]) -> Iterator[tuple[Candidate, ...]]:
    """Yields choices in which one argument is changed as the complaint suggests; what it suggests may be wrong."""
    for position, candidate in enumerate(choice):
        for other in _variants(complaint, candidate):
            if other != candidate:
                yield (*choice[:position], other, *choice[position + 1 :])


def _variants(complaint: str, given: Candidate) -> Iterator[Candidate]:
    if found := _VIEW.search(complaint):
        yield from _of_view([int(part) for part in found[1].split(",")], int(found[2]), given)
    if found := _PRODUCT.search(complaint):
        have, want = (int(found[2] or found[6]), int(found[3] or found[7]))
        yield from _of_product(have, want, given)
    if (found := _CHANNELS.search(complaint)) and len(given.shape) > 1:
        yield replace(given, shape=(given.shape[0], int(found[1]), *given.shape[2:]))
    if _SMALL.search(complaint) and given.high is None and len(given.shape) > 2 and given.shape[2] < _LONGEST:
        yield replace(given, shape=(*given.shape[:2], *(2 * size for size in given.shape[2:])))
    if found := _UNPACK.search(complaint):
        rank = int(found[1] or found[2])
        width = given.shape[1] if len(given.shape) == 4 else given.shape[-1]
        yield from _of_rank(rank, width, given)
    if found := _NORM.search(complaint):
        width = int(found[1].split(",")[-1]) if found[1] else int(found[2] or found[3])
        yield replace(given, shape=(*given.shape[:-1], width))
    if given.high is None and any(text in complaint for text in _INTEGERS):
        yield Candidate(given.shape[:-1] if len(given.shape) > 2 else given.shape, 2)
        yield Candidate(given.shape[:1], 2)
    if "out of bounds for dimension 0" in complaint and given.batch == 0 and len(given.shape) == 3:
        yield Candidate((given.shape[1], BATCH, given.shape[2]), given.high, 1)
    if "out of bounds for dimension 0" in complaint and given.batch == 1 and given.shape[0] < _LONGEST:
        yield replace(given, shape=(2 * given.shape[0], *given.shape[1:]))
    if found := _RANK.search(complaint):
        width = given.shape[-1]
        yield from _of_rank(int(found[1] or found[2]), width, given)


def _of_view(sizes: list[int], count: int, given: Candidate) -> Iterator[Candidate]:
    """`x.view(-1, 100, 8)` wants 800 numbers a sample; `x.view(8, 64, 256)` wants a batch of 8."""
    inner = sizes[1:] if len(sizes) > 1 else sizes
    if all(size > 0 for size in inner):
        fixed = sizes[0] > 0 and len(sizes) > 1
        batch = sizes[0] if fixed else BATCH
        yield Candidate((batch, *inner), given.high, fixed=fixed)
        yield Candidate((batch, math.prod(inner)), given.high, fixed=fixed)
        if len(given.shape) > 2:
            yield from _scaled(given, math.prod(inner) / (count / BATCH))


def _of_product(have: int, want: int, given: Candidate) -> Iterator[Candidate]:
    if given.shape[-1] == have:
        yield replace(given, shape=(*given.shape[:-1], want))
    if len(given.shape) > 2:
        yield from _scaled(given, want / have)
    elif given.shape[-1] != have:
        yield replace(given, shape=(*given.shape[:-1], want))


def _scaled(given: Candidate, factor: float) -> Iterator[Candidate]:
    """Yields maps and sequences about `factor` times as large."""
    dims = len(given.shape) - 2
    if dims < 1 or factor <= 0:
        return
    size = given.shape[2]
    for guess in dict.fromkeys(round(size * factor ** (1 / dims)) + shift for shift in (0, 4, -4, 2, -2, 8, -8, 1, -1)):
        if 0 < guess <= 1024:
            yield replace(given, shape=(*given.shape[:2], *[guess] * dims))


def _of_rank(rank: int, width: int, given: Candidate) -> Iterator[Candidate]:
    match rank:
        case 2:
            yield Candidate((BATCH, 16), given.high)
        case 3:
            yield Candidate((BATCH, 16, width), given.high)
        case 4:
            yield Candidate((BATCH, 3, 32, 32), given.high)
            yield Candidate((BATCH, width, 16, 16), given.high)
        case 5:
            yield Candidate((BATCH, 3, 8, 32, 32), given.high)
