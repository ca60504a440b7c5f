"""Optimisers and schedules: built, stepped, asked for their parameters."""

from __future__ import annotations

from collections.abc import Iterable

from vglint import ops, origin
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Frame, Raised, Run, call, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.nodes.config import literal
from vglint.interp.nodes.emit import leaf_of
from vglint.interp.protocols.iteration import items_of
from vglint.interp.static.liveness import body_around, unread_after
from vglint.interp.static.methods import sets_rates
from vglint.interp.torch.training import act
from vglint.interp.values.inside import entries, inside
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    IteratorV,
    ListV,
    OpaqueV,
    OptimizerV,
    ParamV,
    SchedulerV,
    Site,
    TensorV,
    Value,
)
from vglint.ops.spec import Spelling
from vglint.value import Literal_, Unknown

declines((OptimizerV, SchedulerV), CALL, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


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
        config["foreign"] = True
    source = args[0] if args else keywords.get("params", keywords.get("model_params"))
    params, exhausted, complete = groups_of(run, source, frame, site)
    config["exhausted"] = exhausted
    config["complete"] = complete
    forgotten = _forgotten_group(source, frame, site)
    if forgotten is not None:
        config["forgotten"] = forgotten
    if _lists_tensors(source):
        config["listed"] = True
    if any(isinstance(each, Unknown) and isinstance(each.origin, origin.Branches) for each in inside(source)):
        config["unsettled"] = True
    node = act(run, "optimizer", _made_tensors(run, source), config, site, params, name)
    return OptimizerV(name, (node,), params)


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
        elif isinstance(item, TensorV) and (own := leaf_of(run, item)) is not None:
            run.graph.handed.add(item.node)
            params.append(("0", own))
        elif isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], ParamV):
            params.append(("0", item[1]))
        elif isinstance(item, (ListV, IteratorV)):
            inner, used, whole = groups_of(run, item, frame, site)
            params += inner
            exhausted, complete = exhausted or used, complete and whole
        else:
            complete = False
    return params, exhausted, complete


def _lists_tensors(source: Value) -> bool:
    """Whether tensors that are no known parameters are listed one by one: `Adam([image])`."""
    return (
        isinstance(source, (ListV, tuple))
        and bool(entries(source))
        and all(isinstance(item, (Unknown, OpaqueV, TensorV)) for item in entries(source))
    )


def either(left: Value, right: Value) -> OptimizerV | None:
    """Returns the optimiser that is one of two, chosen by a condition that is not known; None where they are no optimisers."""
    if not (isinstance(left, OptimizerV) and isinstance(right, OptimizerV)):
        return None
    nodes = tuple(dict.fromkeys((*left.nodes, *right.nodes)))
    return OptimizerV(left.name, nodes, [*left.params, *right.params])


def optimizer_nodes(value: Value) -> list[int]:
    """Returns the nodes of an optimiser: several where it is one of them."""
    return list(value.nodes) if isinstance(value, OptimizerV) else []


def note_keeper(run: Run, cls: ClassV, given: Iterable[Value]) -> None:
    """Notes of optimisers that an object of the program is built with that it sets their rates, where its class does."""
    held = [node for each in given for node in optimizer_nodes(each)]
    if held and any(each.node is not None and sets_rates(each.node) for each in cls.mro if isinstance(each, ClassV)):
        for node in held:
            run.graph.nodes[node].config["rate_set"] = True


CONFIGURED = "configured optimizers"
"""The attribute of a LightningModule that holds what its `configure_optimizers` returned; no program can name it."""


def optimizers_in(value: Value) -> list[OptimizerV]:
    """Returns the optimisers in what a `configure_optimizers` returns."""
    match value:
        case OptimizerV():
            return [value]
        case tuple():
            return [made for item in value for made in optimizers_in(item)]
        case ListV():
            return [made for item in value.items for made in optimizers_in(item)]
        case DictV():
            return optimizers_in(value.items.get("optimizer"))
        case _:
            return []


def _forgotten_group(source: Value, frame: Frame, site: Site) -> str | None:
    """Returns a local group of parameters that was filled, is not among those that the optimiser gets, and that nothing reads later."""
    for name, value in frame.scope.names.items():
        filled = (isinstance(value, DictV) and isinstance(value.items.get("params"), ListV)) or (
            isinstance(value, ListV) and value.items and all(isinstance(item, ParamV) for item in value.items)
        )
        if filled and all(each is not value for each in inside(source, widest=10_000)):
            body = body_around(frame.unit.body, site.node)
            if body is not None and unread_after(body, name):
                return name
    return None


def _made_tensors(run: Run, source: Value) -> list[int]:
    """Returns the nodes of plain tensors among what an optimiser gets, leaves excepted."""
    made = (each.node for each in inside(source, widest=10_000, through=_grouped) if isinstance(each, TensorV))
    return [node for node in made if node not in run.graph.handed]


