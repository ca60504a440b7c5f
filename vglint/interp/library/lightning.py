"""Lightning: what a LightningModule brings, its Trainer, and Fabric."""

from __future__ import annotations

from vglint.interp.library.trainers import wrapper
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import set_trainable
from vglint.interp.torch.making import METHODS, base_class
from vglint.interp.torch.module_methods import forget_init, parameters_of
from vglint.interp.torch.optimizers import CONFIGURED, optimizers_in
from vglint.interp.torch.trainers import trains
from vglint.interp.torch.training import act, tensor_method
from vglint.interp.values.objects import External, Instance, ListV, ModuleV, OptimizerV, Value

PACKAGES = ("lightning", "pytorch_lightning")
own = base_class(*((package, "LightningModule") for package in PACKAGES))


@own("freeze", takes="self")
def freeze(call: Call) -> Value:
    """No parameter is trained, and the module evaluates."""
    for param in parameters_of(call.own(ModuleV)):
        set_trainable(call.run, param, False, call.site)
    call.invoke(METHODS["eval"], call.own(ModuleV))
    return None


@own("unfreeze", takes="self")
def unfreeze(call: Call) -> Value:
    for param in parameters_of(call.own(ModuleV)):
        set_trainable(call.run, param, True, call.site)
    call.invoke(METHODS["train"], call.own(ModuleV))
    return None


@own(
    "load_from_checkpoint",
    takes="self, checkpoint_path=None, map_location=None, hparams_file=None, strict=None, **options",
)
def load_from_checkpoint(call: Call) -> Value:
    """A model of the class with the weights, and the arguments that are not given here, of a file."""
    made = call.invoke(call["self"], **call.others)
    if isinstance(made, ModuleV):
        forget_init(call.run, made, call.site)
    return made


@own("log", "log_dict", "print", "toggle_optimizer", "untoggle_optimizer", takes="self, *args, **options")
def told(call: Call) -> Value:
    """It logs, or takes other parameters' `requires_grad` away for a while and gives it back."""
    return None


@own("all_gather", takes="self, data, *args, **options")
def gathered(call: Call) -> Value:
    return call["data"]


@own("save_hyperparameters", takes="self, *args, **options")
def save_hyperparameters(call: Call) -> Value:
    """The constructor's arguments as `self.hparams`."""
    module = call.own(ModuleV)
    given = {
        name: value
        for name, value in call.frame.scope.names.items()
        if value is not module and name not in ("__class__", "kwargs")
    }
    call.run.journal.put(module.attrs, "hparams", Instance(External("argparse.Namespace"), given, call.site))
    return None


@own("manual_backward", takes="self, loss, *args, **options")
def manual_backward(call: Call) -> Value:
    return tensor_method(call.run, call["loss"], "backward", call.rest, call.others, call.site)


@own("optimizers", takes="self, use_pl_optimizer=True")
def optimizers(call: Call) -> Value:
    """What `configure_optimizers` returned: one, or a list of several."""
    found: list[Value] = list(optimizers_in(call.own(ModuleV).attrs.get(CONFIGURED)))
    return found[0] if len(found) == 1 else ListV(found) if found else call.unknown()


@own("clip_gradients", takes="self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None")
def clip_gradients(call: Call) -> Value:
    target, limit = call["optimizer"], call["gradient_clip_val"]
    if isinstance(target, OptimizerV) and isinstance(limit, (int, float)):
        by_value = call["gradient_clip_algorithm"] == "value"
        op, name = ("clip_grad_value", "clip_value") if by_value else ("clip_grad_norm", "max_norm")
        act(call.run, op, [], {name: limit, "exhausted": False, "complete": True}, call.site, list(target.params))
    return None


@library(
    "pytorch_lightning.Trainer", "pytorch_lightning.trainer.Trainer", "lightning.Trainer", "lightning.pytorch.Trainer"
)
def trainer(call: Call) -> Value:
    return trains(call, "")


@library(
    "lightning.Fabric", "lightning.fabric.Fabric", "lightning_fabric.Fabric", "pytorch_lightning.lite.LightningLite"
)
def fabric(call: Call) -> Value:
    return wrapper(call, "setup", "setup_module", "setup_optimizers", "setup_dataloaders", clips="clip_gradients")
