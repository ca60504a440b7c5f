"""The hooks of pre-commit, by pre-commit itself: installed from this checkout, in a small repository whose commits pass or are blocked."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.ci.installing import without_network

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pre_commit") is None or shutil.which("git") is None, reason="needs pre-commit and git"
)

MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x):
        return self.layer(x)
"""
TRAIN = """\
import torch
from torch import nn

from model import Net

model = Net()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in torch.load("batches.pt"):
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
"""
BAD = """\
from torch import nn

model = nn.Sequential(*[layer for _ in range(12) for layer in (nn.Linear(64, 64), nn.Sigmoid())])
"""
FIXABLE = MODEL.replace("from torch", "import torch\nfrom torch").replace(
    "self.layer(x)", "torch.log(torch.softmax(self.layer(x), dim=1))"
)


class Repository:
    """A repository with hooks, and how to run git and pre-commit in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments)

    def hooks(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "pre_commit", *arguments)

    def commit(self, **files: str) -> tuple[bool, str]:
        """Commits files, and returns whether it was made, and what was printed."""
        for name, text in files.items():
            (self.folder / f"{name.replace('_', ' ')}.py").write_text(text)
        self.git("add", "-A")
        before = self.git("rev-parse", "HEAD").stdout
        done = self.git("commit", "-m", "a change")
        made = self.git("rev-parse", "HEAD").stdout != before
        if not made:
            self.git("reset", "-q", "--hard")
        return made, done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables by which pre-commit installs vglint without a network: what it needs is found where this process has it."""
    return {**without_network(), "PRE_COMMIT_HOME": str(tmp_path_factory.mktemp("pre-commit") / "home")}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Repository:
    """A repository of what vglint is installed from."""
    folder = tmp_path_factory.mktemp("vglint")
    for name in ("vglint", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    made = Repository(folder, environment)
    made.git("init", "-q", "-b", "main")
    assert made.commit()[0]
    return made


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, source: Repository, environment: dict[str, str]) -> Repository:
    """A repository with all hooks installed and two files that are right."""
    folder = tmp_path_factory.mktemp("begun")
    made = Repository(folder, environment)
    made.git("init", "-q", "-b", "main")
    rev = source.git("rev-parse", "HEAD").stdout.strip()
    hooks = [{"id": name} for name in ("vglint", "vglint-project", "vglint-fix")]
    config = {"repos": [{"repo": str(source.folder), "rev": rev, "hooks": hooks}]}
    (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (folder / ".gitignore").write_text(".vglint_cache/\n")
    done = made.hooks("install", "--install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr
    made_it, printed = made.commit(model=MODEL, train=TRAIN)
    assert made_it, printed
    return made


@pytest.fixture
def repository(tmp_path: Path, begun: Repository, environment: dict[str, str]) -> Repository:
    shutil.copytree(begun.folder, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Repository(tmp_path, environment)


def test_a_good_commit_passes(repository: Repository) -> None:
    made, printed = repository.commit(model=MODEL + "\n\nprint(Net())\n", a_name_with_blanks=MODEL)
    assert made and printed.count("Passed") == 3, printed


def test_a_bad_commit_is_blocked(repository: Repository) -> None:
    made, printed = repository.commit(bad=BAD)
    assert not made and "VG101" in printed and "bad.py:3" in printed


def test_a_commit_that_brings_in_a_fault_across_files_is_blocked(repository: Repository) -> None:
    made, printed = repository.commit(model=MODEL.replace("self.layer(x)", "self.layer(x).softmax(1)"))
    assert not made
    for hook in ("vglint....", "vglint (whole project)...."):
        part = printed[printed.index(hook) :]
        assert "Failed" in part.splitlines()[0] and "VG701" in part and "train.py" in part, (
            "train.py is not in the commit"
        )


def test_other_files_run_nothing(repository: Repository) -> None:
    (repository.folder / "notes.txt").write_text("text")
    made, printed = repository.commit()
    assert made and printed.count("Skipped") == 3, printed


def test_fixes_are_made_before_the_commit(repository: Repository) -> None:
    made, printed = repository.commit(fixable=FIXABLE)
    assert not made and "files were modified by this hook" in printed, printed


def test_the_whole_project_is_linted_on_request(repository: Repository) -> None:
    assert repository.hooks("run", "--all-files").returncode == 0
    (repository.folder / "bad.py").write_text(BAD)
    repository.git("add", "-A")
    done = repository.hooks("run", "vglint-project")
    assert done.returncode == 1 and "VG101" in done.stdout


def test_the_hooks_can_be_tried(repository: Repository, source: Repository) -> None:
    (repository.folder / "bad.py").write_text(BAD)
    done = repository.hooks("try-repo", str(source.folder), "vglint", "--files", "bad.py")
    assert done.returncode == 1 and "VG101" in done.stdout, done.stdout + done.stderr
