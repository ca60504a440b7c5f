"""Which names a statement binds in the scope it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vglint.source.code import (
    Alias,
    Annotated,
    Assign,
    Attribute,
    Augmented,
    Binary,
    Call,
    Case,
    Class,
    Comprehension,
    Declared,
    Display,
    Expr,
    For,
    Function,
    Handler,
    Import,
    ImportFrom,
    Item,
    Lambda,
    Mapping,
    Name,
    Node,
    Parameter,
    Starred,
    Statement,
    Subscript,
    TypeAlias_,
    Walrus,
    children,
    root_name,
)

STAR = "*"
"""Stands for the names that a star import binds."""


def bound_names(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Returns the names in order of first binding; bodies of functions, classes and lambdas are scopes of their own."""
    found: dict[str, None] = {}
    stack: list[Node] = list(reversed([*statements]))
    while stack:
        node = stack.pop()
        for name in _own_names(node):
            found.setdefault(name)
        stack += reversed(_same_scope(node))
    return tuple(found)


def free_names(nodes: Iterable[Node]) -> set[str]:
    """Returns the names that nodes mention and that no function among them has for its own."""
    found: set[str] = set()
    stack = [*nodes]
    while stack:
        node = stack.pop()
        match node:
            case Name(id=name):
                found.add(name)
            case Function(parameters=parameters, body=body):
                own = {each.name for each in children(parameters) if isinstance(each, Parameter)}
                shared = {name for each in body if isinstance(each, Declared) for name in each.names}
                found |= free_names(body) - ((own | {*bound_names(body)}) - shared)
                stack += [each for each in children(node) if each not in body]
            case _:
                stack += children(node)
    return found


def _own_names(node: Node) -> Iterable[str]:
    match node:
        case Function(name=name) | Class(name=name) | TypeAlias_(name=name) | Handler(name=str(name)):
            return (name,)
        case Assign(targets=targets):
            return [name for target in targets for name in target_names(target)]
        case Annotated(target=target) | Augmented(target=target) | For(target=target) | Walrus(target=target):
            return target_names(target)
        case Item(target=target) if target is not None:
            return target_names(target)
        case Import(aliases=aliases):
            return [alias.asname or alias.name.partition(".")[0] for alias in aliases]
        case ImportFrom(aliases=aliases):
            return [alias.asname or alias.name for alias in aliases]
        case Case(pattern=pattern):
            return captured_names(pattern)
        case _:
            return ()


def _same_scope(node: Node) -> list[Node]:
    match node:
        case Function():
            return [*node.decorators, *_defaults(node.parameters)]
        case Class():
            return [*node.decorators, *node.bases, *node.keywords]
        case Lambda():
            return _defaults(node.parameters)
        case Comprehension():
            loops = [inner for loop in node.loops for inner in (loop.iter, *loop.conditions)]
            return [node.element, *(() if node.value is None else (node.value,)), *loops]
        case Name() | Alias() | Import() | ImportFrom():
            return []
        case _:
            return [*children(node)]


def _defaults(parameters: Node) -> list[Node]:
    return [each.default for each in children(parameters) if isinstance(each, Parameter) and each.default is not None]


def target_names(target: Node) -> Iterator[str]:
    """Yields the names that an assignment target binds."""
    match target:
        case Name(id=name):
            yield name
        case Display(elements=elements):
            for element in elements:
                yield from target_names(element)
        case Starred(value=value):
            yield from target_names(value)
        case _:
            return


def captured_names(pattern: Node) -> Iterator[str]:
    """Yields the names that a pattern of `match` binds."""
    match pattern:
        case Name(id=name) if name != "_":
            yield name
        case Walrus(target=target, value=inner):
            yield from captured_names(inner)
            yield target.id
        case Call(args=args, keywords=keywords):
            for argument in (*args, *(keyword.value for keyword in keywords)):
                yield from captured_names(argument)
        case Mapping(values=values):
            for value in values:
                yield from captured_names(value)
        case Display() | Starred() | Binary(operator="|"):
            for part in children(pattern):
                yield from captured_names(part)
        case _:
            return


def acted_on(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Returns the names whose objects top-level statements change: a method called, an entry or attribute set, a
    decorator applied; `setattr` and `globals` where a statement calls those, since whose names they set is not seen here."""
    found: dict[str, None] = {}
    for statement in statements:
        places: Iterable[Node] = ()
        match statement:
            case Expr(value=Call(func=Attribute() | Name(id="setattr") as called)):
                places = [called]
            case Assign(targets=targets):
                places = [each for each in targets if isinstance(each, (Subscript, Attribute))]
            case For(body=body):
                for name in acted_on(body):
                    found.setdefault(name)
            case Function(decorators=decorators) | Class(decorators=decorators):
                places = [each for each in decorators if not isinstance(each, Name)]
            case _:
                pass
        for place in places:
            if name := root_name(place):
                found.setdefault(name)
    return tuple(found)
