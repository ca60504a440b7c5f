"""Four models as one meets them, for the picture of gradient profiles."""

from __future__ import annotations

from benchmarks.generators.writing import Input, Model

_SIGMOID = """import torch
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self, hidden=128, depth=10):
        super().__init__()
        self.inp = nn.Linear(64, hidden)
        self.layers = nn.ModuleList([nn.Linear(hidden, hidden) for _ in range(depth - 1)])
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        x = torch.sigmoid(self.inp(x))
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        return self.out(x)
"""

_VGG = """import torch.nn as nn

CFG = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 256, 256, 256]


class VGG(nn.Module):
    def __init__(self):
        super().__init__()
        layers, c = [], 3
        for v in CFG:
            if v == "M":
                layers += [nn.MaxPool2d(2)]
            else:
                layers += [nn.Conv2d(c, v, 3, padding=1), nn.ReLU(inplace=True)]
                c = v
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(c, 10)

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.mean(dim=(2, 3)))
"""

_RESNET = """import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(x + self.bn2(self.conv2(out)))


class ResNet(nn.Module):
    def __init__(self, c=32, blocks=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU())
        self.blocks = nn.Sequential(*[Block(c) for _ in range(blocks)])
        self.fc = nn.Linear(c, 10)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean(dim=(2, 3)))
"""

_TRANSFORMER = """import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, dim=64, depth=8):
        super().__init__()
        self.embed = nn.Linear(32, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 4 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        x = self.norm(self.encoder(self.embed(x)))
        return self.head(x.mean(dim=1))
"""

TYPICAL: tuple[tuple[str, Model], ...] = (
    (
        "ten sigmoid layers, PyTorch's default init",
        Model(
            "typical-sigmoid",
            "mlp",
            _SIGMOID,
            "Classifier()",
            (Input((64, 64)),),
            "cross_entropy",
            10,
            "sigmoid",
            "default",
            "none",
        ),
    ),
    (
        "VGG with ReLU, no norm, default init",
        Model(
            "typical-vgg",
            "cnn",
            _VGG,
            "VGG()",
            (Input((8, 3, 32, 32)),),
            "cross_entropy",
            10,
            "relu",
            "default",
            "none",
        ),
    ),
    (
        "residual network with batch norm",
        Model(
            "typical-resnet",
            "resnet",
            _RESNET,
            "ResNet()",
            (Input((16, 3, 16, 16)),),
            "cross_entropy",
            17,
            "relu",
            "default",
            "batch",
            True,
        ),
    ),
    (
        "pre-norm transformer encoder",
        Model(
            "typical-transformer",
            "transformer pre-norm",
            _TRANSFORMER,
            "Encoder()",
            (Input((16, 24, 32)),),
            "cross_entropy",
            8,
            "gelu",
            "default",
            "layer",
            True,
        ),
    ),
)
"""Title and model."""
