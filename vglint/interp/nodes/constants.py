"""What is known of the entries of a tensor that no weight and no input reaches: constants, and ramps such as `torch.arange` makes.

Masks and positions are built from them, and code asks them questions: is any token padded, do the positions start anew?
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from vglint import ops
from vglint.interp.machine.core import Run
from vglint.interp.values.objects import ParamV, Ramp, ShapeV, TensorV, Value
from vglint.ops import sources_of
from vglint.ops.numbers import COMPARE, FILLED, LOGIC, OF_FINITE
from vglint.value import Expr, plus, product, times


def after_call(op: str, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    """Returns the contents of what a torch function or tensor method gives."""
    if op in FILLED:
        return Ramp(FILLED[op], 0)
    if op == "full" or op == "full_like":
        return _constant(bound.get("fill_value"))
    if op == "arange":
        return _arange(bound)
    if op in OF_FINITE:
        return Ramp(OF_FINITE[op], 0)
    known = contents(source)
    if known is None:
        return None
    if ops.has(op, "copies") or op == "to_integer" or op == "expand" or op == "item":
        return known
    if ops.has(op, "reshapes") or op == "unsqueeze" or op == "diff" or op == "cumsum":
        return _moved(op, known, bound, source)
    if ops.has(op, "rearranges") or ops.has(op, "repeats") or ops.has(op, "keeps_constant"):
        # A constant is still one, but a ramp may lie along another dimension.
        return known if known.step == 0 else None
    if (op == "logical_not" or op == "bitwise_not") and isinstance(known.start, bool) and known.step == 0:
        return Ramp(not known.start, 0)
    if op == "sum" and known.step == 0 and not isinstance(known.start, (Expr, float)):
        return _sum(known, bound, source)
    other = bound.get("other")
    if op in COMPARE or op in LOGIC or ops.has(op, "adds") or op == "mul":
        return after_operator(op, [source, other])
    return None


def after_operator(op: str, operands: Sequence[Value]) -> Ramp | None:
    """Returns the contents of what a Python operator gives."""
    if len(operands) != 2:
        return after_call(op, {}, operands[0]) if operands else None
    left, right = (contents(each) or _constant(each) for each in operands)
    if left is None or right is None or not (_is_finite(left) and _is_finite(right)):
        return None
    if ops.has(op, "adds"):
        sign = 1 if op == "add" else -1
        return Ramp(plus(left.start, times(right.start, sign)), left.step + sign * right.step)
    if left.step or right.step:
        return None
    if op == "mul":
        return Ramp(times(left.start, right.start), 0)
    if isinstance(left.start, Expr) or isinstance(right.start, Expr):
        same = plus(left.start, times(right.start, -1)) == 0
        return Ramp(COMPARE[op](0, 0), 0) if same and op in COMPARE else None
    if op in COMPARE:
        return Ramp(COMPARE[op](left.start, right.start), 0)
    if op in LOGIC and isinstance(left.start, bool) and isinstance(right.start, bool):
        return Ramp(LOGIC[op](left.start, right.start), 0)
    return None


def _is_finite(ramp: Ramp) -> bool:
    return isinstance(ramp.start, Expr) or math.isfinite(ramp.start)


def after_index(source: Value, key: Value) -> Ramp | None:
    """Returns the contents of an indexed tensor: a part of a constant is that constant, a slice of a ramp is a ramp."""
    known = contents(source)
    if known is None or known.step == 0:
        return known
    keys = key if isinstance(key, tuple) else (key,)
    if any(not isinstance(each, slice) and each is not None and each is not Ellipsis for each in keys):
        return None
    shape = source.shape if isinstance(source, TensorV) else None
    sliced = [each for each in keys if each is not None and each is not Ellipsis]
    if Ellipsis not in keys and (shape is None or len(sliced) != len(shape)):
        whole = all(each == slice(None) for each in sliced)
        return known if whole and keys[-1] is not None else None
    if keys[-1] is None:
        return None
    last = keys[-1] if isinstance(keys[-1], slice) else slice(None)
    if last.step not in (None, 1):
        return None
    if last.start is None and last.stop == 1:
        return Ramp(known.start, 0)
    if last.start is None or (isinstance(last.start, int) and last.start >= 0):
        return Ramp(plus(known.start, (last.start or 0) * known.step), known.step)
    return None


def truth_of(value: Value) -> bool | None:
    """Returns the truth of a tensor whose one entry is known."""
    known = contents(value)
    if known is None or known.step or isinstance(known.start, Expr):
        return None
    return bool(known.start)


def contents(value: Value) -> Ramp | None:
    if isinstance(value, ParamV):
        return _of_buffer(value)
    return value.ramp if isinstance(value, TensorV) else None


def _of_buffer(buffer: ParamV) -> Ramp | None:
    """Returns the contents of a buffer that nothing has written to since it was filled with one number."""
    init = buffer.init
    if not buffer.buffer or init.parts or init.scale != 1.0:
        return None
    args = dict(init.args)
    match init.scheme:
        case "zeros":
            return Ramp(0, 0)
        case "ones":
            return Ramp(1, 0)
        case "constant" if isinstance(number := args.get("val"), (bool, int, float)):
            return Ramp(number, 0)
        case "computed" if args.get("std") == 0 and isinstance(number := args.get("mean"), (int, float)):
            return Ramp(number, 0)
        case _:
            return None


def carries_gradient(run: Run, node: int) -> bool:
    """Whether a gradient may pass through a node to an input or a weight."""
    known = run.graph.carries
    todo = [node]
    while todo:
        number = todo[-1]
        draft = run.graph.nodes[number]
        kind = ops.OPS[draft.op].kind if draft.op in ops.OPS else "other"
        sources = sources_of(draft.op, tuple(draft.inputs))
        if kind in ("cut", "create") or (draft.op == "parameter" and all(each.buffer for _, each in draft.params)):
            known[number] = False
        elif draft.op in ("input", "opaque") or draft.params or any(known.get(source) for source in sources):
            known[number] = True
        else:
            unseen = [source for source in sources if source not in known]
            if unseen:
                todo += unseen
                continue
            known[number] = False
        todo.pop()
    return known[node]


def _arange(bound: Mapping[str, Value]) -> Ramp | None:
    start, end, step = bound.get("start"), bound.get("end"), bound.get("step")
    if end is None:
        start = 0
    step = 1 if step is None else step
    return Ramp(start, step) if isinstance(start, (int, Expr)) and isinstance(step, int) else None


def _constant(value: Value) -> Ramp | None:
    return Ramp(value, 0) if isinstance(value, (bool, int, float, Expr)) else None


def _unsqueeze(known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    dim = bound.get("dim")
    given = source.shape if isinstance(source, TensorV) else None
    last = dim == -1 or (given is not None and dim == len(given)) or not isinstance(dim, int)
    return None if last and known.step else known


def _view(known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    given = source.shape if isinstance(source, TensorV) else None
    if known.step == 0:
        return known
    flat = given is not None and sum(size != 1 for size in given) == 1 and given[-1] != 1
    size = bound.get("size", bound.get("shape"))
    size = size[0] if isinstance(size, tuple) and len(size) == 1 and isinstance(size[0], (tuple, ShapeV)) else size
    along = isinstance(size, tuple) and all(each == 1 for each in size[:-1]) and bool(size) and size[-1] != 1
    return known if flat and along else None


def _diff(known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    if bound.get("n", 1) != 1 or bound.get("dim", -1) != -1 or bound.get("append") is not None:
        return None
    before = bound.get("prepend")
    if before is not None:
        first = contents(before)
        if first is None or plus(plus(known.start, times(first.start, -1)), -known.step) != 0:
            return None
    return Ramp(known.step, 0)


def _sum(known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    sizes = source.shape if isinstance(source, TensorV) else None
    if known.start == 0:
        return Ramp(0, 0)
    if sizes is None or bound.get("dim") is not None:
        return None
    total = product(sizes)
    return None if total is None else Ramp(times(total, known.start), 0)


def _cumsum(known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    if known.step or isinstance(known.start, Expr):
        return None
    if known.start in (0, False):
        return Ramp(0, 0)
    given = source.shape if isinstance(source, TensorV) else None
    last = bound.get("dim") == -1 or (given is not None and bound.get("dim") == len(given) - 1)
    return Ramp(int(known.start), int(known.start)) if last else None


def _moved(op: str, known: Ramp, bound: Mapping[str, Value], source: Value) -> Ramp | None:
    match op:
        case "unsqueeze":
            return _unsqueeze(known, bound, source)
        case "diff":
            return _diff(known, bound, source)
        case "cumsum":
            return _cumsum(known, bound, source)
        case _:
            return _view(known, bound, source)
