"""Where a value can lie: whether something on its way keeps it off zero, or off the edges of a function's domain."""

from __future__ import annotations

from vglint.analysis.facts.klass import RANDOM
from vglint.analysis.facts.view import View, number
from vglint.graph import Init, Node
from vglint.ops import has


def origin(view: View, index: int) -> Node:
    """Returns the node that made a value, beyond reshapes, casts and copies."""
    node = view.graph.nodes[index]
    while node.inputs and moves(view, node) and not has(node.op, "triangle") and node.op != "pad":
        node = view.graph.nodes[node.inputs[0]]
    return node


def moves(view: View, node: Node) -> bool:
    """Whether an op hands the values of its argument on with their gradient, perhaps in other places."""
    return view.kinds[node.index] == "shape" or node.op == "requires_grad"


def constant(node: Node) -> float | None:
    """Returns the plain number that an operation takes beside its one tensor: the 2 of `x ** 2` and of `2 - x`."""
    for name in ("other", "exponent", "input", "self"):
        value = number(node.get(name))
        if value is not None:
            return value
    return None


def guarded(view: View, index: int) -> bool:
    """Whether a value is kept off zero from below: a positive constant was added, it was clamped, or a function made it positive."""
    node = origin(view, index)
    if floors_at_zero(node):
        return guarded(view, node.inputs[0])
    if has(node.op, "floors") or has(node.op, "masks") or _inside_circle(view, node):
        return True
    if has(node.op, "adds") and len(node.inputs) == 1:
        value = constant(node)
        # A constant that is not known is an epsilon as often as not.
        return value is None or (value > 0 if node.op == "add" else value < 0)
    if node.op == "add":
        return any(guarded(view, source) for source in node.inputs)
    if has(node.op, "keeps_positive"):
        return bool(node.inputs) and all(guarded(view, source) for source in node.inputs)
    return has(node.op, "positive")


def _inside_circle(view: View, node: Node) -> bool:
    """Whether a value is `1 - c²` of a c that is clamped to less than 1 on either side, also in float32."""
    squared = _taken_from_one(view, node)
    if squared is None:
        return False
    held = origin(view, squared)
    ends = [number(held.get(name)) for name in ("min", "max")]
    return has(held.op, "floors") and all(end is not None and abs(end) <= 1 - 2**-24 for end in ends)


def _taken_from_one(view: View, node: Node) -> int | None:
    """Returns the c of `1 - c²`."""
    if not (has(node.op, "adds") or has(node.op, "subtracts")) or len(node.inputs) != 1 or constant(node) != 1:
        return None
    taken = origin(view, node.inputs[0])
    if taken.op == "neg":
        taken = origin(view, taken.inputs[0])
    return taken.inputs[0] if _square(view, taken.index) and taken.inputs else None


def floors_at_zero(node: Node) -> bool:
    """Whether an op only takes off what is negative, and leaves zero as it is: `clamp(min=0)`, ReLU."""
    if node.op == "relu":
        return True
    return has(node.op, "floors") and len(node.inputs) == 1 and number(node.get("min")) == 0


def is_signed(view: View, node: Node) -> bool:
    """Whether about half of the values that a node makes start below zero: those of a layer whose weights are random numbers around zero and
    whose bias is none of its own, of a normalisation that starts without a shift, or of a curve through zero."""
    if view.kinds[node.index] == "norm":
        shifts = [view.graph.parameters[index].init for name, index in node.params if name == "bias"]
        return all(each.scheme == "zeros" for each in shifts)
    if has(node.op, "squashes"):
        return bool(node.inputs) and is_signed(view, view.graph.nodes[node.inputs[0]])
    if view.kinds[node.index] != "weight":
        return False
    inits = [(name, view.graph.parameters[index]) for name, index in node.params]
    return bool(inits) and all(
        not each.late and (_around_zero(each.init) or (name == "bias" and each.init.scheme == "zeros"))
        for name, each in inits
    )


