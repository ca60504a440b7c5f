"""`--fix` on disk: notebooks, links, files that change meanwhile, suppressions that it writes."""

from __future__ import annotations

import difflib
import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import cli
from vglint.config import Settings
from vglint.lint import fixing, work

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "fixtures" / "models").glob("*.ipynb"))

LOOP = """\
import torch
from torch import nn

net = nn.Linear(4, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in [(torch.randn(5, 4), torch.randint(0, 3, (5,)))] * 3:
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vglint.toml").write_text("")
    return tmp_path


def vglint(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--no-cache"], catch_exceptions=False)


def codes(content: bytes) -> list[str]:
    cells = json.loads(content)["cells"]
    return ["".join(cell["source"]) for cell in cells]


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_of_a_notebook_only_the_sources_of_changed_cells_change(folder: Path, path: Path, indent: int | None) -> None:
    document = json.loads(path.read_bytes())
    before = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    (folder / "a.ipynb").write_bytes(before)
    vglint("a.ipynb", "--fix", "--unsafe-fixes")
    after = (folder / "a.ipynb").read_bytes()
    changed = [new for old, new in zip(codes(before), codes(after), strict=True) if old != new]
    for cell, new in zip(document["cells"], codes(after), strict=True):
        if "".join(cell["source"]) != new:
            cell["source"] = new.splitlines(keepends=True)
    assert after == json.dumps(document, indent=indent, ensure_ascii=False).encode()
    for new in changed:
        compile("\n".join(line for line in new.split("\n") if not line.lstrip().startswith(("%", "!"))), "cell", "exec")
    if indent == 1:
        vglint("a.ipynb", "--fix", "--unsafe-fixes")
        assert (folder / "a.ipynb").read_bytes() == after, "twice is once"


def test_a_notebook_is_fixed_at_all() -> None:
    assert NOTEBOOKS


def test_a_magic_is_left_as_it_is(folder: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "source": ["%matplotlib inline\n", "import torch\n", "from torch import nn"],
            "metadata": {},
        },
        {"cell_type": "markdown", "source": "é"},
        {"cell_type": "code", "source": LOOP.partition("nn\n")[2] + "%timeit net", "outputs": [], "metadata": {}},
    ]
    (folder / "a.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}, indent=1), encoding="utf-8")
    before = (folder / "a.ipynb").read_text()
    vglint("a.ipynb", "--fix", "--unsafe-fixes")
    after = (folder / "a.ipynb").read_text()
    lines = [line for line in difflib.ndiff(before.split("\n"), after.split("\n")) if line[:2] in ("+ ", "- ")]
    assert len(lines) == 2 and "optimizer.zero_grad()\\n" in lines[1] and "%timeit net" in lines[1]


def test_a_file_that_changes_meanwhile_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.py").write_text(LOOP)
    made = fixing.applied

    def late(path: str, content: bytes, changes: object) -> bytes | None:
        (folder / "a.py").write_text(LOOP + "# saved by an editor\n")
        return made(path, content, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(fixing, "applied", late)
    result = CliRunner().invoke(cli, ["a.py", "--fix", "--unsafe-fixes", "--no-cache"])
    assert "it has changed since it was read" in result.output
    assert (folder / "a.py").read_text() == LOOP + "# saved by an editor\n"


def test_links_and_modes(folder: Path) -> None:
    (folder / "a.py").write_text(LOOP)
    (folder / "a.py").chmod(0o750)
    (folder / "b.py").symlink_to("a.py")
    os.link(folder / "a.py", folder / "c.txt")
    refused = vglint("b.py", "--fix", "--unsafe-fixes")
    assert refused.exit_code == 1 and "2 hard links" in refused.output
    assert (folder / "a.py").read_text() == LOOP
    (folder / "c.txt").unlink()
    assert vglint("b.py", "--fix", "--unsafe-fixes").exit_code == 0
    assert (folder / "b.py").is_symlink() and "zero_grad" in (folder / "a.py").read_text()
    assert stat.S_IMODE((folder / "a.py").stat().st_mode) == 0o750


def test_two_fixes_at_once(folder: Path) -> None:
    twice = LOOP + LOOP.partition("nn\n")[2].replace("net", "other").replace("optimizer", "second")
    (folder / "a.py").write_text(twice)
    assert vglint("a.py", "--fix", "--unsafe-fixes").exit_code == 0
    text = (folder / "a.py").read_text()
    assert "    optimizer.zero_grad()\n" in text and "    second.zero_grad()\n" in text


def test_fix_only_reports_nothing(folder: Path) -> None:
    (folder / "a.py").write_text(LOOP + "p = net(x).softmax(1)\nnn.functional.cross_entropy(p + p, y).item()\n")
    result = vglint("a.py", "--fix-only", "--unsafe-fixes")
    assert result.exit_code == 0 and result.stdout == "" and "fixed 1 finding in 1 file" in result.stderr
    assert vglint("a.py", "--fix-only", "--diff").exit_code == 2


@pytest.mark.parametrize("option", [("--unfixable", "VG9"), ("--fixable", "VG1"), ("--unfixable", "missing-zero-grad")])
def test_rules_whose_fixes_are_not_wanted(folder: Path, option: tuple[str, str]) -> None:
    (folder / "a.py").write_text(LOOP)
    assert "fix:" in vglint("a.py").stdout
    result = vglint("a.py", "--fix", "--unsafe-fixes", *option)
    assert "fix:" not in result.stdout and "fixed 0 findings" in result.stderr
    (folder / "vglint.toml").write_text(f"{option[0].lstrip('-')} = ['{option[1]}']")
    assert "fix:" not in vglint("a.py").stdout
    (folder / "vglint.toml").write_text("unfixable = ['VG9O3']")
    assert "unfixable: no rule, name or family 'VG9O3'" in vglint("a.py").output


def test_ignores_are_written(folder: Path) -> None:
    (folder / "a.py").write_bytes(
        LOOP.replace("    optimizer.step()", "    optimizer.step()  # é").replace("\n", "\r\n").encode()
    )
    assert (
        "+    optimizer.step()  # é  # vglint: ignore[VG903] as the paper does"
        in vglint("a.py", "--add-ignore", "as the paper does", "--diff").stdout
    )
    result = vglint("a.py", "--add-ignore", "as the paper does")
    assert result.exit_code == 0 and "answered 1 finding in 1 file" in result.stderr
    text = (folder / "a.py").read_bytes().decode()
    assert "    optimizer.step()  # é  # vglint: ignore[VG903] as the paper does\r\n" in text
    assert vglint("a.py", "--add-ignore", "again").stderr.startswith("answered 0 findings")
    assert vglint("a.py", "--add-ignore", "a # b").exit_code == 2


def test_an_ignore_that_is_there_gets_the_rule(folder: Path) -> None:
    (folder / "a.py").write_text(LOOP.replace("optimizer.step()", "optimizer.step()  # vglint: ignore[VG904] so it is"))
    vglint("a.py", "--add-ignore", "why")
    assert "# vglint: ignore[VG904, VG903] so it is" in (folder / "a.py").read_text()


def test_ignores_in_a_notebook(folder: Path) -> None:
    lines = LOOP.splitlines(keepends=True)
    cells = [{"cell_type": "code", "source": part} for part in (lines[:4], lines[4:])]
    (folder / "a.ipynb").write_text(json.dumps({"cells": cells, "nbformat": 4}))
    assert vglint("a.ipynb", "--add-ignore", "so it is").exit_code == 0
    assert "optimizer.step()  # vglint: ignore[VG903] so it is\n" in codes((folder / "a.ipynb").read_bytes())[1]


FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FIXABLE = sorted((FIXTURES / "fixes").glob("*.py"))


@pytest.mark.parametrize("path", FIXABLE, ids=lambda path: path.stem)
def test_each_fix_of_a_report_is_one_that_fix_makes(path: Path) -> None:
    content = path.read_bytes()
    work.begin(work.Task(Settings(root=str(path.parent), cache=False), (str(path),), False))
    found = work.lint_buffer(str(path), content, True).findings
    offered = [finding for finding in found if finding.fix is not None]
    for finding in offered:
        (made,) = fixing.of_file(str(path), content, [finding], lambda one, _: one.fix)
        assert isinstance(made, fixing.Fixed), (finding.rule, made)
        assert made.after != content and made.findings == (finding,)
