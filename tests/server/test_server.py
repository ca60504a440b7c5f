"""`vglint server` with a real client: what an editor is shown of texts that are typed, and what it can do about it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from lsprotocol import types

from tests.server.editor import Editor, played, position, started, uri_of, with_editor

LOG = """import torch
from torch import nn


class Odds(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.middle = nn.Linear(64, 64)
        self.second = nn.Linear(64, 4)

    def forward(self, x):
        x = self.middle(self.first(x).relu()).relu()
        return torch.log(torch.softmax(self.second(x), dim=1))
"""
GOOD = LOG.replace("torch.log(torch.softmax(self.second(x), dim=1))", "self.second(x)")
TWICE = """import torch
from torch import nn
from model import make

model = make()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
"""
MODEL = """from torch import nn


def make():
    return nn.Sequential(nn.Linear(8, 8), nn.Softmax(dim=1))
"""


Play: TypeAlias = "Callable[[Callable[[Editor], Awaitable[None]]], None]"


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays a scenario with the editor of all these tests, each of which has files of its own."""
    folder = tmp_path_factory.mktemp("workspace")
    loop = asyncio.new_event_loop()
    try:
        editor = loop.run_until_complete(started(folder))
        yield lambda scenario: loop.run_until_complete(played(scenario, editor))
        loop.run_until_complete(editor.end())
    finally:
        loop.close()


@pytest.fixture
def deep(root: Path) -> str:
    return (root / "docs" / "example.py").read_text(encoding="utf-8")


def test_what_is_opened_is_linted_and_nothing_of_it_is_run(deep: str, tmp_path: Path, play: Play) -> None:
    trace = tmp_path / "was run"
    (tmp_path / "vglint.toml").write_text("[probe]\nenabled = true\n")

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "deep.py", f"{deep}\nopen({str(trace)!r}, 'w')\n")
        (found,) = await editor.codes(uri, "VG101")
        assert found.severity == types.DiagnosticSeverity.Error and found.source == "vglint"
        assert (found.range.start.line, found.range.start.character) == (9, 46)
        assert found.code_description is not None and found.code_description.href.endswith("/docs/rules/VG101.md")
        headline, *notes = found.message.split("\n")
        assert headline.startswith("the gradient at body.0 is about 1/")
        assert [note.partition(":")[0] for note in notes] == ["why", "help", "effect"]
        assert found.related_information is not None and editor.told[uri].version == 1
        assert {place.location.range.start.line for place in found.related_information} == {9, 11}

    play(scenario)
    assert not trace.exists() and not (tmp_path / "deep.py").exists()


def test_findings_follow_what_is_typed(deep: str, tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "deep.py", deep)
        await editor.codes(uri, "VG101")
        editor.replace(uri, "depth=8", "depth=1")
        await editor.codes(uri)
        assert editor.told[uri].version == editor.versions[uri]
        editor.replace(uri, "depth=1", "depth=12")
        await editor.codes(uri, "VG101")
        editor.close(uri)
        await editor.codes(uri)

    play(scenario)


def test_severities(tmp_path: Path, play: Play) -> None:
    (tmp_path / "vglint.toml").write_text('pedantic = true\n[rules.VG003]\nseverity = "info"\n')

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", LOG)
        (found,) = await editor.codes(uri, "VG003")
        assert found.severity == types.DiagnosticSeverity.Information

    play(scenario)


