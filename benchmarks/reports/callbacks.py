"""What the callbacks say of real training, and what they cost: `python -m benchmarks callbacks [MODEL …]`.

Classifiers of scikit-learn's digits are trained for 500 steps, each by a plain loop, by Lightning's Trainer and by Hugging Face's Trainer, watched as by
default. Healthy ones must end without a finding and have learnt, and each planted fault must be named. `overhead` is what watching adds to a plain loop:
processor time of one thread, the median of five runs beside a loop that is not watched. Models that are named are run, the others keep the row
that they had (in `$VGLINT_BENCHMARKS`). Writes `benchmarks/reports/callbacks.md`; exits with 1 where a run is judged wrongly, or where the overhead is
5 % or more.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import lightning
import torch
import transformers
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.oracle.measure import cache_folder
from vglint.finding import Finding
from vglint.probe.callbacks import Watcher, lightning_callback, trainer_callback

STEPS, BATCH, LIMIT, TURNS = 500, 64, 0.05, 5


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one model: per way to train the names of what is found and the share of digits told, a step's seconds, what watching adds."""

    found: dict[str, tuple[list[str], float]]
    step: float = 0.0
    overhead: float = 0.0


class Model(nn.Module):
    """A body that makes scores of images, with the loss that Hugging Face's Trainer asks for."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        scores = self.body(x)
        return {"loss": F.cross_entropy(scores, labels), "logits": scores}


class Rows(nn.Module):
    """A GRU that reads an image row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(8, 96, batch_first=True)
        self.head = nn.Linear(96, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x.squeeze(1))[0][:, -1])  # type: ignore[no-any-return]


class Patches(nn.Module):
    """A transformer over the rows of an image, with a start token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 64)
        self.start = nn.Parameter(torch.zeros(1, 1, 64))
        self.places = nn.Parameter(torch.randn(1, 9, 64) * 0.02)
        layer = nn.TransformerEncoderLayer(64, 4, 128, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(64), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.cat([self.start.expand(len(x), -1, -1), self.embed(x.squeeze(1))], 1) + self.places
        return self.head(self.encoder(rows)[:, 0])  # type: ignore[no-any-return]


class Cut(nn.Module):
    """A body whose features are detached."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x).detach())  # type: ignore[no-any-return]


