"""Files run as scripts: their arguments, their data, what they lack; and the books that are kept of their loops."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vglint.rule import Scalar

torch = pytest.importorskip("torch")

from vglint.probe import absent, environments  # noqa: E402
from vglint.probe.child import carry_out  # noqa: E402
from vglint.probe.record import Measured, Request  # noqa: E402

HEAD = "import argparse\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
NET = """class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.last = nn.Linear(6, width), nn.Linear(width, 3)

    def forward(self, x, scale=1.0):
        return self.last(self.first(x).relu() * scale)


"""
LOOP = """
model = Net(8)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(1000):
    x, y = torch.randn(16, 6) + 5, torch.randint(3, (16,))
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def measured(folder: Path, text: str, expression: str = "<module>", steps: int = 12) -> Measured:
    torch.set_num_threads(1)
    path = folder / f"script_{abs(hash((text, folder.name)))}.py"
    path.write_text(HEAD + text)
    training = expression == "<module>"
    request = Request(str(folder), path.name, expression, steps=steps, seeds=1, training=training, script=not training)
    return carry_out(request, folder)


def measures(folder: Path, text: str, steps: int = 12) -> dict[str, Scalar]:
    return measured(folder, text, steps=steps).runs[0].measures


def test_a_guarded_main_gets_the_arguments_that_it_requires(tmp_path: Path) -> None:
    text = NET + (
        "def main(args):\n    assert args.task in ('a', 'b') and args.rate == 0.5 and args.width == 8\n"
        + "".join(f"    {line}\n" for line in LOOP.replace("Net(8)", "Net(args.width)").splitlines())
        + "\n\nif __name__ == '__main__':\n    parser = argparse.ArgumentParser()\n"
        "    parser.add_argument('task', choices=['a', 'b'])\n    parser.add_argument('--data', required=True)\n"
        "    parser.add_argument('--rate', type=float, default=0.5)\n    parser.add_argument('--width', type=int, default=8)\n"
        "    main(parser.parse_args())\n"
    )
    found = measured(tmp_path, text)
    assert len(found.runs[0].losses) == 12 and found.models == ("Net", "Linear")


def test_what_only_shows_progress_may_be_missing_and_loaders_start_no_processes(tmp_path: Path) -> None:
    text = (
        "import wandb\nfrom clearml import Task\nfrom torch.utils.data import DataLoader, TensorDataset\nfrom colorama import Fore\n"
        + NET
        + "wandb.init(project='x')\nmodel = Net(8)\noptimizer = torch.optim.Adam(model.parameters())\n"
        "data = TensorDataset(torch.randn(64, 6), torch.randint(3, (64,)))\n"
        "loader = DataLoader(data, 16, num_workers=4, persistent_workers=True, prefetch_factor=2)\n"
        "for epoch in range(20):\n    for x, y in loader:\n        loss = F.cross_entropy(model(x), y)\n"
        "        optimizer.zero_grad()\n        loss.backward()\n        optimizer.step()\n        wandb.log({'loss': loss})\n"
    )
    assert len(measured(tmp_path, text).runs[0].losses) == 12


def test_a_script_for_a_gpu_runs_on_the_processor(tmp_path: Path) -> None:
    text = NET + LOOP.replace("Net(8)", "Net(8).cuda()").replace("+ 5,", "+ torch.ones(6, device='cuda'),").replace(
        "model(x), y", "model(x.to('cuda:0')), y.cuda()"
    )
    assert len(measured(tmp_path, text).runs[0].losses) == 12


def test_a_model_is_built_without_what_only_shows_progress(tmp_path: Path) -> None:
    text = f"import loguru\nfrom tqdm.notebook import tqdm\nfrom torch.utils.tensorboard import SummaryWriter\n{NET}"
    path = tmp_path / "plain_model.py"
    path.write_text(HEAD + text)
    assert carry_out(Request(str(tmp_path), path.name, "Net(8)", steps=12, seeds=1), tmp_path).parameters == 83


