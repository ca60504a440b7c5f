"""Library functions that are neither ops nor built in: torch's own helpers, functools, copy, collections, einops, pretrained models."""

from __future__ import annotations

from vglint import ops, origin
from vglint.graph import RegionRole
from vglint.interp.kinds.tensors import call_method
from vglint.interp.library.stdlib import duplicate
from vglint.interp.machine.arguments import arguments
from vglint.interp.machine.core import CONSTANTS, LIBRARY, Frame, Run, call, opaque, register
from vglint.interp.nodes.operations import emit_call
from vglint.interp.protocols.comparison import GPU
from vglint.interp.protocols.iteration import items_of
from vglint.interp.torch.contexts import AUTOCAST, NO_GRAD
from vglint.interp.torch.devices import FLOAT32, HERE
from vglint.interp.torch.training import rewrapped
from vglint.interp.values.objects import (
    BuiltinV,
    ContextV,
    DictV,
    DtypeV,
    External,
    FunctionV,
    Instance,
    ListV,
    Site,
    Value,
    VersionV,
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
        "sys.version_info": VersionV((3, 11, 0)),
        "torch.version.hip": None,
        "string.ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
        "string.ascii_letters": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "string.digits": "0123456789",
        "os.environ": DictV({}),
        "torch.__version__": "2.13.0",
        "torch.version.__version__": "2.13.0",
        "torch.version.cuda": None,
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
    "torch.cuda.is_available": GPU,
    "torch.cuda.is_current_stream_capturing": False,
    "torch.xpu.is_available": False,
    "torch.xpu.is_current_stream_capturing": False,
    "torch.mtia.is_available": False,
    "torch.accelerator.is_available": False,
    "torch.accelerator.current_accelerator": None,
    "torch.mps.is_available": False,
    "torch.backends.mps.is_available": False,
    "torch.backends.mps.is_built": False,
    "torch.distributed.is_available": False,
    "torch.distributed.is_initialized": False,
    "torch.compiler.is_compiling": False,
    "torch.compiler.is_exporting": False,
    "torch._dynamo.is_compiling": False,
    "torch.compiler.is_dynamo_compiling": False,
    "torch.jit.is_tracing_state": False,
    "torch.utils._pytree._is_leaf": True,
    "torch.are_deterministic_algorithms_enabled": False,
    "torch.overrides.has_torch_function": False,
    "torch.overrides.has_torch_function_unary": False,
    "torch.get_default_device": HERE,
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


@register(LIBRARY, "os.getenv", "os.environ.get")
def environment(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """A plain environment sets nothing."""
    return args[1] if len(args) > 1 else keywords.get("default")


@register(LIBRARY, *_NOTHING)
def nothing(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return None


@register(LIBRARY, *NO_GRAD)
def no_grad(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if which.name.endswith("inference_mode") and args and args[0] is False:
        return None
    return ContextV(which.name, "no_grad", which.name)


@register(LIBRARY, "torch.set_grad_enabled", "torch.autograd.set_grad_enabled")
def set_grad_enabled(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    mode = arguments(args, keywords, "mode", default=True)[0]
    return ContextV(which.name, "no_grad", which.name) if mode is False else None


@register(LIBRARY, *AUTOCAST)
def autocast(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    enabled = keywords.get("enabled", True)
    if enabled is False:
        return None
    dtype = keywords.get(
        "dtype", args[1] if len(args) > 1 else args[0] if args and isinstance(args[0], DtypeV) else None
    )
    device = args[0] if args and isinstance(args[0], str) else keywords.get("device_type", "")
    shown = dtype.spelled.rpartition(".")[2] if isinstance(dtype, DtypeV) else "" if dtype is None else "dtype=?"
    where = (
        "cpu" if device == "cpu" or which.name.startswith("torch.cpu") else "" if isinstance(device, str) else "dtype=?"
    )
    return ContextV(which.name, "autocast", f"autocast({where or shown})", _dtype_of_autocast(where, dtype))


def _dtype_of_autocast(device: str, dtype: Value) -> RegionRole:
    """Returns what autocast computes in: bfloat16 on a CPU, and float16 on a GPU, where nothing else is said."""
    match dtype:
        case DtypeV(name="float16"):
            return "float16"
        case DtypeV(name="bfloat16"):
            return "bfloat16"
        case DtypeV():
            return "float32"
        case None if device == "cpu":
            return "bfloat16"
        case None if device == "":
            return "float16"
        case _:
            return "any_dtype"


# ---- checkpointing, scripting, wrappers


@register(
    LIBRARY,
    "torch.utils.checkpoint.checkpoint",
    "torch.utils.checkpoint.checkpoint_sequential",
    "torch.func.functional_call",
)
def checkpoint(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    rest = {
        key: value
        for key, value in keywords.items()
        if key not in ("use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug")
    }
    if which.name.endswith("sequential"):
        given = dict(zip(("functions", "segments", "input"), args, strict=False)) | keywords
        functions, value = given.get("functions"), given.get("input")
        found = items_of(run, functions, frame, site).items if functions is not None else None
        if found is None:
            return opaque(run, origin.Computed("checkpoint_sequential"), [value], site)
        for function in found:
            value = call(run, function, [value], {}, frame, site)
        return value
    if which.name.endswith("functional_call"):
        inner = args[2] if len(args) > 2 else ()
        return call(run, args[0], list(inner) if isinstance(inner, tuple) else [inner], {}, frame, site)
    return call(run, args[0], args[1:], rest, frame, site) if args else Unknown(origin.Computed("checkpoint"))


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
    "functools.update_wrapper",
    "functools.lru_cache",
    "functools.cache",
    "typing.cast",
    "torch.jit._unwrap_optional",
    "tqdm.tqdm",
    "tqdm.auto.tqdm",
    "tqdm.notebook.tqdm",
    "tqdm.trange",
    "torch.Size",
    "torch.utils.data.Subset",
    "copy.copy",
    "torch.ops.higher_order.wrap",
    "torch.nn.utils.remove_weight_norm",
    "torch.nn.utils.skip_init",
    "torch.autograd.Variable",
    "torch.asarray",
)
def passed_through(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """The argument itself, wrapped in something that computes the same."""
    if which.name == "typing.cast":
        return args[1] if len(args) > 1 else None
    if which.name == "torch.autograd.Variable" and args:
        return rewrapped(run, which.name, args[0], keywords, site)
    if which.name in ("functools.wraps", "functools.lru_cache") and not (
        which.name.endswith("cache") and args and isinstance(args[0], FunctionV)
    ):
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


@register(LIBRARY, "torch.broadcast_shapes")
def broadcast_shapes(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return Unknown(origin.Computed("broadcast shape"))


@register(
    LIBRARY,
    "torch.nn.modules.utils._single",
    "torch.nn.modules.utils._pair",
    "torch.nn.modules.utils._triple",
    "torch.nn.modules.utils._quadruple",
)
def ntuple(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    count = {"_single": 1, "_pair": 2, "_triple": 3, "_quadruple": 4}[which.name.rpartition(".")[2]]
    if isinstance(args[0], (tuple, ListV)):
        return tuple(items_of(run, args[0], frame, site).items or ())
    return (args[0],) * count


@register(LIBRARY, "torch.nn.modules.utils._ntuple")
def ntuple_maker(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    count = args[0] if isinstance(args[0], int) else 1

    def make(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if isinstance(args[0], (tuple, ListV)):
            return tuple(items_of(run, args[0], frame, site).items or ())
        return (args[0],) * count

    return BuiltinV("ntuple", make)


@register(LIBRARY, "einops.einsum")
def einops_einsum(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """einops names the axes in the last argument, torch in the first."""
    spelling = ops.find("torch.einsum")
    if spelling is None or not args or not isinstance(args[-1], str):
        return opaque(run, origin.Call(which.name), args, site)
    return emit_call(run, spelling, [args[-1], *args[:-1]], {}, site)


@register(LIBRARY, "torch.is_tensor")
def is_tensor_(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if not args or is_unknown(args[0]):
        return Unknown(origin.Computed("is_tensor"))
    return is_tensor(args[0])


@register(LIBRARY, "torch.is_floating_point", "torch.is_complex")
def is_kind(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return which.name.endswith("floating_point")


@register(LIBRARY, "torch.finfo", "torch.iinfo")
def finfo(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return Instance(
        which,
        {
            "eps": 1.1920928955078125e-07,
            "max": 3.4028234663852886e38,
            "min": -3.4028234663852886e38,
            "tiny": 1.1754943508222875e-38,
            "bits": 32,
        },
        site,
    )


@register(LIBRARY, "torch.numel")
def numel(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return call_method(run, args[0], "numel", [], {}, frame, site)


@register(
    LIBRARY,
    "torch.typename",
    "torch.get_default_dtype",
    "torch.promote_types",
    "torch.result_type",
)
def about(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return FLOAT32
