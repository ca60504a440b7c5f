"""`isinstance`: which types an abstract value has."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.kinds import enums
from vglint.interp.machine.calls import Call, library
from vglint.interp.machine.core import Run, opaque
from vglint.interp.machine.journal import MISSING
from vglint.interp.torch.composite import composite
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.values.objects import (
    ArrayV,
    BuiltinV,
    ClassV,
    DeviceV,
    DictV,
    DtypeV,
    External,
    FunctionV,
    GradScalerV,
    Instance,
    IteratorV,
    ListV,
    LoaderV,
    MethodV,
    NumberMember,
    OpaqueV,
    OptimizerV,
    ParamV,
    PartialV,
    SchedulerV,
    SetV,
    ShapeV,
    TensorDatasetV,
    TextMember,
    Value,
    is_tensor,
)
from vglint.value import Expr, Unknown


@library("builtins.isinstance", "torch.jit.isinstance", takes="obj, class_or_tuple")
def isinstance_(call: Call) -> Value:
    known = is_instance(call.run, call["obj"], call["class_or_tuple"])
    return opaque(call.run, origin.Computed("isinstance"), [call["obj"]], call.site) if known is None else known


@library("builtins.issubclass", takes="cls, class_or_tuple")
def issubclass_(call: Call) -> Value:
    cls, wanted = described(call.run, call["cls"]), call["class_or_tuple"]
    among = tuple(described(call.run, each) for each in (wanted if isinstance(wanted, tuple) else (wanted,)))
    if isinstance(cls, External):
        return _is_library_subclass(cls, among)
    if not isinstance(cls, ClassV):
        return Unknown(origin.Computed("issubclass"))
    if External("builtins.object") in among:
        return True
    if any(base is each or base == each for base in cls.mro for each in among):
        return True
    return any(_library_subclass(cls.mro, each) is True for each in among)


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float,),
    "str": (str,),
    "bool": (bool,),
    "bytes": (bytes,),
    "tuple": (tuple,),
    "list": (ListV,),
    "dict": (DictV,),
    "set": (SetV,),
    "frozenset": (SetV,),
    "range": (range,),
    "slice": (slice,),
    "complex": (complex,),
}
_OWN: dict[type, str] = {DtypeV: "torch.dtype", DeviceV: "torch.device"}
_ABOVE: dict[type, tuple[str, ...]] = {
    OptimizerV: ("torch.optim.Optimizer", "torch.optim.optimizer.Optimizer"),
    SchedulerV: ("torch.optim.lr_scheduler.LRScheduler", "torch.optim.lr_scheduler._LRScheduler"),
    TensorDatasetV: ("torch.utils.data.Dataset",),
}
_SEQUENCES = frozenset({"builtins.tuple", "builtins.list", "builtins.dict", "builtins.str", "builtins.set"})
_HASHABLE = frozenset({"collections.abc.Hashable", "typing.Hashable"})
_ABSTRACT: dict[str, tuple[type, ...]] = {
    "collections.abc.Iterable": (ArrayV, tuple, ListV, DictV, SetV, str, range, IteratorV),
    "typing.Iterable": (ArrayV, tuple, ListV, DictV, SetV, str, range, IteratorV),
    "collections.Iterable": (tuple, ListV, DictV, SetV, str, range, IteratorV),
    "collections.abc.Collection": (tuple, ListV, DictV, SetV, str, range),
    "typing.Collection": (tuple, ListV, DictV, SetV, str, range),
    "collections.abc.Sized": (tuple, ListV, DictV, SetV, str, range),
    "collections.abc.Sequence": (tuple, ListV, str, range),
    "typing.Sequence": (tuple, ListV, str, range),
    "collections.abc.Mapping": (DictV,),
    "typing.Mapping": (DictV,),
    "collections.OrderedDict": (DictV,),
    "typing.List": (ListV,),
    "typing.Tuple": (tuple,),
    "typing.Dict": (DictV,),
    "numbers.Number": (int, float),
    "numbers.Integral": (int,),
    "numbers.Real": (int, float),
    "types.FunctionType": (FunctionV,),
    "typing.Callable": (FunctionV, MethodV, BuiltinV, PartialV, ClassV),
    "collections.abc.Callable": (FunctionV, MethodV, BuiltinV, PartialV, ClassV),
    "functools.partial": (PartialV,),
    "numpy.ndarray": (ArrayV,),
}


def described(run: Run, cls: Value) -> Value:
    """Returns a class of a library as vglint describes it; any other as it is."""
    made = composite(run, ops.canonical(cls.name)) if isinstance(cls, External) else MISSING
    return cls if made is MISSING else made


def is_instance(run: Run, value: Value, cls: Value) -> bool | None:
    """Three-valued isinstance."""
    if isinstance(value, (ClassV, Instance)):
        cls = described(run, cls)
    if isinstance(cls, tuple):
        answers = [is_instance(run, value, each) for each in cls]
        return True if True in answers else None if None in answers else False
    if (
        isinstance(value, Unknown)
        and isinstance(value.origin, origin.Argument)
        and value.origin.whole
        and isinstance(cls, External)
    ):
        # An argument that stands for a size or a count: a number.
        return False if cls.name in _ABSTRACT or cls.name in _SEQUENCES else None
    if isinstance(cls, Unknown) or isinstance(value, (Unknown, OpaqueV)):
        return None
    if enums.is_member(value, cls):
        return True
    if isinstance(value, ClassV) and isinstance(cls, External) and cls.name in enums.KINDS:
        return value.frozen_kind == "enum" and cls.name != "enum.Enum"
    if isinstance(value, Instance):
        if isinstance(cls, External) and cls.name in _HASHABLE:
            return True
        classes = value.cls.mro if isinstance(value.cls, ClassV) else (value.cls,)
        if any(each is cls or (isinstance(each, External) and each == cls) for each in classes):
            return True
        return _library_subclass(classes, cls)
    if isinstance(cls, ClassV):
        return False
    if not isinstance(cls, External):
        return None
    name = cls.name
    own = _OWN.get(type(value))
    if own is not None or name in _OWN.values():
        return own == name
    if isinstance(value, (OptimizerV, SchedulerV, GradScalerV, LoaderV, TensorDatasetV)):
        return name == value.name or name in _ABOVE.get(type(value), ())
    if name in ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor", "torch.autograd.Variable"):
        return is_tensor(value)
    if name == "torch.nn.Parameter" or name.endswith(".Parameter"):
        return isinstance(value, ParamV) and not value.buffer
    if name in ("torch.Size",):
        return isinstance(value, (ShapeV, tuple))
    if name.startswith("builtins."):
        kinds = _PYTHON_TYPES.get(name[9:])
        if name == "builtins.int" and isinstance(value, Expr):
            return True
        if kinds is not None:
            return isinstance(value, kinds)
        if name == "builtins.type":
            return isinstance(value, (ClassV, External))
        return False
    if name in _HASHABLE:
        return not isinstance(value, (ListV, DictV, SetV))
    if name in _ABSTRACT:
        return isinstance(value, _ABSTRACT[name]) or (name.endswith(".Iterable") and is_tensor(value))
    return False


def _is_library_subclass(cls: External, wanted: tuple[Value, ...]) -> Value:
    """`issubclass` of classes of torch and of Python; of others it is known where they are the same alone."""
    if any(each == cls for each in wanted):
        return True
    known = all(isinstance(each, (ClassV, External)) for each in wanted) and is_module_class(cls)
    families = [each for each in wanted if isinstance(each, External)]
    if any(_library_subclass((cls,), each) for each in families):
        return True
    return False if known else Unknown(origin.Computed("issubclass"))


def _library_subclass(classes: tuple[Value, ...], cls: Value) -> bool | None:
    """torch's own class hierarchy, as far as tests ask for it."""
    if not isinstance(cls, External):
        return False
    names = [each.name for each in classes if isinstance(each, External)]
    wanted = cls.name
    if wanted.rpartition(".")[2] == "Module" and wanted.startswith("torch."):
        return any(is_module_class(each) for each in classes)
    for name in names:
        short, family = name.rpartition(".")[2], wanted.rpartition(".")[2]
        if family in _FAMILIES and short in _FAMILIES[family]:
            return True
    if wanted.startswith("builtins."):
        return wanted.rpartition(".")[2] in {name.rpartition(".")[2] for name in names}
    return False


