"""The names that torch's namespaces hold, compared with torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from vglint.ops import names

SPACES = (
    "torch torch.Tensor torch._dynamo torch.accelerator torch.amp torch.autograd torch.backends torch.backends.cuda torch.compiler "
    "torch.cuda torch.cuda.amp torch.distributed torch.fft torch.jit torch.linalg torch.mps torch.nn torch.nn.attention "
    "torch.nn.functional torch.nn.init torch.nn.parameter torch.nn.utils torch.onnx torch.optim torch.serialization torch.special "
    "torch.utils torch.utils.data torch.version torch.xpu"
).split()

SCRIPT = """
import importlib, json, sys, torch
held = lambda space: torch.Tensor if space == "torch.Tensor" else importlib.import_module(space)
all(map(held, sys.argv[1:]))  # an import may add names to the space around
print(json.dumps({space: sorted(name for name in dir(held(space)) if name[:2] != "__") for space in sys.argv[1:]}))
"""


def test_names_are_those_of_torch(request: pytest.FixtureRequest) -> None:
    # In a process of its own: whatever else a test imports adds names too.
    printed = subprocess.run([sys.executable, "-c", SCRIPT, *SPACES], capture_output=True, text=True, check=True).stdout
    held = json.loads(printed)
    if request.config.getoption("--update"):
        names.NAMES.write_text("".join(f"{space}: {' '.join(held[space])}\n" for space in SPACES), encoding="utf-8")
    elif not torch.__version__.startswith("2.13."):
        pytest.skip("written from torch 2.13")
    for space in SPACES:
        assert [name for name in held[space] if not names.has(space, name)] == [], space
    assert names.has("torch", "npu") is False
    assert names.has("somewhere.else", "name") is None
