"""The form of the house: every invariant that ARCHITECTURE.md states and a test can hold."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import vglint
from vglint import ops
from vglint.ops.spec import Kind

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vglint"
FILES = sorted(PACKAGE.rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "regex",
        "disk",
        "seal",
        "nearest",
        "number",
        "span",
        "origin",
        "value",
        "shape",
        "signal",
        "graph",
        "rule",
        "finding",
        "given",
    ),
    ("source", "ops", "config", "report"),
    ("interp",),
    ("analysis",),
    ("fix", "target"),
    ("rulebook",),
    ("probe",),
    ("lint",),
    ("selftest", "api"),
    ("server", "magic"),
    ("cli", "plugin"),
    ("__main__",),
)
LEFTWARD = frozenset({0})
"""Floors whose rooms stand in order: each may use those to its left."""

HOMES = {
    "IPython": {"magic"},
    "click": {"cli", "report"},
    "libcst": {"source", "fix"},
    "lsprotocol": {"server"},
    "msgspec": {room for rooms in FLOORS for room in rooms},
    "pygls": {"server"},
    "pytest": {"plugin"},
    "tomli": {"config", "rulebook"},
    "numpy": {"probe"},
    "torch": {"probe"},
    "transformers": {"probe"},
}

EXTRA = frozenset({"IPython", "lsprotocol", "pygls"})
"""Third parties that come with `vglint[lsp]` alone, or that call vglint."""
LONGEST = 400


def rooms() -> dict[str, tuple[int, int]]:
    """Returns floor and place of each room."""
    return {room: (floor, place) for floor, names in enumerate(FLOORS) for place, room in enumerate(names)}


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Returns the dotted name of everything that a file imports, wherever in the file it does."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(found)


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def test_every_file_has_a_room() -> None:
    assert {room_of(path) for path in FILES} - {"__init__"} <= set(rooms())


def allowed(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    floor, place = rooms()[importer]
    other_floor, other_place = rooms()[imported]
    return other_floor < floor or (other_floor == floor and floor in LEFTWARD and other_place < place)


def wrong_imports(path: Path) -> list[str]:
    room = room_of(path)
    wrong = []
    for name in imports(path):
        first, _, rest = name.partition(".")
        inner = rest.partition(".")[0]
        if first == "vglint":
            if room != "__init__" and inner in rooms() and not allowed(room, inner):
                wrong.append(name)
        elif first not in sys.stdlib_module_names and room not in HOMES.get(first, ()):
            wrong.append(name)
    return wrong


def test_imports_point_down_and_third_parties_stay_home() -> None:
    assert {str(path): wrong for path in FILES if (wrong := wrong_imports(path))} == {}


def test_the_import_test_can_fail(tmp_path: Path) -> None:
    folder = PACKAGE / "report"
    assert not allowed("report", "interp")
    assert not allowed("source", "ops")
    assert not allowed("span", "finding")
    assert allowed("finding", "span")
    assert "click" in HOMES and room_of(folder / "full.py") == "report"


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_benchmark_imports_of_vglint_exists(path: Path) -> None:
    """Benchmarks need packages that the tests do not, so that none of them imports one."""
    for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").partition(".")[0] == "vglint":
            module = importlib.import_module(str(statement.module))
            names = [each.name for each in statement.names]
            assert [
                name for name in names if not hasattr(module, name) and not _is_module(statement.module, name)
            ] == []


def _is_module(package: str | None, name: str) -> bool:
    return importlib.util.find_spec(f"{package}.{name}") is not None


def test_a_file_is_one_thing() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in (*FILES, *BENCHMARKS)}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST} == {}


FOREIGN = {
    "fix/actions": "an edit names the calls that it looks for and those that it writes",
    "interp/library": "functions of Python and of other libraries than torch",
    "interp/kinds/arrays.py": "functions of numpy",
    "interp/kinds/numbers.py": "methods of numpy's arrays and of Python's numbers",
    "interp/machine/names.py": "functions of the module math",
    "interp/protocols/mathematics.py": "functions of the module math",
    "interp/kinds/tensors.py": "methods of a tensor, as they are called",
    "interp/torch/trainers.py": "methods of an accelerator",
}
"""Where names that are also ops' mean something else, and what."""


def op_tables(source: str) -> list[tuple[int, list[str]]]:
    """Returns line and names of what counts as a table of ops: a tuple, list, set, dict (by its keys) or alternative of a `case` that holds two
    names of ops or more, or a text that lists them between spaces.

    Names do not count that Python itself has (`max`), or that are kinds of ops (`norm`). Nor does what stands in a type, or says which ops a
    change may touch.
    """
    names = _ops()
    tree = ast.parse(source)
    meant = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) or (isinstance(node, ast.keyword) and node.arg == "ops")
        for inner in ast.walk(node.slice if isinstance(node, ast.Subscript) else node.value)
    }
    found = []
    for node in ast.walk(tree):
        texts = [text for text in _texts_in(node) if text in names]
        if len(texts) >= 2 and node not in meant:
            found.append((node.lineno, texts))
    return sorted(found)


