"""A run says the same however it is made: cold, warm, in parts, in several processes, in any order, for every hash seed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vglint.lint import progress
from vglint.lint.progress import Progress
from vglint.lint.shards import PartError, shard_of, together

COMMENTED = """
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)  # vglint: ignore[VG101]

    def forward(self, x):
        return self.fc(x)
"""
"""A comment that is of no use: what is said of it names its file."""
PATHS = ("projects/segmentation", "projects/joint_loss", "models/tanh_stack_loop.py", "models/text_softmax.ipynb")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied")
    fixtures = Path(__file__).parent.parent.parent / "fixtures"
    for path in PATHS:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (fixtures / path).is_dir():
            shutil.copytree(fixtures / path, target)
        else:
            shutil.copy(fixtures / path, target)
    return folder


def printed(folder: Path, *options: str, seed: int = 0) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "vglint", "--isolated", "--pedantic", "--exit-zero", *options],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b"", "nothing is said of progress in a pipe"
    return done.stdout


def test_every_way_to_run_says_the_same(copied: Path) -> None:
    def said(*options: str, seed: int = 0) -> tuple[bytes, bytes]:
        shown = printed(copied, "--output-format=full", "--output-format=json=said.json", *options, seed=seed)
        return shown, (copied / "said.json").read_bytes()

    shutil.rmtree(copied / ".vglint_cache", ignore_errors=True)
    alone = said("--no-cache", "--jobs", "1", *PATHS)
    assert all(form.count(b"VG") > 3 for form in alone)
    assert said("--no-cache", "--jobs", "2", *PATHS, seed=1) == alone
    assert said(*reversed(PATHS), seed=2) == alone, "filling the cache, in another order"
    assert said(*PATHS, seed=3) == alone, "warm"
    names = []
    for number in (1, 2, 3):
        names.append(f"part{number}.json")
        printed(copied, "--shard", f"{number}/3={names[-1]}", *PATHS)
    merged = [option for name in reversed(names) for option in ("--merge", name)]
    assert said(*merged, *PATHS) == alone


def test_parts_are_the_same_bytes_wherever_they_run(copied: Path, tmp_path: Path) -> None:
    (copied / "commented.py").write_text(COMMENTED)
    shutil.copytree(copied, tmp_path / "deep" / "other")
    here = printed(copied, "--no-cache", "--shard", "1/1=part.json", "commented.py", "projects")
    assert here.count(b"ignores nothing") <= 1
    other = tmp_path / "deep" / "other"
    printed(other, "--no-cache", "--shard", "1/1=part.json", str(other / "projects"), str(other / "commented.py"))
    part = (copied / "part.json").read_bytes()
    assert b"commented.py" in part and str(tmp_path).encode() not in part
    assert (other / "part.json").read_bytes() == part
    merged = printed(copied, "--merge", str(other / "part.json"), "commented.py", "projects")
    assert merged == here


def test_each_file_is_in_one_part_wherever_it_lies() -> None:
    shards = [shard_of(f"{number}/8=part") for number in range(1, 9)]
    for path in ("a.py", "b/c.py", "d/e/f.ipynb"):
        assert sum(shard.holds(path) for shard in shards) == 1
    assert len({tuple(shard.holds(f"{name}.py") for shard in shards) for name in range(100)}) == 8


@pytest.mark.parametrize("wrong", ["", "2", "0/8=part", "9/8=part", "1/8", "1/8=", "a/b=part"])
def test_what_is_no_part_of_a_run(wrong: str) -> None:
    with pytest.raises(ValueError, match="no part of a run"):
        shard_of(wrong)


def test_parts_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shard_of("1/2=one").write({})
    shard_of("3/3=other").write({})
    Path("text").write_text("{}")
    for files, message in (
        (("one",), "of 2 parts of the run, 2 is missing"),
        (("one", "other"), "the others are of 2"),
        (("text",), "text is no part"),
        (("nowhere",), "nowhere is no part"),
    ):
        with pytest.raises(PartError, match=message):
            together(files)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 1.0, 4.0, 4.1, 8.0, 9.0, 19.0])
    monkeypatch.setattr(progress, "monotonic", lambda: next(now))
    shown = Terminal()
    one = Progress(40, shown)
    for files in (3, 5, 4, 12):
        one.advance(files)
    one.close()
    assert shown.getvalue() == "\r8 of 40 files, 2.0 a second\r24 of 40 files, 3.0 a second\r" + " " * 28 + "\r"
    silent = io.StringIO()
    Progress(40, silent).advance(40)
    assert silent.getvalue() == ""
