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
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vglint.finding import Finding
from vglint.lint.text import text_linter
from vglint.rulebook import load
from vglint.selftest import is_shown

WANTED = 0.97


@dataclass(frozen=True, slots=True)
class Fault:
    """A model with a fault, or the nearest one without: layers of a turn, turns, what follows, how weights are set anew."""

    rule: str
    hidden: str = "nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()"
    depth: int = 3
    tail: str = ""
    weight: str = ""
    """A call that initialises `m.weight`."""
    kept: str = "nn.ModuleList"
    zeroes: bool = True
    needs: str = "model"
    """What it takes to be seen: a `model`, a `loss`, a `loop` that is written out, or a `class`."""


RELU = "nn.Linear(64, 64), nn.ReLU()"
KAIMING = "nn.init.kaiming_normal_(m.weight, nonlinearity='relu')"
FAULTS = (
    (Fault("VG101", "nn.Linear(64, 64), nn.Sigmoid()", 8), Fault("VG101", depth=8)),
    (Fault("VG102", RELU, 12), Fault("VG102", depth=8)),
    (Fault("VG103", RELU, 6, weight="nn.init.normal_(m.weight, std=1.0)"), Fault("VG103", RELU, 6, weight=KAIMING)),
    (Fault("VG301", depth=30), Fault("VG301", depth=6)),
    (Fault("VG401", RELU, 3, weight="nn.init.zeros_(m.weight)"), Fault("VG401", RELU, 3, weight=KAIMING)),
    (Fault("VG701", tail="nn.Softmax(dim=1)", needs="loss"), Fault("VG701", needs="loss")),
    (Fault("VG801", kept="", needs="class"), Fault("VG801", needs="class")),
    (Fault("VG903", zeroes=False, needs="loop"), Fault("VG903", needs="loop")),
)


@dataclass(frozen=True, slots=True)
class Made:
    """Definitions, and statements that bind `model`."""

    definitions: str
    statements: str


# ---- ways of making


def _initialised(fault: Fault, model: str) -> str:
    if not fault.weight:
        return ""
    return f"for m in {model}.modules():\n    if isinstance(m, nn.Linear):\n        {fault.weight}\n        nn.init.zeros_(m.bias)\n"


def _ends(fault: Fault) -> str:
    return "nn.Linear(64, 3)" + (f", {fault.tail}" if fault.tail else "")


def starred(fault: Fault) -> Made:
    build = f"model = nn.Sequential(*[m for _ in range({fault.depth}) for m in ({fault.hidden})], {_ends(fault)})\n"
    return Made("", build + _initialised(fault, "model"))


def listed(fault: Fault) -> Made:
    build = f"layers = []\nfor _ in range({fault.depth}):\n    layers += [{fault.hidden}]\n"
    return Made("", f"{build}model = nn.Sequential(*layers, {_ends(fault)})\n" + _initialised(fault, "model"))


def ordered(fault: Fault) -> Made:
    build = f"layers = OrderedDict()\nfor i in range({fault.depth}):\n"
    build += f"    for j, m in enumerate(({fault.hidden})):\n        layers[f'part{{i}}_{{j}}'] = m\n"
    build += f"for j, m in enumerate(({_ends(fault)},)):\n    layers[f'out{{j}}'] = m\nmodel = nn.Sequential(layers)\n"
    return Made("from collections import OrderedDict\n", build + _initialised(fault, "model"))


def appended(fault: Fault) -> Made:
    build = f"model = nn.Sequential()\nfor _ in range({fault.depth}):\n    for m in ({fault.hidden}):\n        model.append(m)\n"
    return Made("", f"{build}for m in ({_ends(fault)},):\n    model.append(m)\n" + _initialised(fault, "model"))


def added(fault: Fault) -> Made:
    build = f"model = nn.Sequential()\nfor i in range({fault.depth}):\n    for j, m in enumerate(({fault.hidden})):\n"
    build += f"        model.add_module(f'{{i}}_{{j}}', m)\nfor j, m in enumerate(({_ends(fault)},)):\n    model.add_module(f'out{{j}}', m)\n"
    return Made("", build + _initialised(fault, "model"))


