"""Nodes of the graph, and the tensors that are their outputs."""

from __future__ import annotations

from typing import Any

from vglint import ops, origin
from vglint.given import settings_of, shape_given
from vglint.graph import Init
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.core import Run
from vglint.interp.machine.drafts import Draft
from vglint.interp.nodes.distribution import of_tensor
from vglint.interp.values.objects import (
    IteratorV,
    ModuleV,
    OpaqueV,
    ParamV,
    ParamView,
    Site,
    TensorV,
    Value,
)
from vglint.ops.spec import Many, Tensor
from vglint.shape import Shape
from vglint.value import Literal_, Unknown


def emit(
    run: Run,
    op: str,
    inputs: list[int],
    config: dict[str, Literal_],
    site: Site | None,
    *,
    owner: ModuleV | None = None,
    leaf: ModuleV | None = None,
    params: list[tuple[str, ParamV]] | None = None,
    shape: Shape | None = None,
) -> Draft:
    """Appends a node and returns it."""
    if len(run.graph.nodes) >= run.budget.nodes_allowed:
        raise BudgetError("nodes")
    run.budget.hold(len(params or ()))
    site = run.context.borrowed or site
    draft = Draft(
        op,
        inputs,
        config,
        leaf or owner or current_owner(run),
        leaf is not None,
        None,
        params or [],
        shape,
        site,
        run.graph.region,
        run.context.setup,
    )
    run.graph.nodes.append(draft)
    return draft


def current_owner(run: Run) -> ModuleV | None:
    return run.context.modules_running[-1] if run.context.modules_running else None


def node_of(run: Run, value: Value, site: Site | None) -> int | None:
    """Returns the node whose output a tensor-like value is, making it where it is only implied."""
    match value:
        case TensorV():
            if not run.context.setup and run.graph.nodes[value.node].setup:
                constant = _constant(run, value, site)
                if constant is not None:
                    return node_of(run, constant, site)
            if (run.graph.by_hand or value.node in run.graph.handed) and (own := leaf_of(run, value)) is not None:
                return node_of(run, own, site)
            return value.node if not value.pick else _pick(run, value, site)
        case ParamV():
            _read_while_built(run, value)
            if value.node is None or _without_gradient(run, run.graph.nodes[value.node].region, run.graph.region):
                run.journal.set_field(value, "node", len(run.graph.nodes))
                with run.context.having(setup=False):
                    emit(run, "parameter", [], {}, value.origin or site, params=[("value", value)], shape=value.shape)
                return len(run.graph.nodes) - 1
            return value.node
        case ParamView():
            source = node_of(run, value.param, site)
            if source is not None and value.cut:
                emit(run, "detach", [source], {}, site, shape=value.param.shape)
                return len(run.graph.nodes) - 1
            return source
        case OpaqueV():
            if value.node is None:
                run.graph.gap_of(value.why, value.site or site)
                run.journal.set_field(value, "node", len(run.graph.nodes))
                cut = value.region is not None and _without_gradient(run, value.region, run.graph.region)
                emit(run, "opaque", list(value.deps), {"requires_grad": False} if cut else {}, value.site or site)
            return value.node
        case _:
            return None


def _without_gradient(run: Run, made: int, read: int) -> bool:
    """Whether a node was made under no_grad and is now wanted where gradients are kept."""
    return under_no_grad(run, made) and not under_no_grad(run, read)


def under_no_grad(run: Run, region: int | None) -> bool:
    """Whether what runs in a region keeps no history."""
    while region is not None:
        if run.graph.regions[region].kind in ("no_grad", "grad"):
            return run.graph.regions[region].kind == "no_grad"
        region = run.graph.regions[region].parent
    return False


def in_loop(run: Run) -> bool:
    """Whether what runs now is a turn of a loop that stands for others."""
    return innermost_loop(run, run.graph.region) is not None


def innermost_loop(run: Run, region: int | None) -> int | None:
    """Returns the innermost loop around what runs in a region."""
    return _innermost(run, region, "loop")


def in_branch(run: Run) -> bool:
    """Whether what runs now is an arm of a condition that is not known."""
    return _innermost(run, run.graph.region, "branch") is not None


def _innermost(run: Run, region: int | None, kind: str) -> int | None:
    while region is not None and run.graph.regions[region].kind != kind:
        region = run.graph.regions[region].parent
    return region


