"""Training code: optimisers, gradient scalers, backward, clipping, trainers; each act is a node in program order."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, call, register, set_trainable
from vglint.interp.machine.journal import MISSING
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.emit import emit, entry_input, node_of, shape_of
from vglint.interp.nodes.operations import emit_call
from vglint.interp.protocols.iteration import items_of
from vglint.interp.static.liveness import body_around, unread_after
from vglint.interp.values.objects import (
    ArrayV,
    BuiltinV,
    ClassV,
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    OpaqueV,
    ParamV,
    ParamView,
    Site,
    TensorV,
    Value,
    is_tensor,
)
from vglint.ops.spec import Spelling
from vglint.value import Literal_, Unknown


def act(
    run: Run,
    op: str,
    inputs: list[int],
    config: dict[str, Literal_],
    site: Site,
    params: list[tuple[str, ParamV]] | None = None,
    type_: str | None = None,
) -> int:
    """Emits a node that acts on the outside."""
    draft = emit(run, op, inputs, config, site, params=params)
    draft.type = type_
    run.trained = run.trained or op == "backward"
    return len(run.nodes) - 1


def tensor_method(
    run: Run, value: Value, name: str, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value:
    """`backward`, `requires_grad_` and hooks of a tensor."""
    if name == "backward":
        source = node_of(run, value, site)
        if source is not None:
            act(
                run,
                "backward",
                [source],
                {"retain_graph": literal(keywords.get("retain_graph", args[1] if len(args) > 1 else False))},
                site,
            )
        return None
    if name == "requires_grad_":
        mark_requires_grad(run, value, args[0] if args else keywords.get("requires_grad", True), site)
        return value
    return None


def mark_requires_grad(run: Run, value: Value, flag: Value, site: Site) -> None:
    """Performs `x.requires_grad = flag`."""
    if isinstance(value, (ParamV, ParamView)):
        if isinstance(flag, bool):
            set_trainable(run, value if isinstance(value, ParamV) else value.param, flag, site)
        return
    source = node_of(run, value, site)
    if source is None or not isinstance(value, TensorV):
        return
    draft = act(run, "requires_grad", [source], {"value": literal(flag), "by": "requires_grad"}, site)
    run.nodes[draft].shape = shape_of(run, value)
    run.set_field(value, "node", draft)
    run.set_field(value, "pick", ())


def rewrapped(run: Run, name: str, value: Value, keywords: dict[str, Value], site: Site) -> Value:
    """`Variable(x, requires_grad=True)` and `torch.tensor(x, requires_grad=True)`: a new leaf with the same numbers."""
    flag = keywords.get("requires_grad", False)
    if name.endswith("Variable") and flag is not True:
        return value
    source = node_of(run, value, site) if is_tensor(value) or isinstance(value, OpaqueV) else None
    if source is None:
        return value
    made = act(run, "requires_grad", [source], {"value": literal(flag), "by": name}, site)
    run.nodes[made].shape = shape_of(run, value)
    return TensorV(made, shape_of(run, value))


@register(LIBRARY, "torch.tensor", "torch.as_tensor")
def tensor(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    data = args[0] if args else keywords.get("data")
    if isinstance(data, OpaqueV) or is_tensor(data):
        if which.name == "torch.as_tensor":
            return data
        return rewrapped(run, which.name, data, keywords, site)
    listed = data.items if isinstance(data, ListV) else list(data) if isinstance(data, tuple) else []
    if any(is_tensor(item) for item in listed):
        return _leaf_of(run, which.name, listed, keywords, site)
    batch = run.training_code and not run.setup and not run.modules_running and not keywords.get("requires_grad")
    if batch and _is_open(literal(data)):
        text = " ".join(site.unit.source_of(site.node).split())
        return entry_input(run, text if len(text) <= 40 else text[:39] + "…", site)
    spelling = ops.find(which.name)
    assert spelling is not None
    return emit_call(run, spelling, args, keywords, site)


def _is_open(data: Literal_) -> bool:
    """Whether numbers are data that is read when the program runs."""
    return isinstance(data, Unknown) or (isinstance(data, tuple) and any(map(_is_open, data)))


def _leaf_of(run: Run, name: str, listed: list[Value], keywords: dict[str, Value], site: Site) -> Value:
    """`torch.tensor([a, b])` of tensors: a new leaf with their numbers."""
    sources = [node for item in listed if is_tensor(item) and (node := node_of(run, item, site)) is not None]
    made = act(
        run, "requires_grad", sources, {"value": literal(keywords.get("requires_grad", False)), "by": name}, site
    )
    return TensorV(made, None)


@register(LIBRARY, "torch.from_numpy")
def from_array(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """An array that was a tensor is one again, without its history."""
    data = args[0] if args else keywords.get("ndarray")
    if is_tensor(data) or isinstance(data, OpaqueV):
        return rewrapped(run, which.name, data, keywords, site)
    spelling = ops.find(which.name)
    assert spelling is not None
    return emit_call(run, spelling, args, keywords, site)


@register(
    LIBRARY,
    *(f"torch.{kind}Tensor" for kind in ("", "Float", "Double", "Half", "Long", "Int", "Bool", "Byte")),
    *(f"torch.cuda.{kind}Tensor" for kind in ("Float", "Long")),
)
def typed_tensor(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Numbers are sizes; a list or an array is data."""
    if len(args) == 1 and isinstance(args[0], (ListV, ArrayV)):
        return tensor(run, External("torch.tensor"), args, {}, frame, site)
    spelling = ops.find(which.name)
    assert spelling is not None
    return emit_call(run, spelling, args, keywords, site)