def written_out(fault: Fault) -> Made:
    rows = "".join(f"    {fault.hidden},\n" for _ in range(fault.depth))
    return Made("", f"model = nn.Sequential(\n{rows}    {_ends(fault)},\n)\n" + _initialised(fault, "model"))


def nested(fault: Fault) -> Made:
    build = f"body = nn.Sequential(*(nn.Sequential({fault.hidden}) for _ in range({fault.depth})))\n"
    return Made(
        "", f"{build}model = nn.Sequential(body, nn.Sequential({_ends(fault)}))\n" + _initialised(fault, "model")
    )


def by_function(fault: Fault) -> Made:
    body = f"layers = []\nfor _ in range(depth):\n    layers.extend([{fault.hidden}])\nlayers += [{_ends(fault)}]\n"
    body += "net = nn.Sequential(*layers)\n" + _initialised(fault, "net") + "return net\n"
    return Made(f"def build(depth):\n{_indented(body)}\n\n", f"model = build({fault.depth})\n")


def by_registry(fault: Fault) -> Made:
    made = by_function(fault)
    table = "MODELS = {'mlp': build, 'none': lambda depth: nn.Linear(64, 3)}\n\n"
    return Made(made.definitions + table, f"model = MODELS['mlp'](depth={fault.depth})\n")


def by_applied(fault: Fault) -> Made:
    made = starred(replace(fault, weight=""))
    if not fault.weight:
        return made
    body = f"if isinstance(m, nn.Linear):\n    {fault.weight}\n    m.bias.data.fill_(0.0)\n"
    return Made(f"def set_weights(m):\n{_indented(body)}\n\n", made.statements + "model.apply(set_weights)\n")


def _class(fault: Fault, init: str, forward: str, signature: str = "self", name: str = "Net") -> str:
    init = f"super().__init__()\n{init}{_initialised(fault, 'self')}"
    text = f"def __init__({signature}):\n{_indented(init)}\ndef forward(self, x):\n{_indented(forward)}"
    return f"class {name}(nn.Module):\n{_indented(text)}\n\n"


def module_list(fault: Fault) -> Made:
    close = ")" if fault.kept else ""
    init = (
        f"self.layers = {fault.kept}{'(' if close else ''}[m for _ in range(depth) for m in ({fault.hidden})]{close}\n"
    )
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers:\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward, f"self, depth={fault.depth}"), "model = Net()\n")


def with_arguments(fault: Fault) -> Made:
    made = module_list(fault)
    definitions = made.definitions.replace(f"depth={fault.depth}", "depth")
    return Made(definitions, f"depth = {fault.depth}\nmodel = Net(depth)\n")


def with_configuration(fault: Fault) -> Made:
    made = module_list(fault)
    definitions = made.definitions.replace(f"self, depth={fault.depth}", "self, config").replace(
        "range(depth)", "range(config.depth)"
    )
    table = "from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n    depth: int = 1\n    rate: float = 0.1\n\n\n"
    return Made(table + definitions, f"model = Net(Config(depth={fault.depth}))\n")


def held_sequential(fault: Fault) -> Made:
    init = f"self.net = nn.Sequential(*[m for _ in range({fault.depth}) for m in ({fault.hidden})], {_ends(fault)})\n"
    return Made(_class(fault, init, "return self.net(x)\n"), "model = Net()\n")


