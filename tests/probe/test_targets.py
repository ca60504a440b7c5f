"""The models of `benchmarks/corpus/targets/` are built as their repositories lie, whatever our own files are called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from benchmarks.corpus.target import Target, build
print(build(Target("zoo", "owner/name@0", "models/net.py", "Net(3)", "()")).width)
"""


def test_a_folder_called_like_a_file_of_ours_is_read_from_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "owner+name" / "models"
    folder.mkdir(parents=True)
    (folder / "net.py").write_text("class Net:\n    def __init__(self, width):\n        self.width = width\n")
    command = [sys.executable, "-c", BUILD, str(ROOT)]
    environment = dict(os.environ, VGLINT_ZOO=str(tmp_path), VGLINT_CORPUS=str(tmp_path / "none"))
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert found.stdout == "3\n", found.stderr
