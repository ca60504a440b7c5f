"""Values for arguments that nobody gives: tensor inputs, default configurations, unknowns."""

from __future__ import annotations

import os
from collections.abc import Sequence

from vglint import origin
from vglint.interp.machine.core import Frame, Raised, Run, call, evaluate, get_attribute
from vglint.interp.machine.defaults import default_of
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import lookup
from vglint.interp.nodes.emit import entry_input
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    External,
    FunctionV,
    Instance,
    ListV,
    Namespace,
    Scope,
    Site,
    Value,
    is_unknown,
)
from vglint.source import code
from vglint.source.module import Module
from vglint.value import Unknown


def arguments_for(
    run: Run, function: FunctionV, *, tensors: bool, skip: int = 0, cls: ClassV | None = None
) -> list[Value]:
    """Returns a value for each argument without default: a tensor input, an instance of its annotated class, or an unknown.

    `cls` is the class that a constructor builds.
    """
    function = function.plain
    params = function.node.parameters
    site = Site(function.unit, function.node)
    args: list[Value] = []
    positional = (*params.positional_only, *params.positional)
    required = [param for param in positional[skip:] if param.default is None]
    for param in required:
        if param.name in function.defaults:  # a decorator made it an option of the command line
            args.append(default_of(run, function, param.name))
            continue
        made = _declared(run, cls, param.name, function, site) if cls is not None and param.annotation is None else None
        args.append(_argument_for(run, param, function, tensors=tensors, site=site) if made is None else made)
    rest = "" if params.rest is None else params.rest.name
    several = [name for name in run.context.inputs if rest and name.startswith(f"{rest}[")]
    only_required = not any(param.default is not None for param in positional[skip:])
    if tensors and rest and only_required and (several or not args):
        args += [entry_input(run, name, site) for name in several or (rest,)]
    elif tensors and not args:
        optional = [param for param in positional[skip:] if param.default is not None]
        if optional and not any(param.name in run.context.inputs for param in optional):
            # Every input is optional (`input_ids=None, …`): the first one is given.
            args.append(_argument_for(run, optional[0], function, tensors=True, site=site))
    return args


def required_names(function: FunctionV, skip: int) -> list[str]:
    """Returns the arguments after the first `skip` that callers must give by place, in the order of `arguments_for`."""
    params = function.plain.node.parameters
    return [param.name for param in (*params.positional_only, *params.positional)[skip:] if param.default is None]


_PLAIN = {"int", "float", "bool", "str"}


def _argument_for(run: Run, param: code.Parameter, function: FunctionV, *, tensors: bool, site: Site) -> Value:
    name = param.name
    if tensors and name in run.context.inputs:
        return entry_input(run, name, site)
    annotation = param.annotation
    text = _annotation_text(function, annotation)
    if annotation is not None:
        cls = _annotated_class(run, annotation, function)
        if isinstance(cls, ClassV) and not is_module_class(cls) and not tensors:
            made = _default_instance(run, cls, function, site)
            if made is not None:
                return made
        if isinstance(cls, ClassV) and tensors and cls.fields is not None:
            return Instance(cls, {field: entry_input(run, f"{name}.{field}", site) for field in cls.fields}, site)
    if not tensors:
        return Unknown(origin.Argument(name))
    head = text.replace("Optional[", "").partition("[")[0].rpartition(".")[2]
    if head in _PLAIN or head == "Size":
        return Unknown(origin.Argument(name))
    if head.lower() in ("list", "sequence", "iterable", "tuple"):
        inner = [part.strip() for part in text[text.find("[") + 1 : text.rfind("]")].split(",")] if "[" in text else []
        if head.lower() == "tuple" and inner and "..." not in inner and len(inner) > 1:
            return tuple(_item(run, name, str(number), part, site) for number, part in enumerate(inner))
        item = _item(run, name, "i", inner[0] if inner else "", site)
        return ListV([item], Unknown(origin.Computed(f"len({name})")))
    return entry_input(run, name, site)


def _item(run: Run, name: str, key: str, annotation: str, site: Site) -> Value:
    """Returns an entry of an argument that holds several: a number where its annotation says so, else a tensor."""
    if annotation in _PLAIN:
        return Unknown(origin.Argument(name, (origin.Part("item", key),)))
    return entry_input(run, f"{name}[{key}]", site)