def _around_zero(init: Init) -> bool:
    """Whether random numbers fill a parameter, as many below zero as above."""
    given = dict(init.args)
    if init.parts or init.scheme not in RANDOM:
        return False
    if init.scheme == "uniform":
        low, high = number(given.get("a")), number(given.get("b"))
        return low is not None and high is not None and low == -high
    return not given.get("mean")


def clamped_in_place(view: View, index: int) -> bool:
    """Whether a value is clamped behind autograd's back before it is used: `p.data.clamp_(0.01, 0.99)`."""
    while True:
        for alias in view.readers[index]:
            if view.graph.nodes[alias].op == "detach":
                clamps = [reader for reader in view.readers[alias] if view.graph.nodes[reader].op.startswith("clamp")]
                if any(not view.readers[reader] for reader in clamps):
                    return True
        node = view.graph.nodes[index]
        if not node.inputs or not moves(view, node):
            return False
        index = node.inputs[0]


def scales(view: View, index: int) -> bool:
    """Whether a value multiplies or divides another one that does not come of it, and the product is not summed at once: it is the scale of
    an affine flow, and no probability. In a loss, which has no weights, it may be."""
    if not any(view.trains(each) for each in view.before([index])):
        return False
    behind = view.after([index])
    uses = [index]
    while uses:
        for reader in view.readers[uses.pop()]:
            node = view.graph.nodes[reader]
            if moves(view, node):
                uses.append(reader)
                continue
            summed = all(has(view.graph.nodes[each].op, "sums") for each in view.readers[reader])
            if has(node.op, "scales") and not summed and any(source not in behind for source in node.inputs):
                return True
    return False


def sum_of_squares(view: View, index: int) -> bool:
    """Whether a value is a sum, mean or product of squares that is zero where they all are, with nothing added to it."""
    node = _unfloored(view, index)
    if has(node.op, "sums_squares"):
        return True
    if has(node.op, "sums") or node.op == "cumsum":
        return bool(node.inputs) and _square(view, node.inputs[0])
    if node.op == "add" and len(node.inputs) == 2:
        return all(_square(view, source) for source in node.inputs)
    if has(node.op, "matrix_product") or node.op == "einsum":
        return any(_square(view, source) for source in node.inputs)
    return _square(view, index)


def squared_distances(view: View, index: int) -> bool:
    """Whether a value is `|a|² + |b|² - 2 a·b` and nothing else: 0 for a point and itself, or below it by rounding."""
    parts = _parts(view, _unfloored(view, index), 0)
    products = [node for node in parts if _is_product(node)]
    return (
        bool(products)
        and len(products) < len(parts)
        and all(_is_product(node) or sum_of_squares(view, node.index) for node in parts)
    )


def sine(view: View, index: int) -> bool:
    """Whether a value is `1 - c²` of a cosine: 0 for equal and for opposite directions."""
    squared = _taken_from_one(view, _unfloored(view, index))
    return squared is not None and cosine(view, squared)


def cosine(view: View, index: int) -> bool:
    """Whether a value is a cosine that can be exactly ±1: a cosine similarity, or a product of normalised vectors."""
    made = origin(view, index)
    if made.op == "cosine_similarity":
        return True
    if made.op == "sum" and made.inputs:
        made = origin(view, made.inputs[0])
        if made.op != "mul":
            return False
    elif not (has(made.op, "matrix_product") or made.op == "einsum" or made.op == "linear"):
        return False
    return len(made.inputs) > 1 and all(origin(view, source).op == "normalize" for source in made.inputs[:2])


def _is_product(node: Node) -> bool:
    return has(node.op, "matrix_product") or has(node.op, "adds_product") or node.op == "einsum"


def _unfloored(view: View, index: int) -> Node:
    node = origin(view, index)
    while floors_at_zero(node):
        node = origin(view, node.inputs[0])
    return node


