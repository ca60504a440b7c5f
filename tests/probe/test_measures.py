"""What the probe measures is what torch's own autograd says, and leaves the model as it was."""

from __future__ import annotations

import copy
import math
import statistics
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import vglint  # noqa: E402
from vglint.probe import ProbeReport, assert_gradient_flow  # noqa: E402
from vglint.probe.task import given_task  # noqa: E402
from vglint.probe.training import train  # noqa: E402
from vglint.probe.watch import watching  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def stack(depth: int, activation: type[nn.Module], width: int = 32) -> nn.Sequential:
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), activation())]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def probed(model: nn.Module, **options: object) -> ProbeReport:
    report = vglint.probe(model, **{"optimizer": "adam", "seeds": 1, **options})
    assert isinstance(report, ProbeReport)
    return report


def names(report: ProbeReport) -> set[str]:
    return {finding.name for finding in report.findings}


def test_the_gradient_of_each_layer_is_autograds() -> None:
    model, given, target = stack(4, nn.Tanh), torch.randn(64, 32), torch.randint(10, (64,))
    report = probed(copy.deepcopy(model), batch=(given, target), steps=10)
    outputs, value = [], given
    for layer in model:
        value = layer(value)
        if isinstance(layer, nn.Linear):
            value.retain_grad()
            outputs.append(value)
    nn.functional.cross_entropy(value, target).backward()
    rms = [math.log10(float(output.grad.double().pow(2).mean().sqrt())) for output in outputs]
    expected = [value - rms[-2] for value in rms]  # the head's output feeds no other layer
    assert [path for path, _ in report.profile] == ["0", "2", "4", "6", "8"]
    assert [value for _, value in report.profile] == pytest.approx(expected, abs=1e-4)


def test_healthy_models_have_no_fault() -> None:
    assert probed(stack(3, nn.ReLU)).ok
    assert_gradient_flow(stack(2, nn.Tanh), optimizer="adam", seeds=1)


def test_a_vanishing_gradient_is_a_fault() -> None:
    report = probed(stack(12, nn.Sigmoid))
    assert names(report) == {"measured-vanishing-gradient"}
    assert not report.ok
    with pytest.raises(AssertionError, match="measured-vanishing-gradient"):
        assert_gradient_flow(stack(12, nn.Sigmoid), optimizer="adam", seeds=1)


def test_nan_is_traced_to_its_module() -> None:
    class Root(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sqrt(-x.abs() - 1)

    report = probed(nn.Sequential(nn.Linear(8, 8), Root(), nn.Linear(8, 2)))
    assert names(report) == {"measured-nonfinite"}
    assert "1 (Root)" in report.findings[0].message and "test_measures.py" in report.findings[0].message


def test_parameters_without_a_gradient_are_named() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x).detach())

    report = probed(Cut())
    assert names(report) == {"measured-unreached-parameters"}
    assert "first.weight" in report.findings[0].message
    span = report.findings[0].span
    line = Path(span.file).read_text().splitlines()[span.line - 1]
    assert line[span.column - 1 :].startswith("nn.Linear(8, 8), nn.Linear(8, 2)")


def test_the_optimiser_may_be_torchs_own() -> None:
    model = stack(1, nn.ReLU)
    given = torch.optim.AdamW(model.parameters(), lr=0.02)
    assert [(run.optimizer, run.rate) for run in probed(model, optimizer=given, steps=10).measured.runs] == [
        ("adamw", 0.02)
    ]
    assert probed(model, optimizer=torch.optim.SGD, steps=10).measured.runs[0].optimizer == "sgd"
    with pytest.raises(ValueError, match="lbfgs"):
        probed(model, optimizer=torch.optim.LBFGS)


