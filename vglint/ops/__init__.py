"""The op table: what torch's operations are called, which arguments they take, what they do to a shape.

One op has one name whatever its spelling: the name of torch's function (`relu`, `conv2d`, `batch_norm`, `mse_loss`, `cat`), numbered by
dimension only where the function is (`max_pool2d`, `dropout2d`); a layer without a function takes its class's name in snake case
(`lstm`, `lstm_cell`, `multi_head_attention`).
"""

from vglint.ops.binding import BindError, bind
from vglint.ops.table import (
    OPS,
    attribute,
    canonical,
    canonical_config,
    find,
    has,
    having,
    kind,
    last_size,
    method,
    operator,
    refined,
    result,
    results,
    sources_of,
    spellings,
    tensor_arguments,
)

__all__ = [
    "OPS",
    "BindError",
    "attribute",
    "bind",
    "canonical",
    "canonical_config",
    "find",
    "has",
    "having",
    "kind",
    "last_size",
    "method",
    "operator",
    "refined",
    "result",
    "results",
    "sources_of",
    "spellings",
    "tensor_arguments",
]
