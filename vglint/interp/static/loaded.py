"""Classes whose models the file always fills with the weights of another model, such as a library's pretrained one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vglint.source import code
from vglint.source.module import Module

_KEEPING = frozenset({"to", "cuda", "eval", "float"})
"""Methods of a model that keep its weights and return it."""
_FROM_THE_NET = frozenset({"load_url", "load_state_dict_from_url"})


def starts_loaded(module: Module, name: str) -> bool:
    """Whether each model of a class that a file makes gets the state of another model, or one from the net, before it is used:
    `net = Net(); net.load_state_dict(vgg16(pretrained=True).state_dict())`. A checkpoint (`torch.load`) may be the class's own."""
    if "load_state_dict" not in module.content:
        return False
    whole = [statement for unit in module.units for statement in unit.body]
    made = sum(_makes(node, name) for node in code.walk(*whole))
    return 0 < made == sum(_is_loaded(block, name) for block in _blocks(whole))


def _makes(node: code.Node, name: str) -> bool:
    return isinstance(node, code.Call) and isinstance(node.func, code.Name) and node.func.id == name


def _unchained(value: code.Expression) -> code.Expression:
    """Returns what `Net().eval()` and `Net().to(device)` start from."""
    while isinstance(value, code.Call) and isinstance(value.func, code.Attribute) and value.func.attr in _KEEPING:
        value = value.func.value
    return value


def _blocks(body: Sequence[code.Statement]) -> Iterator[Sequence[code.Statement]]:
    """Yields the statements that follow one another: of a body, and of the blocks in it."""
    yield body
    for node in code.walk(*body):
        match node:
            case code.Function(body=inner) | code.With(body=inner) | code.For(body=inner):
                yield inner
            case code.If(body=inner, orelse=other):
                yield inner
                yield other
            case _:
                pass


def _is_loaded(block: Sequence[code.Statement], name: str) -> bool:
    """Whether a block makes one model of a class and loads a state into it."""
    target = ""
    states: set[str] = set()
    for statement in block:
        match statement:
            case code.Assign(targets=(to,), value=value) if _makes(_unchained(value), name):
                target = code.dotted(to)
            case code.Assign(targets=(code.Name(id=to),), value=value) if _is_state(value, states):
                states.add(to)
            case code.Expr(
                value=code.Call(func=code.Attribute(value=holder, attr="load_state_dict"), args=(given, *_))
            ):
                if target and code.dotted(holder) == target and _is_state(given, states):
                    return True
            case code.Expr(value=code.Call(func=code.Attribute(attr=attr))) if attr in _KEEPING:
                pass
            case _ if any(
                isinstance(node, (code.Name, code.Attribute)) and code.dotted(node) == target
                for node in code.walk(statement)
            ):
                target = ""  # it may be trained there
            case _:
                pass
    return False


def _is_state(value: code.Expression, known: set[str]) -> bool:
    """Whether an expression is made of another model's state, or of one that is fetched."""
    return any(
        (isinstance(node, code.Name) and node.id in known | _FROM_THE_NET)
        or (isinstance(node, code.Attribute) and node.attr in _FROM_THE_NET | {"state_dict"})
        for node in code.walk(value)
    )
