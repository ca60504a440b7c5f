"""What training code does to objects that it is given and nothing is known of: optimisers, schedules, scalers, models, losses.

What such an argument is shows in what is done to it, never in what it is called: what is stepped after a backward pass and what
`scaler.step` gets is an optimiser; what only follows another step is a schedule; gradients are zeroed through an optimiser where the same
argument is stepped, else through a model.
"""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.emit import node_of, shape_of
from vglint.interp.torch.optimizers import optimizer_nodes
from vglint.interp.torch.training import act, tensor_method
from vglint.interp.values.objects import OpaqueV, Site, TensorV, Value, is_tensor
from vglint.value import Literal_, Unknown

_SCALED = (origin.Part("attribute", "scale"), origin.Part("call"))
"""What was taken of a scaler where it scaled a loss."""


def zero_grad_of_unknown(run: Run, site: Site) -> Value:
    """Performs `x.zero_grad()` of a model or an optimiser that is not known: it may be any."""
    act(run, "zero_grad", [], {"model": None}, site)
    return None


def backward_of_unknown(run: Run, method: Unknown, args: list[Value], keywords: dict[str, Value], site: Site) -> Value:
    """Performs `loss.backward()` of a loss that is not known, and `engine.backward(loss)`: a backward pass without inputs is of a loss that
    may depend on anything."""
    engine = origin.holder(method.origin, origin.Part("attribute", "backward"))
    for target in (*args, *keywords.values()):
        if is_tensor(target) or isinstance(target, OpaqueV):
            made = tensor_method(run, target, "backward", [], {}, site)
            if engine is not None and run.graph.nodes[-1].op == "backward":
                run.graph.nodes[-1].config["by"] = origin.text(engine)
            return made
    config: dict[str, Literal_] = {"loss": method, "retain_graph": literal(keywords.get("retain_graph", False))}
    scaler = origin.holder(method.origin, *_SCALED, origin.Part("attribute", "backward"))
    if scaler is not None:
        config["scaled"] = origin.text(scaler)
    elif engine is not None:
        config["by"] = origin.text(engine)
    act(run, "backward", [], config, site)
    return None


def step_of_unknown(run: Run, method: Value, site: Site) -> bool:
    """Performs `x.step()` of something that code which is not followed made: after a backward pass it is the step of an optimiser, of any.
    Says whether it was that."""
    given = isinstance(method, Unknown) and isinstance(method.origin, (origin.Argument, origin.Computed))
    if given or not _follows_backward(run):
        return False
    act(run, "step", [], {"closure": False}, site)
    return True


def act_of_unknown(
    run: Run, method: Unknown, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value | Missing:
    """Performs a method of something that training code was given; MISSING where it is none of those that optimisers, scalers and models
    have."""
    if not isinstance(method.origin, (origin.Argument, origin.Computed)) or not method.origin.parts:
        return MISSING
    last = method.origin.parts[-1]
    of = origin.holder(method.origin, last)
    if of is None or last.kind != "attribute":
        return MISSING
    holder = origin.text(of)
    target = args[0] if args else next(iter(keywords.values()), None)
    match last.name:
        case "scale" if is_tensor(target) or isinstance(target, OpaqueV):
            source = node_of(run, target, site)
            assert source is not None
            return TensorV(act(run, "scale", [source], {"by": holder}, site), shape_of(run, target))
        case "zero_grad":
            act(run, "zero_grad", [_optimizer(run, holder, site)], {"model": None}, site)
            return None
        case "unscale_" if target is not None:
            act(run, "unscale", target_nodes(run, target, site), {"by": holder}, site)
            return None
        case "step":
            _step(run, holder, target, site)
            return None
        case "train" | "eval" if not args:
            act(run, f"{last.name}_mode", [], {"model": holder}, site)
            return method
        case _:
            return MISSING


def _step(run: Run, holder: str, target: Value, site: Site) -> None:
    if optimizer_nodes(target) or (isinstance(target, Unknown) and _scales(run, holder)):
        act(run, "step", target_nodes(run, target, site), {"closure": False, "scaler": True}, site)
    elif holder in run.graph.given or _follows_backward(run):
        act(run, "step", [_optimizer(run, holder, site)], {"closure": target is not None}, site)
        if _runs_backward(run, holder):
            act(run, "zero_grad", [_optimizer(run, holder, site)], {"model": None}, site)
    else:
        act(run, "scheduler_step", [], {}, site)


def _scales(run: Run, holder: str) -> bool:
    """Whether an argument scaled a loss or unscaled gradients before: it is a gradient scaler."""
    return any(
        (draft.op in ("scale", "unscale") and draft.config.get("by") == holder) or draft.config.get("scaled") == holder
        for draft in run.graph.nodes
    )


def _runs_backward(run: Run, holder: str) -> bool:
    """Whether what steps runs its backward passes itself: `engine.backward(loss); engine.step()`, which sets its gradients to zero, or a model
    whose layers are written by hand."""
    return any(draft.op == "backward" and draft.config.get("by") == holder for draft in run.graph.nodes)


def _follows_backward(run: Run) -> bool:
    """Whether a backward pass ran after the last step."""
    last = next((draft.op for draft in reversed(run.graph.nodes) if draft.op in ("backward", "step")), None)
    return last == "backward"


def target_nodes(run: Run, target: Value, site: Site) -> list[int]:
    """Returns the nodes of an optimiser that a scaler gets, whether it is known or given."""
    if isinstance(target, Unknown):
        return [_optimizer(run, origin.text(target.origin), site)]
    return optimizer_nodes(target)


def _optimizer(run: Run, name: str, site: Site) -> int:
    """Returns the node of an optimiser that is an argument: its parameters are not known."""
    if name not in run.graph.given:
        with run.graph.inside(0):
            made = act(run, "optimizer", [], {"name": name, "complete": False, "exhausted": False}, site)
        run.graph.given[name] = made
    return run.graph.given[name]


def settle(run: Run) -> None:
    """Takes what was zeroed and never stepped for a model, at an entry's end."""
    stepped = {source for draft in run.graph.nodes if draft.op == "step" for source in draft.inputs}
    for name, number in run.graph.given.items():
        if number in stepped:
            continue
        run.graph.nodes[number].setup = True
        for draft in run.graph.nodes:
            if number in draft.inputs:
                draft.inputs = [source for source in draft.inputs if source != number]
                draft.config["model"] = name
