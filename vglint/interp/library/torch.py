"""torch beside its ops: questions about the environment, modes, and wrappers that compute what they wrap."""

from __future__ import annotations

import math

from vglint import origin
from vglint.graph import RegionRole
from vglint.interp.kinds.tensors import call_method
from vglint.interp.library.system import TORCH
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import CONSTANTS, opaque, set_trainable
from vglint.interp.nodes.distribution import UNKNOWN, of_tensor, overwrite
from vglint.interp.nodes.emit import shape_of
from vglint.interp.protocols.asking import listed
from vglint.interp.protocols.comparison import GPU
from vglint.interp.torch.contexts import NO_GRAD
from vglint.interp.torch.devices import HERE
from vglint.interp.torch.training import rewrapped
from vglint.interp.values.objects import (
    ContextV,
    DictV,
    DtypeV,
    External,
    Instance,
    ListV,
    ModuleV,
    OpaqueV,
    ParamV,
    TensorV,
    Value,
    is_tensor,
    is_unknown,
)
from vglint.interp.values.tensors import FLOAT32
from vglint.value import Unknown

CONSTANTS.update(
    {
        "torch.jit.is_scripting": External("torch.jit.is_scripting"),
        "torch.inf": math.inf,
        "torch.pi": math.pi,
        "torch.nn.functional.F": External("torch.nn.functional"),
        "torch.autograd.function.Function": External("torch.autograd.Function"),
        "torch.version.hip": None,
        "torch.version.cuda": None,
        "torch.__version__": TORCH,
        "torch.version.__version__": TORCH,
    }
)

_ANSWERS: dict[str, Value] = {
    "torch.jit.is_scripting": False,
    "torch.jit.is_tracing": False,
    "torch.onnx.is_in_onnx_export": False,
    "torch._C._get_tracing_state": None,
    "torch._C._is_tracing": False,
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
    "torch.manual_seed torch.cuda.manual_seed torch.cuda.manual_seed_all torch._assert "
    "torch.set_float32_matmul_precision torch.backends.cudnn.benchmark torch.cuda.empty_cache "
    "torch._C._log_api_usage_once torch.utils.checkpoint.set_checkpoint_early_stop torch.set_default_dtype torch.autograd.set_detect_anomaly torch.fx.wrap "
    "torch.use_deterministic_algorithms torch.set_num_threads torch.cuda.synchronize torch._check"
).split()


@library(*_ANSWERS)
def answer(call: Call) -> Value:
    return _ANSWERS[call.name]


@library(*_NOTHING)
def nothing(call: Call) -> Value:
    return None


# ---- modes


@library(*NO_GRAD)
def no_grad(call: Call) -> Value:
    if call.last == "inference_mode" and call.args and call.args[0] is False:
        return None
    return ContextV(call.name, "no_grad", call.name)


@library(
    "torch.enable_grad", "torch.autograd.enable_grad", "torch.autograd.grad_mode.enable_grad", takes="function=None"
)
def enable_grad(call: Call) -> Value:
    return ContextV(call.name, "grad", call.name) if call["function"] is None else call["function"]


@library("torch.set_grad_enabled", "torch.autograd.set_grad_enabled", takes="mode")
def set_grad_enabled(call: Call) -> Value:
    match call["mode"]:
        case False:
            return ContextV(call.name, "no_grad", call.name)
        case True:
            return ContextV(call.name, "grad", call.name)
        case _:
            return None


@library("torch.autocast", "torch.amp.autocast", takes="device_type, dtype=None, enabled=True, cache_enabled=None")
@library("torch.cuda.amp.autocast", "torch.cpu.amp.autocast", takes="enabled=True, dtype=None, cache_enabled=True")
def autocast(call: Call) -> Value:
    if call["enabled"] is False:
        return ContextV(call.name, "none", call.name)
    device, dtype = call.get("device_type", call.name.split(".")[1]), call["dtype"]
    shown = dtype.spelled.rpartition(".")[2] if isinstance(dtype, DtypeV) else "" if dtype is None else "dtype=?"
    where = "cpu" if device == "cpu" else "" if isinstance(device, str) else "dtype=?"
    role = _dtype_of_autocast(where, dtype) if call["enabled"] is True else "any_dtype"
    return ContextV(call.name, "autocast", f"autocast({where or shown})", role)


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


# ---- wrappers that compute what they wrap


@library(
    "torch.jit.script",
    "torch.jit.trace",
    "torch.jit.export",
    "torch.jit.ignore",
    "torch.jit._unwrap_optional",
    "torch.compile",
    "torch.nn.DataParallel",
    "torch.nn.parallel.DataParallel",
    "torch.nn.parallel.DistributedDataParallel",
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
    "torch.fx.symbolic_trace",
    "torch.distributed.fsdp.FullyShardedDataParallel",
    "torch.utils.data.Subset",
    "torch.ops.higher_order.wrap",
    "torch.nn.utils.remove_weight_norm",
    "torch.asarray",
    takes="wrapped?, *rest, **options",
)
def wrapped(call: Call) -> Value:
    return call.get("wrapped", next(iter(call.keywords.values()), None))


