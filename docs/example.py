"""A small model that does not train: see what vglint says of it."""

import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, features=20, classes=5, width=64, depth=8):
        super().__init__()
        layers = [nn.Linear(features, width), nn.Sigmoid()]
        for _ in range(depth):
            layers += [nn.Linear(width, width), nn.Sigmoid()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.body(x))


def train(loader, epochs=10):
    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    return model
