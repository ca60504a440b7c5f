"""Fourier transforms, low-rank weights, linear attention and class tokens, between two layers whose gradients are compared."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Ends(nn.Module):
    def __init__(self, middle, width=32):
        super().__init__()
        self.a = nn.Linear(16, width)
        self.middle = middle
        self.b = nn.Linear(width, width)
        self.c = nn.Linear(width, 4)

    def forward(self, x):
        return self.c(torch.tanh(self.b(self.middle(self.a(x)))))


class Spectral(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.w = nn.Parameter(torch.randn(width, width, dtype=torch.cfloat) / width)

    def forward(self, x):
        spectrum = torch.fft.rfft(x, dim=1)
        return torch.fft.irfft(torch.einsum("bnd,de->bne", spectrum, self.w), n=x.shape[1], dim=1)


class Mixing(nn.Module):
    def forward(self, x):
        return torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real


class Filter(nn.Module):
    def __init__(self, width=32, length=20):
        super().__init__()
        self.w = nn.Parameter(torch.randn(length // 2 + 1, width, 2) * 0.02)

    def forward(self, x):
        spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
        return torch.fft.irfft(spectrum * torch.view_as_complex(self.w), n=x.shape[1], dim=1, norm="ortho") + x


class Adapted(nn.Module):
    def __init__(self, width=32, rank=4, std=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, width))
        self.down = nn.Parameter(torch.empty(rank, width))
        self.up = nn.Parameter(torch.empty(width, rank))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))
        nn.init.normal_(self.up, std=std)
        self.scale = 8 / rank

    def forward(self, x):
        return F.relu(F.linear(x, self.weight + self.scale * (self.up @ self.down)))


class Softened(nn.Module):
    """Queries that are shares of their channels, keys that are shares of their positions."""

    def __init__(self, width=32, heads=4, by_letters=False):
        super().__init__()
        self.heads, self.by_letters = heads, by_letters
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k = q.softmax(dim=-1), k.softmax(dim=-2)
        if self.by_letters:
            found = torch.einsum("bhnd,bhde->bhne", q, torch.einsum("bhnd,bhne->bhde", k, v))
        else:
            found = q @ (k.transpose(-2, -1) @ v)
        return self.out(found.transpose(1, 2).reshape(b, n, d))


class Positive(nn.Module):
    """Features that are never negative, divided by what they add up to (Katharopoulos et al. 2020)."""

    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        b, n, d = x.shape
        q = F.elu(self.q(x)).reshape(b, n, self.heads, -1) + 1
        k = F.elu(self.k(x)).reshape(b, n, self.heads, -1) + 1
        v = self.v(x).reshape(b, n, self.heads, -1)
        kv = torch.einsum("nshd,nshm->nhmd", k, v)
        z = 1 / (torch.einsum("nlhd,nhd->nlh", q, k.sum(dim=1)) + 1e-6)
        return self.out(torch.einsum("nlhd,nhmd,nlh->nlhm", q, kv, z).reshape(b, n, d))


class Summed(nn.Module):
    def forward(self, x):
        return torch.cumsum(x, dim=1)


class Token(nn.Module):
    """A class token in front of torch's own attention, whose output alone is used."""

    def __init__(self, width=32, whole=True):
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, batch_first=True, dropout=0.0)
        self.attention = nn.TransformerEncoder(layer, 2) if whole else nn.MultiheadAttention(width, 4, batch_first=True)
        self.whole = whole

    def forward(self, x):
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        x = self.attention(x) if self.whole else x + self.attention(x, x, x)[0]
        return x[:, 0]
