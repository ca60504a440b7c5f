"""States that are lost, results that are thrown away, optimisers that cannot settle: what was meant to last, or to count, and does not."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.oracle.harm.case import WIDTH, Outcome, accuracy, batch, case, course, data, mlp, rows, trained


class _StepByStep(nn.Module):
    """A GRU cell that reads eight rows, with the state of the row before or without it."""

    def __init__(self, forgetful: bool) -> None:
        super().__init__()
        self.forgetful, self.cell, self.out = forgetful, nn.GRUCell(8, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 64)
        for row in rows(x).unbind(1):
            state = self.cell(row) if self.forgetful else self.cell(row, state)
        return self.out(state)


@case("VG509", "a GRU cell that reads the eight rows of a digit and is called without its state, Adam at 0.01")
def forgets(fault: bool) -> Outcome:
    model = _StepByStep(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


class _Padded(nn.Module):
    """An LSTM over the first rows of a digit, as many as `lengths` says; its last padded entry, or its last state."""

    def __init__(self, padded: bool) -> None:
        super().__init__()
        self.padded, self.lstm, self.out = padded, nn.LSTM(8, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        lengths = 5 + torch.arange(len(x)) % 4
        packed = pack_padded_sequence(rows(x), lengths, batch_first=True, enforce_sorted=False)
        output, (last, _) = self.lstm(packed)
        return self.out(pad_packed_sequence(output, batch_first=True)[0][:, -1] if self.padded else last[-1])


@case("VG510", "an LSTM over five to eight rows of a digit whose last padded entry is read, Adam at 0.01")
def padding_read(fault: bool) -> Outcome:
    model = _Padded(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


class _BothWays(nn.Module):
    """An LSTM that reads rows both ways: its output at the last row, or the last states of both directions."""

    def __init__(self, at_end: bool) -> None:
        super().__init__()
        self.at_end, self.lstm, self.out = (
            at_end,
            nn.LSTM(8, 32, batch_first=True, bidirectional=True),
            nn.Linear(64, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        output, (last, _) = self.lstm(rows(x))
        return self.out(output[:, -1] if self.at_end else torch.cat([last[-2], last[-1]], 1))


@case("VG510", "a bidirectional LSTM over the eight rows whose output at the last row is read, Adam at 0.01")
def half_read(fault: bool) -> Outcome:
    model = _BothWays(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


@case("VG709", "binary_cross_entropy(label, prediction), odd digits, SGD at 0.1")
def swapped(fault: bool) -> Outcome:
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())

    def loss(x: Tensor, y: Tensor) -> Tensor:
        said, odd = model(x)[:, 0], (y % 2).float()
        return F.binary_cross_entropy(odd, said) if fault else F.binary_cross_entropy(said, odd)

    ended = trained(model, loss, rate=0.1, adam=False)
    if isinstance(ended, str):
        return ended
    _, _, images, labels = data()
    with torch.no_grad():
        return ((model(images)[:, 0] > 0.5) == (labels % 2 == 1)).float().mean().item()


@case("VG710", "cosines of ten classes as scores, in place of sixteen times as much, Adam at 0.01", "loss")
def cosines(fault: bool) -> Outcome:
    body, classes = mlp()[:-1], nn.Parameter(torch.randn(10, 64))
    whole = nn.Module()
    whole.body, whole.classes = body, classes

    def scores(x: Tensor) -> Tensor:
        return (1 if fault else 16) * F.normalize(body(x), dim=1) @ F.normalize(classes, dim=1).T

    ended = trained(whole, lambda x, y: F.cross_entropy(scores(x), y), rate=1e-2, predict=scores)
    if isinstance(ended, str):
        return ended
    _, _, images, labels = data()
    with torch.no_grad():
        return F.cross_entropy(scores(images), labels).item()


@case(
    "VG815",
    "the loss of eight batches, of which each overwrites the one before, and one backward pass behind them, SGD at 0.1",
)
def overwritten(fault: bool) -> Outcome:
    model = mlp()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        total = F.cross_entropy(model(x), y)
        for _ in range(7):
            x, y = batch()
            value = F.cross_entropy(model(x), y)
            total = value if fault else total + value
        return total

    return trained(model, loss, rate=0.1, adam=False, steps=30)


class _LeftBehind(nn.Module):
    """Six hidden layers, of which each gets the input, or what the one before made."""

    def __init__(self, fault: bool) -> None:
        super().__init__()
        self.fault, self.layers, self.out = fault, nn.ModuleList(nn.Linear(64, 64) for _ in range(6)), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for layer in self.layers:
            h = torch.relu(layer(x if self.fault else h))
        return self.out(h)


@case("VG815", "six hidden layers that all get the input: parameters that never move", "share")
def left_behind(fault: bool) -> Outcome:
    model = _LeftBehind(fault)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    ended = trained(model, lambda x, y: F.cross_entropy(model(x), y))
    still = [bool((old == new).all()) for old, new in zip(before, model.parameters(), strict=True)]
    return ended if isinstance(ended, str) else sum(still) / len(still)


@case("VG814", "the best of 300 steps kept as model.state_dict() and loaded again behind 60 steps with wrong labels")
def own_state(fault: bool) -> Outcome:
    model = mlp()
    ended = trained(model, lambda x, y: F.cross_entropy(model(x), y))
    best = model.state_dict() if fault else copy.deepcopy(model.state_dict())
    trained(model, lambda x, y: F.cross_entropy(model(x), (y + 1) % 10), steps=60)
    model.load_state_dict(best)
    return ended if isinstance(ended, str) else accuracy(model)


class _Reversed(torch.autograd.Function):
    """The identity, whose backward turns the sign."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -gradient


