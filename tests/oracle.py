"""How far an extracted graph agrees with what torch executes.

record(model, *inputs) -> Recording          (see recording.py)
compare(recording, graph) -> Comparison
compare(recording, json_of_vglint_graph) -> Comparison
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from recording import Filled, Recording, Step, Value, record

from vglint.graph import Graph, Init
from vglint.ops import OPS, has, result
from vglint.ops.init import spread
from vglint.ops.spec import Call, Result, Tensor
from vglint.value import Expr, Unknown

__all__ = ["Comparison", "Filled", "Mismatch", "Recording", "Step", "compare", "extracted", "record"]

HIDDEN = frozenset({"create", "cut", "other", "input", "train"})
"""Kinds of ops that no gradient passes."""
TRIVIAL = HIDDEN | {"shape"}
"""Kinds of ops that move or make values and train nothing."""

BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked"})
UNKNOWN = "?"
"""Stands for a config value that the graph does not know."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A parameter whose predicted initialisation is not what it was filled with."""

    path: str
    predicted: tuple[float, float] | None
    measured: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`exact`: the weighted layers agree in order, path, type and hyper-parameters. Counts are of weighted layers, of
    all steps, of graph nodes and of parameters whose init was predicted."""

    exact: bool
    layers: int
    layers_matched: int
    similarity: float
    """Ratio of difflib over the op names that are not trivial."""
    nodes: int
    invented: tuple[str, ...]
    missing: tuple[str, ...]
    same_order: bool
    """All steps that a gradient passes, those that only move values included, agree one by one in op and path."""
    wrong_edges: tuple[str, ...]
    """Where the order is the same: steps that do not take the results of the same steps."""
    wrong_config: tuple[str, ...]
    """Where the order is the same: arguments of ops that differ."""
    params: int
    wrong_init: tuple[Mismatch, ...]
    unpredicted: int
    differences: tuple[str, ...]
    """For people: the first differences between the two sequences of weighted layers and of steps."""


def compare(recording: Recording, graph: Graph | Mapping[str, Any]) -> Comparison:
    """Compares an extracted graph (the value, or its JSON) with a recording of the same entry."""
    steps = extracted(graph)
    real_layers = [step for step in recording.steps if step.weighted]
    seen_layers = [step for step in steps if step.weighted]
    matched, layer_notes = _matched_layers(real_layers, seen_layers)
    every_real = [step for step in recording.steps if not _of(step, HIDDEN)]
    every_seen = [step for step in steps if not _of(step, HIDDEN)]
    pairs = list(zip(every_real, every_seen, strict=False))
    same = len(every_real) == len(every_seen) and all(_same_place(a, b) for a, b in pairs)
    real = [step for step in every_real if not _of(step, TRIVIAL)]
    seen = [step for step in every_seen if not _of(step, TRIVIAL)]
    names_real, names_seen = [step.op for step in real], [step.op for step in seen]
    ratio = SequenceMatcher(None, names_real, names_seen, autojunk=False).ratio() if real or seen else 1.0
    inits = predicted_inits(graph)
    wrong, unpredicted = _wrong_inits(recording.params, inits)
    return Comparison(
        exact=matched == len(real_layers) == len(seen_layers),
        layers=len(real_layers),
        layers_matched=matched,
        similarity=ratio,
        nodes=len(seen),
        invented=_surplus(seen, real),
        missing=_surplus(real, seen),
        same_order=same,
        wrong_edges=_wrong_edges(recording.steps, steps) if same else (),
        wrong_config=tuple(
            f"{a.op} {a.path}: {', '.join(found)}" for a, b in pairs if same and (found := _config_differences(a, b))
        ),
        params=len(recording.params) - unpredicted,
        wrong_init=wrong,
        unpredicted=unpredicted,
        differences=tuple(layer_notes + _step_notes(every_real, every_seen))[:40],
    )


def extracted(graph: Graph | Mapping[str, Any]) -> list[Step]:
    """Returns the graph's nodes as steps; without what torch does not see: inputs, parameters, joins of branches, the
    unpacking of a tuple, what a write into a view does to the whole, what Python computes of numbers that were taken out of tensors. A module that
    no attribute holds has no path (`<ReLU 1>`)."""
    nodes = _nodes(graph)
    numbers: set[int] = set()
    steps: list[Step] = []
    made: list[tuple[int, ...]] = []
    """By node: the steps whose result it stands for."""
    written: dict[int, tuple[int, ...]] = {}
    """By node that stands for a write into a view: the steps that wrote."""
    for place, (op, path, kind, config, weighted, inputs) in enumerate(nodes):
        sources = tuple(dict.fromkeys(at for each in inputs for at in made[each]))
        if op == "item" or (inputs and numbers.issuperset(inputs) and kind is None and _of_numbers(op)):
            numbers.add(place)
        if place in numbers and op != "item":
            made.append(sources)
            continue
        if op in ("input", "parameter"):
            made.append(())
            continue
        picked = op == "getitem" and bool(inputs) and not isinstance(_given(nodes, inputs[0]), Tensor)
        if config.get("through"):
            written[place] = written.get(inputs[1], made[inputs[1]])
            sources = tuple(dict.fromkeys((*made[inputs[0]], *written[place])))
        if op == "join" or picked or config.get("through"):
            made.append(sources)
            continue
        made.append(sources if op == "identity" else (len(steps),))
        shown = None if path.startswith("<") else path
        steps.append(Step(op, shown, kind, tuple(config.items()), weighted, sources))
    return steps


def _of_numbers(op: str) -> bool:
    """Whether Python's operators do to numbers what an op does to tensors."""
    return op == "neg" or has(op, "adds") or has(op, "scales")


