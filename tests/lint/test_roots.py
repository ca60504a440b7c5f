"""Which folder imports start from, and what is said of those that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from vglint.config import Configuration
from vglint.finding import Report
from vglint.lint import lint

MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4)

    def forward(self, x):
        return self.layer(x).softmax(-1)
"""

TRAIN = """\
import torch
from torch import nn
from {name} import Net

net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for x, y in data:
    optimizer.zero_grad()
    nn.CrossEntropyLoss()(net(x), y).backward()
    optimizer.step()
"""


def project(folder: Path, package: str, script: str, name: str, marker: str) -> Path:
    """Returns a project with a package, and a script beside it that imports `name`."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text("")
    (folder / package / "model.py").write_text(MODEL)
    (folder / script).parent.mkdir(parents=True, exist_ok=True)
    (folder / script).write_text(TRAIN.format(name=name))
    (folder / marker).touch()
    return folder / script


def linted(*paths: Path) -> Report:
    return lint([str(path) for path in paths], Configuration(overrides={"cache": False}).of)


@pytest.mark.parametrize(
    ("package", "marker"),
    [
        ("seg", "pyproject.toml"),
        ("src/seg", "setup.cfg"),
        ("tools/src/seg", ".git"),
        ("seg", "vglint.toml"),
        ("src/seg", "pyproject.toml"),
        ("tools/src/seg", "vglint.toml"),
    ],
)
def test_findings_do_not_depend_on_the_working_directory(
    package: str, marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "above" / "project"
    inner = top / Path(package.rpartition("src/")[0])
    script = project(top, package, str(inner.relative_to(top) / "scripts" / "train.py"), "seg.model", marker)
    found = []
    for here in (script.parent, top, tmp_path, Path("/")):
        monkeypatch.chdir(here)
        report = linted(script)
        found.append([(finding.rule, finding.span.line, finding.fingerprint) for finding in report.findings])
        assert not report.missing
    assert found[0] and found == [found[0]] * 4


def test_an_import_that_the_project_has_elsewhere_is_said(tmp_path: Path) -> None:
    script = project(tmp_path, "lib/seg", "scripts/train.py", "seg.model", ".git")
    (missing,) = linted(script).missing
    assert (missing.path, missing.line) == (str(script), 3)
    assert missing.message == "imports seg.model, which was not found from here"
    assert not linted(tmp_path).missing, "the package is among the paths"


@pytest.mark.parametrize("name", ["timm.models", "os.path", "torch.nn.parallel"])
def test_other_packages_are_not_missed(name: str, tmp_path: Path) -> None:
    assert not linted(project(tmp_path, "lib/seg", "scripts/train.py", name, ".git")).missing


def test_a_module_inside_a_package_is_not_what_an_import_of_its_last_name_means(tmp_path: Path) -> None:
    script = project(tmp_path, "lib/seg", "scripts/train.py", "numpy", ".git")
    (tmp_path / "lib" / "seg" / "numpy.py").write_text("")
    assert (tmp_path / "lib" / "seg" / "__init__.py").exists()
    assert not linted(script).missing


def test_a_relative_import_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    script = project(tmp_path, "lib/seg", "scripts/train.py", ".nets", ".git")
    assert [one.message for one in linted(script).missing] == ["imports .nets, which was not found from here"]
