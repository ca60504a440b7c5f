"""Values for arguments that nobody gives: tensor inputs, default configurations, unknowns."""

from __future__ import annotations

import ast
import os

import libcst as cst

from vglint.interp.machine.core import MISSING, Frame, Run, call, evaluate
from vglint.interp.machine.names import lookup
from vglint.interp.protocols.indexing import entry_input
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.torch.modules import find_in_mro
from vglint.interp.values.objects import ClassV, External, FunctionV, Instance, ListV, Scope, Site, Value
from vglint.value import Unknown


def arguments_for(
    run: Run, function: FunctionV, *, tensors: bool, skip: int = 0, cls: ClassV | None = None
) -> list[Value]:
    """Returns a value for each argument without default: a tensor input, an instance of its annotated class, or an unknown.

    `cls` is the class that a constructor builds.
    """
    function = function.plain
    params = function.node.params
    site = Site(function.unit, function.node)
    args: list[Value] = []
    positional = (*params.posonly_params, *params.params)
    required = [param for param in positional[skip:] if param.default is None]
    for param in required:
        declared = _declared_class(run, cls, param.name.value) if cls is not None and param.annotation is None else None
        made = _default_instance(run, declared, function, site) if declared is not None else None
        args.append(_argument_for(run, param, function, tensors=tensors, site=site) if made is None else made)
    if (
        tensors
        and not args
        and isinstance(params.star_arg, cst.Param)
        and not any(param.default is not None for param in positional[skip:])
    ):
        args.append(entry_input(run, params.star_arg.name.value, site))
    elif tensors and not args:
        optional = [param for param in positional[skip:] if param.default is not None]
        if optional:
            # Every input is optional (`input_ids=None, …`): the first one is given.
            args.append(_argument_for(run, optional[0], function, tensors=True, site=site))
    return args


_PLAIN = {"int", "float", "bool", "str"}


def _argument_for(run: Run, param: cst.Param, function: FunctionV, *, tensors: bool, site: Site) -> Value:
    name = param.name.value
    annotation = param.annotation.annotation if param.annotation is not None else None
    text = _annotation_text(annotation)
    if annotation is not None:
        cls = _annotated_class(run, annotation, function)
        if isinstance(cls, ClassV) and not is_module_class(cls) and not tensors:
            made = _default_instance(run, cls, function, site)
            if made is not None:
                return made
        if isinstance(cls, ClassV) and tensors and cls.fields is not None:
            return Instance(cls, {field: entry_input(run, f"{name}.{field}", site) for field in cls.fields}, site)
    if not tensors:
        return Unknown("argument", name)
    head = text.replace("Optional[", "").partition("[")[0].rpartition(".")[2]
    if head in _PLAIN:
        return Unknown("argument", name)
    if head.lower() in ("list", "sequence", "iterable", "tuple"):
        inner = [part.strip() for part in text[text.find("[") + 1 : text.rfind("]")].split(",")] if "[" in text else []
        if head.lower() == "tuple" and inner and "..." not in inner and len(inner) > 1:
            return tuple(entry_input(run, f"{name}[{number}]", site) for number in range(len(inner)))
        return ListV([entry_input(run, f"{name}[i]", site)], Unknown("argument", f"len({name})"))
    return entry_input(run, name, site)


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
    return _usual_class(run, cls, name)


def _usual_class(run: Run, cls: ClassV, name: str) -> ClassV | None:
    """Returns the class with which all other constructors of the file annotate an argument of this name, if any does."""
    space = run.memory.namespaces.get(os.path.abspath(cls.unit.file))
    if space is None:
        return None
    annotations = {
        arg.annotation.id
        for unit in space.module.units
        if isinstance(unit.ast, ast.ClassDef)
        for method in unit.ast.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for arg in method.args.args
        if arg.arg == name and isinstance(arg.annotation, ast.Name)
    }
    if len(annotations) != 1:
        return None
    found = lookup(run, annotations.pop(), Scope({}, None, space))
    return found if isinstance(found, ClassV) and not is_module_class(found) else None


def _class_annotation(run: Run, cls: ClassV, name: str) -> Value:
    space = run.memory.namespaces.get(os.path.abspath(cls.unit.file))
    definition = cls.unit.ast
    if space is None or not isinstance(definition, ast.ClassDef) or definition.name != cls.name:
        return None
    for statement in definition.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            wanted = statement.annotation
            if statement.target.id == name and isinstance(wanted, ast.Name):
                return lookup(run, wanted.id, Scope({}, None, space))
    return None


