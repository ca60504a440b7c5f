"""A file's model through the probe and the rules: confirmed, refuted, inconclusive; predicted beside measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from vglint.finding import Finding
from vglint.lint import probing
from vglint.lint.probing import probe_entry
from vglint.probe import Limits, ProbeReport, plan, run_isolated
from vglint.probe.nursery import Nursery, nursery
from vglint.rule import Scalar
from vglint.rulebook import load
from vglint.rulebook.confirm import judged, verdict
from vglint.source.module import Module
from vglint.source.project import Project
from vglint.span import Span

SIGMOIDS = """import torch.nn as nn


def net(depth=10):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(32, 32), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(32, 10))
"""


@pytest.fixture(scope="module")
def within() -> Iterator[Nursery]:
    with nursery() as one:
        yield one


@pytest.fixture(autouse=True)
def torch_is_loaded_once(within: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "run_isolated", partial(run_isolated, within=within))


def opened(folder: Path, text: str) -> tuple[Project, Module]:
    path = folder / "net.py"
    path.write_text(text)
    project = Project(folder, [path])
    module = project.module(path)
    assert isinstance(module, Module)
    return project, module


def report_on(folder: Path, text: str, expression: str) -> ProbeReport:
    project, module = opened(folder, text)
    return probe_entry(
        project, module, expression, load(), Limits(seconds=90), lambda request: replace(request, optimizers=("adam",))
    )


def test_a_prediction_is_confirmed_and_measured_as_predicted(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    report = report_on(tmp_path, SIGMOIDS, "net()")
    assert report.measured is not None, report.reason
    assert [(finding.rule, finding.probe and finding.probe.verdict) for finding in report.findings] == [
        ("VG101", "confirmed")
    ]
    assert not report.ok
    predicted = dict(report.predicted)
    assert [path for path, _ in report.profile] == list(predicted)
    for path, value in report.profile:
        expected = predicted[path]
        assert value is not None and expected is not None and abs(value - expected) < 0.3


def test_a_file_that_cannot_run_leaves_its_findings_undecided(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    report = report_on(tmp_path, "import a_package_that_nobody_has\n" + SIGMOIDS, "net()")
    assert report.measured is None and "a_package_that_nobody_has" in report.reason
    assert [finding.probe and finding.probe.verdict for finding in report.findings] == ["inconclusive"]


def test_the_request_takes_what_the_source_says(tmp_path: Path) -> None:
    from vglint.interp import entries, extract

    text = """import torch
import torch.nn as nn


class Tagger(nn.Module):
    def __init__(self, words=500):
        super().__init__()
        self.embedding = nn.Embedding(words, 16)
        self.out = nn.Linear(16, 5)

    def forward(self, ids):
        return self.out(self.embedding(ids).mean(1))


