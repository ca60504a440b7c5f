"""The callbacks in the real frameworks, where these are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from vglint.probe.callbacks import accelerate_watcher, lightning_callback, trainer_callback  # noqa: E402


class Deep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers = [layer for _ in range(12) for layer in (nn.Linear(32, 32), nn.Sigmoid())]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        logits = self.head(self.body(x))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(index)
        return {"x": torch.randn(32, generator=generator), "labels": torch.tensor(index % 10)}


def judge(model: nn.Module, told: list[Any]) -> None:
    assert [finding.name for finding in told] == ["measured-vanishing-gradient"]
    line = Path(told[0].span.file).read_text().splitlines()[told[0].span.line - 1]
    assert "nn.Sequential(*layers)" in line
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_hugging_faces_trainer(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    model, told = Deep(), []
    options = transformers.TrainingArguments(
        str(tmp_path),
        max_steps=40,
        per_device_train_batch_size=8,
        report_to=[],
        logging_steps=5,
        use_cpu=True,
        optim="sgd",
    )
    callback = trainer_callback(5, told.append)
    transformers.Trainer(model, options, train_dataset=Rows(), callbacks=[callback]).train()
    judge(model, told)


def test_a_loss_of_the_trainers_own_counts(tmp_path: Path) -> None:
    """A model that returns no loss and trains well is not said to stand still: its loss is what the trainer logs."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.head = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(x))

    class Own(transformers.Trainer):  # type: ignore[misc, name-defined]
        def compute_loss(self, model: nn.Module, inputs: dict[str, torch.Tensor], *args: Any, **options: Any) -> Any:
            return nn.functional.cross_entropy(model(inputs["x"]), inputs["labels"])

    options = transformers.TrainingArguments(
        str(tmp_path), max_steps=60, per_device_train_batch_size=8, report_to=[], logging_steps=5, use_cpu=True,
        learning_rate=1e-3, remove_unused_columns=False,
    )  # fmt: skip
    told: list[Any] = []
    callback = trainer_callback(5, told.append)
    Own(Plain(), options, train_dataset=Rows(), callbacks=[callback]).train()
    assert not told
    assert callback.watcher._losses[-1] < callback.watcher._losses[0]


def test_accelerate() -> None:
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True)
    torch.manual_seed(0)
    model, told = Deep(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader(Rows(), batch_size=8)
    watcher = accelerate_watcher(accelerator, model, 5, told.append)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    plain = accelerator.backward
    for _ in range(5):
        for batch in loader:
            loss = model(**batch)["loss"]
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
    watcher.close()
    assert accelerator.backward is not plain
    judge(model, told)


def test_lightning(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")

    class Task(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.deep = Deep()

        def training_step(self, batch: dict[str, torch.Tensor], number: int) -> torch.Tensor:
            return self.deep(**batch)["loss"]

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    task, told = Task(), []
    trainer = lightning.Trainer(
        max_steps=40, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
        callbacks=[lightning_callback(5, told.append)],
    )  # fmt: skip
    trainer.fit(task, torch.utils.data.DataLoader(Rows(), batch_size=8))
    judge(task, told)