def by_names(fault: Fault) -> Made:
    init = f"self.depth = {fault.depth}\nfor i in range(self.depth):\n    setattr(self, f'part{{i}}', nn.Sequential({fault.hidden}))\n"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for i in range(self.depth):\n    x = getattr(self, f'part{i}')(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


def of_blocks(fault: Fault) -> Made:
    plain = replace(fault, weight="")
    block = _class(plain, f"self.body = nn.Sequential({fault.hidden})\n", "return self.body(x)\n", name="Block")
    build = f"model = nn.Sequential(*[Block() for _ in range({fault.depth})], {_ends(fault)})\n"
    return Made(block, build + _initialised(fault, "model"))


def list_in_loop(fault: Fault) -> Made:
    close = f"self.layers = {fault.kept}(self.layers)\n" if fault.kept else ""
    init = f"self.layers = []\nfor _ in range({fault.depth}):\n    self.layers.append(nn.Sequential({fault.hidden}))\n{close}"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers:\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


def dict_of_layers(fault: Fault) -> Made:
    pair = ("nn.ModuleDict(", ")") if fault.kept else ("", "")
    init = f"self.layers = {pair[0]}{{f'part{{i}}': nn.Sequential({fault.hidden}) for i in range({fault.depth})}}{pair[1]}\n"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers.values():\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


CLASSES = (module_list, with_arguments, list_in_loop, with_configuration, dict_of_layers)
MAKINGS = (
    starred,
    module_list,
    listed,
    ordered,
    by_function,
    with_arguments,
    appended,
    held_sequential,
    written_out,
    with_configuration,
    nested,
    by_names,
    added,
    of_blocks,
    by_registry,
    by_applied,
)

# ---- ways of holding, calling and training

IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
DATA = "loader = torch.load('train.pt')\n"
LOSS = "F.cross_entropy(model(x), y)"
OPTIMIZER = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"


def _indented(text: str, by: int = 1) -> str:
    return textwrap.indent(text, "    " * by)


def _turn(fault: Fault, loss: str = LOSS, optimizer: str = "optimizer") -> str:
    return (
        f"{optimizer}.zero_grad()\n" if fault.zeroes else ""
    ) + f"loss = {loss}\nloss.backward()\n{optimizer}.step()\n"


def _loop(fault: Fault, loss: str = LOSS, optimizer: str = "optimizer", over: str = "loader") -> str:
    return f"for x, y in {over}:\n{_indented(_turn(fault, loss, optimizer))}"


def _epochs(fault: Fault, loss: str = LOSS) -> str:
    return f"for epoch in range(10):\n{_indented(_loop(fault, loss))}"


def _main(body: str) -> str:
    return f"def main():\n{_indented(body)}\n\nif __name__ == '__main__':\n    main()\n"


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
        f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}for epoch in range(5):\n{_indented(_loop(fault) + check)}"
    )


def train_and_validate(fault: Fault, made: Made) -> str:
    train = f"def train(model, loader, optimizer):\n    model.train()\n{_indented(_loop(fault))}\n\n"
    check = "def validate(model, loader):\n    model.eval()\n    with torch.no_grad():\n        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)\n\n\n"
    body = f"{made.statements}{OPTIMIZER}{DATA}for epoch in range(5):\n    train(model, loader, optimizer)\n    print(validate(model, loader))\n"
    return made.definitions + train + check + _main(body)


def step_function(fault: Fault, made: Made) -> str:
    step = f"def step(model, optimizer, x, y):\n{_indented(_turn(fault))}    return loss.item()\n\n\n"
    loop = "for epoch in range(3):\n    for x, y in loader:\n        print(step(model, optimizer, x, y))\n"
    return f"{made.definitions}{step}{made.statements}{OPTIMIZER}{DATA}{loop}"


def trainer_class(fault: Fault, made: Made) -> str:
    init = "def __init__(self, model, loader, lr=0.1):\n    self.model = model\n    self.loader = loader\n"
    init += "    self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)\n\n"
    turn = _loop(fault, LOSS.replace("model", "self.model"), "self.optimizer", "self.loader")
    fit = f"def fit(self, epochs):\n    for _ in range(epochs):\n{_indented(turn, 2)}\n"
    score = "def score(self, x):\n    with torch.no_grad():\n        return self.model(x)\n"
    return f"{made.definitions}class Trainer:\n{_indented(init + fit + score)}\n\n{made.statements}Trainer(model, torch.load('a')).fit(3)\n"


def experiment(fault: Fault, made: Made) -> str:
    body = f"{made.statements}{OPTIMIZER}{DATA}{_epochs(fault)}"
    text = f"def __init__(self, epochs):\n    self.epochs = epochs\n\ndef run(self):\n{_indented(body)}"
    return f"{made.definitions}class Experiment:\n{_indented(text)}\n\nExperiment(3).run()\n"