@pytest.mark.parametrize(("move", "count"), [(".to('cuda')", 1), (".cuda()", 1), ("", 0)])
def test_a_parameter_that_is_moved_is_none_any_more(tmp_path: Path, move: str, count: int) -> None:
    text = NET.replace("self.first,", f"self.gate = nn.Parameter(torch.ones(3)){move}\n        self.first,").replace(
        "return self.last", "return self.gate * self.last"
    )
    assert measures(tmp_path, text + LOOP)["unowned_parameters"] == count


def test_a_model_is_taken_as_its_script_builds_and_calls_it(tmp_path: Path) -> None:
    found = measured(tmp_path, NET + LOOP.replace("model(x)", "model(x, scale=0.5)"), "Net")
    notes = " ".join(found.synthesised)
    assert "built and called as the script does" in notes and "(16, 6) of N(5" in notes
    assert "the script's SGD, lr 0.1" in notes and found.parameters == 6 * 8 + 8 + 8 * 3 + 3
    assert {run.optimizer for run in found.runs} == {"sgd"} and found.runs[0].rate == 0.1


def test_a_class_that_the_script_never_calls_is_built_for_the_probe(tmp_path: Path) -> None:
    other = NET.replace("class Net", "class Other").replace("self, width)", "self, width=8)")
    found = measured(tmp_path, other + NET + LOOP, "Other")
    assert any("inputs made up" in note for note in found.synthesised)


def test_missing_data_is_made_up_and_missing_weights_are_left(tmp_path: Path) -> None:
    text = NET + (
        "model = Net(8)\nmodel.load_state_dict(torch.load('weights.pt'))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for epoch in range(9):\n    for x, y in torch.load('train.pt'):\n        optimizer.zero_grad()\n"
        "        F.cross_entropy(model(x), y).backward()\n        optimizer.step()\n"
    )
    found = measured(tmp_path, text)
    assert "(batch, 6) of N(0, 1)" in found.synthesised[0] and len(found.runs[0].losses) == 12