@cache
def _ops() -> frozenset[str]:
    return frozenset(ops.OPS.keys() - set(dir(builtins)) - set(get_args(Kind)))


def _texts_in(node: ast.AST) -> list[str]:
    match node:
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(keys=items):
            return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        case ast.MatchOr(patterns=patterns):
            values = [each.value for each in patterns if isinstance(each, ast.MatchValue)]
            return [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        case ast.Constant(value=str() as text) if len(text.split()) >= 3:
            words = text.split()
            return words if sum(word in ops.OPS for word in words) > len(words) / 2 else []
        case _:
            return []


def test_ops_are_listed_in_the_op_table_only() -> None:
    """What is true of an op is a property of its entry: `ops.has(op, "saturates")`, see `vglint/ops/traits.py`."""
    ours = [
        path
        for path in FILES
        if room_of(path) != "ops"
        and not any(str(path.relative_to(PACKAGE)).startswith((each, f"{each}/")) for each in FOREIGN)
    ]
    assert len(ours) > 300
    assert {str(path): found for path in ours if (found := op_tables(path.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('_SQUASHING = frozenset({"sigmoid", "tanh"})', 1),
        ('if node.op in ("add", "sub"): pass', 1),
        ('_GAIN = {"relu": 2, "tanh": 3}', 1),
        ('_MOVING = "view reshape permute".split()', 1),
        ('match op:\n    case "exp" | "log": pass', 1),
        ('if node.op == "add" or node.op == "sub": pass', 0),
        ('kinds = ("norm", "dropout", "activation")', 0),
        ('FUNCTIONS = {"max": max, "min": min}', 0),
        ('Cause: Literal["softmax", "sigmoid"]', 0),
        ('Allowed(ops=frozenset({"log", "softmax"}))', 0),
        ('text = "the softmax of a sigmoid is taken"', 0),
    ],
)
def test_the_table_test_can_fail(source: str, count: int) -> None:
    assert len(op_tables(source)) == count


ROOMS = ("static", "values", "machine", "nodes", "protocols", "torch", "kinds", "library", "syntax", "entries")
"""The interpreter's rooms, each above what it uses."""


@cache
def runtime_imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """Returns the modules of vglint that a file imports when it runs, and whether inside a function."""
    return tuple(_runtime_imports(path))


def _runtime_imports(path: Path) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(path.read_bytes())
    typing_only = {
        inner
        for node in tree.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    top = set(tree.body)
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "vglint":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module, node not in top


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Returns the modules that import each other, directly or not, group by group."""
    reached = {name: _reached(name, edges) for name in edges}
    found = {tuple(sorted(other for other in reached[name] if name in reached.get(other, ()))) for name in edges}
    return [list(group) for group in sorted(found) if group]


def _reached(start: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += edges.get(name, ())
    return seen


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {name: {other for other, _ in runtime_imports(path)} - {name} for name, path in MODULES.items()}
    assert circles(edges) == []


def test_kinds_of_data_are_made_in_one_way() -> None:
    """A `msgspec.Struct` costs a fortieth of a dataclass to declare, which every run does, and an eighth to make."""
    assert [str(path) for path in FILES if "dataclasses" in {name.partition(".")[0] for name in imports(path)}] == []


def test_a_module_compiles_no_pattern_when_it_is_imported() -> None:
    """`vglint.regex.regex` does when the pattern is first used."""
    late = r"^(?!@)\S.*\bre\.compile\("
    assert [
        str(path) for path in FILES if room_of(path) != "probe" and re.search(late, path.read_text("utf-8"), re.M)
    ] == []


def test_the_circle_test_can_fail() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def interpreter_room(module: str) -> str:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["vglint", "interp"] and len(parts) > 2 else ""


def upward(module: str, imported: str) -> bool:
    """Whether one of the interpreter's files imports from a room above its own."""
    own, other = interpreter_room(module), interpreter_room(imported)
    return bool(own and other) and ROOMS.index(other) > ROOMS.index(own)


def test_each_room_of_the_interpreter_stands_above_what_it_uses() -> None:
    imports = [(name, other) for name, path in MODULES.items() for other, _ in runtime_imports(path)]
    assert [(name, other) for name, other in imports if upward(name, other)] == []
    assert {room for name in MODULES if (room := interpreter_room(name))} == set(ROOMS)


def test_the_room_test_can_fail() -> None:
    assert upward("vglint.interp.nodes.emit", "vglint.interp.torch.modules")
    assert not upward("vglint.interp.torch.modules", "vglint.interp.nodes.emit")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_small_and_says_what_it_is_for(room: str) -> None:
    files = sorted((PACKAGE / "interp" / room).glob("*.py"))
    assert 1 < len(files) <= 21
    assert ast.get_docstring(ast.parse(files[0].read_bytes()))


def test_the_interpreter_imports_nothing_of_ours_inside_a_function() -> None:
    late = [
        (name, other)
        for name, path in MODULES.items()
        if interpreter_room(name)
        for other, inside in runtime_imports(path)
        if inside
    ]
    assert late == []


def readers_of_texts(source: str) -> list[int]:
    """Returns the lines that compare, search or take apart the text of an unknown value, a gap or a region."""
    found = []
    for node in ast.walk(ast.parse(source)):
        asked: list[ast.expr] = []
        match node:
            case ast.Compare(left=left, comparators=others):
                asked = [left, *others]
            case ast.Call(func=ast.Attribute(value=holder, attr=attr), args=args):
                asked = [holder] if attr in _TAKING else args if attr in _SEARCHING else []
            case _:
                pass
        for each in asked:
            match each:
                case ast.Attribute(value=ast.Name(id="gap" | "unknown" | "cause" | "region"), attr="text" | "why"):
                    found.append(each.lineno)
                case ast.Attribute(value=ast.Attribute(attr="origin" | "why"), attr="text"):
                    found.append(each.lineno)
                case _:
                    pass
    return found


_TAKING = frozenset({"startswith", "endswith", "partition", "rpartition", "split", "isidentifier", "isdigit", "find"})
_SEARCHING = frozenset({"search", "match", "fullmatch"})


def test_no_program_reads_the_text_of_what_is_not_known() -> None:
    texts = ((str(path), path.read_text(encoding="utf-8")) for path in FILES)
    assert {path: lines for path, text in texts if (lines := readers_of_texts(text))} == {}


def test_the_text_test_can_fail() -> None:
    assert readers_of_texts(
        'if gap.text.startswith("raises "): pass\nx = unknown.why == "argument"\ny = "cpu" in region.text\n'
    ) == [1, 2, 3]


def test_no_file_is_named_after_nothing() -> None:
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "base", "manager", "common", "misc"}


def run(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )


NO_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "numpy"):
            raise ImportError(f"{name} must not be imported")

sys.meta_path.insert(0, Refuse())
"""

LINT = """
from glob import glob
from vglint.cli import cli
status = cli(["--no-cache", "--jobs", "1", *sorted(glob("fixtures/models/*.py"))[::4]], standalone_mode=False)
print("done")
"""


def test_linting_never_imports_torch() -> None:
    done = run("-c", NO_TORCH + LINT)
    assert done.stdout.endswith("done\n"), done.stdout[-2000:] + done.stderr[-2000:]
    assert "internal error" not in done.stdout


def test_the_torch_test_can_fail() -> None:
    done = run("-c", NO_TORCH + "import vglint.report, torch\n" + LINT)
    assert "torch must not be imported" in done.stderr


def test_quick_verbs_import_nothing_slow() -> None:
    done = run("-X", "importtime", "-m", "vglint", "--version")
    assert done.stdout == f"vglint {vglint.__version__}\n"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"libcst", "msgspec", "pathspec", "tomli", "concurrent.futures", "torch"}
    done = run("-X", "importtime", "-c", "import vglint.cli")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"libcst", "msgspec", "pathspec", "tomli", "json", "concurrent.futures", "importlib.metadata"}


WHERE = "from vglint.rulebook import bundled, load; print(bundled()); print(len(load().rules))"


def test_a_checkout_finds_its_rules() -> None:
    place, count = run("-c", WHERE).stdout.split()
    assert Path(place) == ROOT / "rules"
    assert int(count) == len(list((ROOT / "rules").glob("*.toml")))


def test_the_wheel_holds_the_rules(tmp_path: Path) -> None:
    built = run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    done = run("-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); {WHERE}", cwd=tmp_path)
    place, count = done.stdout.split()
    assert Path(place) == tmp_path / "installed" / "vglint" / "rules"
    assert int(count) == len(list((ROOT / "rules").glob("*.toml")))


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["lint", "format", "types"],
)
def test_the_code_is_clean(command: tuple[str, ...]) -> None:
    done = run("-m", *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dependencies_are_small() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)\]", text, re.S | re.M)
    assert block
    assert set(re.findall(r'"([a-z]+)', block[1])) == set(HOMES) - {"numpy", "torch", "transformers", "pytest", *EXTRA}
