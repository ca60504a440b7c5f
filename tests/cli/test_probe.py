"""`vglint PATH --probe` and its companions: what runs, what is said, what is written, what it exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import cli

pytest.importorskip("torch")

FORMATS = ("full", "concise", "sarif", "github")
LISTED = """import torch.nn as nn


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(16, 16) for _ in range(2)]
        self.out = nn.Linear(16, 4)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x).relu()
        return self.out(x)
"""
QUIET = """import torch
import torch.nn as nn


class Frozen(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 0


class Quiet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 16)
        self.second = nn.Linear(16, 4)

    def forward(self, x):
        return self.second(Frozen.apply(self.first(x)))


class Sound(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.second(self.first(x).relu())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "listed.py").write_text(LISTED)
    (tmp_path / "quiet.py").write_text(QUIET)
    return tmp_path


def vglint(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_every_model_runs_and_what_is_measured_has_a_place(folder: Path) -> None:
    result = vglint(
        "quiet.py",
        "--probe",
        *(part for name in FORMATS for part in ("--output-format", f"{name}=out.{name}")),
        "--output-format",
        "json",
    )
    assert "[2/2] running Sound of quiet.py" in result.stderr and "measured 2 of 2 entries" in result.stderr
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["rule"], finding["name"], finding["entry"]) == ("VG000", "measured-unreached-parameters", "Quiet")
    assert finding["fingerprint"], "formats tell findings apart by it"
    assert QUIET.splitlines()[finding["line"] - 1].strip() == "self.first = nn.Linear(16, 16)"
    assert finding["probe"]["verdict"] == "confirmed" and "first.weight" in finding["message"]
    assert result.exit_code == 1
    text = (folder / "out.full").read_text()
    assert "self.first = nn.Linear(16, 16)" in text and "explain VG000" not in text
    assert all("VG000" in (folder / f"out.{name}").read_text() for name in FORMATS)


def test_only_confirmed_errors_fail_where_that_is_configured(folder: Path) -> None:
    (folder / "vglint.toml").write_text('[probe]\nfail-on = "confirmed"\nmodels = "findings"\n')
    assert vglint("listed.py", "--probe").exit_code == 1
    (folder / "listed.py").write_text("import a_package_that_nobody_has\n" + LISTED)
    result = vglint("listed.py", "--probe")
    assert "VG801" in result.stdout and "inconclusive" in result.stdout and "measured 0 of 1 entry" in result.stderr
    assert result.exit_code == 0
    assert vglint("listed.py").exit_code == 1
    assert "nothing here can be run" in vglint("quiet.py", "--probe").stderr


def test_a_fix_is_proved_on_a_copy(folder: Path) -> None:
    (folder / "vglint.toml").write_text('[probe]\nmodels = "findings"\n')
    result = vglint("listed.py", "--prove-fix", "--report", "out.html", "--report", "out.json")
    assert (folder / "listed.py").read_text() == LISTED
    line = next(line for line in result.stderr.splitlines() if "the fix of VG801" in line)
    assert line.startswith("listed.py:") and "in Listed is proved: unowned parameters 4 → 0" in line
    assert "= proof: proved: unowned parameters 4 → 0" in result.stdout
    data = json.loads((folder / "out.json").read_text())
    assert [model["entry"] for model in data["models"]] == ["listed.py:Listed"]
    assert data["proofs"][0]["holds"] is True and data["proofs"][0]["measures"]["unowned_parameters"] == [4, 0]
    page = (folder / "out.html").read_text()
    assert "confirmed before the fix, refuted after it" in page and "the fix of VG801" in page


def test_a_report_file_is_a_page_or_json(folder: Path) -> None:
    assert vglint("listed.py", "--report", "out.pdf").exit_code == 2
