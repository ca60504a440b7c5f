"""Whatever text comes, reading, interpreting and linting it neither raises nor hangs.

`VGLINT_EXAMPLES=5000 pytest tests/test_robust.py` looks longer and elsewhere each time.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hostile import Hang, bounded
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated, programs

from vglint.config import Configuration
from vglint.finding import Problem
from vglint.graph import Graph
from vglint.interp import entries
from vglint.lint import Buffer, lint
from vglint.source.project import Project

EXAMPLES = int(os.environ.get("VGLINT_EXAMPLES", "0"))
GOVERN = Configuration(isolated=True, overrides={"cache": False, "pedantic": True}).of

FEW = settings(max_examples=EXAMPLES or 25, derandomize=not EXAMPLES)


def interpreted(text: str) -> tuple[Graph, ...]:
    project = Project(Path.cwd())
    module = project.add("mutant.py", text)
    if isinstance(module, Problem):
        assert module.message
        return ()
    return entries(project, module)


SHARED = """
import torch
from torch import nn

OFFSETS = torch.arange(9) - 4


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.out = nn.Linear(9, 9), nn.Linear(9, 4)

    def forward(self, x):
        return self.out(torch.relu(self.inp(x)) * OFFSETS.to(x.dtype))


class Second(nn.Module):
    def forward(self, x):
        return OFFSETS.to(x.dtype) + x
