"""What the methods of a class and the functions of a file call, what methods keep of what they are given, and what they leave to classes
that derive from theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from vglint import ops
from vglint.source import code

_ON_GRADIENTS = frozenset({"zero_grad", "clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "unscale_", "step"})


def methods(node: code.Class) -> dict[str, code.Function]:
    """Returns the functions that a class body defines, by name."""
    return {each.name: each for each in node.body if isinstance(each, code.Function)}


def acts_elsewhere(node: code.Class, name: str) -> str | None:
    """Returns a method that zeroes, clips or uses gradients and that a method does not come to call."""
    seen = _reached(node, name)
    return next((other for other, method in methods(node).items() if other not in seen and _acts(method)), None)


def acts_beside(functions: dict[str, code.Function], name: str) -> str | None:
    """Returns one of a file's functions that zeroes, clips or uses gradients, that another does not come to call and that does not call it."""
    seen, todo = set[str](), [name]
    while todo:
        current = todo.pop()
        if current in functions and current not in seen:
            seen.add(current)
            todo += [each.id for each in code.walk(functions[current]) if isinstance(each, code.Name)]
    return next(
        (
            other
            for other, function in functions.items()
            if other not in seen
            and _acts(function)
            and not any(isinstance(each, code.Name) and each.id == name for each in code.walk(function))
        ),
        None,
    )


def _acts(function: code.Function) -> bool:
    return any(
        isinstance(each, code.Call) and isinstance(each.func, code.Attribute) and each.func.attr in _ON_GRADIENTS
        for each in code.walk(function)
    )


def given_attributes(node: code.Class, entry: str) -> dict[str, str]:
    """Returns the attributes that methods, neither the constructor nor those that `entry` comes to call, set to what they are given, and the
    parameter that is given."""
    found: dict[str, str] = {}
    seen = _reached(node, entry)
    setters = [each for each in node.body if isinstance(each, code.Function) and is_setter(each)]
    others = [method for name, method in methods(node).items() if name not in seen]
    for method in dict.fromkeys((*others, *setters)):
        positional = method.parameters.positional
        if not positional:
            continue
        given = {each.name for each in (*positional[1:], *method.parameters.keyword_only)}
        for each in code.walk(method):
            if isinstance(each, code.Assign):
                for target in each.targets:
                    found.update(_set_attributes(target, each.value, positional[0].name, given))
    return found


@lru_cache(maxsize=2048)
def holds_layers(node: code.Class) -> bool:
    """Whether a class has a forward, and a constructor that keeps layers of torch (`self.fc = nn.Linear(…)`) after its base's ran."""
    defined = methods(node)
    init = defined.get("__init__")
    if init is None or "forward" not in defined or not init.parameters.positional:
        return False
    owner = init.parameters.positional[0].name
    based = any(isinstance(each, code.Name) and each.id == "super" for each in code.walk(init))
    return based and any(_keeps_layer(each, owner) for each in code.walk(init))


def _keeps_layer(node: code.Node, owner: str) -> bool:
    match node:
        case code.Assign(targets=(*_, code.Attribute(value=code.Name(id=holder))), value=value) if holder == owner:
            return any(_is_layer(each) for each in code.walk(value))
        case _:
            return False


def _is_layer(node: code.Node) -> bool:
    match node:
        case code.Call(func=code.Attribute(attr=name) | code.Name(id=name)):
            return ops.find(f"torch.nn.{name}") is not None
        case _:
            return False


def is_setter(method: code.Function) -> bool:
    """Whether a function sets a property, and so is run by an assignment alone."""
    return any(isinstance(each, code.Attribute) and each.attr == "setter" for each in method.decorators)


def _set_attributes(
    target: code.Expression, value: code.Expression, owner: str, given: set[str]
) -> Iterator[tuple[str, str]]:
    match target, value:
        case code.Display(elements=targets), code.Display(elements=values) if len(targets) == len(values):
            for one, other in zip(targets, values, strict=True):
                yield from _set_attributes(one, other, owner, given)
        case code.Attribute(value=code.Name(id=holder), attr=attr), code.Name(id=name) if holder == owner:
            if name in given:
                yield attr, name
        case _:
            pass


def leaves_open(node: code.Class, derived: Iterable[code.Class]) -> bool:
    """Whether a method that only hands back what it gets is called by another, and a class that derives from this one fills it in: such a
    base is never a model by itself."""
    defined = methods(node)
    hooks = {name for name, method in defined.items() if _hands_back(method)}
    used = {called for name, method in defined.items() if name not in hooks for called in own_calls(method)}
    return bool(hooks & used) and any(not (hooks & used).isdisjoint(methods(each)) for each in derived)


def _hands_back(method: code.Function) -> bool:
    given = {each.name for each in method.parameters.positional[1:]}
    match method.body:
        case (*documents, code.Return(value=code.Name(id=name))):
            return name in given and all(isinstance(each, code.Expr) for each in documents)
        case _:
            return False


@lru_cache(maxsize=256)
def sets_rates(node: code.Class) -> bool:
    """Whether a method of a class writes a learning rate: `group["lr"] = rate`."""
    written = (
        target
        for each in code.walk(*methods(node).values())
        if isinstance(each, (code.Assign, code.Augmented))
        for target in (each.targets if isinstance(each, code.Assign) else (each.target,))
    )
    return any(isinstance(each, code.Subscript) and getattr(each.key, "value", None) == "lr" for each in written)


def _reached(node: code.Class, name: str) -> set[str]:
    """Returns the constructor and a method, with the methods that they come to call."""
    defined = methods(node)
    seen: set[str] = set()
    todo = [name, "__init__"]
    while todo:
        current = todo.pop()
        if current in defined and current not in seen:
            seen.add(current)
            todo += own_calls(defined[current])
    return seen


def own_calls(method: code.Function) -> set[str]:
    """Returns the names that a method looks up in its first argument."""
    positional = method.parameters.positional
    first = positional[0].name if positional else ""
    return {
        each.attr
        for each in code.walk(method)
        if isinstance(each, code.Attribute) and isinstance(each.value, code.Name) and each.value.id == first
    }
