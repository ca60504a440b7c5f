"""README shows what the program prints, and its commands are those that CI runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PRINTED = re.compile(r"<!-- printed: (?P<command>vglint .+?) -->\n(?P<shown>.*?)<!-- end -->", re.S)


def printed(command: str, root: Path) -> str:
    """Returns what a command prints, as README shows it: tables as they are, all else in a block."""
    # what follows `graph` is one argument that the shell would need quotes for
    verb, _, rest = command.removeprefix("vglint ").partition(" ")
    arguments = [verb, rest] if verb == "graph" else shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "vglint", *arguments],
        cwd=root,
        env={**os.environ, "COLUMNS": "110", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    if "--markdown" in arguments:
        return done.stdout
    call = f"vglint graph '{rest}'" if verb == "graph" else command
    return f"```text\n$ {call}\n{done.stdout.rstrip()}\n```\n"


def test_readme_shows_what_is_printed(root: Path, request: pytest.FixtureRequest) -> None:
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    now = PRINTED.sub(
        lambda found: f"<!-- printed: {found['command']} -->\n{printed(found['command'], root)}<!-- end -->", text
    )
    if request.config.getoption("--update"):
        readme.write_text(now, encoding="utf-8", newline="\n")
        return
    assert len(PRINTED.findall(text)) >= 4
    assert text == now, "pytest --update rewrites README.md; read the difference"


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    ci = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert ".venv/bin/pip install --editable '.[test]' && .venv/bin/python -m pytest\n" in readme
    assert "--editable '.[test]'\n" in ci and '/bin/python" -m pytest\n' in ci
    assert os.access(root / ".ci" / "run", os.X_OK)
