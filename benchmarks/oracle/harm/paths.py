"""Gradients that do not arrive: cut paths, layers that no one owns, parameters that no one moves."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import Outcome, accuracy, batch, case, course, mlp, trained


class _Listed(nn.Module):
    """Hidden layers in a plain list, or in a ModuleList."""

    def __init__(self, hidden: bool) -> None:
        super().__init__()
        layers = [nn.Linear(64, 64) for _ in range(4)]
        self.layers = layers if hidden else nn.ModuleList(layers)
        self.out = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.out(x)


@case("VG801", "four hidden layers in a plain list, tanh, SGD at 0.1")
def unregistered(fault: bool) -> Outcome:
    model = _Listed(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


class _BuiltAnew(nn.Module):
    """A hidden layer that each call builds, or one that stays."""

    def __init__(self, anew: bool) -> None:
        super().__init__()
        self.anew, self.layer, self.out = anew, nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu((nn.Linear(64, 64) if self.anew else self.layer)(x)))


@case("VG802", "a hidden layer that is built in forward")
def built_in_forward(fault: bool) -> Outcome:
    model = _BuiltAnew(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG803", "torch.tensor(loss.item(), requires_grad=True)")
def rewrapped(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        value = F.cross_entropy(model(x), y)
        return torch.tensor(value.item(), requires_grad=True) if fault else value

    return trained(model, loss)


@case("VG804", "detach behind the first of two hidden layers, tanh")
def cut(fault: bool) -> Outcome:
    model = mlp(activation=nn.Tanh)

    def loss(x: Tensor, y: Tensor) -> Tensor:
        h = model[:2](x)
        return F.cross_entropy(model[2:](h.detach() if fault else h), y)

    return trained(model, loss)


@case("VG805", "the squared error of argmax, where cross_entropy belongs; requires_grad is set so that backward runs")
def not_differentiable(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        scores = model(x)
        if not fault:
            return F.cross_entropy(scores, y)
        return F.mse_loss(scores.argmax(1).float().requires_grad_(), y.float())

    return trained(model, loss)


@case("VG806", "the model is called under no_grad")
def without_gradient(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        with torch.set_grad_enabled(not fault):
            scores = model(x)
        return F.cross_entropy(scores, y)

    return trained(model, loss)


@case("VG807", "the optimiser holds the model that another one has replaced")
def of_another(fault: bool) -> Outcome:
    old, model = mlp(), mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), parameters=(old if fault else model).parameters())


@case("VG808", "the optimiser gets torch.randn(64, 10, requires_grad=True) * 0.1")
def no_leaf(fault: bool) -> Outcome:
    weight = torch.randn(64, 10, requires_grad=True) * 0.1 if fault else (torch.randn(64, 10) * 0.1).requires_grad_()
    optimizer: list[torch.optim.Optimizer] = []

    def step(_: int) -> Tensor:
        if not optimizer:
            optimizer.append(torch.optim.Adam([weight], 1e-2))
        x, y = batch()
        optimizer[0].zero_grad()
        loss = F.cross_entropy(x @ weight, y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer[0].step()
        return loss

    return course(step) or accuracy(lambda x: x @ weight)


@case("VG809", "weights are to be drawn orthogonal: parameter = orthogonal(parameter), 14 ReLU layers, SGD at 0.1")
def rebound(fault: bool) -> Outcome:
    model = mlp(14)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            if fault:
                parameter = torch.empty_like(parameter).normal_(0, (2 / parameter.shape[1]) ** 0.5)
            else:
                nn.init.normal_(parameter, 0, (2 / parameter.shape[1]) ** 0.5)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=0.1, adam=False)


@case("VG810", "the model returns scores.detach()")
def detached_output(fault: bool) -> Outcome:
    model = mlp()
    return trained(model, lambda x, y: F.cross_entropy(model(x).detach() if fault else model(x), y))


@case("VG811", "all parameters are frozen, not the first layer alone")
def all_frozen(fault: bool) -> Outcome:
    model = mlp()
    (model if fault else model[0]).requires_grad_(False)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG305", "a skip connection that is detached, in each of eight blocks whose branches start at zero, SGD at 0.1")
def detached_skip(fault: bool) -> Outcome:
    stem, blocks, out = nn.Linear(64, 64), nn.ModuleList(nn.Linear(64, 64) for _ in range(8)), nn.Linear(64, 10)
    for block in blocks:
        nn.init.zeros_(block.weight)
    model = nn.ModuleList([stem, blocks, out])

    def forward(x: Tensor) -> Tensor:
        x = stem(x)
        for block in blocks:
            x = (x.detach() if fault else x) + torch.relu(block(x))
        return out(x)

    return trained(model, lambda x, y: F.cross_entropy(forward(x), y), rate=0.1, adam=False, predict=forward)


@case("VG302", "residual blocks that return the branch without the sum: 20 blocks with BatchNorm, SGD at 0.1")
def without_sum(fault: bool) -> Outcome:
    blocks = nn.ModuleList(nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()) for _ in range(20))
    out = nn.Linear(64, 10)
    model = nn.ModuleList([blocks, out])

    def forward(x: Tensor) -> Tensor:
        for block in blocks:
            x = block(x) if fault else x + block(x)
        return out(x)

    return trained(model, lambda x, y: F.cross_entropy(forward(x), y), rate=0.1, adam=False, predict=forward)


@case("VG302", "residual blocks that add the branch to itself: 40 blocks without normalisation, SGD at 0.03")
def doubled(fault: bool) -> Outcome:
    blocks, out = nn.ModuleList(nn.Linear(64, 64) for _ in range(40)), nn.Linear(64, 10)
    for block in blocks:
        assert isinstance(block, nn.Linear)
        nn.init.normal_(block.weight, std=0.02)
    model = nn.ModuleList([blocks, out])

    def forward(x: Tensor) -> Tensor:
        for block in blocks:
            branch = torch.relu(block(x))
            x = branch + (branch if fault else x)
        return out(x)

    return trained(model, lambda x, y: F.cross_entropy(forward(x), y), rate=0.03, adam=False, predict=forward)
