"""Modules and helpers of libraries that are described as model code, and interpreted like the user's where the library's source is not
read: a text in `prelude/` for each package, of torch's composite modules (`nn.TransformerEncoder` …), of what model code takes from timm, of the tables that training code reads, and of
contexts that are entered one by one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vglint.interp.machine.core import Run
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.names import member
from vglint.interp.values.objects import Namespace, Value
from vglint.source.module import Module
from vglint.source.split import split
from vglint.source.unit import units

DESCRIBED = {
    "torch.nn": "torch.nn",
    "torch.autograd.function": "torch.autograd.function",
    "torch.distributions": "torch.distributions",
    **{
        f"torch.distributions.{part}": "torch.distributions"
        for part in "bernoulli categorical distribution independent kl laplace log_normal mixture_same_family normal "
        "one_hot_categorical transformed_distribution uniform".split()
    },
    "torch.distributions.transforms": "torch.distributions.transforms",
    "contextlib": "contextlib",
    **dict.fromkeys(("addict", "box", "easydict", "ml_collections", "munch", "omegaconf"), "attribute_dicts"),
    **dict.fromkeys(("mmengine.config", "mmengine.config.config", "mmcv.utils.config"), "attribute_dicts"),
    **dict.fromkeys(
        (
            *(
                "mmengine",
                "mmengine.utils",
                "mmengine.utils.misc",
                "mmcv",
                "mmcv.cnn",
                "mmcv.cnn.bricks",
                "mmcv.runner",
                "mmcv.utils",
            ),
            *(f"mmengine.registry{part}" for part in ("", ".registry", ".root", ".build_functions")),
            *(f"mmengine.model{part}" for part in ("", ".base_module", ".weight_init")),
            *(
                f"mmcv.cnn.bricks.{part}"
                for part in "activation context_block conv conv_module conv_ws depthwise_separable_conv_module drop hsigmoid hswish non_local "
                "norm padding plugin registry scale swish transformer upsample wrappers".split()
            ),
            *("mmcv.cnn.utils", "mmcv.cnn.utils.weight_init", "mmcv.runner.base_module", "mmcv.utils.registry"),
        ),
        "openmmlab",
    ),
    "pandas": "pandas",
    **{f"sklearn.{part}": "sklearn" for part in ("datasets", "model_selection", "preprocessing")},
    "timm.layers": "timm.layers",
    "timm.models.layers": "timm.layers",
    **dict.fromkeys(("torchvision.ops", "torchvision.ops.misc", "torchvision.ops.stochastic_depth"), "torchvision.ops"),
    "torchvision.models": "torchvision.models",
    **{
        f"torchvision.models.{part}": "torchvision.models"
        for part in "alexnet convnext densenet efficientnet googlenet inception mobilenet mobilenetv2 mobilenetv3 resnet "
        "squeezenet vgg vision_transformer".split()
    },
}
"""Which text in `prelude/` describes a package: its classes and functions, but for names that begin with `_`, are what that text says."""
STARTED_BY = {"openmmlab.BaseModule": "init_weights"}
"""The method that a library's own trainer calls on models of a described class before it trains them."""


@cache
def described_in(package: str) -> frozenset[str]:
    """Returns the qualified names of what the text about a package describes."""
    made = (unit.names for unit in _described(package).statements if unit.kind != "import")
    return frozenset(f"{package}.{name}" for names in made for name in names if not name.startswith("_"))


def composite(run: Run, name: str) -> Value | Missing:
    """Returns a described class or function, MISSING for any other name."""
    around, _, last = name.rpartition(".")
    package = DESCRIBED.get(around)
    if package is None or last.startswith("_"):
        return MISSING
    described = _described(package)
    if f"{package}.{last}" not in described_in(package):
        return MISSING
    spaces, key = run.memory.namespaces, f"<{package}>"
    if key not in spaces:
        spaces[key] = Namespace(described, {}, prefix=package)
    return member(run, spaces[key], last)


@cache
def _described(package: str) -> Module:
    path = Path(__file__).parent / "prelude" / f"{package.replace('.', '_')}.txt"
    text = path.read_text(encoding="utf-8")
    parts = units(package.replace(".", "/"), text, tuple(split(text)))
    return Module(package.replace(".", "/"), path, package, False, text, lambda: parts)
