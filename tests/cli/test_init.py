"""`vglint init` and the schemas of what programs read."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from vglint.cli import cli
from vglint.config import load

ROOT = Path(__file__).resolve().parent.parent.parent
BAD = """\
from torch import nn


class Net(nn.Module):
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
    return tmp_path


def vglint(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and ".vglint_cache" not in path.parts
    }


def test_an_empty_folder_is_set_up(folder: Path) -> None:
    result = vglint("init")
    assert result.exit_code == 0
    made = files(folder)
    assert set(made) == {"vglint.toml", ".pre-commit-config.yaml", ".github/workflows/vglint.yml"}
    assert result.stderr.splitlines() == [
        f"wrote {name}" for name in ("vglint.toml", ".pre-commit-config.yaml", ".github/workflows/vglint.yml")
    ]
    (hook,) = yaml.safe_load(made[".pre-commit-config.yaml"])["repos"]
    known = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {one["id"] for one in hook["hooks"]} <= known
    (folder / "net.py").write_text(BAD)
    assert vglint(".").exit_code == 1, "the configuration is one"


def test_every_line_of_the_configuration_may_be_used(folder: Path) -> None:
    vglint("init")
    text = (folder / "vglint.toml").read_text()
    (folder / "vglint.toml").write_text(re.sub(r"^# (?=\w+ = )", "", text, flags=re.M))
    settings = load("vglint.toml")
    assert settings is not None and settings.baseline and settings.ignore and settings.exclude


def test_a_second_time_changes_nothing_and_says_so(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\n')
    vglint("init")
    vglint("init", "--agents")
    before = files(folder)
    for more in ([], ["--agents"]):
        result = vglint("init", *more)
        assert result.exit_code == 0 and "wrote" not in result.stderr and "left as it is" in result.stderr
    assert files(folder) == before


@pytest.mark.parametrize("text", ['[project]\nname = "x"', '[project]\r\nname = "x"\r\n', ""])
def test_pyproject_is_added_to(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_bytes(text.encode())
    assert "added vglint to the end of pyproject.toml" in vglint("init").stderr
    after = (folder / "pyproject.toml").read_bytes().decode()
    assert after.startswith(text) and not (folder / "vglint.toml").exists()
    assert ("\n" in after.replace("\r\n", "")) is ("\r\n" not in text)
    settings = load("pyproject.toml")
    assert settings is not None and settings.min_severity == "warning"


def test_what_is_there_is_not_replaced(folder: Path) -> None:
    (folder / ".pre-commit-config.yaml").write_text("repos: []\n")
    (folder / ".gitlab-ci.yml").write_text("stages: [test]\n")
    (folder / "AGENTS.md").write_text("# Rules of this house")
    result = vglint("init")
    assert "add these lines where they belong" in result.stderr
    assert "- id: vglint" in result.stdout and "vglint.gitlab-ci.yml" in result.stdout
    assert files(folder)[".pre-commit-config.yaml"] == "repos: []\n"
    assert files(folder)[".gitlab-ci.yml"] == "stages: [test]\n"
    vglint("init", "--agents")
    assert files(folder)["AGENTS.md"].startswith("# Rules of this house\n\n## vglint\n")


def test_print_writes_nothing(folder: Path) -> None:
    result = vglint("init", "--print")
    assert result.exit_code == 0 and not files(folder)
    assert all(
        part in result.stdout for part in ("# vglint.toml\n", "# .pre-commit-config.yaml\n", "uses: actions/checkout@")
    )
    assert vglint("init", "--print", "--agents").stdout.startswith("# AGENTS.md\n") and not files(folder)


def test_nothing_is_written_through_a_link_or_into_what_is_broken(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[project\n")
    result = vglint("init")
    assert result.exit_code == 2 and "pyproject.toml is not valid TOML" in result.stderr
    assert files(folder) == {"pyproject.toml": "[project\n"}
    (folder / "pyproject.toml").unlink()
    (folder / "elsewhere").mkdir()
    (folder / ".github").symlink_to("elsewhere", target_is_directory=True)
    (folder / "AGENTS.md").symlink_to("elsewhere/x")
    for more in ([], ["--agents"]):
        result = vglint("init", *more)
        assert result.exit_code == 2 and "is a link" in result.stderr
    assert not any((folder / "elsewhere").iterdir())


def test_the_commands_of_the_guide_run_and_its_keys_exist(folder: Path) -> None:
    (folder / "net.py").write_text(BAD)
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(command, check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    vglint("init", "--agents")
    guide = (folder / "AGENTS.md").read_text()
    commands = re.findall(r"^```sh\n(vglint .+)$", guide, re.M) + re.findall(r"`(vglint [^`]+)`", guide)
    assert len(commands) >= 7
    for command in commands:
        arguments = shlex.split(command.replace("FILE:CLASS", "net.py:Net").replace("PATH", "net.py"))[1:]
        if arguments == ["probe"]:
            continue
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "vglint", *arguments], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr, (command, done.stderr)
    (folder / "net.py").write_text(BAD)
    (finding,) = json.loads(vglint(".", "--output-format", "json").stdout)["findings"]
    listed = re.search(r"`findings` is a list\.(.+?)Lines", guide, re.S)
    assert listed and set(re.findall(r"`(\w+)`", listed[1])) <= finding.keys()


def test_explain_and_rules_print_what_the_schema_says() -> None:
    schema = json.loads(vglint("schema", "explain").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    for arguments in (["VG101"], ["--all"]):
        printed = json.loads(vglint("explain", *arguments, "--json").stdout)
        jsonschema.validate(printed, schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"id": "VG101"})
    strict = {**schema["$defs"]["rule"], "additionalProperties": False}
    jsonschema.validate(json.loads(vglint("explain", "VG101", "--json").stdout), strict)
    assert (ROOT / "docs" / "explain.schema.json").read_text() == json.dumps(schema, indent=2) + "\n"


def test_a_baseline_is_what_its_schema_says(folder: Path) -> None:
    (folder / "net.py").write_text(BAD)
    vglint(".", "--write-baseline", "known.json")
    schema = json.loads(vglint("schema", "baseline").stdout)
    jsonschema.validate(json.loads((folder / "known.json").read_text()), schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"version": 1, "findings": [{"path": "a"}]})
