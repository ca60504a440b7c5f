"""Curves written with where: a leaky ReLU by hand, masks of noise, the larger of a signal and a weight."""

import torch
from torch import nn


class Net(nn.Module):
    # input: torch.randn(32, 32); within 0.1
    def __init__(self, width=64):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(32 if i == 0 else width, width) for i in range(5))
        for layer in self.layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.floor = nn.Parameter(torch.full((width,), -0.2))
        self.out = nn.Linear(width, 10)

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            y = layer(x)
            if i == 1:
                x = torch.maximum(y, self.floor)
            elif i == 2:
                x = torch.where(torch.rand_like(y) < 0.8, y, torch.tanh(y))
            elif i == 3:
                x = torch.relu(y) * torch.where(torch.rand_like(y) < 0.8, 1.0, 0.0)
            else:
                x = torch.where(y > 0, y, 0.1 * y)
        return self.out(x)
