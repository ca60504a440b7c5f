"""What a look at a file says might be an entry, before anything is interpreted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from vglint.interp.static.arms import nested_classes
from vglint.interp.static.bare import bare_script, bare_units
from vglint.interp.static.call_sites import CallSite, call_sites, calls_of_imported
from vglint.interp.static.methods import leaves_open, methods, own_calls
from vglint.interp.static.redefined import is_outdated, lasts_until
from vglint.source import code
from vglint.source.module import Module
from vglint.source.unit import Unit
from vglint.span import Span


class Candidate(Struct, frozen=True):
    """Something that may be an entry: a class, a call of it, a function, a method of a class that trains, or the whole file as a
    script."""

    kind: Literal["class", "call", "function", "training", "method", "script"]
    unit: Unit
    method: str = ""
    """The method's name."""
    call: CallSite | None = None
    """The call."""
    imported: str = ""
    """The class of another file that is called, as the file names it."""
    nested: str = ""
    """The class that an arm of the statement defines."""
    bare: bool = False
    """Nothing in it looks like training: it is walked for the models that it makes."""

    @property
    def name(self) -> str:
        if self.nested:
            return self.nested
        return self.unit.names[-1] if self.unit.names and self.kind != "script" else "<module>"

    @property
    def place(self) -> Span | None:
        """Where the call or the method stands."""
        if self.call is not None:
            return self.call.unit.span(self.call.node)
        if self.method and isinstance(self.unit.definition, code.Class):
            return self.unit.span(methods(self.unit.definition)[self.method])
        return None


def candidates(module: Module) -> Iterator[Candidate]:
    """Yields every possible entry of a file in source order, the file itself last."""
    script = False
    called = call_sites(module)
    trainers = _trainers(module)
    again = module.repeated
    walked: list[Unit] = []
    for unit in module.units:
        node = unit.definition
        if isinstance(node, code.Class):
            if node.bases:
                if called.get(node.name) or not leaves_open(node, _derived(module, node.name)):
                    yield Candidate("class", unit)
                for site in called.get(node.name, ()):
                    if node.name not in again or unit.line <= site.unit.line < lasts_until(module, unit):
                        yield Candidate("call", unit, call=site)
            walked += [unit] * bool(node.bases)
            for method in training_methods(node) if _may_train(unit) else ():
                walked.append(unit)
                yield Candidate("method", unit, method.name)
        elif node is not None:
            if (_may_train(unit) and _trains(node)) or (
                (_optimises(node) or _repeats(node, trainers)) and not module.calling(node.name)
            ):
                walked.append(unit)
                if not is_outdated(module, unit):
                    yield Candidate("training", unit)
            elif _builds(node):
                walked.append(unit)
                yield Candidate("function", unit)
        elif unit.kind == "other":
            for each in nested_classes(unit):
                yield Candidate("class", unit, nested=each.name)
        if unit.kind == "other" and not script:
            script = any(
                _trains(statement) or _loops_over_calls(statement) or _starts(statement, trainers)
                for statement in unit.body
            )
    script = script or _calls_trainer(module)
    plain = [
        unit
        for unit in module.units
        if (unit.kind == "function" and not _trains_somewhere(unit)) or (unit.kind == "other" and not script)
    ]
    for name, site in calls_of_imported(module, plain):
        yield Candidate("call", site.unit, call=site, imported=name)
    builders = {
        unit.name for unit in module.units if isinstance(unit.definition, code.Function) and _builds(unit.definition)
    }
    bare = not script and bare_script(module, builders)
    walked += [unit for unit in module.units if unit.kind == "other" and (script or bare)]
    for unit, made in bare_units(module, walked):
        yield Candidate("method" if made else "training", unit, made, bare=True)
    if script or bare:
        yield Candidate("script", module.units[0], bare=bare)


def _derived(module: Module, name: str) -> Iterator[code.Class]:
    """Yields the classes of a file that derive directly from one of its classes."""
    for unit in module.units:
        node = unit.definition
        if isinstance(node, code.Class) and any(isinstance(base, code.Name) and base.id == name for base in node.bases):
            yield node


def mentions(module: Module) -> tuple[dict[str, set[int]], set[int]]:
    """Returns the identities of the statements that name each name, and of those that may take the step of an optimiser."""
    named: dict[str, set[int]] = {}
    stepping = set[int]()
    for unit in module.units:
        for each in code.walk(*unit.body):
            if isinstance(each, code.Name):
                named.setdefault(each.id, set()).add(id(unit))
            elif isinstance(each, code.Attribute) and each.attr == "step":
                stepping.add(id(unit))
    return named, stepping


