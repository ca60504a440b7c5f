"""Training code runs as it is written: batches are found, faults are seen, and nothing of the watching stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from vglint.probe.record import Measured, Request, Run  # noqa: E402
from vglint.probe.rehearsal import NoTrainingError, rehearse  # noqa: E402
from vglint.probe.witness import EnoughError  # noqa: E402
from vglint.probe.witnessing import witnessing  # noqa: E402

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
LOOP = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 26 * 26, 10)

    def forward(self, x):
        return self.fc(self.conv(x).relu().flatten(1))


def train(loader, epochs, device):
    model = Net().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for step, batch in enumerate(loader):
            x, y = BATCH
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
"""


def rehearsed(folder: Path, text: str, expression: str, steps: int = 12) -> Measured:
    torch.set_num_threads(1)
    path = folder / f"code_{abs(hash((text, folder.name)))}.py"
    path.write_text(HEAD + text)
    return rehearse(Request(str(folder), path.name, expression, steps=steps, seeds=2, training=True), folder)


def run_of(measured: Measured) -> Run:
    assert measured.runs
    return measured.runs[0]


@pytest.mark.parametrize("batch", ["batch", "batch['image'], batch['label']", "batch.image, batch.label"])
def test_a_batch_is_found_in_any_form(tmp_path: Path, batch: str) -> None:
    measured = rehearsed(tmp_path, LOOP.replace("BATCH", batch), "train")
    assert [(run.optimizer, run.rate, len(run.losses)) for run in measured.runs] == [("adamw", 2e-3, 12)] * 2
    assert "(batch, 1, 28, 28)" in measured.synthesised[0] and "below 10" in measured.synthesised[0]
    measures = run_of(measured).measures
    assert measures["zero_gradients"] == measures["blind_optimizers"] == measures["unmoved_parameters"] == 0
    assert measures["step_raised"] is measures["stale_gradients"] is measures["probabilities_as_logits"] is False


def test_a_script_runs_on_its_own_data_and_is_watched_layer_by_layer(tmp_path: Path) -> None:
    text = """layers = []
for _ in range(8):
    layers += [nn.Linear(16, 16), nn.Sigmoid()]
model = nn.Sequential(*layers, nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
while True:
    loss = F.cross_entropy(model(torch.randn(32, 16)), torch.randint(2, (32,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
    run = run_of(rehearsed(tmp_path, text, "<module>", steps=60))
    assert len(run.losses) == 60 and [snapshot.step for snapshot in run.snapshots] == [0, 10, 25, 50, 55]
    assert float(run.measures["log10_gradient_ratio"]) < -4


def test_two_optimisers_and_what_is_wrong_with_one(tmp_path: Path) -> None:
    text = """def train(loader):
    first, second = nn.Linear(8, 8), nn.Linear(8, 2)
    a, b = torch.optim.SGD(first.parameters(), lr=0.1), torch.optim.SGD(second.parameters(), lr=0.1)
    for x, y in loader:
        b.zero_grad()
        F.cross_entropy(second(first(x).detach()), y).backward()
        a.step()
        b.step()
"""
    measures = run_of(rehearsed(tmp_path, text, "train")).measures
    assert (measures["blind_optimizers"], measures["zero_gradients"], measures["stale_gradients"]) == (1, 2, False)


def test_code_that_never_steps_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoTrainingError, match="before it builds a model"):
        rehearsed(tmp_path, "def train(loader):\n    for x, y in loader:\n        print(x)\n", "train")
    with pytest.raises(FileNotFoundError):
        rehearsed(tmp_path, "data = open('there is no such file.txt')\n", "<module>")


def test_watching_leaves_nothing_behind() -> None:
    names = [
        (nn.Module, "__init__"),
        (nn.Module, "__call__"),
        (torch.Tensor, "backward"),
        (nn.functional, "cross_entropy"),
    ]
    before = [getattr(owner, name) for owner, name in names]
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(EnoughError), witnessing(3, 60.0) as witness:
        while True:
            model(torch.randn(4, 2)).sum().backward()
            optimizer.step()
    assert witness.taken == 3
    assert [getattr(owner, name) for owner, name in names] == before
    assert not model._forward_hooks and not model._forward_pre_hooks
    model(torch.randn(4, 2)).sum().backward()
    optimizer.step()
    assert witness.taken == 3
