"""Whether the results of a softmax weigh a sum over the softmax's own dimension: a mixture of as many things as it has entries."""

from __future__ import annotations

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View, number
from vglint.graph import Node
from vglint.ops import has


@fact("node", "flag")
def mixes(found: NodeView) -> bool:
    """A softmax whose results weigh a sum over the dimension that it runs over, or are taken one by one along it to weigh something each: a
    mixture, which over one entry passes that entry on as it is."""
    dim, shape = number(found.node.get("dim")), found.node.shape
    if dim is None:
        return False
    if shape is None:
        return dim == -1 and _ends_in_sum(found.view, found.node.index)
    if not -len(shape) <= dim < len(shape):
        return False
    at = int(dim) % len(shape)
    return _summed(found.view, found.node.index, at, len(shape)) or _taken_apart(
        found.view, found.node.index, at, len(shape)
    )


def _ends_in_sum(view: View, index: int) -> bool:
    """Whether what is multiplied by a node's result is summed over the last dimension."""
    products = [reader for reader in view.readers[index] if view.graph.nodes[reader].op == "mul"]
    sums = [view.graph.nodes[each] for product in products for each in view.readers[product]]
    return any(each.op == "sum" and number(each.get("dim")) == -1 for each in sums)


def _taken_apart(view: View, index: int, dim: int, rank: int) -> bool:
    """Whether parts of a node's result along a dimension are multiplied by something that is not a constant."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        at = number(node.get("dim"))
        parted = node.op == "getitem" and _indexes(node.get("index"), dim, rank)
        if not parted and not (has(node.op, "splits") and at is not None and int(at) % rank == dim):
            continue
        todo = [reader]
        while todo:
            for each in view.readers[todo.pop()]:
                further = view.graph.nodes[each]
                if further.op == "mul" and len(set(further.inputs)) == 2:
                    return True
                if further.op == "getitem" or has(further.op, "copies"):
                    todo.append(each)
    return False


def _indexes(index: object, dim: int, rank: int) -> bool:
    """Whether an index takes a part along a dimension: `w[:, i]`, `w[..., i : i + 1]`."""
    parts = index if isinstance(index, tuple) else (index,)
    if "..." in parts:
        return dim == rank - 1 and parts[-1] != "..."
    return len(parts) == dim + 1


def _summed(view: View, index: int, dim: int, rank: int) -> bool:
    """Whether a dimension of a node's result, counted from the left of `rank`, is summed over in a product."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if has(node.op, "matrix_product") or node.op == "mv":
            if dim == (rank - 1 if node.inputs[0] == index else max(rank - 2, 0)):
                return True
        elif node.op == "mul":
            if any(_sums_over(view.graph.nodes[each], dim, rank) for each in view.readers[reader]):
                return True
        else:
            moved = _moved(node, dim, rank)
            if moved is not None and _summed(view, reader, *moved):
                return True
    return False


def _sums_over(node: Node, dim: int, rank: int) -> bool:
    """Whether a node sums over a dimension; one that broadcasting has put dimensions in front of is counted from the right."""
    over = number(node.get("dim"))
    if node.op != "sum" or over is None:
        return False
    return over == (dim - rank if over < 0 else dim)


def _moved(node: Node, dim: int, rank: int) -> tuple[int, int] | None:
    """Returns where an op that only rearranges puts a dimension, and the new rank."""
    if node.op == "dropout" or (has(node.op, "copies") and node.op != "detach"):
        return dim, rank
    at = number(node.get("dim"))
    if node.op == "unsqueeze" and at is not None:
        place = int(at) % (rank + 1)
        return dim + (place <= dim), rank + 1
    if node.op == "squeeze" and at is not None:
        place = int(at) % rank
        return None if place == dim else (dim - (place < dim), rank - 1)
    left, right = number(node.get("dim0")), number(node.get("dim1"))
    if node.op == "transpose" and left is not None and right is not None:
        one, other = int(left) % rank, int(right) % rank
        return {one: other, other: one}.get(dim, dim), rank
    return None
