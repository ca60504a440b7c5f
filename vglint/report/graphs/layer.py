"""A layer as people write it: `Linear(4→128)`, `Conv2d(3→64, 7×7, stride 2)`; and how many parameters it has."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.graph import Graph, Node, Parameter
from vglint.regex import regex
from vglint.report.graphs.tree import value_text
from vglint.shape import shape_text
from vglint.value import Literal_, Unknown

_SYMBOL = regex(r"\b[A-Za-z_]\w*\.(?=[A-Z]\b)")
"""The input that a symbolic size belongs to: `x.` of `x.B`."""
_WAYS = (
    ("in_features", "out_features"),
    ("in_channels", "out_channels"),
    ("input_size", "hidden_size"),
    ("num_embeddings", "embedding_dim"),
)
"""Config keys of what goes in and what comes out."""
_SINGLE = (
    "num_features",
    "normalized_shape",
    "num_channels",
    "embed_dim",
    "d_model",
    "output_size",
    "p",
    "negative_slope",
)
"""Keys whose value says enough without the key."""
_USUAL: dict[str, object] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "num_layers": 1,
    "bidirectional": False,
    "batch_first": False,
    "bias": True,
    "dropout": 0.0,
    "inplace": False,
    "padding_mode": "zeros",
    "ceil_mode": False,
    "affine": True,
    "momentum": 0.1,
    "elementwise_affine": True,
    "track_running_stats": True,
    "training": None,
    "betas": (0.9, 0.999),
    "exhausted": False,
    "complete": True,
    "dampening": 0,
    "weight_decay": 0,
    "ignore_index": -100,
    "label_smoothing": 0.0,
    "requires_grad": False,
    "retain_graph": False,
    "closure": False,
    "keepdim": False,
    "nesterov": False,
    "amsgrad": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
}
"""Values that are not worth saying."""
_SKIPPED = frozenset({"eps", "count_include_pad", "return_indices", "proj_size", "name", "padding_idx", "reduction"})


def layer_text(node: Node) -> str:
    """Returns the leaf's own name, its class or op, and what is worth saying of its configuration."""
    name = node.path.rpartition(".")[2] if node.type is not None else ""
    if node.op == "input":
        given = node.get("name")
        return f"{given}: input" if isinstance(given, str) else "input"
    kind = node.type.rpartition(".")[2] if node.type is not None else node.op
    said = ", ".join(_said(node))
    call = f"{kind}({said})" if said else kind
    return f"{name}: {call}" if name else call


def _said(node: Node) -> Iterator[str]:
    config = {key: value for key, value in node.config if value is not None and key not in _SKIPPED}
    for source, target in _WAYS:
        if source in config and target in config:
            yield f"{value_text(config.pop(source))}→{value_text(config.pop(target))}"
    kernel = config.pop("kernel_size", None)
    if kernel is not None:
        yield _size(kernel)
    for key, value in config.items():
        if key in _SINGLE and node.type is not None:
            yield _size(value) if isinstance(value, tuple) else value_text(value)
        elif key == "bias" and value is False:
            yield "no bias"
        elif not _is_usual(key, value, node.op):
            yield f"{key} {_step(value)}" if key in ("stride", "groups") else f"{key}={value_text(value)}"


def _is_usual(key: str, value: Literal_, op: str) -> bool:
    if key == "padding" and not isinstance(value, (str, Unknown)):
        return True  # follows from the shapes
    if key not in _USUAL:
        return False
    if key == "momentum" and op == "optimizer":
        return value == 0
    usual = _USUAL[key]
    return value == usual or (isinstance(value, tuple) and all(item == usual for item in value))


def _step(value: Literal_) -> str:
    """Returns `2` for `(2, 2)`, `2×1` for `(2, 1)`."""
    return value_text(value[0]) if isinstance(value, tuple) and len(set(value)) == 1 else _size(value)


def _size(value: Literal_) -> str:
    """Returns `7×7` for a tuple or `3` for a number."""
    return "×".join(map(value_text, value)) if isinstance(value, tuple) else value_text(value)


def short_shape(node: Node) -> str:
    """Returns a shape in which sizes of the only input have short names: `(B, 64, H, W)`; nothing where no size is known."""
    if node.shape is None:
        return ""
    text = shape_text(node.shape)
    owners = set(_SYMBOL.findall(text))
    return _SYMBOL.sub("", text) if len(owners) == 1 else text


def own_parameters(node: Node, graph: Graph) -> int | None:
    """Returns how many parameters a node has, 0 where it has none, None where a size is not known."""
    return _sum([graph.parameters[index] for _, index in node.params if not graph.parameters[index].buffer])


def all_parameters(graph: Graph) -> int | None:
    """Returns how many parameters the nodes of a graph use, each counted once; None where a size is not known."""
    used = {index for node in graph.nodes for _, index in node.params}
    return _sum([graph.parameters[index] for index in sorted(used) if not graph.parameters[index].buffer])


def _sum(parameters: list[Parameter]) -> int | None:
    total = 0
    for parameter in parameters:
        if parameter.shape is None:
            return None
        count = 1
        for size in parameter.shape:
            if not isinstance(size, int):
                return None
            count *= size
        total += count
    return total