def test_hover_and_lens(deep: str, tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", GOOD)
        shown = await editor.hover(uri, "nn.Linear(64, 4)")
        assert shown.startswith("`Linear(64→4)` in `Odds`") and "| `second` |" in shown
        assert "relative to `middle`" in shown
        assert await editor.hover(uri, "self.second(x)") == shown
        assert await editor.hover(uri, "import torch") == ""
        editor.replace(uri, "nn.Linear(64, 4)", "nn.Linear(64, 3)")
        assert (await editor.hover(uri, "nn.Linear(64, 3)")).startswith("`Linear(64→3)`")  # of the newest text
        other = editor.open(tmp_path / "deep.py", deep)
        ((line, title),) = await editor.lenses(other)
        assert deep.split("\n")[line - 1].startswith("class Classifier")
        assert title.startswith("gradient at body.0 is about 1/") and "the one at body.16" in title
        editor.replace(other, "nn.Linear(width, width), nn.Sigmoid()]", "nn.Linear(width, width), from_elsewhere()]")
        ((_, title),) = await editor.lenses(other)
        assert "is not predicted: " in title and "line" in title

    play(scenario)


def test_a_safe_fix_is_preferred_and_its_finding_goes(tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", LOG)
        (found,) = await editor.codes(uri, "VG003")
        fix, ignore = await editor.actions(uri, found.range)
        assert fix.is_preferred and fix.kind == types.CodeActionKind.QuickFix and list(fix.diagnostics or ()) == [found]
        assert ignore.title == "Ignore VG003 here" and not ignore.is_preferred
        (all_,) = await editor.actions(uri, types.Range(position(LOG, 0), position(LOG, 0)), ["source.fixAll.vglint"])
        assert all_.edit == fix.edit and await editor.actions(uri, found.range, ["refactor"]) == []
        assert await editor.actions(uri, types.Range(position(LOG, 0), position(LOG, 0))) == []
        editor.make(fix)
        await editor.codes(uri)
        assert "log_softmax(" in editor.texts[uri]

    play(scenario)


def test_an_unsafe_fix_says_so(deep: str, tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "deep.py", deep)
        (found,) = await editor.codes(uri, "VG101")
        fix = (await editor.actions(uri, found.range))[0]
        assert fix.is_preferred is False and fix.title.endswith("(changes what the program computes)")
        assert await editor.actions(uri, found.range, ["source.fixAll.vglint"]) == []
        editor.make(fix)
        await editor.codes(uri)
        assert "nn.ReLU()" in editor.texts[uri]

    play(scenario)


@pytest.mark.parametrize(
    ("written", "comment"),
    [
        ("torch.log(torch.softmax(self.second(x), dim=1))", "dim=1))  # vglint: ignore[VG003]\n"),
        ("torch.log(torch.softmax(self.second(x), dim=1)) + \\\n            1", "dim=1)) + \\\n            1  # vglint: ignore[VG003]\n"),
        ("torch.log(torch.softmax(self.second(x), dim=1))  # vglint: ignore[VG101]", "# vglint: ignore[VG101, VG003]\n"),
    ],
    ids=["plain", "continued", "beside another"],
)  # fmt: skip
def test_a_finding_is_ignored_where_it_stands(written: str, comment: str, tmp_path: Path, play: Play) -> None:
    text = LOG.replace("torch.log(torch.softmax(self.second(x), dim=1))", written)

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", text)
        found = await editor.until(uri, lambda found: "VG003" in [one.code for one in found])
        where = next(one.range for one in found if one.code == "VG003")
        ignore = (await editor.actions(uri, where))[-1]
        editor.make(ignore)
        await editor.until(uri, lambda found: "VG003" not in [one.code for one in found])
        assert comment in editor.texts[uri]

    play(scenario)


@pytest.mark.parametrize(("encoding", "units"), [("utf-16", 2), ("utf-8", 4), ("utf-32", 1)])
def test_columns_are_those_of_the_editor(encoding: str, units: int, tmp_path: Path) -> None:
    line = "        return torch.log(torch.softmax(self.second(x), dim=1))"
    face = line.replace("return ", "'\U0001f600'; return ")
    text = LOG.replace(line, f"        '\f'\n{face}").replace("\n", "\r\n")

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", text)
        (found,) = await editor.codes(uri, "VG003")
        start, place = found.range.start, face.index("torch.log(")
        assert (start.line, start.character) == (14, place + units - 1)
        assert found.range.end.character == start.character + len(line.lstrip()) - len("return ")
        if encoding == "utf-16":
            fix = (await editor.actions(uri, found.range))[0]
            editor.make(fix)
            await editor.codes(uri)
            assert (
                "'\U0001f600'; return nn.functional.log_softmax(" in editor.texts[uri]
                and editor.texts[uri].count("\r\n") == 15
            )

    with_editor(scenario, tmp_path, encodings=[encoding])


def test_a_text_in_another_encoding_is_read_as_it_is_shown(tmp_path: Path, play: Play) -> None:
    text = "# -*- coding: latin-1 -*-\n" + LOG.replace("return torch", "'é'; return torch")

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", text)
        (found,) = await editor.codes(uri, "VG003")
        assert found.range.start.character == text.split("\n")[14].index("torch.log(")

    play(scenario)


def test_a_broken_text_costs_its_statement_alone(tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", f"{LOG}\n\ndef broken(:\n")
        found = await editor.codes(uri, "VG003", "None")
        (problem,) = [one for one in found if one.code is None]
        assert problem.severity == types.DiagnosticSeverity.Warning and problem.range.start.line == 16
        editor.change(uri, "\0\ud83d = (\n" * 50)
        await editor.until(uri, lambda found: [one.code for one in found] == [None])
        editor.change(uri, LOG)
        await editor.codes(uri, "VG003")
        editor.change(uri, "")
        await editor.codes(uri)

    play(scenario)


def test_open_files_are_linted_with_each_other_as_they_are_on_the_screen(tmp_path: Path, play: Play) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "model.py").write_text(MODEL.replace(", nn.Softmax(dim=1)", ""))

    async def scenario(editor: Editor) -> None:
        train = editor.open(tmp_path / "train.py", TWICE)
        await editor.lenses(train)
        model = editor.open(tmp_path / "model.py", MODEL)  # not saved
        (found,) = await editor.codes(train, "VG701")
        assert found.related_information is not None
        assert [place.location.uri for place in found.related_information] == [model]
        editor.replace(model, ", nn.Softmax(dim=1)", "")
        await editor.codes(train)
        editor.replace(model, "nn.Linear(8, 8)", "nn.Linear(8, 8), nn.Softmax(dim=-1)")
        await editor.codes(train, "VG701")
        editor.close(model)  # what is on the disk counts again
        await editor.codes(train)

    play(scenario)


def test_files_that_are_not_open_tell_what_they_find_in_open_ones(tmp_path: Path, play: Play) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    late = (
        "from torch import nn\nfrom model import Net\nnet = Net()\nfor p in net.parameters():\n    nn.init.zeros_(p)\n"
    )
    (tmp_path / "train.py").write_text(TWICE.replace("import make", "import Loss, make").replace("nn.CrossEntropyLoss()", "Loss()"))  # fmt: skip
    (tmp_path / "other.py").write_text(late)
    text = f"{MODEL}\n\nclass Loss(nn.Module):\n    def forward(self, x, y):\n        return nn.functional.cross_entropy(x, y)\n"

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "model.py", text)
        (found,) = await editor.codes(uri, "VG701")  # a file that is not on the disk
        assert found.range.start.line == 9 and uri_of(tmp_path / "train.py") not in editor.told
        editor.close(uri)
        await editor.codes(uri)

    play(scenario)


def test_the_configuration_of_the_project_holds(tmp_path: Path, play: Play) -> None:
    (tmp_path / "vglint.toml").write_text('exclude = ["old/"]\n[per-file-ignores]\n"quiet.py" = ["VG003"]\n')
    (tmp_path / "old").mkdir()

    async def scenario(editor: Editor) -> None:
        old, quiet = editor.open(tmp_path / "old" / "odds.py", LOG), editor.open(tmp_path / "quiet.py", LOG)
        await editor.codes(editor.open(tmp_path / "odds.py", LOG), "VG003")
        assert await editor.lenses(old) == [] and len(await editor.lenses(quiet)) == 1
        assert old not in editor.told and quiet not in editor.told

    play(scenario)


def test_a_mistake_in_the_configuration_is_shown_in_its_file_until_it_is_mended(tmp_path: Path, play: Play) -> None:
    file = tmp_path / "vglint.toml"
    file.write_text('ignore = ["plain-depth"]\nselekt = ["VG003"]\n')

    async def scenario(editor: Editor) -> None:
        uri, told = editor.open(tmp_path / "odds.py", LOG), uri_of(file)
        (fault,) = await editor.until(told, len)
        assert "selekt" in fault.message and fault.range.start.line == 1 and uri not in editor.told
        (watched,) = editor.registered
        assert watched.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        file.write_text('ignore = ["VG999"]\n')
        change = types.FileEvent(told, types.FileChangeType.Changed)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        await editor.until(told, lambda found: [one for one in found if "VG999" in one.message])
        file.write_text("")
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        await editor.until(told, lambda found: not found)
        await editor.codes(uri, "VG003")

    play(scenario)


def test_what_a_baseline_knows_is_not_shown(root: Path, tmp_path: Path, play: Play) -> None:
    (tmp_path / "vglint.toml").write_text('baseline = "known.txt"\n')
    (tmp_path / "odds.py").write_text(LOG)

    async def scenario(editor: Editor) -> None:
        uri = editor.open(tmp_path / "odds.py", LOG)
        await editor.until(uri, lambda found: ["there is no such baseline" in one.message for one in found] == [True])
        command = [
            sys.executable,
            "-m",
            "vglint",
            "--isolated",
            "--write-baseline",
            str(tmp_path / "known.txt"),
            str(tmp_path),
        ]
        subprocess.run(command, cwd=root, check=False, capture_output=True)
        editor.replace(uri, "dim=1", "dim=-1")
        await editor.codes(uri, "VG003")  # its line is another
        editor.replace(uri, "dim=-1", "dim=1")
        await editor.codes(uri)

    play(scenario)


def test_options_hold_for_every_file(deep: str, tmp_path: Path) -> None:
    (tmp_path / "vglint.toml").write_text('select = ["VG003"]\n')

    async def scenario(editor: Editor) -> None:
        await editor.codes(editor.open(tmp_path / "deep.py", deep), "VG101")
        odds = editor.open(tmp_path / "odds.py", LOG)
        await editor.lenses(odds)
        assert odds not in editor.told

    with_editor(scenario, tmp_path, "--isolated", "--select", "VG101", "--stdio")


def test_a_text_that_was_never_saved_is_linted(tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        await editor.codes(editor.open("untitled:Untitled-1", LOG), "VG003")

    play(scenario)


def test_what_an_editor_must_not_send_ends_nothing(tmp_path: Path, play: Play) -> None:
    async def scenario(editor: Editor) -> None:
        nowhere = uri_of(tmp_path / "nowhere.py")
        editor.texts[nowhere], editor.versions[nowhere] = "x", 1
        editor.change(nowhere, "y")
        editor.close(nowhere)
        assert await editor.hover(nowhere, "y") == "" and await editor.lenses(nowhere) == []
        uri = editor.open(tmp_path / "odds.py", LOG)
        far = types.Range(types.Position(900, 900), types.Position(901, 7))
        editor.change(uri, LOG + "# end", types.TextDocumentContentChangePartial(far, "# end"))
        await editor.codes(uri, "VG003")
        assert await editor.actions(uri, far) == []

    play(scenario)


def test_without_the_extra_the_command_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    code = f"import sys; sys.path[0] = {str(root)!r}; sys.modules['pygls'] = None; from vglint.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "server"], cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 2 and "pip install 'vglint[lsp]'" in done.stderr and "Traceback" not in done.stderr


def test_the_worker_needs_neither_the_protocol_nor_torch(root: Path) -> None:
    code = (
        "import sys; import vglint.server.worker; print({'pygls', 'lsprotocol', 'torch', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=dict(os.environ), capture_output=True, text=True, check=False)  # fmt: skip
    assert done.stdout == "set()\n", done.stderr
