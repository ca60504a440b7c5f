"""README and the documents show what the program prints; README's commands are those that CI runs; links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vglint.config.schema import json_schema

PRINTED = re.compile(r"<!-- printed: (?P<command>vglint .+?) -->\n(?P<shown>.*?)<!-- end -->", re.S)
KEYS = re.compile(r"<!-- keys -->\n(?P<shown>.*?)<!-- end -->", re.S)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")
DOCUMENTS = ("README.md", "docs/usage.md", "docs/configuration.md", "docs/rules.md")


def printed(command: str, root: Path) -> str:
    """Returns what a command prints, as documents show it: tables as they are, all else in a block."""
    # what follows `graph` is one argument that the shell would need quotes for
    verb, _, rest = command.removeprefix("vglint ").partition(" ")
    arguments = [verb, rest] if verb == "graph" else shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "vglint", *arguments],
        cwd=root,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    if "--markdown" in arguments:
        return done.stdout
    return f"```text\n$ {command}\n{done.stdout.rstrip()}\n```\n"


def keys() -> str:
    """Returns the keys of the configuration as a table."""
    definitions: dict[str, Any] = json_schema()["$defs"]  # type: ignore[assignment]
    rows = [
        f"| `{name}` | {key['description']} | {_default(key)} |"
        for name, key in definitions["Schema"]["properties"].items()
    ]
    return "\n".join(["| key | | default |", "|---|---|---|", *rows]) + "\n"


def _default(key: dict[str, Any]) -> str:
    value = key.get("default")
    if value in (None, [], {}) or isinstance(value, dict):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_show_what_is_printed(name: str, root: Path, request: pytest.FixtureRequest) -> None:
    file = root / name
    text = file.read_text(encoding="utf-8")
    now = PRINTED.sub(
        lambda found: f"<!-- printed: {found['command']} -->\n{printed(found['command'], root)}<!-- end -->", text
    )
    now = KEYS.sub(lambda found: f"<!-- keys -->\n{keys()}<!-- end -->", now)
    if request.config.getoption("--update"):
        file.write_text(now, encoding="utf-8", newline="\n")
        return
    assert PRINTED.search(text) or KEYS.search(text)
    assert text == now, f"pytest --update rewrites {name}; read the difference"


def test_the_readme_is_short_and_its_first_command_ends_in_one_finding(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "$ vglint docs/example.py\nerror[VG101]" in text and "\n1 problem (1 error) in 1 file;" in text
    assert text.index("vglint docs/example.py") < 1500


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    ci = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert ".venv/bin/pip install --editable '.[test]' && .venv/bin/python -m pytest\n" in readme
    assert "--editable '.[test]'\n" in ci and '/bin/python" -m pytest\n' in ci
    assert os.access(root / ".ci" / "run", os.X_OK)


def test_links_lead_somewhere(root: Path) -> None:
    files = [root / "README.md", root / "ARCHITECTURE.md", *sorted((root / "docs").glob("*.md"))]
    for file in files:
        for found in LINK.finditer(file.read_text(encoding="utf-8")):
            if "://" in found["target"]:
                continue
            target = file.parent / found["target"]
            assert target.exists(), f"{file.name}: {found['target']}"
            if found["anchor"] is not None:
                heads = [
                    line.lstrip("# ").lower().replace(" ", "-")
                    for line in target.read_text().splitlines()
                    if line.startswith("#")
                ]
                assert found["anchor"] in heads, f"{file.name}: {found[0]}"
