"""Library code that only reads what it is handed: it saves, prints, draws, counts or logs. What is not declared here is believed to write."""

from __future__ import annotations

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
