"""Series cut into patches, class tokens that are packed and taken out again, of one and of two dimensions: models for `test_unseen_kinds`."""

from __future__ import annotations

SERIES = """
from einops import pack, repeat, unpack
from einops.layers.torch import Rearrange


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.q, self.first = Rearrange("b c (n p) -> b n (p c)", p=8), nn.Linear(24, 32), nn.LayerNorm(32)
        self.token = nn.Parameter(torch.randn(32))
        self.k, self.w, self.v, self.out = (nn.Linear(32, 32) for _ in range(4))
        self.last = nn.LayerNorm(32)

    def forward(self, x):
        x = self.first(self.q(self.patches(x)))
        token = repeat(self.token, "d -> b d", b=x.shape[0])
        x, shapes = pack([token, x], "b * d")
        scores = torch.softmax(self.k(x) @ self.w(x).transpose(1, 2) / 32**0.5, dim=-1)
        x = self.last(x + scores @ self.v(x))
        token, _ = unpack(x, shapes, "b * d")
        return self.out(token)
"""
FRAMES = """
from einops import rearrange


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.first, self.last, self.out = nn.Linear(16, 32), nn.LayerNorm(32), nn.LayerNorm(32), nn.Linear(32, 32)
        self.k, self.w, self.v = (nn.Linear(32, 32) for _ in range(3))
        self.token = nn.Parameter(torch.randn(1, 1, 1, 32))

    def forward(self, x):
        b, f, n, _ = x.shape
        x = self.first(self.q(x))
        x = torch.cat((self.token.expand(b, f, 1, 32), x), dim=2)
        x = rearrange(x, "b f n d -> (b f) n d")
        scores = torch.softmax(self.k(x) @ self.w(x).transpose(1, 2) / 32**0.5, dim=-1)
        x = self.last(x + scores @ self.v(x))
        x = rearrange(x, "(b f) n d -> b f n d", b=b)
        return self.out(x[:, :, 0])
"""
TOKENS_OF_CHANNELS = """
from einops import pack, reduce, repeat, unpack
from einops.layers.torch import Rearrange


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.apart = nn.Parameter(torch.randn(1, 96)), Rearrange("b n (k d) -> b (n k) d", k=3)
        self.q, self.first = nn.Linear(16, 32), nn.LayerNorm(32)
        self.k, self.w, self.v = (nn.Linear(32, 32) for _ in range(3))
        self.last, self.out = nn.LayerNorm(32), nn.Linear(32, 32)

    def forward(self, x):
        x = self.first(self.q(x))
        tokens = self.apart(repeat(self.token, "n d -> b n d", b=x.shape[0]))
        x, shapes = pack([tokens, x], "b * d")
        scores = torch.softmax(self.k(x) @ self.w(x).transpose(1, 2) / 32**0.5, dim=-1)
        x = self.last(x + scores @ self.v(x))
        tokens, x = unpack(x, shapes, "b * d")
        return reduce(self.out(tokens), "b n d -> b d", "mean")
"""
CASES = {
    "a class token beside patches of a series": (SERIES, ["8,3,64"]),
    "a class token of each frame": (FRAMES, ["4,3,9,16"]),
    "tokens that channels make": (TOKENS_OF_CHANNELS, ["8,12,16"]),
}