def _constant(run: Run, value: TensorV, site: Site | None) -> ParamV | None:
    """Returns a tensor that was computed while its module was built as what forward finds there: a buffer.

    None where it is computed from parameters, which a gradient reaches through it.
    """
    key = (value.node, value.pick)
    if key not in run.graph.constants:
        stack, seen = [value.node], {value.node}
        while stack:
            draft = run.graph.nodes[stack.pop()]
            if not draft.setup or draft.op in ("parameter", "input", "opaque"):
                run.graph.constants[key] = None
                return None
            fresh = [source for source in draft.inputs if source not in seen]
            seen.update(fresh)
            stack += fresh
        init = of_tensor(run, value)
        made = ParamV(
            shape_of(run, value),
            init,
            False,
            True,
            run.graph.nodes[value.node].site or site,
            None,
            run.graph.labels.get(key, ""),
        )
        marks = run.graph.nodes[value.node].config
        made.leaf = value.grad or marks.get("requires_grad") is True or marks.get("value") is True
        run.graph.constants[key] = made
    return run.graph.constants[key]


def leaf_of(run: Run, value: TensorV) -> ParamV | None:
    """Returns a tensor that training code makes to require a gradient, and moves by hand, as a parameter; None for any other, and for one that
    is computed from data."""
    if value.pick:
        return None
    key = (value.node, ())
    made = run.graph.nodes[value.node]
    marked = made.op == "requires_grad" and made.config.get("value") is True
    if not (marked or value.grad or made.config.get("requires_grad") is True) or run.context.setup:
        return None
    if key not in run.graph.constants:
        behind = [made]
        for draft in behind:
            op = ops.OPS.get(draft.op)
            if (
                len(behind) > _FEW
                or op is None
                or (draft.op != "requires_grad" and not draft.inputs and op.kind != "create")
            ):
                run.graph.constants[key] = None
                return None
            behind += [run.graph.nodes[source] for source in draft.inputs]
        run.graph.constants[key] = ParamV(shape_of(run, value), of_tensor(run, value), True, False, made.site)
    return run.graph.constants[key]


_FEW = 8
"""Operations that make a weight."""


def _read_while_built(run: Run, param: ParamV) -> None:
    """A parameter that is still empty memory and read while its module is built is being filled in a way that is not followed."""
    if run.context.setup and param.init.scheme == "uninitialised":
        run.journal.set_field(param, "init", Init("unknown"))


def _pick(run: Run, value: TensorV, site: Site | None) -> int:
    """Makes the `getitem` nodes of one part of a result."""
    source = value.node
    for depth, index in enumerate(value.pick):
        draft = run.graph.nodes[source]
        key = (index,)
        if key not in draft.picks or (
            run.graph.nodes[draft.picks[key]].region != run.graph.region
            and run.graph.regions[run.graph.nodes[draft.picks[key]].region].kind == "branch"
        ):
            last = depth == len(value.pick) - 1
            made = emit(
                run,
                "getitem",
                [source],
                {"index": index},
                site,
                shape=value.shape if last else None,
                owner=draft.owner if not draft.leaf else None,
            )
            made.setup = draft.setup and run.context.setup
            draft.picks[key] = len(run.graph.nodes) - 1
        source = draft.picks[key]
    return source


def tensor_of(run: Run, draft: Draft, node: int, result: Any, pick: tuple[int, ...] = ()) -> Value:
    """Returns the value of a call from what the op table says that it returns."""
    if isinstance(result, Tensor):
        return TensorV(node, result.shape, pick)
    if isinstance(result, Many):
        text = f"number of results of {draft.op}"
        return IteratorV(None, TensorV(node, result.each.shape), Unknown(origin.Argument(text)))
    return tuple(tensor_of(run, draft, node, part, (*pick, index)) for index, part in enumerate(result))


def shape_of(run: Run, value: Value) -> Shape | None:
    match value:
        case TensorV():
            if value.shape is None and not value.pick:
                return run.graph.nodes[value.node].shape
            return value.shape
        case ParamV():
            return value.shape
        case ParamView():
            return value.param.shape if value.whole else value.shape
        case _:
            return None


def entry_input(run: Run, name: str, site: Site | None) -> TensorV:
    """Returns an input of the entry, one node for each name."""
    for number, draft in enumerate(run.graph.nodes):
        if draft.op == "input" and draft.config.get("name") == name:
            return TensorV(number, draft.shape)
    given = run.context.inputs.get(name, run.graph.supposed.get(name))
    known: dict[str, Literal_] = {} if given is None else {**settings_of(given)}
    shape = None if given is None else shape_given(name, given)
    with run.context.having(setup=False):
        emit(run, "input", [], {"name": name, **known}, site, shape=shape)
    return TensorV(len(run.graph.nodes) - 1, shape)


def emit_hook(run: Run, op: str, module: ModuleV, site: Site, params: list[tuple[str, ParamV]]) -> None:
    """Notes that training code does something to a whole model: `train_mode`, `eval_mode`, `zero_grad`, which a model may also do itself."""
    own = op == "zero_grad" and run.context.training_code
    if not run.context.setup and (own or not run.context.modules_running):
        run.graph.nodes.append(Draft(op, [], {}, module, False, None, params, None, site, run.graph.region, False))
