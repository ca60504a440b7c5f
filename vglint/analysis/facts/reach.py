"""Facts of what a loop's backward passes reach: parameters, or something that cuts the way to them."""

from __future__ import annotations

from vglint.analysis.facts.klass import RANDOM
from vglint.analysis.facts.loop import LoopView, places_of
from vglint.analysis.facts.order import earlier
from vglint.analysis.facts.spec import fact, unknown
from vglint.analysis.facts.view import View
from vglint.finding import Place
from vglint.graph import Node
from vglint.ops import has, having
from vglint.value import Unknown

DETACHING = having("detaches")


@fact("loop", "places")
def evaluating(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Calls of `eval()` that still hold when the model is trained, although it has dropout or batch normalisation. Unknown where the code is
    not read to its end."""
    if loop.view.cut_short:
        return unknown("the code is not read to its end")
    nodes = loop.view.graph.nodes
    modes = [node for node in loop.view.nodes("eval_mode", "train_mode") if "." not in node.path]
    undoing = [node for node in modes if node.get("model") is not None and node.op == "train_mode"]
    found = []
    for backward in loop.training_backwards:
        trained = sorted(loop.view.before(backward.inputs, lambda node: not loop.view.carries_gradient(node)))
        for mode in modes:
            own = _moved_by(mode) & loop.params
            layers = [nodes[i] for i in trained if _belongs(nodes[i], mode)]
            stirring = [node for node in layers if _stirs(loop.view, node)]
            if mode.op != "eval_mode" or not stirring or not any(_moved_by(node) & own for node in layers):
                continue
            events = [*(each for each in modes if each.path == mode.path and _moved_by(each) & own), *undoing]
            events.sort(key=lambda node: node.index)
            last = next(earlier(loop.view, stirring[0], events, loop.optimizer), None)
            if last is not None and last.op == "eval_mode" and not _is_meant(loop, last, stirring[0], backward):
                found.append(last)
    return places_of(loop, found)


def _stirs(view: View, node: Node) -> bool:
    """Whether a layer does something else in training: dropout, or a batch normalisation that is not frozen, as that of a pretrained part is."""
    if node.op != "batch_norm":
        return view.kinds[node.index] == "dropout"
    own = [view.graph.parameters[index] for name, index in node.params if name in ("weight", "bias")]
    return not own or any(each.trainable for each in own)


def _is_meant(loop: LoopView, mode: Node, first: Node, backward: Node) -> bool:
    """Whether `eval()` is there for the training: each turn begins with it, and with `first`, the first layer of it that is trained, nothing
    else of the model was run before; or it stands before the training, of a pretrained model that keeps its statistics."""
    around = {index for index in loop.view.regions_of(backward.region) if loop.view.graph.regions[index].kind == "loop"}
    between = loop.view.graph.nodes[mode.index : first.index]
    if mode.region in around and not any(_stirs(loop.view, node) for node in between if _belongs(node, mode)):
        return mode.region == next((i for i in loop.view.regions_of(backward.region) if i in around), None)
    if around & set(loop.view.regions_of(mode.region)) or mode.index > backward.index:
        return False
    own = [loop.view.graph.parameters[index] for index in _moved_by(mode)]
    return bool(own) and all(param.init.scheme == "unknown" for param in own)


def _moved_by(node: Node) -> frozenset[int]:
    """The parameters that a node is about: a model's when its mode was set, whatever is made of the model later."""
    return frozenset(index for _, index in node.params)


def _belongs(node: Node, mode: Node) -> bool:
    """Whether a layer lies in the model whose mode is set: that of an entry's own class has no name, and further ones of that class are
    `<Net 1>`. A layer of a model without a name is known by its parameters."""
    if mode.path.startswith("<") and _moved_by(node) & _moved_by(mode):
        return True
    return node.path.startswith(f"{mode.path}.") if mode.path else not node.path.startswith("<")


@fact("loop", "places")
def under_no_grad(loop: LoopView) -> tuple[Place, ...]:
    """Backward passes of a loss that was computed under no_grad or inference_mode from end to end. One of whose operands is not known is none."""
    found = []
    for backward in loop.training_backwards:
        behind = [loop.view.graph.nodes[index] for index in sorted(loop.view.before(backward.inputs))]
        if any(node.op == "opaque" for node in behind) or _hides_a_way(loop.view, behind):
            continue
        layers = [node for node in behind if node.op != "parameter" and _computes_with(loop.view, node)]
        if layers and all(loop.view.in_region(node, "no_grad") for node in layers):
            found.append(backward)
    return places_of(loop, found)


def _computes_with(view: View, node: Node) -> bool:
    """Whether a node has parameters, or takes one that the program reads: it may have been read before, where gradients are kept or not."""
    return bool(node.params) or any(view.graph.nodes[index].op == "parameter" for index in node.inputs)


def _hides_a_way(view: View, behind: list[Node]) -> bool:
    """Whether an operand that is not known stands where gradients are kept."""
    return any(view.hides_operand(node.index) and not view.in_region(node, "no_grad") for node in behind)


@fact("loop", "places")
def severed(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Of backward passes whose loss reaches no parameter by any differentiable way: the ops nearest the loss that cut it
    (`.detach()`, `.data`, `.item()`, `.numpy()`). Unknown where the way back meets a gap."""
    return _severed(loop, DETACHING)


@fact("loop", "places")
def undifferentiable(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """The same, where what cuts it is an op that has no gradient: argmax, a comparison, rounding, an integer cast."""
    return _severed(loop, None)


@fact("loop", "places")
def severed_layers(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Where a value leaves torch or becomes a new leaf (`.numpy()`, `.item()`, `torch.tensor(t)`) and takes with it the only way from
    layers that the optimiser moves to any backward pass, though other layers are reached; a `.detach()` where the optimiser was given
    these layers by name, or where they start at random and what is detached goes into a layer that is trained. Unknown where the way back meets a gap. Of a
    method beside which another one trains, no `.detach()`: that one may train the layers."""
    cuts = _severing(loop)
    return cuts if isinstance(cuts, Unknown) else places_of(loop, cuts)


@fact("loop", "places")
def cut_off_layers(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """The layers that the first of `severed_layers` takes away."""
    cuts, found = _severing(loop), _lost(loop)
    if isinstance(cuts, Unknown) or isinstance(found, Unknown):
        return unknown("the way back is not known")
    behind = loop.view.before([cut.index for cut in cuts[:1]])
    return loop.view.places([index for index in found[1] if index in behind])


def _severing(loop: LoopView) -> list[Node] | Unknown:
    view = loop.view
    found = _lost(loop)
    if isinstance(found, Unknown):
        return found
    reached, lost, own = found
    ahead, meant, fresh = view.after(lost), view.after(listed_layers(loop, lost, own)), view.after(_fresh(loop, lost))
    flat, cuts = _flat_cuts(loop), list[Node]()
    codebook = not isinstance(flat, Unknown) and bool(flat)  # whose target is detached on purpose
    for index in sorted(reached & ahead):
        node = view.graph.nodes[index]
        leaves = has(node.op, "leaves_torch") or (node.op == "requires_grad" and not view.carries_gradient(node))
        fed = index in fresh and any(_weighs(view, each, index) for each in view.after([index]) & reached)
        if leaves or (not loop.elsewhere and not codebook and node.op == "detach" and (index in meant or fed)):
            cuts.append(node)
    return cuts


@fact("loop", "places")
def flattened_layers(loop: LoopView) -> tuple[Place, ...] | Unknown:
    """Where an op that has no gradient (rounding, an integer cast, argmax, a comparison) is the only way from layers that start at random, or
    from a parameter by itself, that the optimiser moves to any backward pass, though others are reached. Unknown where the way back meets a gap."""
    cuts = _flat_cuts(loop)
    return cuts if isinstance(cuts, Unknown) else tuple(dict.fromkeys(named(loop.view, index) for index in cuts))


@fact("loop", "flag")
def flattened_parameter(loop: LoopView) -> bool:
    """What `flattened_layers` names cuts off no layer: only a parameter by itself, such as a threshold."""
    found, cuts, view = _lost(loop), _flat_cuts(loop), loop.view
    if isinstance(found, Unknown) or isinstance(cuts, Unknown) or not cuts:
        return False
    return not any(view.graph.nodes[index].op != "parameter" for index in _fresh(loop, found[1]))


@fact("loop", "flag")
def sampled_layers(loop: LoopView) -> bool:
    """What `flattened_layers` names are random samples whose size or place the layers gave."""
    cuts = _flat_cuts(loop)
    return (
        not isinstance(cuts, Unknown)
        and bool(cuts)
        and all(has(loop.view.graph.nodes[index].op, "draws") for index in cuts)
    )


def _flat_cuts(loop: LoopView) -> list[int] | Unknown:
    """Returns the ops without a gradient that cut off layers which start at random, perhaps beside a detach (of a codebook's target); none
    where one of them leaves torch."""
    view = loop.view
    if loop.elsewhere:
        return unknown("another method may train the layers")
    found = _lost(loop)
    if isinstance(found, Unknown):
        return found
    reached, lost, _ = found
    ahead = view.after([*_fresh(loop, lost), *lone_parameters(view, lost)])
    cuts = [index for index in sorted(reached & ahead) if cuts_off(view, index)]
    ops = {view.graph.nodes[index].op for index in cuts}
    if any(has(op, "leaves_torch") for op in ops):
        return []
    return [index for index in cuts if view.graph.nodes[index].op not in DETACHING]


def lone_parameters(view: View, lost: list[int]) -> list[int]:
    """Returns those of some nodes that are parameters by themselves, of which it is known how they start, and that nothing sets later."""
    return [
        index
        for index in lost
        if view.graph.nodes[index].op == "parameter"
        and all(
            view.graph.parameters[param].init.scheme != "unknown" and not view.graph.parameters[param].late
            for _, param in view.graph.nodes[index].params
        )
    ]


def _lost(loop: LoopView) -> tuple[set[int], list[int], set[int]] | Unknown:
    """Returns what the backward passes reach, the layers that the optimiser moves and that none reaches, and the parameters of those that one does."""
    view = loop.view
    backwards = view.sent_back()
    reached = view.before(backwards, lambda node: not view.carries_gradient(node))
    unseen = any(not node.inputs for node in view.nodes("backward"))
    if unseen or any(view.graph.nodes[index].op == "opaque" for index in reached):
        return unknown("the way from the loss to the parameters is not followed")
    moved = [i for i in view.before(backwards) if any(p in loop.params for _, p in view.graph.nodes[i].params)]
    if not any(index in reached for index in moved):
        return reached, [], set()
    own = {param for index in moved if index in reached for _, param in view.graph.nodes[index].params}
    lost = [i for i in moved if i not in reached and not any(p in own for _, p in view.graph.nodes[i].params)]
    return reached, [i for i in lost if view.trains(i) and not view.in_region(view.graph.nodes[i], "no_grad")], own


def _weighs(view: View, index: int, detached: int) -> bool:
    """Whether a node multiplies what was detached with weights that are trained: a layer, or a product with what a layer made."""
    if view.trains(index):
        return True
    node = view.graph.nodes[index]
    if not has(node.op, "multiplies") and not has(node.op, "matrix_product"):
        return False
    others = [each for each in node.inputs if detached not in view.before([each])]
    live = view.before(others, lambda each: not view.carries_gradient(each))
    return any(view.trains(each) for each in live)


def _fresh(loop: LoopView, lost: list[int]) -> list[int]:
    """Returns those of some layers whose weights are random numbers: nobody holds back what was never trained."""
    view, found = loop.view, []
    for index in lost:
        weights = [view.graph.parameters[param] for name, param in view.graph.nodes[index].params if "bias" not in name]
        if weights and all(each.init.scheme in RANDOM and not each.late for each in weights):
            found.append(index)
    return found if not loop.unexplained else []


def listed_layers(loop: LoopView, lost: list[int], reached: set[int]) -> list[int]:
    """Returns those of some layers that the optimiser was given by name: as a group of their own, or as another model than the rest."""
    view, groups = loop.view, dict[str, set[int]]()
    for group, param in loop.optimizer.params:
        groups.setdefault(group, set()).add(param)
    own = {param for index in lost for _, param in view.graph.nodes[index].params}
    alone = {param for members in groups.values() if len(groups) > 1 and members <= own for param in members}
    roots = {view.graph.parameters[param].path.split(".")[0] for param in reached & loop.params}
    others = {param for param in own if view.graph.parameters[param].path.split(".")[0] not in roots}
    return [index for index in lost if any(param in alone | others for _, param in view.graph.nodes[index].params)]


def _severed(loop: LoopView, ops: frozenset[str] | None) -> tuple[Place, ...] | Unknown:
    view, found = loop.view, dict[Place, None]()
    backwards = list(view.nodes("backward"))
    own = [next(earlier(view, step, backwards, loop.optimizer), None) for step in loop.steps]
    ways = [
        (node, view.before(node.inputs), view.before(node.inputs, lambda node: not view.carries_gradient(node)))
        for node in backwards
    ]
    if any(not node.inputs for node in backwards) or any(
        view.graph.nodes[index].op == "opaque" or view.hides_operand(index) for _, _, open_ in ways for index in open_
    ):
        return unknown("the way from the loss to the parameters is not followed")
    seen = not loop.unexplained and not any(True for _ in view.nodes("grad"))
    idle = seen and bool(loop.params) and not any(_holds(loop, _live(view, node)) for node, _, _ in ways)
    for node, whole, open_ in ways:
        if any(view.hands_on(index) for index in open_):
            continue
        blind = not any(view.trains(index) for index in open_)
        if not (blind or (idle and node in own)) or not any(view.trains(index) for index in whole):
            continue
        if loop.params and not _holds(loop, whole):
            continue
        cuts = [view.graph.nodes[index] for index in sorted(open_) if cuts_off(view, index)]
        cuts = [
            node for node in cuts if before_moved(loop, node.index) or (blind and _before_trained(view, node.index))
        ]
        wanted = [node for node in cuts if (node.op in ops if ops is not None else node.op not in DETACHING)]
        if len(wanted) == len(cuts):
            found.update((named(view, node.index), None) for node in wanted)
    return tuple(found)


def _live(view: View, backward: Node) -> set[int]:
    """Returns the nodes that a backward pass reaches: what runs under no_grad has no history."""
    reached = view.before(backward.inputs, lambda node: not view.keeps_history(node))
    return {index for index in reached if not view.in_region(view.graph.nodes[index], "no_grad")}


def named(view: View, index: int) -> Place:
    """Returns where a node stands, in words for what cuts."""
    node = view.graph.nodes[index]
    if node.op == "getitem" and node.inputs:
        return Place(node.span, f"the indices of {view.graph.nodes[node.inputs[0]].op}")
    if node.op == "to_integer":
        return Place(node.span, "a cast to integers")
    if node.op == "flat_function":
        return Place(node.span, f"the backward of {str(node.get('function')).rpartition('.')[2]}")
    if node.op == "grad":
        return Place(node.span, "torch.autograd.grad without create_graph")
    if has(node.op, "draws"):
        return Place(node.span, "a random sample")
    if has(node.op, "compares"):
        return Place(node.span, "a comparison")
    return view.place(index)


def cuts_off(view: View, index: int) -> bool:
    """Whether a node takes a value and passes no gradient back to it. A tensor that is marked anew as requiring one is a cause of its own."""
    node = view.graph.nodes[index]
    if node.op == "requires_grad" and node.get("value") is True:
        return False
    return view.kinds[index] == "cut" or (bool(node.inputs) and not view.carries_gradient(node))


def _holds(loop: LoopView, indices: set[int]) -> bool:
    """Whether some nodes use a parameter that the optimiser moves."""
    return any(param in loop.params for index in indices for _, param in loop.view.graph.nodes[index].params)


def before_moved(loop: LoopView, index: int) -> bool:
    return _holds(loop, loop.view.before([index]))


def _before_trained(view: View, index: int) -> bool:
    return any(view.trains(each) for each in view.before([index]))
