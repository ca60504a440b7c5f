"""What vglint prints does not depend on the order of Python's sets; `tests/lint/test_shards.py` shows it of other seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PATHS = ("fixtures/models/tanh_stack_loop.py", "fixtures/models/text_softmax.ipynb", "fixtures/projects/segmentation")


def test_output_is_the_same_for_every_hash_seed(root: Path) -> None:
    printed = set()
    for seed in range(4, 8):
        done = subprocess.run(
            [sys.executable, "-m", "vglint", *PATHS, "--no-cache", "--verbose", "--pedantic"],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": str(seed), "COLUMNS": "100"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1
        printed.add(done.stdout)
    assert len(printed) == 1
