"""What the probe of a 12-layer model costs on a CPU: `python -m benchmarks probe_cost`.

`probe` is everything that the command does with the model's file: a process of its own, torch's import, inputs, runs, measures. `loop` is the time of
the training runs as the probe makes them, `bare` that of the same steps (same task, batch, optimiser, rate, seed) in a plain loop, the better of two each;
`overhead` compares the two. All are seconds of processor time of one thread, which other work on the machine changes little. Last, `vglint --probe` of
a file of ten small models, all its processes together, beside `import torch` in a process of its own. Writes
`benchmarks/reports/probe_cost.md`; exits with 1 where a model takes more than 15 s, the overhead is more than 30 %, or the ten take more than 40 s.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from vglint.probe import Measured, Request, run_isolated
from vglint.probe.feeding import find_inputs
from vglint.probe.record import Run
from vglint.probe.task import Task, teacher_task
from vglint.probe.training import BATCH, make_optimizer, train

T = TypeVar("T")
MODELS = {
    "MLP, 12 linear layers of 256": """
        layers = [nn.Linear(64, 256), nn.ReLU()]
        for _ in range(10):
            layers += [nn.Linear(256, 256), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(256, 10))
    """,
    "CNN, 12 convolutions of 32 with BatchNorm": """
        layers, width = [], 3
        for i in range(12):
            layers += [nn.Conv2d(width, 32, 3, 2 if i in (3, 7) else 1, 1), nn.BatchNorm2d(32), nn.ReLU()]
            width = 32
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    """,
    "transformer, 12 encoder layers of 128": """
        layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True, norm_first=True)
        return nn.Sequential(nn.Embedding(100, 128), nn.TransformerEncoder(layer, 12, enable_nested_tensor=False), nn.Linear(128, 100))
    """,
    "recurrent, 12 layers of LSTM": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn, self.out = nn.LSTM(16, 64, 12, batch_first=True), nn.Linear(64, 10)

            def forward(self, x):
                return self.out(self.rnn(x)[0].mean(1))

        return Net()
    """,
}
LIMIT, SHARE, TEN = 15.0, 0.30, 40.0
SMALL = Path(__file__).parent.parent / "oracle" / "small.py"


def source(body: str) -> str:
    lines = body.strip("\n").splitlines()
    return "import torch.nn as nn\n\n\ndef net():\n" + "\n".join(line[4:] for line in lines) + "\n"


def main() -> int:
    torch.set_num_threads(1)
    lines = ["| model | probe, s | loop, s | bare, s | overhead |", "|---|---|---|---|---|"]
    good = True
    for name, body in MODELS.items():
        text = source(body)
        before = _children()
        found = _probe(text)
        whole = _children() - before
        loop, bare = _compared(text, found)
        lines.append(f"| {name} | {whole:.1f} | {loop:.2f} | {bare:.2f} | {loop / bare - 1:.0%} |")
        print(lines[-1], flush=True)
        good = good and whole <= LIMIT and loop / bare - 1 <= SHARE
    alone = min(_command("-c", "import torch")[0] for _ in range(3))
    spent, wall = _command("-m", "vglint", "--probe", "--no-cache", str(SMALL))
    ten = _TEN.format(
        spent=spent, wall=wall, load=os.getloadavg()[0], cores=os.cpu_count(), torch=alone, ratio=spent / alone
    )
    print(ten)
    (Path(__file__).parent / "probe_cost.md").write_text(_PAGE.format(table="\n".join(lines), ten=ten))
    return int(not good or spent > TEN)


def _command(*arguments: str) -> tuple[float, float]:
    """Returns the processor time of a Python command with all its processes, and how long it takes."""
    before, start = _children(), time.monotonic()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return _children() - before, time.monotonic() - start


def _children() -> float:
    """Returns the processor time of processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _probe(text: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.py").write_text(text)
        found = run_isolated(Request(folder, "net.py", "net()"))
    assert isinstance(found, Measured), found
    return found


def _compared(text: str, found: Measured) -> tuple[float, float]:
    """Returns the seconds of all runs, as the probe makes them and without it."""
    space: dict[str, Callable[[], nn.Module]] = {}
    exec(text, space)
    torch.manual_seed(0)
    model = space["net"]()
    task = teacher_task(model, find_inputs(model, ()), None)
    times = [_both(space["net"], task, run) for run in found.runs for _ in range(2)]
    pairs = list(zip(times[::2], times[1::2], strict=True))
    return sum(min(one[0], two[0]) for one, two in pairs), sum(min(one[1], two[1]) for one, two in pairs)


def _both(make: Callable[[], nn.Module], task: Task, run: Run) -> tuple[float, float]:
    """Returns the seconds of a run, as the probe makes it and without it, with as many steps as it takes."""

    def made() -> nn.Module:
        torch.manual_seed(run.seed)
        return make().train()

    watched, seconds = _timed(lambda: train(made(), task, run.optimizer, run.rate, len(run.losses), run.seed))
    steps = len(watched.losses)
    _, bare = _timed(lambda: _bare(made(), task, run.optimizer, run.rate, steps, run.seed))
    return seconds, bare


def _timed(job: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    found = job()
    return found, time.process_time() - start


def _bare(model: nn.Module, task: Task, optimizer: str, rate: float, steps: int, seed: int) -> None:
    stepper = make_optimizer(optimizer, list(model.parameters()), rate)
    batches = task.batches(seed, BATCH)
    for _ in range(steps):
        inputs, target = next(batches)
        stepper.zero_grad(set_to_none=True)
        loss = task.loss(model(*inputs), target)
        loss.backward()  # type: ignore[no-untyped-call]
        float(loss.detach())
        stepper.step()


_PAGE = """# What a probe costs

Written by `python -m benchmarks probe_cost`: models of 12 layers on a CPU, one thread, seconds of processor time. `probe` is the whole command; `overhead` is what
watching adds to the same training in a plain loop.

{table}

{ten}
"""

_TEN = """Ten small models of one file: {spent:.0f} s of processor time for `vglint --probe`, all its processes together, {ratio:.0f} times that of
`import torch` alone ({torch:.1f} s); {wall:.0f} s by the clock, on {cores} cores with a load of {load:.0f} by other work."""

if __name__ == "__main__":
    raise SystemExit(main())