ABSENT = {
    "a package": "import absent_data\nsource = absent_data.sets.Digits('d', transform=absent_data.Compose([absent_data.ToTensor()]))\n",
    "a table": "import absent_data\ntable = absent_data.read('t.csv')\n"
    "source = torch.utils.data.TensorDataset(torch.tensor(table.drop('y').values) / 255, torch.tensor(table['y'].values))\n",
    "a file": "class Rows(torch.utils.data.Dataset):\n    def __init__(self, path):\n        self.rows = open(path).readlines()\n"
    "    def __len__(self):\n        return len(self.rows)\n    def __getitem__(self, place):\n        return self.rows[place]\n"
    "source = torch.utils.data.Subset(Rows('rows.txt'), range(9))\n",
    "a folder": "source = []\n",
}


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes a package that is nowhere for one of data."""
    monkeypatch.setattr(absent, "PACKAGES", frozenset({"absent_data"}))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "absent_data"]:
        del sys.modules[name]


@pytest.mark.parametrize("kind", ABSENT)
def test_data_that_is_not_there_is_made_up(tmp_path: Path, without: None, kind: str) -> None:
    plain = torch.load, torch.tensor, torch.utils.data.DataLoader.__iter__, torch.utils.data.Dataset.__init_subclass__
    text = f"{NET}{ABSENT[kind]}loader = torch.utils.data.DataLoader(source, batch_size=8, shuffle=True)\n" + (
        "model = Net(8)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nfor epoch in range(9):\n    for x, y in loader:\n"
        "        optimizer.zero_grad()\n        F.cross_entropy(model(x), y).backward()\n        optimizer.step()\n"
    )
    found = measured(tmp_path, text)
    assert "(batch, 6) of N(0, 1)" in found.synthesised[0] and len(found.runs[0].losses) == 12
    now = torch.load, torch.tensor, torch.utils.data.DataLoader.__iter__, torch.utils.data.Dataset.__init_subclass__
    assert now == plain


STEPS = """
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
MADE_UP = {
    "a text": (
        "text = open('input.txt').read()\nsize = len(set(text))\ncodes = torch.tensor([sorted(set(text)).index(each) for each in text])\n"
        "model = nn.Sequential(nn.Embedding(size, 8), nn.Linear(8, size))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "while True:\n    at = torch.randint(len(codes) - 1, (16,))\n    x, y = codes[at], codes[at + 1]\n" + STEPS,
        "with the text of input.txt made up",
    ),
    "columns of a table": (
        "import absent_data\nimport numpy as np\ntable = absent_data.read_csv('t.csv').dropna()\nrows = table[['a', 'b', 'c']].values.astype(np.float32)\n"
        "assert rows.shape[1] == 3 and table['label'].to_numpy().ndim == 1\nrows = (rows - rows.mean(0)) / rows.std(0)\n"
        "model = nn.Linear(3, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for _ in range(99):\n    x, y = torch.tensor(rows[:8]), torch.arange(8) % 2\n" + STEPS,
        "(batch, 3) of N(0, 1)",
    ),
    "parts": (
        "import absent_data\n(rows, labels), _ = absent_data.load_data()\na, b, c, d = absent_data.split(rows, labels)\n"
        "model = nn.Linear(3, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for x, y in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(a), torch.tensor(c))):\n"
        + STEPS,
        "(batch, 3) of N(0, 1)",
    ),
    "texts of a table": (
        "import absent_data\ntable = absent_data.read_csv('t.csv')\ntexts, labels = table['review'].tolist(), (table['mood'] == 'good').astype(int).tolist()\n"
        "words = sorted({word for text in texts for word in text.lower().split()})\n"
        "model = nn.Sequential(nn.EmbeddingBag(len(words), 8), nn.Linear(8, 2))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for text, label in zip(texts, labels):\n    x, y = torch.tensor([[words.index(word) for word in text.lower().split()]]), torch.tensor([label])\n"
        + STEPS,
        "with the texts of a table, the classes of a table made up",
    ),
    "pairs of texts": (
        "pairs = [line.strip().split('\\t') for line in open('pairs.txt')]\nwords = sorted({word for a, b in pairs for word in (a + ' ' + b).split()})\n"
        "model = nn.Embedding(len(words), len(words))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for a, b in pairs:\n    x, y = (torch.tensor([words.index(each.split()[0])]) for each in (a, b))\n" + STEPS,
        "with the text of pairs.txt made up",
    ),
    "images between 0 and 1": (
        "import absent_data\nmodel = nn.Sequential(nn.Linear(6, 3), nn.Linear(3, 6), nn.Sigmoid())\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for x, _ in torch.utils.data.DataLoader(absent_data.sets.Digits('d')):\n"
        + STEPS.replace("F.cross_entropy(model(x), y)", "F.binary_cross_entropy(model(x), x)"),
        "(batch, 6) in 0 to 1",
    ),
    "batches for the second of two models": (
        "import absent_data\nmodel, judge = nn.Linear(4, 6), nn.Sequential(nn.Linear(6, 2))\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for real, _ in torch.utils.data.DataLoader(absent_data.sets.Digits('d')):\n    y = torch.ones(len(real), dtype=torch.long)\n"
        "    x = torch.randn(len(real), 4)\n"
        + STEPS.replace("F.cross_entropy(model(x), y)", "F.cross_entropy(judge(model(x)), y)")
        + "    judge(real)\n",
        "(batch, 6) of N(0, 1)",
    ),
    "a game": (
        "import gymnasium as gym\nenv = gym.make('CartPole-v1')\nmodel = nn.Linear(env.observation_space.shape[0], env.action_space.n)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nwhile True:\n    state, _ = env.reset()\n    done = False\n"
        "    while not done:\n        x, y = torch.from_numpy(state)[None], torch.tensor([env.action_space.sample()])\n"
        "        state, reward, done, truncated, _ = env.step(0)\n" + STEPS.replace("\n    ", "\n        "),
        "with an environment in the place of CartPole-v1 made up",
    ),
    "an old game": (
        "import gym\nenv = gym.make('Pendulum-v0')\nmodel = nn.Linear(3, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "while True:\n    state, done = env.reset(), False\n    while not done:\n        x, y = torch.from_numpy(state)[None], torch.tensor([0])\n"
        "        state, reward, done, _ = env.step(env.action_space.sample())\n"
        + STEPS.replace("\n    ", "\n        "),
        "with an environment in the place of Pendulum-v0 made up",
    ),
}


