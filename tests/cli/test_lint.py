"""`vglint PATH…`: what it prints and what it exits with."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import cli

DEEP = """\
from torch import nn


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(12)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).sigmoid()
        return x
"""

CLEAN = """\
from torch import nn

model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGLINT_DEBUG", raising=False)
    return tmp_path


def vglint(*arguments: str, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(cli, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_clean_code_exits_with_0(folder: Path) -> None:
    (folder / "clean.py").write_text(CLEAN)
    result = vglint("clean.py")
    assert result.exit_code == 0
    assert result.stdout.startswith("no problems in 1 file")


def test_findings_exit_with_1(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    result = vglint("deep.py")
    assert result.exit_code == 1
    assert "VG101" in result.stdout
    assert vglint("deep.py", "--exit-zero").exit_code == 0
    assert vglint("lint", "deep.py").stdout == result.stdout, "lint is the verb where none is named"


def test_thresholds_decide_what_is_shown_and_the_status(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    assert vglint("deep.py", "--ignore", "VG101").stdout.count("VG101") == 0
    assert vglint("deep.py", "--select", "VG7,VG801").exit_code == 0
    assert vglint("deep.py", "--select", "saturating-stack").exit_code == 1
    (folder / "vglint.toml").write_text('[rules.VG101]\nseverity = "info"\n')
    assert vglint("deep.py").exit_code == 0
    assert vglint("deep.py", "--pedantic").exit_code == 1
    assert vglint("deep.py", "--isolated").exit_code == 1
    assert vglint("deep.py", "--isolated", "--min-severity", "error", "--select", "VG102").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--select", "VG1011", "deep.py"], "VG101"),
        (["--no-such-option", "deep.py"], "no-such-option"),
        (["--output-format", "sarrif", "deep.py"], "sarif"),
        (["--output-format", "sarif=", "deep.py"], "names no file"),
        (["--output-format", "sarif=no/such/folder/x.sarif", "deep.py"], "cannot write"),
        (["--config", "missing.toml", "deep.py"], "missing.toml"),
        (["--stdin-filename", "x.py", "deep.py"], "--stdin-filename"),
        (["-", "deep.py"], "standard input"),
        ([], "Usage"),
    ],
)
def test_wrong_use_exits_with_2(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "deep.py").write_text(DEEP)
    result = vglint(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('selct = ["VG1"]', "select"),
        ('select = ["VG99x"]', "vglint.toml: select: no rule, name or family 'VG99x'"),
        ('ignore = ["VG99x"]', "vglint.toml: ignore: no rule, name or family 'VG99x'"),
        ("[rules.VG101]\ndecads = 4", "vglint.toml: rules.VG101.decads: there is no such key"),
        ("[rules.VG101]\ninfo_decades = true", "vglint.toml: rules.VG101.info_decades: must be a number, not True"),
        ("[rules.VG100]\nseverity = 'info'", "vglint.toml: rules.VG100: no rule"),
        ("select = [", "TOML"),
        ('output-format = ["jsn"]', "json"),
        ('[per-file-ignores]\n"*.py" = ["nonsense-rule"]', """vglint.toml: per-file-ignores."*.py": no rule"""),
    ],
)
def test_a_wrong_configuration_exits_with_2(folder: Path, text: str, said: str) -> None:
    (folder / "deep.py").write_text(DEEP)
    (folder / "vglint.toml").write_text(text)
    for more in ((), ("--output-format", "json", "--select", "VG101")):
        result = vglint("deep.py", *(more if 'select = ["' not in text else ()))
        assert result.exit_code == 2, result.output
        assert said in result.output


def test_what_is_wrong_on_the_command_line_names_the_option(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    (folder / "vglint.toml").write_text('ignore = ["VG102"]')
    for option in ("--select", "--ignore", "--extend-select"):
        assert (
            f"Error: {option}: no rule, name or family 'VG101x', did you mean 'VG101'?"
            in vglint("deep.py", option, "VG101x").output
        )


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    (folder / "clean.py").write_text(CLEAN)
    assert "pipe.py: error: is a pipe" in vglint("pipe.py", "clean.py").stdout
    assert vglint(".").exit_code == 0


def test_unreadable_files_are_reported_and_the_rest_is_linted(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    (folder / "broken.py").write_text("import torch.nn as nn\nclass A(nn.Module:\n")
    (folder / "python2.py").write_text("import torch.nn as nn\nprint 'x'\nclass A(nn.Module): pass\n")
    (folder / "binary.py").write_bytes(b"import torch.nn as nn\0\xff\n class A(nn.Module): pass\n")
    (folder / "broken.ipynb").write_text('{"cells": [ import torch, nn.Linear')
    (folder / "empty.py").write_text("")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    result = vglint(".", "missing.py", "--output-format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {problem["path"] for problem in document["problems"]} == {
        *("broken.py", "python2.py", "binary.py", "broken.ipynb", "missing.py")
    }
    assert [finding["rule"] for finding in document["findings"]] == ["VG101"]
    assert vglint("broken.py").exit_code == 1
    assert vglint("broken.py", "--exit-zero").exit_code == 0


def test_several_outputs_at_once(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    result = vglint("deep.py", "--output-format", "sarif=out.sarif", "--output-format", "concise")
    assert result.stdout.startswith("deep.py:")
    run = json.loads((folder / "out.sarif").read_text())["runs"][0]
    assert run["results"][0]["ruleId"] == "VG101"
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "deep.py"
    only = vglint("deep.py", "--output-format", "sarif=out.sarif")
    assert only.stdout == "" and "1 problem" in only.stderr


def test_configured_output(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    (folder / "pyproject.toml").write_text('[tool.vglint]\noutput-format = "concise"\n')
    assert vglint("deep.py").stdout.startswith("deep.py:")


def test_standard_input(folder: Path) -> None:
    result = vglint("-", "--stdin-filename", "models/deep.py", stdin=DEEP)
    assert result.exit_code == 1
    assert "models/deep.py:" in result.stdout
    assert "sigmoid()" in result.stdout, "the code frame shows what was given"
    assert vglint("-", stdin=b"import torch\0nn.Linear").exit_code == 1


def test_colours_are_asked_for_or_not(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    assert "\x1b[" not in vglint("deep.py").stdout
    assert "\x1b[" in vglint("deep.py", "--color", "always").stdout


def test_ignore_comments(folder: Path) -> None:
    answered = DEEP.replace("class Deep(nn.Module):", "class Deep(nn.Module):  # vglint: ignore[VG101] on purpose")
    (folder / "deep.py").write_text(answered)
    assert vglint("deep.py").exit_code == 0
    assert vglint("deep.py", "--select", "VG7").exit_code == 0, "what was not looked for may be of use"
    (folder / "clean.py").write_text(CLEAN.replace("\nmodel", "\n# vglint: ignore[VG701] why\nmodel"))
    result = vglint("clean.py")
    assert result.exit_code == 1
    assert "clean.py:3: note: unused" in result.stdout


def test_per_file_ignores_and_exclude(folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "deep.py").write_text(DEEP)
    (folder / "vglint.toml").write_text('[per-file-ignores]\n"old/" = ["activation"]\n')
    assert vglint(".").exit_code == 0
    (folder / "vglint.toml").write_text('exclude = ["old"]\n')
    assert "0 files" in vglint(".").stdout
    assert vglint("old/deep.py").exit_code == 1, "named by the user all the same"
    assert vglint("old/deep.py", "--force-exclude").exit_code == 0


def notebook(*cells: str) -> str:
    raw = [
        {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}, "outputs": []} for cell in cells
    ]
    return json.dumps({"cells": raw, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_findings_in_notebooks_stand_at_cell_and_line(folder: Path) -> None:
    (folder / "a.ipynb").write_text(notebook("!pip install torch\n", "import torch\n", DEEP))
    result = vglint("a.ipynb", "--output-format", "json", "--output-format", "full=full.txt")
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["cell"] == 3
    plain = json.loads(vglint("-", "--output-format", "json", stdin=DEEP).stdout)["findings"][0]
    assert finding["line"] == plain["line"]
    lines = (folder / "full.txt").read_text().splitlines()
    assert any(line.startswith("  --> a.ipynb:cell 3:") for line in lines)
    assert any("sigmoid()" in line for line in lines), "the frame shows the cell's line"


def test_verbose_shows_the_gaps(folder: Path) -> None:
    (folder / "gap.py").write_text(DEEP.replace("layer(x).sigmoid()", "mystery(layer(x))"))
    result = vglint("gap.py", "--verbose")
    assert "not known in Deep" in result.stdout and "mystery" in result.stdout


def test_statistics(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    assert vglint("deep.py", "--statistics").stdout.splitlines()[0].split() == [
        "1",
        "VG101",
        "saturating-stack",
        "error",
    ]


def test_order_and_fingerprints_do_not_depend_on_the_call(folder: Path) -> None:
    for name in ("b.py", "a.py", "c.py"):
        (folder / name).write_text(DEEP + DEEP.replace("Deep", "Deeper"))
    one = json.loads(vglint("c.py", "a.py", "b.py", "--output-format", "json", "--no-cache").stdout)["findings"]
    two = json.loads(vglint(".", "--output-format", "json", "--no-cache").stdout)["findings"]
    assert one == two
    assert [finding["path"] for finding in one] == sorted(finding["path"] for finding in one)
    assert len({finding["fingerprint"] for finding in one}) == len(one)
    (folder / "a.py").write_text("# a comment more\n\n" + DEEP + DEEP.replace("Deep", "Deeper"))
    three = json.loads(vglint(".", "--output-format", "json", "--no-cache").stdout)["findings"]
    assert [finding["fingerprint"] for finding in three] == [finding["fingerprint"] for finding in two]


def test_a_fault_of_ours_is_a_problem_and_not_a_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vglint.rulebook import Rulebook

    def fail(self: Rulebook, *given: object) -> None:
        raise ZeroDivisionError("on purpose")

    (folder / "deep.py").write_text(DEEP)
    monkeypatch.setattr(Rulebook, "judged", fail)
    result = vglint("deep.py")
    assert result.exit_code == 1
    assert "internal error on Deep: ZeroDivisionError: on purpose" in result.stdout
    assert "please report it" in " ".join(result.stdout.split())
    monkeypatch.setenv("VGLINT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        vglint("deep.py")


def test_the_code_under_lint_is_never_run(folder: Path) -> None:
    (folder / "evil.py").write_text("import torch\nopen('ran', 'w')\n" + DEEP)
    vglint("evil.py")
    assert not os.path.exists("ran")


CUT = """\
import torch
from torch import nn

net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(dim=1))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in [(torch.randn(5, 4), torch.randint(0, 3, (5,)))]:
    optimizer.zero_grad()
    loss_fn(net(x), y).backward()
    optimizer.step()
"""


def test_diff_changes_nothing_and_fix_does(folder: Path) -> None:
    text = "# é\r\n" + CUT.replace("\n", "\r\n")
    (folder / "cut.py").write_bytes(b"# -*- coding: latin-1 -*-\r\n" + text.encode("latin-1"))
    before = (folder / "cut.py").read_bytes()
    assert vglint("cut.py").exit_code == 1
    assert "would fix 0 findings in 0 files (1 change more with --unsafe-fixes)" in vglint("cut.py", "--diff").stderr
    shown = vglint("cut.py", "--diff", "--unsafe-fixes")
    assert shown.exit_code == 1
    assert "-net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(dim=1))" in shown.stdout
    assert (folder / "cut.py").read_bytes() == before
    made = vglint("cut.py", "--fix", "--unsafe-fixes")
    assert made.exit_code == 0, made.output
    assert (folder / "cut.py").read_bytes() == before.replace(b"nn.Softmax(dim=1)", b"nn.Identity()")
    assert "fixed 0 findings" in vglint("cut.py", "--fix", "--unsafe-fixes").stderr


@pytest.mark.parametrize(
    "text",
    ["# no help\n", "unused = nn.Linear(8, 8)\n", "import torch as F\n", "(\n"],
    ids=["the finding stays", "more is built", "a name more", "no Python"],
)
def test_a_fix_that_does_not_help_is_not_offered(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    from vglint.fix import ACTIONS
    from vglint.fix.change import Allowed, Answer, Change, Request

    def useless(request: Request) -> Answer:
        return Change(((0, 0, text),), Allowed())

    (folder / "cut.py").write_text(CUT)
    monkeypatch.setitem(ACTIONS, "drop-op", useless)  # type: ignore[arg-type]
    result = vglint("cut.py", "--fix", "--unsafe-fixes", "--no-cache")
    assert result.exit_code == 1
    assert "fix:" not in result.stdout and "fixed 0 findings" in result.stderr
    assert (folder / "cut.py").read_text() == CUT


def test_standard_input_is_not_fixed(folder: Path) -> None:
    assert vglint("-", "--fix", stdin=CUT).exit_code == 2
    assert "+net" in vglint("-", "--diff", "--unsafe-fixes", stdin=CUT).stdout


def test_confidence_as_configured(folder: Path) -> None:
    (folder / "deep.py").write_text(DEEP)
    (folder / "vglint.toml").write_text('[rules.saturating-stack]\nconfidence = "low"\n')
    assert vglint("deep.py").exit_code == 0
    assert vglint("deep.py", "--min-confidence", "low").exit_code == 1
    assert vglint("deep.py", "--select", "VG101").exit_code == 1, "asked for by its own id"


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="file systems that take any bytes as a name")
@pytest.mark.parametrize("form", ["full", "concise", "json", "sarif", "github"])
def test_any_file_name_can_be_reported(folder: Path, form: str) -> None:
    for name in (b"bad\xff name.py", "emoji\N{GRINNING FACE}.py".encode(), b"x,y:z%.py"):
        Path(os.fsdecode(name)).write_text(DEEP)
    for _ in range(2):
        result = vglint(".", "--output-format", form, "--output-format", f"{form}=report.txt")
        assert result.exit_code == 1
        assert result.stdout.count("VG101") >= 3
    assert (folder / "report.txt").stat().st_size > 0


def test_a_locale_without_unicode(folder: Path, root: Path) -> None:
    (folder / "emoji\N{GRINNING FACE}.py").write_text(DEEP)
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(root)}
    for env in ({**os.environ, "PYTHONPATH": str(root)}, plain, plain):
        done = subprocess.run([sys.executable, "-m", "vglint", "."], env=env, capture_output=True, check=False)
        assert done.returncode == 1, done.stderr
        assert b"VG101" in done.stdout and b"internal error" not in done.stdout + done.stderr


def test_a_reader_that_leaves_is_no_fault(folder: Path, root: Path) -> None:
    for number in range(40):
        (folder / f"deep{number}.py").write_text(DEEP)
    command = f"{shlex.quote(sys.executable)} -m vglint . --jobs 1 | head -1"
    done = subprocess.run(
        command, shell=True, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("error[VG101]")
    assert done.stderr == ""


def test_files_under_lint_stand_in_for_no_module(folder: Path, root: Path) -> None:
    """`python -m` looks in the current folder first: code that is linted must not be imported from there."""
    for name in ("string", "random", "json", "libcst", "click"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('imported {name}')\n{DEEP}")
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-m", "vglint", "."], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "", done.stderr
    assert done.stdout.count("VG101") >= 5


LOSS = """\
from torch import nn


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        self.ce = nn.CrossEntropyLoss()

    def forward(self, output, target):
        return self.ce(output, target)  # vglint: ignore[VG701] the paper does so
"""

LOSS_USED = """\
import torch
from loss import Loss

model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Softmax(-1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def train(loader):
    criterion = Loss()
    for x, y in loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
"""


def test_a_comment_that_answers_a_finding_of_another_file_is_used(folder: Path) -> None:
    (folder / "loss.py").write_text(LOSS)
    (folder / "train.py").write_text(LOSS_USED)
    for arguments in ((".",), (".",), ("train.py",), ("loss.py",)):  # the second run is read from the cache
        result = vglint(*arguments)
        assert result.exit_code == 0, (arguments, result.stdout)
    (folder / "loss.py").write_text(LOSS.replace("  # vglint: ignore[VG701] the paper does so", ""))
    assert "VG701" in vglint(".").stdout
