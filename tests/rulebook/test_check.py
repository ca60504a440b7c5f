"""Rules × facts → findings: one cause, one finding; configuration; silence on what is not known."""

from __future__ import annotations

import pytest

from vglint.interp.entries import session
from vglint.lint.text import text_linter
from vglint.rulebook import Choice, RuleError, load

BOOK = load()
DEEP = """
import torch.nn as nn


def net():
    layers = []
    for _ in range(30):
        layers += [nn.Linear(64, 64), nn.Sigmoid()]
    return nn.Sequential(*layers, nn.Linear(64, 2))
"""


def found(book, code=DEEP):
    return [finding.rule for finding in text_linter(book)("net.py", code)]


def test_one_cause_is_one_finding_and_the_rest_is_related():
    findings = text_linter(BOOK)("net.py", DEEP)
    assert [finding.rule for finding in findings] == ["VG101"]
    assert any("skip connection" in place.message for place in findings[0].related)


TWO = """
import torch
from torch import nn
from data import loader


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 5)

    def forward(self, x):
        return torch.softmax(self.fc(x), dim=1)


class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(10, 64)
        self.out = nn.Linear(64, 5)

    def forward(self, x):
        return torch.softmax(self.out(torch.relu(self.fc(x))), dim=1)


def train(model):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()


train(Small())
train(Large())
"""


def test_two_models_behind_one_loss_are_both_named():
    (finding,) = [each for each in text_linter(BOOK)("train.py", TWO) if each.rule == "VG701"]
    assert [place.message.partition(" turns")[0] for place in finding.related] == [
        "softmax in Small",
        "softmax in Large",
    ]


@pytest.mark.parametrize(
    ("rule", "title", "word", "lines"),
    [
        ("VG901", "A trainer that is given its optimiser", "", [19, 21]),
        ("VG915", "", "the step is here", [24]),
    ],
)
def test_marks_stand_where_the_fault_is(rule, title, word, lines):
    example = next(each for each in BOOK.find(rule).rule.examples if each.title.startswith(title))
    (finding,) = [each for each in text_linter(BOOK)("train.py", example.code) if each.rule == rule]
    assert [place.span.line for place in finding.related if word in place.message] == lines


def test_what_a_rule_yields_to_must_run():
    without = BOOK.choose(Choice(ignore=("VG101",)))
    assert set(found(without)) == {"VG201", "VG301"} or set(found(without)) == {"VG301"}


@pytest.mark.parametrize("word", ["VG101", "VG1", "saturating-stack", "activation"])
def test_rules_are_chosen_by_id_prefix_name_and_family(word):
    assert "VG101" in BOOK.ids(word)
    assert found(BOOK.choose(Choice(select=(word,)))) == ["VG101"]


def test_a_word_that_names_nothing_is_an_error_with_the_nearest_right_one():
    with pytest.raises(RuleError, match="did you mean 'saturating-stack'"):
        BOOK.choose(Choice(ignore=("saturated-stack",)))


def test_params_and_severity_are_the_users():
    lenient = BOOK.choose(Choice(select=("VG101",), params={"VG101": {"info_decades": 400, "slow_decades": 400}}))
    assert found(lenient) == []
    quiet = BOOK.choose(Choice(select=("VG101",), severity={"VG101": "info"}))
    assert [finding.severity for finding in text_linter(quiet)("net.py", DEEP)] == ["info"]
    with pytest.raises(RuleError, match="did you mean 'info_decades'"):
        BOOK.choose(Choice(params={"VG101": {"info_decade": 2}}))
    with pytest.raises(RuleError, match="must be a number"):
        BOOK.choose(Choice(params={"VG101": {"info_decades": "two"}}))


def test_an_unknown_layer_on_the_way_silences_what_rests_on_it():
    gap = DEEP.replace("nn.Linear(64, 64), nn.Sigmoid()", "mystery(64), nn.Sigmoid()").replace(
        "import torch.nn as nn", "import torch.nn as nn\nfrom elsewhere import mystery"
    )
    assert found(BOOK, gap) == []


SAMPLED = """
import torch
import torch.nn as nn


def sample(model, steps=20):
    model.eval()
    x = torch.zeros(1, 8)
    for _ in range(steps):
        x = model(x)
    model.train()
    return x


def train(loader):
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 8), nn.Tanh())
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        sample(model)
"""


def test_code_that_is_not_read_to_its_end_shows_no_order(monkeypatch):
    assert found(BOOK, SAMPLED) == []
    monkeypatch.setattr(session, "FILE_NODES", 30)
    monkeypatch.setattr(session, "ENTRY_NODES", 30)
    assert found(BOOK, SAMPLED) == []
