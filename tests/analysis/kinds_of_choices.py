"""Weights over positions and over stacked tensors, the largest of several channels, rounded signals, tables: models for `test_unseen_kinds`."""

from __future__ import annotations

POOLED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out, self.score = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 16), nn.Linear(64, 1)

    def forward(self, x):
        h = torch.relu(self.k(torch.relu(self.q(x))))
        weights = torch.softmax(self.score(h), dim=1)
        return self.out((weights * h).sum(1))
"""
POOLED_BY_PRODUCT = POOLED.replace("(weights * h).sum(1)", "torch.bmm(weights.transpose(1, 2), h).squeeze(1)")
EXPERTS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.out = nn.Linear(32, 64), nn.Linear(64, 16)
        self.gate, self.experts = nn.Linear(64, 3), nn.ModuleList([nn.Linear(64, 64) for _ in range(3)])

    def forward(self, x):
        h = torch.tanh(self.q(x))
        each = torch.stack([expert(h) for expert in self.experts], dim=1)
        weights = torch.softmax(self.gate(h), dim=-1).unsqueeze(-1)
        return self.out((weights * each).sum(dim=1))
"""
BRANCHES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.out = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 8, 1)
        self.each = nn.ModuleList([nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()) for _ in range(2)])
        self.k, self.scores = nn.Linear(16, 8), nn.ModuleList([nn.Linear(8, 16) for _ in range(2)])

    def forward(self, x):
        x = torch.relu(self.q(x))
        stacked = torch.stack([branch(x) for branch in self.each], dim=1)
        inner = self.k(stacked.sum(dim=1).mean(-1).mean(-1))
        weights = torch.softmax(torch.stack([score(inner) for score in self.scores], dim=1), dim=1)
        return self.out((stacked * weights[:, :, :, None, None]).sum(dim=1))
"""
MAXOUT = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = nn.Linear(32, 192), nn.Linear(64, 192), nn.Linear(64, 192), nn.Linear(64, 16)

    def forward(self, x):
        for layer in (self.q, self.k, self.v):
            x = layer(x).view(x.size(0), 64, 3).max(-1)[0]
        return self.out(x)
"""
STEPS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 16)

    def few(self, x):
        x = x.clamp(0, 1)
        return x + (torch.round(x * 15) / 15 - x).detach()

    def forward(self, x):
        return self.out(self.few(self.k(self.few(self.q(x)))))
"""
OVER_TIME = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 32)

    def forward(self, x):
        mean, std = x.mean(1, keepdim=True), torch.sqrt(x.var(dim=1, keepdim=True, unbiased=False) + 1e-5)
        h = torch.relu(self.k(torch.relu(self.q((x - mean) / std))))
        return self.out(h) * std + mean
"""
TABLE = """
class Net(nn.Module):
    def __init__(self, size=1500):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 16)
        table = torch.zeros(size, 32)
        for at in range(size):
            for i in range(0, 32, 2):
                table[at, i] = math.sin(at / 10000 ** (i / 32))
                table[at, i + 1] = math.cos(at / 10000 ** (i / 32))
        self.register_buffer("table", table.unsqueeze(0))

    def forward(self, x):
        return self.out(torch.tanh(self.k(torch.tanh(self.q(x) + self.table[:, :x.size(1)]))))
"""
JOINED_BIAS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 32, bias=False), nn.Linear(32, 32), nn.Linear(32, 16)
        self.a, self.b = nn.Parameter(torch.randn(16)), nn.Parameter(torch.zeros(16))

    def forward(self, x):
        bias = torch.cat((self.a, torch.zeros_like(self.b)))
        return self.out(torch.tanh(self.k(torch.tanh(self.q(x) + F.linear(x, self.q.weight, bias)))))
"""
MIXED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.mix, self.v, self.out = nn.Linear(16, 32), nn.Conv1d(24, 24, 1), nn.Linear(32, 32), nn.Linear(32, 8)
        self.first, self.last = nn.LayerNorm(32), nn.LayerNorm(32)

    def forward(self, x):
        x = self.q(x)
        x = x + F.gelu(self.mix(self.first(x)))
        return self.out(x + F.gelu(self.v(self.last(x))))
"""
TIMES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(32, 64), nn.Linear(64, 64), nn.Linear(64, 16)

    def forward(self, t):
        rates = torch.exp(torch.arange(16, device=t.device) * -(math.log(10000) / 15))
        angles = t[:, None] * rates[None, :]
        return self.out(torch.tanh(self.k(torch.tanh(self.q(torch.cat((angles.sin(), angles.cos()), dim=-1))))))
"""
EXCITED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 64, 1)
        self.norm, self.out = nn.BatchNorm2d(64), nn.Linear(64, 16)

    def forward(self, x):
        x = self.norm(self.q(x))
        gate = torch.sigmoid(self.k(x.mean((2, 3), keepdim=True)))
        return self.out(torch.relu(x * gate).mean((2, 3)))
"""
"""What an activation lets pass goes with what is gated: its sum over the positions is no sum of independent numbers."""
CASES = {
    "a gate in front of an activation and a mean": (EXCITED, ["16,3,16,16"]),
    "weights over positions": (POOLED, ["8,24,32"]),
    "weights over positions by a product": (POOLED_BY_PRODUCT, ["8,24,32"]),
    "experts that a gate weighs": (EXPERTS, ["64,32"]),
    "branches that are weighed": (BRANCHES, ["8,3,12,12"]),
    "the largest of three": (MAXOUT, ["64,32"]),
    "rounded straight through": (STEPS, ["64,32"]),
    "normalised over time": (OVER_TIME, ["8,24,32"]),
    "a table filled entry by entry": (TABLE, ["8,24,32"]),
    "a mixer of tokens": (MIXED, ["8,24,16"]),
    "waves of a time": (TIMES, ["64"]),
    "a bias that is put together": (JOINED_BIAS, ["8,24,32"]),
}
