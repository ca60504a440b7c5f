"""Statements."""

from __future__ import annotations

from typing import Literal, TypeAlias

from vglint.source.code.expressions import Expression, Keyword, Parameters
from vglint.source.code.node import Node


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