# ---- optimisers and schedules


def optimizer(
    run: Run,
    name: str,
    spelling: Spelling | None,
    args: list[Value],
    keywords: dict[str, Value],
    frame: Frame,
    site: Site,
) -> Value:
    """Builds an optimiser: a node that names every parameter it moves."""
    config: dict[str, Literal_] = {}
    if spelling is not None:
        try:
            bound = ops.bind(spelling.args, args, keywords)
            config = {arg.name: literal(bound[arg.name]) for arg in spelling.args if arg.role != "ignored"}
        except ops.BindError:
            config = {key: literal(value) for key, value in keywords.items() if key != "params"}
    else:
        config = {key: literal(value) for key, value in keywords.items() if key != "params"}
    source = args[0] if args else keywords.get("params", keywords.get("model_params"))
    params, exhausted, complete = groups_of(run, source, frame, site)
    config["exhausted"] = exhausted
    config["complete"] = complete
    forgotten = _forgotten_group(source, frame, site)
    if forgotten is not None:
        config["forgotten"] = forgotten
    node = act(run, "optimizer", _made_tensors(run, source, 0), config, site, params, name)
    made = Instance(External(name), {}, site, {"node": node, "params": params})
    made.extra["attribute"] = _optimizer_attribute
    return made


def groups_of(run: Run, source: Value, frame: Frame, site: Site) -> tuple[list[tuple[str, ParamV]], bool, bool]:
    """Returns (parameters by group, whether an iterator was used up before, whether all are known)."""
    exhausted = isinstance(source, IteratorV) and (source.exhausted or source.position > 0)
    if isinstance(source, ParamV):
        return [("0", source)], False, True
    found = items_of(run, source, frame, site)
    if found.items is None:
        return [], exhausted, False
    params: list[tuple[str, ParamV]] = []
    complete = True
    for number, item in enumerate(found.items):
        if isinstance(item, DictV):
            inner, used, whole = groups_of(run, item.items.get("params", ListV([])), frame, site)
            params += [(str(number), param) for _, param in inner]
            exhausted, complete = exhausted or used, complete and whole
        elif isinstance(item, ParamV):
            params.append(("0", item))
        elif isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], ParamV):
            params.append(("0", item[1]))
        elif isinstance(item, (ListV, IteratorV)):
            inner, used, whole = groups_of(run, item, frame, site)
            params += inner
            exhausted, complete = exhausted or used, complete and whole
        else:
            complete = False
    return params, exhausted, complete


def either(left: Value, right: Value) -> Instance | None:
    """Returns the optimiser that is one of two, chosen by a condition that is not known; None where they are no optimisers."""
    if not (isinstance(left, Instance) and isinstance(right, Instance)):
        return None
    if not ("params" in left.extra and "params" in right.extra):
        return None
    nodes = tuple(dict.fromkeys((*optimizer_nodes(left), *optimizer_nodes(right))))
    params = [*left.extra["params"], *right.extra["params"]]
    return Instance(
        left.cls,
        {},
        left.origin,
        {"node": nodes[0], "nodes": nodes, "params": params, "attribute": _optimizer_attribute},
    )