class _ReversedModule(nn.Module):
    """The same as a module, whose backward nothing calls."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def backward(self, gradient: Tensor) -> Tensor:
        return -gradient


@case("VG813", "a gradient reversal that is a module: how well features that are to hide a digit's parity give it away")
def reversal(fault: bool) -> Outcome:
    body, head, parity = (
        mlp()[:-1],
        nn.Linear(WIDTH, 10),
        nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 2)),
    )
    whole, turned = nn.ModuleList([body, head, parity]), _ReversedModule()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        features = body(x)
        hidden = turned(features) if fault else _Reversed.apply(features)
        return F.cross_entropy(head(features), y) * 0.1 + F.cross_entropy(parity(hidden), y % 2)

    ended = trained(whole, loss, predict=lambda x: head(body(x)))
    _, _, images, labels = data()
    with torch.no_grad():
        right = (parity(body(images)).argmax(1) == labels % 2).float().mean().item()
    return ended if isinstance(ended, str) else right


@case("VG917", "a momentum of 1 in place of 0.9, SGD at 0.01")
def endless_momentum(fault: bool) -> Outcome:
    model = mlp()
    return _by(model, torch.optim.SGD(model.parameters(), 0.01, momentum=1.0 if fault else 0.9))


@case("VG917", "a weight decay of 1 in place of 0.0001, Adam")
def heavy_decay(fault: bool) -> Outcome:
    model = mlp()
    return _by(model, torch.optim.Adam(model.parameters(), weight_decay=1.0 if fault else 1e-4))


def _by(model: nn.Module, optimizer: torch.optim.Optimizer) -> Outcome:
    def step(_: int) -> Tensor:
        x, y = batch()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss

    return course(step) or accuracy(model)


@case("VG918", "weights in float16 under Adam with its own epsilon, in place of float32")
def half_weights(fault: bool) -> Outcome:
    model = mlp()
    model = model.half() if fault else model
    return trained(
        model,
        lambda x, y: F.cross_entropy(model(x.half() if fault else x).float(), y),
        predict=lambda x: model(x.half() if fault else x),
    )
