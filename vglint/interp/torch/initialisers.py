"""torch.nn.init, parameters and parametrisations."""

from __future__ import annotations

import math

from vglint import origin
from vglint.graph import Init
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Raised
from vglint.interp.machine.core import call as called
from vglint.interp.nodes import distribution
from vglint.interp.nodes.emit import emit, shape_of
from vglint.interp.torch.autograd_functions import expression
from vglint.interp.torch.module_methods import change_any_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassV,
    ModuleV,
    ParamV,
    ParamView,
    TensorV,
    Value,
)
from vglint.ops.expressions import POINTWISE
from vglint.ops.fills import SCHEMES
from vglint.ops.init import calculate_gain as gain_of
from vglint.source import code
from vglint.value import Literal_, Unknown


@library("torch.nn.Parameter", "torch.nn.parameter.Parameter", takes="data=None, requires_grad=True")
@library("torch.nn.Buffer", "torch.nn.parameter.Buffer", takes="data=None, *, persistent=True")
def parameter(call: Call) -> Value:
    run, data = call.run, call["data"]
    buffer = call.last == "Buffer"
    shape, init = None, distribution.UNKNOWN
    if isinstance(data, TensorV):
        shape, init = shape_of(run, data), distribution.of_tensor(run, data)
    elif isinstance(data, ParamV):
        shape, init = shape_of(run, data), data.init
    elif isinstance(data, ParamView):
        shape, init = (data.param.shape, data.param.init) if data.whole else (None, distribution.UNKNOWN)
    made = ParamV(shape, init, call.get("requires_grad") is not False and not buffer, buffer, call.site)
    made.anew = (
        bool(run.context.modules_running)
        and not run.context.setup
        and not run.context.cached
        and not run.context.guarded
    )
    return made


@library("torch.nn.parameter.UninitializedParameter", "torch.nn.UninitializedParameter")
def uninitialised(call: Call) -> Value:
    return ParamV(None, Init("uninitialised"), True, False, call.site)


@library(*(f"torch.nn.init.{scheme}{end}" for scheme in SCHEMES for end in ("_", "")), takes="tensor, *args, **options")
def initialise(call: Call) -> Value:
    options = {key: value for key, value in call.others.items() if key != "generator"}
    if isinstance(call["tensor"], Unknown) and isinstance(call.site.node, code.Call) and call.site.node.args:
        change_any_of(call.run, call.site.node.args[0], call.frame)
    init = distribution.scheme(call.last.rstrip("_"), call.rest, options)
    distribution.overwrite(call.run, call["tensor"], init, call.site)
    return call["tensor"]


@library("torch.nn.init.calculate_gain", takes="nonlinearity, param=None")
def calculate_gain(call: Call) -> Value:
    kind, param = call["nonlinearity"], call["param"]
    if isinstance(param, int) and param.bit_length() > 1_000:
        return call.unknown()  # no float holds it
    slope = float(param) if isinstance(param, (int, float)) else None
    known = gain_of(kind, slope) if isinstance(kind, str) else None
    return Unknown(origin.Computed("gain")) if known is None else known


@library("torch.nn.init._calculate_fan_in_and_fan_out", takes="tensor")
def fans(call: Call) -> Value:
    return _fans(call)


def _fans(call: Call) -> tuple[Value, Value]:
    shape = shape_of(call.run, call["tensor"])
    sizes = [size for size in shape or () if isinstance(size, int)]
    if not shape or len(sizes) < max(2, len(shape)):
        return Unknown(origin.Computed("fan_in")), Unknown(origin.Computed("fan_out"))
    field = math.prod(sizes[2:])
    return sizes[1] * field, sizes[0] * field


@library("torch.nn.init._calculate_correct_fan", takes="tensor, mode")
def correct_fan(call: Call) -> Value:
    return _fans(call)[1 if call["mode"] == "fan_out" else 0]


_PARAMETRISED = {
    "torch.nn.utils.weight_norm",
    "torch.nn.utils.spectral_norm",
    "torch.nn.utils.parametrizations.weight_norm",
    "torch.nn.utils.parametrizations.spectral_norm",
    "torch.nn.utils.parametrizations.orthogonal",
    "torch.nn.utils.parametrize.register_parametrization",
}


@library(*_PARAMETRISED, takes="module, name?, *rest, tensor_name?, **options")
def parametrised(this: Call) -> Value:
    """Marks a module whose weight is computed from other parameters before each use."""
    module, journal = this["module"], this.run.journal
    if isinstance(module, ModuleV):
        name = this.get("name", this.get("tensor_name", "weight"))
        name = name if isinstance(name, str) else "weight"
        journal.set_field(module, "parametrised", True)
        if isinstance(param := module.parameters.get(name), ParamV):
            journal.set_field(param, "computed", True)
        if module.config:
            made = (
                written(this, param) if this.last == "register_parametrization" and isinstance(param, ParamV) else None
            )
            journal.put(module.config, "parametrization", made or this.last)
    return module


_MAKES = POINTWISE | {"norm", "vector_norm", "renorm"}
"""Operations by which a program makes a weight of a parameter, and whose sizes are known for random entries."""


def written(this: Call, param: ParamV) -> Literal_:
    """Returns what a parametrisation of the program's own makes of a parameter `x` at the start, as an expression; None where it is none."""
    run = this.run
    part = this.args[2] if len(this.args) > 2 else this.keywords.get("parametrization")
    if not isinstance(part, ModuleV) or not isinstance(part.cls, ClassV):
        return None
    with attempted(run) as attempt:
        try:
            emit(run, "linspace", [], {"start": -4.0, "end": 4.0, "steps": 65}, this.site, shape=param.shape)
            x = TensorV(len(run.graph.nodes) - 1, param.shape)
            # What is stored is what the inverse makes of the weight that was there.
            back = find_in_mro(part.cls, "right_inverse")
            stored = x if back is None else called(run, back[0], [part, x], {}, this.frame, this.site)
            return expression(run, called(run, part, [stored], {}, this.frame, this.site), {x.node: "x"}, _MAKES)
        except Raised:
            return None
        finally:
            attempt.undo(run)