def _annotation_text(node: cst.CSTNode | None) -> str:
    return "" if node is None else cst.Module([]).code_for_node(node).strip("'\"")


def _annotated_class(run: Run, node: cst.BaseExpression, function: FunctionV) -> Value:
    match node:
        case cst.Name(value=name):
            found = lookup(run, name, function.scope)
            return None if found is MISSING else found
        case cst.SimpleString():
            text = node.value.strip("'\"")
            return lookup(run, text, function.scope) if text.isidentifier() else None
        case cst.Attribute():
            return evaluate(run, node, Frame(function.scope, function.unit, None))
        case cst.BinaryOperation(left=left, operator=cst.BitOr()):
            return _annotated_class(run, left, function)
        case cst.Subscript(
            value=cst.Name(value="Optional"), slice=[cst.SubscriptElement(slice=cst.Index(value=inner))]
        ):
            return _annotated_class(run, inner, function)
        case _:
            return None


def _default_instance(run: Run, cls: ClassV, function: FunctionV, site: Site) -> Value:
    """Builds an annotated class (a config) where all its arguments have defaults."""
    init = find_in_mro(cls, "__init__")
    if init is not None and isinstance(init[0], FunctionV):
        params = init[0].plain.node.params
        if any(param.default is None for param in (*params.posonly_params, *params.params)[1:]):
            return None
    elif cls.frozen_kind != "dataclass":
        return None
    made = call(run, cls, [], {}, Frame(function.scope, function.unit, None), site)
    if not isinstance(made, Instance):
        return None
    run.assumed = True
    return made


def hands_on(forward: FunctionV, cls: ClassV | External) -> FunctionV | None:
    """Returns the forward of a base class that a forward which takes only `**kwargs` hands them to; None where there is none."""
    params = forward.plain.node.params
    named = (*params.posonly_params, *params.params)[1:]
    if named or params.kwonly_params or params.star_kwarg is None or not isinstance(cls, ClassV):
        return None
    for base in cls.mro:
        above = base.names.get("forward") if isinstance(base, ClassV) else None
        if isinstance(above, FunctionV) and len(above.plain.node.params.params) > 1:
            return above
    return None


def missed_by_default(run: Run, function: FunctionV, skip: int) -> list[str]:
    """Returns the arguments after the first `skip` that are tensors, None by default, and used as if they never were:
    the code does not ask for their None-ness, or refuses it."""
    function = function.plain
    params = function.node.params
    names = [
        param.name.value
        for param in (*params.posonly_params, *params.params, *params.kwonly_params)[skip:]
        if isinstance(param.default, cst.Name)
        and param.default.value == "None"
        and "Tensor" in _annotation_text(param.annotation.annotation if param.annotation is not None else None)
    ]
    definition = function.unit.ast
    if not names or definition is None:
        return []
    body = next(
        (
            each
            for each in ast.walk(definition)
            if isinstance(each, ast.FunctionDef) and each.name == function.name and _takes(each, names)
        ),
        None,
    )
    if body is None:
        return []
    asked = {name for node in ast.walk(body) for name in _asked_for(node)}
    return [name for name in names if name not in asked]


def _takes(definition: ast.FunctionDef, names: list[str]) -> bool:
    return set(names) <= {arg.arg for arg in (*definition.args.args, *definition.args.kwonlyargs)}


def _asked_for(node: ast.AST) -> set[str]:
    """Returns the names that a condition asks for, unless it refuses what it asks for."""
    if not isinstance(node, (ast.If, ast.IfExp, ast.BoolOp, ast.Assert)):
        return set()
    if isinstance(node, ast.If) and len(node.body) == 1 and isinstance(node.body[0], ast.Raise):
        return set()
    tested = node.values if isinstance(node, ast.BoolOp) else [node.test]
    return {name.id for each in tested for name in _names_in_test(each)}


def _names_in_test(test: ast.expr) -> list[ast.Name]:
    match test:
        case ast.Name():
            return [test]
        case ast.UnaryOp(operand=operand):
            return _names_in_test(operand)
        case ast.BoolOp(values=values):
            return [name for each in values for name in _names_in_test(each)]
        case ast.Compare(left=ast.Name() as name, comparators=[ast.Constant(value=None)]):
            return [name]
        case _:
            return []
