"""A second run says the same, and lints only what changed or rests on what changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import asdict, replace

from vglint import seal
from vglint.cli import cli
from vglint.config import Configuration
from vglint.finding import Report
from vglint.lint import cache, fresh, lint
from vglint.lint import project as linting
from vglint.lint import work as processes
from vglint.rulebook import RuleError

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


def test_a_selection_needs_no_other_memory(project: Project) -> None:
    rules = [finding.rule for finding in project.lint()[1].findings]
    for select, ignore, found in (
        (("VG1",), (), rules),
        (("VG8",), (), []),
        (None, ("VG8", "VG001"), rules),
        (("ALL",), (), rules),
    ):
        linted, report = project.lint(select=select, ignore=ignore)
        assert (linted, [finding.rule for finding in report.findings]) == ([], found)
    assert project.lint(min_severity="error")[0] == [], "what is shown does not change what is found"


def test_a_word_that_is_no_rule_is_told_whatever_is_kept(project: Project) -> None:
    project.lint()
    for wrong in ({"select": ("VG9999",)}, {"ignore": ("no-such-rule",)}, {"unfixable": ("VGX",)}):
        with pytest.raises(RuleError):
            project.lint(**wrong)


def test_a_rule_that_gives_way_is_told_where_the_others_are_not_wanted(project: Project) -> None:
    gave_way = {}
    for kept in (False, True):
        for select in (("VG201",), ("VG101", "VG201")):
            report = project.lint(select=select, cache=kept, pedantic=True)[1]
            gave_way[select, kept] = [finding.rule for finding in report.findings]
    assert project.lint(select=("VG201",), pedantic=True)[0] == []
    assert gave_way[("VG201",), True] == gave_way[("VG201",), False] == ["VG201"]
    assert gave_way[("VG101", "VG201"), True] == gave_way[("VG101", "VG201"), False] == ["VG101"]


def test_another_folder_to_start_from_leaves_everything_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("sub/inner.py", BLOCK.format(act="sigmoid"))
    project.write("pyproject.toml", "")
    project.lint()
    for folder, path in ((".", "."), ("sub", ".."), ("sub", str(project.folder)), ("..", project.folder.name)):
        monkeypatch.chdir(project.folder / folder)
        linted, report = project.lint(path)
        assert linted == []
        assert report == project.lint(path, cache=False)[1]


def test_a_part_of_the_folders_leaves_everything_known(project: Project) -> None:
    project.write("one/__init__.py", "")
    project.write("one/model.py", "import elsewhere\n" + MODEL)
    project.write("two/block.py", BLOCK.format(act="relu"))
    project.lint()
    assert project.lint("one")[0] == []
    assert project.lint("one", "two/block.py")[0] == []
    assert project.lint("block.py")[0] == []


def test_a_name_that_other_folders_give_another_meaning_is_looked_up_again(project: Project) -> None:
    os.remove("block.py")
    os.remove("other.py")
    project.write("lib/block.py", BLOCK.format(act="sigmoid"))
    assert [finding.rule for finding in project.lint()[1].findings] == ["VG101"]
    linted, report = project.lint("model.py")
    assert (linted, report.findings) == (["model.py"], ()), "the folder of block.py is not linted along"
    assert project.lint("model.py")[0] == []
    linted, report = project.lint()
    assert linted == ["model.py"] and [finding.rule for finding in report.findings] == ["VG101"]


REGISTRY = "MODELS = {}\n\ndef register(function):\n    MODELS[function.__name__] = function\n    return function\n"
ENTERED = (
    "from torch import nn\nfrom .registry import register\n\n@register\ndef {name}():\n    return nn.{layer}(8, 8)\n"
)
ASKING = """\
from torch import nn
from .registry import MODELS


