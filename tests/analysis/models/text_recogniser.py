"""Overlapping pooling between normalised convolutions: windows of two, one column apart, as in CRNN."""

from torch import nn


class Net(nn.Module):
    # input: torch.randn(32, 1, 32, 32); within 0.2
    def __init__(self, width=16):
        super().__init__()

        def block(inside, outside, kernel=3, padding=1, norm=False):
            layers = [nn.Conv2d(inside, outside, kernel, 1, padding)]
            return [*layers, nn.BatchNorm2d(outside), nn.ReLU(True)] if norm else [*layers, nn.ReLU(True)]

        self.cnn = nn.Sequential(
            *block(1, width), nn.MaxPool2d(2, 2),
            *block(width, 2 * width), nn.MaxPool2d(2, 2),
            *block(2 * width, 4 * width, norm=True), *block(4 * width, 4 * width), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
            *block(4 * width, 8 * width, norm=True), *block(8 * width, 8 * width), nn.MaxPool2d((2, 2), (2, 1), (0, 1)),
            *block(8 * width, 8 * width, 2, 0, norm=True),
        )  # fmt: skip
        self.out = nn.Linear(8 * width, 10)

    def forward(self, x):
        return self.out(self.cnn(x).mean((2, 3)))
