"""Code that calls a model whose output a change gives another meaning, and that no graph shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import libcst as cst
from msgspec import Struct, field

from vglint.fix.change import Request
from vglint.fix.names import Names
from vglint.fix.source import Source
from vglint.graph import Graph
from vglint.ops import find, has


class Callers(Struct, frozen=True):
    """The names of a file whose call makes the model, and the lines that call the model in functions that no graph shows."""

    makers: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()


def callers(request: Request, node: cst.CSTNode, graphs: Iterable[Graph]) -> Callers:
    """Returns who calls the class around a node; not those that only ask for the order of the result."""
    source = request.source
    graphs = tuple(graphs)
    lines_of = {one.span.line for graph in graphs for one in graph.nodes if one.span.file == request.finding.span.file}
    owner = source.around(node, cst.ClassDef)
    if not isinstance(owner, cst.ClassDef) or all(graph.kind == "training" for graph in graphs):
        return Callers()
    instances = _Instances(source, {owner.name.value})
    lines: set[int] = set()
    for call in instances.calls(request.names):
        function = source.around(call, cst.FunctionDef)
        if function is None:
            continue
        first, last = source.lines(function)
        if not any(first <= line <= last for line in lines_of):
            lines.add(source.line(call))
    return Callers(tuple(sorted(instances.makers)), tuple(sorted(lines)))


def calls_in(text: str, makers: Collection[str]) -> tuple[int, ...]:
    """Returns the lines of another file that call what some functions make, by the names that they have there."""
    source = Source(text)
    if source.tree is None:
        return ()
    return tuple(sorted({source.line(call) for call in _Instances(source, set(makers)).calls(Names(source))}))


class _Instances(Struct):
    """The names that a file gives instances of a class: where they are assigned, and as parameters of functions that are given one.

    `makers` are the functions whose call gives an instance, the class among them.
    """

    source: Source
    makers: set[str]
    held: set[tuple[cst.CSTNode | None, str]] = field(default_factory=set)
    """Each name with the function that binds it, or the class for `self.model`; None for the top of the file."""
    bound: dict[cst.CSTNode, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = -1
        while size != (size := len(self.held) + len(self.makers)):
            self._follow()

    def calls(self, names: Names) -> list[cst.Call]:
        """Returns the calls of instances, save those of whose result only the order is asked."""
        return [
            call
            for call in self.source.every(cst.Call)
            if self._is_held(call.func) and not _only_orders(self.source, names, call)
        ]

    def _follow(self) -> None:
        """Goes once through the assignments, the returned values and the arguments of the file's own functions."""
        source = self.source
        functions = {one.name.value: one for one in source.every(cst.FunctionDef) if self._is_at_top(one)}
        for node in source.nodes():
            match node:
                case cst.Assign(targets=targets, value=value) if self._is_made(value):
                    for one in targets:
                        self._hold(one.target)
                case cst.AnnAssign(target=target, value=cst.BaseExpression() as value) if self._is_made(value):
                    self._hold(target)
                case cst.Return(value=cst.BaseExpression() as value) if self._is_made(value):
                    function = source.around(node, cst.FunctionDef)
                    if function is not None and self._is_at_top(function):
                        self.makers.add(function.name.value)
                case cst.Call(func=cst.Name(value=name), args=given) if name in functions:
                    parameters = [one.name.value for one in functions[name].params.params]
                    for place, arg in enumerate(given):
                        known = arg.keyword.value if arg.keyword is not None else "".join(parameters[place : place + 1])
                        if not arg.star and known and self._is_made(arg.value):
                            self.held.add((functions[name], known))

    def _is_at_top(self, function: cst.FunctionDef) -> bool:
        return isinstance(self.source.parent(function), cst.Module)

    def _is_made(self, value: cst.BaseExpression) -> bool:
        """Whether an expression is an instance: a name of one, or a call that makes one, with what is chained to it."""
        while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
            if self.source.code(value.func) in self.makers:
                return True
            value = value.func.value  # Net().to(device)
        if isinstance(value, cst.Call):
            return self.source.code(value.func) in self.makers
        return self._is_held(value)

    def _hold(self, target: cst.BaseExpression) -> None:
        name = self.source.code(target)
        if isinstance(target, cst.Name):
            self.held.add((self.source.around(target, cst.FunctionDef), name))
        elif name.startswith("self."):
            self.held.add((self.source.around(target, cst.ClassDef), name))

    def _is_held(self, node: cst.BaseExpression) -> bool:
        match node:
            case cst.Name(value=name):
                function = self.source.around(node, cst.FunctionDef)
                while function is not None:
                    if (function, name) in self.held or name in self._bound(function):
                        return (function, name) in self.held
                    above = self.source.parent(function)
                    function = None if above is None else self.source.around(above, cst.FunctionDef)
                return (None, name) in self.held
            case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=name)):
                return (self.source.around(node, cst.ClassDef), f"self.{name}") in self.held
            case _:
                return False

    def _bound(self, function: cst.FunctionDef) -> frozenset[str]:
        """Returns the names that a function binds as parameters or by assignments."""
        if function not in self.bound:
            parameters = [one.name.value for one in self.source.every(cst.Param, function)]
            targets = [one.target for one in self.source.every(cst.AssignTarget, function)]
            assigned = [one.value for one in targets if isinstance(one, cst.Name)]
            self.bound[function] = frozenset((*parameters, *assigned))
        return self.bound[function]


def _only_orders(source: Source, names: Names, call: cst.Call) -> bool:
    """Whether `argmax` or the like is all that reads a call's result."""
    match source.parent(call):
        case cst.Attribute(attr=cst.Name(value=name)):
            return _orders(f"torch.{name}")
        case cst.Arg() as given:
            around = source.parent(given)
            said = names.dotted(around.func) if isinstance(around, cst.Call) else None
            return said is not None and _orders(said)
        case _:
            return False


def _orders(dotted: str) -> bool:
    spelling = find(dotted)
    return spelling is not None and has(spelling.op, "orders")