def _parts(view: View, node: Node, depth: int) -> list[Node]:
    """Returns what a value is the sum of, beyond signs and factors that are numbers."""
    added = has(node.op, "adds") or has(node.op, "subtracts") or has(node.op, "adds_product")
    linear = added and len(node.inputs) >= 2
    scaled = (has(node.op, "scales") and len(node.inputs) == 1 and constant(node) is not None) or node.op == "neg"
    if depth > 6 or not (linear or scaled):
        return [node]
    if has(node.op, "adds_product"):
        return [*_parts(view, origin(view, node.inputs[0]), depth + 1), node]  # the node stands for its product
    return [part for source in node.inputs for part in _parts(view, origin(view, source), depth + 1)]


def generic(view: View, index: int) -> bool:
    """Whether what is squared behind a value comes straight from a weight layer, an embedding or a normalisation, whose outputs are all
    zero at once for no input, from a ReLU, whose backward pass gives 0 for a zero whatever gradient reaches it, or from a call that is not
    followed, or is a model's own input, the way from one of its points to another (`pos[i] - pos[j]`), or a sum in it."""
    node = _squared(view, index)
    if node.op == "opaque":
        return True
    if _fixed(view, node):
        return False
    ends = (
        {origin(view, source).index for source in node.inputs}
        if node.op == "sub" and len(set(node.inputs)) == 2
        else set()
    )
    if node.op == "input" or (len(ends) == 1 and view.graph.nodes[ends.pop()].op == "input"):
        # A loss is given differences, masks and rectified features; a model is given data.
        return _trains(view)
    if node.op in ("join", "setitem") or (node.op == "add" and len(set(node.inputs)) == 2):
        return _trains(view)  # what a model adds up or puts together, as in a residual stream
    parts = [origin(view, source) for source in node.inputs] if has(node.op, "joins") else [node]
    return all(
        view.kinds[each.index] in ("weight", "norm") or view.is_weight(each) or each.op == "relu" or each.op == "relu6"
        for each in parts
    )


def _trains(view: View) -> bool:
    return any(parameter.trainable for parameter in view.graph.parameters)


def shifted(view: View, index: int) -> bool:
    """Whether what is squared behind a value is kept off zero itself: by a constant that was added, or by another value where a
    condition does not hold."""
    node = _squared(view, index)
    if has(node.op, "adds") and len(node.inputs) == 1:
        return constant(node) != 0
    if node.op == "where":
        zeros = any(has(origin(view, source).op, "zeros") for source in node.inputs[1:])
        return not zeros and constant(node) != 0
    return False


def _squared(view: View, index: int) -> Node:
    """Returns what is squared behind a root's argument, or the first node that is neither sum nor square."""
    node = _unfloored(view, index)
    squared = False
    while node.inputs and not (squared and view.is_weight(node)):
        squares = [source for source in node.inputs if _square(view, source)]
        if (has(node.op, "matrix_product") or node.op == "einsum" or node.op == "add") and squares and not squared:
            node = origin(view, squares[0])
        elif has(node.op, "squares") or has(node.op, "complex_part") or has(node.op, "sums"):
            squared = squared or has(node.op, "squares")
            node = origin(view, node.inputs[0])
        else:
            break
    return node


def _fixed(view: View, node: Node) -> bool:
    """Whether a value is what a filter of fixed numbers gives, which is all zero where the input does not change."""
    if view.kinds[node.index] != "weight" or not node.op.startswith("conv"):
        return False
    own = [view.graph.parameters[index] for _, index in node.params]
    if own:
        return not any(parameter.trainable for parameter in own)
    behind = view.before(node.inputs[1:2])
    return bool(node.inputs[1:2]) and not any(view.trains(i) or view.graph.nodes[i].op == "input" for i in behind)


def _square(view: View, index: int) -> bool:
    node = origin(view, index)
    if node.op == "square":
        return True
    if node.op == "pow":
        exponent = constant(node)
        return exponent is not None and exponent > 0 and exponent % 2 == 0
    if node.op == "mul" and len(node.inputs) == 2:
        return node.inputs[0] == node.inputs[1]
    if has(node.op, "sums"):
        return bool(node.inputs) and _square(view, node.inputs[0])
    if node.op == "add" and len(node.inputs) == 2:
        return all(_square(view, source) for source in node.inputs)
    return False