class Asking(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = MODELS["first"]()

    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def package(project: Project) -> Project:
    for name in ALL:
        os.remove(name)
    project.write("pkg/__init__.py", "from .first import *\nfrom .second import *\nfrom .asking import *\n")
    project.write("pkg/registry.py", REGISTRY)
    project.write("pkg/first.py", ENTERED.format(name="first", layer="Linear"))
    project.write("pkg/second.py", ENTERED.format(name="second", layer="Linear"))
    project.write("pkg/asking.py", ASKING)
    project.lint()
    return project


@pytest.mark.parametrize("alone", [False, True])
def test_what_a_search_would_find_elsewhere_is_linted_again(package: Project, alone: bool) -> None:
    first, asking = "pkg/first.py", "pkg/asking.py"
    changes = [
        ("pkg/second.py", ENTERED.format(name="second", layer="Bilinear"), False),  # no key that was asked for
        ("pkg/second.py", ENTERED.format(name="third", layer="Linear"), False),
        (first, ENTERED.format(name="first", layer="Linear") + "\n\ndef more():\n    return first()\n", False),
        (first, ENTERED.format(name="first", layer="Bilinear"), True),
        ("pkg/second.py", ENTERED.format(name="first", layer="Linear"), True),
        (
            "pkg/second.py",
            "import os\n" + ENTERED.format(name="fourth", layer="Linear"),
            True,
        ),  # imports lead elsewhere
        ("pkg/registry.py", REGISTRY + "\n", False),  # nothing that a statement says
        ("pkg/registry.py", REGISTRY.replace("    return", "    print(function)\n    return"), True),
    ]
    for file, text, is_asked in changes:
        package.write(file, text)
        linted, report = package.lint(asking) if alone else package.lint()
        assert (asking in linted) is is_asked, (file, text)
        assert report == (package.lint(asking, cache=False) if alone else package.lint(cache=False))[1]


def test_a_file_that_a_search_goes_through_vanishes(package: Project) -> None:
    os.remove("pkg/first.py")
    linted, report = package.lint()
    assert "pkg/asking.py" in linted
    assert report == package.lint(cache=False)[1]


PARTS = """\
from torch import nn

WIDTH = 64


def squash(x):
    return x.sigmoid()


def halve(x):
    return x / 2


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return squash(self.fc(x))


def by_name(name):
    return globals()[name]()
"""
USING = """\
from torch import nn
{imports}


class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(*[{part} for _ in range(14)])

    def forward(self, x):
        return {result}
"""
USERS = {  # file: imports, what is built, what forward returns
    "model.py": ("from parts import Part", "Part()", "self.parts(x)"),
    "star.py": ("from parts import *", "nn.Linear(8, 8)", "halve(self.parts(x))"),
    "whole.py": ("import parts", "parts.Part()", "self.parts(x)"),
    "named.py": ("from parts import by_name", 'by_name("Part")', "self.parts(x)"),
    "through.py": ("from model import Model as Inner", "Inner()", "self.parts(x)"),
}


def test_what_uses_nothing_that_changed_is_not_linted_again(project: Project) -> None:
    for name in ALL:
        os.remove(name)
    project.write("parts.py", PARTS)
    for file, (imports, part, result) in USERS.items():
        name = file.removesuffix(".py").capitalize()
        project.write(file, USING.format(imports=imports, name=name, part=part, result=result))
    project.lint()
    by_any_name = {"parts.py", "whole.py", "named.py"}
    changes = [
        (PARTS, PARTS + "# a comment\n", {"parts.py"}),
        ("WIDTH = 64", "WIDTH = 32", by_any_name | {"model.py", "through.py"}),
        ("return x / 2", "return x / 4", by_any_name | {"star.py"}),
        ("def halve", "def halved", by_any_name | {"star.py"}),
        ("def halved", "# a place is another\ndef halved", {"parts.py", *USERS} - {"star.py"}),
        ("return squash", "return squash  # vglint: ignore", by_any_name | {"model.py", "through.py"}),
        ("x.sigmoid()", "x.elu()", by_any_name | {"model.py", "through.py"}),
        ("def by_name", "def other(x):\n    return x\n\n\ndef by_name", by_any_name),
        ("from torch import nn", "from torch import *\nfrom torch import nn", {"parts.py", *USERS}),
    ]
    text = PARTS
    for old, new, expected in changes:
        text = text.replace(old, new, 1)
        project.write("parts.py", text)
        linted, report = project.lint()
        assert set(linted) == expected, new
        assert report == project.lint(cache=False)[1], new


def test_what_a_kept_file_found_through_a_changed_one_still_counts(project: Project) -> None:
    project.write("far.py", PARTS)
    project.write("parts.py", "def build():\n    from far import Part\n    return Part()\n")
    project.write(
        "model.py", USING.format(imports="from parts import build", name="M", part="build()", result="self.parts(x)")
    )
    project.lint()
    project.write("parts.py", (project.folder / "parts.py").read_text() + "# a comment\n")
    assert project.lint()[0] == ["parts.py"]
    project.write("far.py", PARTS.replace("sigmoid", "relu"))
    linted, report = project.lint()
    assert "model.py" in linted
    assert report == project.lint(cache=False)[1]


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
        {"outcomes": {99: next(iter(memory.outcomes.values()))}},
        {"outcomes": {0: replace(next(iter(memory.outcomes.values())), base=7)}},
        {"searches": {0: [(3, "key")]}},
        {"stamps": []},
    ):
        values = asdict(memory) | wrong
        seal.write(file.parent, file.name, msgspec.msgpack.encode(cache.Memory(**values)))
        project.write("block.py", BLOCK.format(act="sigmoid") + "\n")
        assert project.lint()[1].findings == first.findings
        project.write("block.py", BLOCK.format(act="sigmoid"))


def test_a_change_under_the_same_time_and_size_is_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "_RACY_NS", -10_000_000_000)  # so that only what the file looks like counts
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