def _declared_class(run: Run, cls: ClassV, name: str) -> ClassV | None:
    """Returns the class that a class body declares for an attribute of an argument's name: `config: BertConfig`, `config_class = …`."""
    for base in cls.mro:
        if not isinstance(base, ClassV) or base.node is None:
            continue
        found = base.names.get(f"{name}_class")
        if not isinstance(found, ClassV):
            found = _class_annotation(run, base, name)
        if isinstance(found, ClassV) and not is_module_class(found):
            return found
    return None


def _declared(run: Run, cls: ClassV, name: str, function: FunctionV, site: Site) -> Value:
    """Returns an object of the class that a class body declares for an argument, else of one of the file that has all that the constructor
    reads of it; None where there is none."""
    declared = _declared_class(run, cls, name)
    space = run.memory.namespaces.get(os.path.abspath(cls.unit.file))
    if declared is not None or space is None:
        return None if declared is None else _default_instance(run, declared, function, site)
    read = _attributes_read(function, name)
    annotated = _annotated(space.module, name)
    for names in (_named_alike(space.module, cls.name, name), annotated):
        found = [_fitting(run, each, read, function, site) for each in _classes(run, names, space)[:_TRIED]]
        fitting = [each for each in found if each is not None]
        if fitting and (names is not annotated or len(fitting) == 1):
            return fitting[0]
    usual = _classes(run, annotated, space) if len(annotated) == 1 else []
    return _default_instance(run, usual[0], function, site) if usual else None


def _attributes_read(function: FunctionV, name: str) -> set[str]:
    """Returns the attributes that a function asks one of its names for."""
    return {
        each.attr
        for each in code.walk(function.node)
        if isinstance(each, code.Attribute) and isinstance(each.value, code.Name) and each.value.id == name
    }


_TRIED = 3
"""Classes of which an argument may be that are built to see what they have."""


def _fitting(run: Run, cls: ClassV, read: set[str], function: FunctionV, site: Site) -> Value:
    """Returns an object of a class where it has attributes of these names, and there are any."""
    made = _default_instance(run, cls, function, site) if read else None
    frame = Frame(function.scope, function.unit, None)
    return made if made is not None and all(_has(run, made, each, frame) for each in read) else None


def _has(run: Run, made: Value, name: str, frame: Frame) -> bool:
    try:
        return not is_unknown(get_attribute(run, made, name, frame))
    except Raised:
        return False


def _classes(run: Run, names: Sequence[str], space: Namespace) -> list[ClassV]:
    values = [lookup(run, each, Scope({}, None, space)) for each in names]
    return [each for each in values if isinstance(each, ClassV) and not is_module_class(each)]


def _named_alike(module: Module, cls: str, name: str) -> list[str]:
    """Returns the classes of a file whose names say that their objects are an argument of a class: `SamVisionConfig` for `config` of
    `SamVisionAttention`; the longest name first."""
    ends = name.title().replace("_", "")
    names = {each for unit in module.units if unit.kind in ("import", "class") for each in unit.names}
    alike = [each for each in names if each.endswith(ends) and cls.startswith(each[: -len(ends)] or " ")]
    return sorted(alike, key=lambda each: (-len(each), each))


def _annotated(module: Module, name: str) -> list[str]:
    """Returns the classes with which the constructors of a file annotate an argument of this name."""
    return sorted(
        {
            arg.annotation.id
            for unit in module.units
            if isinstance(unit.definition, code.Class)
            for method in unit.definition.body
            if isinstance(method, code.Function) and method.name == "__init__"
            for arg in method.parameters.positional
            if arg.name == name and isinstance(arg.annotation, code.Name)
        }
    )


def _class_annotation(run: Run, cls: ClassV, name: str) -> Value:
    space = run.memory.namespaces.get(os.path.abspath(cls.unit.file))
    if space is None or cls.node is None:
        return None
    for statement in cls.node.body:
        if isinstance(statement, code.Annotated) and isinstance(statement.target, code.Name):
            wanted = statement.annotation
            if statement.target.id == name and isinstance(wanted, code.Name):
                found = lookup(run, wanted.id, Scope({}, None, space))
                return None if found is MISSING else found
    return None


def _annotation_text(function: FunctionV, node: code.Expression | None) -> str:
    return "" if node is None else function.unit.source_of(node).strip("'\"")


