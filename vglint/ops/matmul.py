"""Products of matrices, einsum, linear algebra."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vglint.ops.entry import Entry
from vglint.ops.shapes import axis, broadcast, first, merge, multiply, same, scalar, unknown, whole
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


def reduced_by_two(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else shape[:-2])


def without_last(call: Call) -> Result:
    """Matrices (…, m, n) to vectors (…, min(m, n))."""
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-2], _smaller(shape)))


def chain(call: Call) -> Result:
    shape = call.inputs[0]
    for other in call.inputs[1:]:
        shape = matmul_shape(shape, other)
    return Tensor(shape)


def swapped(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-2], shape[-1], shape[-2]))


def solved(call: Call) -> Result:
    """AX = B: shaped like B."""
    return Tensor(call.inputs[1])


def vector_product(call: Call) -> Result:
    together = broadcast(call.inputs)
    if together is None:
        return Tensor()
    dim = axis(call.config.get("dim", -1), len(together))
    return Tensor((*together[:dim], *together[dim + 1 :]))


def svd(call: Call) -> Result:
    """(U, S, Vh); square ones with full_matrices."""
    shape = first(call)
    if shape is None:
        return (Tensor(), Tensor(), Tensor())
    lead, rows, columns, small = shape[:-2], shape[-2], shape[-1], _smaller(shape)
    full = bool(call.config.get("full_matrices", False))
    left = Tensor((*lead, rows, rows if full else small))
    right = (columns if full else small, columns) if "full_matrices" in call.config else (columns, small)
    return (left, Tensor((*lead, small)), Tensor((*lead, *right)))


def qr(call: Call) -> Result:
    shape = first(call)
    if shape is None or call.config.get("mode", "reduced") not in ("reduced", None):
        return (Tensor(), Tensor())
    small = _smaller(shape)
    return (Tensor((*shape[:-1], small)), Tensor((*shape[:-2], small, shape[-1])))


def eigen(call: Call) -> Result:
    shape = first(call)
    return (Tensor(None if shape is None else shape[:-1]), Tensor(shape))


def sign_and_log(call: Call) -> Result:
    shape = first(call)
    lead = Tensor(None if shape is None else shape[:-2])
    return (lead, lead)


def several(count: int) -> Callable[[Call], Result]:
    """That many tensors of unknown shape."""
    return lambda call: tuple(Tensor() for _ in range(count))


def first_and_info(call: Call) -> Result:
    shape = first(call)
    return (Tensor(shape), Tensor(None if shape is None else shape[:-2]))


def _smaller(shape: Shape) -> Dim:
    rows, columns = shape[-2], shape[-1]
    return (
        min(rows, columns) if isinstance(rows, int) and isinstance(columns, int) else rows if rows == columns else None
    )


_ADDED = "*, beta=1, alpha=1, -out=None"

ENTRIES = (
    Entry(
        "matmul",
        "combine",
        "matrix product",
        product,
        "torch.matmul torch.linalg.matmul x.matmul x.__matmul__ (%input, %other, *, -out=None)",
    ),
    Entry("mm", "combine", "product of two matrices", product, "torch.mm x.mm (%input, %mat2, *, -out=None)"),
    Entry(
        "bmm",
        "combine",
        "products of two batches of matrices",
        product,
        "torch.bmm x.bmm (%input, %mat2, *, -out=None)",
    ),
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
    ),
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
    ),
    Entry(
        "addbmm",
        "combine",
        "beta x + alpha Σ A B over a batch",
        added_sum,
        f"torch.addbmm x.addbmm x.addbmm_ (%input, %batch1, %batch2, {_ADDED})",
    ),
    Entry(
        "einsum", "combine", "sums of products by index letters", einsum_result, "torch.einsum(equation, *%%operands)"
    ),
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
        "torch.linalg.multi_dot(%%tensors, *, -out=None)\ntorch.chain_matmul(*%%tensors, -out=None)",
    ),
    Entry(
        "matrix_power",
        "elementwise",
        "power of a matrix",
        same,
        "torch.matrix_power torch.linalg.matrix_power x.matrix_power (%input, n, *, -out=None)",
    ),
    Entry(
        "matrix_exp",
        "elementwise",
        "exponential of a matrix",
        same,
        "torch.matrix_exp torch.linalg.matrix_exp x.matrix_exp (%input)",
    ),
    Entry(
        "inv", "elementwise", "inverse of a matrix", same, "torch.inverse torch.linalg.inv x.inverse (%A, *, -out=None)"
    ),
    Entry(
        "inv_ex",
        "elementwise",
        "inverse of a matrix, and whether it failed",
        first_and_info,
        "torch.linalg.inv_ex(%A, *, check_errors=False, -out=None)",
    ),
    Entry(
        "pinv",
        "elementwise",
        "pseudo-inverse of a matrix",
        swapped,
        "torch.linalg.pinv(%A, *, atol=None, rtol=None, hermitian=False, -out=None)\ntorch.pinverse x.pinverse (%input, rcond=1e-15)",
    ),
    Entry(
        "cholesky",
        "elementwise",
        "Cholesky factor",
        same,
        "torch.linalg.cholesky(%A, *, upper=False, -out=None)\ntorch.cholesky x.cholesky (%input, upper=False, *, -out=None)",
    ),
    Entry(
        "cholesky_ex",
        "elementwise",
        "Cholesky factor, and whether it failed",
        first_and_info,
        "torch.linalg.cholesky_ex(%A, *, upper=False, check_errors=False, -out=None)",
    ),
    Entry("det", "reduce", "determinant", reduced_by_two, "torch.det torch.linalg.det x.det (%A, *, -out=None)"),
    Entry("logdet", "reduce", "logarithm of the determinant", reduced_by_two, "torch.logdet x.logdet (%input)"),
    Entry(
        "slogdet",
        "reduce",
        "sign and logarithm of the determinant",
        sign_and_log,
        "torch.slogdet torch.linalg.slogdet x.slogdet (%A, *, -out=None)",
    ),
    Entry(
        "svd",
        "other",
        "singular value decomposition",
        svd,
        "torch.linalg.svd(%A, full_matrices=True, *, driver=None, -out=None)\ntorch.svd x.svd (%input, some=True, compute_uv=True, *, -out=None)",
    ),
    Entry("svdvals", "other", "singular values", without_last, "torch.linalg.svdvals(%A, *, driver=None, -out=None)"),
    Entry(
        "qr",
        "other",
        "QR decomposition",
        qr,
        "torch.linalg.qr(%A, mode='reduced', *, -out=None)\ntorch.qr x.qr (%input, some=True, *, -out=None)",
    ),
    Entry(
        "eigh",
        "other",
        "eigenvalues and vectors of a symmetric matrix",
        eigen,
        "torch.linalg.eigh(%A, UPLO='L', *, -out=None)",
    ),
    Entry("eig", "other", "eigenvalues and vectors", eigen, "torch.linalg.eig(%A, *, -out=None)"),
    Entry(
        "eigvalsh",
        "other",
        "eigenvalues of a symmetric matrix",
        without_last,
        "torch.linalg.eigvalsh(%A, UPLO='L', *, -out=None)",
    ),
    Entry("eigvals", "other", "eigenvalues", without_last, "torch.linalg.eigvals(%A, *, -out=None)"),
    Entry(
        "solve",
        "combine",
        "solution of a linear system",
        solved,
        "torch.linalg.solve(%A, %B, *, left=True, -out=None)\ntorch.linalg.solve_triangular(%A, %B, *, upper, left=True, unitriangular=False, -out=None)",
    ),
    Entry(
        "cholesky_solve",
        "combine",
        "solution of a linear system by its Cholesky factor",
        same,
        "torch.cholesky_solve x.cholesky_solve (%input, %L, upper=False, *, -out=None)",
    ),
    Entry("lstsq", "combine", "least squares", several(4), "torch.linalg.lstsq(%A, %B, rcond=None, *, driver=None)"),
    Entry("lu", "other", "LU decomposition", several(3), "torch.linalg.lu(%A, *, pivot=True, -out=None)"),
    Entry(
        "lu_factor",
        "other",
        "compact LU decomposition",
        several(2),
        "torch.linalg.lu_factor(%A, *, pivot=True, -out=None)",
    ),
    Entry(
        "matrix_rank",
        "cut",
        "rank of a matrix",
        reduced_by_two,
        "torch.linalg.matrix_rank(%A, %atol=None, %rtol=None, hermitian=False, *, -out=None)",
    ),
    Entry("cond", "reduce", "condition number", reduced_by_two, "torch.linalg.cond(%A, p=None, *, -out=None)"),
    Entry(
        "cov",
        "reduce",
        "covariance",
        unknown,
        "torch.cov x.cov (%input, *, correction=1, %fweights=None, %aweights=None)",
    ),
    Entry("corrcoef", "reduce", "correlation", unknown, "torch.corrcoef x.corrcoef (%input)"),
)