class Root(nn.Module):
    """A body that weighs features by the distances within the batch; that of an image from itself is the root of 0."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.flatten(1))
        distances = (h[:, None] - h[None]).pow(2).sum(-1).sqrt()
        return self.head(h * distances.mean(1, keepdim=True))  # type: ignore[no-any-return]


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def cnn() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(128, 10))


def deep() -> nn.Module:
    layers = [each for _ in range(12) for each in (nn.Linear(64, 64), nn.Sigmoid())]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))


HEALTHY: dict[str, Callable[[], nn.Module]] = {
    "MLP": mlp,
    "CNN with BatchNorm": cnn,
    "GRU": Rows,
    "transformer": Patches,
}
FAULTY: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "12 sigmoids": (deep, "measured-vanishing-gradient"),
    "detached features": (Cut, "measured-unreached-parameters"),
    "root of zero": (Root, "measured-nonfinite"),
}


class Digits(Dataset[dict[str, Tensor]]):
    def __init__(self) -> None:
        x, y = load_digits(return_X_y=True)
        self.x = torch.tensor(x, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
        self.y = torch.tensor(y)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": self.x[index], "labels": self.y[index]}


DIGITS = Digits()


def plain(model: Model, told: Callable[[Finding], None] | None) -> None:
    for _ in steps(model, told):
        pass


def steps(model: Model, told: Callable[[Finding], None] | None) -> Iterator[None]:
    """Trains in a plain loop, one step for each value that is asked for."""
    watcher = None if told is None else Watcher(model, report=told)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for batch in _batches():
        if watcher is not None:
            watcher.before_step()
        loss = model(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        if watcher is not None:
            watcher.after_backward(loss)
        optimizer.step()
        yield
    if watcher is not None:
        watcher.close()


def _batches() -> Iterator[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        chosen = torch.randint(len(DIGITS), (BATCH,), generator=generator)
        yield {"x": DIGITS.x[chosen], "labels": DIGITS.y[chosen]}


class Task(lightning.LightningModule):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch: dict[str, Tensor], number: int) -> Tensor:
        return self.model(**batch)["loss"]  # type: ignore[no-any-return]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 1e-3)


def by_lightning(model: Model, told: Callable[[Finding], None] | None) -> None:
    trainer = lightning.Trainer(
        max_steps=STEPS, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, callbacks=[lightning_callback(report=told)],
    )  # fmt: skip
    trainer.fit(Task(model), DataLoader(DIGITS, BATCH, shuffle=True))


def by_trainer(model: Model, told: Callable[[Finding], None] | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = transformers.TrainingArguments(
            folder, max_steps=STEPS, per_device_train_batch_size=BATCH, report_to=[], use_cpu=True, learning_rate=1e-3,
            save_strategy="no", disable_tqdm=True, remove_unused_columns=False,
        )  # fmt: skip
        callback = trainer_callback(report=told)
        transformers.Trainer(model, options, train_dataset=DIGITS, callbacks=[callback]).train()


DRIVERS = {"plain loop": plain, "Lightning": by_lightning, "Trainer": by_trainer}


def named(driver: str, body: Callable[[], nn.Module]) -> tuple[list[str], float]:
    """Returns the names of what is found in a run, and the share of digits that the model tells afterwards."""
    torch.manual_seed(0)
    model, told = Model(body()), []
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        for library in ("lightning.pytorch", "transformers.trainer"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        DRIVERS[driver](model, lambda finding: told.append(finding.name))
    with torch.no_grad():
        scores = model.eval()(DIGITS.x, DIGITS.y)["logits"]
    return sorted(set(told)), float((scores.argmax(1) == DIGITS.y).float().mean())


def overhead(body: Callable[[], nn.Module]) -> tuple[float, float]:
    """Returns the seconds of a step of a plain loop, and by which share watching lengthens it.

    Two copies of a model train side by side, one watched, a step of each in turn, so that the machine's other load meets both.
    """
    found = []
    for turn in range(TURNS):
        spent, pair = [0.0, 0.0], []
        for told in (None, lambda finding: None):
            torch.manual_seed(0)
            pair.append(steps(Model(body()), told))
        for number in range(STEPS):
            for place in (0, 1) if (turn + number) % 2 else (1, 0):
                start = time.process_time()
                next(pair[place])
                spent[place] += time.process_time() - start
        found.append((spent[0] / STEPS, spent[1] / spent[0] - 1))
    return statistics.median(step for step, _ in found), statistics.median(share for _, share in found)


def measured(name: str) -> Row:
    """Runs one model in every way, and a healthy one with and without the watcher."""
    if name in FAULTY:
        return Row({driver: named(driver, FAULTY[name][0]) for driver in DRIVERS})
    return Row({driver: named(driver, HEALTHY[name]) for driver in DRIVERS}, *overhead(HEALTHY[name]))


def good(name: str, row: Row) -> bool:
    if name in FAULTY:
        return all(FAULTY[name][1] in names for names, _ in row.found.values())
    return row.overhead < LIMIT and all(not names and share > 0.9 for names, share in row.found.values())


def line(name: str, row: Row) -> str:
    if name in FAULTY:
        cells = [", ".join(names) or "silent" for names, _ in row.found.values()] + ["", ""]
    else:
        cells = [", ".join(names) or f"silent, {share:.0%} right" for names, share in row.found.values()]
        cells += [f"{1000 * row.step:.1f} ms", f"{row.overhead:.1%}"]
    return f"| {name} | {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join([*HEALTHY, *FAULTY])}")
    chosen = parser.parse_args().models or [*HEALTHY, *FAULTY]
    torch.set_num_threads(1)
    kept = cache_folder() / "callbacks.json"
    rows = {name: Row(**row) for name, row in json.loads(kept.read_text()).items()} if kept.exists() else {}
    for name in chosen:
        rows[name] = measured(name)
        print(line(name, rows[name]), flush=True)
        kept.write_text(json.dumps({known: asdict(row) for known, row in rows.items()}))
    known = [name for name in (*HEALTHY, *FAULTY) if name in rows]
    lines = ["| model | plain loop | Lightning | Trainer | a step | overhead |", "|---|---|---|---|---|---|"]
    lines += [line(name, rows[name]) for name in known]
    (Path(__file__).parent / "callbacks.md").write_text(_PAGE.format(table="\n".join(lines)), encoding="utf-8")
    return int(not all(good(name, rows[name]) for name in known))


_PAGE = """# The callbacks in real training

Written by `python -m benchmarks callbacks`. Classifiers of scikit-learn's digits, 500 steps of Adam in batches of 64, watched as by default: one step in a
hundred. Healthy models have to be silent and to learn; of the others the fault has to be named. `overhead` is what watching adds to the plain loop:
processor time of one thread, the median of five runs, each step in turn with one that nobody watches.

{table}
"""

if __name__ == "__main__":
    raise SystemExit(main())
