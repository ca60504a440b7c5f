"""Images that are folded, warped or shifted, bounded weights, learned temperatures and log-probabilities: models for `test_unseen_kinds`."""

from __future__ import annotations

FOLDED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(64, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x):
        return self.out(torch.relu(self.k(F.pixel_unshuffle(torch.relu(self.q(x)), 2))))
"""
WARPED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x):
        step = torch.linspace(-0.9, 0.9, 15)
        grid = torch.stack(torch.meshgrid(step, step, indexing="ij"), -1).flip(-1).expand(x.shape[0], -1, -1, -1)
        return self.out(torch.relu(self.k(F.grid_sample(torch.relu(self.q(x)), grid, align_corners=False))))
"""
SHIFTED = """
class Net(nn.Module):
    def __init__(self, mean=(0.45, 0.44, 0.4)):
        super().__init__()
        self.mean = torch.Tensor(mean).view(1, 3, 1, 1)
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, x):
        return self.out(torch.relu(self.k(torch.relu(self.q(x - self.mean))))) + self.mean
"""
BOUNDED = """
class Bounded(nn.Linear):
    def forward(self, x):
        self.weight.data = torch.renorm(self.weight.data, p=2, dim=0, maxnorm=0.25)
        return super().forward(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 64), Bounded(64, 64), Bounded(64, 64), nn.Linear(64, 8)

    def forward(self, x):
        return self.out(torch.relu(self.v(torch.relu(self.k(torch.relu(self.q(x)))))))
"""
TEMPERED = """
class Net(nn.Module):
    def __init__(self, size=64, heads=4):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(size, size) for _ in range(4))
        self.heat = nn.Parameter(torch.log(10 * torch.ones(heads, 1, 1)))

    def forward(self, x):
        batch, length, size = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in (self.q(x), self.k(x), self.v(x)))
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        weights = (scores * torch.clamp(self.heat, max=math.log(100.0)).exp()).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, size))
"""
SCALED_FILL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 8)
        for layer in (self.k, self.v):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= 0.1

    def forward(self, x):
        return self.out(torch.relu(self.v(torch.relu(self.k(torch.relu(self.q(x)))))))
"""
CHOSEN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(8, 64), nn.Linear(64, 64), nn.Linear(64, 5)

    def forward(self, x):
        y = self.out(torch.tanh(self.k(torch.tanh(self.q(x)))))
        return torch.distributions.Categorical(logits=y).log_prob(x[:, 0].round().abs().clamp(max=4))
"""
PATCHES = """
class Net(nn.Module):
    def __init__(self, size=32, patch=64):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Conv2d(3, size, patch, patch), nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, size)
        self.places = nn.Parameter(torch.zeros(1, 36, size))
        self.norms = nn.ModuleList([nn.LayerNorm(size) for _ in range(2)])

    def forward(self, x):
        x = self.q(x).flatten(2).transpose(-1, -2) + self.places
        x = x + self.k(self.norms[0](x))
        x = x + self.v(self.norms[1](x))
        return self.out(x)
"""
MEAN_SHIFT = """
class Shift(nn.Conv2d):
    def __init__(self, mean, std, sign=-1):
        super().__init__(3, 3, 1)
        std = torch.Tensor(std)
        self.weight.data = torch.eye(3).view(3, 3, 1, 1)
        self.weight.data.div_(std.view(3, 1, 1, 1))
        self.bias.data = sign * torch.Tensor(mean)
        self.bias.data.div_(std)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = Shift((0.45, 0.44, 0.4), (1.0, 1.0, 1.0))
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 3, 3, padding=1)
        self.back = Shift((0.45, 0.44, 0.4), (1.0, 1.0, 1.0), 1)

    def forward(self, x):
        return self.back(self.out(torch.relu(self.k(torch.relu(self.q(self.shift(x)))))))
"""
UNKNOWN_BEHIND = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 128), nn.Linear(128, 128), nn.Linear(128, 128)
        self.mean, self.spread = nn.Linear(128, 64), nn.Linear(128, 64)

    def forward(self, x):
        y = torch.tanh(self.out(torch.relu(self.k(torch.relu(self.q(x))))))
        mean, spread = self.mean(y), torch.exp(self.spread(y)) + 1e-4
        return mean + torch.randn(64) * (spread * (1 + mean**2)).sqrt()
"""
POOLED_UP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3, stride=2), nn.Linear(16 * 36, 32)
        self.pool = nn.AdaptiveAvgPool2d(6)

    def forward(self, x):
        return self.out(torch.flatten(self.pool(torch.relu(self.k(torch.relu(self.q(x))))), 1))
"""
NOISY = """
class Net(nn.Module):
    def __init__(self, size=64):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, 8)

    def forward(self, x):
        x = torch.relu(self.q(x))
        x = self.k(x + torch.empty_like(x).uniform_(-0.5, 0.5))
        seen = x > 0.3
        return self.out(x * (~seen) + 0.5 * x * seen)
"""

OVERLAPPING = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 1)
        self.v, self.out = nn.Conv2d(64, 64, 1), nn.Conv2d(64, 16, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(64) for _ in range(3))

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.norms[0](self.q(x))), 5, 2, 2)
        x = F.avg_pool2d(torch.relu(self.norms[1](self.k(x))), 8)
        return self.out(torch.relu(self.norms[2](self.v(x))))
"""
"""What windows that overlap have in common, a mean over neighbours keeps."""
_WINDOWS = """
from einops import rearrange


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 1), nn.Conv2d(64, 16, 1)

    def forward(self, x):
        x = self.q(x)
        x = x + self.k(x.mean((2, 3), keepdim=True))
        return self.out({windows}).mean((2, 3))
"""
"""A gradient that all windows share: of positions in one window, each has its own."""
CASES = {
    "pools whose windows overlap": (OVERLAPPING, ["32,3,64,64"]),
    "windows that become channels": (
        _WINDOWS.format(windows="F.unfold(x, 2, stride=2).view(8, 64, 8, 8)"),
        ["8,3,16,16"],
    ),
    "overlapping windows": (
        _WINDOWS.format(windows="F.unfold(x, 2, padding=1, stride=1).view(8, 64, 17, 17)"),
        ["8,3,16,16"],
    ),
    "blocks that torch makes channels": (_WINDOWS.format(windows="F.pixel_unshuffle(x, 2)"), ["8,3,16,16"]),
    "blocks that einops makes channels": (
        _WINDOWS.format(windows="rearrange(x, 'b c (h p) (w q) -> b (c p q) h w', p=2, q=2)"),
        ["8,3,16,16"],
    ),
    "a pool to more places than there are": (POOLED_UP, ["64,3,7,7"]),
    "what is not known stands behind two heads": (UNKNOWN_BEHIND, ["256,32"]),
    "patches and places": (PATCHES, ["2,3,384,384"]),
    "a layer that shifts means": (MEAN_SHIFT, ["8,3,16,16"]),
    "blocks that become channels": (FOLDED, ["8,3,16,16"]),
    "a grid that is warped": (WARPED, ["8,3,16,16"]),
    "a mean that is a list": (SHIFTED, ["8,3,16,16"]),
    "weights of bounded norm": (BOUNDED, ["256,32"]),
    "a temperature that is learned": (TEMPERED, ["8,24,64"]),
    "a weight that is scaled where it lies": (SCALED_FILL, ["256,32"]),
    "the log-probability of a class": (CHOSEN, ["256,8"]),
    "noise and the two sides of a mask": (NOISY, ["256,64"]),
}
