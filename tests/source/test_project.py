"""Where imports lead, in projects of every layout."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from vglint.finding import Problem
from vglint.source.module import Module
from vglint.source.project import Project

FILES = {
    "src/pkg/__init__.py": "",
    "src/pkg/a.py": "",
    "src/pkg/sub/__init__.py": "",
    "src/pkg/sub/b.py": "",
    "scripts/train.py": "",
    "scripts/model.py": "",
    "scripts/both/__init__.py": "",
    "scripts/both.py": "",
    "scripts/types.py": "",
    "src/pkg/types.py": "",
    "other/model.py": "",
    "other/only.py": "",
    "space/inner/deep.py": "",
    "top.py": "",
    "flat/__init__.py": "",
    "flat/tool.py": "",
    "not-a-name/x.py": "",
    "broken.py": "x = (",
    "installed/timm/__init__.py": "",
    "installed/timm/layers/norm.py": "",
    "installed/six.py": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    linted = [tmp_path / name for name in FILES if not name.startswith("installed")]
    return Project(tmp_path, linted, resolve=["timm"], sites=[tmp_path / "installed"])


def module(project: Project, name: str) -> Module:
    found = project.module(project.root / name)
    assert isinstance(found, Module)
    return found


@pytest.mark.parametrize(
    ("name", "dotted", "package"),
    [
        ("src/pkg/__init__.py", "pkg", "pkg"),
        ("src/pkg/a.py", "pkg.a", "pkg"),
        ("src/pkg/sub/__init__.py", "pkg.sub", "pkg.sub"),
        ("src/pkg/sub/b.py", "pkg.sub.b", "pkg.sub"),
        ("scripts/train.py", "scripts.train", "scripts"),
        ("space/inner/deep.py", "space.inner.deep", "space.inner"),
        ("top.py", "top", ""),
        ("not-a-name/x.py", "x", ""),
        ("installed/timm/layers/norm.py", "installed.timm.layers.norm", "installed.timm.layers"),
    ],
)
def test_names(project: Project, name: str, dotted: str, package: str) -> None:
    found = module(project, name)
    assert (found.name, found.package) == (dotted, package)
    assert found.is_package == name.endswith("__init__.py")


@pytest.mark.parametrize(
    ("importer", "level", "dotted", "found"),
    [
        ("src/pkg/a.py", 0, "pkg", "src/pkg/__init__.py"),
        ("src/pkg/a.py", 0, "pkg.sub.b", "src/pkg/sub/b.py"),
        ("src/pkg/a.py", 1, "sub", "src/pkg/sub/__init__.py"),
        ("src/pkg/a.py", 1, "", "src/pkg/__init__.py"),
        ("src/pkg/__init__.py", 1, "a", "src/pkg/a.py"),
        ("src/pkg/sub/b.py", 2, "a", "src/pkg/a.py"),
        ("src/pkg/sub/b.py", 2, "", "src/pkg/__init__.py"),
        ("src/pkg/sub/b.py", 9, "a", None),
        ("src/pkg/a.py", 0, "sub.b", "src/pkg/sub/b.py"),  # if it is run as a script
        ("src/pkg/a.py", 0, "types", None),  # the standard library comes first,
        ("top.py", 0, "types", None),
        ("scripts/train.py", 0, "types", "scripts/types.py"),  # except in a script's own folder
        ("src/pkg/a.py", 0, "top", "top.py"),
        ("scripts/train.py", 0, "model", "scripts/model.py"),
        ("other/only.py", 0, "model", "other/model.py"),
        ("top.py", 0, "model", None),  # two scripts' folders have one: no telling which
        ("top.py", 0, "only", "other/only.py"),
        ("top.py", 0, "pkg.a", "src/pkg/a.py"),
        ("top.py", 0, "space.inner.deep", "space/inner/deep.py"),
        ("top.py", 0, "space.inner", None),
        ("top.py", 0, "scripts.train", "scripts/train.py"),
        ("scripts/train.py", 0, "both", "scripts/both/__init__.py"),  # a package comes before a module
        ("scripts/train.py", 0, "flat.tool", "flat/tool.py"),
        ("flat/tool.py", 0, "tool", "flat/tool.py"),  # a file of a package that is run as a script
        ("top.py", 0, "timm", "installed/timm/__init__.py"),
        ("top.py", 0, "timm.layers.norm", "installed/timm/layers/norm.py"),
        ("top.py", 0, "six", None),  # not asked for
        ("top.py", 0, "broken", "broken.py"),
        ("top.py", 0, "torch", None),
        ("top.py", 0, "", None),
        ("top.py", 0, "top.x", None),
    ],
)
def test_imports(project: Project, importer: str, level: int, dotted: str, found: str | None) -> None:
    resolved = project.resolve(module(project, importer), dotted, level)
    assert (None if resolved is None else resolved.file) == (None if found is None else project.root / found)
    assert resolved is project.resolve(module(project, importer), dotted, level)


def test_find_needs_no_importer(project: Project) -> None:
    assert project.find("pkg.sub.b") is module(project, "src/pkg/sub/b.py")
    assert project.find("model") is None
    assert project.find("nowhere.at.all") is None


def test_absent_packages_cost_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    importer = module(project, "scripts/train.py")
    project.resolve(importer, "first_fills_the_listings")
    monkeypatch.setattr(os, "listdir", lambda folder: pytest.fail(f"listed {folder} again"))
    start = time.process_time()
    for number in range(3000):
        assert project.resolve(importer, f"absent{number}.module") is None
    assert time.process_time() - start < 2


def test_paths_are_shown_as_they_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("import b")
    Path("b.py").write_text("")
    project = Project(".", ["a.py"])
    importer = project.module("a.py")
    assert isinstance(importer, Module) and importer.path == "a.py"
    assert project.module(tmp_path / "a.py") is importer
    found = project.resolve(importer, "b")
    assert found is not None and found.path == "b.py"


def test_a_buffer_stands_for_a_file(tmp_path: Path) -> None:
    project = Project(tmp_path, [])
    added = project.add(str(tmp_path / "x.py"), b"\xef\xbb\xbfclass A: pass\r\n")
    assert isinstance(added, Module) and added.encoding == "utf-8-sig"
    project.forget()
    assert project.module(tmp_path / "x.py") is added
    assert project.find("x") is None  # its folder holds no such file


def test_forgetting_keeps_what_was_used_last(project: Project) -> None:
    (project.root / "top.py").write_text("x = 1\n" * 10)
    first, last = module(project, "top.py"), module(project, "scripts/train.py")
    project.forget(keep=10)
    assert module(project, "scripts/train.py") is last
    assert module(project, "top.py") is not first


def test_an_unreadable_file_is_a_problem(project: Project) -> None:
    folder = project.module(project.root / "scripts")
    absent = project.module(project.root / "absent.py")
    assert isinstance(folder, Problem) and folder.message == "cannot be read: is a directory"
    assert isinstance(absent, Problem) and absent.message == "cannot be read: no such file or directory"