def main(loader):
    model = Tagger()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    loss_fn = nn.CrossEntropyLoss()
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
"""
    project, module = opened(tmp_path, text)
    training = [graph for graph in entries(project, module) if graph.kind == "training"]
    request = plan(extract(project, module, "Tagger"), tmp_path, "Tagger", training)
    assert [(argument.name, argument.tokens) for argument in request.arguments] == [("ids", 500)]
    assert (request.optimizers, request.rate, request.loss) == (("adamw",), 3e-4, "cross_entropy")


def runs(**measures: Scalar) -> Mapping[str, list[Mapping[str, Scalar]]]:
    return {"sgd": [measures, measures], "adam": [measures]}


def test_verdicts_are_three() -> None:
    checked = load().find("VG101")
    bad = {"log10_weight_gradient_ratio": -6.0, "log10_gradient_ratio": -6.0, "loss_drop": 0.0}
    good = {"log10_weight_gradient_ratio": -1.0, "log10_gradient_ratio": -1.0, "loss_drop": 0.5}

    def word(given: Mapping[str, list[Mapping[str, Scalar]]]) -> str:
        found = verdict(checked, given)
        assert found is not None
        return found.verdict

    assert word(runs(**bad)) == "confirmed"
    assert word(runs(**good)) == "refuted"
    assert word({"sgd": [bad, good]}) == "inconclusive"
    assert word({"sgd": [good, good], "adam": [bad, bad]}) == "confirmed"
    assert word({"sgd": [{}]}) == "inconclusive"
    assert word({}) == "inconclusive"


def test_runs_without_the_data_that_shows_a_fault_refute_nothing() -> None:
    checked = load().find("VG001")
    for shown, expected in ((False, "inconclusive"), (True, "confirmed")):
        found = verdict(checked, runs(nonfinite=shown, edge_nonfinite=shown))
        assert found is not None and found.verdict == expected


def test_a_verdict_moves_the_confidence() -> None:
    checked = load().find("VG101")
    finding = Finding("VG101", "saturating-stack", "warning", "medium", Span("a.py", 1, 1, 1, 2), "", "Net")
    confirmed = verdict(checked, runs(log10_weight_gradient_ratio=-6.0, log10_gradient_ratio=-6.0, loss_drop=0.0))
    refuted = verdict(checked, runs(log10_weight_gradient_ratio=-1.0, log10_gradient_ratio=-1.0, loss_drop=0.5))
    assert judged(finding, confirmed).confidence == "high"
    assert judged(finding, refuted).confidence == "low"
    assert judged(finding, None) == finding


def test_lint_with_probe_gives_verdicts(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from vglint.config import Configuration
    from vglint.lint import lint
    from vglint.lint.verdicts import counts, with_verdicts

    (tmp_path / "net.py").write_text(SIGMOIDS)
    (tmp_path / "broken.py").write_text("import a_package_that_nobody_has\n" + SIGMOIDS)
    (tmp_path / "pyproject.toml").write_text(
        "[[tool.vglint.probe.targets]]\nentry = 'net.py:net'\ninputs = [[4, 32]]\noptimizer = 'adam'\nseeds = [0]\nsteps = 55\n"
    )
    configuration, told = Configuration(), []
    report = lint([str(tmp_path)], configuration.of)
    assert len(report.findings) == 2 and counts(report) == {"confirmed": 0, "refuted": 0, "inconclusive": 0}
    judged_report = with_verdicts(report, configuration.of_file, told.append).report
    assert counts(judged_report) == {"confirmed": 1, "refuted": 0, "inconclusive": 1}
    ran = sorted(text.partition(" ")[2] for text in told if text.startswith("["))
    assert [text.partition("/")[0] for text in ran] == ["running net of "] * 2
    said = sorted(text for text in told if not text.startswith("["))
    assert (
        said[0].startswith("could not run net of")
        and "(install a_package_that_nobody_has where vglint runs)" in said[0]
    )
    assert said[1].startswith("measured net of") and "inputs made up: (batch, 32) of N(0, 1)" in said[1]


def test_a_configured_target_changes_the_request() -> None:
    from vglint.config.settings import Target, TensorSpec
    from vglint.lint.probing import adjusted
    from vglint.probe import Argument, Request

    target = Target(
        "net.py:Net",
        args=((None, 3), ("layers", (2, 2)), ("options", (("norm", True),))),
        inputs=(TensorSpec((4, 16), "int64", high=100), TensorSpec((4, 8))),
        loss="mse",
        optimizer="AdamW",
        lr=0.5,
        steps=20,
        seeds=(1, 2, 3),
    )
    request = adjusted(Request(".", "net.py", "Net", (Argument("ids"),)), target)
    assert request.expression == "Net(3, layers=[2, 2], options={'norm': True})"
    assert request.arguments == (Argument("ids", (4, 16), 100), Argument("1", (4, 8), None))
    assert (request.loss, request.optimizers, request.rate, request.steps, request.seeds) == (
        "mse",
        ("adamw",),
        0.5,
        20,
        3,
    )


def test_the_batch_may_come_from_a_function(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from vglint.config.settings import Target, TensorSpec
    from vglint.lint.probing import adjusted

    (tmp_path / "data.py").write_text("import torch\n\n\ndef batch():\n    return torch.ones(12, 32)\n")
    project, module = opened(tmp_path, SIGMOIDS)
    target = Target(
        "net.py:net", inputs=("data.py:batch",), target=TensorSpec((12,), "int64", 0, 10), loss="cross_entropy"
    )
    report = probe_entry(
        project,
        module,
        "net()",
        load(),
        Limits(seconds=60),
        lambda request: adjusted(replace(request, optimizers=("adam",), steps=12, seeds=1), target),
    )
    assert report.measured is not None, report.reason
    assert report.measured.synthesised == ("inputs: 1 given", "loss: the given batch and loss")


def test_a_configured_factory_makes_the_model(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from vglint.config.settings import Target
    from vglint.lint.probing import adjusted

    text = (
        SIGMOIDS
        + "\n\ndef made():\n    import torch\n    return net(1), (torch.randn(8, 32), torch.randint(10, (8,)))\n"
    )
    project, module = opened(tmp_path, text)
    report = probe_entry(
        project,
        module,
        "net()",
        load(),
        Limits(seconds=60),
        lambda request: adjusted(replace(request, steps=12, seeds=1), Target("net.py:net", factory="made")),
    )
    assert report.measured is not None, report.reason
    assert report.measured.synthesised == ("model, batch by made()",)