@library("torch.autograd.Variable", takes="data?, requires_grad=False, volatile=False")
def variable(call: Call) -> Value:
    return rewrapped(call.run, call.name, call["data"], call.keywords, call.site) if "data" in call else None


@library("torch.Size", takes="sizes?")
def size(call: Call) -> Value:
    found = listed(call, call["sizes"]) if "sizes" in call else []
    return tuple(found) if found is not None else call["sizes"]


@library("torch.nn.utils.skip_init", takes="module_cls, *args, **kwargs")
def skip_init(call: Call) -> Value:
    return call.invoke(call["module_cls"], *call.rest, **call.others)


@library("torch.func.functional_call", takes="module, parameter_and_buffer_dicts, args=None, kwargs=None, **options")
def functional_call(call: Call) -> Value:
    """With the module's own weights it is a plain call; with others, such as what another network made, it is not followed."""
    given, weights = () if call["args"] is None else call["args"], call["parameter_and_buffer_dicts"]
    own = not is_unknown(weights)
    if isinstance(weights, DictV):
        own = not any(isinstance(each, (TensorV, OpaqueV)) for each in weights.items.values())
    if not own:
        others = list(weights.items.values()) if isinstance(weights, DictV) else []
        return opaque(call.run, origin.Call(call.name), [*others, *call.given], call.site)
    return call.invoke(call["module"], *(given if isinstance(given, tuple) else (given,)))


# ---- shapes, types


@library("torch.broadcast_shapes")
def broadcast_shapes(call: Call) -> Value:
    return Unknown(origin.Computed("broadcast shape"))


@library("torch.is_tensor", takes="obj")
def is_tensor_(call: Call) -> Value:
    obj = call["obj"]
    return Unknown(origin.Computed("is_tensor")) if is_unknown(obj) else is_tensor(obj)


@library("torch.is_floating_point", "torch.is_complex", takes="input")
def is_kind(call: Call) -> Value:
    return call.last == "is_floating_point"


@library("torch.finfo", "torch.iinfo", takes="type=None")
def finfo(call: Call) -> Value:
    limits: dict[str, Value] = {
        "eps": 1.1920928955078125e-07,
        "max": 3.4028234663852886e38,
        "min": -3.4028234663852886e38,
        "tiny": 1.1754943508222875e-38,
        "bits": 32,
    }
    return Instance(External(call.name), limits, call.site)


@library("torch.numel", takes="input")
def numel(call: Call) -> Value:
    return call_method(call.run, call["input"], "numel", [], {}, call.frame, call.site)


@library("torch.typename", "torch.get_default_dtype", "torch.promote_types", "torch.result_type")
def about(call: Call) -> Value:
    return FLOAT32


@library(*(f"torch.nn.modules.utils.{name}" for name in ("_single", "_pair", "_triple", "_quadruple")), takes="x")
def ntuple(call: Call) -> Value:
    return several(call, call["x"], {"_single": 1, "_pair": 2, "_triple": 3, "_quadruple": 4}[call.last])


def several(call: Call, value: Value, count: int) -> Value:
    """Returns a sequence as a tuple, anything else so many times."""
    return tuple(listed(call, value) or ()) if isinstance(value, (tuple, ListV)) else (value,) * count


@library(
    *(f"torch.nn.{table}.from_pretrained" for table in ("Embedding", "EmbeddingBag")),
    takes="embeddings, freeze=True, padding_idx=None, *rest, **options",
)
def table_of(call: Call) -> Value:
    """A table whose rows are given: of word vectors, or of sines."""
    given, run = call["embeddings"], call.run
    sizes = shape_of(run, given) if is_tensor(given) else None
    rows, width = sizes if sizes is not None and len(sizes) == 2 else (None, None)
    unknown = Unknown(origin.Computed("size"))
    made = call.invoke(
        External(call.name.rpartition(".")[0]),
        unknown if rows is None else rows,
        unknown if width is None else width,
        **({} if call["padding_idx"] is None else {"padding_idx": call["padding_idx"]}),
    )
    weight = made.parameters.get("weight") if isinstance(made, ModuleV) else None
    if isinstance(weight, ParamV):
        init = given.init if isinstance(given, ParamV) else UNKNOWN
        overwrite(run, weight, of_tensor(run, given) if isinstance(given, TensorV) else init, call.site)
        if call["freeze"] is not False:
            set_trainable(run, weight, False, call.site)
    return made


_REDUCTIONS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


@library("torch.nn.functional._Reduction.get_enum", "torch.nn._reduction.get_enum", takes="reduction")
def reduction_number(call: Call) -> Value:
    name = call["reduction"]
    return _REDUCTIONS[name] if isinstance(name, str) and name in _REDUCTIONS else call.unknown()