@pytest.mark.parametrize(("made", "is_broadcast"), [("", True), (".unsqueeze(1)", False)])
def test_targets_that_the_code_makes_keep_their_shape(
    tmp_path: Path, without: None, made: str, is_broadcast: bool
) -> None:
    text = (
        "import absent_data\ntable = absent_data.read('t.csv')\nx = torch.tensor(table.drop(columns=['y']).values, dtype=torch.float32)\n"
        f"y = torch.tensor(table['y'].values, dtype=torch.float32){made}\nmodel = nn.Linear(6, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\nloader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y))\n"
        "for epoch in range(9):\n    for x, y in loader:\n        optimizer.zero_grad()\n        F.mse_loss(model(x), y).backward()\n        optimizer.step()\n"
    )
    assert measures(tmp_path, text)["broadcast_loss"] is is_broadcast


@pytest.mark.parametrize("norm", ["weight_norm", "parametrizations.weight_norm", "spectral_norm"])
def test_the_gradient_of_a_weight_that_is_computed_is_that_of_its_parameter(tmp_path: Path, norm: str) -> None:
    path = tmp_path / f"{norm.replace('.', '_')}_net.py"
    path.write_text(
        f"{HEAD}norm = nn.utils.{norm}\n\n\ndef net():\n    return nn.Sequential(norm(nn.Linear(8, 16)), nn.ReLU(), nn.Linear(16, 3))\n"
    )
    found = carry_out(Request(str(tmp_path), path.name, "net()", steps=4, seeds=1), tmp_path)
    weighted = [layer for layer in found.runs[0].snapshots[0].layers if layer.weighted]
    assert len(weighted) == 2 and all(
        layer.weight_gradient is not None and layer.weight_gradient > -6 for layer in weighted
    )


