"""What a file says around a call that makes a model: what the names in it stand for there, and the tensors that the model is given."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from types import ModuleType
from typing import Any, TypeAlias

from msgspec import Struct
from torch import Tensor

from vglint.probe.loading import code_of, file_of

Block: TypeAlias = "Sequence[ast.stmt]"

_DEEPEST = 8
"""Names that stand for what other names make."""


class Written(Struct, frozen=True):
    """A call as the file has it; the blocks around it, innermost first, each with the position of the statement that holds it."""

    module: ModuleType
    call: ast.Call
    around: tuple[tuple[Block, int], ...]

    def made(self) -> Any:
        """Evaluates the call; keywords that stand for what nothing there tells are left out. Raises NameError where another name does."""
        keywords = []
        for keyword in self.call.keywords:
            with suppress(NameError):
                self._names(keyword.value, _DEEPEST)
                keywords.append(keyword)
        return self._value(ast.Call(self.call.func, self.call.args, keywords), _DEEPEST)

    def inputs(self) -> Iterator[tuple[Tensor, ...]]:
        """Yields what the model is given by position where the block that makes it calls it, if all of that are tensors."""
        block, position = self.around[0]
        targets = block[position].targets if isinstance(block[position], ast.Assign) else []  # type: ignore[attr-defined]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        for call, around in _calls(block, self.around[1:]):
            if isinstance(call.func, ast.Name) and call.func.id in names:
                with suppress(Exception):  # the file's own code may raise anything
                    there = Written(self.module, call, around)
                    found = tuple(there._value(argument, _DEEPEST) for argument in call.args)
                    if found and all(isinstance(each, Tensor) for each in found):
                        yield found

    def _value(self, node: ast.expr, left: int) -> Any:
        tree = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(tree, "<call>", "eval"), {**vars(self.module), **self._names(node, left)})

    def _names(self, node: ast.AST, left: int) -> dict[str, Any]:
        """Returns what names in a piece of code stand for that the module does not know, or knows otherwise."""
        known = vars(self.module)
        return {name: self._local(name, left - 1) for name in _asked(node) if name not in known or self._is_local(name)}

    def _is_local(self, name: str) -> bool:
        """Whether a function or a guard around the call binds a name before it."""
        before = (statement for block, position in self.around[:-1] for statement in block[:position])
        holding = (block[position] for block, position in self.around[1:])
        return any(_binds(each, name) for each in before) or any(_holds(each, name) for each in holding)

    def _local(self, name: str, left: int) -> Any:
        for depth, (block, position) in enumerate(self.around) if left else ():
            if depth and _holds(block[position], name):
                return self._held(block[position], name, left)
            for statement in reversed(block[:position]):
                if _binds(statement, name):
                    return self._bound(statement, name, left)
        raise NameError(f"name {name!r} is not defined")

    def _bound(self, statement: ast.stmt, name: str, left: int) -> Any:
        """Returns what a statement of the file assigns, defines or imports."""
        match statement:
            case ast.Assign(targets=targets, value=value):
                target = next(target for target in targets if name in _stored(target))
                return _part(target, name, self._value(value, left))
            case ast.AnnAssign(value=ast.expr() as value):
                return self._value(value, left)
            case _:
                names = dict(vars(self.module))
                for other in _asked(statement) if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else ():
                    with suppress(NameError):
                        names.update({} if other in names or other == name else {other: self._local(other, left - 1)})
                exec(compile(ast.Module([statement], []), "<call>", "exec"), names)
                return names[name]

    def _held(self, statement: ast.stmt, name: str, left: int) -> Any:
        """Returns what a loop binds in its first turn, or the default of a function's argument."""
        match statement:
            case ast.For(target=target, iter=values):
                return _part(target, name, next(iter(self._value(values, left))))
            case ast.FunctionDef(args=args) if (default := _default(args, name)) is not None:
                return self._value(default, left)
            case _:
                raise NameError(f"name {name!r} is not defined")


@lru_cache(maxsize=64)  # a model is built again for each seed
def written(module: ModuleType, expression: str) -> Written | None:
    """Returns the first place where a file has the call that an expression is, for a name one without arguments; None where there is none."""
    file = file_of(module)
    try:
        wanted = ast.parse(expression, mode="eval").body
        tree = ast.parse("" if file is None else code_of(file))
    except (SyntaxError, OSError, ValueError):
        return None
    text = ast.unparse(wanted if isinstance(wanted, ast.Call) else ast.Call(wanted, [], []))
    calls = _calls(tree.body, ())
    return next((Written(module, call, around) for call, around in calls if ast.unparse(call) == text), None)


def _calls(
    block: Block, outer: tuple[tuple[Block, int], ...]
) -> Iterator[tuple[ast.Call, tuple[tuple[Block, int], ...]]]:
    for position, statement in enumerate(block):
        around = ((block, position), *outer)
        waiting: list[ast.AST] = [statement]
        for node in waiting:  # grows on the way
            for _, value in ast.iter_fields(node):
                items = value if isinstance(value, list) else [value]
                if items and isinstance(items[0], ast.stmt):
                    yield from _calls(items, around)
                else:
                    waiting += [each for each in items if isinstance(each, ast.AST)]
        yield from ((node, around) for node in waiting if isinstance(node, ast.Call))


def _asked(node: ast.AST) -> Iterator[str]:
    """Yields the names that a piece of code takes from outside, built-in ones apart."""
    inner = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    inner |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
    yield from dict.fromkeys(each.id for each in names if each.id not in inner and not hasattr(builtins, each.id))


def _stored(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _binds(statement: ast.stmt, name: str) -> bool:
    match statement:
        case ast.Assign(targets=targets):
            return any(name in _stored(target) for target in targets)
        case ast.AnnAssign(target=target, value=ast.expr()):
            return name in _stored(target)
        case ast.FunctionDef(name=own) | ast.ClassDef(name=own):
            return own == name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return any((alias.asname or alias.name.partition(".")[0]) == name for alias in aliases)
        case _:
            return False


def _holds(statement: ast.stmt, name: str) -> bool:
    """Whether a statement binds a name for the block in it."""
    match statement:
        case ast.For(target=target):
            return name in _stored(target)
        case ast.FunctionDef(args=args):
            return any(isinstance(each, ast.arg) and each.arg == name for each in ast.walk(args))
        case _:
            return False


def _part(target: ast.expr, name: str, value: Any) -> Any:
    """Returns what one name of `a, (b, c)` gets of a value; raises NameError where that cannot be told."""
    if isinstance(target, ast.Name):
        return value
    if isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(each, ast.Starred) for each in target.elts):
        for part, item in zip(target.elts, value, strict=False):
            if name in _stored(part):
                return _part(part, name, item)
    raise NameError(f"name {name!r} is not defined")


def _default(args: ast.arguments, name: str) -> ast.expr | None:
    positional = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
    pairs = itertools.chain(
        zip(positional, [*defaults, *args.defaults], strict=True), zip(args.kwonlyargs, args.kw_defaults, strict=True)
    )
    return next((default for argument, default in pairs if argument.arg == name), None)