def given_to_run(fault: Fault, made: Made) -> str:
    run = f"def run(make, rate=0.1):\n    model = make()\n    optimizer = torch.optim.SGD(model.parameters(), lr=rate)\n{_indented(DATA + _epochs(fault))}    return model\n\n\n"
    make = f"def make():\n{_indented(made.statements)}    return model\n\n\n"
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
    return f"{made.definitions}{made.statements}{OPTIMIZER}{DATA}scaler = torch.amp.GradScaler('cuda')\nfor x, y in loader:\n{_indented(turn)}"


def closure(fault: Fault, made: Made) -> str:
    inner = f"def once(x, y):\n{_indented(_turn(fault))}\nfor x, y in loader:\n    once(x, y)\n"
    return made.definitions + _main(f"{made.statements}{OPTIMIZER}{DATA}{inner}")


def in_dict(fault: Fault, made: Made) -> str:
    held = "models = {'main': model}\nfor name, model in models.items():\n"
    return f"{made.definitions}{made.statements}{DATA}{held}{_indented(OPTIMIZER + _loop(fault))}"


def two_rates(fault: Fault, made: Made) -> str:
    rate = OPTIMIZER.replace("0.1", "rate")
    return f"{made.definitions}{DATA}for rate in (0.1, 0.01):\n{_indented(made.statements + rate + _loop(fault))}"


def beside_another(fault: Fault, made: Made) -> str:
    other = "judge = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1))\njudges = torch.optim.SGD(judge.parameters(), lr=0.1)\n"
    first = "judges.zero_grad()\nF.binary_cross_entropy_with_logits(judge(model(x).detach()), torch.zeros(len(x), 1)).backward()\njudges.step()\n"
    return f"{made.definitions}{made.statements}{OPTIMIZER}{other}{DATA}for x, y in loader:\n{_indented(first + _turn(fault))}"


def by_accelerate(fault: Fault, made: Made) -> str:
    turn = _turn(fault).replace("loss.backward()", "accelerator.backward(loss)")
    ready = "accelerator = Accelerator()\nmodel, optimizer, loader = accelerator.prepare(model, optimizer, loader)\n"
    return f"from accelerate import Accelerator\n{made.definitions}{made.statements}{OPTIMIZER}{DATA}{ready}for x, y in loader:\n{_indented(turn)}"


def by_lightning(fault: Fault, made: Made) -> str:
    init = f"def __init__(self):\n    super().__init__()\n{_indented(made.statements)}    self.net = model\n\n"
    steps = "def training_step(self, batch, index):\n    x, y = batch\n    return F.cross_entropy(self.net(x), y)\n\n"
    steps += "def validation_step(self, batch, index):\n    x, y = batch\n    self.log('val', F.cross_entropy(self.net(x), y))\n\n"
    steps += "def configure_optimizers(self):\n    return torch.optim.SGD(self.parameters(), lr=0.1)\n"
    fit = "pl.Trainer(max_epochs=3).fit(Lit(), torch.load('train.pt'))\n"
    return f"import pytorch_lightning as pl\n{made.definitions}class Lit(pl.LightningModule):\n{_indented(init + steps)}\n\n{fit}"


def by_lightning_given(fault: Fault, made: Made) -> str:
    init = "def __init__(self, net, rate=0.1):\n    super().__init__()\n    self.net = net\n    self.rate = rate\n\n"
    steps = "def forward(self, x):\n    return self.net(x)\n\ndef training_step(self, batch, index):\n    x, y = batch\n    return F.cross_entropy(self(x), y)\n\n"
    steps += "def configure_optimizers(self):\n    return torch.optim.SGD(self.parameters(), lr=self.rate)\n"
    fit = f"{made.statements}L.Trainer(max_epochs=3).fit(Lit(model), torch.load('train.pt'))\n"
    return f"import lightning as L\n{made.definitions}class Lit(L.LightningModule):\n{_indented(init + steps)}\n\n{fit}"


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
    step = f"def step(engine, batch):\n    x, y = batch\n    model.train()\n{_indented(_turn(fault))}    return loss.item()\n\n\n"
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