@pytest.mark.parametrize("kind", MADE_UP)
def test_what_else_is_not_there_is_made_up(
    tmp_path: Path, without: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in ("gym", "gymnasium"):  # where one is installed, too
        monkeypatch.setitem(sys.modules, name, environments.package(name, lambda words: None))
        monkeypatch.delitem(sys.modules, name)
    text, said = MADE_UP[kind]
    found = measured(tmp_path, text)
    assert said in found.synthesised[0] and len(found.runs[0].losses) == 12


def test_what_a_program_does_without_is_left_missing(tmp_path: Path) -> None:
    text = NET + (
        "try:\n    width = len(open('width.txt').read())\nexcept FileNotFoundError:\n    width = 8\n"
        + LOOP.replace("Net(8)", "Net(width)").replace("nn.", "nn.")
    )
    assert measured(tmp_path, text).parameters == 6 * 8 + 8 + 8 * 3 + 3


def test_a_tokenizer_and_a_model_that_would_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    text = (
        "from transformers import AutoTokenizer, BertModel\ntokenizer = AutoTokenizer.from_pretrained('./no-such-bert')\n"
        "body = BertModel.from_pretrained('./no-such-bert')\nmodel = nn.Linear(body.config.hidden_size, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "given = tokenizer(['a good day', 'bad'], padding='max_length', max_length=6, truncation=True, return_tensors='pt')\n"
        "assert given['input_ids'].shape == (2, 6) and given['attention_mask'].sum() == 8 and len(body.encoder.layer) == 2\n"
        "for _ in range(99):\n    x, y = body(**given).pooler_output.detach(), torch.tensor([0, 1])\n" + STEPS
    )
    said = measured(tmp_path, text).synthesised[0]
    assert "the tokens of ./no-such-bert" in said and "with 2 layers and random weights" in said


def test_a_package_that_is_missing_is_named_where_nothing_runs_without_it(tmp_path: Path, without: None) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'absent_data'"):
        measured(tmp_path, "import absent_data\nmodel = absent_data.models.resnet18()\n")


def test_a_lightning_module_whose_trainer_takes_no_step_takes_its_own(tmp_path: Path) -> None:
    text = (
        "class Lit(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.net = nn.Linear(6, 3)\n"
        "    def forward(self, x):\n        return self.net(x)\n"
        "    def training_step(self, batch, number):\n        (x,) = batch\n        return self(x).pow(2).mean()\n"
        "    def configure_optimizers(self):\n        return torch.optim.SGD(self.parameters(), lr=0.1)\n"
        "if __name__ == '__main__':\n    Lit()\n    open('images.bin')\n"
    )
    found = measured(tmp_path, text)
    assert "(batch, 6) of N(0, 1)" in found.synthesised[0] and len(found.runs[0].losses) == 12


def test_a_model_that_is_only_built_is_probed(tmp_path: Path) -> None:
    found = measured(
        tmp_path, "gate = nn.Linear(4, 4)\nnet = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 2))\n"
    )
    assert "the code builds it and does not train it" in found.synthesised and found.parameters == 9 * 8 + 8 + 8 * 2 + 2


def test_a_notebook_runs_cell_by_cell(tmp_path: Path) -> None:
    import json

    cells = [
        {"cell_type": "code", "source": part, "metadata": {}} for part in (HEAD, "%matplotlib inline\n" + NET, LOOP)
    ]
    (tmp_path / "book.ipynb").write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    found = carry_out(Request(str(tmp_path), "book.ipynb", "<module>", steps=12, seeds=1, training=True), tmp_path)
    assert len(found.runs[0].losses) == 12


@pytest.mark.parametrize(
    ("term", "count"),
    [
        ("+ 0.5 * model(x).argmax(1).float().mean()", 1),
        ("+ model(x).detach().pow(2).mean()", 1),
        ("+ 0.1 * model(x).pow(2).mean()", 0),
        ("+ 3.0", 0),
        ("+ torch.tensor(0.5)", 0),
        ("/ x.abs().mean()", 0),
    ],
)
def test_terms_of_the_loss_without_a_gradient(tmp_path: Path, term: str, count: int) -> None:
    text = NET + LOOP.replace("F.cross_entropy(model(x), y)", f"F.cross_entropy(model(x), y) {term}")
    assert measures(tmp_path, text)["flat_terms"] == count


def test_a_loop_that_ends_before_its_first_step_because_nothing_has_a_gradient(tmp_path: Path) -> None:
    text = NET + LOOP.replace(
        "F.cross_entropy(model(x), y)", "(model(x).argmax(1).float().requires_grad_() - y).pow(2).mean()"
    ).replace("    optimizer.step()", "    assert model.first.weight.grad is not None\n    optimizer.step()")
    assert measures(tmp_path, text)["blind_optimizers"] == 1


def test_the_books_of_a_loop(tmp_path: Path) -> None:
    sound = measures(tmp_path, NET + LOOP)
    assert (sound["unstepped_passes"], sound["discarded_share"], sound["passes_per_step"]) == (0, 0.0, 1.0)
    assert (sound["rebuilt_optimizers"], sound["kept_graphs"], sound["evaluating_share"]) == (0, 0, 0.0)
    assert sound["broadcast_loss"] is False and sound["mixes_samples"] is False
    never = measures(tmp_path, NET + LOOP.replace("    optimizer.step()\n", ""))
    assert sound["unstepped_optimizers"] == 0 and never["unstepped_optimizers"] == 1
    assert never["unstepped_passes"] == 96 and float(never["discarded_share"]) > 0.9
    clip = "    nn.utils.clip_grad_norm_(model.parameters(), 1e-3)\n"
    clipped = measures(tmp_path, NET + LOOP.replace("    optimizer.step()\n", clip + "    optimizer.step()\n"))
    assert float(clipped["clip_factor"]) < 0.1 and clipped["idle_clip_share"] == 0.0
    late = measures(tmp_path, NET + LOOP + clip)
    assert late["idle_clip_share"] == 1.0
    kept = measures(tmp_path, "losses = []\n" + NET + LOOP + "    losses.append(loss)\n")
    assert int(kept["kept_graphs"]) >= 8


def test_a_tensor_that_a_model_keeps_and_does_not_register(tmp_path: Path) -> None:
    text = NET.replace("self.first,", "self.scale = torch.ones(3, requires_grad=True)\n        self.first,").replace(
        "return self.last", "return self.scale * self.last"
    )
    assert measures(tmp_path, text + LOOP)["unowned_parameters"] == 1
    inputs = NET + LOOP.replace("+ 5,", "+ 5,").replace("loss = ", "x.requires_grad_()\n    loss = ")
    assert measures(tmp_path, inputs)["unowned_parameters"] == 0


def test_what_a_loss_compares(tmp_path: Path) -> None:
    def loop(loss: str) -> str:
        return NET + LOOP.replace("F.cross_entropy(model(x), y)", loss)

    for loss, outer, twice in (
        ("F.mse_loss(model(x)[:, :1], torch.randn(16))", True, False),
        ("((model(x)[:, :1] - torch.randn(16)) ** 2).mean()", True, False),
        ("F.mse_loss(model(x)[:, 0], torch.randn(16))", False, False),
        ("F.mse_loss(model(x), torch.randn(3))", False, False),
        ("F.cross_entropy(model(x).softmax(1), y)", False, True),
        ("F.cross_entropy(model(x), y)", False, False),
    ):
        found = measured(tmp_path, loop(loss)).runs[0].measures
        assert (found["outer_loss"], found.get("softmax_as_logits", False)) == (outer, twice), loss


def test_layers_that_a_model_keeps_in_a_list(tmp_path: Path) -> None:
    text = NET.replace("self.first,", "self.more = [nn.Linear(width, width)]\n        self.first,").replace(
        "return self.last(self.first(x)", "return self.last(self.more[0](self.first(x))"
    )
    assert measures(tmp_path, text + LOOP)["unowned_parameters"] == 2
    given = LOOP.replace("model.parameters()", "[*model.parameters(), *model.more[0].parameters()]")
    assert measures(tmp_path, text + given)["unowned_parameters"] == 0
    two = LOOP.replace("model = Net(8)", "model, body = Net(8), nn.Linear(6, 6)").replace("model(x)", "model(body(x))")
    assert measures(tmp_path, NET + two)["unowned_parameters"] == 0


def test_what_a_softmax_gets(tmp_path: Path) -> None:
    loss = "F.nll_loss((model(x).relu() if CUT else model(x)).softmax(1).log(), y)"
    for cut in (True, False):
        text = f"CUT = {cut}\n" + NET + LOOP.replace("F.cross_entropy(model(x), y)", loss)
        assert measures(tmp_path, text)["rectified_outputs"] is cut


@pytest.mark.parametrize(
    ("scheduler", "rate"),
    [
        ("StepLR(optimizer, 10, gamma=0)", 0.0),
        ("StepLR(optimizer, 100, gamma=0.5)", None),
        ("StepLR(optimizer, 10, gamma=0.1)", 0.0),
        ("CosineAnnealingLR(optimizer, 50)", None),
        ("LambdaLR(optimizer, lambda step: 1.0)", 1.0),
    ],
)
def test_the_rate_that_a_scheduler_comes_to(tmp_path: Path, scheduler: str, rate: float | None) -> None:
    text = (
        NET
        + LOOP.replace("for step", f"scheduler = torch.optim.lr_scheduler.{scheduler}\nfor step")
        + "    scheduler.step()\n"
    )
    found = measures(tmp_path, text).get("scheduled_rate")
    assert found == pytest.approx(rate, abs=1e-9) if rate is not None else found is None or float(found) > 1e-3
