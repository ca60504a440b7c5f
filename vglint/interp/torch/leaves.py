"""torch's own modules: configuration, parameters, what is no child."""

from __future__ import annotations

import sys
from functools import lru_cache

from vglint import ops, origin
from vglint.interp.machine.core import (
    Frame,
    Raised,
    Run,
    call,
    opaque,
)
from vglint.interp.nodes.config import configured, literal
from vglint.interp.nodes.distribution import overwrite
from vglint.interp.nodes.keeping import says_keep
from vglint.interp.static.methods import holds_layers
from vglint.interp.torch.containers import fill
from vglint.interp.torch.making import base_of
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    External,
    FunctionV,
    ListV,
    MethodV,
    ModuleV,
    ParamV,
    Site,
    Value,
    is_unknown,
)
from vglint.ops.spec import Spelling
from vglint.value import Literal_, Unknown

CONTAINERS = frozenset(
    {
        "torch.nn.Sequential",
        "torch.nn.ModuleList",
        "torch.nn.ModuleDict",
        "torch.nn.ParameterList",
        "torch.nn.ParameterDict",
    }
)
BASES = frozenset({"torch_geometric.nn.MessagePassing", "_Loss", "_WeightedLoss"})
"""Classes that are modules, which their names do not show."""
_MADE = 8
"""Steps that it takes to bind the arguments of a layer and to say what its parameters are."""


def is_module_class(cls: Value) -> bool:
    """Whether instances of a class are `nn.Module`s."""
    if not isinstance(cls, ClassV):
        return isinstance(cls, External) and _is_module_name(cls.name)
    bases = [base for base in cls.mro if isinstance(base, External)]
    if any(_is_module_name(base.name) for base in bases):
        return True
    # A base of a library that is not in reach: what its class is shows in what it does.
    return any(_is_not_known(base.name) for base in bases) and any(
        isinstance(own, ClassV) and own.node is not None and holds_layers(own.node) for own in cls.mro
    )


