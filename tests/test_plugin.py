"""`pytest --vglint PATH`: one more test that fails with the report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "from torch import nn\nmodel = nn.Linear(3, 2)\n"


def run_pytest(root: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "vglint.plugin", "-p", "no:cacheprovider", "-v", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "src" / "model.py").write_text(GOOD)
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    return tmp_path


def test_a_clean_folder_passes_beside_the_other_tests(root: Path, folder: Path) -> None:
    done = run_pytest(root, folder, "--vglint", "src")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr
    assert "1 passed" in run_pytest(root, folder).stdout
    assert "1 passed, 1 deselected" in run_pytest(root, folder, "--vglint", "src", "-k", "vglint").stdout


def test_findings_fail_with_the_report(root: Path, folder: Path) -> None:
    (folder / "src" / "deep.py").write_bytes((root / "docs" / "example.py").read_bytes())
    done = run_pytest(root, folder, "--vglint", "src")
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "error[VG101]" in done.stdout and "src/deep.py:10:47" in done.stdout and "Traceback" not in done.stdout
    (folder / "vglint.toml").write_text('select = ["VG701"]\n')
    assert run_pytest(root, folder, "--vglint", "src").returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("broken.py", "import torch\ndef (:\n", "broken.py"), ("vglint.toml", "selekt = []\n", "selekt")],
)
def test_what_cannot_be_read_fails_without_a_traceback(
    name: str, text: str, said: str, root: Path, folder: Path
) -> None:
    (folder / "src" / name).write_text(text)
    done = run_pytest(root, folder, "--vglint", "src")
    assert done.returncode == 1 and said in done.stdout and "1 failed, 1 passed" in done.stdout, done.stdout
    assert "in runtest" not in done.stdout


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_a_path_without_python_fails(path: str, root: Path, folder: Path) -> None:
    (folder / "empty").mkdir()
    assert run_pytest(root, folder, "--vglint", path).returncode == 1
