"""`op_samples.txt`: one or more calls of each op on small tensors, written as a program would.

`r` draws normal numbers, `p` numbers in (0.1, 0.9), `c` complex ones, `k(high, …)` integers, `m` a mask, `sym` a positive definite matrix.
Functions and methods whose required arguments are all tensors are sampled by the test itself, on `p(2, 3)`, unless `NOT_ALIKE`
names their op.
"""

from __future__ import annotations

from pathlib import Path

NOT_ALIKE = {
    "linear", "bilinear", "prelu", "embedding", "embedding_bag", "glu", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "batch_norm", "multilabel_margin_loss", "multilabel_soft_margin_loss", "multi_margin_loss",
    "nll_loss", "cross_entropy", "cosine_embedding_loss", "ctc_loss", "gaussian_nll_loss", "binary_cross_entropy",
    "scaled_dot_product_attention", "multi_head_attention", "rnn_cell", "lstm_cell", "gru_cell", "pad_packed_sequence",
    "pack_padded_sequence", "grid_sample", "affine_grid", "interpolate", "one_hot", "to", "resize", "copy_", "identity",
    "repeat_interleave", "take_along_dim", "take", "gather", "masked_select", "masked_fill", "masked_scatter", "put", "diagonal_scatter",
    "where", "expand_as", "view_as", "matmul", "mm", "bmm", "mv", "dot", "vecdot", "inner", "outer", "addmm", "addmv", "addr", "baddbmm",
    "addbmm", "matrix_exp", "inv", "inv_ex", "cholesky", "cholesky_ex", "det", "logdet", "slogdet", "cholesky_solve", "solve", "pdist",
    "lstsq", "eigh", "eig", "eigvals", "eigvalsh", "lu_factor", "lu", "cond", "clamp", "imag", "quantile", "fft", "ifft", "rfft", "irfft",
    "hfft", "ihfft", "view_as_complex", "cartesian_prod", "block_diag", "logsigmoid", "combinations", "bincount", "tolist", "item",
    "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift", "bitwise_right_shift", "trace", "searchsorted",
    "bucketize", "cross", "binomial", "from_numpy", "tensor", "linspace", "logspace", "zeros", "ones", "empty", "randn", "rand", "normal",
    "bernoulli",
}  # fmt: skip

SAMPLES = (Path(__file__).parent / "op_samples.txt").read_text(encoding="utf-8").splitlines()
