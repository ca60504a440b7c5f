"""`value.name` of everything that is not a module."""

from __future__ import annotations

import math
from typing import Any

from vglint import ops, origin
from vglint.interp.kinds import native_methods
from vglint.interp.kinds.enums import by_name
from vglint.interp.kinds.mappings import METHODS as OF_MAPPINGS
from vglint.interp.kinds.mappings import is_mapping, mapping_method
from vglint.interp.kinds.supers import plain_lookup, super_attribute
from vglint.interp.kinds.tensors import bound_method, tensor_attribute
from vglint.interp.machine.core import CONSTANTS, GETATTR, Frame, Raised, Run, call, get_attribute, register
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.names import member
from vglint.interp.machine.names import namespace as space_of
from vglint.interp.nodes.emit import emit, entry_input, shape_of
from vglint.interp.nodes.ranks import rank_of
from vglint.interp.protocols.tensor_parts import sizes_of
from vglint.interp.torch.autograd_functions import bound_apply, is_function_class
from vglint.interp.torch.composite import COMPOSITES, composite
from vglint.interp.torch.devices import FLOAT32, HERE, dtype, on_device
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.torch.making import METHODS
from vglint.interp.torch.modules import bind_attribute
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassMethodV,
    ClassV,
    CodeV,
    DictV,
    External,
    FunctionV,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    Namespace,
    OpaqueV,
    ParamV,
    ParamView,
    PartialV,
    PropertyV,
    SetV,
    ShapeV,
    Site,
    StaticV,
    SuperV,
    TensorV,
    Value,
)
from vglint.value import Expr, Unknown


@register(GETATTR, External)
def external(run: Run, value: External, name: str, frame: Frame) -> Value:
    qualified = f"{value.name}.{name}"
    if qualified in CONSTANTS:
        return CONSTANTS[qualified]
    described = composite(run, value.name) if value.name in COMPOSITES else MISSING
    if described is not MISSING:
        return get_attribute(run, described, name, frame)
    if name == "__name__":
        return value.name.rpartition(".")[2]
    if name in ("forward", "__init__") and value.name.startswith("torch.nn.") and ops.find(value.name) is not None:
        return _unbound(name)
    if value.name == "math" and isinstance(constant := getattr(math, name, None), float):
        return constant
    return External(qualified)


@register(GETATTR, Namespace)
def namespace(run: Run, value: Namespace, name: str, frame: Frame) -> Value:
    found = member(run, value, name)
    if found is not MISSING:
        return found
    if name == "__dict__":
        return value
    module = run.project.resolve(value.module, name, 1) if value.module.is_package else None
    if module is not None:
        return space_of(run, module)
    return Unknown(origin.Name(f"{value.module.name}.{name}"))


@register(GETATTR, ClassV)
def class_(run: Run, value: ClassV, name: str, frame: Frame) -> Value:
    if name == "__name__":
        return value.name
    if name == "__module__":
        return value.qualified.rpartition(".")[0]
    if name == "__mro__":
        return value.mro
    if name == "__dict__":
        return DictV(dict(value.names))
    if name == "__members__" and value.frozen_kind == "enum":
        return by_name(value)
    found = find_in_mro(value, name)
    if found is not None:
        attribute = found[0]
        if isinstance(attribute, StaticV):
            return attribute.function
        return MethodV(attribute.function, value) if isinstance(attribute, ClassMethodV) else attribute
    if name == "value" and value.frozen_kind == "enum":
        return Unknown(origin.Computed("value"))
    for base in value.mro:
        if isinstance(base, External):
            if is_module_class(value) and (name in METHODS or name in ("__init__", "forward")):
                return _unbound(name)
            if name == "__init__":
                return BuiltinV("__init__", lambda run, args, keywords, frame, site: None)
            qualified = f"{base.name}.{name}"
            if qualified in CONSTANTS:
                return CONSTANTS[qualified]
    if name == "apply" and is_function_class(value):
        return bound_apply(value)
    return Unknown(origin.Name(f"{value.name}.{name}"))


def _unbound(name: str) -> BuiltinV:
    """`nn.Module.__init__(self)`: a method of torch's called on the class."""

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if args and isinstance(args[0], ModuleV) and isinstance(args[0].cls, ClassV):
            last = [base for base in args[0].cls.mro if isinstance(base, ClassV)][-1]
            return call(run, super_attribute(run, SuperV(last, args[0]), name, frame), args[1:], keywords, frame, site)
        return None

    return BuiltinV(name, invoke)


