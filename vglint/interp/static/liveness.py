"""Names that are written and never read again: loop variables that only seem to change a parameter, groups that no optimiser gets."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from vglint.interp.static.imported import is_of
from vglint.source import code
from vglint.source.module import Module
from vglint.source.names import target_names

_LIBRARIES = ("torch", "numpy", "math")
_MUTATORS = frozenset({"append", "extend", "add", "insert", "update", "setdefault"})


class Rebinding(Struct, frozen=True):
    """`name` is bound anew by `statement`, and nothing reads it afterwards."""

    name: str
    statement: code.Assign


def lost_rebindings(loop: code.For, module: Module) -> list[Rebinding]:
    """Returns the assignments in a loop over `parameters()` that bind its variable to something computed from it or to what the loop
    gives beside it, which nothing reads: `for p in net.parameters(): p = normalize(p)`, `for p, q in zip(net.parameters(), saved): p = q`."""
    targets = _looped_parameters(loop.target, loop.iter)
    if not targets:
        return []
    uses = [use for statement in loop.body for use in _uses(statement)]
    found = []
    for position, (node, name, loads) in enumerate(uses):
        if loads or name not in targets or not isinstance(node, code.Assign):
            continue
        later = any(read and other == name for _, other, read in uses[position + 1 :])
        beside = [other for other in target_names(loop.target) if other != name]
        made = _computes(node.value, name, module) or any(
            _is(node.value, each) or _computes(node.value, each, module) for each in beside
        )
        if not later and made:
            found.append(Rebinding(name, node))
    return found


def changes_gradients(loop: code.For) -> bool:
    """Whether a loop's body changes `.grad` in place or assigns it: `p.grad.mul_(scale)`, `p.grad *= scale`."""
    for node in code.walk(*loop.body):
        match node:
            case code.Call(func=code.Attribute(value=holder, attr=attr)) if attr.endswith("_") and not attr.endswith(
                "__"
            ):
                if _is_gradient(holder):
                    return True
            case code.Augmented(target=target) if _is_gradient(target):
                return True
            case code.Assign(targets=targets) if any(map(_is_gradient, targets)):
                return True
            case _:
                pass
    return False


def _is_gradient(node: code.Expression) -> bool:
    if isinstance(node, code.Attribute) and node.attr == "data":
        node = node.value
    return isinstance(node, code.Attribute) and node.attr == "grad"


def unread_after(body: tuple[code.Statement, ...], name: str) -> bool:
    """Whether nothing reads a name after its last plain assignment in a function's body, but for filling it."""
    uses = [(node, loads) for statement in body for node, other, loads in _uses(statement) if other == name]
    last = max((position for position, (_, loads) in enumerate(uses) if not loads), default=None)
    return last is not None and not any(loads for _, loads in uses[last + 1 :])


def _looped_parameters(target: code.Expression, source: code.Expression) -> list[str]:
    """Returns the variables of a loop that are parameters, or entries of a state dict."""
    if not isinstance(source, code.Call):
        return []
    parts = list(target.elements) if isinstance(target, code.Display) else []
    match source.func:
        case code.Name(id="list" | "tuple" | "reversed") if source.args:
            return _looped_parameters(target, source.args[0])
        case code.Name(id="enumerate") if source.args and len(parts) == 2:
            return _looped_parameters(parts[1], source.args[0])
        case code.Name(id="zip") if len(parts) == len(source.args):
            return [
                name for part, arg in zip(parts, source.args, strict=True) for name in _looped_parameters(part, arg)
            ]
        case code.Attribute(attr="parameters"):
            return [target.id] if isinstance(target, code.Name) else []
        case code.Attribute(attr="values", value=code.Call(func=code.Attribute(attr="state_dict"))):
            return [target.id] if isinstance(target, code.Name) else []
        case code.Attribute(attr="named_parameters"):
            return _second(parts)
        case code.Attribute(attr="items", value=code.Call(func=code.Attribute(attr="state_dict"))):
            return _second(parts)
        case _:
            return []


def _second(parts: list[code.Expression]) -> list[str]:
    return [parts[1].id] if len(parts) == 2 and isinstance(parts[1], code.Name) else []


def _computes(value: code.Expression, name: str, module: Module) -> bool:
    """Whether an expression computes a new tensor from a name, with arithmetic, torch's functions or the tensor's own methods, none of
    which works in place."""
    match value:
        case code.Binary(left=left, right=right):
            return any(_computes(side, name, module) or _is(side, name) for side in (left, right))
        case code.Call(func=code.Attribute(value=holder, attr=attr)):
            if attr.endswith("_") or attr == "requires_grad":
                return False
            if _is(holder, name) or _computes(holder, name, module):
                return True
            given = value.args
            return is_of(module, _root(holder), *_LIBRARIES) and any(
                _is(arg, name) or _computes(arg, name, module) for arg in given
            )
        case code.Attribute(value=holder, attr="T" | "mT"):
            return _is(holder, name)
        case _:
            return False


def _is(value: code.Expression, name: str) -> bool:
    """Whether an expression is a name or its data."""
    if isinstance(value, code.Attribute) and value.attr == "data":
        value = value.value
    return isinstance(value, code.Name) and value.id == name


def _root(value: code.Expression) -> str:
    return code.dotted(value).partition(".")[0]


def _uses(node: code.Node) -> Iterator[tuple[code.Node, str, bool]]:
    """Yields the uses of names in the order in which they happen: node, name, whether it is read. What fills a container is no read."""
    match node:
        case code.Assign(targets=targets, value=value):
            yield from _uses(value)
            for target in targets:
                if isinstance(target, code.Name):
                    yield node, target.id, False
                elif isinstance(target, code.Subscript) and isinstance(target.value, code.Name):
                    yield from _uses(target.key)
                else:
                    yield from _uses(target)
        case code.Expr(
            value=code.Call(func=code.Attribute(value=holder, attr=method), args=args, keywords=keywords)
        ) if method in _MUTATORS and _filled(holder):
            for arg in (*args, *keywords):
                yield from _uses(arg)
        case code.Name(id=name):
            yield node, name, True
        case _:
            for child in code.children(node):
                yield from _uses(child)


def _filled(holder: code.Expression) -> bool:
    """Whether a method call fills a name or an entry of one: `groups.append(p)`, `group["params"].append(p)`."""
    while isinstance(holder, code.Subscript):
        holder = holder.value
    return isinstance(holder, code.Name)


def body_around(statements: tuple[code.Statement, ...], inner: code.Node) -> tuple[code.Statement, ...] | None:
    """Returns the body of the innermost function of some statements that a node lies in."""
    todo: list[tuple[code.Node, tuple[code.Statement, ...] | None]] = [(each, None) for each in statements]
    while todo:
        node, body = todo.pop()
        if node is inner:
            return body
        if isinstance(node, code.Function):
            body = node.body
        todo += [(child, body) for child in code.children(node)]
    return None
