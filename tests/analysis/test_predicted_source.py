"""Predictions from source against gradients that torch measures on the same source, one file of `models/` a kind of model."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest
import torch

from tests.analysis.test_propagate import measure
from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import ratio
from vglint.finding import Problem
from vglint.interp import extract
from vglint.source.project import Project

MODELS = sorted((Path(__file__).parent / "models").glob("*.py"))
SEEDS = 5
_FED = re.compile(r"# input: (.+?); within ([\d.]+)$", re.MULTILINE)
"""What a model is fed, and how far the prediction may be from the measurement, in decades."""


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_gradient_is_what_torch_measures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = _FED.search(text)
    assert found is not None, "the file does not say what its model is fed"
    project = Project(path.parent, [path])
    module = project.module(path)
    assert not isinstance(module, Problem)
    graph = extract(project, module, "Net()")
    assert not graph.gaps
    torch.set_num_threads(1)
    data = eval(found.group(1), {"torch": torch})
    predicted = ratio(graph, propagate(graph, batch=len(data)))
    assert predicted.log10_ratio is not None, predicted.why
    assert predicted.first is not None and predicted.last is not None
    names: dict[str, object] = {"__name__": path.stem}
    exec(compile(text, str(path), "exec"), names)
    measured = []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = names["Net"]()  # type: ignore[operator]
        data = eval(found.group(1), {"torch": torch})
        measured.append(measure(model, data, graph.nodes[predicted.first].path, graph.nodes[predicted.last].path))
    assert predicted.log10_ratio == pytest.approx(statistics.median(measured), abs=float(found.group(2)))
