"""Residuals in residuals, each branch scaled by 0.2, as in ESRGAN."""

import torch
from torch import nn


class Dense(nn.Module):
    def __init__(self, width, grow):
        super().__init__()
        self.one = nn.Conv2d(width, grow, 3, 1, 1)
        self.two = nn.Conv2d(width + grow, grow, 3, 1, 1)
        self.three = nn.Conv2d(width + 2 * grow, width, 3, 1, 1)
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x):
        a = self.act(self.one(x))
        b = self.act(self.two(torch.cat((x, a), 1)))
        return self.three(torch.cat((x, a, b), 1)) * 0.2 + x


class Group(nn.Module):
    def __init__(self, width, grow):
        super().__init__()
        self.parts = nn.Sequential(*(Dense(width, grow) for _ in range(3)))

    def forward(self, x):
        return self.parts(x) * 0.2 + x


class Net(nn.Module):
    # input: torch.randn(4, 3, 12, 12); within 0.15
    def __init__(self, width=24, grow=12):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.groups = nn.Sequential(*(Group(width, grow) for _ in range(8)))
        self.trunk = nn.Conv2d(width, width, 3, 1, 1)
        self.last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, x):
        x = self.first(x)
        return self.last(x + self.trunk(self.groups(x)))
