"""Names that are written and never read again: loop variables that only seem to change a parameter, groups that no optimiser gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

_LIBRARIES = frozenset({"torch", "F", "nn", "functional", "np", "math"})
_MUTATORS = frozenset({"append", "extend", "add", "insert", "update", "setdefault"})


@dataclass(frozen=True, slots=True)
class Rebinding:
    """`name` is bound anew by `statement`, and nothing reads it afterwards."""

    name: str
    statement: cst.Assign


def lost_rebindings(loop: cst.For) -> list[Rebinding]:
    """Returns the assignments in a loop over `parameters()` that bind its variable to something computed from it, which nothing reads:
    `for p in net.parameters(): p = normalize(p)`."""
    targets = _looped_parameters(loop.target, loop.iter)
    if not targets or not isinstance(loop.body, cst.IndentedBlock):
        return []
    uses = list(_uses(loop.body))
    found = []
    for position, (node, name, loads) in enumerate(uses):
        if loads or name not in targets or not isinstance(node, cst.Assign):
            continue
        later = any(read and other == name for _, other, read in uses[position + 1 :])
        if not later and _computes(node.value, name):
            found.append(Rebinding(name, node))
    return found


def unread_after(body: cst.BaseSuite, name: str) -> bool:
    """Whether nothing reads a name after its last plain assignment in a function's body, but for filling it."""
    uses = [(node, loads) for node, other, loads in _uses(body) if other == name]
    last = max((position for position, (_, loads) in enumerate(uses) if not loads), default=None)
    return last is not None and not any(loads for _, loads in uses[last + 1 :])


def _looped_parameters(target: cst.CSTNode, source: cst.BaseExpression) -> list[str]:
    """Returns the variables of a loop that are parameters, or entries of a state dict."""
    if not isinstance(source, cst.Call):
        return []
    parts = [element.value for element in target.elements] if isinstance(target, cst.Tuple) else []
    match source.func:
        case cst.Name(value="list" | "tuple" | "reversed") if source.args:
            return _looped_parameters(target, source.args[0].value)
        case cst.Name(value="enumerate") if source.args and len(parts) == 2:
            return _looped_parameters(parts[1], source.args[0].value)
        case cst.Name(value="zip") if len(parts) == len(source.args):
            return [
                name
                for part, arg in zip(parts, source.args, strict=True)
                for name in _looped_parameters(part, arg.value)
            ]
        case cst.Attribute(attr=cst.Name(value="parameters")):
            return [target.value] if isinstance(target, cst.Name) else []
        case cst.Attribute(
            attr=cst.Name(value="values"), value=cst.Call(func=cst.Attribute(attr=cst.Name(value="state_dict")))
        ):
            return [target.value] if isinstance(target, cst.Name) else []
        case cst.Attribute(attr=cst.Name(value="named_parameters")):
            return [parts[1].value] if len(parts) == 2 and isinstance(parts[1], cst.Name) else []
        case cst.Attribute(
            attr=cst.Name(value="items"), value=cst.Call(func=cst.Attribute(attr=cst.Name(value="state_dict")))
        ):
            return [parts[1].value] if len(parts) == 2 and isinstance(parts[1], cst.Name) else []
        case _:
            return []


def _computes(value: cst.BaseExpression, name: str) -> bool:
    """Whether an expression computes a new tensor from a name, with arithmetic, torch's functions or the tensor's own methods, none of
    which works in place."""
    match value:
        case cst.BinaryOperation(left=left, right=right):
            return any(_computes(side, name) or _is(side, name) for side in (left, right))
        case cst.Call(func=cst.Attribute(value=holder, attr=attr)):
            if attr.value.endswith("_") or attr.value == "requires_grad":
                return False
            if _is(holder, name) or _computes(holder, name):
                return True
            given = [arg.value for arg in value.args]
            return _root(holder) in _LIBRARIES and any(_is(arg, name) or _computes(arg, name) for arg in given)
        case cst.Attribute(value=holder, attr=cst.Name(value="T" | "mT")):
            return _is(holder, name)
        case _:
            return False


def _is(value: cst.BaseExpression, name: str) -> bool:
    """Whether an expression is a name or its data."""
    if isinstance(value, cst.Attribute) and value.attr.value == "data":
        value = value.value
    return isinstance(value, cst.Name) and value.value == name


def _root(value: cst.BaseExpression) -> str:
    while isinstance(value, cst.Attribute):
        value = value.value
    return value.value if isinstance(value, cst.Name) else ""


def _uses(node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, str, bool]]:
    """Yields the uses of names in the order in which they happen: node, name, whether it is read. What fills a container is no read."""
    match node:
        case cst.Assign(targets=targets, value=value):
            yield from _uses(value)
            for target in targets:
                if isinstance(target.target, cst.Name):
                    yield node, target.target.value, False
                elif isinstance(target.target, cst.Subscript) and isinstance(target.target.value, cst.Name):
                    for element in target.target.slice:
                        yield from _uses(element)
                else:
                    yield from _uses(target.target)
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=holder, attr=cst.Name(value=method)), args=args)) if (
            method in _MUTATORS and _filled(holder)
        ):
            for arg in args:
                yield from _uses(arg.value)
        case cst.Name(value=name):
            yield node, name, True
        case cst.Attribute(value=value):
            yield from _uses(value)
        case cst.Arg(value=value):
            yield from _uses(value)
        case _:
            for child in node.children:
                yield from _uses(child)


def _filled(holder: cst.BaseExpression) -> bool:
    """Whether a method call fills a name or an entry of one: `groups.append(p)`, `group["params"].append(p)`."""
    while isinstance(holder, cst.Subscript):
        holder = holder.value
    return isinstance(holder, cst.Name)


def body_around(tree: cst.CSTNode, inner: cst.CSTNode) -> cst.BaseSuite | None:
    """Returns the body of the innermost function of a statement's tree that a node lies in."""
    todo: list[tuple[cst.CSTNode, cst.BaseSuite | None]] = [(tree, None)]
    while todo:
        node, body = todo.pop()
        if node is inner:
            return body
        if isinstance(node, cst.FunctionDef):
            body = node.body
        todo += [(child, body) for child in node.children]
    return None
