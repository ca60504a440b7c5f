"""Models with a fault in their attention: rows of the digits are its positions."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generators.advice_cases.case import Case

HEADS = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x):
        b, n, _ = x.shape
        return {split}

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        scores = {scores}
{mask}        weights = {weights}
        return self.out({join})


class Net(nn.Module):
    def __init__(self, width={width}, heads={heads}):
        super().__init__()
        self.inp = nn.Linear({size}, width)
        self.place = nn.Parameter({spread} * torch.randn({tokens}, width))
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear({tokens} * width, 10)

    def forward(self, x):
        x = self.inp(x.view(-1, {tokens}, {size})) + self.place
        x = x + self.attention(self.norm(x))
        return self.head(self.last(x).flatten(1))
"""
SPLIT = "x.view(b, n, self.heads, self.size).transpose(1, 2)"
SCORES = "q @ k.transpose(-2, -1) / self.size ** 0.5"
WEIGHTS = "torch.softmax(scores, dim=-1)"
JOIN = "(weights @ v).transpose(1, 2).reshape(b, n, -1)"


def attention(
    rule: str,
    name: str,
    *advised: tuple[str, str],
    split: str = SPLIT,
    scores: str = SCORES,
    weights: str = WEIGHTS,
    join: str = JOIN,
    mask: str = "",
    width: int = 64,
    heads: int = 4,
    tokens: int = 8,
    spread: float = 0.5,
) -> Case:
    """Returns a case of one layer of attention."""
    text = HEADS.format(
        split=split, scores=scores, weights=weights, join=join, mask=mask and f"        {mask}\n",
        width=width, heads=heads, tokens=tokens, size=64 // tokens, spread=spread,
    )  # fmt: skip
    return Case(rule, name, text, advised)


def attentions() -> Iterator[Case]:
    """Yields the cases of rules about attention."""
    bare = "q @ k.transpose(-2, -1)"
    for width, heads, tokens in ((128, 2, 8), (256, 4, 8), (128, 1, 16), (256, 1, 8)):
        name = f"{heads} heads of {width // heads}, {tokens} positions"
        yield attention("VG601", name, (bare, f"{bare} / self.size ** 0.5"), scores=bare, width=width, heads=heads, tokens=tokens)  # fmt: skip
    up = "q @ k.transpose(-2, -1) * self.size ** 0.5"
    for width, heads in ((64, 4), (128, 2)):
        yield attention("VG602", f"scores times the root of {width // heads}", (up, SCORES), scores=up, width=width, heads=heads)  # fmt: skip
    after = "torch.softmax(scores, dim=-1) / self.size ** 0.5"
    for width, heads in ((64, 4), (128, 2)):
        edits = (f"scores = {bare}", f"scores = {SCORES}"), (after, WEIGHTS)
        yield attention("VG602", f"weights divided by the root of {width // heads}", *edits, scores=bare, weights=after, width=width, heads=heads)  # fmt: skip
    wide = "q @ k.transpose(-2, -1) / {0}"
    for width, heads, root in ((64, 4, "64 ** 0.5"), (64, 8, "8.0"), (128, 8, "128 ** 0.5"), (128, 4, "128 ** 0.5")):
        faulty = wide.format(root)
        yield attention("VG604", f"{heads} heads, divided by the root of {width}", (faulty, wide.format("q.size(-1) ** 0.5")), scores=faulty, width=width, heads=heads)  # fmt: skip
    hidden = "scores = scores.masked_fill({0}, float('-inf'))"
    finite = "scores = scores.masked_fill({0}, torch.finfo(scores.dtype).min)"
    for name, where in (
        ("keys that are padding", "(x[..., 0] < 0)[:, None, None, :].expand(b, self.heads, n, n)"),
        ("rows without ink", "(x.mean(-1) < 0)[:, None, None, :].expand_as(scores)"),
        ("queries that are padding", "(x[..., 0] < 0)[:, None, :, None]"),
        ("what is not kept", "~(x.sum(-1) > 0)[:, None, :, None]"),
    ):
        yield attention("VG605", name, (hidden.format(where), finite.format(where)), mask=hidden.format(where))
    for axis, name in ((0, "samples"), (1, "heads"), (2, "queries")):
        faulty = f"torch.softmax(scores, dim={axis})"
        yield attention("VG606", f"softmax over the {name}", (faulty, WEIGHTS), weights=faulty)
    yield attention("VG606", "softmax over the queries, .softmax(-2)", ("scores.softmax(-2)", "scores.softmax(-1)"), weights="scores.softmax(-2)")  # fmt: skip
    viewed = "x.view(b, self.heads, n, self.size)"
    for width, heads in ((64, 4), (32, 2)):
        yield attention("VG607", f"{heads} heads split by a view", (viewed, SPLIT), split=viewed, width=width, heads=heads)  # fmt: skip
    joined = "(weights @ v).reshape(b, n, -1)"
    for width, heads in ((64, 4), (32, 2)):
        yield attention("VG607", f"{heads} heads joined by a view", (joined, JOIN), join=joined, width=width, heads=heads)  # fmt: skip
    for layers, act, width, heads in ((12, "relu", 16, 2), (12, "gelu", 16, 2), (18, "relu", 16, 2), (18, "gelu", 32, 4)):  # fmt: skip
        text = ENCODER.format(layers=layers, act=act, width=width, heads=heads)
        edit = ("batch_first=True", "batch_first=True, norm_first=True")
        yield Case("VG603", f"{layers} layers of {width}, {act}", text, (edit,))


ENCODER = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width={width}):
        super().__init__()
        self.inp = nn.Linear(8, width)
        self.place = nn.Parameter(0.1 * torch.randn(8, width))
        layer = nn.TransformerEncoderLayer(width, {heads}, 2 * width, 0.0, "{act}", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, {layers}, enable_nested_tensor=False)
        self.head = nn.Linear(8 * width, 10)

    def forward(self, x):
        x = self.inp(x.view(-1, 8, 8)) + self.place
        return self.head(self.encoder(x).flatten(1))
"""
