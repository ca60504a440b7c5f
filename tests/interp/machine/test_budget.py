"""What is dear counts for more than a step, so that an entry's steps stand for time, whatever it does with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vglint.interp.entries import session
from vglint.interp.entries.session import Session
from vglint.interp.static.candidates import candidates
from vglint.source.module import Module
from vglint.source.project import Project

STEPS = 2_000
CALLS = 90
"""Calls of Python that one step may stand for: real models take some 25."""
TURNS = {
    "nothing": "pass",
    "numbers": "n = n * 3 + len([n])",
    "calls": "n = add(n, 1)",
    "layers": "nn.MultiheadAttention(8, 2)",
    "recurrent layers": "nn.LSTM(8, 8, num_layers=4, bidirectional=True)",
    "sequences": "nn.Sequential(layer, nn.ReLU())",
    "objects": "Held(layer)",
    "branches": "if unknown: n = 1",
    "choices": "n = layer if unknown else n",
    "unknown loops": "for each in unknown: n = each",
    "comprehensions": "n = [each for each in range(8) if unknown]",
    "tries": "try: n = unknown()\n            except ValueError: n = 2",
    "copies": "copy.deepcopy([layer] * 50)",
    "copies of layers": "copy.deepcopy(nn.Sequential(layer, layer))",
    "tensors": "n = torch.zeros(4, 4) + 1",
    "views": "n = torch.zeros(4, 4).view(2, 8).transpose(0, 1)",
    "forwards": "n = layer(torch.zeros(4, 8))",
    "initialisers": "nn.init.xavier_uniform_(layer.weight)",
    "parameters": "n = list(layer.parameters())",
    "optimisers": "torch.optim.SGD(layer.parameters(), lr=0.1)",
    "steps": "optimizer.zero_grad(); layer(torch.zeros(4, 8)).sum().backward(); optimizer.step()",
    "dicts": "n = {'a': n, 'b': [n]}['a']",
    "sorted": "n = sorted(range(40))",
    "texts": "n = f'{n!r:>20}' + 'x'.join(['a', 'b'])",
    "classes": "class Inner(nn.Module): pass",
    "lambdas": "n = (lambda x: x)(n)",
    "matches": "match n:\n                case [x, *_] | {'a': x}: pass",
    "names": "n = getattr(layer, 'weight').shape",
}


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
def test_a_step_stands_for_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn: str) -> None:
    text = (
        "import copy\nimport torch\nfrom torch import nn\n\n\nclass Held(nn.Module):\n    def __init__(self, inner):\n"
        "        super().__init__()\n        self.inner = inner\n\n\ndef add(a, b):\n    return a + b\n\n\ndef make():\n"
        "    layer = nn.Linear(8, 8)\n    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)\n    n = 1\n"
        f"    for _ in range(1000):\n        for _ in range(1000):\n            {turn}\n    return layer\n"
    )
    module = Project(tmp_path).add("dear.py", text)
    assert isinstance(module, Module)
    monkeypatch.setattr(session, "ENTRY_STEPS", STEPS)
    monkeypatch.setattr(session, "FILE_STEPS", STEPS)
    made = Session(Project(tmp_path), module)
    candidate = next(each for each in candidates(module) if each.unit.name == "make")
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        made.graph(candidate)
    finally:
        sys.setprofile(before)
    assert calls < CALLS * max(made.steps, 1_000)
