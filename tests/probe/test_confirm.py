"""Every rule that names a measure: the probe confirms one of its firing examples and refutes one of its lookalikes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vglint.interp import entries
from vglint.lint.probing import measures_by_optimizer
from vglint.lint.text import text_linter
from vglint.probe import plan
from vglint.probe.child import carry_out
from vglint.rule import Example, Rule
from vglint.rulebook import load
from vglint.rulebook.confirm import verdict
from vglint.rulebook.pages import fires
from vglint.source.module import Module
from vglint.source.project import Project

torch = pytest.importorskip("torch")

BOOK = load()
LINT = text_linter(BOOK)
EARLY = frozenset(
    "log10_time_ratio attention_entropy saturated_share doubled_sums unfilled_parameters log10_output_moment "
    "unowned_parameters zero_gradients equal_rows".split()
)
"""Measures that a dozen steps show."""
ELSEWHERE = {"VG507": "its lookalikes take no input that can be guessed", "VG606": "its examples do not mix samples"}
"""Rules whose measure is tested in `test_mixing`, and why not here."""
RULES = [
    rule
    for rule in BOOK.rules
    if rule.id >= "VG1" and rule.id not in ELSEWHERE and BOOK.find(rule.id).confirm is not None
]


def words(rule: Rule, example: Example, number: int, folder: Path) -> Iterator[str]:
    """Yields the verdict on each entry of an example: those with the rule's finding, or all of a lookalike."""
    name = f"example_{rule.id}_{number}.py"
    (folder / name).write_text(example.code)
    project = Project(folder, [folder / name])
    module = project.module(folder / name)
    assert isinstance(module, Module)
    confirm = BOOK.find(rule.id).confirm
    assert confirm is not None
    steps = 12 if {name.removeprefix("measured.") for name in confirm.names} <= EARLY else 60
    findings = [finding for finding in LINT(name, example.code) if finding.rule == rule.id]
    found = {finding.entry for finding in findings}
    for graph in entries(project, module):
        if found and graph.entry not in found:
            continue
        request = plan(graph, folder, graph.entry)
        try:
            measured = carry_out(replace(request, steps=steps, seeds=1, seconds=math.inf, effort=math.inf), folder)
        except Exception:  # the command says so: inconclusive
            continue
        said = verdict(BOOK.find(rule.id), measures_by_optimizer(measured))
        assert said is not None
        yield said.verdict


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_firing_example_is_confirmed_and_a_lookalike_refuted(rule: Rule, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    numbered = sorted(enumerate(rule.examples), key=lambda pair: "Conv2d" in pair[1].code)  # the quick ones first
    firing = [pair for pair in numbered if fires(rule, pair[1])]
    silent = [pair for pair in numbered if not fires(rule, pair[1])]
    assert any(word == "confirmed" for i, example in firing for word in words(rule, example, i, tmp_path))
    wanted = ("refuted",) if rule.refutes else ("refuted", "inconclusive")
    assert any(word in wanted for i, example in silent for word in words(rule, example, i, tmp_path))
