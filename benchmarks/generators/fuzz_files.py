"""Repositories for `fuzz.py`: hostile notebooks, configurations, rules, ignore files, comments, names and caches, beside one ordinary model."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

from benchmarks.generators.fuzz_code import ROOT, dear_program, mutant, program

Files = Mapping[str, bytes]
"""Content by path."""

NET = b"""import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(12)])

    def forward(self, x):
        return self.layers(x)
"""
BITS = ("%%time\n", "%x ", "!ls ", "x?", "?", "\\", "\\\n", " ", "\t", "\n", "\r", "'", '"', "'''", '"""', "(", ")", "[", "]", "#", "a = ", "= %t", "=!", "f'{", "}", "x", "nn.Linear(2, 2)", "\u2028", "\x0c", "\x1b[31m", "::error::", "##[error]", "\ud800", "%%bash\n", "await x", "0", ",")  # fmt: skip


def noise(rng: random.Random, most: int = 12) -> str:
    """Returns pieces that mean something to a reader of notebooks, comments or logs, some of them very often."""
    return "".join(rng.choice(BITS) * rng.choice((1, 1, 1, 2, 3, 50, 3_000)) for _ in range(rng.randint(1, most)))


def notebook(rng: random.Random) -> Files:
    cells: list[object] = []
    for _ in range(rng.randint(0, 8)):
        text = rng.choice((noise, lambda rng: program(rng).decode(), lambda rng: NET.decode()))(rng)
        source: object = text if rng.random() < 0.5 else text.splitlines(keepends=True)
        kind = rng.choice(("code", "code", "code", "markdown", "raw", 3))
        cells.append({"cell_type": kind, "source": rng.choice((source, source, source, None, 3, [3])), "outputs": []})
    book: dict[str, object] = {"cells": cells, "metadata": {}, "nbformat": 4}
    if rng.random() < 0.2:
        book[rng.choice(("cells", "metadata", "worksheets", "x"))] = rng.choice((None, 3, [], {}, [[[]]], cells, "x"))
    content = json.dumps(book).encode()
    return {"book.ipynb": _cut(rng, content), "net.py": NET}


def comments(rng: random.Random) -> Files:
    lines = NET.decode().splitlines()
    for _ in range(rng.randint(1, 5)):
        words = rng.choice(
            (
                "VG101",
                "VG1",
                "saturating-stack",
                "VG101,VG102",
                "",
                ",",
                noise(rng, 2),
                "VG101" * 2_000,
                ",".join(["VG1"] * 3_000),
            )
        )
        mark = rng.choice(
            (
                "# vglint: ignore",
                "# vglint: file-ignore",
                "#vglint:ignore",
                "# VGLINT: IGNORE",
                "# vglint:",
                "# expect:",
            )
        )
        brackets = rng.choice(
            ("[{}]", "[{}", "{}]", "[[{}]]", " [{}] why", "({})", "[{}]#", "[{}] # vglint: ignore[{}]")
        )
        at = rng.randrange(len(lines))
        lines[at] += "  " + mark + brackets.replace("{}", words)
    return {"net.py": "\n".join(lines).encode("utf-8", "surrogatepass")}


def patterns(rng: random.Random) -> Files:
    bits = (
        "*",
        "**",
        "?",
        "[a-z]",
        "[!a]",
        "[",
        "]",
        "\\",
        "/",
        "a",
        "net.py",
        "!",
        "#",
        " ",
        "\n",
        "\n",
        "[[:alpha:]]",
        "[[:x:]]",
        "{a,b}",
        "\x00",
        "\xe9",
    )
    text = "".join(rng.choice(bits) * rng.choice((1, 1, 1, 2, 40)) for _ in range(rng.randint(1, 30)))
    return {".git/HEAD": b"", ".gitignore": _cut(rng, text.encode()), "a/b/net.py": NET, "a" * 200 + ".py": NET}


TOML = ("select", "ignore", "extend-select", "exclude", "per-file-ignores", "rules", "rule-dirs", "output-format", "cache-dir", "jobs", "probe", "resolve", "extends", "min-severity", "pedantic", "x", "rules.VG101.decades", "probe.timeout", "probe.targets", "fixable", '"\\u001b"', "''", "a.b.c")  # fmt: skip


def _toml(rng: random.Random, depth: int = 3) -> str:
    simple = (
        "1",
        "-1",
        "true",
        "1e400",
        "nan",
        "inf",
        "'x'",
        '"\\u001b[31m"',
        '"VG101"',
        '"../x"',
        '"/etc"',
        '"."',
        "9" * 30,
        "0x" + "f" * 20,
        "1979-05-27",
        '"*a*a"',
        '""',
        '"concise=../x"',
        '"sarif=a.txt"',
    )
    if depth == 0 or rng.random() < 0.5:
        return rng.choice(simple)
    if rng.random() < 0.5:
        return "[" + ", ".join(_toml(rng, depth - 1) for _ in range(rng.choice((0, 1, 2, 3, 60)))) + "]"
    return "{" + ", ".join(f"k{at} = {_toml(rng, depth - 1)}" for at in range(rng.randrange(4))) + "}"


def configuration(rng: random.Random) -> Files:
    keys = rng.sample(TOML, rng.randint(1, 4))
    text = "\n".join(f"{key} = {_toml(rng)}" for key in keys) + "\n"
    if rng.random() < 0.2:
        text += rng.choice(
            (
                "[probe]\nenabled = true",
                "[[probe.targets]]\nentry = 3",
                "[" * 500,
                "a = " + "[" * 500,
                ".".join("a" * 2_000) + " = 1",
            )
        )
    name = rng.choice(("vglint.toml", "vglint.toml", "pyproject.toml"))
    return {name: _cut(rng, (text if name == "vglint.toml" else "[tool.vglint]\n" + text).encode()), "net.py": NET}


def rule(rng: random.Random) -> Files:
    """Returns a bundled rule with hostile values in it."""
    lines = rng.choice(sorted((ROOT / "rules").glob("*.toml"))).read_text(encoding="utf-8").splitlines()
    lines = [
        'id = "XX100"' if line.startswith("id ") else 'name = "a-rule"' if line.startswith("name ") else line
        for line in lines
    ]
    conditions = (
        "9 ** 9 ** 9 > 1",
        "count(layers) > 1",
        "not " * 900 + "True",
        "(" * 150 + "True" + ")" * 150,
        "1 < 2 < 3",
        "x",
        "known(x)",
        "'a' in ('a',)",
        "1 / 0 > 1",
        "1e308 * 10 > 1",
        "lambda: 1",
        "[1][0] > 0",
        "().__class__",
        "f'{1}' == '1'",
        "1 if 1 else 2",
        "depth ** depth ** depth > 0",
        "-" * 500 + "1 > 0",
        "max(1, 2) > min()",
        "log10(0) > 1",
        "round(1e400) > 1",
    )
    texts = (
        "{x}",
        "{",
        "}",
        "{{}}",
        "{count(layers)!r}",
        "{count(layers):>99999}",
        "{first(layers):{x}}",
        "\\u001b",
        "::error::",
        "{0}",
        "{layers}",
        "{1e400}",
        "{1/0:d}",
        "a" * 5_000,
    )
    for _ in range(rng.randint(1, 3)):
        key, values = rng.choice(
            (("when", conditions), ("message", texts), ("advice", texts), ("summary", texts), ("blame", conditions))
        )
        lines.insert(0, "") if rng.random() < 0.1 else None
        for at, line in enumerate(lines):
            if line.startswith(f"{key} ") and line.count('"') == 2:
                lines[at] = f"{key} = {json.dumps(rng.choice(values))}"
    return {
        "rules/XX100.toml": _cut(rng, "\n".join(lines).encode()),
        "vglint.toml": b'rule-dirs = ["rules"]',
        "net.py": NET,
    }


def names(rng: random.Random) -> Files:
    bits = (
        "::error::",
        "\x1b[31m",
        "\n",
        "\r",
        " ",
        "##[error]",
        "a",
        "'",
        '"',
        "\\",
        "%0A",
        "\u202e",
        "\udcff",
        ":",
        ",",
        "é",
        "-",
        "<b>",
        "|",
        "`",
    )
    name = "".join(rng.choice(bits) for _ in range(rng.randint(1, 6))) + ".py"
    return {name: rng.choice((NET, NET[:-20], mutant(rng))), "net.py": NET}


def cache(rng: random.Random) -> Files:
    """Returns a repository whose cache, made by a run, is then broken: `fuzz.py` breaks it by what `.break` says."""
    return {"net.py": NET, ".break": str(rng.randrange(1 << 30)).encode()}


def dear(rng: random.Random) -> Files:
    return {"dear.py": dear_program(rng), "net.py": NET}


def _cut(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    if changed and rng.random() < 0.2:
        for _ in range(rng.randint(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    if rng.random() < 0.05:
        del changed[rng.randrange(len(changed) + 1) :]
    return bytes(changed)


def broken(folder: Path, seed: int) -> None:
    """Breaks the files of a cache: bytes changed, cut off, put in the place of others."""
    rng = random.Random(seed)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = bytearray(path.read_bytes())
            for _ in range(rng.choice((1, 3, 30))):
                if content:
                    content[rng.randrange(len(content))] = rng.randrange(256)
            path.write_bytes(bytes(content[: rng.choice((None, None, len(content) // 2))]))


KINDS = (notebook, comments, patterns, configuration, rule, names, cache, dear)
