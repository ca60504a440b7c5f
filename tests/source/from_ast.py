"""The nodes that CPython's own parser gives for a text: what lowering is compared with."""

from __future__ import annotations

import ast
import re
from typing import Any

from vglint.source import code

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.MatMult: "@", ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
    ast.Not: "not", ast.And: "and", ast.Or: "or",
}  # fmt: skip


class Reader:
    """Reads one text; its offsets are those of the whole text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rows = [0]
        for row in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text):
            self.rows.append(row.end())

    def at(self, line: int, column: int) -> int:
        start = self.rows[line - 1]
        row = self.text[start : self.rows[line] if line < len(self.rows) else len(self.text)]
        return start + len(row.encode()[:column].decode(errors="replace"))

    def place(self, node: Any) -> tuple[int, int]:
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def all(self, nodes: Any) -> tuple[Any, ...]:
        return tuple(self.of(each) for each in nodes)

    def maybe(self, node: ast.AST | None) -> Any:
        return None if node is None else self.of(node)

    def of(self, node: Any) -> Any:
        """Returns the node for an expression or statement."""
        start, end = self.place(node)
        match node:
            case ast.Name(id=name):
                return code.Name(start, end, name)
            case ast.Constant(value=value):
                big = type(value) is int and value.bit_length() >= 64
                if value is ... or isinstance(value, complex) or big:
                    return code.Special(start, end, self.text[start:end])
                if isinstance(value, bytes):
                    return code.Bytes(start, end, value)
                return code.Constant(start, end, value)
            case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts):
                return code.Display(start, end, type(node).__name__.lower(), self.all(elts))  # type: ignore[arg-type]
            case ast.Dict(keys=keys, values=values):
                return code.Mapping(start, end, tuple(self.maybe(key) for key in keys), self.all(values))
            case ast.Starred(value=value):
                return code.Starred(start, end, self.of(value))
            case ast.Attribute(value=value, attr=attr):
                return code.Attribute(start, end, self.of(value), attr)
            case ast.Subscript(value=value, slice=key):
                return code.Subscript(start, end, self.of(value), self.of(key))
            case ast.Slice(lower=lower, upper=upper, step=step):
                return code.Slice(start, end, self.maybe(lower), self.maybe(upper), self.maybe(step))
            case ast.Call(func=func, args=args, keywords=keywords):
                return code.Call(start, end, self.of(func), self.all(args), self.keywords(keywords))
            case ast.BinOp(left=left, op=op, right=right):
                return code.Binary(start, end, self.of(left), _OPERATORS[type(op)], self.of(right))
            case ast.UnaryOp(op=op, operand=operand):
                return code.Unary(start, end, _OPERATORS[type(op)], self.of(operand))  # type: ignore[arg-type]
            case ast.BoolOp(op=op, values=values):
                made = self.of(values[0])
                for each in values[1:]:
                    right = self.of(each)
                    made = code.Boolean(start, end, made, _OPERATORS[type(op)], right)  # type: ignore[arg-type]
                return made
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                symbols = tuple(_OPERATORS[type(op)] for op in ops)
                return code.Compare(start, end, self.of(left), symbols, self.all(comparators))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return code.Conditional(start, end, self.of(test), self.of(body), self.of(orelse))
            case ast.Lambda(args=args, body=body):
                return code.Lambda(start, end, self.parameters(args), self.of(body))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                kind = {"ListComp": "list", "SetComp": "set", "GeneratorExp": "generator"}[type(node).__name__]
                return code.Comprehension(start, end, kind, self.of(node.elt), None, self.loops(node.generators))  # type: ignore[arg-type]
            case ast.DictComp(key=key, value=value, generators=generators):
                return code.Comprehension(start, end, "dict", self.of(key), self.of(value), self.loops(generators))
            case ast.NamedExpr(target=target, value=value):
                return code.Walrus(start, end, self.of(target), self.of(value))
            case ast.Await(value=value):
                return code.Await(start, end, self.of(value))
            case ast.Yield(value=value):
                return code.Yield(start, end, self.maybe(value))
            case ast.YieldFrom(value=value):
                return code.Yield(start, end, self.of(value), True)
            case ast.JoinedStr():
                return code.Text(start, end, ())
            case _:
                return self.statement(node, start, end)

    def keywords(self, nodes: list[ast.keyword]) -> tuple[code.Keyword, ...]:
        return tuple(code.Keyword(*self.place(each), each.arg, self.of(each.value)) for each in nodes)

    def loops(self, nodes: list[ast.comprehension]) -> tuple[code.Loop, ...]:
        return tuple(
            code.Loop(0, 0, self.of(each.target), self.of(each.iter), self.all(each.ifs), bool(each.is_async))
            for each in nodes
        )

    def parameters(self, node: ast.arguments) -> code.Parameters:
        given = [*node.posonlyargs, *node.args]
        defaults: list[Any] = [None] * (len(given) - len(node.defaults)) + list(node.defaults)
        made = tuple(self.parameter(*pair) for pair in zip(given, defaults, strict=True))
        only = tuple(self.parameter(*pair) for pair in zip(node.kwonlyargs, node.kw_defaults, strict=True))
        split = len(node.posonlyargs)
        rest = None if node.vararg is None else self.parameter(node.vararg, None)
        others = None if node.kwarg is None else self.parameter(node.kwarg, None)
        return code.Parameters(0, 0, made[:split], made[split:], rest, only, others)

    def parameter(self, node: ast.arg, default: ast.AST | None) -> code.Parameter:
        return code.Parameter(*self.place(node), node.arg, self.maybe(node.annotation), self.maybe(default))

    def statement(self, node: Any, start: int, end: int) -> Any:
        match node:
            case ast.Expr(value=value):
                return code.Expr(start, end, self.of(value))
            case ast.Assign(targets=targets, value=value):
                return code.Assign(start, end, self.all(targets), self.of(value))
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                return code.Annotated(start, end, self.of(target), self.of(annotation), self.maybe(value))
            case ast.AugAssign(target=target, op=op, value=value):
                return code.Augmented(start, end, self.of(target), _OPERATORS[type(op)], self.of(value))
            case ast.Return(value=value):
                return code.Return(start, end, self.maybe(value))
            case ast.Raise(exc=exc, cause=cause):
                return code.Raise(start, end, self.maybe(exc), self.maybe(cause))
            case ast.Assert(test=test, msg=msg):
                return code.Assert(start, end, self.of(test), self.maybe(msg))
            case ast.Delete(targets=targets):
                only = targets[0]
                return code.Delete(start, end, self.all(only.elts if isinstance(only, ast.Tuple) else targets))
            case ast.Pass() | ast.Break() | ast.Continue():
                return code.Jump(start, end, type(node).__name__.lower())  # type: ignore[arg-type]
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                return code.Declared(start, end, type(node).__name__.lower(), tuple(names))  # type: ignore[arg-type]
            case ast.Import(names=names):
                return code.Import(start, end, self.aliases(names))
            case ast.ImportFrom(module=module, names=names, level=level):
                return code.ImportFrom(start, end, module or "", level, self.aliases(names))
            case ast.If(test=test, body=body, orelse=orelse):
                made = self.of(test)
                return code.If(start, made.end, made, self.all(body), self.all(orelse))
            case ast.For() | ast.AsyncFor():
                made = self.of(node.iter)
                parts = self.of(node.target), made, self.all(node.body), self.all(node.orelse)
                return code.For(start, made.end, *parts, isinstance(node, ast.AsyncFor))
            case ast.While(test=test, body=body, orelse=orelse):
                made = self.of(test)
                return code.While(start, made.end, made, self.all(body), self.all(orelse))
            case ast.With() | ast.AsyncWith():
                items = tuple(
                    code.Item(0, 0, self.of(each.context_expr), self.maybe(each.optional_vars)) for each in node.items
                )
                return code.With(start, (items[-1].target or items[-1].context).end, items, self.all(node.body))
            case ast.Try() | ast.TryStar():
                handlers = tuple(
                    code.Handler(self.place(each)[0], 0, self.maybe(each.type), each.name, self.all(each.body))
                    for each in node.handlers
                )
                return code.Try(
                    start, start + 3, self.all(node.body), handlers, self.all(node.orelse), self.all(node.finalbody)
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return code.Function(
                    start, 0, node.name, self.parameters(node.args), self.all(node.body), self.all(node.decorator_list),
                    self.maybe(node.returns), isinstance(node, ast.AsyncFunctionDef),
                )  # fmt: skip
            case ast.ClassDef():
                return code.Class(
                    start, 0, node.name, self.all(node.bases), self.keywords(node.keywords), self.all(node.body),
                    self.all(node.decorator_list),
                )  # fmt: skip
            case ast.Match(subject=subject, cases=cases):
                made = self.of(subject)
                return code.Match(start, made.end, made, tuple(self.case(each) for each in cases))
            case _:
                raise AssertionError(type(node).__name__)

    def case(self, node: ast.match_case) -> code.Case:
        return code.Case(0, 0, code.Special(0, 0, "pattern"), self.maybe(node.guard), self.all(node.body))

    def aliases(self, nodes: list[ast.alias]) -> tuple[code.Alias, ...]:
        return tuple(code.Alias(*self.place(each), each.name, each.asname) for each in nodes)


def printed(node: Any) -> str:
    """Returns a node with its places, save those that `ast` has no word for."""
    if isinstance(node, tuple):
        return "(" + ", ".join(map(printed, node)) + ")"
    if not isinstance(node, code.Node):
        return repr(node)
    name = type(node).__name__
    if isinstance(node, code.Text):
        return f"{name}[{node.start}]"
    place = f"[{node.start}:{node.end}]"
    if isinstance(node, (code.Loop, code.Parameters, code.Item, code.Case, code.Boolean)):
        place = ""
    if isinstance(node, (code.Function, code.Class, code.Handler, code.Parameter)):
        place = f"[{node.start}:]"
    if isinstance(node, code.Case):
        return f"Case({printed(node.guard)}, {printed(node.body)})"
    fields = [printed(getattr(node, field)) for field in node.__struct_fields__[2:]]
    return f"{name}{place}({', '.join(fields)})"


def nodes_by_ast(text: str) -> tuple[Any, ...]:
    return Reader(text).all(ast.parse(text).body)
