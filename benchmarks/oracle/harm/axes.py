"""Axes taken for one another, attention and recurrence: digits are read as eight rows of eight pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.oracle.harm.case import Outcome, case, course, rows, trained


class _Reader(nn.Module):
    """An LSTM over the rows; `how` names the fault."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        both = how in ("mixed", "kept")
        self.rnn = nn.LSTM(8, 32, batch_first=how != "time", bidirectional=both)
        self.out = nn.Linear(64 if both else 32, 10)

    def forward(self, x: Tensor) -> Tensor:
        output, (h, _) = self.rnn(rows(x))
        if self.how == "mixed":
            return self.out(h.view(len(x), -1))
        if self.how == "kept":
            return self.out(torch.cat([h[0], h[1]], 1))
        return self.out(output[:, -1])


@case("VG507", "an LSTM without batch_first that gets (batch, time, features), read at [:, -1]")
def time_and_batch(fault: bool) -> Outcome:
    model = _Reader("time" if fault else "right")
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


@case("VG508", "the states of both directions, (2, batch, 32), viewed as (batch, 64)")
def states_mixed(fault: bool) -> Outcome:
    model = _Reader("mixed" if fault else "kept")
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


class _Attention(nn.Module):
    """One layer of self-attention over the rows, with their places; `how` names the fault."""

    def __init__(self, how: str, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.how, self.heads, self.size = how, heads, width // heads
        self.lift, self.places = nn.Linear(8, width), nn.Parameter(torch.randn(8, width) * 0.5)
        self.qkv, self.join, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Linear(width, 10)

    def split(self, x: Tensor) -> Tensor:
        if self.how == "viewed":
            return x.reshape(len(x), self.heads, 8, self.size)
        return x.reshape(len(x), 8, self.heads, self.size).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lift(rows(x)) + self.places
        q, k, v = (self.split(each) for each in self.qkv(x).chunk(3, -1))
        scale = {"multiplied": self.size**0.5, "model": (self.size * self.heads) ** -0.5}.get(self.how, self.size**-0.5)
        scores = q @ k.transpose(-2, -1) * scale
        if self.how == "masked":
            scores = scores.masked_fill(torch.ones(8, 8).triu().bool(), -torch.inf)  # the first row sees nothing
        axis = {"samples": 0, "heads": 1, "queries": 2}.get(self.how, -1)
        mixed = scores.softmax(axis) @ v
        return self.out((x + self.join(mixed.transpose(1, 2).flatten(2))).mean(1))


def _attention(how: str) -> Outcome:
    model = _Attention(how)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=3e-3)


@case("VG602", "scores multiplied by the root of the head size")
def multiplied(fault: bool) -> Outcome:
    return _attention("multiplied" if fault else "right")


@case("VG602", "the same with heads of 64")
def multiplied_wide(fault: bool) -> Outcome:
    model = _Attention("multiplied" if fault else "right", 256)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=3e-3)


@case("VG604", "scores divided by the root of the model's width, 4 heads")
def by_model_width(fault: bool) -> Outcome:
    return _attention("model" if fault else "right")


@case("VG605", "a mask of -inf that hides everything from the first row")
def masked(fault: bool) -> Outcome:
    return _attention("masked" if fault else "right")


@case("VG606", "softmax over the samples")
def over_samples(fault: bool) -> Outcome:
    return _attention("samples" if fault else "right")


@case("VG606", "softmax over the heads")
def over_heads(fault: bool) -> Outcome:
    return _attention("heads" if fault else "right")


@case("VG606", "softmax over the queries")
def over_queries(fault: bool) -> Outcome:
    return _attention("queries" if fault else "right")


@case("VG607", "heads split by a view, without a transpose")
def heads_viewed(fault: bool) -> Outcome:
    return _attention("viewed" if fault else "right")