def optimizer_nodes(value: Value) -> list[int]:
    """Returns the nodes of an optimiser: several where it is one of them."""
    if not isinstance(value, Instance) or "node" not in value.extra:
        return []
    return list(value.extra.get("nodes", (value.extra["node"],)))


def _forgotten_group(source: Value, frame: Frame, site: Site) -> str | None:
    """Returns a local group of parameters that was filled, is not among those that the optimiser gets, and that nothing reads later."""
    for name, value in frame.scope.names.items():
        filled = (isinstance(value, DictV) and isinstance(value.items.get("params"), ListV)) or (
            isinstance(value, ListV) and value.items and all(isinstance(item, ParamV) for item in value.items)
        )
        if filled and not _holds(source, value, 0):
            body = body_around(frame.unit.body, site.node)
            if body is not None and unread_after(body, name):
                return name
    return None


def _made_tensors(run: Run, source: Value, depth: int) -> list[int]:
    """Returns the nodes of plain tensors among what an optimiser gets."""
    if isinstance(source, TensorV):
        return [source.node]
    if depth > 3 or isinstance(source, IteratorV):
        return []
    inside = source.items if isinstance(source, ListV) else source if isinstance(source, tuple) else ()
    if isinstance(source, DictV):
        inside = [source.items.get("params")]
    return [node for item in inside for node in _made_tensors(run, item, depth + 1)]


def _holds(value: Value, wanted: Value, depth: int) -> bool:
    """Whether a value is inside another."""
    if value is wanted or depth > 4:
        return value is wanted
    inside = value.items if isinstance(value, (ListV, IteratorV)) else value if isinstance(value, tuple) else ()
    if isinstance(value, DictV):
        inside = list(value.items.values())
    return any(_holds(item, wanted, depth + 1) for item in inside or ())


def _optimizer_attribute(run: Run, value: Instance, name: str, frame: Frame) -> Value:
    nodes = optimizer_nodes(value)

    def method(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if name == "step":
            closure = args[0] if args else keywords.get("closure")
            result = None
            if closure is not None and not isinstance(closure, Unknown):
                result = call(run, closure, [], {}, frame, site)
            act(run, "step", nodes, {"closure": closure is not None}, site)
            return result
        if name == "zero_grad":
            act(run, "zero_grad", nodes, {}, site)
            return None
        if name == "add_param_group":
            params, _, _ = groups_of(run, ListV(list(args)), frame, site)
            for node in nodes:
                run.nodes[node].params += params
            return None
        return Unknown(origin.Call(f"optimizer.{name}"))

    if name == "param_groups":
        return ListV([DictV({"params": ListV([param for _, param in value.extra["params"]])}, complete=False)])
    if name in ("step", "zero_grad", "add_param_group", "state_dict", "load_state_dict", "train", "eval"):
        return BuiltinV(name, method)
    return MISSING


def scheduler(run: Run, name: str, args: list[Value], keywords: dict[str, Value], site: Site) -> Value:
    """Builds a learning-rate schedule of an optimiser."""
    source = args[0] if args else keywords.get("optimizer")
    inputs = optimizer_nodes(source)
    spelling = ops.find(name)
    try:
        bound = ops.bind(spelling.args, args, keywords) if spelling is not None else keywords
    except ops.BindError:
        bound = keywords
    config = {key: literal(value) for key, value in bound.items() if key != "optimizer"}
    node = act(run, "scheduler", inputs, config, site, type_=name)

    def attribute(run: Run, value: Instance, name: str, frame: Frame) -> Value:
        if name == "step":

            def step(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
                act(run, "scheduler_step", [node], {}, site)
                return None

            return BuiltinV("step", step)
        return MISSING

    return Instance(External(name), {}, site, {"node": node, "attribute": attribute})


OPTIMIZERS = frozenset(
    "Adam AdamW SGD RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS AdamP Lamb LAMB Lion Adafactor Ranger AdaBelief FusedAdam AdamW8bit Adam8bit Muon DeepSpeedCPUAdam Novograd BertAdam".split()
)


def is_optimizer(name: str) -> bool:
    """Whether a library class is an optimiser by its name (`transformers.AdamW`)."""
    return name.rpartition(".")[2] in OPTIMIZERS


def optimizer_class(cls: ClassV) -> bool:
    """Whether a class of the project derives from torch's optimiser."""
    return any(isinstance(base, External) and base.name.startswith("torch.optim.") for base in cls.mro)
