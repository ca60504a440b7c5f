"""What one sample of a batch does to another's output."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from vglint.probe.mixing import mixes_samples  # noqa: E402


class Last(nn.Module):
    def __init__(self, *, batch_first: bool) -> None:
        super().__init__()
        self.rnn = nn.LSTM(6, 8, batch_first=batch_first)

    def forward(self, x):
        return self.rnn(x)[0][:, -1]


class LastSample(nn.Module):
    def forward(self, x):
        return x[-1].expand(len(x), *x.shape[1:]) * torch.arange(len(x)).view(-1, 1, 1)


class Attention(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.drop, self.norm = dim, nn.Dropout(0.5), nn.BatchNorm1d(10)

    def forward(self, x, scale=1.0):
        return self.norm(self.drop((x @ x.transpose(1, 2) * scale).softmax(self.dim) @ x))


@pytest.mark.parametrize(
    ("model", "mixes"),
    [
        (Last(batch_first=False), True),
        (LastSample(), True),
        (Last(batch_first=True), False),
        (Attention(0), True),
        (Attention(-1), False),
        (Attention(1), False),
    ],
)
def test_samples_are_mixed(model: nn.Module, mixes: bool) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert mixes_samples(model, (torch.randn(16, 10, 6),), {}) is mixes
    torch.set_rng_state(before)
    assert model.training and all(part.training for part in model.modules())


def test_what_cannot_be_told_is_not_said() -> None:
    assert mixes_samples(nn.Linear(3, 2), (torch.randn(1, 3),), {}) is None
    assert mixes_samples(nn.Linear(3, 2), (torch.randn(4, 5),), {}) is None
    assert mixes_samples(nn.Flatten(0), (torch.randn(4, 5),), {}) is None
    assert mixes_samples(Attention(0), (torch.randn(16, 10, 6),), {"scale": 2.0}) is True