class _Decoder(nn.Module):
    """One layer of causal self-attention over eight symbols."""

    def __init__(self, viewed: bool, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.viewed, self.heads, self.size = viewed, heads, width // heads
        self.symbols, self.places = nn.Embedding(10, width), nn.Parameter(torch.randn(8, width) * 0.5)
        self.qkv, self.join, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Linear(width, 10)

    def split(self, x: Tensor) -> Tensor:
        if self.viewed:
            return x.reshape(len(x), self.heads, 8, self.size)
        return x.reshape(len(x), 8, self.heads, self.size).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.symbols(x) + self.places
        q, k, v = (self.split(each) for each in self.qkv(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) * self.size**-0.5
        mixed = scores.masked_fill(torch.ones(8, 8).triu(1).bool(), -torch.inf).softmax(-1) @ v
        return self.out(x + self.join(mixed.transpose(1, 2).flatten(2)))


@case(
    "VG607",
    "the same in a causal decoder: symbols of period 3, each told from those before it when they are produced one by one",
)
def causal_heads_viewed(fault: bool) -> Outcome:
    model = _Decoder(fault)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)

    def symbols(count: int) -> Tensor:
        return torch.randint(10, (count, 3)).repeat(1, 3)

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        drawn = symbols(64)
        loss = F.cross_entropy(model(drawn[:, :8])[:, 2:].flatten(0, 1), drawn[:, 3:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss

    ended, drawn = course(step), symbols(1000)
    with torch.no_grad():
        known = drawn[:, :8] * (torch.arange(8) < 5)  # what comes later is not there yet
        told = model(known)[:, 4].argmax(1)
    return ended or (told == drawn[:, 5]).float().mean().item()


class _Encoder(nn.Module):
    def __init__(self, layers: int, first: bool) -> None:
        super().__init__()
        self.lift, self.places = nn.Linear(8, 32), nn.Parameter(torch.randn(8, 32) * 0.1)
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=first)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.encoder(self.lift(rows(x)) + self.places).mean(1))


@case("VG603", "12 post-norm layers without warm-up, Adam at 0.001, beside norm_first")
def post_norm_12(fault: bool) -> Outcome:
    model = _Encoder(12, not fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


@case("VG603", "18 post-norm layers without warm-up, Adam at 0.001, beside norm_first")
def post_norm_18(fault: bool) -> Outcome:
    model = _Encoder(18, not fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y))


def _recall(cell: nn.Module, steps: int, *, cut: bool, rate: float = 1e-2) -> Outcome:
    """Trains a cell to say after `steps` steps which of four symbols came first."""
    out = nn.Linear(32, 4)
    optimizer = torch.optim.Adam([*cell.parameters(), *out.parameters()], rate)

    def answer(count: int) -> tuple[Tensor, Tensor]:
        y = torch.randint(4, (count,))
        x = torch.randn(steps, count, 4) * 0.3
        x[0] = F.one_hot(y, 4).float() * 2
        h = torch.zeros(count, 32)
        for each in x:
            h = cell(each, h.detach() if cut else h)
        return out(h), y

    def step(_: int) -> Tensor:
        optimizer.zero_grad()
        scores, y = answer(64)
        loss = F.cross_entropy(scores, y)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(cell.parameters(), 1.0)
        optimizer.step()
        return loss

    ended = course(step)
    with torch.no_grad():
        scores, y = answer(1000)
    return ended or (scores.argmax(1) == y).float().mean().item()


@case("VG505", "the state is detached at each of 10 steps; which of four symbols came first?")
def cut_each_step(fault: bool) -> Outcome:
    return _recall(nn.GRUCell(4, 32), 10, cut=fault)


def _rectifier(identity: bool) -> nn.RNNCell:
    cell = nn.RNNCell(4, 32, nonlinearity="relu")
    if identity:
        nn.init.eye_(cell.weight_hh)
        nn.init.zeros_(cell.bias_hh)
        nn.init.zeros_(cell.bias_ih)
    return cell


@case(
    "VG504",
    "a ReLU cell over 20 steps with torch's initialisation, beside the identity; which of four symbols came first?",
)
def rectifier_20(fault: bool) -> Outcome:
    return _recall(_rectifier(not fault), 20, cut=False, rate=1e-3)


@case("VG504", "the same over 60 steps")
def rectifier_60(fault: bool) -> Outcome:
    return _recall(_rectifier(not fault), 60, cut=False, rate=1e-3)
