"""What is said of options, words and configurations that are wrong, and what a run would do."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import tomli
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from vglint.cli import VERBS, cli
from vglint.config import Configuration, load
from vglint.config.position import locate
from vglint.config.written import settings_toml

MODEL = """\
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


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGLINT_DEBUG", raising=False)
    (tmp_path / "src").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "src" / "deep.py").write_text(MODEL)
    (tmp_path / "notes.md").write_text("# Notes\n")
    return tmp_path


def vglint(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--isolated", "--config", "x.toml", "src"], 2, "--isolated uses no configuration and --config names one"),
        (["--diff", "--fix", "src"], 2, "--diff shows the fixes and --fix makes them"),
        (["--unsafe-fixes", "src"], 2, "--unsafe-fixes needs --fix or --diff"),
        (["src", "--exclude", "[a-"], 2, "'[a-' opens [ and does not close it"),
        (["explian", "VG101"], 2, "there is no file 'explian', did you mean the verb 'explain'?"),
        (["chekc", "src"], 2, "did you mean the verb 'check'?"),
        (["empty"], 0, "there is no Python file or notebook to lint in empty"),
        (["src/*.txt"], 1, "src/*.txt: error: no file matches"),
        (["explain"], 2, "RULE or --all is needed"),
        (["explain", "VG1"], 0, "vglint explain VG101 explains one of them, vglint explain VG1 --all each of them"),
        (["explain", "training-loop"], 0, "VG903"),
        (["explain", "vg101"], 0, "VG101 saturating-stack"),
        (["explain", "VG77"], 2, "no rule, name or family 'VG77'"),
        (["notes.md"], 0, "notes.md ends in none of .py, .pyw, .ipynb: it is read as Python"),
        (["schema", "confg"], 2, "config"),
    ],
)
def test_mistakes_get_an_answer(folder: Path, arguments: list[str], status: int, said: str) -> None:
    result = vglint(*arguments)
    assert said in result.output
    assert result.exit_code == status


def test_check_is_lint_unless_a_file_has_that_name(folder: Path) -> None:
    assert vglint("check", "src").stdout == vglint("lint", "src").stdout
    (folder / "check").mkdir()
    (folder / "check" / "a.py").write_text("import torch\n")
    assert vglint("check").exit_code == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            'ignore = [\n  "VG101",\n  "VG99x",\n]\n',
            '--> vglint.toml:3:3\n2 |   "VG101",\n3 |   "VG99x",\n  |   ^^^^^^^\n',
        ),
        ("[rules.VG101]\ndecads = 4\n", "2 | decads = 4\n  | ^^^^^^\n"),
        ('[rules.VG101]\nseverty = "info"\n', "there is no such key, did you mean 'severity'?"),
        ("[probe]\nrate = 1\n", "the keys are enabled, timeout, memory, models, fail-on, targets"),
        ("[rules]\nVG101 = { decads = 4 }\n", "2 | VG101 = { decads = 4 }\n  |           ^^^^^^\n"),
        ('min-severity = "erro"\n', '1 | min-severity = "erro"\n  |                ^^^^^^\n'),
        ('select = ["VG1"\njobs = 2\n', "2 | jobs = 2\n  | ^\n"),
        ('exclude = ["[a-"]\n', '1 | exclude = ["[a-"]\n  |            ^^^^^\n'),
        ("[probe]\ntimeout = 0\n", "2 | timeout = 0\n  |           ^\n"),
        ('[[probe.targets]]\nentry = "a"\n[[probe.targets]]\nlos = "mse"\n', '4 | los = "mse"\n  | ^^^\n'),
    ],
)
def test_a_mistake_in_the_configuration_is_pointed_at(folder: Path, text: str, shown: str) -> None:
    (folder / "vglint.toml").write_text(text)
    result = vglint("src")
    assert result.exit_code == 2
    assert shown in result.output


def test_keys_in_strings_and_comments_are_not_taken_for_keys() -> None:
    text = 'a = """\nselect = 1\n"""  # select = 2\n[tool.vglint]\n"select" = []\n'
    assert locate(text, "tool.vglint.select") == (5, 1, 9)
    assert locate(text, "nothing") is None


def test_extends(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    (shared / "base.toml").write_text(
        'ignore = ["VG301"]\nrule-dirs = ["own"]\nextend-exclude = ["a"]\n[rules.VG101]\ninfo_decades = 4\n'
    )
    (shared / "pyproject.toml").write_text('[tool.vglint]\nextends = "base.toml"\nmin-severity = "error"\n')
    (folder / "vglint.toml").write_text(
        'extends = "shared/pyproject.toml"\nignore = []\nextend-exclude = ["b"]\n[rules.VG101]\nseverity = "info"\n'
    )
    settings = load("vglint.toml")
    assert settings is not None
    assert settings.ignore == () and settings.min_severity == "error"
    assert settings.extend_exclude == ("a", "b")
    assert settings.rule_dirs == (str(shared / "own"),), "paths are relative to the file that they stand in"
    assert settings.rules[0].severity == "info" and settings.rules[0].params == (("info_decades", 4),)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ('extends = "vglint.toml"', "'vglint.toml' extends this file again"),
        ("selct = []", "base.toml: selct: there is no such key, did you mean 'select'?"),
        (None, "vglint.toml: extends: there is no file 'base.toml'"),
    ],
)
def test_what_is_wrong_with_a_base_is_said(folder: Path, base: str | None, said: str) -> None:
    (folder / "vglint.toml").write_text('extends = "base.toml"\n')
    if base is not None:
        (folder / "base.toml").write_text(base + "\n")
    result = vglint("src")
    assert result.exit_code == 2 and said in result.output


