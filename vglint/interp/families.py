"""Whole families of library functions: math, numpy, pretrained models of other packages."""

from __future__ import annotations

import itertools
import operator
from typing import Any

from vglint.interp import arithmetic
from vglint.interp.builtins import call_math
from vglint.interp.core import LIBRARY, MISSING, Frame, Run, opaque
from vglint.interp.iteration import items_of
from vglint.interp.modules import new_module
from vglint.interp.objects import (
    External,
    Instance,
    ListV,
    Site,
    Value,
    is_tensor,
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


def call_by_prefix(
    run: Run, value: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Calls whole families of library functions; MISSING where the family is not known."""
    name = value.name
    head, _, last = name.rpartition(".")
    if head in ("math", "cmath"):
        return call_math(last, args)
    if head in ("numpy", "np"):
        return _numpy(run, last, args, keywords, frame, site)
    if head == "operator" and hasattr(operator, last) and len(args) == 2:
        symbol = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "matmul": "@", "mod": "%"}.get(
            last
        )
        if symbol is not None:
            return arithmetic.binary(run, symbol, args[0], args[1], frame, site)
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
        return Unknown("unmodelled call", f"{name}()")
    if name.startswith(_PRETRAINED):
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
    return MISSING


def _numpy(run: Run, last: str, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if last in ("prod", "sum", "cumsum", "max", "min", "mean") and args:
        found = items_of(run, args[0], frame, site)
        if last == "prod":
            return LIBRARY["math.prod"](run, External("math.prod"), args, keywords, frame, site)
        if found.items is not None and found.items and all(isinstance(item, (int, float)) for item in found.items):
            numbers: list[Any] = list(found.items)
            if last == "cumsum":
                return ListV(list(itertools.accumulate(numbers)))
            if last == "mean":
                return sum(numbers) / len(numbers)
            return sum(numbers) if last == "sum" else max(numbers) if last == "max" else min(numbers)
    if last == "linspace" and len(args) >= 3 and all(isinstance(arg, (int, float)) for arg in args[:3]):
        start, end, steps = args[:3]
        assert isinstance(start, (int, float)) and isinstance(end, (int, float)) and isinstance(steps, int)
        return ListV([start + (end - start) * index / max(1, steps - 1) for index in range(min(steps, 4096))])
    whole = [arg for arg in args if isinstance(arg, int)]
    if last == "arange" and args and len(whole) == len(args):
        listed: list[Value] = [*range(*whole)][:4096]
        return ListV(listed)
    if last in ("sqrt", "log", "log2", "ceil", "floor", "exp", "power", "abs", "log10", "cos", "sin"):
        if last == "power":
            return arithmetic.binary(run, "**", args[0], args[1], frame, site)
        if not any(is_tensor(arg) for arg in args):
            return call_math({"abs": "fabs"}.get(last, last), args)
    if last in ("array", "asarray") and args and isinstance(args[0], (ListV, tuple)):
        return args[0]
    if last in ("int32", "int64", "float32", "float64") and args:
        return args[0]
    return opaque(run, "unmodelled call", f"numpy.{last}()", args, site)