@lru_cache(maxsize=4096)
def _is_not_known(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in _OTHERS and top not in sys.stdlib_module_names


_OTHERS = frozenset(
    ("builtins", "torch", "typing_extensions", "pydantic", "numpy", "tensorflow", "keras", "jax", "flax")
)
"""Packages whose classes are known not to be modules, but for those that are."""


@lru_cache(maxsize=4096)
def _is_module_name(name: str) -> bool:
    last = name.rpartition(".")[2]
    if name in CONTAINERS or name in BASES or last in BASES or base_of(name) is not None:
        return True
    if last.endswith(("Module", "PreTrainedModel")) and not last.endswith("DataModule"):
        return True
    spelling = ops.find(name)
    return spelling is not None and spelling.form == "module"


def leaf_base(cls: Value) -> External | None:
    """Returns the class of torch's that an instance gets its forward from, unless the user's code overrides it."""
    for base in cls.mro if isinstance(cls, ClassV) else (cls,):
        if isinstance(base, External) and (base.name in CONTAINERS or _module_spelling(base.name) is not None):
            return base
    return None


def _module_spelling(name: str) -> Spelling | None:
    spelling = ops.find(name)
    return spelling if spelling is not None and spelling.form == "module" else None


def build_leaf(
    run: Run, module: ModuleV, base: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> None:
    """Runs `__init__` of torch's own class: binds its configuration and makes its parameters."""
    if base.name in CONTAINERS:
        fill(run, module, base.name, args, keywords, frame, site)
        return
    spelling = _module_spelling(base.name)
    if spelling is None:
        return
    run.budget.tick(_MADE)
    try:
        bound = ops.bind(
            spelling.args,
            args,
            keywords,
            pack=lambda values: values,
            is_sequence=lambda value: isinstance(value, (tuple, ListV)),
        )
    except ops.BindError as error:
        if run.context.trying:
            raise Raised("TypeError") from None
        if any(is_unknown(value) for value in (*args, *keywords.values())) or "**" in keywords:
            run.graph.gap(origin.Computed(f"arguments of {spelling.name}"), site)
        else:
            run.graph.gap(origin.Call(f"{spelling.name} {error}"), site)
        bound = {arg.name: keywords.get(arg.name, Unknown(origin.Argument(arg.name))) for arg in spelling.args}
    op = ops.OPS[spelling.op]
    config: dict[str, Literal_] = {}
    for arg in spelling.args:
        if arg.role == "ignored" or arg.name not in bound:
            continue
        value = bound[arg.name]
        if callable_value(value):
            config[arg.name] = _name_of(value)
            continue
        config[arg.name] = configured(run, value, op.kind, site)
    if op.kind == "dropout" and says_keep(site, 0):
        config["keeps"] = True
    listed = {arg.name for arg in spelling.args}
    config.update((name, literal(value)) for name, value in bound.items() if name not in listed)
    module.spelling = spelling
    module.config = ops.canonical_config(spelling, config)
    if op.params is None:
        return
    try:
        specs = op.params(module.config)
    except Exception:
        # A constructor with arguments that make no sense has no parameters that could be known.
        run.graph.gap(origin.Computed(f"parameters of {spelling.name}"), site)
        return
    for spec in specs:
        param = ParamV(spec.shape, spec.init, spec.trainable, spec.buffer, site, None, spec.name)
        run.journal.put(module.buffers if spec.buffer else module.parameters, spec.name, param)
    override = find_in_mro(module.cls, "reset_parameters")
    if override is not None and isinstance(override[0], FunctionV):
        call(run, MethodV(override[0], module), [], {}, frame, site)


def leaf_method(module: ModuleV, name: str) -> BuiltinV | None:
    """Returns a method that only some of torch's leaves have, None where this one has none of that name."""
    if module.spelling is None:
        return None
    op = module.spelling.op
    if name == "reset_parameters" and module.parameters and not op.startswith("multi_head"):
        return BuiltinV(name, _reset)
    if name == "_conv_forward" and op.startswith("conv"):
        return BuiltinV(name, _conv_forward)
    return None


def _reset(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Initialises the parameters anew as torch does."""
    module = args[0]
    assert isinstance(module, ModuleV) and module.spelling is not None
    make = ops.OPS[module.spelling.op].params
    for spec in () if make is None else make(module.config):
        param = module.parameters.get(spec.name)
        if isinstance(param, ParamV):
            overwrite(run, param, spec.init, None)
    return None


def _conv_forward(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """The convolution with other weights: `self._conv_forward(x, standardised, self.bias)`."""
    module = args[0]
    assert isinstance(module, ModuleV) and module.spelling is not None
    config = module.config
    if config.get("padding_mode") != "zeros":
        return opaque(run, origin.Call("_conv_forward with padding_mode"), args[1:], site)
    names = ("stride", "padding", "dilation", "groups")
    given = {name: config[name] for name in names if name in config}
    function = External(f"torch.nn.functional.{module.spelling.op}")
    return call(run, function, args[1:], {**keywords, **given}, frame, site)


def callable_value(value: Value) -> bool:
    return isinstance(value, (FunctionV, ClassV, MethodV, BuiltinV))


def _name_of(value: Value) -> str:
    return value.name if isinstance(value, (FunctionV, ClassV, BuiltinV)) else type(value).__name__


def nested_leaves(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns the layers inside of one of torch's own leaves, which `apply` and `modules()` reach too: an attention's output projection."""
    if module.spelling is None or "out_proj.weight" not in module.parameters:
        return []
    child = nested_leaf_attribute(module, "out_proj")
    return [("out_proj", child)] if isinstance(child, ModuleV) else []


def nested_leaf_attribute(module: ModuleV, name: str) -> Value:
    """Returns a child of one of torch's composite leaves (`attention.out_proj`), None for a parameter that the layer goes without."""
    prefix = name + "."
    parts = {key[len(prefix) :]: value for key, value in module.parameters.items() if key.startswith(prefix)}
    if not parts:
        return None
    child = ModuleV(External("torch.nn.Linear"), {})
    child.parameters = parts
    return child
