"""What a remedy that is chosen by prediction says, done to the letter to a model that is built: by the remedy's name, a function of the advice's text."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import nn

Change = Callable[[nn.Module], nn.Module]


def initialise(advice: str) -> Change:
    """Returns what initialises every weight with the call that an advice names, and every bias with zeros."""
    name, rest = re.search(r"nn\.init\.(\w+)\(weight(?:, (.*?))?\)", advice).groups()  # type: ignore[union-attr]
    keywords = eval(f"dict({rest or ''})")

    def change(net: nn.Module) -> nn.Module:
        for module in net.modules():
            if isinstance(module, nn.Linear):
                getattr(nn.init, name)(module.weight, **keywords)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        return net

    return change


def relu(advice: str) -> Change:
    """Returns what replaces the activations by ReLU, too."""
    fill = initialise(advice)

    def change(net: nn.Module) -> nn.Module:
        for module in list(net.modules()):
            for name, child in module.named_children():
                if type(child).__module__ == "torch.nn.modules.activation":
                    setattr(module, name, nn.ReLU())
        return fill(net)

    return change


def normalise(advice: str) -> Change:
    """Returns what puts BatchNorm behind each layer of a stem or block."""

    def change(net: nn.Module) -> nn.Module:
        for part in (net.stem, *net.blocks):  # type: ignore[misc]
            part.insert(1, nn.BatchNorm1d(part[0].out_features))
        return net

    return change


class Residual(nn.Module):
    """A model with each block's input added to its output."""

    def __init__(self, net: nn.Module, scale: float) -> None:
        super().__init__()
        self.net, self.scale = net, scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.net.stem(x)
        for block in self.net.blocks:
            x = x + self.scale * block(x)
        return self.net.head(x)


def skip(advice: str) -> Change:
    """Returns what adds the input of each block to its output, the block divided as the advice says."""
    found = re.search(r"\(x\) / ([\d.]+)", advice)
    assert found is not None, advice
    return lambda net: Residual(net, 1 / float(found[1]))


def zero_last(advice: str) -> Change:
    """Returns what starts the last layer of each block at zero."""

    def change(net: nn.Module) -> nn.Module:
        for block in net.blocks:  # type: ignore[union-attr]
            last = [module for module in block.modules() if isinstance(module, nn.Linear)][-1]
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        return net

    return change


def relu_skip(advice: str) -> Change:
    """Returns what does both."""
    first, second = relu(advice), skip(advice)
    return lambda net: second(first(net))


LETTERS: dict[str, Callable[[str], Change]] = {
    "matching-init": initialise,
    "relu-between": relu,
    "batch-norm-between": normalise,
    "relu-and-skips": relu_skip,
    "skip-connections": skip,
    "scaled-branches": skip,
    "zero-branches": zero_last,
}
