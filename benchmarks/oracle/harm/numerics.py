"""Functions whose gradient is NaN or infinite at an edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import Outcome, accuracy, case, mlp, pixels, trained


@case("VG001", "a term of distances between hidden features of two drawn samples, sqrt of their squares' sum")
def root_at_zero(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        features = model[:4](x)
        squares = (features[:32] - features[32:]).pow(2).sum(1)
        return F.cross_entropy(model(x), y) - 1e-3 * torch.sqrt(squares + (0 if fault else 1e-12)).mean()

    return trained(model, loss)


@case("VG002", "where(x > 0, sqrt(x), 0) of the hidden features")
def hidden_by_where(fault: bool) -> Outcome:
    model = mlp()

    def forward(x: Tensor) -> Tensor:
        h = model[0](x)
        inside = h if fault else h.clamp(min=1e-6)
        return model[2:](torch.where(h > 0, torch.sqrt(inside), torch.zeros_like(h)))

    ended = trained(model, lambda x, y: F.cross_entropy(forward(x), y))
    return ended if isinstance(ended, str) else accuracy(forward)


@case("VG003", "-log(softmax(scores)), pixels from 0 to 255, Adam at 0.01")
def log_of_softmax(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        scores = model(pixels(x))
        logs = torch.log(scores.softmax(1)) if fault else scores.log_softmax(1)
        return -logs.gather(1, y[:, None]).mean()

    ended = trained(model, loss, rate=1e-2)
    return ended if isinstance(ended, str) else accuracy(lambda x: model(pixels(x)))


@case("VG004", "cross entropy of sigmoids clamped to [1e-8, 1 - 1e-8] or [1e-6, 1 - 1e-6], Adam at 0.01")
def clamp_without_effect(fault: bool) -> Outcome:
    model, edge = mlp(), 1e-8 if fault else 1e-6

    def loss(x: Tensor, y: Tensor) -> Tensor:
        p, wanted = model(x).sigmoid().clamp(edge, 1 - edge), F.one_hot(y, 10)
        return -(wanted * torch.log(p) + (1 - wanted) * torch.log(1 - p)).mean()

    ended = trained(model, loss, rate=1e-2)
    return ended if isinstance(ended, str) else accuracy(lambda x: model(x))


@case("VG005", "a term of angles between hidden features of two drawn samples, acos of their cosine")
def edge_inverse(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        features = model[:4](x)
        cosine = F.cosine_similarity(features[:32], features[32:])
        angle = torch.acos(cosine if fault else cosine.clamp(-1 + 1e-6, 1 - 1e-6))
        return F.cross_entropy(model(x), y) - 1e-3 * angle.mean()

    return trained(model, loss)


@case("VG006", "a softmax written out with exp, pixels from 0 to 255, Adam at 0.01")
def exponential_by_hand(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        scores = model(pixels(x))
        shifted = scores if fault else scores - scores.amax(1, keepdim=True)
        p = torch.exp(shifted) / torch.exp(shifted).sum(1, keepdim=True)
        return -torch.log(p.gather(1, y[:, None]) + 1e-8).mean()

    ended = trained(model, loss, rate=1e-2)
    return ended if isinstance(ended, str) else accuracy(lambda x: model(pixels(x)))


@case(
    "VG007", "a scale that the model predicts, its logarithm taken of the layer's output as it is, not of its softplus"
)
def log_of_signed(fault: bool) -> Outcome:
    model, width = mlp(), nn.Linear(64, 10)
    moved = [*model.parameters(), *width.parameters()]

    def loss(x: Tensor, y: Tensor) -> Tensor:
        spread = width(x)
        scale = spread if fault else F.softplus(spread) + 1e-6
        error = (F.one_hot(y, 10) - model(x)) ** 2
        return (torch.log(scale) + error / (2 * scale**2)).mean()

    return trained(model, loss, parameters=moved)
