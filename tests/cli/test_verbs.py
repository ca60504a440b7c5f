"""The verbs other than lint."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vglint.cli import VERBS, cli

DEEP = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(12)])

    def forward(self, x):
        for layer in self.layers:
            x = torch.sigmoid(layer(x))
        return x
"""
MODEL = "fixtures/models/deep_sigmoid_mlp.py"


@pytest.fixture(autouse=True)
def here(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


def vglint(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_explains_itself(verb: str) -> None:
    result = vglint(verb, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_graph_for_people() -> None:
    result = vglint("graph", f"{MODEL}:DeepNet")
    assert result.exit_code == 0
    assert "act: Sigmoid" in result.stdout and "everything was followed" in result.stdout
    assert "gradient: the one at fc1 (%1) is predicted to be about 1/3,000,000 of" in result.stdout


def test_graph_as_json() -> None:
    document = json.loads(vglint("graph", f"{MODEL}:DeepNet", "--format", "json").stdout)
    assert document["version"] == 1
    assert [node["path"] for node in document["nodes"] if node["op"] == "linear"][:2] == ["fc1", "fc2"]
    assert document["gradient"]["log10_ratio"] < -3
    assert document["gradient"]["first"] == "fc1"


@pytest.mark.parametrize(
    ("form", "start"),
    [("dot", "digraph {"), ("mermaid", "flowchart TB"), ("svg", "<?xml"), ("html", "<!doctype html>")],
)
def test_graph_as_picture(form: str, start: str) -> None:
    assert vglint("graph", f"{MODEL}:DeepNet", "--format", form).stdout.startswith(start)


def test_graph_of_an_expression_with_colons() -> None:
    result = vglint("graph", f"{MODEL}:(lambda: DeepNet(3))()")
    assert result.exit_code == 0, result.output
    assert "Linear(3→128)" in result.stdout


def test_graph_of_a_whole_file() -> None:
    result = vglint("graph", MODEL)
    assert result.stdout.count("\nline ") > 1
    graphs = json.loads(vglint("graph", MODEL, "--format", "json").stdout)["graphs"]
    assert [graph["version"] for graph in graphs] == [1] * result.stdout.count("\nline ")
    assert vglint("graph", MODEL, "--format", "html").stdout.count("<svg") == len(graphs)
    assert vglint("graph", MODEL, "--format", "svg").exit_code == 2


def test_graph_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for model in ("resnet_cifar", "vit", "unet", "lightning_rnn_softmax"):
        lines = vglint("graph", f"fixtures/models/{model}.py").stdout.splitlines()
        assert len(lines) > 10 and max(map(len, lines)) <= 80


def test_bars_have_colours_where_they_are_wanted() -> None:
    colored = vglint("graph", f"{MODEL}:DeepNet", "--color", "always").stdout
    assert "\x1b[31m" in colored and "\x1b[32m" in colored and "\u241b" not in colored
    assert "\x1b" not in vglint("graph", f"{MODEL}:DeepNet").stdout


def test_graph_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "net.svg"
    assert vglint("graph", f"{MODEL}:DeepNet", "--format", "svg", "-o", str(file)).stdout == ""
    assert file.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    "target", ["missing.py:A", f"{MODEL}:Nothing", f"{MODEL}:1 +", "nonsense", f"{MODEL}:3", "fixtures:A"]
)
def test_a_target_that_is_none_exits_with_2(target: str) -> None:
    result = vglint("graph", target)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_rules_lists_every_rule(root: Path) -> None:
    lines = vglint("rules").stdout.splitlines()
    assert len(lines) == len(list((root / "rules").glob("*.toml")))


def test_the_schema_of_rules_is_json() -> None:
    document = json.loads(vglint("rules", "--schema").stdout)
    assert document["title"] == "vglint rule"


def test_explain_by_id_and_by_name() -> None:
    text = vglint("explain", "VG101")
    assert text.exit_code == 0
    assert text.stdout == vglint("explain", "saturating-stack").stdout
    assert text.stdout.startswith("VG101 saturating-stack\n====")
    assert vglint("explain", "VG101", "--format", "markdown").stdout.startswith("# VG101 saturating-stack")
    wrong = vglint("explain", "saturating-stak")
    assert wrong.exit_code == 2
    assert "saturating-stack" in wrong.output


@pytest.mark.parametrize("place", [":Deep", ":12", ""])
def test_explain_compares_what_can_be_done_at_a_place(tmp_path: Path, place: str) -> None:
    (tmp_path / "deep.py").write_text(DEEP, encoding="utf-8")
    text = vglint("explain", "VG101", f"{tmp_path / 'deep.py'}{place}").stdout
    lines = [line for line in text.split("\n") if line.startswith("  ")]
    assert len(lines) > 2 and sum(line.endswith("(advised)") for line in lines) == 1
    assert all("is predicted to be" in line for line in lines)
    silent = vglint("explain", "VG101", f"{tmp_path / 'deep.py'}:3").stdout
    assert silent.startswith("VG101 finds nothing at") and "explain-match" in silent


def test_explain_match_shows_facts_with_values() -> None:
    result = vglint("explain-match", "VG101", f"{MODEL}:DeepNet")
    assert result.exit_code == 0
    assert "true" in result.stdout and "log10_gradient_ratio" in result.stdout


def test_facts() -> None:
    assert "log10_gradient_ratio" in vglint("facts").stdout


def test_the_examples_of_a_rule_can_fail(root: Path, tmp_path: Path) -> None:
    (source,) = (root / "rules").glob("VG801-*.toml")
    text = source.read_text(encoding="utf-8")
    (tmp_path / source.name).write_text(text, encoding="utf-8")
    assert vglint("test", str(tmp_path)).exit_code == 0
    (tmp_path / source.name).write_text(text.replace("  # expect: VG801", "", 1), encoding="utf-8")
    result = vglint("test", str(tmp_path))
    assert result.exit_code == 1
    assert "was not expected" in result.stdout


def test_marked_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import torch\nx = 1  # expect: VG101\n")
    result = vglint("test", str(tmp_path))
    assert result.exit_code == 1
    assert "line 2: VG101 was expected" in result.stdout


def test_an_example_that_is_no_python_fails(root: Path, tmp_path: Path) -> None:
    (source,) = (root / "rules").glob("VG801-*.toml")
    text = source.read_text(encoding="utf-8").replace("(nn.Module):", "((nn.Module):")
    (tmp_path / source.name).write_text(text, encoding="utf-8")
    result = vglint("test", str(tmp_path))
    assert result.exit_code == 1
    assert "the code is not valid Python" in result.stdout


def test_a_rule_of_ones_own_may_yield_to_a_bundled_one(root: Path, tmp_path: Path) -> None:
    (source,) = (root / "rules").glob("VG801-*.toml")
    text = source.read_text(encoding="utf-8").replace("VG801", "OWN001").replace("unregistered-layers", "own-rule")
    text = text.replace("references = ", 'yields_to = ["VG801"]\nreferences = ', 1)
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    assert vglint("test", str(tmp_path)).exit_code == 0


def test_explain_match_knows_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep.py").write_text(DEEP)
    (tmp_path / "vglint.toml").write_text('ignore = ["VG101"]\n[rules.VG101]\ninfo_decades = 400\nslow_decades = 400\n')
    result = vglint("explain-match", "VG101", "deep.py:Deep")
    assert re.search(r"slow_decades \(param\) += 400", result.stdout)
    assert result.stdout.startswith("deep.py:Deep deep.py:12:17: false")


def test_explain_match_tells_what_is_alike_once(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(DEEP)
    result = vglint("explain-match", "VG110", f"{tmp_path / 'deep.py'}:Deep")
    assert "(12 times)" in result.stdout
    assert result.stdout.count("any(linear_before)") == 1


def test_graph_of_a_notebook_counts_in_cells(root: Path) -> None:
    result = vglint("graph", str(root / "fixtures/models/text_softmax.ipynb") + ":BagModel")
    lines = result.stdout.splitlines()
    assert ".ipynb:cell 2:" in "".join(lines[:2])
    assert all(line.split()[0].startswith("2:") for line in lines if " %" in line and "gradient" not in line)
