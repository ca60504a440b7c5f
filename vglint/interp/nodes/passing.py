"""What a gradient passes of the arms of a condition: whether they matter, and whether two values hold the same entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from vglint import ops
from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import LIST, FieldKey
from vglint.interp.nodes.constants import carries_gradient
from vglint.interp.values.inside import each_in
from vglint.interp.values.objects import FunctionV, Instance, IteratorV, MethodV, OpaqueV, PartialV, TensorV, Value
from vglint.value import Literal_

Left: TypeAlias = "tuple[Value, list[tuple[Any, Any]]]"
"""What an arm returns, and the places that it wrote with what they hold now."""


def matters(run: Run, start: int, left: Iterable[Left]) -> bool:
    """Whether the arms hold training code, or anything that a gradient passes on its way to what they leave."""
    made = set(range(start, len(run.graph.nodes)))
    if not run.context.training_code:
        reached = _left_by(run, left)
        made = made if reached is None else _with_sources(run, made & reached, made)
    return any(
        not run.graph.nodes[number].setup
        and run.graph.nodes[number].op not in _PASSIVE
        and (run.context.training_code or carries_gradient(run, number))
        for number in made
    )


def _left_by(run: Run, left: Iterable[Left]) -> set[int] | None:
    """Returns the nodes of what arms return and write; None where they leave objects that may hold others."""
    nodes, values = set[int](), list[Value]()
    for result, written in left:
        values.append(result)
        for key, value in written:
            if isinstance(key, FieldKey) and isinstance(value, int):
                nodes.add(value)
            elif key is LIST:
                values += value
            elif not isinstance(key, FieldKey):
                values.append(value)
    for each in each_in(values, run.budget.tick):
        match each:
            case TensorV(node=int(node)) | OpaqueV(node=int(node)):
                nodes.add(node)
            case OpaqueV(deps=deps):
                nodes.update(deps)
            case Instance() | FunctionV() | MethodV() | PartialV() | IteratorV():
                return None
            case _:
                pass
    return nodes


def _with_sources(run: Run, nodes: set[int], within: set[int]) -> set[int]:
    """Returns nodes and those of `within` that a gradient comes to from them."""
    found, todo = set(nodes), list(nodes)
    while todo:
        number = todo.pop()
        more = set(run.graph.nodes[number].inputs) & within - found if carries_gradient(run, number) else set[int]()
        found |= more
        todo += more
    return found


_REARRANGES = ops.having("rearranges")
"""Ops that pass every entry, and every gradient, on as it is."""


_REFITS = _REARRANGES | ops.having("refits")
"""Those, and ops that give it another size: who pads or crops under a condition on sizes has the same values in either arm."""


_REPEATS = ops.having("repeats")
"""Ops that hand entries on several times: the one arm's keys serve all heads, in the other each head has its copy."""


_PASSIVE = _REFITS | _REPEATS | {"parameter", "getitem", "join"}


def _takes_slices(index: Literal_) -> bool:
    """Whether an index is made of slices and new dimensions alone."""
    match index:
        case ("slice", *_):
            return True
        case tuple():
            return bool(index) and all(part is None or part == "..." or _takes_slices(part) for part in index)
        case _:
            return False


def root_of(run: Run, node: int, known: dict[int, int] | None = None) -> int:
    """Returns the node whose entries a node holds in some order."""
    known = {} if known is None else known
    start = node
    while start not in known:
        draft = run.graph.nodes[node]
        crops = draft.op == "getitem" and _takes_slices(draft.config.get("index"))
        sized = draft.op in _REFITS or draft.op in _REPEATS or crops
        if (draft.op in _REARRANGES and draft.inputs) or (sized and len(draft.inputs) == 1):
            node = draft.inputs[0]
            continue
        if draft.op == "join" and draft.inputs:
            roots = {root_of(run, each, known) for each in draft.inputs}
            if len(roots) == 1:
                node = roots.pop()
        if ops.has(draft.op, "joins") and draft.inputs:
            roots = {root_of(run, _whole(run, each), known) for each in draft.inputs}
            if len(roots) == 1:
                node = roots.pop()  # a table whose parts are resized and put side by side again
        known[start] = node
    return known[start]


def _whole(run: Run, node: int) -> int:
    """Returns the node of which a node is a part, rearranged or resized."""
    while True:
        draft = run.graph.nodes[node]
        if len(draft.inputs) != 1 or not (draft.op in _REFITS or ops.has(draft.op, "picks")):
            return node
        node = draft.inputs[0]
