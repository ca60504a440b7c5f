"""Notebooks: code cells as one module, lines that stay true, and problems by cell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vglint.finding import Problem
from vglint.source.module import Module
from vglint.source.project import Project


def notebook(*cells: str | tuple[str, str], **metadata: Any) -> bytes:
    made = [("code", cell) if isinstance(cell, str) else cell for cell in cells]
    content = [
        {"cell_type": kind, "source": text.splitlines(keepends=True), "metadata": {}, "outputs": [{"x": [1]}]}
        for kind, text in made
    ]
    return json.dumps({"cells": content, "metadata": metadata, "nbformat": 4}).encode()


def module_of(content: bytes) -> Module:
    module = Project(".").add("a.ipynb", content)
    assert isinstance(module, Module), module
    return module


def test_cells_in_order() -> None:
    module = module_of(notebook("import torch\nx = 1", ("markdown", "# class A:"), "class A:\n  pass\n", "", "y = 2"))
    assert module.text == "import torch\nx = 1\nclass A:\n  pass\n\ny = 2\n"
    assert [(cell.number, cell.line, cell.index) for cell in module.cells] == [
        (1, 1, 0),
        (2, 3, 2),
        (3, 5, 3),
        (4, 6, 4),
    ]
    assert [module.cell_at(line) for line in range(1, 7)] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 1)]
    assert [unit.line for unit in module.binding("A")] == [3]


MAGICS = {
    "%matplotlib inline\nx = 1": "pass\nx = 1",
    "!pip install torch \\\n  numpy\nx = 1": "pass\n\nx = 1",
    "if x:\n    !ls\n    %cd ..": "if x:\n    pass\n    pass",
    "?torch.nn": "pass",
    "torch.nn?": "pass",
    "torch.nn?? # source": "pass",
    "files = !ls\nenv = %env": "files = get_ipython()\nenv = get_ipython()",
    "%time y = f(x)": "if 1: y = f(x)",
    "%timeit f(x)": "pass",
    "%%time\ny = f(x)": "\ny = f(x)",
    "\n%%time\ny = f(x)": "\n\ny = f(x)",
    "%%bash\nls $x": "\n",
    "%%writefile a.py\nclass A:": "\n",
    "%%capture out\n%cd x\ny = 1": "\npass\ny = 1",
    "x = ('%d'\n% y)": "x = ('%d'\n% y)",
    "x = y \\\n  % z": "x = y \\\n  % z",
    "x = '''\n%s\n!no\nwhat?\n'''\n!ls": "x = '''\n%s\n!no\nwhat?\n'''\npass",
    'x = """a\\"""\n%no\n"""\n%yes': 'x = """a\\"""\n%no\n"""\npass',
    "x = {\n'a': '%' # (\n}\n!ls": "x = {\n'a': '%' # (\n}\npass",
    "x = '(' # what?": "x = '(' # what?",
    "x = 5 %3": "x = 5 %3",
    "x %= 3": "x %= 3",
    "x != y": "x != y",
    "await f()": "await f()",
    "x = 1\r\ny = 2\r": "x = 1\ny = 2",
}


@pytest.mark.parametrize(("cell", "python"), MAGICS.items())
def test_magics(cell: str, python: str) -> None:
    module = module_of(notebook(cell, "last = 1"))
    assert module.text == f"{python}\nlast = 1\n"
    assert module.unread == ()
    assert module.cell_at(module.binding("last")[0].line) == (2, 1)


def test_a_broken_cell_costs_only_itself() -> None:
    module = module_of(notebook("x = 1", "def f(:\n  1\n  2", "class A: pass"))
    assert [unit.names for unit in module.units if unit.kind != "function"] == [("x",), ("A",)]
    assert module.cell_at(module.units[2].line) == (3, 1)
    (problem,) = module.unread
    assert problem.message.startswith("is not valid Python: ")
    assert problem.line is not None and module.cell_at(problem.line) == (2, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a notebook: Input data was truncated"),
        (b"{", "is not a notebook: Input data was truncated"),
        (b"[]", "is not a notebook: Expected `object`"),
        (b"{}", "is not a notebook: it has no cells"),
        (b'{"cells": 1}', "is not a notebook: Expected `array | null`, got `int` - at `$.cells`"),
        (b'{"cells": [{"source": 1}]}', "is not a notebook: Expected `str | array`"),
        (b"\xff\x00", "is not a notebook: "),
        (b'{"cells": ' + b"[" * 100000, "is not a notebook: "),
        (b'{"cells": [], "metadata": []}', "is not a notebook: "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_notebook(content: bytes, message: str) -> None:
    problem = Project(".").add("a.ipynb", content)
    assert isinstance(problem, Problem) and problem.message.startswith(message)


def test_older_and_odder_notebooks() -> None:
    third = {
        "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python"}]}],
        "metadata": {"name": ""},
    }
    assert module_of(json.dumps(third).encode()).text == "x = 1\ny = 2\n"
    assert module_of(b'\xef\xbb\xbf{"cells": [{"cell_type": "code", "source": "x = 1"}]}').text == "x = 1\n"
    assert module_of(notebook("x <- 1", kernelspec={"name": "ir", "language": "R"})).units == ()
    assert module_of(notebook("x = 1", kernelspec={"name": "python3", "display_name": "P"})).units != ()
    assert module_of(notebook()).text == ""