@register(GETATTR, Instance)
def instance(run: Run, value: Instance, name: str, frame: Frame) -> Value:
    found = find_in_mro(value.cls, name)
    if found is not None and isinstance(found[0], PropertyV):
        return bind_attribute(run, found[0], value, frame, found[1])
    if name in value.attrs:
        return value.attrs[name]
    if found is not None:
        return bind_attribute(run, found[0], value, frame, found[1])
    if name == "__class__":
        return value.cls
    if name == "__dict__":
        return DictV(value.attrs)
    if name == "__getattribute__":
        return plain_lookup(value, name)
    if value.entries is not None and (
        name in native_methods.DICT or name in ("__getitem__", "__setitem__", "__contains__")
    ):
        return native_methods.dict_base_method(run, value.entries, name)
    if isinstance(value.cls, ClassV):
        general = find_in_mro(value.cls, "__getattribute__")
        if general is not None and ("renamed", name) not in value.asking:
            # A class may rename attributes here: asked only where the plain look-up finds nothing.
            value.asking.add(("renamed", name))
            try:
                site = Site(frame.unit, frame.unit.head)
                return call(run, MethodV(general[0], value), [name], {}, frame, site)
            finally:
                value.asking.discard(("renamed", name))
        fallback = find_in_mro(value.cls, "__getattr__")
        if fallback is not None:
            try:
                return call(run, MethodV(fallback[0], value), [name], {}, frame, Site(frame.unit, frame.unit.head))
            except Raised:
                if run.context.trying:
                    raise
                return Unknown(origin.Member(value.cls.name, name))
        if value.cls.fields is not None and name in (
            "keys",
            "values",
            "items",
            "get",
            "to_tuple",
            "_replace",
            "_asdict",
        ):
            return native_methods.record_method(run, value, name)
        if name in OF_MAPPINGS and is_mapping(value.cls):
            return mapping_method(run, value, name)
    return Unknown(origin.Member(value.cls.name, name))


@register(GETATTR, FunctionV, MethodV, BuiltinV, PartialV)
def function(run: Run, value: Any, name: str, frame: Frame) -> Value:
    if name in ("__name__", "__qualname__"):
        return getattr(value, "name", "function")
    if name == "__func__" and isinstance(value, MethodV):
        return value.function
    if name == "__self__" and isinstance(value, MethodV):
        return value.self
    if name == "func" and isinstance(value, PartialV):
        return value.function
    if name == "keywords" and isinstance(value, PartialV):
        return DictV(dict(value.keywords))
    if isinstance(value, MethodV):
        return get_attribute(run, value.function, name, frame)
    if isinstance(value, FunctionV):
        match name:
            case "__code__":
                return CodeV(value)
            case "__defaults__" | "__kwdefaults__":
                return tuple(value.defaults.values()) or None
            case "__globals__" | "__annotations__" | "__dict__":
                return DictV({}, complete=False)
            case "__closure__" | "__doc__":
                return None
            case "__module__":
                return value.scope.module.module.name
            case _:
                pass
    return Unknown(origin.Member("a function", name))


@register(GETATTR, CodeV)
def code(run: Run, value: CodeV, name: str, frame: Frame) -> Value:
    function = value.function
    params = function.node.parameters
    positional = [param.name for param in (*params.positional_only, *params.positional)]
    match name:
        case "co_varnames":
            return (*positional, *(param.name for param in params.keyword_only))
        case "co_argcount":
            return len(positional)
        case "co_name":
            return function.name
        case "co_flags":
            return 0
        case "co_filename":
            return function.unit.file
        case "replace":
            # What it changes is how the code is named and cached, not what it does.
            return BuiltinV("replace", lambda run, args, keywords, frame, site: value)
        case _:
            return Unknown(origin.Member("types.CodeType", name))


@register(GETATTR, Unknown)
def unknown(run: Run, value: Unknown, name: str, frame: Frame) -> Value:
    return Unknown(origin.part(value.origin, f".{name}"))


