"""Several processes say what one says, and the end of one costs one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from vglint.config import Configuration
from vglint.lint import lint
from vglint.lint import project as whole
from vglint.lint.parallel import batches, spread


def test_batches_hold_neighbours() -> None:
    assert batches("abcde", [1, 1, 5, 1, 1], 3) == [["a", "b"], ["c"], ["d", "e"]]
    assert batches([], [], 3) == []


def test_several_processes_say_what_one_says(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    paths = [str(path) for path in sorted(Path("fixtures/models").glob("*.py"))[::3]]
    one = lint(paths, Configuration(overrides={"jobs": 1, "cache": False}).of)
    monkeypatch.setattr(whole, "_WORTH_PROCESSES", 0)
    monkeypatch.setattr(whole, "_BATCH", 5_000)
    two = lint(paths, Configuration(overrides={"jobs": 2, "cache": False}).of)
    assert len(one.findings) > 3
    assert one == two


def _begin(task: str) -> None:
    os.environ["VGLINT_TEST_TASK"] = task


def _work(piece: Sequence[int]) -> list[str]:
    if 13 in piece:
        os._exit(3)
    return [f"{os.environ['VGLINT_TEST_TASK']}{item}" for item in piece]


def _lost(item: int) -> list[str]:
    return [f"lost {item}"]


def test_a_process_that_dies_costs_its_item() -> None:
    pieces = [[1, 2], [12, 13, 14], [3], [4], [5, 6]]
    found = sorted(text for result in spread(_work, pieces, 2, _lost, _begin, "t") for text in result)
    assert found == sorted([*(f"t{item}" for item in (1, 2, 12, 14, 3, 4, 5, 6)), "lost 13"])
