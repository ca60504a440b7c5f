"""What code that is not followed gets hold of: from there on, and not before, what it may change is unknown."""

from __future__ import annotations

from vglint.interp.machine.core import Run
from vglint.interp.nodes.constants import carries_gradient
from vglint.interp.nodes.distribution import UNKNOWN, overwrite
from vglint.interp.nodes.emit import emit
from vglint.interp.torch.module_methods import parameters_of
from vglint.interp.torch.optimizers import optimizer_nodes
from vglint.interp.values.inside import inside
from vglint.interp.values.objects import DictV, ModuleV, ParamV, ParamView, Site, TensorV, Value
from vglint.origin import Argument
from vglint.value import Unknown


def escape(run: Run, callee: str, values: list[Value], site: Site) -> None:
    """Notes that modules, parameters and optimisers among `values`, or held by them, are handed to code that is not followed.

    Weights that escape before they are trained may have any distribution, and layers that escape while a model is built may be registered
    there; in training code one `escape` node in program order names the parameters and optimisers. What shares a parameter's memory alone (`.data`, `state_dict()`) gives no hold of its gradient. Code that is
    declared to only read lets nothing escape.
    """
    if only_reads(callee):
        return
    _hand_on(run, callee, values, site)
    if not run.context.setup and run.context.modules_running:
        return
    params: dict[int, ParamV] = {}
    views: dict[int, ParamV] = {}
    optimizers: dict[int, None] = {}
    arguments: dict[str, None] = {}
    for held in values:
        if isinstance(held, DictV):
            run.journal.set_field(held, "mixed", True)
    for value in inside(*values):
        if isinstance(value, ParamV):
            params.setdefault(id(value), value)
        elif isinstance(value, ParamView):
            (views if value.cut else params).setdefault(id(value.param), value.param)
        elif isinstance(value, ModuleV):
            params.update((id(param), param) for param in parameters_of(value))
            if run.context.setup:
                run.journal.set_field(value, "unnamed", True)
        elif isinstance(value, Unknown) and isinstance(value.origin, Argument):
            arguments.setdefault(value.origin.path)
        else:
            optimizers.update(dict.fromkeys(optimizer_nodes(value)))
    for param in (*params.values(), *views.values()):
        overwrite(run, param, UNKNOWN, site)
    if run.context.training_code and not run.context.setup and (params or optimizers or arguments):
        named = [(str(number), param) for number, param in enumerate(params.values())]
        emit(run, "escape", list(optimizers), {"callee": callee, "arguments": tuple(arguments)}, site, params=named)


def _hand_on(run: Run, callee: str, values: list[Value], site: Site) -> None:
    """Notes that training code, or the step that a trainer calls, hands on tensors with a history: what gets a loss may send it back."""
    if run.context.training_code and not run.context.setup and len(run.context.modules_running) < 2:
        losses = [each.node for each in values if isinstance(each, TensorV) and carries_gradient(run, each.node)]
        if losses:
            emit(run, "handed", losses, {"callee": callee}, site)


# ---- library code that only reads what it is handed: it saves, prints, draws, counts or logs; what is not declared here is believed to write

PACKAGES = frozenset(
    """torchsummary torchinfo torchview torchviz torchstat thop ptflops fvcore pytorch_model_summary hiddenlayer netron captum
    wandb tensorboardX tensorboard mlflow comet_ml neptune clearml aim sacred visdom swanlab
    logging logger loguru rich tqdm termcolor prettytable tabulate pprint json yaml pickle dill joblib csv h5py onnx onnxruntime
    numpy scipy pandas sklearn skimage cv2 PIL imageio matplotlib seaborn plotly torchmetrics nltk librosa einops math
    torchvision torchaudio datasets evaluate""".split()
)
"""Packages whose functions, and whose objects' methods, move no parameter and no gradient."""
NAMES = frozenset(
    """torch.save torch.onnx.export torch.onnx.dynamo_export torch.jit.save torch.jit.trace torch.jit.script torch.export.export
    torch.utils.tensorboard.SummaryWriter torch.profiler.profile torch.autograd.profiler.profile torch.cuda.memory_summary
    torch.cuda.synchronize torch.cuda.empty_cache torch.distributed.barrier torch.manual_seed
    builtins.print builtins.repr builtins.str builtins.id builtins.len builtins.type builtins.hash builtins.vars builtins.dir
    copy.copy copy.deepcopy sys.getsizeof gc.collect transformers.get_scheduler""".split()
)
"""Single functions and classes of packages that otherwise may write."""


def only_reads(name: str) -> bool:
    """Whether something of a library, or a method of an object that it made, is declared to only read: by its qualified name."""
    made = name.partition("(")[0]
    return made.partition(".")[0] in PACKAGES or any(made == each or made.startswith(each + ".") for each in NAMES)
