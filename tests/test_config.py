"""Configuration: what is read, which file wins, and what is said of a mistake."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from vglint.config import (
    ConfigError,
    Configuration,
    ProbeSettings,
    RuleSettings,
    Settings,
    Target,
    TensorSpec,
    load,
)

EVERYTHING = """
select = ["VG1", "dead-relu"]
extend-select = ["loss"]
ignore = ["VG301"]
rule-dirs = ["rules"]
min-severity = "error"
min-confidence = "low"
pedantic = true
exclude = ["gen"]
extend-exclude = ["*.ipynb"]
force-exclude = true
respect-gitignore = false
resolve = ["timm"]
output-format = ["full", "sarif=out.sarif"]
jobs = 3
cache = false
cache-dir = ".cache"
exit-zero = true

[rules.VG101]
severity = "warning"
confidence = "low"
decades = 4
share = 0.5
strict = true
unit = "x"

[rules.dead-relu]
severity = "info"

[per-file-ignores]
"tests/*" = ["VG9"]

[probe]
enabled = true
timeout = 5
memory = 512

[[probe.targets]]
entry = "net.py:Net(3)"

[[probe.targets]]
entry = "net.py:Net"
args = {depth = 3, widths = [1, [2]], inner = {a = true}}
inputs = [[4, 3, 32, 32], "data.py:batch", {shape = [4, 16], dtype = "int64", high = 100}]
target = {shape = [4], dtype = "int64", low = 1, high = 10}
loss = "cross_entropy"
optimizer = "SGD"
lr = 1
steps = 20
seeds = [0, 1]
device = "cpu"