CONFIGURED = """\
select = ["VG1", "loss"]
per-file-ignores = { "tests/*" = ["VG9"] }
output-format = ["full", "sarif=out.sarif"]
exclude = ["a \\"quoted\\" name"]

[rules.VG101]
severity = "warning"
info_decades = 4

[probe]
timeout = 5

[[probe.targets]]
entry = "net.py:Net"
args = { depth = 3, widths = [1, 2] }
inputs = [[4, 3], { shape = [4], dtype = "int64", high = 10 }]
"""


def test_settings_are_shown_as_a_configuration_that_means_the_same(folder: Path) -> None:
    (folder / "vglint.toml").write_text(CONFIGURED)
    settings = Configuration().of(str(folder))
    shown = vglint("src", "--show-settings").stdout
    assert "# rules that run: VG101, VG102" in shown
    assert settings_toml(settings) in shown
    (folder / "vglint.toml").write_text(shown)
    assert Configuration().of(str(folder)) == settings


def test_files_are_shown(folder: Path) -> None:
    (folder / "src" / "other.py").write_text("")
    assert vglint(".", "--show-files").stdout == "src/deep.py\nsrc/other.py\n"
    assert vglint(".", "--show-files", "--exclude", "other.py").stdout == "src/deep.py\n"


def test_quiet_shows_findings_alone(folder: Path) -> None:
    loud, quiet = vglint("src"), vglint("src", "--quiet")
    assert quiet.exit_code == loud.exit_code == 1
    assert loud.stdout.startswith(quiet.stdout.rstrip("\n")) and "models read" not in quiet.stdout
    assert vglint("empty", "-q").output == ""
    assert vglint("src", "-q", "--ignore", "ALL").output == ""


def test_the_schema_of_the_configuration(folder: Path, golden: object) -> None:
    schema = json.loads(vglint("schema", "config").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(tomli.loads(CONFIGURED))
    for wrong in ("selct = []", 'min-severity = "erro"', "jobs = true", "[[probe.targets]]\nlr = 1.0"):
        assert not validator.is_valid(tomli.loads(wrong)), wrong


def test_the_schema_of_reports(folder: Path) -> None:
    schema = json.loads(vglint("schema", "report").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    report = json.loads(vglint("src", "--output-format", "json").stdout)
    jsonschema.validate(report, schema)
    del report["findings"][0]["message"]
    assert not jsonschema.Draft202012Validator(schema).is_valid(report)


def test_rules_as_data(folder: Path) -> None:
    listed = json.loads(vglint("rules", "--output-format", "json").stdout)
    assert listed["version"] == 1
    first = next(rule for rule in listed["rules"] if rule["id"] == "VG101")
    assert first["name"] == "saturating-stack" and first["params"]["info_decades"] == 2
    one = json.loads(vglint("explain", "saturating-stack", "--json").stdout)
    assert one["id"] == "VG101" and one["examples"] and "{first_layer}" in one["message"]
    every = json.loads(vglint("explain", "--all", "--json").stdout)
    assert [rule["id"] for rule in every] == [rule["id"] for rule in listed["rules"]]


def test_pages_fit_the_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = vglint("explain", "--all").stdout
    prose = [line for line in text.splitlines() if not line.startswith(("    ", "|"))]
    assert max(map(len, prose)) <= 80
    assert text.count("Why is it bad?") == len(json.loads(vglint("explain", "--all", "--json").stdout))


@pytest.mark.parametrize(
    ("arguments", "incomplete", "wanted"),
    [
        (["--select"], "VG70", "VG701"),
        (["src", "--ignore"], "VG101,VG70", "VG101,VG701"),
        (["explain"], "satur", "saturating-stack"),
        (["explain-match"], "VG10", "VG101"),
        ([], "expl", "explain"),
    ],
)
def test_completion(arguments: list[str], incomplete: str, wanted: str) -> None:
    shell = ShellComplete(cli, {}, "vglint", "_VGLINT_COMPLETE")
    assert wanted in {item.value for item in shell.get_completions(arguments, incomplete)}


def test_every_verb_has_a_summary_of_one_line() -> None:
    for verb, (_, summary) in VERBS.items():
        assert summary.endswith(".") and len(summary) < 90, verb
