"""torch.nn.init, parameters and parametrisations."""

from __future__ import annotations

from typing import Any

from vglint import origin
from vglint.graph import Init
from vglint.interp.machine.arguments import arguments
from vglint.interp.machine.core import LIBRARY, Frame, Run, register
from vglint.interp.nodes import distribution
from vglint.interp.nodes.emit import shape_of
from vglint.interp.values.objects import (
    External,
    ModuleV,
    ParamV,
    ParamView,
    Site,
    TensorV,
    Value,
)
from vglint.ops.fills import SCHEMES
from vglint.ops.init import calculate_gain as gain_of
from vglint.value import Unknown


@register(LIBRARY, "torch.nn.Parameter", "torch.nn.parameter.Parameter", "torch.nn.Buffer", "torch.nn.parameter.Buffer")
def parameter(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    data = arguments(args, keywords, "data")[0]
    trainable = args[1] if len(args) > 1 else keywords.get("requires_grad", True)
    buffer = which.name.endswith("Buffer")
    shape, init = None, distribution.UNKNOWN
    if isinstance(data, TensorV):
        shape, init = shape_of(run, data), distribution.of_tensor(run, data)
    elif isinstance(data, ParamV):
        shape, init = shape_of(run, data), data.init
    elif isinstance(data, ParamView):
        shape, init = (data.param.shape, data.param.init) if data.whole else (None, distribution.UNKNOWN)
    made = ParamV(shape, init, trainable is not False and not buffer, buffer, site)
    made.anew = (
        bool(run.context.modules_running)
        and not run.context.setup
        and not run.context.cached
        and not run.context.guarded
    )
    return made


@register(LIBRARY, "torch.nn.parameter.UninitializedParameter", "torch.nn.UninitializedParameter")
def uninitialised(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return ParamV(None, Init("uninitialised"), True, False, site)


def _initialise(name: str) -> Any:
    def write(
        run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
    ) -> Value:
        target = args[0] if args else keywords.get("tensor", keywords.get("input"))
        init = distribution.scheme(
            name, args[1:], {key: value for key, value in keywords.items() if key not in ("tensor", "generator")}
        )
        distribution.overwrite(run, target, init, site)
        return target

    return write


for _scheme in SCHEMES:
    LIBRARY[f"torch.nn.init.{_scheme}_"] = LIBRARY[f"torch.nn.init.{_scheme}"] = _initialise(_scheme)
for _package in ("timm.models.layers", "timm.layers"):
    LIBRARY[f"{_package}.trunc_normal_"] = _initialise("trunc_normal")


@register(LIBRARY, "torch.nn.init.calculate_gain")
def calculate_gain(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    kind, param = arguments(args, keywords, "nonlinearity", "param")
    slope = float(param) if isinstance(param, (int, float)) else None
    known = gain_of(kind, slope) if isinstance(kind, str) else None
    return Unknown(origin.Computed("gain")) if known is None else known


@register(LIBRARY, "torch.nn.init._calculate_fan_in_and_fan_out")
def fans(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    shape = shape_of(run, args[0]) if args else None
    if not shape or len(shape) < 2 or not all(isinstance(size, int) for size in shape):
        return (Unknown(origin.Computed("fan_in")), Unknown(origin.Computed("fan_out")))
    field = 1
    for size in shape[2:]:
        assert isinstance(size, int)
        field *= size
    assert isinstance(shape[0], int) and isinstance(shape[1], int)
    return (shape[1] * field, shape[0] * field)


@register(LIBRARY, "torch.nn.init._calculate_correct_fan")
def correct_fan(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    found = fans(run, which, args, keywords, frame, site)
    assert isinstance(found, tuple)
    return found[1 if len(args) > 1 and args[1] == "fan_out" else 0]


_PARAMETRISED = {
    "torch.nn.utils.weight_norm",
    "torch.nn.utils.spectral_norm",
    "torch.nn.utils.parametrizations.weight_norm",
    "torch.nn.utils.parametrizations.spectral_norm",
    "torch.nn.utils.parametrizations.orthogonal",
    "torch.nn.utils.parametrize.register_parametrization",
}


@register(LIBRARY, *_PARAMETRISED)
def parametrised(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Marks a module whose weight is computed from other parameters before each use."""
    module = args[0] if args else keywords.get("module")
    if isinstance(module, ModuleV):
        name = args[1] if len(args) > 1 else keywords.get("name", keywords.get("tensor_name", "weight"))
        name = name if isinstance(name, str) else "weight"
        run.journal.set_field(module, "parametrised", True)
        if isinstance(param := module.parameters.get(name), ParamV):
            run.journal.set_field(param, "computed", True)
        if module.config:
            run.journal.put(module.config, "parametrization", which.name.rpartition(".")[2])
    return module
