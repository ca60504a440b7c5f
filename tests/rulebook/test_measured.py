"""Rules that a measurement makes: each file can be read, its condition decides, its mistakes are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.rule import Scalar
from vglint.rulebook import RuleError, bundled
from vglint.rulebook.measured import measured_rule, measured_rules

SHOWN: dict[str, tuple[dict[str, Scalar], dict[str, Scalar]]] = {
    "measured-nonfinite": ({"nonfinite": True}, {"nonfinite": False}),
    "measured-failing-step": ({"step_raised": True}, {"step_raised": False}),
    "measured-vanishing-gradient": (
        {"log10_weight_gradient_ratio": -3.5, "log10_gradient_ratio": -1.0, "loss_drop": 0.01},
        {"log10_weight_gradient_ratio": -3.5, "log10_gradient_ratio": -1.0, "loss_drop": 0.2},
    ),
    "measured-probabilities-as-logits": ({"softmax_as_logits": True}, {"softmax_as_logits": False}),
    "measured-broadcast-loss": ({"outer_loss": True}, {"outer_loss": False}),
    "measured-explosion": ({"diverged": True}, {"diverged": False}),
    "measured-dead-units": ({"dead_share": 0.7, "loss_drop": 0.0}, {"dead_share": 0.7}),
    "measured-blind-optimizer": (
        {"blind_optimizers": 1, "step_raised": False},
        {"blind_optimizers": 1, "step_raised": True},
    ),
    "measured-unreached-parameters": (
        {"unreached_parameters": 2, "step_raised": False},
        {"unreached_parameters": 0, "step_raised": False},
    ),
}


@pytest.mark.parametrize("name", [rule.name for rule in measured_rules()])
def test_each_rule_shows_and_does_not(name: str) -> None:
    rule = next(rule for rule in measured_rules() if rule.name == name)
    sick, sound = SHOWN[name]
    assert rule.shown_by(sick) and not rule.shown_by(sound) and not rule.shown_by({})
    assert rule.measures and (bundled() / "measured" / f"{name.removeprefix('measured-')}.toml").is_file()


def test_a_gradient_that_is_lost_is_shown_where_the_loss_is_not_known() -> None:
    rule = next(rule for rule in measured_rules() if rule.name == "measured-vanishing-gradient")
    assert rule.shown_by({"log10_weight_gradient_ratio": -7.0, "log10_gradient_ratio": -7.0})
    assert not rule.shown_by({"log10_weight_gradient_ratio": -7.0, "log10_gradient_ratio": -7.0, "loss_drop": 0.5})
    assert not rule.shown_by({"log10_weight_gradient_ratio": -4.0, "log10_gradient_ratio": -4.0})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("measured.diverged", "measured.divergd", "divergd"),
        ("{first_loss:.3g}", "{frist_loss:.3g}", "frist_loss"),
        ('severity = "warning"', 'severity = "grave"', "grave"),
        ('blame = "first layer"', 'blame = "all"', "all"),
        ("summary", "sumary", "sumary"),
    ],
)
def test_a_mistake_names_file_and_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "explosion.toml"
    path.write_text((bundled() / "measured" / "explosion.toml").read_text().replace(old, new, 1))
    with pytest.raises(RuleError, match=said) as raised:
        measured_rule(path)
    assert raised.value.file == str(path)
