"""Ways through a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import chain

from vglint.source.code.expressions import Attribute, Call, Name, Subscript
from vglint.source.code.node import Node


def children(node: Node) -> Iterator[Node]:
    """Yields the nodes directly below a node, in the order of their fields."""
    for name in _holding(type(node)):
        held = getattr(node, name)
        if type(held) is tuple:
            for each in held:
                if each is not None:
                    yield each
        elif held is not None:
            yield held


def walk(*nodes: Node) -> Iterable[Node]:
    """Returns nodes and everything below them, outer nodes first, in source order."""
    return _below(nodes[0]) if len(nodes) == 1 else chain.from_iterable(map(_below, nodes))


@lru_cache(maxsize=512)
def _below(top: Node) -> tuple[Node, ...]:
    """Returns a node and everything below it; many questions are asked of one piece of code, one after the other."""
    found: list[Node] = []
    stack = [top]
    while stack:
        node = stack.pop()
        found.append(node)
        for name in _backwards(type(node)):
            held = getattr(node, name)
            if type(held) is tuple:
                stack += [each for each in reversed(held) if each is not None]
            elif held is not None:
                stack.append(held)
    return tuple(found)


@cache
def _holding(kind: type[Node]) -> tuple[str, ...]:
    """Returns the fields of a kind of node that hold nodes."""
    annotations = {
        name: text for cls in reversed(kind.__mro__) for name, text in getattr(cls, "__annotations__", {}).items()
    }
    return tuple(
        name
        for name in kind.__struct_fields__
        if _NODES & set(annotations[name].replace("[", " ").replace(",", " ").split())
    )


@cache
def _backwards(kind: type[Node]) -> tuple[str, ...]:
    return _holding(kind)[::-1]


_NODES = frozenset("Expression Statement Text Keyword Parameter Parameters Loop Name Alias Item Handler Case".split())


def root_name(node: Node) -> str:
    """Returns the name that a chain of attributes, items and calls starts with: `a` of `a.b[0].c()`; else ''."""
    while True:
        match node:
            case Attribute(value=inner) | Subscript(value=inner) | Call(func=inner):
                node = inner
            case Name(id=name):
                return name
            case _:
                return ""


def dotted(node: Node | None) -> str:
    """Returns `a.b.c` of a name or a chain of attributes of one; else ''."""
    match node:
        case Name(id=name):
            return name
        case Attribute(value=value, attr=attr):
            head = dotted(value)
            return f"{head}.{attr}" if head else ""
        case _:
            return ""