"""


def test_entries_share_no_nodes() -> None:
    _, second = interpreted(SHARED)
    assert max(max(node.inputs, default=0) for node in second.nodes) < len(second.nodes)
    assert [node.op for node in second.nodes] == ["input", "parameter", "to", "add"]


@given(mutated())
@FEW
def test_interpreting_mutants(text: str) -> None:
    with bounded():
        for graph in interpreted(text):
            str(graph)


@given(st.one_of(mutated(), programs()), st.sampled_from(("mutant.py", "mutant.ipynb")))
@FEW
def test_linting(text: str, name: str) -> None:
    content = text.encode("utf-8", "replace")
    with bounded():
        report = lint([], GOVERN, buffer=Buffer(name, content))
    assert report.files <= 1
    assert all(finding.span.line >= 1 for finding in report.findings)


@given(programs())
@FEW
def test_interpreting_programs(text: str) -> None:
    with bounded():
        for graph in interpreted(text):
            str(graph)


HEAD = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)\n"

HOSTILE = {
    "an optimiser that is given and first stepped in a turn taken back": (
        "def train(optimizer, every=250, epochs=10):\n    for epoch in range(epochs):\n        error.backward()\n"
        "        optimizer.step()\n        if 0 % every == 0:\n            kept = shown(images.data.cpu().numpy())\n"
    ),
    "double recursion": HEAD + "    def forward(self, x):\n        return self.forward(x) + self.forward(self.fc(x))\n",
    "mutual recursion": HEAD + "    def forward(self, x):\n        return self.a(x) if x.any() else self.b(x)\n    def a(self, x):\n        return self.b(x) + self.b(x)\n    def b(self, x):\n        return self.a(x) + self.a(x) + self.forward(x)\n",
    "building itself": HEAD + "        self.inner = Net()\n        self.other = Net()\n    def forward(self, x):\n        return self.inner(x)\n",
    "branches": HEAD + "    def forward(self, x):\n" + "".join(f"        if x[{i}] > 0:\n            x = self.fc(x)\n" for i in range(200)) + "        return x\n",
    "branches within branches": HEAD + "    def forward(self, x):\n" + "".join("    " * (i + 2) + f"if x[{i}] > 0:\n" + "    " * (i + 3) + "x = self.fc(x)\n" for i in range(15)) + "        return x\n",
    "loops within loops": HEAD + "    def forward(self, x):\n" + "".join("    " * (i + 2) + f"for i{i} in range(50):\n" for i in range(6)) + "    " * 8 + "x = self.fc(x)\n        return x\n",
    "endless loop": HEAD + "    def forward(self, x):\n        while True:\n            x = self.fc(x)\n        return x\n",
    "endless loops that call themselves": HEAD + "    def forward(self, x):\n        while True:\n            x = self.fc(self.forward(x))\n            while True:\n                x = self.fc(self.forward(x) + self.forward(x))\n        return x\n",
    "counting loop": HEAD + "    def forward(self, x):\n        n = 0\n        while n < 10**9:\n            n += 1\n        return x\n",
    "huge numbers": HEAD + "        n = 10 ** 10 ** 10\n        self.other = nn.Linear(1 << 1 << 40, n)\n    def forward(self, x):\n        return self.other(x) * 9 ** 9 ** 9\n",
    "huge lists": HEAD + "        self.layers = nn.ModuleList([self.fc] * 10**9)\n        self.name = 'x' * 10**10\n        self.grid = [[0] * 10**5 for _ in range(10**5)]\n    def forward(self, x):\n        return x\n",
    "huge ranges": HEAD + "        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(10**12)])\n        self.n = sum(range(10**12)) + len(list(range(10**10)))\n    def forward(self, x):\n        for layer in self.layers:\n            x = layer(x)\n        return x\n",
    "list that grows while it is walked": HEAD + "        a = [1]\n        for i in a:\n            a.append(i)\n    def forward(self, x):\n        return x\n",
    "list within itself": HEAD + "        a = []\n        a.append(a)\n        self.a = a\n        self.b = str(a) + repr([a] * 3)\n        self.c = a == [a]\n    def forward(self, x):\n        return self.a\n",
    "module within itself": HEAD + "        self.add_module('me', self)\n        self.layers = nn.ModuleList([self.fc])\n        self.layers.append(self.layers)\n        for m in self.modules():\n            nn.init.zeros_(m.weight)\n    def forward(self, x):\n        return self.me(x)\n",
    "class within itself": "from torch import nn\nclass Net(Net):\n    pass\nclass A(B): pass\nclass B(A): pass\n",
    "nesting": HEAD + "    def forward(self, x):\n        return " + "(" * 80 + "x" + ")" * 80 + "\n",
    "attributes": HEAD + "    def forward(self, x):\n        return x" + ".y" * 3000 + "\n",
    "long sum": HEAD + "    def forward(self, x):\n        return x" + " + x" * 2000 + "\n",
    "many layers": HEAD + "".join(f"        self.l{i} = nn.Linear(8, 8)\n" for i in range(2000)) + "    def forward(self, x):\n" + "".join(f"        x = self.l{i}(x)\n" for i in range(2000)) + "        return x\n",
    "formats": HEAD + "        self.name = f'{1:>1000000000}' + '%1000000000d' % 1 + '{:1000000000}'.format(1) + 'a'.zfill(10**10)\n    def forward(self, x):\n        return x\n",
    "doubling": HEAD + "        a, b, c, n = 'x', (1,), [1], 3\n        for _ in range(60):\n            a = a + a\n            b += b\n            c = c + c\n            c.extend(c)\n            n = n * n\n            n = round(n, -(10**9)) + pow(n, n)\n        self.name = a.replace('x', a)\n    def forward(self, x):\n        return x\n",
    "generators": HEAD + "    def numbers(self):\n        n = 0\n        while True:\n            yield n\n            n += 1\n    def forward(self, x):\n        for n in self.numbers():\n            x = self.fc(x)\n        return list(map(self.fc, iter(int, 1)))\n",
    "decorators": "import torch\nfrom torch import nn\ndef d(f):\n    return d(f)\n@d\nclass Net(nn.Module):\n    @d\n    @property\n    @staticmethod\n    def forward(self, x):\n        return x\n",
    "layers for nothing": HEAD + "        for _ in range(1000):\n            for _ in range(1000):\n                nn.MultiheadAttention(8, 2)\n    def forward(self, x):\n        return self.fc(x)\n",
    "sequences in sequences": "from torch import nn\nm = nn.Linear(8, 8)\n" + "".join(f"m{i} = nn.Sequential(m{i - 1 if i else ''}, nn.ReLU())\n" for i in range(1500)) + "m1499(0).backward()\n",
    "objects in objects": "from torch import nn\nclass Holder(nn.Module):\n    def __init__(self, inner):\n        super().__init__()\n        self.inner = inner\n    def forward(self, x):\n        return self.inner(x)\ndef make():\n    m = nn.Linear(8, 8)\n" + "    m = Holder(m)\n" * 1500 + "    return m\n",
    "keys in keys": HEAD + "        m = self.fc\n" + "        m = {m: 1}\n" * 1500 + "        self.m = m\n    def forward(self, x):\n" + "        x = {x: 1}\n" * 1500 + "        return x\n",
    "copies of copies": HEAD + "        m = self.fc\n" + "        m = copy.deepcopy(nn.Sequential(m))\n" * 300 + "        self.m = m\n    def forward(self, x):\n        return self.m(x)\nimport copy\n",
    "each class names the next": "from torch import nn\n" + "".join(f"class A{i}(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = A{i + 1}()\n" for i in range(1500)),
    "each class holds one of the one before": "from torch import nn\nclass A0(nn.Linear): pass\n" + "".join(f"class A{i}(nn.Module):\n    inner = A{i - 1}(8, 8)\n    def forward(self, x):\n        return self.inner(x)\n" for i in range(1, 120)),
    "star": HEAD + "    def forward(self, *x, **y):\n        return self.forward(*[*x, *x], **{**y, **y})\n",
}  # fmt: skip
"""Texts that would cost much, or never end, if they were taken at their word."""


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text(text: str) -> None:
    with bounded(10.0):
        for graph in interpreted(text):
            str(graph)


def test_bound_can_fail() -> None:
    with pytest.raises(Hang), bounded(0.05):
        while True:
            pass
