"""Packages that train what they are given: accelerate, fastai, skorch, ignite and their like."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library, method, package
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.open_loops import counted
from vglint.interp.protocols.asking import items
from vglint.interp.torch.devices import HERE
from vglint.interp.torch.module_methods import parameters_of
from vglint.interp.torch.optimizers import optimizer_nodes
from vglint.interp.torch.trainers import note_fitted
from vglint.interp.torch.training import act, tensor_method
from vglint.interp.values.objects import External, Instance, ListV, ModuleV, Value
from vglint.value import Unknown


def wrapper(call: Call, *prepares: str, clips: str) -> Instance:
    """Returns an object that wraps models, optimisers and loaders so that they run anywhere, and takes backward passes."""

    def prepared(call: Call) -> Value:
        return call.args[0] if len(call.args) == 1 else tuple(call.args)

    def backward(call: Call) -> Value:
        return tensor_method(call.run, call["loss"], "backward", [], {}, call.site)

    def clipped(call: Call) -> Value:
        source = call["parameters"]
        if isinstance(source, ModuleV):
            source = ListV(list(parameters_of(source)))
        return call.invoke(External("torch.nn.utils.clip_grad_norm_"), source, *call.rest, **call.others)

    attrs: dict[str, Value] = {name: method(name, "*objects, **options", prepared) for name in prepares}
    for name in ("prepare_model", "unwrap_model", "gather", "accumulate"):
        attrs[name] = method(name, "object, *args, **options", lambda call: call["object"])
    attrs["backward"] = method("backward", "loss, *args, **options", backward)
    attrs[clips] = method(clips, "parameters, *args, **options", clipped)
    attrs |= {
        "is_main_process": True,
        "is_local_main_process": True,
        "sync_gradients": Unknown(origin.Computed("sync_gradients")),
        "device": HERE,
    }
    return Instance(External(call.name), attrs, call.site)


@library("accelerate.Accelerator")
def accelerator(call: Call) -> Value:
    return wrapper(call, "prepare", clips="clip_grad_norm_")


@library("deepspeed.initialize", takes="args=None, model=None, optimizer=None, *rest, **options")
def initialize(call: Call) -> Value:
    """Returns the model as the engine that it becomes: its `step` moves the optimiser, by copies of the weights in float32, and sets the gradients
    to zero."""
    model, nodes = call["model"], optimizer_nodes(call["optimizer"])
    if not isinstance(model, ModuleV):
        return call.unknown()

    def backward(call: Call) -> Value:
        return tensor_method(call.run, call["loss"], "backward", [], {}, call.site)

    def step(call: Call) -> Value:
        act(call.run, "step", nodes, {"closure": False, "copies": True}, call.site)
        act(call.run, "zero_grad", nodes, {}, call.site)
        return None

    put, rest = call.run.journal.put, Unknown(origin.Call(call.name))
    put(model.attrs, "backward", method("backward", "loss, *args, **options", backward))
    put(model.attrs, "step", method("step", "*args, **options", step))
    return model, call["optimizer"], rest, rest


@library("ignite.engine.Engine", "ignite.engine.engine.Engine", takes="process_function")
def engine(call: Call) -> Value:
    """Its `run` calls the function with each batch; what is told of events is not followed."""
    function, made = call["process_function"], Instance(External(call.name), {}, call.site)

    def run(call: Call) -> Value:
        with counted(call.run, None, "batches", call.site), call.run.context.having(any_turn=True):
            call.invoke(function, made, items(call, call["data"]).item)
        return None

    kept = method("on", "function", lambda call: call["function"])
    call.run.journal.put(made.attrs, "run", method("run", "data=None, *args, **options", run))
    call.run.journal.put(made.attrs, "on", method("on", "*events, **options", lambda call: kept))
    call.run.journal.put(
        made.attrs, "add_event_handler", method("add_event_handler", "*given, **options", lambda call: None)
    )
    return made


_OPTIMIZERS = {
    "fastai": "Adam",
    "skorch": "SGD",
    "ignite": "",
    "poutyne": "",
    "catalyst": "",
    "composer": "",
    "torchbearer": "",
}
"""Packages whose objects train what they are given, with the optimiser that they take when none is named."""


@package(*_OPTIMIZERS)
def trainer(call: Call) -> Value | Missing:
    """`Learner(…, model)`, `create_supervised_trainer(model, …)`: what it gets starts as it was made, since these packages initialise nothing
    but by functions that say so."""
    if "init" in call.name:
        return MISSING
    given = call.keywords.get("opt_func", call.keywords.get("optimizer"))
    default = _OPTIMIZERS[call.name.partition(".")[0]]
    named = given.name.rpartition(".")[2] if isinstance(given, External) else default if given is None else ""
    if not note_fitted(call.run, call.given, named):
        return MISSING
    act(call.run, "trainer", [], {}, call.site, type_=call.name)
    return Instance(External(call.name), {}, call.site)
