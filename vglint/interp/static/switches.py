"""Optional switches: defaults of None or False, of parameters, fields, options and entries of dicts, that guard layers or steps of the
training loop; and defaults of 0 that guard such a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from typing import Literal, TypeAlias

from vglint.interp.static.options import options_of_decorators
from vglint.interp.static.worlds import Off, World
from vglint.source import code
from vglint.source.module import Module

_MINOR = frozenset(
    "print len isinstance str int float format log info debug warning warn write add_scalar join items keys values save tqdm set_postfix"
    " getattr hasattr type range cuda to device item numpy cpu device_count current_device get_device_name manual_seed manual_seed_all"
    " set_device empty_cache synchronize memory_allocated max_memory_allocated init_process_group get_device_properties Variable".split()
)
"""Calls by whose names alone nothing of a model or its training changes."""


_STEERS = frozenset("backward step zero_grad unscale_ update clip_grad_norm_ clip_grad_value_".split())
"""Calls of which a training loop is made."""


def switches_of(module: Module, unit_node: code.Class | code.Function, methods: Iterable[str] = ()) -> Iterator[World]:
    """Yields the switches among the parameters of a function, or of a class's constructor and some of its methods."""
    functions = [unit_node] if isinstance(unit_node, code.Function) else []
    if isinstance(unit_node, code.Class):
        wanted = {"__init__", *methods}
        functions = [each for each in unit_node.body if isinstance(each, code.Function) and each.name in wanted]
    guarded = set(_guarding(unit_node)) | set(_passed_on(unit_node, module)) | set(_kept_on(unit_node, module))
    for function in functions:
        parameters = function.parameters
        for each in (*parameters.positional_only, *parameters.positional, *parameters.keyword_only):
            if _is_switch(each.default, each.name, guarded):
                yield World("parameter", each.name, _off(each.default), function)
        for name, option in options_of_decorators(function).items() if function.decorators else ():
            if (option.default is None and option.is_flag and (name, False) in guarded) or _is_switch(
                option.default, name, guarded
            ):
                yield World("parameter", name, _off(option.default) if option.default is not None else False, function)


def fields_of(module: Module, users: Iterable[code.Node]) -> Iterator[World]:
    """Yields the switches among the fields of a file's classes of data, and among the attributes of its other classes: those that some code
    asks for."""
    fields = [
        (target.id, each.value, unit.definition)
        for unit in module.units
        if isinstance(unit.definition, code.Class)
        for each in unit.definition.body
        if isinstance(each, (code.Annotated, code.Assign)) and isinstance(each.value, code.Constant)
        for target in (each.targets if isinstance(each, code.Assign) else (each.target,))
        if isinstance(target, code.Name)
    ]
    guarded = {name for node in users for name in _guarding(node)} if fields else set()
    for name, default, node in fields:
        if _is_switch(default, name, guarded):
            yield World("field", name, _off(default), node)


def entries_of(module: Module, users: Iterable[code.Node]) -> Iterator[World]:
    """Yields the switches among the entries of dicts that a file displays: those that some code asks for."""
    found = [
        (target.id if isinstance(target, code.Name) and unit.definition is None else "", node.value)
        for unit in module.units
        for node in code.walk(*unit.body)
        if isinstance(node, code.Assign) and isinstance(node.value, code.Mapping)
        for target in node.targets
    ]
    guarded = {name for node in users for name in _guarding(node)} if found else set()
    for holder, mapping in found:
        for key, default in zip(mapping.keys, mapping.values, strict=True):
            if (
                isinstance(key, code.Constant)
                and isinstance(key.value, str)
                and _is_switch(default, key.value, guarded)
            ):
                yield World("entry", key.value, _off(default), mapping, holder)


