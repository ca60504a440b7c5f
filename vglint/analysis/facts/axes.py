"""Facts of axes taken for one another: time and batch, layers and batch."""

from __future__ import annotations

from collections.abc import Iterator

from vglint.analysis.facts.node import NodeView
from vglint.analysis.facts.spec import fact
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has
from vglint.shape import Shape
from vglint.value import Expr, Literal_

# ---- time and batch


@fact("node", "places")
def batch_read_as_time(found: NodeView) -> tuple[Place, ...]:
    """Of a recurrent layer: where the last entry of its output is taken along the batch, not along time; of self-attention without
    batch_first: where its output is averaged along the second axis, or its first or last entry there is taken. A batch of one, and a
    sequence without a batch, are none."""
    view, node = found.view, found.node
    if node.op == "multi_head_attention":
        return view.places([*(read.index for read in _pooled(view, node)), *_along_samples(view, node)])
    if not has(node.op, "over_sequence") or not isinstance(node.get("batch_first"), bool) or not node.inputs:
        return ()
    axis = 0 if node.get("batch_first") else 1
    given = view.graph.nodes[node.inputs[0]]
    packed = given.op == "pack_padded_sequence" or given.op == "pack_sequence"
    if packed or _single(view, given, axis):
        return ()
    if given.shape is not None and len(given.shape) == 2:
        return ()
    outputs = list(_results(view, node, 0))
    reads = [read for output in outputs for read in _reads(view, output) if last_along(view, read) == axis]
    found_ = [read.index for read in [*reads, *flattened(view, node, outputs)]]
    return view.places(found_ or _along_samples(view, node))


def _along_samples(view: View, node: Node) -> list[int]:
    """Returns the layer itself, where it has no batch_first and what it is given starts with the samples that a DataLoader put together: their
    number is not known, and the size of each sample is."""
    if (
        node.get("batch_first") is not False
        or len(set(node.inputs[:3] if node.op == "multi_head_attention" else [0])) != 1
    ):
        return []
    given = view.graph.nodes[node.inputs[0]]
    if given.shape is None or len(given.shape) != 3 or given.shape[0] is not None or given.shape[1] in (None, 1):
        return []
    while given.inputs and (_keeps_samples(view, given)):
        given = view.graph.nodes[given.inputs[0]]
    taken = given.op == "getitem" and isinstance(given.get("index"), (int, str)) and bool(given.inputs)
    batch = view.graph.nodes[given.inputs[0]] if taken else given
    whole = (
        given.shape is not None
        and given.shape[:1] == (None,)
        and all(isinstance(size, int) for size in given.shape[1:])
    )
    return [node.index] if batch.op == "input" and whole and len(given.shape or ()) > 1 else []


def _keeps_samples(view: View, node: Node) -> bool:
    """Whether a node leaves samples and steps where they are."""
    each = has(node.op, "copies") or has(node.op, "looks_up") or node.op == "linear"
    return each or view.kinds[node.index] in ("dropout", "activation", "norm")


def flattened(view: View, node: Node, outputs: list[int]) -> list[Node]:
    """Returns what joins all but the first axis of a recurrent layer's output without batch_first, so that the first one is taken for the batch:
    `output.flatten(1)`, `output.reshape(len(output), -1)`."""
    given = view.graph.nodes[node.inputs[0]]
    if node.get("batch_first") is not False or _single(view, given, 0) or has(given.op, "transposes"):
        return []  # what is turned right before the layer is turned on purpose
    found, todo = list[Node](), list(outputs)
    while todo:
        index = todo.pop()
        for reader in view.readers[index]:
            read, sizes = view.graph.nodes[reader], sizes_of(view.graph.nodes[reader])
            whole = view.graph.nodes[index].shape
            rows = bool(whole) and len(sizes) == 2 and sizes[1] == -1 and whole is not None and sizes[0] == whole[0]
            named = len(sizes) == 2 and sizes[1] == -1 and named_axis(sizes[0], 0)
            if (read.op == "flatten" and read.get("start_dim") == 1 and read.get("end_dim") == -1) or rows or named:
                found.append(read)
            elif leaves_axes(view, read):
                todo.append(reader)
    return found


@fact("node", "flag")
def walks_samples(found: NodeView) -> bool:
    """What `batch_read_as_time` names is the layer itself: it is given a DataLoader's batch, (batch, time, features), as it is."""
    return batch_read_as_time(found) == (found.view.place(found.node.index),)


@fact("node", "flag")
def joins_time(found: NodeView) -> bool:
    """What `batch_read_as_time` names joins the axes behind the first one, as if they were time and features."""
    view, node = found.view, found.node
    return has(node.op, "over_sequence") and bool(flattened(view, node, list(_results(view, node, 0))))


