"""`timm`, `torchvision` and other packages of pretrained models, known to be modules, not what is in them; and `pad` of torchvision."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library, package
from vglint.interp.machine.core import opaque
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.nodes import distribution
from vglint.interp.torch.making import new_module
from vglint.interp.values.objects import External, ListV, ModuleV, Value, is_tensor


def pretrained(call: Call, cls: str) -> ModuleV:
    """Returns a model of a library of which nothing but its class is known."""
    module = new_module(call.run, External(cls), call.frame, call.site)
    module.opaque = True
    return module


@library("timm.create_model", "torch.hub.load")
def created(call: Call) -> Value:
    return pretrained(call, call.name)


_PARTS = ("timm.models.layers.", "timm.models.helpers.", "timm.models.registry.")
"""Where functions lie beside the models; what a package keeps to itself (`torchvision.models._utils`) is none either."""


@package("torchvision.models", "timm.models", "efficientnet_pytorch", "open_clip", "sentence_transformers")
@package("segmentation_models_pytorch")
def model(call: Call) -> Value | Missing:
    if call.name.startswith(_PARTS) or "._" in call.name:
        return MISSING
    by_name = call.last in ("from_pretrained", "from_config", "from_name")
    return pretrained(call, call.name.rpartition(".")[0] if by_name else call.name)


@library(
    "timm.models.layers.trunc_normal_", "timm.layers.trunc_normal_", takes="tensor, mean=0.0, std=1.0, a=-2.0, b=2.0"
)
def trunc_normal(call: Call) -> Value:
    """timm's own, which torch has since."""
    init = distribution.scheme("trunc_normal", call.args[1:], {k: v for k, v in call.keywords.items() if k != "tensor"})
    distribution.overwrite(call.run, call["tensor"], init, call.site)
    return call["tensor"]


@library(
    "torchvision.transforms.functional.pad",
    "torchvision.transforms.v2.functional.pad",
    takes="img, padding, fill=0, padding_mode='constant'",
)
def pad(call: Call) -> Value:
    """Pads left, top, right and bottom; one number for all of them, two for the sides and for top and bottom."""
    given = call["padding"]
    sizes = list(given.items) if isinstance(given, ListV) else list(given) if isinstance(given, tuple) else [given]
    if not is_tensor(call["img"]) or len(sizes) not in (1, 2, 4):
        return opaque(call.run, origin.Call(call.name), call.given, call.site)
    left, top, right, bottom = sizes * (4 // len(sizes))
    modes = {"edge": "replicate", "symmetric": "reflect"}
    mode = (
        modes.get(call["padding_mode"], call["padding_mode"]) if isinstance(call["padding_mode"], str) else "constant"
    )
    value = call["fill"] if mode == "constant" else None
    return call.invoke(External("torch.nn.functional.pad"), call["img"], (left, right, top, bottom), mode, value)
