"""The extension for VS Code agrees with the package, with its own source, and with its lock file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml

from vglint import HOME


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "editors" / "vscode"


@pytest.fixture
def manifest(folder: Path) -> Any:
    return json.loads((folder / "package.json").read_text(encoding="utf-8"))


@pytest.fixture
def source(folder: Path) -> str:
    return (folder / "src" / "extension.ts").read_text(encoding="utf-8")


def test_it_has_the_version_licence_and_home_of_the_package(root: Path, folder: Path, manifest: Any) -> None:
    package = tomli.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == package["tool"]["hatch"]["version"]["fallback-version"]  # both take a tag's
    assert manifest["license"] == package["project"]["license"] and manifest["homepage"] == HOME
    assert (folder / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()


def test_its_commands_and_settings_exist(folder: Path, manifest: Any, source: str) -> None:
    contributes = manifest["contributes"]
    registered = set(re.findall(r'registerCommand\("([^"]+)"', source))
    assert {command["command"] for command in contributes["commands"]} == registered
    settings = set(contributes["configuration"]["properties"]) - {"vglint.trace.server"}  # the client's own
    assert {f"vglint.{name}" for name in re.findall(r'settings\.get(?:<[^>]+>)?\("(\w+)"', source)} == settings
    assert set(manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]) == settings - {"vglint.enable"}  # fmt: skip
    documented = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in documented for name in settings)
    for name in settings - {"vglint.enable"}:
        assert contributes["configuration"]["properties"][name]["scope"] == "machine-overridable"


def test_what_is_started_and_packed_exists(folder: Path, manifest: Any, source: str) -> None:
    assert f"--outfile={manifest['main'].removeprefix('./')} " in manifest["scripts"]["bundle"]
    assert '"-m", "vglint"' in source and '"server"' in source and "cwd: home" in source
    packed = re.findall(r"^!(.+)$", (folder / ".vscodeignore").read_text(encoding="utf-8"), re.M)
    assert set(packed) == {"out/extension.js", "package.json", "README.md", "LICENSE"}
    assert all((folder / name).is_file() for name in packed if not name.startswith("out/"))


def test_the_lock_file_is_that_of_the_manifest_and_names_no_registry(folder: Path, manifest: Any) -> None:
    text = (folder / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(text)
    top = lock["packages"][""]
    for key in ("version", "dependencies", "devDependencies", "engines"):
        assert top[key] == manifest[key], key
    assert '"resolved"' not in text
    assert all("integrity" in package for path, package in lock["packages"].items() if path)


def test_the_workflow_builds_it(root: Path, manifest: Any) -> None:
    workflow = yaml.safe_load((root / ".github/workflows/editor.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    commands = "\n".join(step["run"] for step in job["steps"] if "run" in step)
    assert "npm ci" in commands and "vsce package" in commands and workflow["permissions"] == {"contents": "read"}
    assert job["defaults"]["run"]["working-directory"] == "editors/vscode"
