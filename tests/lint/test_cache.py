"""A second run says the same, and lints only what changed or rests on what changed."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from vglint import seal
from vglint.cli import cli
from vglint.config import Configuration
from vglint.finding import Report
from vglint.lint import cache, lint
from vglint.lint import project as linting
from vglint.lint import work as processes

BLOCK = """\
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 64)

    def forward(self, x):
        return self.fc(x).{act}()
"""

MODEL = """\
from torch import nn

from block import Block


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block() for _ in range(14)])

    def forward(self, x):
        return self.blocks(x)
"""


class Project:
    """A folder that is linted again and again."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.linted: list[str] = []
        original = processes.lint_file

        def noting(tools: processes.Tools, path: str, content: bytes | None) -> processes.Outcome:
            self.linted.append(path)
            return original(tools, path, content)

        monkeypatch.setattr(processes, "lint_file", noting)
        monkeypatch.setattr(linting, "CHEAP", False)  # in this process, which notes

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        past = path.stat().st_mtime_ns - 10_000_000_000 + len(text)
        os.utime(path, ns=(past, past))  # older than the cache, as files mostly are

    def lint(self, *paths: str, **settings: object) -> tuple[list[str], Report]:
        """Returns which files were really linted, and the report."""
        self.linted.clear()
        report = lint(paths or (".",), Configuration(overrides=settings).of)
        return sorted(self.linted), report


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    made = Project(tmp_path, monkeypatch)
    made.write("block.py", BLOCK.format(act="sigmoid"))
    made.write("model.py", MODEL)
    made.write("other.py", BLOCK.format(act="relu"))
    made.write("plain.py", "x = 1\n")
    return made


ALL = ["block.py", "model.py", "other.py", "plain.py"]


def test_a_second_run_lints_nothing_and_says_the_same(project: Project) -> None:
    linted, first = project.lint()
    assert linted == ALL
    assert [finding.rule for finding in first.findings] == ["VG101"]
    linted, second = project.lint()
    assert linted == []
    assert second == first


def test_no_cache(project: Project) -> None:
    assert project.lint(cache=False)[0] == ALL
    assert not (project.folder / ".vglint_cache").exists()


def test_the_cache_hides_from_git(project: Project) -> None:
    project.lint()
    assert (project.folder / ".vglint_cache" / ".gitignore").read_text() == "*\n"


def test_what_imports_a_changed_file_is_linted_again(project: Project) -> None:
    project.lint()
    project.write("block.py", BLOCK.format(act="relu") + "\n")
    linted, report = project.lint()
    assert linted == ["block.py", "model.py"]
    assert "VG101" not in [finding.rule for finding in report.findings]
    assert project.lint()[0] == []


def test_a_file_written_anew_with_the_same_content_is_not(project: Project) -> None:
    project.lint()
    os.utime("block.py")
    assert project.lint()[0] == []


def test_a_change_of_equal_size_and_time_after_the_run_is_seen(project: Project) -> None:
    young = time.time_ns() + 10_000_000_000  # as young as the cache: its time proves nothing
    os.utime("block.py", ns=(young, young))
    project.lint()
    status = os.stat("block.py")
    Path("block.py").write_text(BLOCK.format(act="sigmoid").replace("64", "65"))
    os.utime("block.py", ns=(status.st_mtime_ns, status.st_mtime_ns))
    assert "block.py" in project.lint()[0]


def test_a_module_that_appears_is_seen_by_those_who_asked_for_it(project: Project) -> None:
    os.rename("block.py", "hidden.txt")
    assert project.lint()[1].findings == ()
    os.rename("hidden.txt", "block.py")
    linted, report = project.lint()
    assert linted == ["block.py", "model.py"]
    assert [finding.rule for finding in report.findings] == ["VG101"]


def test_a_module_that_vanishes_is_missed(project: Project) -> None:
    project.lint()
    os.remove("block.py")
    linted, report = project.lint()
    assert linted == ["model.py"]
    assert report.findings == ()


def test_a_part_of_the_project_leaves_the_rest_known(project: Project) -> None:
    project.lint()
    project.write("block.py", BLOCK.format(act="relu") + "\n")
    assert project.lint("model.py")[0] == ["model.py"]
    assert project.lint("model.py")[0] == []
    assert project.lint()[0] == ["block.py"]
    project.write("block.py", BLOCK.format(act="tanh") + "\n\n")
    assert project.lint()[0] == ["block.py", "model.py"]


def test_other_settings_are_another_memory(project: Project) -> None:
    project.lint()
    assert project.lint(ignore=("VG101",))[0] == ALL
    assert project.lint(ignore=("VG101",))[0] == []
    assert project.lint()[0] == []
    assert project.lint(min_severity="error")[0] == [], "what is shown does not change what is found"


def test_a_spoilt_cache_is_no_fault(project: Project) -> None:
    first = project.lint()[1]
    for file in (project.folder / ".vglint_cache").glob("*.vglint"):
        file.write_bytes(file.read_bytes()[:-40])
    linted, report = project.lint()
    assert linted == ALL
    assert report == first


def test_a_wrong_cache_is_no_fault(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = project.lint()[1]
    (file,) = (project.folder / ".vglint_cache").glob("findings-*")
    held = seal.read(file.parent, file.name)
    assert held is not None
    memory = msgspec.msgpack.decode(held, type=cache.Memory)
    for wrong in (
        {"edges": {0: [99]}},
        {"outcomes": {"block.py": (99, memory.outcomes["block.py"][1])}},
        {"stamps": []},
    ):
        values = {field.name: getattr(memory, field.name) for field in dataclasses.fields(memory)} | wrong
        seal.write(file.parent, file.name, msgspec.msgpack.encode(cache.Memory(**values)))
        project.write("block.py", BLOCK.format(act="sigmoid") + "\n")
        assert project.lint()[1].findings == first.findings
        project.write("block.py", BLOCK.format(act="sigmoid"))


def test_a_change_under_the_same_time_and_size_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_RACY_NS", -10_000_000_000)  # so that only what the file looks like counts
    project.lint()
    time_before = os.stat("block.py").st_mtime_ns
    Path("new.txt").write_text(BLOCK.format(act="sigmoid").replace("64", "65"))
    os.utime("new.txt", ns=(time_before, time_before))
    os.replace("new.txt", "block.py")
    assert "block.py" in project.lint()[0]


def test_clean_removes_what_is_kept(project: Project) -> None:
    project.lint()
    (project.folder / ".vglint_cache" / "other.msgpack").write_text("another program's")
    result = CliRunner().invoke(cli, ["clean"])
    assert result.exit_code == 0 and result.output.endswith("removed\n")
    assert sorted(os.listdir(".vglint_cache")) == [".gitignore", "CACHEDIR.TAG", "other.msgpack"]
    assert project.lint()[0] == ALL


def test_a_cache_that_cannot_be_written_is_no_fault(project: Project) -> None:
    (project.folder / ".vglint_cache").write_text("a file in the way")
    assert project.lint()[0] == ALL


def test_problems_are_remembered(project: Project) -> None:
    project.write("broken.py", "from torch import nn\nclass A(nn.Module:\n")
    first = project.lint()[1]
    linted, second = project.lint()
    assert linted == []
    assert second.problems == first.problems
    assert len(second.problems) == 1