@fact("node", "flag")
def batch_first(found: NodeView) -> bool:
    """A recurrent layer whose input starts with the batch, not with time."""
    return found.node.get("batch_first") is True


@fact("node", "flag")
def attends(found: NodeView) -> bool:
    """It is attention, not a recurrent layer."""
    return found.node.op == "multi_head_attention"


def _pooled(view: View, node: Node) -> Iterator[Node]:
    """Yields what takes the mean, the first or the last entry along the second axis of what self-attention along the first axis gave, after
    layers that leave the axes as they are."""
    if node.get("batch_first") is not False or len(set(node.inputs[:3])) != 1:
        return
    given = view.graph.nodes[node.inputs[0]]
    if _single(view, given, 1) or _single(view, given, 0) or (given.shape is not None and len(given.shape) != 3):
        return
    todo, seen = list(_results(view, node, 0)), set[int]()
    while todo:
        index = todo.pop()
        for reader in view.readers[index]:
            read = view.graph.nodes[reader]
            if reader in seen:
                continue
            seen.add(reader)
            if has(read.op, "sums") or has(read.op, "picks"):
                if read.get("dim") == 1 or (has(read.op, "picks") and _end_along(read) == 1):
                    yield read
            elif (
                has(read.op, "copies")
                or has(read.op, "over_features")
                or read.op == "linear"
                or read.op == "add"
                or view.kinds[reader] in ("dropout", "activation")
            ):
                todo.append(reader)


def _end_along(node: Node) -> int | None:
    """Returns the axis along which a node takes the first or the last entry alone; None where it takes something else."""
    index = node.get("index")
    if isinstance(index, tuple) and len(index) > 1 and index[0] == ("slice", None, None, None):
        rest = [entry for entry in index[2:] if entry != ("slice", None, None, None)]
        return 1 if index[1] in (0, -1) and not isinstance(index[1], bool) and not rest else None
    return None


@fact("node", "flag")
def sizes_show_batch(found: NodeView) -> bool:
    """The sizes show it: the first axis of what the layer is given is as long as the loss's target, the second is not."""
    view, node = found.view, found.node
    shape = view.graph.nodes[node.inputs[0]].shape if node.inputs else None
    if shape is None or len(shape) != 3 or not isinstance(shape[0], int) or shape[0] == shape[1]:
        return False
    for index in view.after([node.index]):
        if view.kinds[index] == "loss":
            target = view.argument(view.graph.nodes[index], "target")
            wanted = view.graph.nodes[target].shape if target is not None else None
            if wanted and wanted[0] == shape[0]:
                return True
    return False


def _single(view: View, node: Node, axis: int) -> bool:
    """Whether an axis has one entry: it was put in, or is 1 long."""
    if node.shape is not None and len(node.shape) == 3:
        return node.shape[axis] == 1
    while node.inputs:
        if node.op == "unsqueeze":
            return node.get("dim") in (axis, axis - 3)
        if node.op == "getitem" and _adds_axis(node.get("index")):
            return True
        if has(node.op, "reshapes"):
            sizes = sizes_of(node)
            return len(sizes) == 3 and sizes[axis] == 1
        each = has(node.op, "copies") or has(node.op, "looks_up") or node.op == "linear"
        if view.kinds[node.index] not in ("dropout", "activation", "norm") and not each:
            return False
        node = view.graph.nodes[node.inputs[0]]
    return False


def _adds_axis(index: Literal_) -> bool:
    return index is None or (isinstance(index, tuple) and None in index)


def _results(view: View, node: Node, position: int) -> Iterator[int]:
    """Yields the nodes of a recurrent layer's output (0) or of its last states (1), as they are."""
    for reader in view.readers[node.index]:
        found = view.graph.nodes[reader]
        if found.op != "getitem" or found.get("index") not in (position, position - 2):
            continue
        if position == 0 or node.op != "lstm":
            yield reader
            continue
        for inner in view.readers[reader]:
            if view.graph.nodes[inner].op == "getitem" and view.graph.nodes[inner].get("index") in (0, 1, -1, -2):
                yield inner


