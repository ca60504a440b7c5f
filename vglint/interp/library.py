"""Library functions that are neither ops nor built in: torch's own helpers, functools, copy, collections, einops, pretrained models."""

from __future__ import annotations

import itertools
import operator
from typing import Any

from vglint.graph import Init
from vglint.interp import arithmetic, distribution
from vglint.interp.builtins import call_math
from vglint.interp.contexts import AUTOCAST, NO_GRAD, context
from vglint.interp.core import CONSTANTS, LIBRARY, MISSING, Frame, Run, call, opaque, register
from vglint.interp.emit import literal, shape_of
from vglint.interp.functions import arguments
from vglint.interp.iteration import items_of
from vglint.interp.modules import new_module
from vglint.interp.objects import (
    BuiltinV,
    ClassV,
    DictV,
    External,
    FunctionV,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    ParamV,
    ParamView,
    PartialV,
    SetV,
    Site,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.value import Unknown

CONSTANTS.update(
    {
        "torch.jit.is_scripting": External("torch.jit.is_scripting"),
        "typing.TYPE_CHECKING": False,
        "torch.inf": float("inf"),
        "torch.pi": 3.141592653589793,
        "numpy.pi": 3.141592653589793,
        "numpy.inf": float("inf"),
        "torch.nn.functional.F": External("torch.nn.functional"),
        "sys.maxsize": 2**63 - 1,
        "sys.version_info": (3, 11, 0),
        "torch.version.hip": None,
        "string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
        "string.ascii_letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "string.digits": "0123456789",
    }
)

_ANSWERS: dict[str, Value] = {
    "torch.jit.is_scripting": False,
    "torch.jit.is_tracing": False,
    "torch.onnx.is_in_onnx_export": False,
    "torch._C._get_tracing_state": None,
    "torch.is_grad_enabled": True,
    "torch.is_inference_mode_enabled": False,
    "torch.is_autocast_enabled": False,
    "torch.cuda.is_available": False,
    "torch.backends.mps.is_available": False,
    "torch.distributed.is_available": False,
    "torch.distributed.is_initialized": False,
    "torch.compiler.is_compiling": False,
    "torch._dynamo.is_compiling": False,
    "torch.compiler.is_dynamo_compiling": False,
    "torch.jit.is_tracing_state": False,
    "torch.utils._pytree._is_leaf": True,
    "torch.are_deterministic_algorithms_enabled": False,
    "torch.overrides.has_torch_function": False,
    "torch.overrides.has_torch_function_unary": False,
    "torch.distributed.get_rank": 0,
    "torch.distributed.get_world_size": 1,
}
_NOTHING = (
    "warnings.warn warnings.filterwarnings logging.info logging.warning torch.manual_seed torch.cuda.manual_seed torch.cuda.manual_seed_all torch._assert "
    "torch.set_float32_matmul_precision torch.backends.cudnn.benchmark random.seed numpy.random.seed torch.cuda.empty_cache gc.collect "
    "torch._C._log_api_usage_once torch.utils.checkpoint.set_checkpoint_early_stop torch.set_default_dtype torch.autograd.set_detect_anomaly torch.fx.wrap "
    "torch.use_deterministic_algorithms torch.set_num_threads torch.cuda.synchronize torch._check"
).split()


@register(LIBRARY, *_ANSWERS)
def answer(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return _ANSWERS[which.name]


@register(LIBRARY, *_NOTHING)
def nothing(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return None


@register(LIBRARY, *NO_GRAD)
def no_grad(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if which.name.endswith("inference_mode") and args and args[0] is False:
        return None
    return context(which.name, "no_grad", which.name)


@register(LIBRARY, "torch.set_grad_enabled", "torch.autograd.set_grad_enabled")
def set_grad_enabled(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    mode = arguments(args, keywords, "mode", default=True)[0]
    return context(which.name, "no_grad", which.name) if mode is False else None


@register(LIBRARY, *AUTOCAST)
def autocast(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    enabled = keywords.get("enabled", True)
    if enabled is False:
        return None
    dtype = keywords.get("dtype", args[1] if len(args) > 1 else args[0] if args and isinstance(args[0], External) else None)
    return context(which.name, "autocast", f"autocast({dtype.name.rpartition('.')[2] if isinstance(dtype, External) else ''})")


@register(LIBRARY, "torch.nn.Parameter", "torch.nn.parameter.Parameter", "torch.nn.Buffer", "torch.nn.parameter.Buffer")
def parameter(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    data = arguments(args, keywords, "data")[0]
    trainable = args[1] if len(args) > 1 else keywords.get("requires_grad", True)
    buffer = which.name.endswith("Buffer")
    shape, init = None, distribution.UNKNOWN
    if isinstance(data, (TensorV, ParamV)):
        shape, init = shape_of(run, data), data.init or distribution.UNKNOWN
    elif isinstance(data, ParamView):
        shape, init = (data.param.shape, data.param.init) if data.whole else (None, distribution.UNKNOWN)
    made = ParamV(shape, init, trainable is not False and not buffer, buffer, site)
    return made


@register(LIBRARY, "torch.nn.parameter.UninitializedParameter", "torch.nn.UninitializedParameter")
def uninitialised(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return ParamV(None, Init("uninitialised"), True, False, site)


def _initialise(name: str) -> Any:
    def write(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        target = args[0] if args else keywords.get("tensor", keywords.get("input"))
        init = distribution.scheme(name, args[1:], {key: value for key, value in keywords.items() if key not in ("tensor", "generator")})
        distribution.overwrite(run, target, init, site)
        return target

    return write


for _scheme in distribution.SCHEMES:
    LIBRARY[f"torch.nn.init.{_scheme}_"] = LIBRARY[f"torch.nn.init.{_scheme}"] = _initialise(_scheme)
for _package in ("timm.models.layers", "timm.layers"):
    LIBRARY[f"{_package}.trunc_normal_"] = _initialise("trunc_normal")


@register(LIBRARY, "torch.nn.init.calculate_gain")
def calculate_gain(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    kind, param = arguments(args, keywords, "nonlinearity", "param")
    if kind in ("linear", "sigmoid") or isinstance(kind, str) and kind.startswith("conv"):
        return 1.0
    if kind == "leaky_relu":
        slope = param if isinstance(param, (int, float)) else 0.01
        return float((2.0 / (1 + slope**2)) ** 0.5)
    known: Value = {"tanh": 5.0 / 3, "relu": 2.0**0.5, "selu": 0.75}.get(kind if isinstance(kind, str) else "", Unknown("argument", "gain"))
    return known


@register(LIBRARY, "torch.nn.init._calculate_fan_in_and_fan_out")
def fans(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    shape = shape_of(run, args[0]) if args else None
    if not shape or len(shape) < 2 or not all(isinstance(size, int) for size in shape):
        return (Unknown("argument", "fan_in"), Unknown("argument", "fan_out"))
    field = 1
    for size in shape[2:]:
        assert isinstance(size, int)
        field *= size
    assert isinstance(shape[0], int) and isinstance(shape[1], int)
    return (shape[1] * field, shape[0] * field)


@register(LIBRARY, "torch.nn.init._calculate_correct_fan")
def correct_fan(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = fans(run, which, args, keywords, frame, site)
    assert isinstance(found, tuple)
    return found[1 if len(args) > 1 and args[1] == "fan_out" else 0]


# ---- checkpointing, scripting, wrappers


@register(LIBRARY, "torch.utils.checkpoint.checkpoint", "torch.utils.checkpoint.checkpoint_sequential", "torch.func.functional_call")
def checkpoint(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    rest = {key: value for key, value in keywords.items() if key not in ("use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug")}
    if which.name.endswith("sequential"):
        functions, inputs = args[0], args[2:] or [keywords.get("input")]
        value = inputs[0]
        for function in items_of(run, functions, frame, site).items or []:
            value = call(run, function, [value], {}, frame, site)
        return value
    if which.name.endswith("functional_call"):
        inner = args[2] if len(args) > 2 else ()
        return call(run, args[0], list(inner) if isinstance(inner, tuple) else [inner], {}, frame, site)
    return call(run, args[0], args[1:], rest, frame, site) if args else Unknown("argument", "checkpoint")


@register(
    LIBRARY,
    "torch.jit.script",
    "torch.jit.trace",
    "torch.compile",
    "torch.jit.export",
    "torch.jit.ignore",
    "torch.nn.DataParallel",
    "torch.nn.parallel.DataParallel",
    "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
    "torch.fx.symbolic_trace",
    "torch.distributed.fsdp.FullyShardedDataParallel",
    "functools.wraps",
    "functools.lru_cache",
    "functools.cache",
    "typing.cast",
    "torch.jit._unwrap_optional",
    "tqdm.tqdm",
    "tqdm.auto.tqdm",
    "tqdm.notebook.tqdm",
    "tqdm.trange",
    "torch.device",
    "torch.Size",
    "torch.utils.data.Subset",
    "copy.copy",
    "torch.ops.higher_order.wrap",
    "torch.nn.utils.remove_weight_norm",
    "torch.nn.utils.skip_init",
    "torch.autograd.Variable",
    "torch.asarray",
)
def passed_through(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """The argument itself, wrapped in something that computes the same."""
    if which.name == "typing.cast":
        return args[1] if len(args) > 1 else None
    if which.name == "torch.autograd.Variable" and args:
        from vglint.interp.training import rewrapped

        return rewrapped(run, which.name, args[0], keywords, site)
    if which.name in ("functools.wraps", "functools.lru_cache") and not (which.name.endswith("cache") and args and isinstance(args[0], FunctionV)):
        return BuiltinV("decorator", lambda run, args, keywords, frame, site: args[0] if args else None)
    if which.name == "torch.nn.utils.skip_init" and args:
        return call(run, args[0], args[1:], keywords, frame, site)
    if which.name == "tqdm.trange":
        return LIBRARY["builtins.range"](run, which, args, {}, frame, site)
    if which.name == "copy.copy" and args and isinstance(args[0], (ListV, DictV, Instance)):
        return duplicate(args[0], {}) if not isinstance(args[0], Instance) else args[0]
    if not args:
        return next(iter(keywords.values()), None)
    if which.name == "torch.Size":
        found = items_of(run, args[0], frame, site)
        return tuple(found.items) if found.items is not None else args[0]
    return args[0]


_PARAMETRISED = {
    f"torch.nn.utils.{name}"
    for name in ("weight_norm", "spectral_norm", "parametrizations.weight_norm", "parametrizations.spectral_norm", "parametrizations.orthogonal", "parametrize.register_parametrization")
}


@register(LIBRARY, *_PARAMETRISED)
def parametrised(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Marks a module whose weight is computed from other parameters before each use."""
    module = args[0] if args else keywords.get("module")
    if isinstance(module, ModuleV):
        kind = which.name.rpartition(".")[2]
        name = args[1] if len(args) > 1 else keywords.get("name", keywords.get("tensor_name", "weight"))
        run.put(module.extra, "parametrised", (kind, name if isinstance(name, str) else "weight"))
        if module.config:
            run.put(module.config, "parametrization", kind)
    return module


@register(LIBRARY, "copy.deepcopy")
def deepcopy(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return duplicate(args[0], {}, run) if args else None


def duplicate(value: Value, memo: dict[int, Value], run: Run | None = None) -> Value:
    """Returns a copy that shares nothing that can change; distributions of parameters are kept."""
    if id(value) in memo:
        return memo[id(value)]
    made: Any
    match value:
        case ListV():
            made = ListV([], value.count)
            memo[id(value)] = made
            made.items = [duplicate(item, memo, run) for item in value.items]
            return made
        case DictV():
            made = DictV({}, value.default, value.complete)
            memo[id(value)] = made
            made.items = {key: duplicate(item, memo, run) for key, item in value.items.items()}
            return made
        case SetV():
            return SetV(list(value.items))
        case tuple():
            return tuple(duplicate(item, memo, run) for item in value)
        case ModuleV():
            made = ModuleV(value.cls, {}, value.origin)
            memo[id(value)] = made
            if run is not None:
                run.modules.append(made)
            made.spelling, made.opaque, made.in_forward = value.spelling, value.opaque, value.in_forward
            made.config, made.extra = dict(value.config), dict(value.extra)
            for table in ("attrs", "modules", "parameters", "buffers"):
                setattr(made, table, {name: duplicate(item, memo, run) for name, item in getattr(value, table).items()})
            return made
        case Instance():
            made = Instance(value.cls, {}, value.origin, dict(value.extra))
            memo[id(value)] = made
            made.attrs = {name: duplicate(item, memo, run) for name, item in value.attrs.items()}
            return made
        case ParamV():
            made = ParamV(value.shape, value.init, value.trainable, value.buffer, value.origin, None, value.name)
            memo[id(value)] = made
            return made
        case MethodV():
            return MethodV(value.function, duplicate(value.self, memo, run))
        case _:
            return value


# ---- functools, itertools, operator, collections, dataclasses


@register(LIBRARY, "functools.partial", "functools.partialmethod")
def partial(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return PartialV(args[0], tuple(args[1:]), dict(keywords)) if args else Unknown("argument", "partial")


@register(LIBRARY, "functools.reduce")
def reduce(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[1], frame, site)
    if found.items is None or (not found.items and len(args) < 3):
        return opaque(run, "loop bound", "reduce", [found.item], site)
    items = [*args[2:3], *found.items]
    total = items[0]
    for item in items[1:]:
        total = call(run, args[0], [total, item], {}, frame, site)
    return total


@register(LIBRARY, "itertools.chain", "itertools.chain.from_iterable")
def chain(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    sources = args
    if which.name.endswith("from_iterable"):
        outer = items_of(run, args[0], frame, site)
        if outer.items is None:
            return IteratorV(None, items_of(run, outer.item, frame, site).item)
        sources = outer.items
    items: list[Value] = []
    for source in sources:
        found = items_of(run, source, frame, site)
        if found.items is None:
            return IteratorV(None, found.item, found.count)
        items += found.items
    return IteratorV(items)


@register(LIBRARY, "itertools.accumulate", "itertools.product", "itertools.zip_longest", "itertools.combinations", "itertools.permutations", "itertools.islice")
def iterator(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = [items_of(run, arg, frame, site).items if not isinstance(arg, (int, type(None))) else arg for arg in args]
    if which.name.endswith("accumulate") and isinstance(found[0], list):
        total: Value = None
        sums: list[Value] = []
        for item in found[0]:
            total = item if total is None else arithmetic.binary(run, "+", total, item, frame, site)
            sums.append(total)
        return IteratorV(sums)
    if any(each is None and not isinstance(arg, type(None)) for each, arg in zip(found, args)):
        return IteratorV(None, Unknown("loop bound", which.name))
    function = getattr(itertools, which.name.rpartition(".")[2])
    try:
        return IteratorV(list(itertools.islice(function(*found, **{key: value for key, value in keywords.items() if key in ("repeat", "fillvalue")}), 4096)))
    except (TypeError, ValueError):
        return IteratorV(None, Unknown("loop bound", which.name))


@register(LIBRARY, "itertools.count", "itertools.cycle", "itertools.repeat")
def endless(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if which.name.endswith("repeat") and len(args) == 2 and isinstance(args[1], int) and args[1] < 4096:
        return IteratorV([args[0]] * args[1])
    if which.name.endswith("count"):
        return IteratorV(None, Unknown("loop bound", "count"))
    if which.name.endswith("cycle"):
        found = items_of(run, args[0], frame, site)
        if found.items and all(item is found.items[0] for item in found.items):
            return IteratorV(None, found.items[0])
        return IteratorV(None, Unknown("loop bound", "cycle"))
    return IteratorV(None, args[0] if args else None)


@register(LIBRARY, "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.ChainMap", "types.SimpleNamespace", "easydict.EasyDict", "argparse.Namespace")
def mapping(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if which.name.endswith("defaultdict"):
        return DictV(dict(args[1].items) if len(args) > 1 and isinstance(args[1], DictV) else {}, args[0] if args else None)
    if which.name.endswith(("SimpleNamespace", "Namespace", "EasyDict")):
        base = args[0].items if args and isinstance(args[0], DictV) else {}
        return Instance(which, {**{key: value for key, value in base.items() if isinstance(key, str)}, **keywords}, site)
    return LIBRARY["builtins.dict"](run, which, args, keywords, frame, site)


@register(LIBRARY, "collections.deque")
def deque(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site).items if args else []
    return ListV(found or [])


@register(LIBRARY, "collections.namedtuple", "typing.NamedTuple")
def namedtuple(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    name, listed = (*args, None, None)[:2]
    if isinstance(listed, str):
        fields = tuple(listed.replace(",", " ").split())
    else:
        found = items_of(run, listed, frame, site).items or []
        fields = tuple(str(item[0] if isinstance(item, tuple) else item) for item in found)
    cls = ClassV(str(name), str(name), (), {}, frame.unit, None, (), fields, "namedtuple")
    cls.mro = (cls,)
    defaults = keywords.get("defaults")
    for field, value in zip(reversed(fields), reversed(items_of(run, defaults, frame, site).items or []) if defaults is not None else ()):
        cls.names[field] = value
    return cls


@register(LIBRARY, "dataclasses.field", "attr.ib", "pydantic.Field")
def field(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if "default_factory" in keywords:
        factory = keywords["default_factory"]
        return Instance(which, {}, site, {"field_default": lambda run, frame, site: call(run, factory, [], {}, frame, site)})
    default = args[0] if args else keywords.get("default", Unknown("argument", "field"))
    return Instance(which, {}, site, {"field_default": lambda run, frame, site: default})


@register(LIBRARY, "dataclasses.replace", "dataclasses.asdict")
def replace(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if args and isinstance(args[0], Instance):
        if which.name.endswith("asdict"):
            return DictV(dict(args[0].attrs))
        return Instance(args[0].cls, {**args[0].attrs, **keywords}, site)
    return Unknown("argument", "replace")


@register(LIBRARY, "inspect.signature", "inspect.getfullargspec")
def signature(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    function = args[0] if args else None
    function = function.function if isinstance(function, MethodV) else function
    if isinstance(function, FunctionV):
        params = function.node.params
        names = [param.name.value for param in (*params.posonly_params, *params.params, *params.kwonly_params)]
        return Instance(which, {"parameters": DictV({name: None for name in names}), "args": ListV(list(names))}, site)
    return Unknown("unmodelled call", which.name)


@register(LIBRARY, "copy.replace", "argparse.ArgumentParser", "transformers.HfArgumentParser")
def argument_parser(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """A command line whose options take their defaults."""
    defaults: dict[str, Value] = {}

    def add_argument(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        names = [arg for arg in args if isinstance(arg, str)]
        long = next((name for name in names if name.startswith("--")), names[0] if names else "")
        target = keywords.get("dest", long.lstrip("-").replace("-", "_"))
        action = keywords.get("action")
        value = keywords.get("default", False if action == "store_true" else True if action == "store_false" else None if long.startswith("-") else Unknown("argument", long))
        if isinstance(target, str):
            run.put(defaults, target, Unknown("argument", f"args.{target}") if value is None and "default" not in keywords and action is None else value)
        return None

    def parse(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return Instance(External("argparse.Namespace"), dict(defaults), site)

    def group(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return parser

    def set_defaults(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        for name, value in keywords.items():
            run.put(defaults, name, value)
        return None

    known = {
        "add_argument": add_argument,
        "parse_args": parse,
        "add_argument_group": group,
        "add_mutually_exclusive_group": group,
        "set_defaults": set_defaults,
        "parse_known_args": lambda run, args, keywords, frame, site: (parse(run, args, keywords, frame, site), ListV([])),
    }
    parser = Instance(which, {name: BuiltinV(name, act) for name, act in known.items()}, site)
    return parser


# ---- models that are known to be models


_PRETRAINED = ("torchvision.models.", "timm.create_model", "timm.models.", "transformers.Auto", "torch.hub.load", "efficientnet_pytorch.", "open_clip.", "sentence_transformers.", "segmentation_models_pytorch.")


def call_by_prefix(run: Run, value: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Calls whole families of library functions; MISSING where the family is not known."""
    name = value.name
    head, _, last = name.rpartition(".")
    if head in ("math", "cmath"):
        return call_math(last, args)
    if head in ("numpy", "np"):
        return _numpy(run, last, args, keywords, frame, site)
    if head == "operator" and hasattr(operator, last) and len(args) == 2:
        symbol = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "matmul": "@", "mod": "%"}.get(last)
        if symbol is not None:
            return arithmetic.binary(run, symbol, args[0], args[1], frame, site)
    if head == "builtins" and last.endswith(("Error", "Exception", "Warning", "Exit", "Interrupt", "Iteration")):
        return Instance(value, {}, site)
    if head in ("os.path", "re", "os", "time", "json", "logging", "random", "glob", "datetime", "shutil", "pathlib", "sys", "pickle", "yaml"):
        return Unknown("unmodelled call", f"{name}()")
    if name.startswith(_PRETRAINED):
        module = new_module(run, External(name), frame, site)
        module.opaque = True
        return module
    if last in ("from_pretrained", "from_config", "from_name") and name.split(".")[0] in ("transformers", "diffusers", "timm", "efficientnet_pytorch", "open_clip"):
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
            return {"sum": sum, "max": max, "min": min, "mean": lambda values: sum(values) / len(values)}[last](numbers)
    if last == "linspace" and len(args) >= 3 and all(isinstance(arg, (int, float)) for arg in args[:3]):
        start, end, steps = args[:3]
        assert isinstance(start, (int, float)) and isinstance(end, (int, float)) and isinstance(steps, int)
        return ListV([start + (end - start) * index / max(1, steps - 1) for index in range(min(steps, 4096))])
    if last == "arange" and args and all(isinstance(arg, int) for arg in args):
        return ListV(list(range(*args))[:4096])  # type: ignore[arg-type]
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


@register(LIBRARY, "torch.autograd.Function.apply", "torch.autograd.grad")
def custom_function(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return opaque(run, "unmodelled call", which.name, [*args, *keywords.values()], site)


@register(LIBRARY, "torch.broadcast_shapes")
def broadcast_shapes(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return Unknown("argument", "broadcast shape")


@register(LIBRARY, "torch.nn.modules.utils._single", "torch.nn.modules.utils._pair", "torch.nn.modules.utils._triple", "torch.nn.modules.utils._quadruple")
def ntuple(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    count = {"_single": 1, "_pair": 2, "_triple": 3, "_quadruple": 4}[which.name.rpartition(".")[2]]
    if isinstance(args[0], (tuple, ListV)):
        return tuple(items_of(run, args[0], frame, site).items or ())
    return (args[0],) * count


@register(LIBRARY, "torch.nn.modules.utils._ntuple")
def ntuple_maker(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    count = args[0] if isinstance(args[0], int) else 1

    def make(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if isinstance(args[0], (tuple, ListV)):
            return tuple(items_of(run, args[0], frame, site).items or ())
        return (args[0],) * count

    return BuiltinV("ntuple", make)


@register(LIBRARY, "torch.is_tensor")
def is_tensor_(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    if not args or is_unknown(args[0]):
        return Unknown("argument", "is_tensor")
    return is_tensor(args[0])


@register(LIBRARY, "torch.is_floating_point", "torch.is_complex")
def is_kind(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return which.name.endswith("floating_point")


@register(LIBRARY, "torch.finfo", "torch.iinfo")
def finfo(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return Instance(which, {"eps": 1.1920928955078125e-07, "max": 3.4028234663852886e38, "min": -3.4028234663852886e38, "tiny": 1.1754943508222875e-38, "bits": 32}, site)


@register(LIBRARY, "torch.numel")
def numel(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    from vglint.interp.tensors import call_method

    return call_method(run, args[0], "numel", [], {}, frame, site)


@register(LIBRARY, "torch.typename", "torch.get_default_dtype", "torch.get_default_device", "torch.promote_types", "torch.result_type")
def about(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return External("torch.float32")


@register(LIBRARY, "torch.utils.data.DataLoader", "torch_geometric.loader.DataLoader", "torch.utils.data.dataloader.DataLoader")
def data_loader(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Yields batches: one stands for all."""
    config = {name: literal(value) for name, value in keywords.items()}
    if len(args) > 1:
        config.setdefault("batch_size", literal(args[1]))

    def batch(run: Run, site: Site) -> Value:
        from vglint.interp.indexing import entry_input

        return entry_input(run, "batch", site)

    return Instance(which, dict(keywords), site, {"item": batch, "config": config})

