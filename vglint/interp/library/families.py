"""Whole families of library functions: math, numpy, pretrained models of other packages."""

from __future__ import annotations

import operator

from vglint import origin
from vglint.interp.kinds.arrays import numpy
from vglint.interp.machine.core import Frame, Run
from vglint.interp.machine.journal import Missing
from vglint.interp.protocols import comparison, operators
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.mathematics import call_math
from vglint.interp.protocols.symbols import RELATIONS
from vglint.interp.torch.making import new_module
from vglint.interp.torch.trainers import of_trainers
from vglint.interp.values.objects import (
    External,
    Instance,
    Site,
    Value,
)
from vglint.value import Unknown

# ---- models that are known to be models


_PRETRAINED = (
    "torchvision.models.",
    "timm.create_model",
    "timm.models.",
    "transformers.Auto",
    "torch.hub.load",
    "efficientnet_pytorch.",
    "open_clip.",
    "sentence_transformers.",
    "segmentation_models_pytorch.",
)
_PARTS = ("timm.models.layers.", "timm.models.helpers.", "timm.models.registry.", "timm.models._")
"""Where helpers lie beside the models."""


_OPERATORS = {
    "add": "+",
    "concat": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "matmul": "@",
    "mod": "%",
    "pow": "**",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
}


def call_by_prefix(
    run: Run, value: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value | Missing:
    """Calls whole families of library functions; MISSING where the family is not known."""
    name = value.name
    head, _, last = name.rpartition(".")
    if head in ("math", "cmath"):
        return call_math(last, args)
    if head in ("numpy", "np"):
        return numpy(run, last, args, keywords, frame, site)
    if head == "operator" and hasattr(operator, last) and len(args) == 2:
        symbol = _OPERATORS.get(last.removeprefix("i") if last in ("iadd", "iconcat", "imul") else last)
        if symbol in RELATIONS:
            return comparison.compare(run, symbol, args[0], args[1], frame, site)
        if symbol is not None:
            return operators.binary(run, symbol, args[0], args[1], frame, site)
        if last == "getitem":
            return index(run, args[0], args[1], frame, site)
    if head == "builtins" and last.endswith(("Error", "Exception", "Warning", "Exit", "Interrupt", "Iteration")):
        return Instance(value, {}, site)
    if head in (
        "os.path",
        "re",
        "os",
        "time",
        "json",
        "logging",
        "random",
        "glob",
        "datetime",
        "shutil",
        "pathlib",
        "sys",
        "pickle",
        "yaml",
    ):
        return Unknown(origin.Call(f"{name}()"))
    if name.startswith(_PRETRAINED) and not name.startswith(_PARTS):
        module = new_module(run, External(name), frame, site)
        module.opaque = True
        return module
    if last in ("from_pretrained", "from_config", "from_name") and name.split(".")[0] in (
        "transformers",
        "diffusers",
        "timm",
        "efficientnet_pytorch",
        "open_clip",
    ):
        module = new_module(run, External(head), frame, site)
        module.opaque = True
        return module
    return of_trainers(run, value, args, keywords, site)
