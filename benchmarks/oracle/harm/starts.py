"""Weights as they start, and what stands between layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import Outcome, case, course, mlp, pixels, trained


def _weights(model: nn.Module) -> list[Tensor]:
    return [parameter for parameter in model.parameters() if parameter.dim() > 1]


@case("VG401", "all weights and biases start at zero, SGD at 0.1")
def constant(fault: bool) -> Outcome:
    model = mlp()
    if fault:
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG402", "a low-rank pair beside a frozen layer, both factors zero")
def zero_factors(fault: bool) -> Outcome:
    base = nn.Linear(64, 10).requires_grad_(False)
    down, up = nn.Linear(64, 8, bias=False), nn.Linear(8, 10, bias=False)
    nn.init.zeros_(up.weight)
    if fault:
        nn.init.zeros_(down.weight)
    model = nn.ModuleList([base, down, up])

    def forward(x: Tensor) -> Tensor:
        return base(x) + up(down(x))

    moved = [down.weight, up.weight]
    return trained(model, lambda x, y: F.cross_entropy(forward(x), y), rate=1e-2, parameters=moved, predict=forward)


@case("VG405", "a weight of torch.empty that nothing fills; here its memory held numbers up to 1e30")
def unfilled(fault: bool) -> Outcome:
    model = mlp()
    if fault:
        nn.init.uniform_(model[2].weight, -1e30, 1e30)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG406", "14 ReLU layers whose kaiming initialisation is never applied, SGD at 0.1")
def never_applied(fault: bool) -> Outcome:
    model = mlp(14)
    if not fault:
        for weight in _weights(model):
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


def _selu(depth: int, between: type[nn.Module], share: float | None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(64, 64), nn.SELU(), *([between(share)] if share is not None else [])]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    for weight in _weights(model):
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
    return model


@case("VG107", "dropout of 0.2 in the place of AlphaDropout behind each of 10 SELU layers")
def selu_dropout(fault: bool) -> Outcome:
    model = _selu(10, nn.Dropout if fault else nn.AlphaDropout, 0.2)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG107", "the same, SGD at 0.1")
def selu_dropout_sgd(fault: bool) -> Outcome:
    model = _selu(10, nn.Dropout if fault else nn.AlphaDropout, 0.2)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG107", "BatchNorm before each of 10 SELU layers, beside none")
def selu_norm(fault: bool) -> Outcome:
    layers: list[nn.Module] = []
    for _ in range(10):
        layers += [nn.Linear(64, 64), *([nn.BatchNorm1d(64)] if fault else []), nn.SELU()]
    model = nn.Sequential(*layers, nn.Linear(64, 10))
    for weight in _weights(model):
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG109", "a stack of 24 sigmoid layers, beside one of ReLU with kaiming initialisation")
def unbounded_depth(fault: bool) -> Outcome:
    model = mlp(24, nn.Sigmoid) if fault else mlp(24)
    if not fault:
        for weight in _weights(model):
            nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG101", "six sigmoid layers beside six of ReLU, Adam at 0.001")
def sigmoids_adam(fault: bool) -> Outcome:
    model = mlp(6, nn.Sigmoid if fault else nn.ReLU)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG101", "two sigmoid layers beside two of ReLU, SGD at 0.1")
def two_sigmoids(fault: bool) -> Outcome:
    model = mlp(2, nn.Sigmoid if fault else nn.ReLU)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG101", "three sigmoid layers beside three of ReLU, SGD at 0.1")
def three_sigmoids(fault: bool) -> Outcome:
    model = mlp(3, nn.Sigmoid if fault else nn.ReLU)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG110", "no activation between two layers: have two of eight numbers the same sign?")
def stacked(fault: bool) -> Outcome:
    model = nn.Sequential(nn.Linear(8, 64), nn.Identity() if fault else nn.ReLU(), nn.Linear(64, 2))

    def sample(count: int) -> tuple[Tensor, Tensor]:
        x = torch.randn(count, 8)
        return x, (x[:, 0] * x[:, 1] > 0).long()

    def loss(_: Tensor, __: Tensor) -> Tensor:
        x, y = sample(64)
        return F.cross_entropy(model(x), y)

    optimizer = torch.optim.Adam(model.parameters(), 1e-2)

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        value = loss(torch.empty(0), torch.empty(0))
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return value

    ended = course(step)
    x, y = sample(2000)
    return ended or (model(x).argmax(1) == y).float().mean().item()


@case("VG203", "BatchNorm over one sample")
def single_sample(fault: bool) -> Outcome:
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x[:1]), y[:1]) if fault else F.cross_entropy(model(x), y)

    return trained(model, loss)


def _frozen(norms: int, fault: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(3):
        layers += [nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()]
        if fault and number < norms:
            nn.init.zeros_(layers[-2].weight)  # type: ignore[arg-type]
    return nn.Sequential(*layers, nn.Linear(64, 10))


@case("VG204", "the scale of one of three BatchNorms starts at zero, SGD at 0.1")
def one_frozen(fault: bool) -> Outcome:
    model = _frozen(1, fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG204", "the scales of two of three BatchNorms start at zero, SGD at 0.1")
def two_frozen(fault: bool) -> Outcome:
    model = _frozen(2, fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG204", "the same, Adam at 0.001")
def two_frozen_adam(fault: bool) -> Outcome:
    model = _frozen(2, fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG905", "six layers of BatchNorm and ReLU in evaluation mode while training, pixels from 0 to 255, SGD at 0.1")
def evaluating(fault: bool) -> Outcome:
    layers: list[nn.Module] = []
    for _ in range(6):
        layers += [nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(64, 10)).train(not fault)

    def forward(x: Tensor) -> Tensor:
        return model(pixels(x))

    return trained(model, lambda x, y: F.cross_entropy(forward(x), y), rate=0.1, adam=False, predict=forward)