[[probe.targets]]
entry = "net.py:Net"
args = [3, "relu"]
target = [4]
"""


def write(folder: Path, text: str, name: str = "vglint.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_everything_that_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(str(write(tmp_path, EVERYTHING)))
    assert settings == Settings(
        root=str(tmp_path),
        file="vglint.toml",
        select=("VG1", "dead-relu"),
        extend_select=("loss",),
        ignore=("VG301",),
        per_file_ignores=(("tests/*", ("VG9",)),),
        rules=(
            RuleSettings("VG101", "warning", "low", (("decades", 4), ("share", 0.5), ("strict", True), ("unit", "x"))),
            RuleSettings("dead-relu", "info"),
        ),
        rule_dirs=(str(tmp_path / "rules"),),
        min_severity="error",
        min_confidence="low",
        pedantic=True,
        exclude=("gen",),
        extend_exclude=("*.ipynb",),
        force_exclude=True,
        respect_gitignore=False,
        resolve=("timm",),
        output_format=(("full", None), ("sarif", str(tmp_path / "out.sarif"))),
        jobs=3,
        cache=False,
        cache_dir=str(tmp_path / ".cache"),
        exit_zero=True,
        probe=ProbeSettings(
            enabled=True,
            timeout=5,
            memory=512,
            targets=(
                Target("net.py:Net(3)"),
                Target(
                    "net.py:Net",
                    args=(("depth", 3), ("widths", (1, (2,))), ("inner", (("a", True),))),
                    inputs=(TensorSpec((4, 3, 32, 32)), "data.py:batch", TensorSpec((4, 16), "int64", 0, 100)),
                    target=TensorSpec((4,), "int64", 1, 10),
                    loss="cross_entropy",
                    optimizer="SGD",
                    lr=1.0,
                    steps=20,
                    seeds=(0, 1),
                    device="cpu",
                ),
                Target("net.py:Net", args=((None, 3), (None, "relu")), target=TensorSpec((4,))),
            ),
        ),
    )
    assert settings is not None and pickle.loads(pickle.dumps(settings)) == settings
    assert hash(settings) == hash(load("vglint.toml"))
    assert settings.excluded == ("gen", "*.ipynb")


def test_nothing_set_is_the_defaults(tmp_path: Path) -> None:
    file = str(write(tmp_path, ""))
    assert load(file) == Settings(root=str(tmp_path), file=Path(file).as_posix())


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ('output-format = "json"', (("json", None),)),
        ('output-format = ["json=a/b.json"]', (("json", "a/b.json"),)),
        ('output-format = {sarif = "x.sarif", full = ""}', (("sarif", "x.sarif"), ("full", None))),
    ],
)
def test_outputs(tmp_path: Path, line: str, pairs: tuple[tuple[str, str | None], ...]) -> None:
    settings = load(str(write(tmp_path, line)))
    assert settings is not None
    assert settings.output_format == tuple((name, str(tmp_path / file) if file else None) for name, file in pairs)


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ('selct = ["a"]', "selct", "there is no such key, did you mean 'select'?"),
        ("rule_dirs = []", "rule_dirs", "there is no such key, did you mean 'rule-dirs'?"),
        ("zzz = 1", "zzz", "there is no such key"),
        ('select = "VG1"', "select", "must be an array of strings, not 'VG1'"),
        ('select = ["a", 1]', "select[1]", "must be a string, not 1"),
        ('min-severity = "warn"', "min-severity", "must be one of 'error', 'warning', 'info', not 'warn', did you mean 'warning'?"),
        ("min-severity = 3", "min-severity", "must be one of 'error', 'warning', 'info', not 3"),
        ("pedantic = 1", "pedantic", "must be true or false, not 1"),
        ("jobs = true", "jobs", "must be a whole number, not true"),
        ("jobs = 1.5", "jobs", "must be a whole number, not 1.5"),
        ("jobs = 0", "jobs", "must be at least 1, not 0"),
        ("cache = 2020-01-01", "cache", "must be true or false, not a date"),
        ('[rules]\nVG101 = "error"', "rules.VG101", "must be a table, not 'error'"),
        ("[rules.VG101]\nx = [1]", "rules.VG101.x", "must be true or false, a number or a string, not an array"),
        ('[rules.VG101]\nseverity = "eror"', "rules.VG101.severity", "must be one of 'error', 'warning', 'info', not 'eror', did you mean 'error'?"),
        ('[per-file-ignores]\n"tests/*" = "VG1"', 'per-file-ignores."tests/*"', "must be an array of strings, not 'VG1'"),
        ('[per-file-ignores]\n"a.py" = [1]', 'per-file-ignores.a.py[0]', "must be a string, not 1"),
        ('exclude = ["a", "b\\\\"]', "exclude[1]", "is not a pattern: 'b\\\\'"),
        ("[probe]\nenable = true", "probe.enable", "there is no such key, did you mean 'enabled'?"),
        ("[probe]\ntimeout = 0", "probe.timeout", "must be above 0 seconds, not 0"),
        ('[probe]\nfail-on = "all"', "probe.fail-on", "must be one of 'findings', 'confirmed', not 'all'"),
        ("[probe]\nmemory = 0", "probe.memory", "must be at least 1, not 0"),
        ("[[probe.targets]]\nargs = [1]", "probe.targets[0]", "lacks the key 'entry'"),
        ('[[probe.targets]]\nentry = "a"\n[[probe.targets]]\nentry = 1', "probe.targets[1].entry", "must be a string, not 1"),
        ('[[probe.targets]]\nentry = "a"\ninputs = [1]', "probe.targets[0].inputs[0]", "must be an array of whole numbers, a table or a string, not 1"),
        ('[[probe.targets]]\nentry = "a"\ninputs = [{shape = [1], type = 1}]', "probe.targets[0].inputs[0].type", "there is no such key, did you mean 'dtype'?"),
        ('[[probe.targets]]\nentry = "a"\nlr = "fast"', "probe.targets[0].lr", "must be a number, not 'fast'"),
        ("x = ", "", "is not valid TOML: Invalid value (at end of document)"),
        ("[tool.vglint]\nselect = []", "tool", "keys stand at the top level of vglint.toml, not below [tool.vglint]"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load("vglint.toml")
    error = caught.value
    assert (error.file, error.key, error.message) == ("vglint.toml", key, message)
    assert str(error) == (f"vglint.toml: {key}: {message}" if key else f"vglint.toml: {message}")


@pytest.mark.parametrize("text", ['[tool.vglint]\nselct = ["a"]', "[tool]\nvglint = 1"])
def test_mistakes_in_pyproject(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load(str(write(tmp_path, text, "pyproject.toml")))


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: no such file or directory"):
        load(str(tmp_path / "absent.toml"))
    (tmp_path / "vglint.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="is not UTF-8: invalid start byte"):
        load(str(tmp_path / "vglint.toml"))


def test_the_closest_file_wins(tmp_path: Path) -> None:
    write(tmp_path, '[tool.vglint]\nignore = ["outer"]', "pyproject.toml")
    write(tmp_path / "a", '[project]\nname = "vglint-user"', "pyproject.toml")  # says nothing of us
    write(tmp_path / "a" / "b", '[tool.vglint]\nignore = ["hidden"]', "pyproject.toml")
    write(tmp_path / "a" / "b", 'ignore = ["inner"]')
    (tmp_path / "a" / "b" / "c").mkdir()
    write(tmp_path / "broken", "this is [ not toml", "pyproject.toml")
    configuration = Configuration()
    assert configuration.of(str(tmp_path)).ignore == ("outer",)
    assert configuration.of(str(tmp_path / "a")).ignore == ("outer",)
    assert configuration.of(str(tmp_path / "a")).root == str(tmp_path)
    assert configuration.of_file(str(tmp_path / "a" / "b" / "c" / "x.py")).ignore == ("inner",)
    assert configuration.of(str(tmp_path / "a" / "b" / "c")) is configuration.of(str(tmp_path / "a" / "b"))
    assert configuration.of(str(tmp_path / "broken")).ignore == ("outer",)  # nor is this one ours


def test_a_given_file_governs_everything(tmp_path: Path) -> None:
    write(tmp_path, 'ignore = ["near"]')
    given = write(tmp_path / "elsewhere", 'ignore = ["given"]', "my.toml")
    assert Configuration(str(given)).of(str(tmp_path)).ignore == ("given",)
    assert Configuration(isolated=True).of(str(tmp_path)).ignore == ()
    assert Configuration(isolated=True, overrides={"ignore": ("x",)}).of(str(tmp_path)).ignore == ("x",)


def test_overrides_from_the_command_line(tmp_path: Path) -> None:
    settings = Settings(select=("a",), ignore=("b",), extend_exclude=("c",), jobs=4)
    merged = settings.merged(select=("x",), ignore=("y",), extend_exclude=("z",), jobs=None, pedantic=True)
    assert merged == Settings(select=("x",), ignore=("b", "y"), extend_exclude=("c", "z"), jobs=4, pedantic=True)
    with pytest.raises(TypeError, match="did you mean 'select'"):
        settings.merged(selct=())


def test_every_setting_can_be_written(tmp_path: Path) -> None:
    """The keys of the file and the fields of the settings are the same, but for where they came from."""
    from vglint.config.schema import Schema

    written = {name.replace("-", "_") for name in Schema.__struct_encode_fields__}
    assert written == set(Settings.__struct_fields__) - {"root", "file", "project"} | {"extends"}
