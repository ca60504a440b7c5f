"""Linear algebra: inverses, decompositions, determinants, linear systems."""

from __future__ import annotations

from collections.abc import Callable

from vglint.ops.entry import Entry
from vglint.ops.shapes import first, flag, same, unknown
from vglint.ops.spec import Call, Result, Tensor
from vglint.shape import Dim, Shape


def reduced_by_two(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else shape[:-2])


def without_last(call: Call) -> Result:
    """Matrices (…, m, n) to vectors (…, min(m, n))."""
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-2], _smaller(shape)))


def swapped(call: Call) -> Result:
    shape = first(call)
    return Tensor(None if shape is None else (*shape[:-2], shape[-1], shape[-2]))


def solved(call: Call) -> Result:
    """AX = B: shaped like B."""
    return Tensor(call.inputs[1])


def svd(call: Call) -> Result:
    """(U, S, Vh); square ones with full_matrices."""
    shape = first(call)
    if shape is None:
        return (Tensor(), Tensor(), Tensor())
    lead, rows, columns, small = shape[:-2], shape[-2], shape[-1], _smaller(shape)
    full = flag(call.config.get("full_matrices", False))
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


ENTRIES = (
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
    ).naming("inverse", "info"),
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
    ).naming("L", "info"),
    Entry("det", "reduce", "determinant", reduced_by_two, "torch.det torch.linalg.det x.det (%A, *, -out=None)"),
    Entry("logdet", "reduce", "logarithm of the determinant", reduced_by_two, "torch.logdet x.logdet (%input)"),
    Entry(
        "slogdet",
        "reduce",
        "sign and logarithm of the determinant",
        sign_and_log,
        "torch.slogdet torch.linalg.slogdet x.slogdet (%A, *, -out=None)",
    ).naming("sign", "logabsdet"),
    Entry(
        "svd",
        "other",
        "singular value decomposition",
        svd,
        "torch.linalg.svd(%A, full_matrices=True, *, driver=None, -out=None)\ntorch.svd x.svd (%input, some=True, compute_uv=True, *, -out=None)",
    ).naming("U", "S", "V Vh"),
    Entry("svdvals", "other", "singular values", without_last, "torch.linalg.svdvals(%A, *, driver=None, -out=None)"),
    Entry(
        "qr",
        "other",
        "QR decomposition",
        qr,
        "torch.linalg.qr(%A, mode='reduced', *, -out=None)\ntorch.qr x.qr (%input, some=True, *, -out=None)",
    ).naming("Q", "R"),
    Entry(
        "eigh",
        "other",
        "eigenvalues and vectors of a symmetric matrix",
        eigen,
        "torch.linalg.eigh(%A, UPLO='L', *, -out=None)",
    ).naming("eigenvalues", "eigenvectors"),
    Entry("eig", "other", "eigenvalues and vectors", eigen, "torch.linalg.eig(%A, *, -out=None)").naming(
        "eigenvalues", "eigenvectors"
    ),
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
    Entry(
        "lstsq", "combine", "least squares", several(4), "torch.linalg.lstsq(%A, %B, rcond=None, *, driver=None)"
    ).naming("solution", "residuals", "rank", "singular_values"),
    Entry("lu", "other", "LU decomposition", several(3), "torch.linalg.lu(%A, *, pivot=True, -out=None)").naming(
        "P", "L", "U"
    ),
    Entry(
        "lu_factor",
        "other",
        "compact LU decomposition",
        several(2),
        "torch.linalg.lu_factor(%A, *, pivot=True, -out=None)",
    ).naming("LU", "pivots"),
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
