"""Accelerators and trainers."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, register
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.nodes.config import literal
from vglint.interp.torch.devices import HERE
from vglint.interp.torch.module_methods import parameters_of
from vglint.interp.torch.optimizers import groups_of
from vglint.interp.torch.training import act, tensor_method
from vglint.interp.values.objects import (
    BuiltinV,
    External,
    GradScalerV,
    Instance,
    ListV,
    LoaderV,
    ModuleV,
    OptimizerV,
    SchedulerV,
    Site,
    TensorDatasetV,
    Value,
)
from vglint.value import Literal_, Unknown

# ---- clipping


@register(
    LIBRARY,
    "torch.nn.utils.clip_grad_norm_",
    "torch.nn.utils.clip_grad_norm",
    "torch.nn.utils.clip_grad_value_",
    "torch.nn.utils.clip_grads_with_norm_",
)
def clip(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    source = args[0] if args else keywords.get("parameters")
    params, exhausted, complete = groups_of(run, source, frame, site)
    by_value = "value" in which.name
    limit = args[1] if len(args) > 1 else keywords.get("clip_value" if by_value else "max_norm")
    config: dict[str, Literal_] = {"clip_value" if by_value else "max_norm": literal(limit)}
    if not by_value:
        config["norm_type"] = literal(args[2] if len(args) > 2 else keywords.get("norm_type", 2.0))
    config["exhausted"], config["complete"] = exhausted, complete
    act(run, "clip_grad_value" if by_value else "clip_grad_norm", [], config, site, params)
    return Unknown(origin.GradientNorm())


# ---- accelerators, trainers


@register(
    LIBRARY,
    "accelerate.Accelerator",
    "lightning.Fabric",
    "lightning.fabric.Fabric",
    "lightning_fabric.Fabric",
    "pytorch_lightning.lite.LightningLite",
)
def accelerator(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    def prepare(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return args[0] if len(args) == 1 else tuple(args)

    def backward(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return tensor_method(run, args[0], "backward", [], {}, site) if args else None

    def clipped(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        source = args[0] if args else keywords.get("parameters")
        if isinstance(source, ModuleV):
            source = ListV(list(parameters_of(source)))
        return clip(run, External("torch.nn.utils.clip_grad_norm_"), [source, *args[1:]], keywords, frame, site)

    def first(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return args[0] if args else None

    methods = {
        "prepare": prepare,
        "prepare_model": first,
        "setup": prepare,
        "setup_module": first,
        "setup_optimizers": first,
        "setup_dataloaders": prepare,
        "backward": backward,
        "clip_grad_norm_": clipped,
        "clip_gradients": clipped,
        "unwrap_model": first,
        "gather": first,
        "accumulate": first,
    }
    attrs: dict[str, Value] = {name: BuiltinV(name, method) for name, method in methods.items()}
    attrs.update(
        {
            "is_main_process": True,
            "is_local_main_process": True,
            "sync_gradients": Unknown(origin.Computed("sync_gradients")),
            "device": HERE,
        }
    )
    return Instance(which, attrs, site)


OBJECTS = (Instance, OptimizerV, SchedulerV, LoaderV, TensorDatasetV, GradScalerV)
"""What is handed to a trainer and is no setting of it."""
_TRAINERS = (
    "pytorch_lightning.Trainer lightning.Trainer lightning.pytorch.Trainer pytorch_lightning.trainer.Trainer transformers.Trainer transformers.TrainingArguments "
    "transformers.Seq2SeqTrainer transformers.Seq2SeqTrainingArguments trl.SFTTrainer"
).split()


@register(LIBRARY, *_TRAINERS)
def trainer(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    config = {key: literal(value) for key, value in keywords.items() if not isinstance(value, OBJECTS)}
    act(run, "trainer", [], config, site, type_=which.name)
    settings = keywords.get("args", args[1] if len(args) > 1 else None)
    chosen = settings.attrs.get("optim") if isinstance(settings, Instance) else None
    _note_fitted(run, [*args, *keywords.values()], "SGD" if chosen == "sgd" else "AdamW" if chosen is None else "")

    def fit(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        _note_fitted(run, [*args, *keywords.values()], "")
        return None

    return Instance(which, {**keywords, "fit": BuiltinV("fit", fit)}, site)


_PACKAGES = {
    "fastai": "Adam",
    "skorch": "SGD",
    "ignite": "",
    "poutyne": "",
    "catalyst": "",
    "composer": "",
    "torchbearer": "",
}
"""Packages whose objects train what they are given, with the optimiser that they take when none is named."""


def of_trainers(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], site: Site
) -> Value | Missing:
    """Calls something of a package that trains models: `Learner(…, model)`, `create_supervised_trainer(model, …)`; MISSING where it is none.

    What it gets starts as it was made: these packages initialise nothing but by functions that say so.
    """
    default = _PACKAGES.get(which.name.partition(".")[0])
    if default is None or "init" in which.name:
        return MISSING
    given = keywords.get("opt_func", keywords.get("optimizer"))
    named = given.name.rpartition(".")[2] if isinstance(given, External) else default if given is None else ""
    if not _note_fitted(run, [*args, *keywords.values()], named):
        return MISSING
    act(run, "trainer", [], {}, site, type_=which.name)
    return Instance(which, {}, site)


def _note_fitted(run: Run, given: list[Value], optimizer: str) -> bool:
    models = [each for each in given if isinstance(each, ModuleV) and each.spelling is None]
    run.graph.passes.fitted += [(each, optimizer) for each in models]
    return bool(models)