def _annotated_class(run: Run, node: code.Expression, function: FunctionV) -> Value:
    match node:
        case code.Name(id=name):
            found = lookup(run, name, function.scope)
            if isinstance(found, ClassV) or (union := _alias(function, name)) is None:
                return None if found is MISSING else found
            return _annotated_class(run, union, function)
        case code.Constant(value=str(text)):
            found = lookup(run, text, function.scope) if text.isidentifier() else MISSING
            return None if found is MISSING else found
        case code.Attribute():
            return evaluate(run, node, Frame(function.scope, function.unit, None))
        case code.Binary(left=left, operator="|"):
            return _annotated_class(run, left, function)
        case code.Subscript(value=code.Name(id="Optional"), key=inner):
            return _annotated_class(run, inner, function)
        case code.Subscript(value=code.Name(id="Union"), key=code.Display(elements=(first, *_))):
            return _annotated_class(run, first, function)
        case _:
            return None


def _alias(function: FunctionV, name: str) -> code.Expression | None:
    """Returns the union of classes that a statement of the file gives a name: `Config = TextConfig | ImageConfig`."""
    for unit in function.scope.module.module.binding(name):
        match unit.body:
            case (code.Assign(value=code.Binary(operator="|") | code.Subscript(value=code.Name(id="Union")) as union),):
                return union
            case _:
                pass
    return None


def _default_instance(run: Run, cls: ClassV, function: FunctionV, site: Site) -> Value:
    """Builds an annotated class (a config) where all its arguments have defaults."""
    init = find_in_mro(cls, "__init__")
    if init is not None and isinstance(init[0], FunctionV):
        params = init[0].plain.node.parameters
        if any(param.default is None for param in (*params.positional_only, *params.positional)[1:]):
            return None
    elif cls.frozen_kind != "dataclass":
        return None
    made = call(run, cls, [], {}, Frame(function.scope, function.unit, None), site)
    if not isinstance(made, Instance):
        return None
    run.graph.assumed = True
    return made


def hands_on(forward: FunctionV, cls: ClassV | External) -> FunctionV | None:
    """Returns the forward of a base class that a forward which takes only `**kwargs` hands them to; None where there is none."""
    params = forward.plain.node.parameters
    named = (*params.positional_only, *params.positional)[1:]
    if named or params.keyword_only or params.others is None or not isinstance(cls, ClassV):
        return None
    for base in cls.mro:
        above = base.names.get("forward") if isinstance(base, ClassV) else None
        if isinstance(above, FunctionV) and len(above.plain.node.parameters.positional) > 1:
            return above
    return None


def missed_by_default(run: Run, function: FunctionV, skip: int) -> list[str]:
    """Returns the arguments after the first `skip` that are tensors, None by default, and used as if they never were:
    the code does not ask for their None-ness, or refuses it."""
    return [
        param.name
        for param in _never_none(function.plain, skip)
        if "Tensor" in _annotation_text(function.plain, param.annotation)
    ]


def objects_by_default(run: Run, function: FunctionV) -> dict[str, Value]:
    """Returns an object for each argument of a constructor that is None by default, annotated with a class, and asked for attributes as if it
    never were None."""
    function = function.plain
    site = Site(function.unit, function.node)
    found: dict[str, Value] = {}
    for param in _never_none(function, 1):
        if param.annotation is None or not _attributes_read(function, param.name):
            continue
        cls = _annotated_class(run, param.annotation, function)
        if isinstance(cls, ClassV) and not is_module_class(cls):
            made = _default_instance(run, cls, function, site)
            if made is not None:
                found[param.name] = made
    return found


def _never_none(function: FunctionV, skip: int) -> list[code.Parameter]:
    """Returns the parameters after the first `skip` whose default of None the function does not ask for, or refuses."""
    params = function.node.parameters
    optional = [
        param
        for param in (*params.positional_only, *params.positional, *params.keyword_only)[skip:]
        if isinstance(param.default, code.Constant) and param.default.value is None and param.annotation is not None
    ]
    asked = {name for node in code.walk(function.node) for name in _asked_for(node)} if optional else set()
    return [param for param in optional if param.name not in asked]


def _asked_for(node: code.Node) -> set[str]:
    """Returns the names that a condition asks for, unless it refuses what it asks for."""
    match node:
        case code.If(body=(code.Raise(),)):
            return set()
        case code.If(test=test) | code.Conditional(test=test) | code.Assert(test=test):
            return set(_names_in_test(test))
        case code.Boolean():
            return set(_names_in_test(node))
        case _:
            return set()


def _names_in_test(test: code.Expression) -> list[str]:
    match test:
        case code.Name(id=name) | code.Compare(left=code.Name(id=name), comparators=(code.Constant(value=None),)):
            return [name]
        case code.Unary(operand=operand):
            return _names_in_test(operand)
        case code.Boolean(left=left, right=right):
            return [*_names_in_test(left), *_names_in_test(right)]
        case _:
            return []
