"""Branches dropped by a coin that is made of uniform noise, in both ways that people write it."""

import torch
from torch import nn


def floored(x, keep):
    coin = (keep + torch.rand((x.shape[0], 1, 1, 1), dtype=x.dtype)).floor()
    return x / keep * coin


def compared(x, keep):
    coin = torch.rand((x.shape[0], 1, 1, 1)) < keep
    return x * coin / keep


class Net(nn.Module):
    # input: torch.randn(16, 3, 16, 16); within 0.15
    def __init__(self, width=24):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(4))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(4))
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        x = self.first(x)
        for i in range(4):
            y = self.convs[i](torch.relu(self.norms[i](x)))
            x = x + (floored(y, 0.7) if i % 2 else compared(y, 0.7))
        return self.out(x.mean((2, 3)))
