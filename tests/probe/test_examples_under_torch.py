"""Every rule's examples run under torch: each fault does what its rule says, each other example trains and does not.

What a fault does is the rule's `[confirm]`, or stands in `examples.toml`, which also says of which examples a short run on a CPU can tell nothing,
and why. One run of an example gives both judgements of a rule: the probe confirms every fault, and refutes one of the lookalikes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli
from msgspec.structs import replace

from vglint.interp import entries
from vglint.lint.probing import measures_by_optimizer
from vglint.lint.text import text_linter
from vglint.probe import Measured, plan, training
from vglint.probe.child import carry_out
from vglint.rule import Example, Rule
from vglint.rulebook import load
from vglint.rulebook.confirm import verdict
from vglint.rulebook.pages import fires
from vglint.source.module import Module
from vglint.source.project import Project

if TYPE_CHECKING:
    from torch import Tensor, nn

torch = pytest.importorskip("torch")
stepping = pytest.importorskip("torch.optim.optimizer")

BOOK = load()
LINT = text_linter(BOOK, offers=False)
TABLE = tomli.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))
WHOLE: dict[str, str] = TABLE["rules"]
"""Rules none of whose examples tells anything here, and why."""
SINGLE: dict[str, dict[str, str]] = TABLE["examples"]
"""Of other rules, the titles of such examples, and why."""
SHOWN: dict[str, dict[str, str]] = TABLE["shown"]
"""Of other examples, by title, the code that shows it where the rule's `[confirm]` does not."""
UNREFUTED: dict[str, str] = TABLE["unrefuted"]
"""Rules none of whose lookalikes tells anything here, and why."""
EARLY = frozenset(
    "log10_time_ratio attention_entropy saturated_share doubled_sums unfilled_parameters log10_output_moment "
    "unowned_parameters zero_gradients equal_rows stacked_linears mixes_samples rectified_outputs broadcast_loss "
    "probabilities_as_logits log_probabilities_as_logits squared_probabilities probabilities_as_logs negative_loss "
    "blind_optimizers frozen_optimizers unstepped_optimizers step_raised flat_terms "
    "stale_gradients discarded_share evaluating_share idle_clip_share clip_factor passes_per_step scaled_loss "
    "least_normalised_moment large_nonfinite edge_nonfinite nonfinite scheduled_rate".split()
)
"""Measures that a dozen steps show: of the model as it starts, of how the loop is written, of edges that are tried apart."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run of one entry of an example told: the verdict on its rule, and whether it trained."""

    verdict: str
    trained: bool


def told(rule: Rule, example: Example, folder: Path) -> Iterator[Told]:
    """Runs the entries of an example that have the rule's finding, or all of one without a finding."""
    name = f"told_{rule.id}_{rule.examples.index(example)}.py"  # of no other test: a process loads a module once
    (folder / name).write_text(example.code)
    project = Project(folder, [folder / name])
    module = project.module(folder / name)
    assert isinstance(module, Module)
    checked = BOOK.find(rule.id)
    assert checked.confirm is not None
    asked = {name.removeprefix("measured.") for name in checked.confirm.names if name.startswith("measured.")}
    steps = 12 if asked <= EARLY else 60
    found = {finding.entry for finding in LINT(name, example.code) if finding.rule == rule.id}
    for graph in entries(project, module):
        if found and graph.entry not in found:
            continue
        request = replace(plan(graph, folder, graph.entry), steps=steps, seeds=1, seconds=math.inf, effort=math.inf)
        # A fault that Adam shows need not be shown by SGD, which mostly tries more learning rates.
        apart = bool(found) and not request.training
        for optimizers in [(name,) for name in sorted(request.optimizers)] if apart else [request.optimizers]:
            try:
                measured = carry_out(replace(request, optimizers=optimizers), folder)
            except Exception:  # an entry that nothing is known to build or to feed; another one may tell
                break
            said = verdict(checked, measures_by_optimizer(measured))
            assert said is not None
            yield Told(said.verdict, _trained(measured))


def _trained(measured: Measured) -> bool:
    return bool(measured.runs) and not any(run.nonfinite or run.raised for run in measured.runs)