def options_of(module: Module) -> Iterator[World]:
    """Yields the switches among the options of a file's command line."""
    calls = [
        node
        for unit in module.units
        if "add_argument" in unit.source
        for node in code.walk(*unit.body)
        if isinstance(node, code.Call) and isinstance(node.func, code.Attribute) and node.func.attr == "add_argument"
    ]
    guarded = _guarding_in(module) if calls else frozenset()
    for node in calls:
        keywords = {each.name: each.value for each in node.keywords}
        texts = [each.value for each in node.args if isinstance(each, code.Constant) and isinstance(each.value, str)]
        name = next((text.lstrip("-").replace("-", "_") for text in texts if text.startswith("--")), "")
        action, default = keywords.get("action"), keywords.get("default")
        is_flag = isinstance(action, code.Constant) and action.value == "store_true"
        off = False if is_flag and default is None else _off(default)
        if name and ((is_flag and (name, off) in guarded) or _is_switch(default, name, guarded)):
            yield World("option", name, off)


def constants_of(module: Module, users: Iterable[code.Node]) -> Iterator[World]:
    """Yields the switches among the names that a file binds once, at its top, to a constant or to what the environment says: those that some
    code asks for, or hands to what does."""
    found = [
        (target.id, node, default)
        for unit in module.units
        if unit.kind == "other"
        for node in unit.body
        if isinstance(node, code.Assign) and len(node.targets) == 1 and isinstance(target := node.targets[0], code.Name)
        if isinstance(default := _of_environment(node.value) or node.value, code.Constant)
        if len(module.binding(target.id)) == 1
    ]
    nodes = [*users] if found else []
    guarded = {guard for node in nodes for guard in (*_guarding(node), *_passed_on(node, module))}
    for name, node, default in found:
        if _is_switch(default, name, guarded):
            yield World("constant", name, _off(default), node)


def _of_environment(value: code.Expression) -> code.Constant | None:
    """Returns what a variable of the environment makes of a switch where it is not set: `os.environ.get("AMP") == "1"`, `float(os.getenv("CLIP", 0))`."""
    asked = any(
        isinstance(each, code.Attribute) and (each.attr == "getenv" or (each.attr == "get" and _is_environ(each.value)))
        for each in code.walk(value)
    )
    if not asked:
        return None
    off: Off = None
    if isinstance(value, code.Compare) or (isinstance(value, code.Call) and code.root_name(value.func) == "bool"):
        off = False
    elif isinstance(value, code.Call) and code.root_name(value.func) in ("int", "float"):
        off = 0
    return code.Constant(value.start, value.end, off)


def _is_environ(value: code.Expression) -> bool:
    return isinstance(value, code.Attribute) and value.attr == "environ"


def is_off(default: code.Expression | None) -> bool:
    """Whether a default is a written None or False."""
    return isinstance(default, code.Constant) and (default.value is None or default.value is False)


def _is_zero(default: code.Expression | None) -> bool:
    return isinstance(default, code.Constant) and type(default.value) in (int, float) and default.value == 0


def _is_switch(default: code.Expression | None, name: str, guarded: Set[Guard]) -> bool:
    return (is_off(default) and (name, _off(default)) in guarded) or (_is_zero(default) and (name, "zero") in guarded)


def _off(default: code.Expression | None) -> Off:
    value = default.value if isinstance(default, code.Constant) else None
    return value if value is False or (type(value) in (int, float) and value == 0) else None


Guard: TypeAlias = "tuple[str, Literal['zero'] | bool | None]"
"""A name, and what it is when it is off."""


def _guarding(node: code.Node) -> Iterator[Guard]:
    """Yields the names, plain, as attributes or as keys, whose being set lets something run that matters, with what they are when they are not:
    0 only where it is a part of a training loop."""
    for each in code.walk(node):
        if isinstance(each, (code.If, code.Conditional)):
            then: tuple[code.Node, ...] = each.body if isinstance(each, code.If) else (each.body,)
            otherwise: tuple[code.Node, ...] = each.orelse if isinstance(each, code.If) else (each.orelse,)
            if isinstance(each, code.If) and not otherwise and isinstance(each.body[-1], (code.Return, code.Jump)):
                otherwise = (node,)  # what follows runs instead
            for name, is_set in _tested(each.test, True):
                inside = then if is_set else otherwise
                if matters(inside):
                    yield name, None
                    yield name, False
                    if any(_steers(each) for each in code.walk(*inside)):
                        yield name, "zero"


