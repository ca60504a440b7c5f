"""Eight clear faults in many packagings: ways of making, holding, calling and training one and the same model.

    python -m benchmarks packagings [--only WORD] [--into DIR] [--list]

Each program has one fault, and a twin that is right. Prints, for each fault, how many of its programs were found and how many twins were
silent at default settings; names the others with `--list`. `--only` takes a rule or a part of a program's name, `--into` writes the programs
into a folder. Exit status 1 where less than 97 % is found or a twin is not silent.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generators.makings import CLASSES, FAULTS, MAKINGS, Fault, Made, indented
from vglint.finding import Finding
from vglint.lint.text import text_linter
from vglint.rulebook import load
from vglint.selftest import is_shown

WANTED = 0.97


# ---- ways of holding, calling and training

IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
DATA = "loader = torch.load('train.pt')\n"
LOSS = "F.cross_entropy(model(x), y)"
OPTIMIZER = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"


def _turn(fault: Fault, loss: str = LOSS, optimizer: str = "optimizer") -> str:
    return (
        f"{optimizer}.zero_grad()\n" if fault.zeroes else ""
    ) + f"loss = {loss}\nloss.backward()\n{optimizer}.step()\n"


def _loop(fault: Fault, loss: str = LOSS, optimizer: str = "optimizer", over: str = "loader") -> str:
    return f"for x, y in {over}:\n{indented(_turn(fault, loss, optimizer))}"


def _epochs(fault: Fault, loss: str = LOSS) -> str:
    return f"for epoch in range(10):\n{indented(_loop(fault, loss))}"


def _main(body: str) -> str:
    return f"def main():\n{indented(body)}\n\nif __name__ == '__main__':\n    main()\n"


def bare(fault: Fault, made: Made) -> str:
    return f"{made.definitions}{made.statements}print(model)\n"


def script(fault: Fault, made: Made) -> str:
    return f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}{_epochs(fault)}"


def in_main(fault: Fault, made: Made) -> str:
    return made.definitions + _main(f"{made.statements}{OPTIMIZER}{DATA}{_epochs(fault)}")


def shape_check(fault: Fault, made: Made) -> str:
    check = "print(model(torch.randn(4, 64)).shape)\n"
    return f"{made.definitions}{made.statements}{check}{OPTIMIZER}{DATA}{_epochs(fault)}"


def predicted_at_end(fault: Fault, made: Made) -> str:
    end = "model.eval()\nanswer = model(torch.randn(8, 64)).argmax(1)\n"
    return f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}{_epochs(fault)}{end}"


def validated_between(fault: Fault, made: Made) -> str:
    check = "model.eval()\nwith torch.no_grad():\n    for x, y in torch.load('val.pt'):\n        print((model(x).argmax(1) == y).float().mean())\nmodel.train()\n"
    return (
        f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}for epoch in range(5):\n{indented(_loop(fault) + check)}"
    )


def train_and_validate(fault: Fault, made: Made) -> str:
    train = f"def train(model, loader, optimizer):\n    model.train()\n{indented(_loop(fault))}\n\n"
    check = "def validate(model, loader):\n    model.eval()\n    with torch.no_grad():\n        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)\n\n\n"
    body = f"{made.statements}{OPTIMIZER}{DATA}for epoch in range(5):\n    train(model, loader, optimizer)\n    print(validate(model, loader))\n"
    return made.definitions + train + check + _main(body)


def step_function(fault: Fault, made: Made) -> str:
    step = f"def step(model, optimizer, x, y):\n{indented(_turn(fault))}    return loss.item()\n\n\n"
    loop = "for epoch in range(3):\n    for x, y in loader:\n        print(step(model, optimizer, x, y))\n"
    return f"{made.definitions}{step}{made.statements}{OPTIMIZER}{DATA}{loop}"


def trainer_class(fault: Fault, made: Made) -> str:
    init = "def __init__(self, model, loader, lr=0.1):\n    self.model = model\n    self.loader = loader\n"
    init += "    self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)\n\n"
    turn = _loop(fault, LOSS.replace("model", "self.model"), "self.optimizer", "self.loader")
    fit = f"def fit(self, epochs):\n    for _ in range(epochs):\n{indented(turn, 2)}\n"
    score = "def score(self, x):\n    with torch.no_grad():\n        return self.model(x)\n"
    return f"{made.definitions}class Trainer:\n{indented(init + fit + score)}\n\n{made.statements}Trainer(model, torch.load('a')).fit(3)\n"


def experiment(fault: Fault, made: Made) -> str:
    body = f"{made.statements}{OPTIMIZER}{DATA}{_epochs(fault)}"
    text = f"def __init__(self, epochs):\n    self.epochs = epochs\n\ndef run(self):\n{indented(body)}"
    return f"{made.definitions}class Experiment:\n{indented(text)}\n\nExperiment(3).run()\n"


def given_to_run(fault: Fault, made: Made) -> str:
    run = f"def run(make, rate=0.1):\n    model = make()\n    optimizer = torch.optim.SGD(model.parameters(), lr=rate)\n{indented(DATA + _epochs(fault))}    return model\n\n\n"
    make = f"def make():\n{indented(made.statements)}    return model\n\n\n"
    return f"{made.definitions}{make}{run}run(make)\n"


def on_device(fault: Fault, made: Made) -> str:
    device = "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\n"
    return f"{made.definitions}{device}{made.statements}model = model.to(device)\n{OPTIMIZER}{DATA}{_epochs(fault, LOSS.replace('(x)', '(x.to(device))').replace(' y)', ' y.to(device))'))}"


def in_parallel(fault: Fault, made: Made) -> str:
    return f"{made.definitions}{made.statements}model = nn.DataParallel(model)\n{OPTIMIZER}{DATA}{_epochs(fault)}"


def compiled(fault: Fault, made: Made) -> str:
    return f"{made.definitions}{made.statements}model = torch.compile(model)\n{OPTIMIZER}{DATA}{_epochs(fault)}"


def scaled(fault: Fault, made: Made) -> str:
    zero = "optimizer.zero_grad()\n" if fault.zeroes else ""
    turn = f"{zero}with torch.autocast('cuda'):\n    loss = {LOSS}\nscaler.scale(loss).backward()\nscaler.step(optimizer)\nscaler.update()\n"
    return f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}scaler = torch.amp.GradScaler('cuda')\nfor x, y in loader:\n{indented(turn)}"


def closure(fault: Fault, made: Made) -> str:
    inner = f"def once(x, y):\n{indented(_turn(fault))}\nfor x, y in loader:\n    once(x, y)\n"
    return made.definitions + _main(f"{made.statements}{OPTIMIZER}{DATA}{inner}")


def in_dict(fault: Fault, made: Made) -> str:
    held = "models = {'main': model}\nfor name, model in models.items():\n"
    return f"{made.definitions}{made.statements}{DATA}{held}{indented(OPTIMIZER + _loop(fault))}"


def two_rates(fault: Fault, made: Made) -> str:
    rate = OPTIMIZER.replace("0.1", "rate")
    return f"{made.definitions}{DATA}for rate in (0.1, 0.01):\n{indented(made.statements + rate + _loop(fault))}"


def beside_another(fault: Fault, made: Made) -> str:
    other = "judge = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))\njudges = torch.optim.SGD(judge.parameters(), lr=0.1)\n"
    first = "judges.zero_grad()\nF.binary_cross_entropy_with_logits(judge(model(x).detach()), torch.zeros(len(x), 1)).backward()\njudges.step()\n"
    return f"{made.definitions}{made.statements}{OPTIMIZER}{other}{DATA}for x, y in loader:\n{indented(first + _turn(fault))}"


def by_accelerate(fault: Fault, made: Made) -> str:
    turn = _turn(fault).replace("loss.backward()", "accelerator.backward(loss)")
    ready = "accelerator = Accelerator()\nmodel, optimizer, loader = accelerator.prepare(model, optimizer, loader)\n"
    return f"from accelerate import Accelerator\n{made.definitions}{made.statements}{OPTIMIZER}{DATA}{ready}for x, y in loader:\n{indented(turn)}"


def by_lightning(fault: Fault, made: Made) -> str:
    init = f"def __init__(self):\n    super().__init__()\n{indented(made.statements)}    self.net = model\n\n"
    steps = "def training_step(self, batch, index):\n    x, y = batch\n    return F.cross_entropy(self.net(x), y)\n\n"
    steps += "def validation_step(self, batch, index):\n    x, y = batch\n    self.log('val', F.cross_entropy(self.net(x), y))\n\n"
    steps += "def configure_optimizers(self):\n    return torch.optim.SGD(self.parameters(), lr=0.1)\n"
    fit = "pl.Trainer(max_epochs=3).fit(Lit(), torch.load('train.pt'))\n"
    return f"import pytorch_lightning as pl\n{made.definitions}class Lit(pl.LightningModule):\n{indented(init + steps)}\n\n{fit}"


def by_lightning_given(fault: Fault, made: Made) -> str:
    init = "def __init__(self, net, rate=0.1):\n    super().__init__()\n    self.net = net\n    self.rate = rate\n\n"
    steps = "def forward(self, x):\n    return self.net(x)\n\ndef training_step(self, batch, index):\n    x, y = batch\n    return F.cross_entropy(self(x), y)\n\n"
    steps += "def configure_optimizers(self):\n    return torch.optim.SGD(self.parameters(), lr=self.rate)\n"
    fit = f"{made.statements}L.Trainer(max_epochs=3).fit(Lit(model), torch.load('train.pt'))\n"
    return f"import lightning as L\n{made.definitions}class Lit(L.LightningModule):\n{indented(init + steps)}\n\n{fit}"


def by_transformers(fault: Fault, made: Made) -> str:
    wrapped = "class Wrapped(nn.Module):\n    def __init__(self, net):\n        super().__init__()\n        self.net = net\n\n    def forward(self, inputs, labels=None):\n"
    wrapped += "        logits = self.net(inputs)\n        return {'loss': F.cross_entropy(logits, labels), 'logits': logits}\n\n\n"
    fit = "args = TrainingArguments('out', optim='sgd')\nTrainer(model=Wrapped(model), args=args, train_dataset=torch.load('a')).train()\n"
    return f"from transformers import Trainer, TrainingArguments\n{made.definitions}{wrapped}{made.statements}{fit}"


def by_fastai(fault: Fault, made: Made) -> str:
    fit = "learn = Learner(torch.load('dls.pt'), model, loss_func=nn.CrossEntropyLoss(), opt_func=SGD)\nlearn.fit_one_cycle(3)\n"
    return f"from fastai.vision.all import *\n{made.definitions}{made.statements}{fit}"


def by_skorch(fault: Fault, made: Made) -> str:
    fit = "net = NeuralNetClassifier(model, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=0.1)\nx, y = torch.load('a')\nnet.fit(x, y)\n"
    return f"from skorch import NeuralNetClassifier\n{made.definitions}{made.statements}{fit}"


def by_ignite(fault: Fault, made: Made) -> str:
    fit = "trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())\ntrainer.run(loader, max_epochs=3)\n"
    return f"from ignite.engine import create_supervised_trainer\n{made.definitions}{made.statements}{OPTIMIZER}{DATA}{fit}"


def by_ignite_step(fault: Fault, made: Made) -> str:
    step = f"def step(engine, batch):\n    x, y = batch\n    model.train()\n{indented(_turn(fault))}    return loss.item()\n\n\n"
    return f"from ignite.engine import Engine\n{made.definitions}{made.statements}{OPTIMIZER}{DATA}{step}Engine(step).run(loader, max_epochs=3)\n"


WRITTEN = (
    script,
    in_main,
    shape_check,
    predicted_at_end,
    validated_between,
    train_and_validate,
    step_function,
    trainer_class,
    experiment,
    given_to_run,
    on_device,
    in_parallel,
    compiled,
    scaled,
    closure,
    in_dict,
    two_rates,
    beside_another,
    by_accelerate,
)
SHOWING_LOSS = (by_lightning, by_lightning_given, by_ignite_step)
HANDED_OVER = (bare, by_transformers, by_fastai, by_skorch, by_ignite)
Making = Callable[[Fault], Made]
Training = Callable[[Fault, Made], str]


@dataclass(frozen=True, slots=True)
class Program:
    rule: str
    name: str
    text: str
    twin: str
    """The same without the fault."""
    notebook: bool = False


def programs() -> Iterator[Program]:
    """Yields the programs: each fault in each way of training that shows it, with two ways of making that take turns; every third once
    more as a notebook."""
    count = 0
    for bad, good in FAULTS:
        trainings: tuple[Training, ...] = WRITTEN
        if bad.needs != "loop":
            trainings += SHOWING_LOSS
        if bad.needs in ("model", "class"):
            trainings += HANDED_OVER
        makings: tuple[Making, ...] = CLASSES if bad.needs == "class" else MAKINGS
        for position, training in enumerate(trainings):
            for turn in (0, 1):
                making = makings[(2 * position + turn + int(bad.rule[2:])) % len(makings)]
                texts = [IMPORTS + training(fault, making(fault)) for fault in (bad, good)]
                name = f"{bad.rule}-{training.__name__}-{making.__name__}"
                yield Program(bad.rule, name, texts[0], texts[1])
                count += 1
                if count % 3 == 0:
                    yield Program(bad.rule, f"{name}-cells", texts[0], texts[1], notebook=True)


def as_notebook(text: str) -> str:
    """Returns a program as a notebook with a cell for each stretch that blank lines part."""
    parts = [part.strip("\n") + "\n" for part in text.split("\n\n\n") if part.strip()]
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": part} for part in parts
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--into", type=Path)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args()
    lint = text_linter(load(()))
    found: dict[str, list[bool]] = {}
    silent: dict[str, list[bool]] = {}
    for program in programs():
        if given.only not in program.name:
            continue
        suffix = ".ipynb" if program.notebook else ".py"
        for text, is_twin in ((program.text, False), (program.twin, True)):
            text = as_notebook(text) if program.notebook else text
            name = f"{program.name}{'-right' if is_twin else ''}{suffix}"
            if given.into is not None:
                given.into.mkdir(parents=True, exist_ok=True)
                (given.into / name).write_text(text, encoding="utf-8")
            shown = [finding for finding in lint(name, text) if is_shown(finding)]
            good = not shown if is_twin else any(finding.rule == program.rule for finding in shown)
            (silent if is_twin else found).setdefault(program.rule, []).append(good)
            if given.list and not good:
                print(f"{name}: {_said(shown)}")
    return _table(found, silent)


def _said(findings: list[Finding]) -> str:
    return "; ".join(f"{each.rule} line {each.span.line} {each.message}" for each in findings) or "nothing"


def _table(found: dict[str, list[bool]], silent: dict[str, list[bool]]) -> int:
    print(f"{'fault':8} {'found':>9} {'twins silent':>14}")
    for rule in found:
        print(f"{rule:8} {_of(found[rule]):>9} {_of(silent[rule]):>14}")
    every, twins = (
        [each for some in found.values() for each in some],
        [each for some in silent.values() for each in some],
    )
    share = sum(every) / len(every) if every else 0.0
    print(f"{'all':8} {_of(every):>9} {_of(twins):>14}   {share:.1%} found")
    return 0 if share >= WANTED and all(twins) else 1


def _of(values: list[bool]) -> str:
    return f"{sum(values)}/{len(values)}"


if __name__ == "__main__":
    sys.exit(main())
