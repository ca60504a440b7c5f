"""Products of matrices and tensors."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.ops.entry import Entry
from vglint.ops.shapes import axis, broadcast, merge, multiply, scalar, whole
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape


def matmul_shape(left: Shape | None, right: Shape | None) -> Shape | None:
    """Returns the shape of a matrix product: vectors lose their dimension, leading dimensions broadcast."""
    if left is None or right is None:
        return None
    if not left or not right:
        raise ValueError("a number has no matrix product")
    if len(right) == 1:
        return left[:-1]
    if len(left) == 1:
        return (*right[:-2], right[-1])
    lead = broadcast((left[:-2], right[:-2]))
    return None if lead is None else (*lead, left[-2], right[-1])


def product(call: Call) -> Result:
    return Tensor(matmul_shape(call.inputs[0], call.inputs[1]))


def added_product(call: Call) -> Result:
    """beta input + alpha (left @ right): the product's shape."""
    return Tensor(matmul_shape(call.inputs[-2], call.inputs[-1]))


def added_sum(call: Call) -> Result:
    """Products summed over the batch."""
    shape = matmul_shape(call.inputs[-2], call.inputs[-1])
    return Tensor(None if shape is None else shape[1:])


def outer(call: Call) -> Result:
    left, right = call.inputs[-2], call.inputs[-1]
    return Tensor() if left is None or right is None else Tensor((*left, *right))


def inner(call: Call) -> Result:
    left, right = call.inputs[0], call.inputs[1]
    if left is None or right is None:
        return Tensor()
    return Tensor((*left[:-1], *right[:-1]) if left and right else left or right)


def kronecker(call: Call) -> Result:
    left, right = call.inputs[0], call.inputs[1]
    if left is None or right is None:
        return Tensor()
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    return Tensor(tuple(multiply(pair) for pair in pairs))


def tensordot(call: Call) -> Result:
    left, right, dims = call.inputs[0], call.inputs[1], call.config.get("dims", 2)
    if left is None or right is None:
        return Tensor()
    if isinstance(dims, tuple):
        lefts, rights = dims
        out_left = {axis(dim, len(left)) for dim in (lefts if isinstance(lefts, tuple) else (lefts,))}
        out_right = {axis(dim, len(right)) for dim in (rights if isinstance(rights, tuple) else (rights,))}
    else:
        count = whole(dims)
        out_left, out_right = set(range(len(left) - count, len(left))), set(range(count))
    return Tensor(
        (
            *(size for place, size in enumerate(left) if place not in out_left),
            *(size for place, size in enumerate(right) if place not in out_right),
        )
    )


def einsum_result(call: Call) -> Result:
    equation = call.config["equation"]
    return Tensor(einsum_shape(equation, call.inputs) if isinstance(equation, str) else None)


