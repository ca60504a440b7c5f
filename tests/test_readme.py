"""README and the documents show what the program prints; README's commands are those that CI runs."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vglint.config.schema import json_schema
from vglint.ops.curves import Curve, curve
from vglint.ops.quadrature import gaussian_moments

PRINTED = re.compile(r"<!-- printed: (?P<command>vglint .+?) -->\n(?P<shown>.*?)<!-- end -->", re.S)
GAINS = re.compile(r"<!-- gains -->\n(?P<shown>.*?)<!-- end -->", re.S)
KEYS = re.compile(r"<!-- keys -->\n(?P<shown>.*?)<!-- end -->", re.S)
DOCUMENTS = ("README.md", "docs/usage.md", "docs/configuration.md", "docs/rules.md", "docs/theory.md", "docs/index.md")


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


def gains() -> str:
    """Returns a table of activations: moments at variance 1, and what one layer deep in a wide stack does to the RMS gradient."""
    head = [
        "| activation | E φ² at q = 1 | E φ'² at q = 1 | one layer, PyTorch's weights | one layer, v = 2/n |",
        "|---|---|---|---|---|",
    ]
    rows = []
    for name in "relu leaky_relu elu gelu silu softplus tanh sigmoid hardsigmoid".split():
        found = curve(name, {}.get)
        assert found is not None
        one = gaussian_moments(found, 0.0, 1.0)
        rows.append(
            f"| `{name}` | {one.square:.3f} | {one.slope2:.3f} | × {_deep(found, 1 / 3):.2f} | × {_deep(found, 2):.2f} |"
        )
    return "\n".join([*head, *rows]) + "\n"


def _deep(found: Curve, variance: float) -> float:
    """Returns the factor of one layer's RMS gradient once the signal is steady, for weights of that variance times fan-in."""
    q = 1.0
    for _ in range(200):
        moments = gaussian_moments(found, 0.0, q)
        q = max(variance * moments.square, 1e-6)
    return math.sqrt(variance * moments.slope2)


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
    now = GAINS.sub(lambda found: f"<!-- gains -->\n{gains()}<!-- end -->", now)
    if request.config.getoption("--update"):
        file.write_text(now, encoding="utf-8", newline="\n")
        return
    assert PRINTED.search(text) or KEYS.search(text) or GAINS.search(text)
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
    assert "--editable '.[test]'\n" in ci and '/bin/python" -m pytest --numprocesses=auto --dist=loadfile\n' in ci
    assert os.access(root / ".ci" / "run", os.X_OK)
