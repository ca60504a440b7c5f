"""Initialisers that training code forgets: methods and functions that write weights and that no file of the run names again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from vglint.interp.machine.core import Run
from vglint.interp.machine.names import member
from vglint.interp.nodes.emit import emit
from vglint.interp.values.objects import ClassV, External, FunctionV, ModuleV, Namespace, Site

_KEPT = frozenset({"__init__", "forward", "__call__", "setup", "build"})
_FILLING = frozenset({"normal_", "uniform_", "fill_", "zero_", "copy_", "xavier_uniform_", "kaiming_normal_"})


def note_idle_initialisers(run: Run) -> None:
    """Notes each initialiser of a trained model's class, or beside it in its file, that is defined and never used."""
    if not any(draft.op == "step" for draft in run.nodes):
        return
    spaces = [space for space in run.memory.namespaces.values() if not space.prefix]
    texts = [space.module.text for space in spaces]
    for function, title in (*_methods(run), *_functions(run, spaces)):
        uses = sum(len(re.findall(rf"\b{function.name}\b", text)) for text in texts)
        definitions = sum(len(re.findall(rf"\bdef\s+{function.name}\b", text)) for text in texts)
        if uses == definitions:
            emit(run, "idle_init", [], {"name": title}, Site(function.unit, function.node))
            run.nodes[-1].setup = False


def _classes(run: Run) -> list[ClassV]:
    """Returns the user's classes of the modules that ran, whose bases are all known."""
    found: dict[str, ClassV] = {}
    for module in run.modules:
        if isinstance(module, ModuleV) and isinstance(module.cls, ClassV) and module.called:
            found.setdefault(module.cls.qualified, module.cls)
    plain = ("torch.nn.Module", "builtins.object", "abc.ABC")
    return [
        cls
        for cls in found.values()
        if all(isinstance(base, ClassV) or (isinstance(base, External) and base.name in plain) for base in cls.mro)
    ]


def _methods(run: Run) -> Iterator[tuple[FunctionV, str]]:
    for cls in _classes(run):
        node = cls.unit.ast
        if not isinstance(node, ast.ClassDef):
            continue
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name not in _KEPT and _initialises(each):
                value = cls.names.get(each.name)
                if isinstance(value, FunctionV):
                    yield value, f"{cls.name}.{each.name}"


def _functions(run: Run, spaces: list[Namespace]) -> Iterator[tuple[FunctionV, str]]:
    """Yields the initialisers for `apply` that stand in the file of a model's class."""
    files = {cls.unit.file for cls in _classes(run)}
    for space in spaces:
        if space.module.path not in files:
            continue
        for unit in space.module.units:
            node = unit.ast
            if isinstance(node, ast.FunctionDef) and len(node.args.args) == 1 and _initialises(node) and _tests(node):
                value = member(run, space, node.name)
                if isinstance(value, FunctionV):
                    yield value, node.name


def _initialises(node: ast.FunctionDef) -> bool:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            holder = ast.unparse(each.func.value)
            if re.search(r"\binit$", holder) and each.func.attr.endswith("_"):
                return True
            if each.func.attr in _FILLING and re.search(r"(weight|bias)\.data$", holder):
                return True
    return False


def _tests(node: ast.FunctionDef) -> bool:
    text = ast.unparse(node)
    return "isinstance(" in text or "__class__" in text or "classname" in text
