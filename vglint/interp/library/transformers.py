"""transformers and diffusers: what a PreTrainedModel brings, pretrained models, Trainer, and arguments by data class."""

from __future__ import annotations

from vglint import origin
from vglint.interp.library.timm import pretrained
from vglint.interp.machine.calls import Call, library, package
from vglint.interp.machine.core import LIBRARY
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.protocols.asking import attribute
from vglint.interp.torch.making import METHODS, base_class
from vglint.interp.torch.module_methods import forget_init
from vglint.interp.torch.optimizers import optimizer_nodes
from vglint.interp.torch.trainers import trains
from vglint.interp.torch.training import act
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import External, Instance, MethodV, ModuleV, SchedulerV, Value
from vglint.value import Literal_, Unknown

own = base_class(("transformers", "PreTrainedModel"), ("diffusers", "ModelMixin"))


@own("__init__", takes="self, config=None, *args, **options")
def initialised(call: Call) -> Value:
    module = call["self"]
    if isinstance(module, ModuleV) and call["config"] is not None:
        call.run.journal.put(module.attrs, "config", call["config"])
    return None


@own("post_init", takes="self")
def post_init(call: Call) -> Value:
    return call.invoke(attribute(call, call["self"], "init_weights"))


@own("init_weights", takes="self")
def init_weights(call: Call) -> Value:
    """Each module inside, and the model last, is given to the class's `_init_weights`; that of a base class is not known."""
    module = call["self"]
    if isinstance(module, ModuleV):
        found = find_in_mro(module.cls, "_init_weights")
        if found is None:
            forget_init(call.run, module, call.site)
        else:
            call.invoke(METHODS["apply"], module, MethodV(found[0], module))
    return None


@own("tie_weights", "gradient_checkpointing_enable", "gradient_checkpointing_disable", takes="self, *args, **options")
@own(
    "enable_input_require_grads", "save_pretrained", "push_to_hub", "register_to_config", takes="self, *args, **options"
)
def as_it_is(call: Call) -> Value:
    """It changes how the model is run or kept, not what it computes before it is trained."""
    return None


@package("transformers", "diffusers")
def model(call: Call) -> Value | Missing:
    """`AutoModel.from_pretrained(…)`, `BertModel.from_config(…)`."""
    cls, _, last = call.name.rpartition(".")
    if last in ("from_pretrained", "from_config", "from_name"):
        return pretrained(call, cls)
    return pretrained(call, call.name) if call.name.startswith("transformers.Auto") else MISSING


@library("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments")
def arguments(call: Call) -> Value:
    """Settings of a trainer. Where they give AdamW a rate, which a warm-up reaches as well, that optimiser is noted for its rate alone."""
    settings, rate = trains(call, ""), call.keywords.get("learning_rate")
    plain = not any(key.startswith(("optim", "lr_scheduler")) for key in call.keywords)
    if plain and isinstance(rate, float):
        config: dict[str, Literal_] = {"lr": rate, "complete": False, "settings": True}
        act(call.run, "optimizer", [], config, call.site, type_="torch.optim.AdamW")
    return settings


@library("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")
def trainer(call: Call) -> Value:
    settings = call.keywords.get("args", call.args[1] if len(call.args) > 1 else None)
    chosen = settings.attrs.get("optim") if isinstance(settings, Instance) else None
    return trains(call, "SGD" if chosen == "sgd" else "AdamW" if chosen is None else "")


def _homes(*names: str) -> tuple[str, ...]:
    return tuple(
        f"{home}.{name}"
        for home in ("transformers", "transformers.optimization", "diffusers.optimization")
        for name in names
    )


@library(*_homes("get_constant_schedule_with_warmup"), takes="optimizer, num_warmup_steps, **options")
@library(
    *_homes(
        "get_linear_schedule_with_warmup",
        "get_cosine_schedule_with_warmup",
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        "get_polynomial_decay_schedule_with_warmup",
    ),
    takes="optimizer, num_warmup_steps, num_training_steps, **options",
)
def warmed_up(call: Call) -> Value:
    """A schedule whose factor is 0 before its first step where it warms up, counted in steps of the optimiser."""
    warmup, total = call["num_warmup_steps"], call.get("num_training_steps")
    known = isinstance(warmup, int) and warmup > 0
    counted = isinstance(total, Unknown) and total.origin == origin.Length("batches")
    config: dict[str, Literal_] = {"factors": (0.0 if known else None, None, None, None), "counts_batches": counted}
    node = act(call.run, "scheduler", optimizer_nodes(call["optimizer"]), config, call.site, type_=call.name)
    return SchedulerV(call.name, node)


@library("transformers.HfArgumentParser")
def argument_parser(call: Call) -> Value:
    parser = LIBRARY["argparse.ArgumentParser"]
    return parser(call.run, External("argparse.ArgumentParser"), [], {}, call.frame, call.site)
