"""`scale-scores`."""

from __future__ import annotations

import libcst as cst

from vglint.fix.calls import argument
from vglint.fix.change import Allowed, Answer, Change, Refusal, Request
from vglint.graph import Graph, Node
from vglint.ops import has


def scale_scores(request: Request) -> Answer:
    """Divides the product of queries and keys by the root of the head's size: `q @ k.transpose(-2, -1) / q.size(-1) ** 0.5`."""
    source = request.source
    for graph, node in request.nodes_at(request.finding.span):
        product = _product(graph, node)
        expression = (
            None if product is None or product.span.file != request.finding.span.file else source.at(product.span)
        )
        size = None if expression is None or product is None else _size(request, graph, product, expression)
        if expression is None or size is None:
            continue
        start, end = source.range(expression)
        scaled = f"{source.text[start:end]} / {size} ** 0.5"
        around = source.parent(expression)
        free = isinstance(around, (cst.Arg, cst.Assign, cst.Return)) or bool(expression.lpar)
        return Change(((start, end, scaled if free else f"({scaled})"),), Allowed(ops=frozenset({"div"})))
    return Refusal("the product of queries and keys is not found, or the queries have no name")


def _product(graph: Graph, node: Node) -> Node | None:
    """Returns the product that the scores of a softmax come from."""
    seen = 0
    while node.inputs and seen < 12:
        node = graph.nodes[node.inputs[0]]
        seen += 1
        if has(node.op, "matrix_product") or node.op == "einsum":
            return node
    return None


def _size(request: Request, graph: Graph, product: Node, expression: cst.BaseExpression) -> str | None:
    """Returns the size of a head as the product's expression has it, or as a number where it is known."""
    queries = _queries(request, expression)
    if queries is not None:
        return f"{request.source.code(queries)}.size(-1)"
    shape = graph.nodes[product.inputs[0]].shape if product.inputs and product.op != "einsum" else None
    return str(shape[-1]) if shape and isinstance(shape[-1], int) else None


def _queries(request: Request, product: cst.BaseExpression) -> cst.BaseExpression | None:
    given: cst.BaseExpression | None = None
    match product:
        case cst.BinaryOperation(operator=cst.MatrixMultiply(), left=left):
            given = left
        case cst.Call(func=func) if request.names.dotted(func) in ("torch.matmul", "torch.bmm"):
            found = argument(product, "input", 0)
            given = None if found is None else found.value
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value="matmul" | "bmm"))):
            given = owner
    return given if isinstance(given, cst.Name) else None
