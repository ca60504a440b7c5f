"""The rows of the tables `*/python.md`: snippets of Python, each with what its last expression is."""

from __future__ import annotations

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import Any

from vglint.finding import Problem
from vglint.interp.entries.guarded import new_run
from vglint.interp.machine.core import Frame, evaluate
from vglint.interp.machine.names import namespace
from vglint.interp.values.objects import DictV, Instance, ListV, OpaqueV, Scope, SetV, TextMember
from vglint.source.project import Project
from vglint.source.unit import expression_unit
from vglint.value import Unknown

HERE = Path(__file__).resolve().parent
ROW = re.compile(
    r"^## (?P<title>.+)\n\n```python\n(?P<code>(?:(?!```|# →|# known:).*\n)*)(?:# → (?P<value>.*)\n)?(?:# known: (?P<known>.*)\n)?```$",
    re.M,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    file: Path
    title: str
    code: str
    value: str
    """What Python prints, as the file has it."""
    known: str
    """What vglint knows of it, where that is less."""
    text: str

    @property
    def name(self) -> str:
        return f"{self.file.parent.name}: {self.title}"

    def written(self, value: str, known: str) -> str:
        """Returns the row's text with other values."""
        less = f"# known: {known}\n" if known != value else ""
        return f"## {self.title}\n\n```python\n{self.code}# → {value}\n{less}```"

    @property
    def program(self) -> str:
        """A file whose `asked()` is the last expression: the snippet as a function's body, as a module's where it binds global names."""
        tree = ast.parse(self.code)
        lines = self.code.splitlines()
        last = tree.body[-1].lineno - 1
        before, value = "\n".join(lines[:last]), "return (" + "\n".join(lines[last:]) + ")\n"
        if any(isinstance(node, ast.Global) for node in ast.walk(tree)):
            return f"{before}\ndef asked():\n{textwrap.indent(value, '    ')}"
        return f"def asked():\n{textwrap.indent(before, '    ')}\n{textwrap.indent(value, '    ')}"


def rows() -> list[Row]:
    return [
        Row(file, row["title"], row["code"], row["value"] or "", row["known"] or "", row[0])
        for file in sorted(HERE.glob("*/python.md"))
        for row in ROW.finditer(file.read_text(encoding="utf-8"))
    ]


def python(row: Row) -> str:
    """Returns what Python prints for the last expression of a row."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(row.program, "program.py", "exec", dont_inherit=True), space)
    return printed(space["asked"]())


def vglint(row: Row, folder: Path) -> str:
    """Returns what vglint's interpreter has for it."""
    project = Project(folder)
    module = project.add(str(folder / "program.py"), row.program)
    assert not isinstance(module, Problem)
    run = new_run(project, row.title)
    asked = expression_unit(module.path, "asked()")
    assert not isinstance(asked, str)
    unit, node = asked
    return printed(evaluate(run, node, Frame(Scope({}, None, namespace(run, module)), unit, None)))


def printed(value: Any) -> str:
    """Returns a value as Python prints it; a set in order; of a value that is not plain, its kind."""
    match value:
        case TextMember():
            return f"<{value.cls.name}.{value.name}: {str(value)!r}>"
        case None | bool() | EllipsisType() | complex() | bytes() | float():
            return repr(value)
        case int():
            return int.__repr__(value)
        case str():
            return str.__repr__(value)
        case range():
            return repr(value)
        case tuple():
            return "(" + ", ".join(map(printed, value)) + (",)" if len(value) == 1 else ")")
        case list() | ListV():
            return "[" + ", ".join(map(printed, value if isinstance(value, list) else value.items)) + "]"
        case set() | frozenset() | SetV():
            items = sorted(map(printed, value.items if isinstance(value, SetV) else value))
            return "{" + ", ".join(items) + "}" if items else "set()"
        case dict() | DictV():
            items = value.items.items() if isinstance(value, DictV) else value.items()
            return "{" + ", ".join(f"{printed(key)}: {printed(item)}" for key, item in items) + "}"
        case Instance() if value.entries is not None:
            return printed(value.entries)
        case Unknown() | OpaqueV():
            return "?"
        case _:
            return f"<{type(value).__name__}>"