_Line = tuple[str, str, str | None, dict[str, Any], bool, tuple[int, ...]]


def _nodes(graph: Graph | Mapping[str, Any]) -> list[_Line]:
    if isinstance(graph, Graph):
        return [
            (
                node.op,
                node.path,
                node.type,
                {name: _plain(value) for name, value in node.config},
                node.type is not None and any(not graph.parameters[number].buffer for _, number in node.params),
                node.inputs,
            )
            for node in graph.nodes
        ]
    return [
        (
            node["op"],
            node["path"],
            node["type"],
            {name: UNKNOWN if value is None else _plain(value) for name, value in node["config"].items()},
            node["type"] is not None and any(name not in BUFFERS for name in node["init"] or ()),
            tuple(node["inputs"]),
        )
        for node in graph["nodes"]
    ]


def _given(nodes: Sequence[_Line], number: int) -> Result:
    """Returns what a node gives, tuples nested as torch nests them."""
    op, _, _, config, _, inputs = nodes[number]
    if op == "getitem" and inputs and isinstance(config.get("index"), int):
        whole, index = _given(nodes, inputs[0]), config["index"]
        return whole[index] if isinstance(whole, tuple) and -len(whole) <= index < len(whole) else Tensor()
    known = {name: value for name, value in config.items() if value != UNKNOWN}
    return result(op, Call(known, [None], ["input"]))


def _plain(value: Any) -> Any:
    """Returns a value with `UNKNOWN` for what is not known, or known only as a symbol."""
    if isinstance(value, (list, tuple)):
        return tuple(_plain(item) for item in value)
    return UNKNOWN if isinstance(value, (Unknown, Expr)) else value


def _of(step: Step, kinds: frozenset[str]) -> bool:
    op = OPS.get(step.op)
    return op is None or op.kind in kinds or step.op == "identity"


def _same_place(real: Step, seen: Step) -> bool:
    return real.op == seen.op and (real.path == seen.path)


def _config_differences(real: Step, seen: Step) -> list[str]:
    known = dict(real.config)
    return [
        f"{name}={value!r} is {known[name]!r}"
        for name, value in seen.config
        if name in known and value != UNKNOWN and not _equal(known[name], value)
    ]


def _equal(real: Value, seen: Value) -> bool:
    if seen == UNKNOWN:
        return True
    if isinstance(real, tuple) and isinstance(seen, tuple):
        alike = len(real) == len(seen) and all(_equal(a, b) for a, b in zip(real, seen, strict=True))
        return alike or (len(seen) == 1 and seen[0] == UNKNOWN)
    if isinstance(real, tuple) != isinstance(seen, tuple):
        wide, narrow = (real, seen) if isinstance(real, tuple) else (seen, real)
        assert isinstance(wide, tuple)
        return all(item == narrow for item in wide)
    if isinstance(real, float) and isinstance(seen, (int, float)):
        return math.isclose(real, seen, rel_tol=1e-3, abs_tol=1e-12)
    return real == seen


def _matched_layers(real: Sequence[Step], seen: Sequence[Step]) -> tuple[int, list[str]]:
    """Counts the longest common run of weighted layers; equality is by op, path and type, then by hyper-parameters."""
    keys_real = [(step.op, step.path, (step.type or "").replace(".Lazy", ".")) for step in real]
    keys_seen = [(step.op, step.path, (step.type or "").replace(".Lazy", ".")) for step in seen]
    matcher = SequenceMatcher(None, keys_real, keys_seen, autojunk=False)
    matched, notes = 0, []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            for left, right in zip(real[a:b], seen[c:d], strict=True):
                wrong = _config_differences(left, right)
                matched += not wrong
                notes += [f"layer {left.path}: {', '.join(wrong)}"] if wrong else []
        else:
            notes += [f"layer not seen: {step}" for step in real[a:b]]
            notes += [f"layer not real: {step}" for step in seen[c:d]]
    return matched, notes


