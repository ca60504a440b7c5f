"""Agents and critics, steps by hand, axes and masks the wrong way round: after what users report."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.nn import functional as F

from benchmarks.oracle.harm.case import Outcome, accuracy, batch, case, course, explained, mlp, rows, trained


class _Rows(nn.Module):
    """A GRU that gets time first: by a view, or by a transpose."""

    def __init__(self, torn: bool) -> None:
        super().__init__()
        self.torn, self.gru, self.out = torn, nn.GRU(8, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = rows(x)
        given = x.reshape(8, len(x), 8) if self.torn else x.transpose(0, 1)
        return self.out(self.gru(given)[0][-1])


@case("VG608", "eight rows of a digit, (batch, 8, 8), viewed as (8, batch, 8) for a GRU, Adam at 0.01")
def torn_rows(fault: bool) -> Outcome:
    model = _Rows(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


class _Masked(nn.Module):
    """Attention over twelve rows, of which four are padding: it is hidden, or all else is."""

    def __init__(self, reversed_: bool) -> None:
        super().__init__()
        self.reversed, self.lift = reversed_, nn.Linear(8, 32)
        self.places = nn.Parameter(torch.randn(8, 32) * 0.1)
        self.mix, self.out = nn.MultiheadAttention(32, 4, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = F.pad(torch.relu(self.lift(rows(x)) + self.places), (0, 0, 0, 4))
        padding = torch.arange(12).expand(len(x), 12) >= 8
        seen, _ = self.mix(h, h, h, key_padding_mask=~padding if self.reversed else padding)
        return self.out(seen[:, :8].mean(1))


@case("VG605", "key_padding_mask True at the eight rows of a digit, not at four rows of padding, Adam at 0.01")
def rows_hidden(fault: bool) -> Outcome:
    model = _Masked(fault)
    return trained(model, lambda x, y: F.cross_entropy(model(x), y), rate=1e-2)


@case("VG106", "a sigmoid behind the same regression, whose targets are standardised", "explained variance")
def squashed_regression(fault: bool) -> Outcome:
    return explained(nn.Sigmoid()) if fault else explained()


@case("VG811", "the parameters of a filter, counted before Adam gets them")
def spent(fault: bool) -> Outcome:
    model = mlp()
    wanted = filter(lambda each: each.requires_grad, model.parameters())
    given = wanted if fault else list(wanted)
    assert sum(each.numel() for each in given) > 0
    try:
        return trained(model, lambda x, y: F.cross_entropy(model(x), y), parameters=given)
    except ValueError:
        return "Adam raises ValueError"


@case("VG809", "weight = weight - 0.5 * weight.grad, ten scores by one layer")
def replaced(fault: bool) -> Outcome:
    weight = torch.zeros(64, 10, requires_grad=True)

    def step(_: int) -> Tensor:
        nonlocal weight
        x, y = batch()
        loss = F.cross_entropy(x @ weight, y)
        loss.backward()  # type: ignore[no-untyped-call]
        if weight.grad is None:
            raise ValueError("no gradient")
        if fault:
            weight = weight - 0.5 * weight.grad
        else:
            with torch.no_grad():
                weight -= 0.5 * weight.grad
                weight.grad.zero_()
        return loss

    return course(step) or accuracy(lambda x: x @ weight)


@case(
    "VG816",
    "an actor that is paid for naming a digit, whose advantage carries its gradient into the critic, Adam at 0.003",
    "the critic's error in the last 100 steps",
)
def live_advantage(fault: bool) -> Outcome:
    actor, critic = mlp(), nn.Sequential(*mlp()[:-1], nn.Linear(64, 1))
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], 3e-3)
    errors: list[float] = []

    def step(_: int) -> Tensor:
        x, y = batch()
        chosen = Categorical(logits=actor(x))
        taken = chosen.sample()  # type: ignore[no-untyped-call]
        paid = (taken == y).float()
        value = critic(x)[:, 0]
        gain = paid - (value if fault else value.detach())
        fit = F.mse_loss(value, paid)
        loss: Tensor = -(chosen.log_prob(taken) * gain).mean() + 0.5 * fit  # type: ignore[no-untyped-call]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        errors.append(fit.item())
        return loss

    return course(step, 1000) or sum(errors[-100:]) / 100


@case(
    "VG817",
    "values of a random walk over five states, whose targets carry their gradient, SGD at 0.2",
    "error of the values",
)
def live_target(fault: bool) -> Outcome:
    value = nn.Linear(5, 1)
    optimizer = torch.optim.SGD(value.parameters(), 0.2)

    def step(_: int) -> Tensor:
        at = torch.randint(5, (64,))
        then = at + 2 * torch.randint(2, (64,)) - 1
        inside = ((then >= 0) & (then < 5)).float()
        after = value(F.one_hot(then.clamp(0, 4), 5).float())[:, 0]
        goal = (then == 5).float() + inside * (after if fault else after.detach())
        loss = F.mse_loss(value(F.one_hot(at, 5).float())[:, 0], goal)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss

    ended = course(step, 2000)
    with torch.no_grad():
        error = value(torch.eye(5))[:, 0] - torch.arange(1, 6) / 6
    return ended or error.pow(2).mean().sqrt().item()