@register(GETATTR, OpaqueV)
def opaque_(run: Run, value: OpaqueV, name: str, frame: Frame) -> Value:
    if name in ("shape", "dtype", "device", "ndim"):
        return Unknown(origin.part(value.why.origin, f".{name}"))
    deps = value.deps if value.node is None else (value.node,)
    if ops.method(name) is not None:
        return bound_method(run, value, name, frame)
    return OpaqueV(value.why, deps, None, value.site)


@register(GETATTR, int, float, str, bytes, tuple, bool, type(None), range, slice, ListV, DictV, SetV, IteratorV)
def native(run: Run, value: Any, name: str, frame: Frame) -> Value:
    return native_methods.method_of(run, value, name)


@register(GETATTR, Expr)
def number(run: Run, value: Expr, name: str, frame: Frame) -> Value:
    if name == "item":
        return BuiltinV("item", lambda run, args, keywords, frame, site: value)
    return Unknown(origin.Computed(f"{value}.{name}"))


@register(GETATTR, ShapeV)
def shape_method(run: Run, value: ShapeV, name: str, frame: Frame) -> Value:
    if name == "numel":
        return BuiltinV("numel", lambda run, args, keywords, frame, site: Unknown(origin.Computed("numel")))
    return Unknown(origin.Computed(f"shape.{name}"))


@register(GETATTR, TensorV, ParamV, ParamView)
def tensor(run: Run, value: Any, name: str, frame: Frame) -> Value:
    """Attributes of tensors that hold no tensor; methods and the rest are ops."""
    match name:
        case "shape":
            return sizes_of(run, value)
        case "ndim":
            shape = shape_of(run, value)
            return rank_of(run, value) if shape is None else len(shape)
        case "device":
            return HERE
        case "dtype":
            return dtype_of(run, value.node, 0) if isinstance(value, TensorV) else FLOAT32
        case "requires_grad":
            return value.trainable if isinstance(value, ParamV) else Unknown(origin.Computed("requires_grad"))
        case "is_cuda" if run.context.modules_running:
            return on_device(run) == "cuda"
        case "is_cuda" | "is_sparse" | "is_quantized" | "is_mps" | "is_nested":
            return False
        case "grad":
            if isinstance(value, ParamV) and run.context.training_code:
                emit(run, "param_grad", [], {}, Site(frame.unit, frame.unit.head), params=[("0", value)])
            return Unknown(origin.Computed("grad"))
        case "data" if isinstance(value, ParamV):
            return ParamView(value, True, True)
        case "data" if isinstance(value, ParamView):
            return value
        case _:
            pass
    if (
        isinstance(value, TensorV)
        and not value.pick
        and run.graph.nodes[value.node].op == "input"
        and ops.method(name) is None
        and ops.attribute(name) is None
        and name not in native_methods.TENSOR_NAMES
    ):
        # Not a tensor but something that holds tensors: a batch object, a packed sequence.
        return entry_input(
            run, f"{run.graph.nodes[value.node].config.get('name')}.{name}", Site(frame.unit, frame.unit.head)
        )
    if ops.attribute(name) is not None:
        return tensor_attribute(run, value, name, frame)
    return bound_method(run, value, name, frame)


INT64, BOOL = dtype("int64"), dtype("bool")
_FLOATS = frozenset({"weight", "norm", "activation", "attention", "recurrent", "dropout", "pool", "loss"})


def dtype_of(run: Run, node: int, depth: int) -> Value:
    """Returns the dtype of a node's output as far as its ops tell: layers make floats, the rest keeps what it gets."""
    draft = run.graph.nodes[node]
    op = ops.OPS.get(draft.op)
    if ops.has(draft.op, "gives_integers"):
        return INT64
    if ops.has(draft.op, "gives_truths"):
        return BOOL
    if draft.op == "input" and isinstance(named := draft.config.get("dtype"), str):
        return dtype(named)
    if draft.op == "join" and draft.inputs and depth < 30:
        return dtype_of(run, draft.inputs[0], depth + 1)
    if draft.op == "parameter" or (op is not None and op.kind in _FLOATS):
        return FLOAT32
    if draft.inputs and depth < 30 and op is not None and op.kind in ("shape", "combine", "elementwise", "reduce"):
        return dtype_of(run, draft.inputs[0], depth + 1)
    return Unknown(origin.Dtype())