def _grouped(value: Value) -> Iterable[Value]:
    """Returns what lists of parameters and groups of them hold; an iterator is not looked into."""
    match value:
        case tuple():
            return value
        case ListV():
            return value.items
        case DictV():
            return (value.items.get("params"),)
        case _:
            return ()


_METHODS = frozenset(("step", "zero_grad", "add_param_group", "state_dict", "load_state_dict", "train", "eval"))
_FIELDS = frozenset(("defaults", "state"))


@register(GETATTR, OptimizerV)
def attribute(run: Run, value: OptimizerV, name: str, frame: Frame) -> Value:
    def method(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if name == "step":
            closure = args[0] if args else keywords.get("closure")
            result = None
            if closure is not None and not isinstance(closure, Unknown):
                result = call(run, closure, [], {}, frame, site)
            act(run, "step", list(value.nodes), {"closure": closure is not None}, site)
            return result
        if name == "zero_grad":
            act(run, "zero_grad", list(value.nodes), {}, site)
            return None
        if name == "add_param_group":
            params, _, _ = groups_of(run, ListV(list(args)), frame, site)
            for node in value.nodes:
                run.graph.nodes[node].params += params
            return None
        if name not in _METHODS:
            # a method of the class's own may step, in parts (SAM's first_step)
            act(run, "escape", list(value.nodes), {"callee": name, "arguments": ()}, site)
        return Unknown(origin.Call(f"optimizer.{name}"))

    if name in value.attrs:
        return value.attrs[name]
    if name == "param_groups":
        return ListV([DictV({"params": ListV([param for _, param in value.params])}, complete=False)])
    if name in _METHODS or (not value.name.startswith("torch.") and not name.startswith("_") and name not in _FIELDS):
        return BuiltinV(name, method)
    return External(value.name) if name == "__class__" else Unknown(origin.Member(value.name, name))


def scheduler(run: Run, name: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Builds a learning-rate schedule of an optimiser."""
    source = args[0] if args else keywords.get("optimizer")
    spelling = ops.find(name)
    try:
        bound = ops.bind(spelling.args, args, keywords) if spelling is not None else keywords
    except ops.BindError:
        bound = keywords
    config = {key: literal(value) for key, value in bound.items() if key != "optimizer"}
    if "lr_lambda" in bound:
        config["factors"] = _factors(run, bound["lr_lambda"], frame, site)
    return SchedulerV(name, act(run, "scheduler", optimizer_nodes(source), config, site, type_=name))


_COUNTS = (0, 1, 10, 100)
"""The numbers of calls of `step()` after which a factor that is a function is asked for."""


def _factors(run: Run, function: Value, frame: Frame, site: Site) -> tuple[float | None, ...]:
    """Returns what a function of the program gives for each of `_COUNTS`, None where that is no known number."""
    found: list[float | None] = []
    for count in _COUNTS:
        with attempted(run) as attempt:
            try:
                value = call(run, function, [count], {}, frame, site)
            except Raised:
                value = None
            finally:
                attempt.undo(run)
        found.append(float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None)
    return tuple(found)


@register(SETATTR, OptimizerV, SchedulerV)
def set_attribute(run: Run, target: OptimizerV | SchedulerV, name: str, value: Value, frame: Frame, site: Site) -> None:
    run.journal.put(target.attrs, name, value)


@register(GETATTR, SchedulerV)
def schedule_attribute(run: Run, value: SchedulerV, name: str, frame: Frame) -> Value:
    def step(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        watched = [each.node for each in (*args, *keywords.values()) if isinstance(each, TensorV)]
        act(run, "scheduler_step", [value.node, *watched], {}, site)
        return None

    if name in value.attrs:
        return value.attrs[name]
    return BuiltinV("step", step) if name == "step" else Unknown(origin.Member(value.name, name))


OPTIMIZERS = frozenset(
    "Adam AdamW SGD RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS AdamP Lamb LAMB Lion Adafactor Ranger AdaBelief FusedAdam AdamW8bit Adam8bit Muon DeepSpeedCPUAdam Novograd BertAdam".split()
)


def is_optimizer(name: str) -> bool:
    """Whether a library class is an optimiser by its name (`transformers.AdamW`)."""
    return name.rpartition(".")[2] in OPTIMIZERS


def optimizer_class(cls: ClassV) -> bool:
    """Whether a class of the project derives from torch's optimiser."""
    return any(
        isinstance(base, External) and base.name.startswith("torch.optim.") and not base.name.startswith(_SCHEDULES)
        for base in cls.mro
    )


def scheduler_class(cls: ClassV) -> bool:
    """Whether a class of the project derives from torch's learning-rate schedules."""
    return any(isinstance(base, External) and base.name.startswith(_SCHEDULES) for base in cls.mro)


_SCHEDULES = "torch.optim.lr_scheduler."