METHODS = 3
"""Methods of one class that are walked as training code."""


def training_methods(node: code.Class) -> list[code.Function]:
    """Returns the methods of a class from which `backward` is called, directly or through `self`, and that none of them calls."""
    defined = methods(node)
    reach = {name for name, each in defined.items() if _trains(each)}
    if not reach:
        return []
    called = {name: own_calls(each) for name, each in defined.items()}
    while True:
        more = {name for name, others in called.items() if others & reach} - reach
        if not more:
            break
        reach |= more
    roots = [name for name in defined if name in reach and not any(name in called[other] for other in reach - {name})]
    return [defined[name] for name in roots[:METHODS]]


def factories(module: Module, name: str) -> list[str]:
    """Returns the functions of a file that need no argument and name a class, directly or through one other function."""
    functions = [
        unit.definition
        for unit in module.units
        if unit.kind == "function" and isinstance(unit.definition, code.Function) and not unit.definition.is_async
    ]
    names = {
        function.name: {each.id for each in code.walk(function) if isinstance(each, code.Name)}
        for function in functions
    }
    direct = {function for function, used in names.items() if name in used}
    found = []
    for function in functions:
        if not required_parameters(function) and (function.name in direct or names[function.name] & direct):
            found.append(function.name)
    return found


def wholes(module: Module, name: str) -> list[str]:
    """Returns the classes and functions of a file that call a class, then those that hand it on: `Residual(…)`, `Net(Block, …)`."""
    found: dict[str, bool] = {}
    for unit in module.units:
        node = unit.definition
        if node is None or node.name == name or (isinstance(node, code.Class) and not node.bases):
            continue
        parts = list(code.walk(*(node.body)))
        if any(
            isinstance(each, code.Call) and isinstance(each.func, code.Name) and each.func.id == name for each in parts
        ):
            found[node.name] = True
        elif any(isinstance(each, code.Name) and each.id == name for each in parts):
            found.setdefault(node.name, False)
    return sorted(found, key=lambda each: not found[each])


def required_parameters(function: code.Function) -> list[code.Parameter]:
    """Returns the parameters that callers must give by place, as a rule."""
    given = function.parameters
    return [each for each in (*given.positional_only, *given.positional) if each.default is None]


def _trains(*nodes: code.Statement) -> bool:
    own = nodes[0] if len(nodes) == 1 else None
    return not (isinstance(own, code.Function) and own.name == "backward") and calls_backward(*nodes)


def calls_backward(*nodes: code.Node) -> bool:
    """Whether a backward pass is asked for somewhere in a program."""
    return any(
        isinstance(each, code.Call) and isinstance(each.func, code.Attribute) and each.func.attr == "backward"
        for each in code.walk(*nodes)
    )


def _optimises(node: code.Function) -> bool:
    """Whether a function builds an optimiser of a model's parameters, and calls something in a loop: what it calls may train."""
    built = any(
        isinstance(each, code.Call)
        and isinstance(each.func, (code.Attribute, code.Name))
        and (each.func.attr if isinstance(each.func, code.Attribute) else each.func.id) in OPTIMIZERS
        for each in code.walk(node)
    )
    return built and any(
        isinstance(each, (code.For, code.While)) and _loops_over_calls(each) for each in code.walk(node)
    )


def _repeats(node: code.Function, trainers: set[str]) -> bool:
    """Whether a function calls in a loop something of the file that trains."""
    return any(
        isinstance(call, code.Call) and isinstance(call.func, code.Name) and call.func.id in trainers
        for loop in code.walk(node)
        if isinstance(loop, (code.For, code.While))
        for call in code.walk(loop)
    )


OPTIMIZERS = frozenset("SGD Adam AdamW Adamax NAdam RAdam Adagrad Adadelta RMSprop Rprop ASGD LBFGS SparseAdam".split())
"""torch's optimisers, by the names that code calls."""


def _trains_somewhere(unit: Unit) -> bool:
    return _may_train(unit) and any(_trains(statement) for statement in unit.body)


def _may_train(unit: Unit) -> bool:
    """Whether a backward pass may be asked for in a statement, by its text: what does not say so need not be walked."""
    return "backward" in unit.source


