"""The edits that a rule's `[fix]` may ask for, by name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TypeAlias

from vglint.finding import Edit, Finding, Fix
from vglint.fix.place import Source
from vglint.rule import Action
from vglint.span import Span

Edits: TypeAlias = "list[tuple[int, int, str]] | None"


def propose(action: Action, finding: Finding, text: str) -> Fix | None:
    """Returns the rule's fix for a finding; None where the code has a form that the fix does not know."""
    source = Source(text)
    if source.tree is None:
        return None
    try:
        edits = ACTIONS[action.action](source, finding, action.with_)
    except (IndexError, AssertionError, StopIteration):
        return None
    if not edits:
        return None
    fixed = text
    for start, end, new in sorted(edits, reverse=True):
        fixed = fixed[:start] + new + fixed[end:]
    try:
        ast.parse(fixed)
    except (SyntaxError, ValueError):
        return None
    if fixed == text:
        return None
    return Fix(action.title, action.safety, tuple(Edit(finding.span.file, *edit) for edit in edits))


def _replace_op(source: Source, finding: Finding, with_: str) -> Edits:
    """Replaces a module `nn.Sigmoid()`, and those of its kind that the finding names beside it, by another: `nn.GELU()`."""
    first = source.at(finding.span)
    if (
        not isinstance(first, ast.Call)
        or not isinstance(first.func, ast.Attribute)
        or not first.func.attr[:1].isupper()
    ):
        return None
    name = with_.rpartition(".")[2]
    edits: dict[tuple[int, int], str] = {}
    for span in (finding.span, *_spans(finding)):
        node = source.at(span)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == first.func.attr:
            edits[source.range(node)] = f"{source.segment(node.func.value)}.{name}()"
    return [(start, end, text) for (start, end), text in edits.items()]


def _drop_op(source: Source, finding: Finding, with_: str) -> Edits:
    """Removes an op of one tensor: `F.softmax(x, dim=1)` and `x.softmax(1)` become `x`, `nn.Softmax(dim=1)` an `nn.Identity()`."""
    node = source.at(_target(finding, with_))
    if not isinstance(node, ast.Call):
        return None
    start, end = source.range(node)
    match node.func:
        case ast.Attribute(value=owner, attr=attr) if attr[:1].isupper():
            return [(start, end, f"{source.segment(owner)}.Identity()")]
        case ast.Attribute(value=ast.Name(id="torch" | "F" | "functional" | "nn")) if node.args:
            return [(start, end, _grouped(source.segment(node.args[0]), node.args[0]))]
        case ast.Attribute(value=ast.Attribute(attr="functional" | "special")) if node.args:
            return [(start, end, _grouped(source.segment(node.args[0]), node.args[0]))]
        case ast.Attribute(value=ast.Name(id="self")):
            return [(start, end, _grouped(source.segment(node.args[0]), node.args[0]))]
        case ast.Attribute(value=owner):
            return [(start, end, source.segment(owner))]
        case _:
            return None


def _wrap(source: Source, finding: Finding, with_: str) -> Edits:
    """Wraps the list or dict that an attribute is assigned: `self.layers = […]` becomes `self.layers = nn.ModuleList([…])`."""
    statement = source.statement(finding.span)
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return None
    value = statement.value
    if isinstance(value, (ast.List, ast.ListComp)):
        name = "ModuleList"
    elif isinstance(value, (ast.Dict, ast.DictComp)):
        name = "ModuleDict"
    else:
        return None
    owner = _owner_of(source, with_)
    if owner is None:
        return None
    start, end = source.range(value)
    return [(start, start, f"{owner}.{name}("), (end, end, ")")]


def _delete_statement(source: Source, finding: Finding, with_: str) -> Edits:
    """Removes the statement of the finding, with its line."""
    statement = source.statement(finding.span)
    if statement is None or isinstance(
        statement, (ast.For, ast.While, ast.If, ast.With, ast.FunctionDef, ast.ClassDef)
    ):
        return None
    parent = source.parents().get(statement)
    if any(body == [statement] for body in _bodies(parent)):
        return None
    start, end = source.range(statement)
    line, last = source.starts[statement.lineno - 1], statement.end_lineno or statement.lineno
    after = source.starts[last] if last < len(source.starts) else len(source.text)
    if source.text[line:start].strip() or source.text[end:after].split("#")[0].strip():
        return None
    return [(line, after, "")]


def _unscale_before(source: Source, finding: Finding, with_: str) -> Edits:
    """Puts `scaler.unscale_(optimizer)` before the statement of the finding, named as the later `scaler.step(optimizer)` names them."""
    statement = source.statement(finding.span)
    if statement is None:
        return None
    step = next((call for call in map(source.at, _spans(finding)) if _is_step(call)), None)
    if not isinstance(step, ast.Call) or not isinstance(step.func, ast.Attribute):
        return None
    line = f"{source.segment(step.func.value)}.unscale_({source.segment(step.args[0])})"
    return _before(source, statement, line)


def _is_step(node: ast.expr | None) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "step"
        and bool(node.args)
    )


def _spans(finding: Finding) -> list[Span]:
    return [place.span for place in finding.related if place.span.file == finding.span.file]


def _before(source: Source, statement: ast.stmt, line: str) -> Edits:
    start, _ = source.range(statement)
    indent = source.text[source.starts[statement.lineno - 1] : start]
    if indent.strip():
        return None
    newline = "\r\n" if "\r\n" in source.text else "\n"
    return [(start, start, f"{line}{newline}{indent}")]


ACTIONS: Mapping[str, Callable[[Source, Finding, str], Edits]] = {
    "replace-op": _replace_op,
    "drop-op": _drop_op,
    "wrap-container": _wrap,
    "delete-statement": _delete_statement,
    "unscale-before": _unscale_before,
}


def _target(finding: Finding, with_: str) -> Span:
    """Returns the place that a fix changes: the finding's own, or with `related` the first other place in the same file."""
    if with_ == "related":
        return next(place.span for place in finding.related if place.span.file == finding.span.file)
    return finding.span


def _grouped(text: str, node: ast.expr) -> str:
    simple = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant))
    return text if simple else f"({text})"


def _bodies(parent: ast.AST | None) -> list[list[ast.stmt]]:
    if parent is None:
        return []
    return [body for name in ("body", "orelse", "finalbody") if isinstance(body := getattr(parent, name, None), list)]


def _owner_of(source: Source, module: str) -> str | None:
    """Returns the name that a file has for a module: `nn` after `import torch.nn as nn` or `from torch import nn`."""
    assert source.tree is not None
    above, _, last = module.rpartition(".")
    plain: str | None = None
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    if alias.name == module and alias.asname:
                        return alias.asname
                    if alias.name in (above, module) and alias.asname is None:
                        plain = module
            case ast.ImportFrom(module=origin, names=names, level=0) if origin == above:
                for alias in names:
                    if alias.name == last:
                        return alias.asname or last
    return plain
