"""Each promise of SECURITY.md, by its number: what a stranger's repository cannot make vglint do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hostile import bounded

from tests.server.editor import Editor, uri_of, with_editor
from vglint.analysis.facts.effort import Effort, SpentError
from vglint.cli import cli
from vglint.interp.entries import session
from vglint.lint import file as linting_file
from vglint.lint import fixes, limits
from vglint.lint.outcome import Outcome
from vglint.report import FORMATS
from vglint.report.graphs import GRAPH_FORMATS
from vglint.rulebook import advice
from vglint.source.module import Module

ROOT = Path(__file__).resolve().parent.parent

NET = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(12)])

    def forward(self, x):
        return self.layers(x)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that is the current folder, beside a file that must stay as it is, with a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("VGLINT_PROBE", raising=False)
    (tmp_path / "victim").write_text("untouched")
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    return tmp_path / "repository"


def vglint(*arguments: str, costly: bool = False) -> Result:
    with bounded():
        result = CliRunner().invoke(cli, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "internal error" not in result.output
    assert costly or "is not linted" not in result.output
    return result


def untouched(repository: Path) -> bool:
    return (repository.parent / "victim").read_text() == "untouched" and sorted(os.listdir(repository.parent)) == [
        "repository",
        "victim",
    ]


def test_every_promise_has_a_test() -> None:
    promised = re.findall(r"^\| ([A-Z]\d) \|", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE)
    here = Path(__file__)
    texts = [path.read_text(encoding="utf-8") for path in (here, here.with_name("test_seal.py"))]
    names = [name for text in texts for name in re.findall(r"^def test_((?:[a-z]\d_)+)", text, re.MULTILINE)]
    tested = {number for name in names for number in name.split("_")}
    assert len(promised) > 10
    assert [number for number in promised if number.lower() not in tested] == []


@pytest.mark.parametrize(
    "name",
    ["../victim", "../made.txt", "sub/../../victim", "{outside}/victim", "{outside}/made.txt", ".bashrc", ".git/made.txt", "setup.py", "link.txt", "folder/made.txt", ""],
)  # fmt: skip
def test_w1_a_configuration_writes_no_report_elsewhere(repository: Path, name: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "link.txt").symlink_to("../victim")
    (repository / "folder").symlink_to("..", target_is_directory=True)
    (repository / ".git").mkdir()
    file = name.format(outside=repository.parent)
    (repository / "vglint.toml").write_text(f"cache = false\noutput-format = [{json.dumps(f'concise={file}')}]")
    before = sorted(os.listdir(repository)), sorted(os.listdir(repository / ".git"))
    result = vglint("net.py")
    assert untouched(repository)
    assert before == (sorted(os.listdir(repository)), sorted(os.listdir(repository / ".git")))
    assert result.exit_code == (2 if name else 1)
    if name:
        assert "vglint.toml: output-format: " in result.stderr


def test_w1_a_configuration_may_name_a_report_below_its_folder(repository: Path) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "reports").mkdir()
    (repository / "vglint.toml").write_text('cache = false\noutput-format = ["concise=reports/out.txt"]')
    for _ in range(2):  # the second run replaces what the first wrote
        assert vglint("net.py").exit_code == 1
        assert "VG101" in (repository / "reports" / "out.txt").read_text()


@pytest.mark.parametrize("name", ["link.txt", "folder/victim", "folder/made.txt"])
def test_w2_nothing_is_written_through_a_link(repository: Path, name: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "link.txt").symlink_to("../victim")
    (repository / "folder").symlink_to("..", target_is_directory=True)
    for path in (name, str(repository / name)):
        result = vglint("--isolated", "--no-cache", "net.py", "--output-format", f"json={path}")
        assert result.exit_code == 2 and "is a link" in result.stderr
    assert untouched(repository)


FIXABLE = (
    "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.layers = [nn.Linear(8, 8), nn.Linear(8, 8)]\n\n    def forward(self, x):\n        for layer in self.layers:\n"
    "            x = torch.relu(layer(x))\n        return x\n"
)


def test_w2_a_fix_is_not_written_through_a_link(repository: Path) -> None:
    (repository.parent / "victim").write_text(FIXABLE)
    (repository / "net.py").symlink_to("../victim")
    result = vglint("--isolated", "--no-cache", "--fix", "--unsafe-fixes", ".")
    assert result.exit_code == 1 and "net.py is left as it is: it is a link" in result.stderr
    assert (repository.parent / "victim").read_text() == FIXABLE


@pytest.mark.parametrize("name", ["../cache", "{outside}/cache", "folder", "folder/cache", ".."])
def test_w3_a_cache_lies_below_its_configuration(repository: Path, name: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "folder").symlink_to("..", target_is_directory=True)
    (repository / "vglint.toml").write_text(f'cache-dir = "{name.format(outside=repository.parent)}"')
    result = vglint("net.py")
    assert result.exit_code == 2 and "vglint.toml: cache-dir: " in result.stderr
    assert untouched(repository)


@pytest.mark.parametrize("name", ["../known.json", "{outside}/victim", "folder/victim"])
def test_w3_a_baseline_lies_below_its_configuration(repository: Path, name: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "folder").symlink_to("..", target_is_directory=True)
    (repository / "vglint.toml").write_text(f'baseline = "{name.format(outside=repository.parent)}"')
    result = vglint("net.py", "--no-cache")
    assert result.exit_code == 2 and "vglint.toml: baseline: " in result.stderr
    assert untouched(repository)


@pytest.mark.parametrize("name", ["CACHEDIR.TAG", ".gitignore", "other.msgpack"])
@pytest.mark.parametrize("target", ["made", "victim"])
def test_w4_a_cache_that_comes_with_a_repository_leads_nowhere(repository: Path, name: str, target: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / ".vglint_cache").mkdir()
    (repository / ".vglint_cache" / name).symlink_to(f"../../{target}")
    for arguments in (("net.py",), ("net.py",), ("clean",)):
        assert vglint(*arguments).exit_code == (arguments != ("clean",))
    assert (repository.parent / "victim").read_text() == "untouched" and not (repository.parent / "made").exists()
    assert os.readlink(repository / ".vglint_cache" / name) == f"../../{target}"


LOUD = "from pathlib import Path\nPath(__file__).with_name('ran').write_text('')\n"


def test_r1_linting_runs_nothing(repository: Path) -> None:
    for name in ("net.py", "conftest.py", "setup.py", "sitecustomize.py", "torch.py"):
        (repository / name).write_text(LOUD + NET)
    (repository / "vglint.toml").write_text("cache = false")
    assert vglint(".").exit_code == 1
    assert not (repository / "ran").exists()


def test_r2_a_repository_cannot_have_its_models_run(repository: Path) -> None:
    (repository / "net.py").write_text(LOUD + NET)
    (repository / "vglint.toml").write_text("cache = false\n[probe]\nenabled = true")
    result = vglint("net.py")
    assert "vglint.toml: probe.enabled is not heeded here" in result.stderr
    assert "running" not in result.stderr
    result = vglint("net.py", "--report", "out.html")
    assert result.exit_code == 2 and "--report needs --probe" in result.stderr
    assert not (repository / "out.html").exists()


@pytest.mark.parametrize("how", ["option", "variable", "own configuration"])
def test_r2_the_user_can(repository: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    (repository / "net.py").write_text("import torch\nloss = torch.ones(1).sum().backward()\n")
    (repository / "vglint.toml").write_text("cache = false")
    if how == "variable":
        monkeypatch.setenv("VGLINT_PROBE", "1")
    if how == "own configuration":
        own = repository.parent / "home" / ".config" / "vglint"
        own.mkdir(parents=True)
        (own / "vglint.toml").write_text("[probe]\nenabled = true")
    assert "running the script net.py" in vglint("net.py", *(["--probe"] if how == "option" else [])).stderr


SPECIAL: dict[str, Callable[[Path], None]] = {
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "pipe": lambda path: os.mkfifo(path),
    "link to a pipe": lambda path: (os.mkfifo(path.parent / "pipe"), path.symlink_to("pipe"))[1],
}


def hostile_git(repository: Path) -> Path:
    """Makes a repository whose configuration names a program wherever git's may, and returns the file that the program would make."""
    ran, evil = repository / "ran", repository / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch '{ran}'\ncat\n")
    evil.chmod(0o755)
    (repository / "net.py").write_text(NET)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "net.py"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], cwd=repository, check=True)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil merge=evil text eol=lf\n")
    names = (
        *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy", "core.alternateRefsCommand"),
        *("diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
        *("merge.evil.driver", "pager.ls-tree", "pager.cat-file", "pager.rev-parse", "credential.helper", "gpg.program", "remote.origin.uploadpack"),
        *("alias.ls-tree", "alias.cat-file", "alias.rev-parse", "alias.merge-base"),
    )  # fmt: skip
    for name in names:
        value = f"!{evil}" if name.startswith(("alias", "credential")) else str(evil)
        subprocess.run([*git, "config", name, value], cwd=repository, check=True)
    for name, value in (
        ("remote.origin.url", str(repository.parent / "origin")),
        ("remote.origin.promisor", "true"),
        ("remote.origin.partialclonefilter", "blob:none"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryformatversion", "1"),
        ("protocol.file.allow", "always"),
        ("protocol.ext.allow", "always"),
        ("core.hooksPath", str(repository / "hooks")),
    ):
        subprocess.run([*git, "config", name, value], cwd=repository, check=True)
    (repository / "hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-auto-gc"):
        shutil.copy(evil, repository / "hooks" / hook)
    ran.unlink(missing_ok=True)
    return ran


@pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git and sh")
def test_r3_git_runs_nothing_that_a_repository_names(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    ran = hostile_git(repository)
    (repository / "net.py").write_text(NET.replace("12", "13"))
    subprocess.run(["git", "diff", "HEAD"], cwd=repository, check=False, capture_output=True)
    assert ran.exists(), "this configuration runs programs where git is asked carelessly"
    ran.unlink()
    assert "VG101" in vglint("net.py", "--since", "HEAD", "--no-cache").stdout
    assert not ran.exists()
    first = subprocess.run(
        ["git", "rev-parse", "HEAD:net.py"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()
    (repository / ".git" / "objects" / first[:2] / first[2:]).unlink()
    ran.unlink(missing_ok=True)
    assert "VG101" in vglint("net.py", "--since", "HEAD", "--no-cache").stdout, (
        "what is missing is taken to have changed"
    )
    assert not ran.exists(), "and is not fetched"


def test_r4_a_server_runs_and_imports_nothing_of_the_folder(repository: Path) -> None:
    for name in (
        "net.py",
        "conftest.py",
        "sitecustomize.py",
        "torch.py",
        "pygls.py",
        "asyncio.py",
        "pickle.py",
        "vglint.py",
    ):
        (repository / name).write_text(LOUD + NET)
    (repository / "vglint.toml").write_text("[probe]\nenabled = true")

    async def scenario(editor: Editor) -> None:
        uri = editor.open(repository / "net.py", LOUD + NET)
        await editor.until(uri, lambda found: "VG101" in [one.code for one in found])

    with_editor(scenario, repository)
    assert not (repository / "ran").exists()


ROLES = ("net.py", "net.ipynb", "imported.py", ".gitignore", "vglint.toml", "pyproject.toml", "rules/XX100.toml")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("make", SPECIAL.values(), ids=SPECIAL.keys())
def test_d1_only_regular_files_are_read(repository: Path, make: Callable[[Path], None], role: str) -> None:
    (repository / "ordinary.py").write_text("import imported\nfrom imported import x\n" + NET)
    (repository / "rules").mkdir()
    if role.startswith("rules/"):
        (repository / "vglint.toml").write_text('cache = false\nrule-dirs = ["rules"]')
    make(repository / role)
    result = vglint("--no-cache", "ordinary.py", *([role] if role.startswith("net.") else []), ".")
    shown = result.output
    if role in ("imported.py", "vglint.toml", "pyproject.toml") and "toml" not in shown:
        assert "VG101" in shown  # it is no file, and nobody was told that it is one
    else:
        assert "is a pipe, a socket or a device, not a file" in shown
        assert "VG101" in shown or result.exit_code == 2


def test_d1_what_the_command_line_names_below_dev_is_read(repository: Path) -> None:
    read, write = os.pipe()
    os.write(write, NET.encode())
    os.close(write)
    if not Path(f"/dev/fd/{read}").exists():
        pytest.skip("there is no /dev/fd")
    assert "VG101" in vglint("--isolated", "--no-cache", f"/dev/fd/{read}").output
    os.close(read)


@pytest.mark.parametrize("role", ROLES)
def test_d2_what_is_too_large_is_not_read(repository: Path, role: str) -> None:
    (repository / "ordinary.py").write_text("import imported\n" + NET)
    (repository / "rules").mkdir()
    if role.startswith("rules/"):
        (repository / "vglint.toml").write_text('rule-dirs = ["rules"]')
    with (repository / role).open("wb") as stream:
        stream.truncate(10**12)  # a hole in a file takes no room on the disk
    result = vglint("--no-cache", ".")
    said = re.search(r"has\s+more\s+than\s+\d+\s+MB", result.output) is not None
    assert said and ("VG101" in result.output or result.exit_code == 2)


def test_d2_a_notebook_may_be_large_but_not_its_code(repository: Path) -> None:
    cells = [{"cell_type": "code", "source": "x = 1\n" * 1000, "outputs": []}] * 1000
    (repository / "book.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    assert "has more than 5 MB of code" in vglint("--no-cache", "--isolated", ".").output


def notebook(*cells: str) -> str:
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": cell} for cell in cells], "metadata": {}, "nbformat": 4}
    )


SLOW_CELLS = {
    "help and blanks": "x?" + " " * 200_000,
    "blanks and =": "%x\n" + " " * 200_000 + "=",
    "assignments": "%x\n" + "a = " * 50_000,
    "escaped quotes": "%x\nx = '" + "\\'" * 200_000 + "'",
    "nested quotes": "%x\nx = " + "'\"" * 100_000,
    "magic upon magic": "%%time\n" * 3_000,
    "blank lines and magic": "\n%%time\n" * 50_000,
    "magics that go on": "%x \\\n" * 100_000,
}


@pytest.mark.parametrize("cell", SLOW_CELLS.values(), ids=SLOW_CELLS.keys())
def test_c1_notebooks_take_linear_time(repository: Path, cell: str) -> None:
    (repository / "book.ipynb").write_text(notebook("import torch.nn as nn\n", cell, "nn.Linear(2, 2)"))
    vglint("--no-cache", "--isolated", "book.ipynb")


SLOW_COMMENTS = {
    "many words": f"# vglint: ignore[{','.join(f'VG{number}' for number in range(200_000))}]",
    "one word often": f"# vglint: ignore[{','.join(['VG101'] * 200_000)}]",
    "many comments": "# vglint: file-ignore[VG999]\n" * 5_000,
    "many words in many comments": f"# vglint: file-ignore[{','.join(f'VG{number}' for number in range(90))}]\n"
    * 3_000,
    "blanks": "#" + " " * 1_000_000 + "vglint:" + " " * 1_000_000 + "ignore" + " " * 1_000_000,
    "blank lines": "import mxnet\n" + "\n" * 20_000,
    "words": "# " + "train" * 200_000 + "\n# class " + "x" * 1_000_000,
}


@pytest.mark.parametrize("comment", SLOW_COMMENTS.values(), ids=SLOW_COMMENTS.keys())
def test_c1_comments_take_linear_time(repository: Path, comment: str) -> None:
    (repository / "net.py").write_text(f"{comment}\n{NET}")
    shown = vglint("--no-cache", "--isolated", "net.py").output
    assert len(shown) < 100_000


SLOW_PATTERNS = {
    "stars": "*a" * 25,
    "double stars": "**/a/" * 40 + "b",
    "classes": "[a-z]*" * 60,
    "many lines": "*a*a*b\n" * 4_000,
}


@pytest.mark.parametrize("pattern", SLOW_PATTERNS.values(), ids=SLOW_PATTERNS.keys())
def test_c1_patterns_take_linear_time(repository: Path, pattern: str) -> None:
    (repository / ".git").mkdir()
    (repository / ".gitignore").write_text(pattern)
    folder = repository
    for _ in range(20):
        folder = folder / ("a" * 100)
    folder.mkdir(parents=True)
    (folder / f"{'a' * 200}.py").write_text(NET)
    assert " file" in vglint("--no-cache", "--isolated", ".").output


RULE = """id = "XX100"
name = "a-rule"
family = "test"
subject = "model"
severity = "warning"
confidence = "high"
summary = "Says something."
when = "count(weight_layers) > 1"
blame = "weight_layers"
message = "{count(weight_layers)} layers"
advice = "Do something."
why = "For a test."
"""
WHEN = 'when = "count(weight_layers) > 1"'
MESSAGE = 'message = "{count(weight_layers)} layers"'
HOSTILE_RULES = {
    "power": (WHEN, 'when = "9 ** 99999999 > 3"'),
    "power of powers": (WHEN, 'when = "count(weight_layers) ** 99 ** 99 ** 99 > 3"'),
    "products": (WHEN, f'when = "{" * ".join(["9" * 400] * 200)} > 3"'),
    "digits": (WHEN, f'when = "{"9" * 5000} > 3"'),
    "not": (WHEN, f'when = "{"not " * 3000}True"'),
    "brackets": (WHEN, f'when = "{"(" * 3000}True{")" * 3000}"'),
    "sums": (WHEN, f'when = "{" + ".join(["1"] * 20_000)} > 3"'),
    "minus": (WHEN, f'when = "{"-" * 20_000}1 > 3"'),
    "width": (MESSAGE, 'message = "{count(weight_layers):>999999999}"'),
    "precision": (MESSAGE, 'message = "{count(weight_layers):.999999999f}"'),
    "width of text": (MESSAGE, 'message = "{first(weight_layers):*^999999999}"'),
    "holes": (MESSAGE, f'message = "{"{count(weight_layers):>90}" * 20_000}"'),
    "nested hole": (MESSAGE, 'message = "{count(weight_layers):{count(weight_layers)}}"'),
    "arrays": (WHEN, f"when = {'[' * 5000}{']' * 5000}"),
    "tables": (WHEN, f"when = {'{a=' * 5000}1{'}' * 5000}"),
    "dots": (WHEN, f"{'.'.join(['a'] * 50_000)} = 1"),
    "number": (WHEN, f"{WHEN}\n[params]\nx = {'9' * 5000}"),
    "hexadecimal number": (WHEN, f'when = "x > 3"\nparams = {{x = 0x{"f" * 100_000}}}'),
    "infinite param": (MESSAGE, 'message = "{x:.0f} {x}"\nparams = {x = inf}'),
    "param without a value": (MESSAGE, 'message = "{x:.0f} {round(x)} {many(x, \\"layer\\")}"\nparams = {x = nan}'),
    "surrogate": (MESSAGE, 'message = "\\\\ud800"'),
    "nul": (MESSAGE, 'message = "\\u0000\\u001b[31m"'),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), HOSTILE_RULES.values(), ids=HOSTILE_RULES.keys())
def test_c2_rules_are_bounded(repository: Path, old: str, new: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "rules").mkdir()
    (repository / "rules" / "XX100.toml").write_text(RULE.replace(old, new))
    (repository / "vglint.toml").write_text('cache = false\nrule-dirs = ["rules"]')
    result = vglint("net.py")
    assert result.exit_code in (1, 2) and "\x1b" not in result.output
    assert len(result.output) < 20_000


HOSTILE_CONFIGURATIONS = {
    "arrays": f"select = {'[' * 5000}{']' * 5000}",
    "allowed arrays": f'[[probe.targets]]\nentry = "a"\nargs = {"[" * 300}{"]" * 300}',
    "tables": f'[[probe.targets]]\nentry = "a"\nargs = {"{a=" * 300}1{"}" * 300}',
    "dots": f"{'.'.join(['rules'] * 100_000)} = 1",
    "number": f"jobs = {'9' * 5000}",
    "jobs": "jobs = 99999999999",
    "memory": "[probe]\nmemory = 0xffffffffffffffffffffffff",
    "time": "[probe]\ntimeout = nan",
    "long key": f"{'a' * 500_000} = 1",
    "long word": f'select = ["{"a" * 500_000}"]',
    "escape": '"\\u001b[31m\\n::error::x" = 1',
    "escape in a value": 'output-format = ["\\u001b[31m\\n::error::x"]',
    "escape in a word": 'select = ["\\u001b[31m\\n::error::x"]',
    "nul": 'cache-dir = "a\\u0000b"',
    "dates": "jobs = 2020-01-01",
    "patterns": f'exclude = ["{"*a" * 50}"]\n[per-file-ignores]\n"{"[" * 1000}" = ["VG101"]',
}


@pytest.mark.parametrize("text", HOSTILE_CONFIGURATIONS.values(), ids=HOSTILE_CONFIGURATIONS.keys())
def test_c2_configurations_are_bounded(repository: Path, text: str) -> None:
    (repository / "net.py").write_text(NET)
    (repository / "vglint.toml").write_text(text)
    result = vglint("--no-cache", "net.py")
    assert result.exit_code in (1, 2)
    assert "\x1b" not in result.output and "\n::" not in result.output and len(result.output) < 20_000


def test_c3_a_file_that_costs_too_much_is_a_problem_line(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = linting_file._lint_module
    monkeypatch.setattr(limits, "SECONDS", 1)
    monkeypatch.setattr(limits, "MEMORY", 1 << 28)
    monkeypatch.setattr(limits, "_GRACE", 1)

    def costly(tools: linting_file.Tools, module: Module, content: bytes) -> Outcome:
        match module.path:
            case "busy.py":
                while True:
                    pass
            case "deaf.py":  # one long call, which no exception can end
                re.match("(a*)*b", "a" * 60)
            case "large.py":
                kept = [bytearray(1 << 26) for _ in range(100)]
                assert kept
            case _:
                return original(tools, module, content)
        raise AssertionError("nothing ended it")

    monkeypatch.setattr(linting_file, "_lint_module", costly)
    for name in ("busy.py", "deaf.py", "large.py", "net.py"):
        (repository / name).write_text(NET)
    result = vglint("--no-cache", "--isolated", "--output-format", "json", ".", costly=True)
    report = json.loads(result.stdout)
    said = {problem["path"]: problem["message"] for problem in report["problems"]}
    assert sorted(said) == ["busy.py", "deaf.py", "large.py"]
    assert all(message.startswith("is not linted: it would take more than") for message in said.values())
    assert {finding["path"] for finding in report["findings"]} == {"net.py"}


MANY = """import torch
from torch import nn
""" + "".join(
    f"""

class Net{number}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(12)])
        n = 0
        while n < 10**9:
            n += 1

    def forward(self, x):
        return self.layers(x)
"""
    for number in range(40)
)


def test_c4_work_is_counted_for_the_whole_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MOST_STEPS", 30_000)
    (repository / "many.py").write_text(MANY)
    (repository / "net.py").write_text(NET)
    shown = [vglint("--no-cache", "--isolated", "--output-format", "json", ".", costly=True).stdout for _ in range(2)]
    report = json.loads(shown[0])
    (problem,) = report["problems"]
    left = re.fullmatch(
        r"is linted in part: (\d+) of its models and training functions are left out, .*", problem["message"]
    )
    assert left is not None and 0 < int(left[1]) < 40 and problem["path"] == "many.py"
    assert {finding["path"] for finding in report["findings"]} == {"many.py", "net.py"}
    assert json.loads(shown[1])["problems"] == report["problems"]


def test_c4_walks_through_a_graph_are_counted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "net.py").write_text(NET)
    assert "VG101" in vglint("--no-cache", "--isolated", "net.py").output
    monkeypatch.setattr(Effort, "spend", spent)
    assert "no problems" in vglint("--no-cache", "--isolated", "net.py").output  # what is not worked out is not known


STACKS = "import torch\nfrom torch import nn\n" + "".join(
    f"""

class Stack{number}(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(8, 8) for _ in range(200)])

    def forward(self, x):
        return self.layers(x)
"""
    for number in range(12)
)


def test_c4_nodes_are_counted_for_the_whole_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "stacks.py").write_text(STACKS)
    assert "left out" not in vglint("--no-cache", "--isolated", "stacks.py").output
    monkeypatch.setattr(session, "MOST_STEPS", 30_000)
    shown = " ".join(vglint("--no-cache", "--isolated", "stacks.py", costly=True).output.split())
    left = re.search(r"is linted in part: (\d+) of its models and training functions are left out", shown)
    assert left is not None and 4 <= int(left[1]) < 12


@pytest.mark.parametrize(("limit", "value"), [("_MOST_TEXT", -1), ("_READ", 10_000)])
def test_c4_what_advice_and_fixes_take_is_counted(
    repository: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    (repository / "net.py").write_text(FIXABLE + NET.replace("import torch\nfrom torch import nn\n", ""))

    def found() -> dict[str, dict[str, object]]:
        shown = vglint("--no-cache", "--isolated", "--output-format", "json", "net.py").stdout
        return {one["rule"]: one for one in json.loads(shown)["findings"]}

    before = found()
    monkeypatch.setattr(advice, "_DEAR", Effort().left)
    monkeypatch.setattr(fixes, limit, value)
    after = found()
    assert sorted(before) == sorted(after) and "VG101" in after
    assert before["VG101"]["effect"] and before["VG101"]["advice"] != after["VG101"]["advice"]
    assert any(one["fix"] for one in before.values()) and not any(one["fix"] for one in after.values())


def spent(self: Effort, nodes: int) -> None:
    raise SpentError


STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
COMMAND = re.compile(
    r"^\s*::(?!(?:error|warning|notice) file=[^\n]*,title=(?:VG\d+ [a-z-]+|vglint)::)(?!:)|##\[|##vso\[", re.MULTILINE
)
NAMES = (
    "::error::x.py",
    " ::error::y.py",
    "a\x1b[31m.py",
    "b\n::error::z.py",
    "##[error]c.py",
    "d\r::x.py",
    "e\u202e.py",
    "f%0A::error::.py",
    'g"\\.py',
)
HOSTILE_SOURCE = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = [nn.Linear(8, 8), nn.Linear(8, 8)]  # \x1b]0;x\x07 ##[error]x \u202e \x9b31m
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(12)])
        setattr(self, "\\n::error::\\x1b[31m ##[error]x", nn.Linear(8, 8))

    def forward(self, x):
        for layer in self.kept:
            x = layer(x)
        return self.layers(x)
"""


@pytest.fixture
def hostile_names(repository: Path) -> Path:
    for name in NAMES:
        (repository / name).write_text(HOSTILE_SOURCE)
        (repository / f"broken {name}").write_text(f"import torch.nn\nnn.Linear(\n'{name!r}")
    return repository


@pytest.mark.parametrize("more", [(), ("--statistics",), ("--verbose",), ("--diff", "--unsafe-fixes")], ids=str)
def test_t1_t2_no_text_of_a_repository_steers_whoever_shows_it(hostile_names: Path, more: tuple[str, ...]) -> None:
    for form in FORMATS if not more else ("full", "concise", "github"):  # the others hold the same whatever is asked
        result = vglint("--isolated", "--output-format", form, *more, ".")
        assert result.exit_code in (0, 1) and len(result.output) > 100
        assert not STEERING.search(result.stdout.replace("\r\n", "\n")) and not STEERING.search(result.stderr)
        assert not COMMAND.search(result.stdout) and not COMMAND.search(result.stderr)


def test_t1_colours_are_ours(hostile_names: Path) -> None:
    shown = vglint("--no-cache", "--isolated", "--color", "always", ".").stdout
    assert "\x1b[31m" in shown
    assert not STEERING.search(re.sub("\x1b\\[[0-9;]*m", "", shown)) and not COMMAND.search(shown)


@pytest.mark.parametrize("form", GRAPH_FORMATS)
def test_t2_graphs_hold_text_as_text(hostile_names: Path, form: str) -> None:
    for name in NAMES:
        result = vglint("graph", f"{name}:Net", "--format", form)
        assert result.exit_code == 0
        assert not STEERING.search(result.output) and not COMMAND.search(result.output)


def test_t1_a_patch_can_be_applied(hostile_names: Path) -> None:
    patch = vglint("--no-cache", "--isolated", "--diff", "--unsafe-fixes", 'g"\\.py').stdout
    assert '"a/g\\042\\134.py"' in patch


def test_t3_a_link_in_a_message_of_sarif_is_none(repository: Path) -> None:
    (repository / "net.py").write_text(
        NET.replace("Net(", "Net(").replace("self.layers(x)", "self.layers(x)") + "# vglint: ignore[[x](http://evil)]\n"
    )
    report = json.loads(vglint("--no-cache", "--isolated", "--output-format", "sarif", ".").stdout)
    texts = [one["message"]["text"] for one in report["runs"][0]["invocations"][0]["toolExecutionNotifications"]]
    assert texts and not any(re.search(r"(?<!\\)\]\(", text) for text in texts)


SHOWN = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        setattr(self, "a`![x](http://evil.example/x.png)\\n\\n# [run](command:evil) <img src=x>\\x1b[31m\\ud800|", nn.Linear(8, 8))
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(12)])
        self.padded = nn.Conv2d(8, 8, 3, padding=1, padding_mode="`![x](http://evil.example/y.png)")

    def forward(self, x):
        x = getattr(self, "a`![x](http://evil.example/x.png)\\n\\n# [run](command:evil) <img src=x>\\x1b[31m\\ud800|")(x)
        return self.layers(self.padded(x))
"""


def test_t1_t3_what_an_editor_shows_holds_text_as_text(repository: Path) -> None:
    (repository / "vglint.toml").write_text('"\\u001b[31m](command:x)" = 1\n')
    (repository / "sub").mkdir()
    (repository / "sub" / "vglint.toml").write_text("cache = false\n")

    async def scenario(editor: Editor) -> None:
        faulty = editor.open(repository / "net.py", SHOWN)
        (wrong,) = await editor.until(uri_of(repository / "vglint.toml"), lambda found: found)
        assert not STEERING.search(wrong.message) and faulty
        uri = editor.open(repository / "sub" / "a\x1b[31m\n::error::.py", SHOWN)
        found = await editor.until(uri, lambda found: "VG101" in [one.code for one in found])
        hovers = [
            await editor.hover(uri, place) for place in ("nn.Linear(8, 8))\n", "nn.Conv2d", "nn.Linear(8, 8), nn.Sig")
        ]
        assert "evil.example/x.png" in hovers[0] and "evil.example/y.png" in hovers[1] and "`layers" in hovers[2]
        for shown in hovers:
            outside = re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)
            assert "evil" not in outside and "<img" not in outside and not STEERING.search(shown)
        said = [one.message for one in found] + [title for _, title in await editor.lenses(uri)]
        said += [place.message for one in found for place in one.related_information or ()]
        assert len(said) > 2 and not any(STEERING.search(text) for text in said)

    with_editor(scenario, repository)


SPECIAL_PATHS = {
    "pipe": lambda path: os.mkfifo(path),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "hole": lambda path: path.write_bytes(b"") or os.truncate(path, 10**12),
    "link to itself": lambda path: path.symlink_to(path),
}


def test_d1_d2_c2_an_editor_is_answered_beside_hostile_files(repository: Path) -> None:
    for number, make in enumerate(SPECIAL_PATHS.values()):
        for name in ("vglint.toml", "pyproject.toml", "imported.py", ".gitignore", "importing.py"):
            folder = repository / f"sub{number}"
            folder.mkdir(exist_ok=True)
            make(folder / name)
    for number, text in enumerate(HOSTILE_CONFIGURATIONS.values()):
        folder = repository / f"set{number}"
        folder.mkdir()
        (folder / "vglint.toml").write_text(text)
    (repository / "around").symlink_to(repository, target_is_directory=True)
    (repository / "vglint.toml").write_text("cache = false\n")

    async def scenario(editor: Editor) -> None:
        for folder in sorted(repository.iterdir()):
            if folder.name.startswith(("sub", "set")):
                editor.open(folder / "net.py", "import imported\n" + NET)
        uri = editor.open(repository / "net.py", NET)
        await editor.until(uri, lambda found: "VG101" in [one.code for one in found])
        assert "`layers" in await editor.hover(uri, "nn.Linear(8, 8), nn.Sig")
        assert not any(STEERING.search(one.message) for told in editor.told.values() for one in told.diagnostics)

    with_editor(scenario, repository)


SURROGATES = 'import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = nn.ModuleDict({"\\ud800": nn.Sequential(*[m for _ in range(12) for m in (nn.Linear(8, 8), nn.Sigmoid())])})\n    def forward(self, x):\n        return self.layers["\\ud800"](x)  # vglint: ignore[VG999]\n'
FAULTS = {
    "surrogates": SURROGATES.encode(),
    "surrogates of a codec": b"# coding: raw_unicode_escape\n" + SURROGATES.encode(),
    "punycode": b"# coding: punycode\nimport torch.nn as nn\n" + b"a" * 1_000_000,
    "no codec": b"# coding: nobody\nimport torch.nn as nn\nnn.Linear(2, 2)",
    "bytes": bytes(range(256)) + b"import torch nn.Linear",
    "deep brackets": b"import torch.nn as nn\nx = " + b"(" * 100_000 + b")" * 100_000,
    "deep minus": b"import torch.nn as nn\nx = " + b"-" * 100_000 + b"1",
    "deep attribute": b"import torch.nn as nn\nx = nn" + b".a" * 100_000,
    "deep sum": b"import torch.nn as nn\nx = " + b"1 + " * 100_000 + b"1",
    "deep blocks": b"import torch.nn as nn\n" + b"".join(b" " * depth + b"if x:\n" for depth in range(99)) + b" " * 99 + b"x",
    "digits": b"import torch.nn as nn\nnn.Linear(2, " + b"9" * 100_000 + b")",
    "long line": b"import torch.nn as nn\nx = [" + b"nn.Linear, " * 100_000 + b"]",
    "one name": b"import torch.nn as nn\n" + b"x" * 1_000_000 + b" = nn.Linear(2, 2)",
}  # fmt: skip


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "not cached"])
@pytest.mark.parametrize("content", FAULTS.values(), ids=FAULTS.keys())
def test_f1_what_goes_wrong_is_a_problem_line(repository: Path, content: bytes, cached: bool) -> None:
    (repository / "fault.py").write_bytes(content)
    (repository / "net.py").write_text(NET)
    for _ in range(1 + cached):
        result = vglint("--isolated", *([] if cached else ["--no-cache"]), ".")
        assert result.exit_code == 1 and re.search(r"net\.py:\d+", result.output)


def test_f1_a_name_that_is_no_text(repository: Path) -> None:
    try:
        (repository / os.fsdecode(b"n\xff\xfe.py")).write_text("from net import Net\n" + NET)
    except OSError:
        pytest.skip("the file system takes no such name")
    (repository / "net.py").write_text(NET)
    for form in FORMATS:
        assert vglint("--isolated", "--output-format", form, ".").exit_code == 1


@pytest.mark.parametrize(
    "mark", ["ignore[VG101", "ignore [VG101", "ignore[", "ignore[]", "file-ignore[VG101", "ignore[VG101)"]
)
def test_f2_a_broken_comment_suppresses_nothing(repository: Path, mark: str) -> None:
    (repository / "net.py").write_text(NET.replace("range(12)])", f"range(12)])  # vglint: {mark}"))
    shown = vglint("--no-cache", "--isolated", "net.py").output
    assert "VG101" in shown and "suppresses nothing" in shown
