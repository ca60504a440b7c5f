"""Some seconds of `benchmarks/reports/fuzz.py`, the same cases each time, and everything that it once found.

`VGLINT_EXAMPLES=5000 pytest tests/test_fuzz.py` tries more of the same.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.generators.fuzz_files import KINDS
from benchmarks.reports import fuzz
from vglint.interp.entries import session
from vglint.lint import limits

EXAMPLES = int(os.environ.get("VGLINT_EXAMPLES", "0"))
MUTANTS, REPOSITORIES = EXAMPLES or 80, EXAMPLES // 4 or 16
"""How many cases are made: of repositories, two of each kind."""
HOSTILE = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "hostile" / "code").glob("*.py"))
LARGE = {
    "dict of 50,000 entries": "D = {" + ",".join(f"{key}: {key}" for key in range(50_000)) + "}\n",
    "list of 50,000 entries": "D = [" + ",".join(map(str, range(50_000))) + "]\n",
    "500 trainings": "D = 1\nmodel = nn.Linear(8, 8)\n"
    + "opt = torch.optim.SGD(model.parameters(), lr=0.1)\nloss = model(torch.ones(4, 8)).sum()\nloss.backward()\nopt.step()\n"
    * 500,
    "800 models": "D = 1\n"
    + "\n".join(
        f"class M{n}(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)\n    def forward(self, x):\n        return self.fc(x)"
        for n in range(800)
    )
    + "\n",
    "800 classes above one another": "\n".join(f"class A{n}(A{n - 1}): pass" for n in range(1, 800)) + "\n",
}


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.stem)
def test_what_was_found_once(path: Path) -> None:
    assert fuzz.tried({path.name: path.read_bytes()}, random.Random(0)) == ""


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_files(text: str) -> None:
    head = "import torch\nfrom torch import nn\n\n\nclass A0(nn.Module): pass\n"
    use = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(8, 8)\n        self.d = D\n"
    assert fuzz.tried({"large.py": f"{head}{text}{use}".encode()}, random.Random(0)) == ""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets that are counted in work end each case long before its time is up, also on a machine that is five times as slow as most."""
    monkeypatch.setattr(limits, "SECONDS", 100)


def test_mutants(monkeypatch: pytest.MonkeyPatch) -> None:
    if not EXAMPLES:  # one case in ten takes all the work that a file may take: that is enough to see it end
        for budget in ("FILE_STEPS", "ENTRY_STEPS", "MOST_STEPS"):
            monkeypatch.setattr(session, budget, getattr(session, budget) // 20)
    found = fuzz.Found()
    fuzz.run_code(1, range(MUTANTS), found)
    assert found.faults == [] and sum(found.done.values()) == MUTANTS


def test_hostile_repositories() -> None:
    found = fuzz.Found()
    fuzz.run_hostile(1, range(REPOSITORIES), found)
    assert found.faults == [] and sum(found.done.values()) == REPOSITORIES
    assert len(found.done) == len(KINDS)


def test_what_costs_too_much_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 1)
    monkeypatch.setattr(limits, "_GRACE", 1)
    monkeypatch.setattr("vglint.lint.file.concerns_torch", lambda content: re.match(b"(a*)*b", b"a" * 60))
    found = fuzz.Found()
    fuzz.run_code(1, range(2), found)
    assert [what for _, _, what in found.faults] == ["over the limit"] * 2


def test_a_case_is_always_the_same() -> None:
    for index in range(20):
        assert fuzz.code_case(3, index) == fuzz.code_case(3, index)
        assert fuzz.hostile_case(3, index) == fuzz.hostile_case(3, index)


def test_a_run_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def run(seed: int, indices: range, found: fuzz.Found) -> None:
        ran.extend(indices)
        found.done["x"] += len(indices)
        if len(ran) == 100 and not ended:
            ended.append(True)
            raise KeyboardInterrupt

    ended: list[bool] = []
    monkeypatch.setattr(fuzz, "run_code", run)
    given = ["--mutants", "200", "--hostile", "0", "--state", str(tmp_path / "state.json")]
    with pytest.raises(KeyboardInterrupt):
        fuzz.main(given)
    assert fuzz.main(given) == 0
    assert Counter(ran) == Counter([*range(200), *range(50, 100)])


def test_what_was_found_is_tried_again() -> None:
    code, hostile = fuzz.code_case(1, 0)[0], fuzz.hostile_case(1, 4)[0]
    found = fuzz.Found(Counter({code: 1, hostile: 1}), [(0, code, "over the limit"), (4, hostile, "traceback")])
    fuzz.try_again(1, found, 1)
    assert found.faults == [] and found.done == Counter({code: 1, hostile: 1})


def test_the_fuzzer_can_find(monkeypatch: pytest.MonkeyPatch) -> None:
    case = {"a.py": b"import torch\nfrom torch import nn\nclass A(nn.Module):\n    pass\n"}
    assert fuzz.tried(case, random.Random(0)) == ""
    monkeypatch.delenv("VGLINT_DEBUG")
    monkeypatch.setattr("vglint.lint.file.concerns_torch", lambda content: 1 / 0)
    assert fuzz.tried(case, random.Random(0)).startswith("internal error: ZeroDivisionError")
    monkeypatch.setattr("vglint.cli.lint.say", lambda text, **more: print("\x1b[31m"))
    assert fuzz.tried({"a.py": b""}, random.Random(0)) in (
        "steers whoever shows it",
        "internal error: ZeroDivisionError",
    )
