"""What training code never calls: initialisers that no file of the run names again, and methods `backward` of modules, which autograd does not ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vglint.interp.machine.core import Run
from vglint.interp.machine.names import member
from vglint.interp.machine.registries import imported_files
from vglint.interp.nodes.emit import emit
from vglint.interp.values.objects import ClassV, External, FunctionV, Namespace, Site
from vglint.ops.fills import IN_PLACE, SCHEMES
from vglint.regex import regex
from vglint.source import code
from vglint.source.unit import Unit

_KEPT = frozenset({"__init__", "forward", "__call__", "setup", "build"})
_FILLING = IN_PLACE.keys() | {f"{scheme}_" for scheme in SCHEMES} | {"copy_"}


def note_idle_initialisers(run: Run) -> None:
    """Notes each initialiser of a trained model's class, or beside it in its file, that is defined and never used."""
    if not any(draft.op == "step" for draft in run.graph.nodes):
        return
    classes = _classes(run, fresh=True)
    files = {cls.unit.file for cls in classes}
    found = [*_methods(classes), *_functions(run, _spaces(run, files))]
    texts = _texts(run, files) if found else []
    for function, title in found:
        uses = sum(len(re.findall(rf"\b{function.name}\b", text)) for text in texts)
        definitions = sum(len(re.findall(rf"\bdef\s+{function.name}\b", text)) for text in texts)
        if uses == definitions:
            emit(run, "idle_init", [], {"name": title}, Site(function.unit, function.node))
            run.graph.nodes[-1].setup = False


def _spaces(run: Run, files: set[str]) -> list[Namespace]:
    return [space for space in run.memory.namespaces.values() if not space.prefix and space.module.path in files]


_MOST = 200
"""Files in which a name is looked for."""


def _texts(run: Run, files: set[str]) -> list[str]:
    """Returns the texts of all files that the training and its models reach through imports: one of them may call the initialiser."""
    walked = {draft.site.unit.file for draft in run.graph.nodes if draft.site is not None}
    reached = imported_files(run, [space.module for space in _spaces(run, files | walked)], _MOST)
    for module in reached:
        run.project.note_look(str(module.file))
    return [module.content for module in reached]


def note_idle_backwards(run: Run) -> None:
    """Notes each method `backward(self, gradient)` of a trained model's module: only that of an autograd Function is called. Not where a file of
    the run hands a `backward` something, as code does that sends gradients back by hand."""
    if not any(draft.op == "backward" for draft in run.graph.nodes):
        return
    texts = [space.module.content for space in run.memory.namespaces.values() if not space.prefix]
    if any(_BY_HAND.search(text) for text in texts):
        return
    for cls in _classes(run):
        for each in cls.node.body if cls.node is not None else ():
            if isinstance(each, code.Function) and each.name == "backward" and _takes_gradient(each):
                emit(run, "idle_backward", [], {"name": cls.name}, Site(cls.unit, each))
                run.graph.nodes[-1].setup = False


_BY_HAND = regex(r"\.backward\(\s*(?!retain_graph|create_graph|inputs)[\w*(\[]")


def _takes_gradient(node: code.Function) -> bool:
    """Whether a method takes one thing or several and returns something made of them, and sends nothing back itself."""
    inside = [*code.walk(*node.body)]
    acts = {each.func.attr for each in inside if isinstance(each, code.Call) and isinstance(each.func, code.Attribute)}
    returns = any(isinstance(each, code.Return) and each.value is not None for each in inside)
    sends = "backward" in acts or "step" in acts or "grad" in acts
    return len(node.parameters.positional) > 1 and returns and not sends


def filled_later(run: Run) -> bool:
    """Whether a class of the run has a method that writes tensors in place, that its constructor does not call and that its file calls:
    memory that is not filled yet may be filled there, as in an `initialize()` with which `fit()` begins."""
    for cls in _classes(run):
        methods = {
            each.name: each
            for each in (cls.node.body if cls.node is not None else ())
            if isinstance(each, code.Function)
        }
        begun = {"__init__", "forward"}
        todo = ["__init__", "forward"]
        while todo:
            for each in code.walk(methods[name]) if (name := todo.pop()) in methods else ():
                if isinstance(each, code.Attribute) and each.attr in methods.keys() - begun:
                    begun.add(each.attr)
                    todo.append(each.attr)
        called = {
            each.func.attr
            for method in methods.values()
            for each in code.walk(method)
            if isinstance(each, code.Call) and isinstance(each.func, code.Attribute)
        }
        if any(_writes(methods[name]) for name in methods.keys() & called - begun):
            return True
    return False


def _writes(node: code.Function) -> bool:
    return any(
        isinstance(each, code.Call) and isinstance(each.func, code.Attribute) and each.func.attr in _FILLING
        for each in code.walk(node)
    )


def _classes(run: Run, fresh: bool = False) -> list[ClassV]:
    """Returns the user's classes of the modules that ran, whose bases are all known; `fresh`: of those that no state was loaded into."""
    found: dict[str, ClassV] = {}
    for module in run.graph.modules:
        if isinstance(module.cls, ClassV) and module.called and not (fresh and module.loaded):
            found.setdefault(module.cls.qualified, module.cls)
    plain = ("torch.nn.Module", "builtins.object", "abc.ABC")
    return [
        cls
        for cls in found.values()
        if all(isinstance(base, ClassV) or (isinstance(base, External) and base.name in plain) for base in cls.mro)
    ]


def _methods(classes: list[ClassV]) -> Iterator[tuple[FunctionV, str]]:
    for cls in classes:
        for each in cls.node.body if cls.node is not None else ():
            if isinstance(each, code.Function) and each.name not in _KEPT and _initialises(cls.unit, each):
                value = cls.names.get(each.name)
                if isinstance(value, FunctionV):
                    yield value, f"{cls.name}.{each.name}"


def _functions(run: Run, spaces: list[Namespace]) -> Iterator[tuple[FunctionV, str]]:
    """Yields the initialisers for `apply` that stand in the file of a model's class."""
    for space in spaces:
        for unit in space.module.statements:
            node = unit.definition
            if not isinstance(node, code.Function) or len(node.parameters.positional) != 1:
                continue
            if _initialises(unit, node) and _tests(unit, node):
                value = member(run, space, node.name)
                if isinstance(value, FunctionV):
                    yield value, node.name


def _initialises(unit: Unit, node: code.Function) -> bool:
    """Whether a function fills weights; one that puts back what the object keeps (`weight.data.copy_(self.saved)`) does not."""
    for each in code.walk(node):
        if isinstance(each, code.Call) and isinstance(each.func, code.Attribute):
            holder = unit.source_of(each.func.value)
            if re.search(r"\binit$", holder) and each.func.attr.endswith("_"):
                return True
            restores = any(code.dotted(arg).startswith("self.") for arg in each.args)
            if each.func.attr in _FILLING and not restores and re.search(r"(weight|bias)\.data$", holder):
                return True
    return False


def _tests(unit: Unit, node: code.Function) -> bool:
    """Whether a function asks for the class of what it gets."""
    return any(
        (isinstance(each, code.Call) and code.dotted(each.func) in ("isinstance", "type", "hasattr"))
        or (isinstance(each, code.Attribute) and each.attr == "__class__")
        or (isinstance(each, code.Name) and each.id == "classname")
        for each in code.walk(node)
    )
