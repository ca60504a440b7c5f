"""Expressions, and the patterns of `match`, which are written with them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from vglint.source.code.node import Node


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