def test_dead_units_and_equal_rows_are_measured() -> None:
    model = stack(2, nn.ReLU)
    with torch.no_grad():
        model[0].bias.fill_(-100.0)
    assert probed(model).measured.runs[0].measures["dead_share"] == 1.0
    equal = stack(2, nn.ReLU)
    for layer in (equal[0], equal[2], equal[4]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    assert probed(equal).measured.runs[0].measures["equal_rows"] is True
    assert probed(stack(2, nn.ReLU)).measured.runs[0].measures["equal_rows"] is False


def test_saturation_is_seen_in_any_spelling() -> None:
    class Squashed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second((self.first(x) * 1000).sigmoid())

    assert probed(Squashed()).measured.runs[0].measures["saturated_share"] > 0.9


def test_attention_entropy_of_every_kernel() -> None:
    for weights in (True, False):

        class Attention(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.attention, self.head = nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 4)

            def forward(self, x: torch.Tensor, weights: bool = weights) -> torch.Tensor:
                return self.head(self.attention(x, x, x, need_weights=weights)[0].mean(1))

        entropy = probed(Attention(), steps=10).measured.runs[0].measures["attention_entropy"]
        assert 0.5 < entropy <= 1.0


def test_gradient_over_time() -> None:
    class Last(nn.Module):
        def __init__(self, cell: nn.Module) -> None:
            super().__init__()
            self.cell, self.head = cell, nn.Linear(32, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.cell(x)[0][:, -1])

    def ratio(cell: nn.Module) -> float:
        measures = (
            probed(Last(cell), batch=(torch.randn(32, 40, 8), torch.randint(4, (32,))), steps=10)
            .measured.runs[0]
            .measures
        )
        return float(measures["log10_time_ratio"])

    plain = nn.RNN(8, 32, batch_first=True)
    steady = nn.RNN(8, 32, batch_first=True, nonlinearity="relu")
    nn.init.eye_(steady.weight_hh_l0)
    assert ratio(plain) < -5 < -1 < ratio(steady)


def test_exploding_training_is_told_from_learning() -> None:
    report = probed(stack(3, nn.ReLU), optimizer="sgd", lr=1e4)
    assert names(report) & {"measured-explosion", "measured-nonfinite"}


def test_an_error_of_backward_is_recorded() -> None:
    class Inplace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.fc(x).exp()
            y += 1
            return y

    report = probed(Inplace())
    assert names(report) == {"measured-failing-step"}
    assert "modified by an inplace operation" in report.findings[0].message


def test_the_model_is_left_as_it_was() -> None:
    model = stack(2, nn.ReLU).eval()
    model.register_buffer("count", torch.zeros(1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    probed(model)
    assert not model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_hooks_leave_no_trace() -> None:
    model = stack(1, nn.ReLU)
    with pytest.raises(KeyError), watching(model):
        assert any(module._forward_hooks for module in model.modules())
        raise KeyError
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_seeds_repeat_themselves() -> None:
    task = given_task((torch.randn(32, 32), torch.randint(10, (32,))), None)
    first, second = (train(copy.deepcopy(stack_of), task, "adam", 1e-3, 12, 0) for stack_of in [stack(2, nn.ReLU)] * 2)
    assert first.losses == second.losses


def test_watching_costs_little() -> None:
    """The share of watched steps bounds the overhead: at most 7 of 60."""
    report = probed(stack(12, nn.ReLU, 128))
    run = report.measured.runs[0]
    assert len(run.snapshots) <= 8
    assert statistics.mean(run.losses[-5:]) < run.losses[0]


def test_printed_forms() -> None:
    report = probed(stack(2, nn.ReLU))
    assert "gradient at" in str(report)
    assert report.plot().startswith("<svg") and "vglint" in report._repr_html_()
    assert report.to_json()["ok"] is True


def test_a_watcher_reports_a_real_run_once_and_leaves_no_hooks() -> None:
    from vglint.probe.callbacks import Watcher

    torch.manual_seed(0)
    model, told = stack(12, nn.Sigmoid), []
    watcher = Watcher(model, every=5, report=told.append)
    stepper = torch.optim.SGD(model.parameters(), lr=0.1)
    given, target = torch.randn(64, 32), torch.randint(10, (64,))
    for _ in range(40):
        watcher.before_step()
        loss = nn.functional.cross_entropy(model(given), target)
        stepper.zero_grad()
        loss.backward()
        watcher.after_backward(float(loss.detach()))
        stepper.step()
    watcher.close()
    assert (
        [finding.name for finding in told]
        == ["measured-vanishing-gradient"]
        == [finding.name for finding in watcher.findings]
    )
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("framework", ["lightning", "transformers"])
def test_callbacks_of_frameworks(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frameworks' hooks, called in the order in which they call them, on stand-ins for their base classes."""
    import sys
    from types import ModuleType, SimpleNamespace

    from vglint.probe.callbacks import lightning_callback, trainer_callback

    stand_in = ModuleType("lightning.pytorch" if framework == "lightning" else "transformers")
    stand_in.Callback = stand_in.TrainerCallback = type("Callback", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    torch.manual_seed(0)
    model, told = stack(12, nn.Sigmoid), []
    given, target = torch.randn(64, 32), torch.randint(10, (64,))
    callback = (lightning_callback if framework == "lightning" else trainer_callback)(5, told.append)
    state = SimpleNamespace(log_history=[])
    begin, end = (None, model), {"model": model}
    callback.on_train_start(*begin) if framework == "lightning" else callback.on_train_begin(None, state, None, **end)
    for _ in range(30):
        callback.on_train_batch_start(*begin, None, 0) if framework == "lightning" else callback.on_step_begin(
            None, state, None
        )
        loss = nn.functional.cross_entropy(model(given), target)
        model.zero_grad()
        if framework == "lightning":
            callback.on_before_backward(*begin, loss)
        loss.backward()
        if framework == "transformers":
            callback.on_log(None, state, None, logs={"loss": float(loss.detach())})
        callback.on_after_backward(*begin) if framework == "lightning" else callback.on_pre_optimizer_step(
            None, state, None
        )
    callback.on_train_end(*begin) if framework == "lightning" else callback.on_train_end(None, state, None)
    assert [finding.name for finding in told] == ["measured-vanishing-gradient"]


TWICE = """from torch import nn

class Twice(nn.Module):
    def forward(self, x):
        x = x.tanh()
        return x + x
"""


@pytest.mark.parametrize(
    "folder", ["torch/project", "torch/nn/modules", "vglint", "vglint/probe", "site-packages/torch"]
)
def test_a_line_is_the_users_wherever_the_project_lies(tmp_path: Path, folder: str) -> None:
    space: dict[str, object] = {"__name__": "net"}
    exec(compile(TWICE, str(tmp_path / folder / "net.py"), "exec"), space)
    made = space["Twice"]
    assert isinstance(made, type)
    model = made()
    with watching(model) as sight:
        model(torch.ones(2, 3))
    assert sight.doubled == " at net.py:6"
    assert [squash.line for squash in sight.squashes] == [5]