def _builds(node: code.Function) -> bool:
    """Whether a function makes layers itself and returns something."""
    returns = any(isinstance(each, code.Return) and each.value is not None for each in code.walk(node))
    return returns and any(
        isinstance(each, code.Attribute)
        and each.attr in ("Sequential", "Linear", "Conv2d", "add_module")
        and isinstance(each.value, code.Name)
        for each in code.walk(node)
    )


def _loops_over_calls(node: code.Node) -> bool:
    """Whether top-level code loops and calls something in the loop (`for epoch in …: train(...)`), or guards `__main__`."""
    if isinstance(node, code.If):
        return any(isinstance(each, code.Constant) and each.value == "__main__" for each in code.walk(node.test))
    return isinstance(node, (code.For, code.While)) and any(isinstance(each, code.Call) for each in code.walk(node))


def _trainers(module: Module) -> set[str]:
    """Returns the functions, classes and methods of a file that train, the functions that call such, and other names of them
    (`run = partial(train, loader)`)."""
    found: set[str] = set()
    for unit in module.units:
        if not _may_train(unit):
            continue
        if unit.kind == "function" and _trains(*unit.body):
            found.add(unit.name)
        elif isinstance(unit.definition, code.Class):
            training = [each.name for each in training_methods(unit.definition)]
            found.update([unit.name, *(name for name in training if not name.startswith("__"))] if training else ())
    if not found:
        return found
    others = {
        name: used
        for unit in module.units
        if unit.kind in ("function", "other") and (used := _hands_on(unit))
        for name in unit.names
    }
    while found:
        more = {name for name, used in others.items() if used & found} - found
        if not more:
            break
        found |= more
    return found


def _hands_on(unit: Unit) -> set[str]:
    """Returns the names that a function calls, or that a statement binds another name to."""
    if unit.kind == "function":
        return {
            each.func.id if isinstance(each.func, code.Name) else each.func.attr
            for each in code.walk(*unit.body)
            if isinstance(each, code.Call) and isinstance(each.func, (code.Name, code.Attribute))
        }
    value = unit.body[0].value if len(unit.body) == 1 and isinstance(unit.body[0], code.Assign) else None
    parts = value.args if isinstance(value, code.Call) else (value,)
    return {each.id for each in parts if isinstance(each, code.Name)}


def _starts(node: code.Statement, trainers: set[str]) -> bool:
    """Whether top-level code calls something of the file that trains, or that says so (`train(…)`, `Trainer(…).train()`), or hands it to
    what calls it (`map(train, configs)`, `engine.run(loader)` of an `Engine(update)`)."""
    for each in code.walk(node):
        if isinstance(each, code.Call) and isinstance(each.func, (code.Name, code.Attribute)):
            name = each.func.id if isinstance(each.func, code.Name) else each.func.attr
            given = {one.id for one in each.args if isinstance(one, code.Name)}
            if name in trainers or name.startswith("train") or (name == "map" and given & trainers):
                return True
            if name == "run" and isinstance(each.func, code.Attribute) and code.dotted(each.func.value) in trainers:
                return True
    return False


def _calls_trainer(module: Module) -> bool:
    return any(
        isinstance(each, code.Call) and isinstance(each.func, code.Attribute) and each.func.attr == "fit"
        for unit in module.units
        if unit.kind == "other"
        for each in code.walk(*unit.body)
    )


Need: TypeAlias = Literal["nothing", "annotated", "arguments"]
"""What a class must be given: nothing, only objects whose annotated class makes them, or more."""


def needs(unit: Unit) -> Need:
    """Returns what the own `__init__` of a statement's class must be given."""
    node = unit.definition
    init = methods(node).get("__init__") if isinstance(node, code.Class) else None
    if init is None:
        return "nothing"
    required = required_parameters(init)
    if init.parameters.positional_only or init.parameters.positional:
        required = required[1:]
    required += [each for each in init.parameters.keyword_only if each.default is None]
    if any(not _names_class(unit, each.annotation) for each in required):
        return "arguments"
    return "annotated" if required else "nothing"


def _names_class(unit: Unit, annotation: code.Expression | None) -> bool:
    text = unit.source_of(annotation) if annotation is not None else ""
    return (text[:1].isupper() and "[" not in text and text not in ("Any", "Callable", "Tensor")) or "Config" in text