def _step_notes(real: Sequence[Step], seen: Sequence[Step]) -> list[str]:
    matcher = SequenceMatcher(
        None, [(step.op, step.path) for step in real], [(step.op, step.path) for step in seen], autojunk=False
    )
    notes = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            notes += [f"- {step.op} {step.path}" for step in real[a:b]]
            notes += [f"+ {step.op} {step.path}" for step in seen[c:d]]
    return notes


def _wrong_edges(real: Sequence[Step], seen: Sequence[Step]) -> tuple[str, ...]:
    """Compares, step by step, which visible steps an op takes its tensors from; what returns its input itself is looked through."""
    visible_real = [at for at, step in enumerate(real) if not _of(step, HIDDEN)]
    visible_seen = [at for at, step in enumerate(seen) if not _of(step, HIDDEN)]
    idle = {b for a, b in zip(visible_real, visible_seen, strict=True) if real[a].idle}
    place_real = {at: place for place, at in enumerate(visible_real)}
    place_seen = {at: place for place, at in enumerate(visible_seen)}

    def through(at: int) -> tuple[int, ...]:
        return tuple(far for each in seen[at].inputs[:1] for far in through(each)) if at in idle else (at,)

    wrong = []
    for a, b in zip(visible_real, visible_seen, strict=True):
        takes = {place_real[at] for at in real[a].inputs if at in place_real}
        shows = {place_seen[far] for at in seen[b].inputs for far in through(at) if far in place_seen}
        if takes != shows:
            names = [
                [str(real[visible_real[place]]) for place in sorted(some)] for some in (takes - shows, shows - takes)
            ]
            wrong.append(f"{real[a].op} {real[a].path} takes also {names[0]}, not {names[1]}")
    return tuple(wrong)


def _surplus(these: Iterable[Step], those: Iterable[Step]) -> tuple[str, ...]:
    """Returns the steps of `these` that `those` do not have, counting each as often as it occurs; order does not matter here."""
    left = Counter(f"{step.op} {step.path}" for step in these)
    left.subtract(f"{step.op} {step.path}" for step in those)
    return tuple(text for text, count in left.items() for _ in range(max(0, count)))


def predicted_inits(graph: Graph | Mapping[str, Any]) -> dict[str, Init]:
    """Returns what the graph says of every parameter, by path."""
    if isinstance(graph, Graph):
        return {parameter.path: parameter.init for parameter in graph.parameters if not parameter.buffer}
    found: dict[str, Init] = {}
    for node in graph["nodes"]:
        for name, text in (node["init"] or {}).items():
            path = f"{node['path']}.{name}" if node["path"] else name
            found.setdefault(path, _parsed_init(text))
    return found


def _parsed_init(text: str) -> Init:
    match = re.fullmatch(r"(\w+)(?:\((.*)\))?(?: \* ([-+.\deE]+))?", text)
    if match is None:
        return Init("unknown")
    scheme, args, scale = match.groups()
    try:
        call = ast.parse(f"f({args or ''})", mode="eval").body
        assert isinstance(call, ast.Call)
        values = tuple((str(item.arg), ast.literal_eval(item.value)) for item in call.keywords)
    except (SyntaxError, ValueError):
        return Init("unknown")
    return Init(scheme, values, float(scale or 1))


def _wrong_inits(params: Sequence[Filled], inits: Mapping[str, Init]) -> tuple[tuple[Mismatch, ...], int]:
    """Compares mean and standard deviation within 10 % and three standard errors of the sample."""
    wrong, unpredicted = [], 0
    for param in params:
        init = inits.get(param.path)
        found = None if init is None else spread(init, param.shape)
        variance = None if found is None else found.variance()
        if found is None or variance is None:
            unpredicted += 1
            continue
        std, size = math.sqrt(variance), math.prod(param.shape)
        if found.form == "identity":
            continue
        slack = 0.1 + 3 / math.sqrt(max(1, 2 * size))
        scale = max(std, abs(found.mean), 1e-12)
        off_std = size > 8 and abs(param.std - std) > slack * scale
        off_mean = abs(param.mean - found.mean) > 0.1 * abs(found.mean) + 4 * std / math.sqrt(max(1, size)) + 1e-9
        if off_std or off_mean:
            wrong.append(Mismatch(param.path, (found.mean, std), (param.mean, param.std)))
    return tuple(wrong), unpredicted
