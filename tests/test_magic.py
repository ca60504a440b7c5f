"""`%%vglint` in notebooks that nbconvert executes with a real kernel: reports, graphs, and cells that run once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.error import UsageError
from nbconvert import HTMLExporter
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor

from vglint.magic import report_on

MODEL = "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=1))"
TRAIN = """loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in [(torch.rand(2, 8), torch.tensor([0, 1]))]:
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
runs = globals().get('runs', 0) + 1
f'ran {runs} time'"""
LOG = """class Odds(nn.Module):
    def forward(self, x):
        return torch.log(torch.softmax(x, dim=1))
"""


@pytest.fixture
def executed(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that executes cells in a folder of their own."""
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "net.py").write_bytes((root / "docs" / "example.py").read_bytes())

    def execute(*sources: str) -> Any:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        try:
            ExecutePreprocessor(timeout=300, kernel_name="python3").preprocess(
                book, {"metadata": {"path": str(tmp_path)}}
            )
        except CellExecutionError:
            book.metadata["failed"] = True
        return book

    return execute


def htmls(cell: Any) -> list[str]:
    return [output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {})]


def selectors(html: str) -> list[str]:
    """Returns the selectors of the styles in a text, those inside @media too."""
    styles = re.sub(r"@media [^{]*\{", "", " ".join(re.findall(r"<style>(.*?)</style>", html, re.S)))
    return [one.strip() for part in re.findall(r"([^{}]+)\{", styles) for one in part.split(",")]


def test_a_notebook_shows_a_graph_and_reports_and_leaves_the_page_as_it_is(executed: Any) -> None:
    book = executed(
        "%load_ext vglint\nimport vglint",
        'vglint.graph("net.py:Classifier")',
        f"%%vglint\n{MODEL}",
        f"%%vglint\n{TRAIN}",
        "%%vglint --no-run --select VG003\nraise SystemExit(0)",
    )
    assert "failed" not in book.metadata
    _, graph, model, train, unrun = book.cells
    (picture,), (quiet,), (report,) = htmls(graph), htmls(model), htmls(train)
    assert "<svg" in picture and "Classifier" in picture
    assert "vglint finds nothing" in quiet
    assert "VG701" in report and "cell 4, line 5:" in report and "<mark>loss(model(x), y)</mark>" in report
    assert train.outputs[-1].data["text/plain"] == "'ran 1 time'"
    assert "error[VG701]" in train.outputs[0].data["text/plain"] and len(unrun.outputs) == 1
    for html in (picture, report):
        assert selectors(html) and all(each.startswith((".vglint", ".vg ")) for each in selectors(html))
        assert "<script" not in html and "style=" not in html.replace('style="overflow-x: auto"', "")
    page, _ = HTMLExporter().from_notebook_node(book)
    assert report in page and page.count('<div class="vglint">') == 3


def test_a_cell_that_fails_shows_its_error_once_and_stops_the_notebook(executed: Any) -> None:
    book = executed("%load_ext vglint", "%%vglint\nx = 1\nx / 0", "'not reached'")
    assert book.metadata["failed"]
    _, failing, after = book.cells
    tracebacks = [output for output in failing.outputs if output.output_type == "error" and output.traceback]
    assert [error.ename for error in tracebacks] == ["ZeroDivisionError"] and not after.outputs


def found(*cells: str, **overrides: object) -> list[tuple[str, int | None]]:
    return [(finding.rule, finding.cell) for finding in report_on(cells, overrides).findings]


def test_a_report_is_on_what_the_last_cell_brings_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    head = "import torch\nfrom torch import nn\n"
    assert found(head + LOG) == [("VG003", 1)]
    assert found(head, "%matplotlib inline\n!ls\n" + LOG) == [("VG003", 2)]
    assert found(head, LOG, "x = 1") == []
    assert found(head, LOG.replace("torch.log(torch.softmax(x, dim=1))", "x"), LOG) == [("VG003", 3)]
    good = LOG.replace("torch.log(torch.softmax(x, dim=1))", "torch.log_softmax(x, dim=1)")
    assert found(head, LOG, good) == []
    assert found(head + LOG, select=("VG101",)) == [] and found(head + LOG, ignore=("VG003",)) == []
    assert found(head, "def (:", LOG) == [("VG003", 3)] and found("") == []
    (problem,) = report_on([head + LOG, "def (:"], {}).problems
    assert problem.cell == (2, 1)


def test_what_an_earlier_cell_defines_is_judged_by_what_the_last_one_does_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loss = "class Loss(nn.Module):\n    def forward(self, x, y):\n        return nn.functional.cross_entropy(x, y)\n"
    train = TRAIN.replace("nn.CrossEntropyLoss()", "Loss()")
    assert found(MODEL, loss, train) == [("VG701", 2)]
    assert found(MODEL, loss, train, "y = 2") == []


@pytest.mark.parametrize("select", ["VG9999", "nothing"])
def test_a_mistake_is_told_without_a_traceback(select: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=select):
        report_on(["x = 1"], {"select": (select,)})
    (tmp_path / "vglint.toml").write_text("selekt = 1\n")
    with pytest.raises(UsageError, match="selekt"):
        report_on(["x = 1"], {})