def _reads(view: View, index: int) -> Iterator[Node]:
    """Yields what takes a part of a value, beyond what leaves its axes as they are."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        if has(node.op, "picks"):
            yield node
        elif leaves_axes(view, node) or node.op == "linear":
            yield from _reads(view, reader)


def leaves_axes(view: View, node: Node) -> bool:
    """Whether a node leaves the axes and the features of what it is given as they are."""
    return has(node.op, "copies") or view.kinds[node.index] in ("dropout", "activation") or node.op == "layer_norm"


def last_along(view: View, node: Node) -> int | None:
    """Returns the axis along which a node takes the last entry; None where it takes something else, or along several."""
    shape = view.graph.nodes[node.inputs[0]].shape if node.inputs else None
    if node.op == "select":
        dim = node.get("dim")
        return dim if isinstance(dim, int) and _is_last(node.get("index"), dim, shape) else None
    index = node.get("index")
    entries = index if isinstance(index, tuple) and index[:1] != ("slice",) else (index,)
    axis = None
    for position, entry in enumerate(entries):
        if entry == ("slice", None, None, None):
            continue
        if axis is not None or not _is_last(entry, position, shape):
            return None
        axis = position
    return axis


def named_axis(size: Literal_, axis: int) -> bool:
    """Whether a size is that of one axis of some tensor."""
    return isinstance(size, Expr) and any(str(size) == name and name.endswith(f".{axis}") for name in size.symbols())


def _is_last(entry: Literal_, axis: int, shape: Shape | None) -> bool:
    """Whether an index is -1, `-1:`, or the size of that axis less one."""
    if isinstance(entry, int) and not isinstance(entry, bool):
        size = shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else None
        return entry == -1 or (isinstance(size, int) and entry == size - 1 > 0)
    if isinstance(entry, tuple):
        return entry[:3] == ("slice", -1, None)
    return isinstance(entry, Expr) and any(
        str(entry) == f"{symbol} - 1" and symbol.endswith(f".{axis}") for symbol in entry.symbols()
    )


# ---- layers and batch


@fact("node", "places")
def mixed_states(found: NodeView) -> tuple[Place, ...]:
    """Of a recurrent layer of several layers or directions: where its last states, which stand (layers · directions, batch, hidden), are
    viewed as (batch, …) without a transpose, so that a row holds the states of several samples."""
    node = found.node
    count = _stacked(node)
    if not has(node.op, "over_sequence") or count is None or count < 2:
        return ()
    places = []
    for state in _results(found.view, node, 1):
        for view_, kept in _viewed(found.view, state, count):
            if kept > 1 and _rows_are_samples(view_, node, kept):
                places.append(found.view.place(view_.index))
    return tuple(dict.fromkeys(places))


@fact("node", "number")
def stacked_states(found: NodeView) -> float:
    """How many last states a recurrent layer gives for a sample: layers times directions."""
    return float(_stacked(found.node) or 1)


def _stacked(node: Node) -> int | None:
    layers, both = node.get("num_layers"), node.get("bidirectional")
    if not isinstance(layers, int) or not isinstance(both, bool):
        return 2 if both is True else None
    return layers * (2 if both else 1)


def _viewed(view: View, index: int, count: int) -> Iterator[tuple[Node, int]]:
    """Yields the reshapes of some states, and of how many: `h_n[-2:]` are those of the last layer."""
    for reader in view.readers[index]:
        node = view.graph.nodes[reader]
        key = node.get("index") if node.op == "getitem" else None
        if has(node.op, "reshapes"):
            yield node, count
        elif isinstance(key, tuple) and key[:1] == ("slice",):
            bounds = [part for part in key[1:] if part is None or isinstance(part, int)]
            if len(bounds) == 3 and bounds[2] != 0:
                yield from _viewed(view, reader, len(range(count)[slice(bounds[0], bounds[1], bounds[2])]))
        elif has(node.op, "copies") or node.op == "squeeze" or view.kinds[reader] in ("dropout", "activation"):
            yield from _viewed(view, reader, count)


def sizes_of(node: Node) -> tuple[Literal_, ...]:
    """Returns the sizes that a reshape is given."""
    sizes = node.get("size") if node.op == "view" else node.get("shape")
    return sizes if isinstance(sizes, tuple) else ()


def _rows_are_samples(node: Node, layer: Node, count: int) -> bool:
    sizes, hidden = sizes_of(node), layer.get("hidden_size")
    if len(sizes) not in (2, 3):
        return False
    first, last = sizes[0], sizes[-1]
    ways = {count, layer.get("num_layers"), 2 if layer.get("bidirectional") is True else 1, 1}
    if isinstance(first, Expr) or (isinstance(first, int) and first > 0 and first not in ways):
        # (batch · something, hidden) keeps the rows of the states apart
        return not (len(sizes) == 2 and last == hidden) and not isinstance(last, type(None))
    if first != -1:
        return False
    if len(sizes) == 3:
        return sizes[1] == count and last == hidden
    return isinstance(last, int) and isinstance(hidden, int) and last > hidden and last % hidden == 0
