"""The loop that trains a generated model."""

from __future__ import annotations

LOOP = """

def train(batches):
    model = {entry}
    optimizer = torch.optim.{optimizer}
    criterion = nn.CrossEntropyLoss()
    for images, labels in batches:
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
"""The loop that trains a model, as a user's file would have it: it tells vglint the optimiser."""
