"""What a look at a file's `ast` says might be an entry, before anything is interpreted."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vglint.interp.static.call_sites import call_sites, calls_of_imported
from vglint.source.module import Module
from vglint.source.unit import Unit
from vglint.span import Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be an entry: a class, a call of it, a function, a method of a class that trains, or the whole file as a
    script."""

    kind: Literal["class", "call", "function", "training", "method", "script"]
    unit: Unit
    text: str = ""
    """Source of the call; the method's name."""
    place: Span | None = None
    """Where the call stands."""
    imported: str = ""
    """The class of another file that is called, as the file names it."""

    @property
    def name(self) -> str:
        return self.unit.names[-1] if self.unit.names and self.kind != "script" else "<module>"


def candidates(module: Module) -> Iterator[Candidate]:
    """Yields every possible entry of a file in source order, the file itself last."""
    script = False
    called = call_sites(module)
    trainers = {unit.ast.name for unit in module.units if isinstance(unit.ast, ast.FunctionDef) and _trains(unit.ast)}
    for unit in module.units:
        node = unit.ast
        if isinstance(node, ast.ClassDef):
            if node.bases:
                yield Candidate("class", unit)
                for text, place in called.get(node.name, {}).items():
                    yield Candidate("call", unit, text, place)
            for method in training_methods(node):
                yield Candidate("method", unit, method.name, unit.span_of(method))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _trains(node) or (_optimises(node) and node.name not in _called_names(module)):
                yield Candidate("training", unit)
            elif _builds(node):
                yield Candidate("function", unit)
        elif unit.kind == "other" and not script:
            script = any(
                _trains(statement) or _loops_over_calls(statement) or _starts(statement, trainers)
                for statement in unit.statements
            )
    script = script or _calls_trainer(module)
    plain = [
        unit
        for unit in module.units
        if (unit.kind == "function" and not _trains_somewhere(unit)) or (unit.kind == "other" and not script)
    ]
    for unit, name, text, place in calls_of_imported(module, plain):
        yield Candidate("call", unit, text, place, name)
    if script:
        yield Candidate("script", module.units[0])


METHODS = 3
"""Methods of one class that are walked as training code."""
_ON_GRADIENTS = frozenset({"zero_grad", "clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "unscale_", "step"})


def training_methods(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """Returns the methods of a class from which `backward` is called, directly or through `self`, and that none of them calls."""
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    if not any(_trains(each) for each in methods.values()):
        return []
    called = {name: _own_calls(each) for name, each in methods.items()}
    reach = {name for name, each in methods.items() if _trains(each)}
    while True:
        more = {name for name, others in called.items() if others & reach} - reach
        if not more:
            break
        reach |= more
    roots = [name for name in methods if name in reach and not any(name in called[other] for other in reach - {name})]
    return [methods[name] for name in roots[:METHODS]]


def acts_elsewhere(node: ast.ClassDef, name: str) -> str | None:
    """Returns a method that zeroes, clips or uses gradients and that a method does not come to call."""
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    seen: set[str] = set()
    todo = [name, "__init__"]
    while todo:
        current = todo.pop()
        if current in methods and current not in seen:
            seen.add(current)
            todo += _own_calls(methods[current])
    for other, method in methods.items():
        if other not in seen and any(
            isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _ON_GRADIENTS
            for each in ast.walk(method)
        ):
            return other
    return None


def _own_calls(method: ast.FunctionDef) -> set[str]:
    """Returns the names that a method looks up in its first argument."""
    first = method.args.args[0].arg if method.args.args else ""
    return {
        each.attr
        for each in ast.walk(method)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == first
    }


def factories(module: Module, name: str) -> list[str]:
    """Returns the functions of a file that need no argument and name a class, directly or through one other function."""
    functions = [unit.ast for unit in module.units if isinstance(unit.ast, ast.FunctionDef)]
    names = {
        function.name: {each.id for each in ast.walk(function) if isinstance(each, ast.Name)} for function in functions
    }
    direct = {function for function, used in names.items() if name in used}
    found = []
    for function in functions:
        arguments = function.args
        required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
        if required == 0 and (function.name in direct or names[function.name] & direct):
            found.append(function.name)
    return found


def _trains(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in ("backward",)
        for each in ast.walk(node)
    ) and not _is_backward_method(node)


def _optimises(node: ast.AST) -> bool:
    """Whether a function builds an optimiser of a model's parameters, and calls something in a loop: what it calls may train."""
    built = any(
        isinstance(each, ast.Call)
        and isinstance(each.func, (ast.Attribute, ast.Name))
        and (each.func.attr if isinstance(each.func, ast.Attribute) else each.func.id) in OPTIMIZERS
        for each in ast.walk(node)
    )
    return built and any(isinstance(each, (ast.For, ast.While)) and _loops_over_calls(each) for each in ast.walk(node))


def _called_names(module: Module) -> set[str]:
    """Returns the names that a file calls: a function that one of its entries calls is walked there."""
    return {
        each.func.id
        for unit in module.units
        for statement in unit.statements
        for each in ast.walk(statement)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


OPTIMIZERS = frozenset("SGD Adam AdamW Adamax NAdam RAdam Adagrad Adadelta RMSprop Rprop ASGD LBFGS SparseAdam".split())
"""torch's optimisers, by the names that code calls."""


def _trains_somewhere(unit: Unit) -> bool:
    return any(_trains(statement) for statement in unit.statements)


def _is_backward_method(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "backward"


def _builds(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function makes layers itself and returns something."""
    returns = any(isinstance(each, ast.Return) and each.value is not None for each in ast.walk(node))
    return returns and any(
        isinstance(each, ast.Attribute)
        and each.attr in ("Sequential", "Linear", "Conv2d", "add_module")
        and isinstance(each.value, ast.Name)
        for each in ast.walk(node)
    )


def _loops_over_calls(node: ast.AST) -> bool:
    """Whether top-level code loops and calls something in the loop (`for epoch in …: train(...)`), or guards `__main__`."""
    if isinstance(node, ast.If):
        test = ast.dump(node.test)
        return "__main__" in test
    return isinstance(node, (ast.For, ast.While)) and any(isinstance(each, ast.Call) for each in ast.walk(node))


def _starts(node: ast.AST, trainers: set[str]) -> bool:
    """Whether top-level code calls a function of the file that trains, or one that says so (`train(…)`, `Trainer(…).train()`)."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            if isinstance(each.func, ast.Name) and (each.func.id in trainers or each.func.id.startswith("train")):
                return True
            if isinstance(each.func, ast.Attribute) and each.func.attr.startswith("train"):
                return True
    return False


def _calls_trainer(module: Module) -> bool:
    return any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "fit"
        for unit in module.units
        if unit.kind == "other"
        for statement in unit.statements
        for each in ast.walk(statement)
    )


Need: TypeAlias = Literal["nothing", "annotated", "arguments"]
"""What a class must be given: nothing, only objects whose annotated class makes them, or more."""


def needs(node: ast.ClassDef) -> Need:
    """Returns what the class's own `__init__` must be given."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            arguments = statement.args
            positional = [*arguments.posonlyargs, *arguments.args]
            required = positional[1 : len(positional) - len(arguments.defaults)]
            required += [
                each
                for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False)
                if default is None
            ]
            if any(not _names_class(each.annotation) for each in required):
                return "arguments"
            return "annotated" if required else "nothing"
    return "nothing"


def _names_class(annotation: ast.expr | None) -> bool:
    text = ast.unparse(annotation) if annotation is not None else ""
    return (text[:1].isupper() and "[" not in text and text not in ("Any", "Callable", "Tensor")) or "Config" in text