def einsum_shape(equation: str, operands: Sequence[Shape | None]) -> Shape | None:
    """Returns the shape of an einsum; raises ValueError where the equation does not fit its operands."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"{len(operands)} operands for {left}")
    sizes: dict[str, Dim] = {}
    lead: list[Shape | None] = []
    for term, shape in zip(terms, operands, strict=True):
        before, dots, after = term.partition("...")
        if shape is None:
            for letter in before + after:
                sizes.setdefault(letter, None)
            if dots:
                lead.append(None)
            continue
        extra = len(shape) - len(before) - len(after)
        if extra < 0 or (extra and not dots):
            raise ValueError(f"{term} does not fit {shape}")
        for letter, size in zip(
            before + after, (*shape[: len(before)], *shape[len(shape) - len(after) :]), strict=True
        ):
            sizes[letter] = size if sizes.get(letter) in (None, 1) else merge(sizes[letter], size)
        if dots:
            lead.append(shape[len(before) : len(before) + extra])
    together = broadcast(lead) if lead else ()
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        right = ("..." if lead else "") + "".join(
            sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        )
    before, dots, after = right.partition("...")
    if dots and together is None:
        return None
    return (
        *(sizes[letter] for letter in before),
        *((together or ()) if dots else ()),
        *(sizes[letter] for letter in after),
    )


def chain(call: Call) -> Result:
    shape = call.inputs[0]
    for other in call.inputs[1:]:
        shape = matmul_shape(shape, other)
    return Tensor(shape)


def vector_product(call: Call) -> Result:
    together = broadcast(call.inputs)
    if together is None:
        return Tensor()
    dim = axis(call.config.get("dim", -1), len(together))
    return Tensor((*together[:dim], *together[dim + 1 :]))


_ADDED = "*, beta=1, alpha=1, -out=None"


ENTRIES = (
    Entry(
        "matmul",
        "combine",
        "matrix product",
        product,
        "torch.matmul torch.linalg.matmul x.matmul x.__matmul__ (%input, %other, *, -out=None)",
    ).having("multiplies", "matrix_product", "map_of_first"),
    Entry("mm", "combine", "product of two matrices", product, "torch.mm x.mm (%input, %mat2, *, -out=None)").having(
        "multiplies", "matrix_product", "flat_product", "map_of_first"
    ),
    Entry(
        "bmm",
        "combine",
        "products of two batches of matrices",
        product,
        "torch.bmm x.bmm (%input, %mat2, *, -out=None)",
    ).having("multiplies", "matrix_product", "batched_product", "map_of_first"),
    Entry("mv", "combine", "matrix times vector", product, "torch.mv x.mv (%input, %vec, *, -out=None)"),
    Entry(
        "dot",
        "combine",
        "product of two vectors",
        scalar,
        "torch.dot x.dot (%input, %tensor, *, -out=None)\ntorch.vdot x.vdot (%input, %other, *, -out=None)",
    ),
    Entry(
        "vecdot",
        "combine",
        "products of vectors along a dimension",
        vector_product,
        "torch.linalg.vecdot(%x, %y, *, dim=-1, -out=None)",
    ),
    Entry(
        "inner",
        "combine",
        "products over the last dimensions",
        inner,
        "torch.inner x.inner (%input, %other, *, -out=None)",
    ),
    Entry(
        "outer",
        "combine",
        "all products of two vectors",
        outer,
        "torch.outer torch.ger x.outer x.ger (%input, %vec2, *, -out=None)",
    ),
    Entry(
        "addmm",
        "combine",
        "beta x + alpha A B",
        added_product,
        f"torch.addmm x.addmm x.addmm_ (%input, %mat1, %mat2, {_ADDED})",
    ).having("adds_product", "rescales", "flat_product"),
    Entry(
        "addmv",
        "combine",
        "beta x + alpha A v",
        added_product,
        f"torch.addmv x.addmv x.addmv_ (%input, %mat, %vec, {_ADDED})",
    ),
    Entry(
        "addr", "combine", "beta x + alpha u vᵀ", outer, f"torch.addr x.addr x.addr_ (%input, %vec1, %vec2, {_ADDED})"
    ),
    Entry(
        "baddbmm",
        "combine",
        "beta x + alpha A B of batches",
        added_product,
        f"torch.baddbmm x.baddbmm x.baddbmm_ (%input, %batch1, %batch2, {_ADDED})",
    ).having("adds_product", "rescales", "batched_product"),
    Entry(
        "addbmm",
        "combine",
        "beta x + alpha Σ A B over a batch",
        added_sum,
        f"torch.addbmm x.addbmm x.addbmm_ (%input, %batch1, %batch2, {_ADDED})",
    ),
    Entry(
        "einsum", "combine", "sums of products by index letters", einsum_result, "torch.einsum(equation, *%%operands)"
    ).having("multiplies", "map_of_first"),
    Entry(
        "tensordot",
        "combine",
        "product over several dimensions",
        tensordot,
        "torch.tensordot(%a, %b, dims=2, -out=None)",
    ),
    Entry("kron", "combine", "Kronecker product", kronecker, "torch.kron x.kron (%input, %other, *, -out=None)"),
    Entry(
        "multi_dot",
        "combine",
        "product of a chain of matrices",
        chain,
        "torch.linalg.multi_dot(%%tensors, *, -out=None)\ntorch.chain_matmul(*%%matrices, -out=None)",
    ),
)
