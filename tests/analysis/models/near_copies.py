"""Two ways that are nearly the same meet at a sum twenty times: x·0.2 + x."""

import torch
from torch import nn


class Net(nn.Module):
    # input: torch.randn(8, 3, 16, 16); within 0.15
    def __init__(self, width=16):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.last = nn.Conv2d(width, width, 3, 1, 1)
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        x = self.first(x)
        for _ in range(20):
            x = x * 0.2 + x
        x = torch.relu(self.last(x))
        return self.out(x.mean((2, 3)))