def _steers(node: code.Node) -> bool:
    return isinstance(node, code.Call) and isinstance(node.func, code.Attribute) and node.func.attr in _STEERS


def _passed_on(node: code.Node, module: Module) -> Iterator[Guard]:
    """Yields the names that are handed to functions and classes of the file as what guards something there."""
    for each in code.walk(node):
        if not (isinstance(each, code.Call) and isinstance(each.func, code.Name) and (each.args or each.keywords)):
            continue
        names = {number: one.id for number, one in enumerate(each.args) if isinstance(one, code.Name)}
        named = {one.name: one.value.id for one in each.keywords if one.name and isinstance(one.value, code.Name)}
        for unit in module.binding(each.func.id) if names or named else ():
            callee = unit.definition
            function = callee
            if isinstance(callee, code.Class):
                function = next(
                    (one for one in callee.body if isinstance(one, code.Function) and one.name == "__init__"), None
                )
            if callee is None or callee is node or not isinstance(function, code.Function):
                continue
            parameters = (
                function.parameters.positional[1:] if function is not callee else function.parameters.positional
            )
            guarding = set(_guarding(callee))
            for number, parameter in enumerate(parameters):
                passed = named.get(parameter.name, names.get(number))
                if passed is not None:
                    yield from ((passed, off) for name, off in guarding if name == parameter.name)


def _kept_on(node: code.Node, module: Module) -> Iterator[Guard]:
    """Yields the names that are kept in an object or a dict (`Namespace(clip=clip)`) by what guards something where the file asks for it."""
    kept: list[tuple[str, str]] = []
    for each in code.walk(node):
        if isinstance(each, code.Call):
            made = isinstance(each.func, code.Name) and any(
                isinstance(unit.definition, code.Function) for unit in module.binding(each.func.id)
            )
            pairs = [] if made else [(one.name, one.value) for one in each.keywords]
            kept += [(name, value.id) for name, value in pairs if name and isinstance(value, code.Name)]
        elif isinstance(each, code.Mapping):
            for key, value in zip(each.keys, each.values, strict=True):
                if isinstance(key, code.Constant) and isinstance(key.value, str) and isinstance(value, code.Name):
                    kept.append((key.value, value.id))
    for name, given in kept:
        yield from ((given, off) for guard, off in _guarding_in(module) if guard == name)


@lru_cache(maxsize=4)  # of the file whose entries are walked
def _guarding_in(module: Module) -> frozenset[Guard]:
    return frozenset(guard for unit in module.units for each in unit.body for guard in _guarding(each))


def _tested(test: code.Expression, when: bool) -> Iterator[tuple[str, bool]]:
    """Yields the names that a condition asks for, and whether it holds when they are set."""
    match test:
        case code.Name(id=name) | code.Attribute(attr=name):
            yield name, when
        case code.Subscript(key=code.Constant(value=str(name))):
            yield name, when
        case code.Call(func=code.Attribute(attr="get"), args=(code.Constant(value=str(name)), *_)):
            yield name, when
        case code.Compare(left=left, operators=("is not" | "!=",), comparators=(code.Constant(value=None),)):
            yield from _tested(left, when)
        case code.Compare(left=left, operators=("is" | "==",), comparators=(code.Constant(value=None),)):
            yield from _tested(left, not when)
        case code.Compare(left=left, operators=(">" | ">=",), comparators=(code.Constant(),)):
            yield from _tested(left, when)
        case code.Unary(operator="not", operand=operand):
            yield from _tested(operand, not when)
        case code.Boolean(left=left, right=right):
            yield from _tested(left, when)
            yield from _tested(right, when)
        case _:
            pass


def matters(nodes: Iterable[code.Node]) -> bool:
    """Whether code calls something by which a model or its training may change."""
    for each in code.walk(*nodes):
        if isinstance(each, code.Call):
            name = each.func.attr if isinstance(each.func, code.Attribute) else code.root_name(each.func)
            if name not in _MINOR:
                return True
    return False