_CONVS = {"Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv2d"}
_FAMILIES: dict[str, set[str]] = {
    "_ConvNd": _CONVS,
    "_ConvTransposeNd": {name for name in _CONVS if "Transpose" in name},
    "_BatchNorm": {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"},
    "_NormBase": {
        "BatchNorm1d",
        "BatchNorm2d",
        "BatchNorm3d",
        "SyncBatchNorm",
        "InstanceNorm1d",
        "InstanceNorm2d",
        "InstanceNorm3d",
    },
    "_InstanceNorm": {"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"},
    "_DropoutNd": {"Dropout", "Dropout2d", "Dropout3d"},
    "RNNBase": {"LSTM", "GRU", "RNN"},
    "RNNCellBase": {"LSTMCell", "GRUCell", "RNNCell"},
    "ReLU": {"ReLU6x"},
}


@library("builtins.type", takes="object, *rest, **options")
def type_(call: Call) -> Value:
    value = call["object"]
    if call.rest:
        return Unknown(origin.Computed("type"))
    if isinstance(value, (Instance, TextMember, NumberMember)):
        return value.cls
    if is_tensor(value):
        return External("torch.Tensor")
    if isinstance(value, (OptimizerV, SchedulerV, GradScalerV, LoaderV, TensorDatasetV)):
        return External(value.name)
    for name, kinds in (
        ("bool", (bool,)),
        ("int", (int, Expr)),
        ("float", (float,)),
        ("str", (str,)),
        ("list", (ListV,)),
        ("tuple", (tuple,)),
        ("dict", (DictV,)),
        ("set", (SetV,)),
    ):
        if isinstance(value, kinds):
            return External("builtins." + name)
    return value if isinstance(value, Unknown) else Unknown(origin.Computed("type"))
