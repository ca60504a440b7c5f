"""The pages of docs/: each stands in the navigation of the site, links lead somewhere, and the commands of every page run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]  # fmt: skip
LINK = re.compile(r"(?<!`)\[[^\]`]*(?:`[^`]*`[^\]`]*)*\]\((?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.S | re.M)
SHELL = re.compile(r"^ *```(?:sh|bash|shell)\n(?P<commands>.*?)^ *```$", re.S | re.M)
MODEL = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.body = nn.Sequential(*[nn.Linear(4, 4) for _ in range(depth)])

    def forward(self, x):
        return self.body(x)
"""
STANDS_IN = {
    "vglint": 'PYTHONPATH={root} exec {python} -m vglint "$@"',
    "pip": 'test "$1" = install || test "$1" = uninstall',
    "python": 'case "$1 $2" in "-m vglint") PYTHONPATH={root} exec {python} "$@";; "-m pytest"|"-m venv"|"-m benchmarks") exit 0;; *) exit 127;; esac',
    "true": "exit 0",
}
"""Programs of the pages: what would install, train for minutes or run the tests only has to be called as it may be."""
ALIKE = {"python3": "python", "ruff": "true", "mypy": "true", "pytest": "true", "mkdocs": "true", "pre-commit": "true", "git": "true"}  # fmt: skip


def anchors(page: Path) -> set[str]:
    """Returns the ends of addresses that lead to a page's headings, as GitHub and mkdocs make them."""
    heads = re.findall(r"^#+ (.+)$", CODE.sub(_spoken, page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def _spoken(code: re.Match[str]) -> str:
    return "" if code[0].startswith("```") else code[0].strip("`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    for found in LINK.finditer(text):
        if "://" in found["target"] or found["target"].startswith("mailto:"):
            continue
        target = page.parent / found["target"] if found["target"] else page
        assert target.exists(), found[0]
        if found["anchor"] is not None:
            assert found["anchor"] in anchors(target), found[0]


def navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else (entry,):
            yield from navigation(value) if isinstance(value, list) else (value,)


def test_every_page_stands_in_the_navigation_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = list(navigation(site["nav"]))
    assert sorted(named) == sorted(page.name for page in (ROOT / "docs").glob("*.md"))
    families = re.findall(r'^    "(VG\d)": ', (ROOT / "docs" / "site.py").read_text(encoding="utf-8"), re.M)
    assert {page.name[:3] for page in (ROOT / "docs" / "rules").glob("*.md")} <= set(families)


def test_the_site_asks_no_other_host_for_anything() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert site["theme"]["font"] is False
    assert (
        "repo_url" not in site and "extra_javascript" not in site
    )  # the theme asks the repository's host for its stars
    assert all("://" not in sheet for sheet in site["extra_css"])
    assert "url(" not in (ROOT / "docs" / "site.css").read_text(encoding="utf-8")


def commands() -> Iterator[Any]:
    for page in PAGES:
        for number, found in enumerate(SHELL.finditer(page.read_text(encoding="utf-8")), 1):
            yield pytest.param(found["commands"], id=f"{page.relative_to(ROOT).as_posix()}-{number}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files that the pages name, and programs that stand in for those of a machine."""
    # src/ has no model: the probe would run each for seconds
    for name, text in (("model.py", MODEL), ("path/to/your/project/net.py", MODEL), ("src/net.py", "import torch\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    for example in sorted((ROOT / "docs").glob("*.py")):
        shutil.copy(example, tmp_path / "docs")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text("", encoding="utf-8")
    for name, body in [*STANDS_IN.items(), *((name, STANDS_IN[like]) for name, like in ALIKE.items())]:
        text = body.replace("{root}", f"'{ROOT}'").replace("{python}", f"'{sys.executable}'")
        # exit status 1 says that something was found
        last = '\nstatus=$?; test "$status" = 1 && exit 0; exit "$status"' if name == "vglint" else ""
        (programs / name).write_text(f"#!/bin/bash\n{text.replace('exec ', '') if last else text}{last}\n", encoding="utf-8")  # fmt: skip
        (programs / name).chmod(0o755)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize("shown", list(commands()))
def test_the_commands_of_the_pages_run(shown: str, project: Path) -> None:
    if "--probe" in shown or "--prove-fix" in shown or "vglint probe" in shown:
        pytest.importorskip("torch")
    programs = project / ".venv" / "bin"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", shown],
        cwd=project,
        env={
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(project),
            "VGLINT_CACHE_KEY": "of the tests",
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{shown}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr and "rror: " not in done.stderr, done.stderr