RULES = [rule for rule in BOOK.rules if rule.id not in WHOLE and BOOK.find(rule.id).confirm is not None]


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_fault_fails_and_the_others_train(rule: Rule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(training, "BATCH", 8)
    wrong, words = [], set()
    for example in rule.examples:
        if example.title in SINGLE.get(rule.id, {}) or example.title in SHOWN.get(rule.id, {}):
            continue
        runs = []
        for run in told(rule, example, tmp_path):
            runs.append(run)
            if run.verdict == "confirmed":
                break
        confirmed = any(run.verdict == "confirmed" for run in runs)
        if fires(rule, example):
            if not confirmed:
                wrong.append(f"{example.title}: the fault shows nothing: {runs}")
        elif confirmed or (runs and not any(run.trained for run in runs)):  # where nothing runs, nothing is told
            wrong.append(
                f"{example.title}: {'it does what a fault does' if confirmed else 'it does not train'}: {runs}"
            )
        else:
            words |= {run.verdict for run in runs}
    assert not wrong, "\n".join(wrong)
    if rule.id not in UNREFUTED:
        assert words & ({"refuted"} if rule.refutes else {"refuted", "inconclusive"})


@pytest.mark.parametrize(("rule_id", "title"), [(rule, title) for rule, named in SHOWN.items() for title in named])
def test_a_fault_shows(rule_id: str, title: str) -> None:
    torch.manual_seed(0)
    rule = BOOK.find(rule_id).rule
    example = next(example for example in rule.examples if example.title == title)
    space: dict[str, Any] = {"__name__": "example", "raised": False}
    try:
        exec(compile(example.code, f"{rule_id}.py", "exec"), space)
    except RuntimeError:  # torch's word for what cannot go on: of that some examples are about
        space["raised"] = True
    torch.set_grad_enabled(True)  # an example may leave it off
    space |= {"torch": torch, "nan": nan, "ratio": ratio, "affine": affine, "grown": grown, "watched": watched}
    exec(SHOWN[rule_id][title], space)
    assert bool(space["fails"]) is fires(rule, example)


def nan(loss: Callable[[], Tensor]) -> bool:
    """Whether a loss, or a gradient on its way back, is NaN or infinite."""
    with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("ignore")
        try:
            value = loss()
            value.sum().backward()
        except RuntimeError as error:
            return "nan" in str(error)
    return not bool(value.isfinite().all())


def ratio(net: nn.Module, x: Tensor) -> float:
    """Returns the RMS gradient of the first weight over that of the last one, for outputs that are compared with others."""
    output = net(x)
    (output - torch.randn_like(output)).pow(2).mean().backward()
    sizes = [weight.grad.pow(2).mean().sqrt() for weight in net.parameters() if weight.dim() > 1]
    return float(sizes[0] / sizes[-1])


def affine(function: Callable[[Tensor], Tensor], width: int) -> bool:
    """Whether a function of vectors is linear, up to a constant."""
    a, b, zero = torch.randn(4, width), torch.randn(4, width), torch.zeros(4, width)
    return torch.allclose(function(a + b), function(a) + function(b) - function(zero), atol=1e-4)


def grown(train: Callable[[], object], net: nn.Module) -> float:
    """Returns the gradient's norm when a training has ended, over that of its first backward pass."""
    norms: list[Tensor] = []
    weight = next(net.parameters())
    hook = weight.register_post_accumulate_grad_hook(lambda seen: norms.append(seen.grad.norm()))
    train()
    hook.remove()
    return float(norms[-1] / norms[0])


def watched(train: Callable[[], object]) -> tuple[list[Tensor], list[float]]:
    """Returns the parameters as a training leaves them, and the learning rate of each of its steps."""
    torch.manual_seed(0)
    moved: list[list[Tensor]] = []
    rates: list[float] = []

    def note(optimizer: Any, *_: object) -> None:
        moved.append([each for group in optimizer.param_groups for each in group["params"]])
        rates.append(optimizer.param_groups[0]["lr"])

    hook = stepping.register_optimizer_step_post_hook(note)
    try:
        train()
    finally:
        hook.remove()
    return moved[-1], rates


def test_the_table_names_rules_and_examples_that_exist() -> None:
    titles = {rule.id: {example.title for example in rule.examples} for rule in BOOK.rules}
    assert set(WHOLE) <= set(titles)
    for named in (SINGLE, SHOWN):
        assert all(set(of_rule) <= titles[rule] for rule, of_rule in named.items())
        assert not set(WHOLE) & set(named)


def test_nothing_is_left_out_in_silence() -> None:
    """Each example of a rule that has no `[confirm]` is shown, or the table says why not; nearly every fault is run."""
    for rule in BOOK.rules:
        if rule.id not in WHOLE and BOOK.find(rule.id).confirm is None:
            named = {*SINGLE.get(rule.id, {}), *SHOWN.get(rule.id, {})}
            assert {example.title for example in rule.examples if fires(rule, example)} <= named, rule.id
    faults = [(rule.id, example.title) for rule in BOOK.rules for example in rule.examples if fires(rule, example)]
    left_out = [(rule, title) for rule, title in faults if rule in WHOLE or title in SINGLE.get(rule, {})]
    assert len(left_out) < 0.2 * len(faults)
