"""How the entries of a tensor are distributed before training: what creates, scales and overwrites it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from vglint.graph import Init
from vglint.interp.machine.core import Run
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.drawn import computed, product_of
from vglint.interp.nodes.folding import folded
from vglint.interp.nodes.numbers import moments_of_numbers
from vglint.interp.values.objects import ROW, ParamV, ParamView, Site, TensorV, Value
from vglint.ops import has
from vglint.ops.fills import CREATED, SCHEMES
from vglint.ops.init import constant_of, spread
from vglint.ops.spec import Spelling
from vglint.value import Literal_, Unknown, product

UNKNOWN = Init("unknown")


def created(run: Run, spelling: Spelling, bound: Mapping[str, Value], args: list[Value], made: TensorV) -> None:
    """Notes the distribution (and the entries of small vectors) of a tensor that a call creates."""
    name = spelling.name.rsplit(".", 1)[-1]
    if (drawn := computed(spelling, bound, args)) is not None:
        made.init = drawn
    elif name in CREATED:
        made.init = CREATED[name]
        if name in ("Tensor", "FloatTensor") and len(args) == 1 and not isinstance(args[0], int):
            made.init = UNKNOWN
    elif spelling.op == "full" or spelling.op == "full_like":
        made.init = constant(literal(bound.get("fill_value")))
    elif name in ("tensor", "as_tensor", "scalar_tensor"):
        data = bound.get("data", bound.get("s"))
        value = literal(data)
        made.init = constant(value) if isinstance(value, (int, float)) else UNKNOWN
        if isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value):
            made.values = value
            if value:
                made.init = _of_numbers([float(item) for item in value if isinstance(item, (int, float))])
        elif isinstance(value, (int, float)):
            made.values = (value,)
    elif name == "normal":
        mean, std = literal(bound.get("mean")), literal(bound.get("std"))
        made.init = Init("normal", (("mean", mean), ("std", std)))
    elif name == "linspace" or name == "arange":
        made.init = UNKNOWN
        made.values = _entries(name, bound)
    elif name == "gather" and args and isinstance(args[0], TensorV) and args[0].init is not None:
        made.init = chosen(run, args[0], bound.get("index"))
    elif name == "renorm" and args and isinstance(args[0], (ParamV, ParamView)):
        made.init = _held(args[0], bound)
    elif spelling.op == "std" and bound.get("dim") is None and not run.context.modules_running:
        made.init = _own_spread(args[0]) if args else None
    elif (spelling.op == "sqrt" or spelling.op == "pow") and args and (base := _constant_of(args[0])) is not None:
        made.init = _powered(base, 0.5 if spelling.op == "sqrt" else bound.get("exponent"))
    elif args and _keeps(spelling):
        source = args[0]
        if isinstance(source, TensorV):
            made.init, made.values = source.init, source.values
        elif isinstance(source, ParamV):
            made.init = source.init
    elif has(spelling.op, "scales") and not spelling.inplace and len(args) > 1:
        made.init = combined(spelling.op, args[:2])
    elif _changes(spelling) and args and isinstance(args[0], (TensorV, ParamV)) and args[0].init is not None:
        made.init = altered(args[0].init, name, args[1:], {key: bound[key] for key in ("min", "max") if key in bound})
    elif args and isinstance(args[0], (TensorV, ParamV)) and args[0].init is not None:
        made.init = UNKNOWN
    if made.values is None and args:
        made.values = folded(spelling.op, args)


def _held(value: ParamV | ParamView, bound: Mapping[str, Value]) -> Init:
    """Returns the distribution of a parameter whose slices have norms of at most `maxnorm`."""
    param = value.param if isinstance(value, ParamView) else value
    p, dim, most = bound.get("p"), bound.get("dim"), bound.get("maxnorm")
    found, shape = spread(param.init, param.shape), param.shape
    if p != 2 or found is None or shape is None or not isinstance(dim, int) or not -len(shape) <= dim < len(shape):
        return UNKNOWN
    size = product(each for place, each in enumerate(shape) if place != dim % len(shape))
    variance = found.variance()
    if not isinstance(size, int) or not isinstance(most, (int, float)) or variance is None:
        return UNKNOWN
    norm = math.sqrt(size * (variance + found.mean**2))
    return param.init if norm <= most else scaled(param.init, most / norm)


def _own_spread(value: Value) -> Init | None:
    """Returns the standard deviation of all entries of a parameter, as they are drawn."""
    param = value.param if isinstance(value, ParamView) and value.whole else value
    if not isinstance(param, ParamV):
        return None
    found = spread(param.init, param.shape)
    variance = found.variance() if found is not None else None
    return UNKNOWN if variance is None else constant(math.sqrt(variance))


def _powered(base: float, exponent: Value) -> Init:
    if not isinstance(exponent, (int, float)) or base <= 0.0:
        return UNKNOWN
    return constant(base**exponent)


def _of_numbers(numbers: Sequence[float]) -> Init:
    """Returns the distribution of some numbers."""
    if all(number == numbers[0] for number in numbers):
        return constant(numbers[0])
    mean = sum(numbers) / len(numbers)
    square = sum(number * number for number in numbers) / len(numbers)
    return Init("computed", (("mean", mean), ("std", math.sqrt(max(square - mean * mean, 0.0)))))


def _keeps(spelling: Spelling) -> bool:
    """Whether a result has the entries of the first argument, and the argument itself is left as it is."""
    moves = has(spelling.op, "rearranges") or has(spelling.op, "repeats")
    return (moves and not spelling.inplace) or spelling.op == "requires_grad" or spelling.op == "detach"


def _changes(spelling: Spelling) -> bool:
    """Whether each entry of a result comes from one entry of the first argument and from numbers."""
    op = spelling.op
    return has(op, "affine") or has(op, "clamps") or op == "erfinv" or op == "fmod"


def chosen(run: Run, source: TensorV, index: Value) -> Init:
    """Returns the distribution of draws from a normal one that were chosen for lying between two numbers."""
    init = source.init or UNKNOWN
    low: float | None = None
    high: float | None = None
    todo = [index.node] if isinstance(index, TensorV) else []
    for _ in range(12):
        if not todo:
            break
        draft = run.graph.nodes[todo.pop()]
        todo += draft.inputs
        bound = draft.config.get("other")
        if draft.inputs[:1] == [source.node] and isinstance(bound, (int, float)):
            low = bound if draft.op.startswith("g") else low
            high = bound if draft.op.startswith("l") else high
    if init.scheme != "normal" or init.scale != 1.0 or low is None or high is None:
        return UNKNOWN
    return Init("trunc_normal", (*init.args, ("a", low), ("b", high)))


def of_tensor(run: Run, value: TensorV) -> Init:
    """Returns the distribution of a tensor that becomes a parameter or buffer; of one made of numbers alone, that of the numbers."""
    if value.init is not None and value.init != UNKNOWN:
        return value.init
    found = moments_of_numbers(run, value)
    if found is None:
        return value.init or UNKNOWN
    std = math.sqrt(max(found.square - found.mean**2, 0.0))
    return Init("computed", (("mean", found.mean), ("std", std)))


def combined(op: str, operands: list[Value]) -> Init | None:
    """Returns the distribution of a tensor combined with a plain number, or multiplied by a diagonal matrix."""
    if len(operands) != 2:
        operand = operands[0] if operands else None
        if op == "neg" and isinstance(operand, (TensorV, ParamV)) and operand.init is not None:
            return scaled(operand.init, -1.0)
        return None
    left, right = operands
    if (drawn := product_of(op, left, right)) is not None:
        return drawn
    if op == "pow" and (base := _constant_of(left)) is not None:
        return _powered(base, right)
    if isinstance(left, (TensorV, ParamV)) and (number := _constant_of(right)) is not None:
        return combined(op, [left, number])
    if op == "mul" and isinstance(right, (TensorV, ParamV)) and (number := _constant_of(left)) is not None:
        return combined(op, [right, number])
    known = [
        operand.init for operand in operands if isinstance(operand, (TensorV, ParamV)) and operand.init is not None
    ]
    if not known:
        return None
    if isinstance(right, (int, float)) and not isinstance(left, (int, float)):
        if op == "mul":
            return scaled(known[0], float(right))
        if op == "div" and right:
            return scaled(known[0], 1.0 / float(right))
        if has(op, "adds"):
            return shifted(known[0], float(right) if op == "add" else -float(right))
    elif isinstance(left, (int, float)):
        if op == "mul":
            return scaled(known[0], float(left))
        if has(op, "adds"):
            return shifted(known[0] if op == "add" else scaled(known[0], -1.0), float(left))
    return UNKNOWN


def _constant_of(value: Value) -> float | None:
    """Returns the number that a tensor is filled with, None for other values."""
    found = constant_of(value.init) if isinstance(value, TensorV) and value.init is not None else None
    return float(found) if isinstance(found, (int, float)) else None


def scaled(init: Init, factor: float) -> Init:
    """Returns the distribution of `factor` times a tensor."""
    if init.scheme in ("zeros", "unknown", "uninitialised"):
        return init
    if init.scheme == "ones":
        return constant(factor)
    if init.scheme == "constant" and isinstance(dict(init.args).get("val"), (int, float)):
        value = dict(init.args)["val"]
        assert isinstance(value, (int, float))
        return constant(value * factor)
    parts = tuple((start, stop, scaled(part, factor)) for start, stop, part in init.parts)
    return replace(init, scale=init.scale * factor, parts=parts)


def shifted(init: Init, offset: float) -> Init:
    """Returns the distribution of a tensor plus `offset`."""
    args = dict(init.args)
    if init.scheme == "zeros":
        return constant(offset)
    if init.scheme in ("ones", "constant"):
        value = args.get("val", 1)
        return constant(value + offset) if isinstance(value, (int, float)) else UNKNOWN
    low, high, mean, std = args.get("a"), args.get("b"), args.get("mean"), args.get("std")
    if init.scheme == "uniform" and isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return Init("uniform", (("a", low * init.scale + offset), ("b", high * init.scale + offset)))
    if init.scheme == "trunc_normal" and isinstance(mean, (int, float)) and isinstance(std, (int, float)):
        if not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
            return UNKNOWN
        ends = sorted((low * init.scale + offset, high * init.scale + offset))
        about = (("mean", mean * init.scale + offset), ("std", std * abs(init.scale)))
        return Init("trunc_normal", (*about, ("a", ends[0]), ("b", ends[1])))
    if init.scheme == "normal" and isinstance(mean, (int, float)) and isinstance(std, (int, float)):
        return Init("normal", (("mean", mean * init.scale + offset), ("std", std * abs(init.scale))))
    return UNKNOWN


def altered(init: Init, name: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> Init:
    """Returns the distribution of a tensor after a method that changes its entries one by one, in place or not (`x.erfinv_()`, `x.clamp_(-1, 1)`)."""
    name = name.rstrip("_")
    given = [number if (number := _constant_of(value)) is not None else value for value in (*args, *keywords.values())]
    numbers = [value for value in given if isinstance(value, (int, float))]
    if (has(name, "scales") or has(name, "adds")) and len(args) == 1 and numbers:
        if name == "div" and not numbers[0]:
            return UNKNOWN
        factor = 1.0 / numbers[0] if name == "div" else numbers[0]
        return (
            scaled(init, float(factor)) if has(name, "scales") else shifted(init, -factor if name == "sub" else factor)
        )
    found = dict(init.args)
    if name == "erfinv" and init.scheme == "uniform" and init.scale == 1.0:
        low, high = found.get("a"), found.get("b")
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and -1 <= low < high <= 1:
            # √2·erfinv(u) of a uniform u in (−1, 1) is normal; a narrower range cuts it.
            bounds = (("a", _erfinv(low)), ("b", _erfinv(high)))
            return Init("trunc_normal", (("mean", 0.0), ("std", math.sqrt(0.5)), *bounds))
    if name == "fmod" and init.scheme == "normal" and found.get("mean") == 0.0 and len(numbers) == 1:
        # What lies beyond falls back near the middle, where a redrawn entry would lie too.
        bound = abs(numbers[0]) / abs(init.scale or 1.0)
        return replace(init, scheme="trunc_normal", args=(*init.args, ("a", -bound), ("b", bound)))
    if name.startswith("cl"):
        bottom = keywords.get("min", args[0] if args else None)
        return clamped(init, bottom, keywords.get("max", args[1] if len(args) > 1 else None))
    return UNKNOWN


def clamped(init: Init, low: Value, high: Value) -> Init:
    """Returns the distribution of entries kept within bounds that hardly any of them is beyond, `UNKNOWN` for narrower ones."""
    floor = -math.inf if low is None else low if isinstance(low, (int, float)) else None
    top = math.inf if high is None else high if isinstance(high, (int, float)) else None
    known = spread(init, None)
    if floor is None or top is None or known is None:
        return UNKNOWN
    std = math.sqrt(known.variance() or 0.0)
    return init if floor <= known.mean - 1.9 * std and known.mean + 1.9 * std <= top else UNKNOWN


def _erfinv(x: float) -> float:
    """Returns erf⁻¹ by bisection."""
    if abs(x) >= 1.0:
        return math.copysign(math.inf, x)
    low, high = -6.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return (low + high) / 2


def constant(value: Literal_) -> Init:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Init("zeros") if value == 0 else Init("ones") if value == 1 else Init("constant", (("val", value),))
    return Init("unknown") if not isinstance(value, Unknown) else Init("constant", (("val", value),))


def overwrite(run: Run, target: Value, init: Init, site: Site | None) -> None:
    """Stores a new distribution into a parameter or tensor; a part that is written makes the whole unknown.

    What is written into a parameter once a backward pass has used it is not how it starts.
    """
    match target:
        case ParamV(computed=True):
            pass
        case ParamV() if run.graph.has_trained(target):
            pass
        case ParamV():
            run.journal.set_field(target, "init", init)
            run.journal.set_field(target, "columns", ())
            run.graph.note_init(target, site)
            if run.context.training_code and not run.context.constructing and init.scheme != UNKNOWN.scheme:
                run.graph.late[id(target)] = target
        case ParamView():
            if target.whole:
                overwrite(run, target.param, init, site)
            elif target.blocks == ROW and target.param.shape and len(target.param.shape) > 1:
                # One row of many, such as an embedding's padding; empty memory is filled row by row.
                if target.param.init.scheme == "uninitialised":
                    overwrite(run, target.param, UNKNOWN, site)
            elif target.blocks > 1:
                overwrite(run, target.param, Init(init.scheme, init.args, init.scale, None, target.blocks), site)
            elif target.rows is not None and UNKNOWN.scheme not in (init.scheme, target.param.init.scheme):
                overwrite(run, target.param, _partly(target.param, target.rows, init), site)
            elif init.scheme != target.param.init.scheme or init.args != target.param.init.args:
                overwrite(run, target.param, UNKNOWN, site)
        case TensorV():
            run.journal.set_field(target, "init", init)
            run.journal.set_field(target, "values", None)
        case _:
            pass


def _partly(param: ParamV, rows: tuple[int, int], init: Init) -> Init:
    """Returns what a vector is like with the entries of `rows` overwritten; a part that is hidden altogether is dropped."""
    start, stop = rows
    kept = [part for part in param.init.parts if not (start <= part[0] and part[1] <= stop)]
    parts = [*kept, (start, stop, init)]
    size = param.shape[0] if param.shape else None
    if isinstance(size, int) and _cover(parts, size):
        widest = max(parts, key=lambda part: part[1] - part[0])
        return replace(widest[2], parts=tuple(parts))
    return replace(param.init, parts=tuple(parts))


def _cover(parts: list[tuple[int, int, Init]], size: int) -> bool:
    """Whether nothing of a vector is left between the parts that were written."""
    reached = 0
    for start, stop, _ in sorted(parts, key=lambda part: part[:2]):
        if start > reached:
            return False
        reached = max(reached, stop)
    return reached >= size


def scheme(name: str, args: list[Value], keywords: dict[str, Value]) -> Init:
    """Returns the `Init` of a call of torch.nn.init or of an in-place tensor method, arguments after the tensor."""
    filled: list[tuple[str, Literal_]] = []
    for position, (key, default) in enumerate(SCHEMES[name]):
        value: Value = default
        if position < len(args):
            value = args[position]
        elif key in keywords:
            value = keywords[key]
        filled.append((key, literal(value)))
    if name == "constant":
        return constant(filled[0][1])
    return Init(name, tuple(filled))


def _entries(name: str, bound: Mapping[str, Value]) -> tuple[float, ...] | None:
    numbers = {key: literal(value) for key, value in bound.items()}
    if name == "linspace":
        start, end, steps = numbers.get("start"), numbers.get("end"), numbers.get("steps")
        if (
            isinstance(start, (int, float))
            and isinstance(end, (int, float))
            and isinstance(steps, int)
            and 0 < steps <= 4096
        ):
            if steps == 1:
                return (float(start),)
            return tuple(start + (end - start) * index / (steps - 1) for index in range(steps))
        return None
    start, end, step = numbers.get("start", 0), numbers.get("end"), numbers.get("step", 1)
    if end is None:
        start, end = 0, start
    if (
        isinstance(start, int)
        and isinstance(end, int)
        and isinstance(step, int)
        and step
        and (end - start) // step <= 4096
    ):
        return tuple(range(start, end, step))
    return None
