"""Clipping, and trainers: objects that take the steps of training for what they are given."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.machine.core import Run
from vglint.interp.machine.passes import Fitted
from vglint.interp.nodes.config import literal
from vglint.interp.torch.optimizers import groups_of
from vglint.interp.torch.training import act
from vglint.interp.values.objects import (
    External,
    GradScalerV,
    Instance,
    LoaderV,
    ModuleV,
    OptimizerV,
    SchedulerV,
    TensorDatasetV,
    Value,
)
from vglint.value import Literal_, Unknown


@library(
    "torch.nn.utils.clip_grad_norm_",
    "torch.nn.utils.clip_grad_norm",
    takes="parameters, max_norm, norm_type=2.0, *rest, **options",
)
@library("torch.nn.utils.clip_grads_with_norm_", takes="parameters, max_norm, total_norm=None, *rest, **options")
@library("torch.nn.utils.clip_grad_value_", takes="parameters, clip_value, *rest, **options")
def clip(call: Call) -> Value:
    params, exhausted, complete = groups_of(call.run, call["parameters"], call.frame, call.site)
    by_value = "clip_value" in call
    name = "clip_value" if by_value else "max_norm"
    config: dict[str, Literal_] = {name: literal(call[name])}
    if not by_value:
        config["norm_type"] = literal(call.get("norm_type", 2.0))
    config["exhausted"], config["complete"] = exhausted, complete
    act(call.run, "clip_grad_value" if by_value else "clip_grad_norm", [], config, call.site, params)
    return Unknown(origin.GradientNorm())


OBJECTS = (Instance, OptimizerV, SchedulerV, LoaderV, TensorDatasetV, GradScalerV)
"""What is handed to a trainer and is no setting of it."""


def trains(call: Call, optimizer: str) -> Instance:
    """Returns a trainer, whose node has its settings; `optimizer` is what it takes for the models that it is given, '' where it is told later."""
    config = {key: literal(value) for key, value in call.keywords.items() if not isinstance(value, OBJECTS)}
    act(call.run, "trainer", [], config, call.site, type_=call.name)
    note_fitted(call.run, call.given, optimizer)

    def fit(call: Call) -> Value:
        if note_fitted(call.run, call.given, ""):
            call.run.graph.trained = True  # what is frozen from here on was trained before
        return None

    attrs = {**call.keywords, "fit": method("fit", "*given, **options", fit)}
    return Instance(External(call.name), attrs, call.site)


def note_fitted(run: Run, given: list[Value], optimizer: str) -> bool:
    """Notes the models among what a trainer gets, with an optimiser's name; returns whether there are any."""
    models = [each for each in given if isinstance(each, ModuleV) and each.spelling is None]
    data = tuple(each for each in given if isinstance(each, (LoaderV, Instance)) and not isinstance(each, ModuleV))
    run.graph.passes.fitted += [Fitted(each, optimizer, data) for each in models]
    return bool(models)
