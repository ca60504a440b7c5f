"""What `import vglint` offers: the same findings and graphs as the command line, typed, and nothing slow on import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import vglint
from vglint.cli import cli
from vglint.config import ConfigError
from vglint.finding import Finding
from vglint.rulebook import RuleError

TWICE = """import torch
from torch import nn
model = nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=1))
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
"""


def printed(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "vglint", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture
def at_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("paths", ["docs/example.py", Path("docs/example.py"), ["docs/example.py"]], ids=repr)
def test_lint_finds_what_the_command_line_finds(paths: str | Path | list[str], at_root: Path) -> None:
    report = vglint.lint(paths)
    told = json.loads(printed("--output-format", "json", "docs/example.py", cwd=at_root))
    assert [found.fingerprint for found in report.findings] == [each["fingerprint"] for each in told["findings"]]
    assert [found.rule for found in report.findings] == ["VG101"] and report.files == 1


def test_words_choose_rules(at_root: Path) -> None:
    assert "VG101" not in [found.rule for found in vglint.lint("docs/example.py", ignore=["VG101"]).findings]
    assert [found.rule for found in vglint.lint("docs/example.py", select=["VG101"]).findings] == ["VG101"]
    assert vglint.lint("docs/example.py", select="VG102, VG103").findings == ()
    with pytest.raises(RuleError, match="VG999"):
        vglint.lint("docs/example.py", select=["VG999"])


def test_a_path_that_cannot_be_read_is_a_problem_and_a_wrong_configuration_an_error(tmp_path: Path) -> None:
    report = vglint.lint(tmp_path / "none.py")
    assert report.findings == () and [problem.kind for problem in report.problems] == ["unread"]
    (tmp_path / "vglint.toml").write_text("selekt = []\n")
    with pytest.raises(ConfigError, match="selekt"):
        vglint.lint(tmp_path, config=tmp_path / "vglint.toml")
    with pytest.raises(ValueError, match="give one of them"):
        vglint.lint(tmp_path, config=tmp_path / "vglint.toml", isolated=True)


def test_lint_text_reads_a_text_as_the_file_would_be(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    found = vglint.lint_text(TWICE, path)
    assert not path.exists() and [each.rule for each in found] == ["VG701"]
    path.write_text(TWICE)
    assert found == vglint.lint(path).findings
    assert vglint.lint_text(TWICE.replace(", nn.Softmax(dim=1)", ""), path) == ()


@pytest.mark.parametrize("text", ["import torch\ndef (:\n", "import torch\nx = '\ud800\n"])
def test_a_text_that_is_no_python_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"^text\.py"):
        vglint.lint_text(text)


def test_a_graph_is_what_the_command_line_draws(at_root: Path) -> None:
    graph = vglint.graph("docs/example.py:Classifier")
    for form in ("json", "dot", "mermaid", "svg", "html"):
        assert (
            graph.render(form).strip()
            == CliRunner().invoke(cli, ["graph", "--format", form, "docs/example.py:Classifier"]).stdout.strip()
        )
    assert "Linear" in repr(graph) and repr(graph) == str(graph)
    with pytest.raises(ValueError, match="one of text"):
        graph.render("png")


def test_a_notebook_shows_a_picture_that_leaves_the_page_as_it_is(at_root: Path) -> None:
    graph = vglint.graph("docs/example.py:Classifier")
    picture = ElementTree.fromstring(graph._repr_svg_())
    assert picture.tag.endswith("svg")
    assert ElementTree.fromstring(graph._repr_html_()).tag == "div"
    (style,) = [each.text or "" for each in picture.iter() if each.tag.endswith("style")]
    selectors = [
        part.split("{")[0].strip() for part in style.replace("@media (prefers-color-scheme: dark) {", "").split("}")
    ]
    assert all(not each or each.startswith(".vg ") for each in selectors)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("none.py:Net", "not a file"),
        ("docs/example.py:Nothing", "Nothing"),
        ("fixtures/projects/segmentation/src/segnet/model.py", "has [0-9]+ entries: name one"),
        ("tests/conftest.py", "holds no model"),
    ],
)
def test_a_target_without_one_graph_is_a_value_error(target: str, reason: str, at_root: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        vglint.graph(target)


def test_functions_and_modules_share_their_names(root: Path) -> None:
    import vglint.graph
    from vglint.graph import Graph
    from vglint.lint import Buffer

    assert Graph.__module__ == "vglint.graph" and Buffer("a.py", b"").content == b""
    assert isinstance(vglint.lint_text(TWICE)[0], Finding) and vglint.lint_text is vglint.lint_text
    with pytest.raises(AttributeError, match="nothing"):
        vglint.nothing  # noqa: B018


def test_import_vglint_imports_nothing_else(root: Path) -> None:
    code = "import sys, vglint; print([name for name in sys.modules if name.startswith('vglint.')]); print(vglint.lint('docs/example.py').files)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n1\n", done.stderr


def test_the_examples_of_the_document_run(at_root: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (at_root / "docs/python.md").read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), {})


def test_the_version_is_that_of_the_installation(tmp_path: Path) -> None:
    (tmp_path / "vglint-7.8.9.dev1+gabc.dist-info").mkdir()
    places = os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, "-m", "vglint", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "vglint 7.8.9.dev1+gabc\n"
    with suppress(metadata.PackageNotFoundError):
        assert vglint.__version__ == metadata.version("vglint")
