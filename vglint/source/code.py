"""A program as the interpreter reads it: a closed set of frozen nodes, made of what libcst parsed.

Every node has `start` and `end`, offsets into the text of its statement (`Unit.source`), so that a statement means the same wherever
it stands in a file. An expression runs from its first to its last character without the parentheses around it (a tuple's own
parentheses count), as CPython's `ast` has it. A class or function runs up to its name, any other compound statement up to the end of its
header's last expression.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, TypeAlias

import msgspec


class Node(msgspec.Struct, frozen=True, eq=False, array_like=True, tag=True):
    """What all nodes have: their place. Two nodes are equal when they are the same node."""

    start: int
    end: int


# ---- expressions


class Name(Node, frozen=True):
    id: str


class Constant(Node, frozen=True):
    """A literal that needs no evaluation; integers beyond 64 bits, complex numbers and `...` are `Special`."""

    value: bool | int | float | str | None


class Bytes(Node, frozen=True):
    value: bytes


class Special(Node, frozen=True):
    """`...`, a complex number, or an integer beyond 64 bits, as it is written."""

    text: str


class Text(Node, frozen=True):
    """A string put together from constants and `Field`s: an f-string, or (`template`) a t-string."""

    parts: tuple[Expression, ...]
    template: bool = False


class Field(Node, frozen=True):
    """`{value!conversion:format}` inside a `Text`."""

    value: Expression
    conversion: str = ""
    format: Text | None = None


class Display(Node, frozen=True):
    """`(a, b)`, `[a, b]`, `{a, b}`."""

    kind: Literal["tuple", "list", "set"]
    elements: tuple[Expression, ...]


class Mapping(Node, frozen=True):
    """`{key: value, **other}`: the key of `**other` is None."""

    keys: tuple[Expression | None, ...]
    values: tuple[Expression, ...]


class Starred(Node, frozen=True):
    value: Expression


class Attribute(Node, frozen=True):
    value: Expression
    attr: str


class Subscript(Node, frozen=True):
    """`value[key]`; several keys are a tuple."""

    value: Expression
    key: Expression


class Slice(Node, frozen=True):
    lower: Expression | None
    upper: Expression | None
    step: Expression | None


class Keyword(Node, frozen=True):
    """`name=value` of a call or class statement, `**value` where the name is None."""

    name: str | None
    value: Expression


class Call(Node, frozen=True):
    func: Expression
    args: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]


class Binary(Node, frozen=True):
    left: Expression
    operator: str
    right: Expression


class Unary(Node, frozen=True):
    operator: Literal["-", "+", "~", "not"]
    operand: Expression


class Boolean(Node, frozen=True):
    """`left and right`, `left or right`."""

    left: Expression
    operator: Literal["and", "or"]
    right: Expression


class Compare(Node, frozen=True):
    """`left < b == c`: operators and comparators pair up."""

    left: Expression
    operators: tuple[str, ...]
    comparators: tuple[Expression, ...]


class Conditional(Node, frozen=True):
    """`body if test else orelse`."""

    test: Expression
    body: Expression
    orelse: Expression


class Parameter(Node, frozen=True):
    name: str
    annotation: Expression | None = None
    default: Expression | None = None


class Parameters(Node, frozen=True):
    """`(a, /, b=1, *rest, c, **others)`."""

    positional_only: tuple[Parameter, ...] = ()
    positional: tuple[Parameter, ...] = ()
    rest: Parameter | None = None
    keyword_only: tuple[Parameter, ...] = ()
    others: Parameter | None = None


class Lambda(Node, frozen=True):
    parameters: Parameters
    body: Expression


class Loop(Node, frozen=True):
    """`for target in iter if conditions` of a comprehension."""

    target: Expression
    iter: Expression
    conditions: tuple[Expression, ...]
    is_async: bool = False


class Comprehension(Node, frozen=True):
    """`element for …`; a dict's has `element: value`."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expression
    value: Expression | None
    loops: tuple[Loop, ...]


class Walrus(Node, frozen=True):
    """`(target := value)`; in a pattern, `value as target`."""

    target: Name
    value: Expression


class Await(Node, frozen=True):
    value: Expression


class Yield(Node, frozen=True):
    """`yield value`, or `yield from value` (`delegates`)."""

    value: Expression | None
    delegates: bool = False


# ---- statements


class Expr(Node, frozen=True):
    """An expression that stands alone."""

    value: Expression


class Assign(Node, frozen=True):
    targets: tuple[Expression, ...]
    value: Expression


class Annotated(Node, frozen=True):
    """`target: annotation = value`."""

    target: Expression
    annotation: Expression
    value: Expression | None


class Augmented(Node, frozen=True):
    """`target += value`; the operator is without `=`."""

    target: Expression
    operator: str
    value: Expression


class Return(Node, frozen=True):
    value: Expression | None


class Raise(Node, frozen=True):
    exception: Expression | None
    cause: Expression | None


class Assert(Node, frozen=True):
    test: Expression
    message: Expression | None


class Delete(Node, frozen=True):
    targets: tuple[Expression, ...]


class Jump(Node, frozen=True):
    kind: Literal["pass", "break", "continue"]


class Declared(Node, frozen=True):
    """`global` or `nonlocal` names."""

    kind: Literal["global", "nonlocal"]
    names: tuple[str, ...]


class Alias(Node, frozen=True):
    """`name as asname` of an import; the name is dotted in `import`, `*` for a star import."""

    name: str
    asname: str | None = None


class Import(Node, frozen=True):
    aliases: tuple[Alias, ...]


class ImportFrom(Node, frozen=True):
    """`from ..module import a as b`: `level` counts the dots."""

    module: str
    level: int
    aliases: tuple[Alias, ...]


class If(Node, frozen=True):
    """`elif` is an `If` that stands alone in `orelse`."""

    test: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()


class For(Node, frozen=True):
    target: Expression
    iter: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()
    is_async: bool = False


class While(Node, frozen=True):
    test: Expression
    body: tuple[Statement, ...]
    orelse: tuple[Statement, ...] = ()


class Item(Node, frozen=True):
    """`context as target` of a `with`."""

    context: Expression
    target: Expression | None


class With(Node, frozen=True):
    items: tuple[Item, ...]
    body: tuple[Statement, ...]


class Handler(Node, frozen=True):
    """`except caught as name`."""

    caught: Expression | None
    name: str | None
    body: tuple[Statement, ...]


class Try(Node, frozen=True):
    body: tuple[Statement, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Statement, ...]
    final: tuple[Statement, ...]


class Case(Node, frozen=True):
    """A pattern is written with expressions: a name captures (`_` is any), a dotted name or constant is compared, a `Display` or
    `Mapping` is taken apart, a `Call` is a class's pattern, `|` is a `Binary`, `as` a `Walrus`."""

    pattern: Expression
    guard: Expression | None
    body: tuple[Statement, ...]


class Match(Node, frozen=True):
    subject: Expression
    cases: tuple[Case, ...]


class Function(Node, frozen=True):
    name: str
    parameters: Parameters
    body: tuple[Statement, ...]
    decorators: tuple[Expression, ...] = ()
    returns: Expression | None = None
    is_async: bool = False


class Class(Node, frozen=True):
    name: str
    bases: tuple[Expression, ...]
    keywords: tuple[Keyword, ...]
    body: tuple[Statement, ...]
    decorators: tuple[Expression, ...] = ()


class TypeAlias_(Node, frozen=True, tag="TypeAlias"):
    """`type name = value`."""

    name: str
    value: Expression


class Unread(Node, frozen=True):
    """A statement that could not be read, and why."""

    message: str


Expression: TypeAlias = (
    Name
    | Constant
    | Bytes
    | Special
    | Text
    | Field
    | Display
    | Mapping
    | Starred
    | Attribute
    | Subscript
    | Slice
    | Call
    | Binary
    | Unary
    | Boolean
    | Compare
    | Conditional
    | Lambda
    | Comprehension
    | Walrus
    | Await
    | Yield
)
Statement: TypeAlias = (
    Expr
    | Assign
    | Annotated
    | Augmented
    | Return
    | Raise
    | Assert
    | Delete
    | Jump
    | Declared
    | Import
    | ImportFrom
    | If
    | For
    | While
    | With
    | Try
    | Match
    | Function
    | Class
    | TypeAlias_
    | Unread
)


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


def walk(*nodes: Node) -> Iterator[Node]:
    """Yields nodes and everything below them, outer nodes first, in source order."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        stack += reversed([*children(node)])


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
