"""What is not known: alone, or made from tensors."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.kinds.tensors import bound_method
from vglint.interp.machine.core import (
    Frame,
    Run,
    call,
    opaque,
    register,
)
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.nodes.emit import entry_input
from vglint.interp.protocols.comparison import tensor_binary
from vglint.interp.protocols.indexing import key_text
from vglint.interp.protocols.iteration import Items
from vglint.interp.protocols.operators import symbolic_operands
from vglint.interp.torch.devices import is_of_device
from vglint.interp.torch.escapes import escape
from vglint.interp.torch.given import act_of_unknown
from vglint.interp.values.objects import (
    DeviceV,
    DtypeV,
    External,
    FunctionV,
    MethodV,
    OpaqueV,
    PartialV,
    Site,
    Value,
)
from vglint.source import code
from vglint.value import Unknown

declines((Unknown, OpaqueV), SETATTR, SET_ITEM, CONTAINS)
declines((OpaqueV,), COMPARE)

register(OPERATE, Unknown)(symbolic_operands)


@register(CALL, Unknown, OpaqueV)
def call_unknown(
    run: Run, value: Unknown | OpaqueV, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if run.context.training_code and isinstance(value, Unknown):
        acted = act_of_unknown(run, value, args, keywords, site)
        if acted is not MISSING:
            return acted
    if run.context.training_code and (applied := _applied(run, args, frame, site)) is not MISSING:
        return applied
    why = value if isinstance(value, Unknown) else value.why
    escape(run, _library_name(why), [*args, *keywords.values()], site)
    sources: list[Value] = [*args, *keywords.values()]
    if isinstance(value, OpaqueV):
        sources.insert(0, value)
    cause = origin.part(why.origin, origin.Part("call"))
    result = opaque(run, cause, sources, site)
    return result if isinstance(result, OpaqueV) else Unknown(cause)


_MAPS = frozenset("map imap imap_unordered map_async".split())
_CALLS = frozenset("submit apply apply_async run_in_executor".split())


def _applied(run: Run, args: list[Value], frame: Frame, site: Site) -> Value | Missing:
    """Performs what a pool of processes or threads does with a function of the program: `pool.map(train, configs)`, `pool.submit(train, 3)`."""
    method = (
        site.node.func.attr if isinstance(site.node, code.Call) and isinstance(site.node.func, code.Attribute) else ""
    )
    function = args[0] if args else None
    if not isinstance(function, (FunctionV, MethodV, PartialV)):
        return MISSING
    if method in _MAPS and len(args) > 1:
        return call(run, External("builtins.map"), args, {}, frame, site)
    if method in _CALLS:
        return call(run, function, args[1:], {}, frame, site)
    return MISSING


def _library_name(unknown: Unknown) -> str:
    """Returns the qualified name of the library code that made an unknown value; '' where it has another origin."""
    match unknown.origin:
        case origin.Call(callee=name) | origin.Name(name=name):
            return name
        case _:
            return ""


@register(GETATTR, Unknown)
def unknown(run: Run, value: Unknown, name: str, frame: Frame) -> Value:
    return Unknown(origin.part(value.origin, origin.Part("attribute", name)))


@register(GETATTR, OpaqueV)
def opaque_(run: Run, value: OpaqueV, name: str, frame: Frame) -> Value:
    if name in ("shape", "dtype", "device", "ndim"):
        return Unknown(origin.part(value.why.origin, origin.Part("attribute", name)))
    if ops.method(name) is not None:
        return bound_method(run, value, name, frame)
    return value.part(value.site)


@register(ITEM, Unknown)
def item(run: Run, value: Unknown, key: Value, frame: Frame, site: Site) -> Value:
    return Unknown(origin.part(value.origin, origin.Part("item", key_text(key))))


@register(ITEM, OpaqueV)
def opaque_item(run: Run, value: OpaqueV, key: Value, frame: Frame, site: Site) -> Value:
    return value.part(site)


@register(ITERATE, Unknown)
def items(run: Run, value: Unknown, frame: Frame, site: Site) -> Items:
    """Yields parts of it; what training code iterates over without knowing its length are batches."""
    length = Unknown(origin.Length(value.text))
    if run.context.training_code and (
        isinstance(value.origin, origin.FROM_ARGUMENTS) or (_is_foreign(value) and not run.context.setup)
    ):
        return Items(None, entry_input(run, f"each of {value.text}", site), length)
    return Items(None, Unknown(origin.each(value.origin)), length)


def _is_foreign(value: Unknown) -> bool:
    """Whether a value comes from code that is not in reach: a loader of another package."""
    return isinstance(value.origin, (*origin.UNDEFINED, *origin.CALLS)) and len(value.text) <= origin.LONGEST


@register(ITERATE, OpaqueV)
def opaque_items(run: Run, value: OpaqueV, frame: Frame, site: Site) -> Items:
    return Items(None, value.part(site), Unknown(origin.Length(value.why.text)))


@register(TRUTH, Unknown, OpaqueV)
def truth(run: Run, value: Unknown | OpaqueV, frame: Frame, site: Site) -> bool | None:
    """What a world is about is given there, and not empty."""
    if not isinstance(value, Unknown):
        return None
    if run.context.world is None:
        run.context.doubted.add(value.origin)
        return None
    return True if run.context.world.gives(value) else None


@register(OPERATE, OpaqueV)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    return tensor_binary(run, symbol, left, right, site)


@register(COMPARE, Unknown)
def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """A dtype that nothing tells is none of those that models are rarely trained in; a device is one of two, each in a world of its own."""
    for one, other in ((left, right), (right, left)):
        named = other if isinstance(other, str) else other.name if isinstance(other, DeviceV) else None
        if symbol in ("==", "!=") and isinstance(one, Unknown) and named:
            answer = is_of_device(run, one, named)
            if answer is not None:
                return answer == (symbol == "==")
        if isinstance(one, Unknown) and isinstance(one.origin, origin.Dtype) and isinstance(other, DtypeV):
            run.graph.asked += [(one.origin.input, "dtype")] if one.origin.input else []
    rare = _is_rare_dtype(left, right) or _is_rare_dtype(right, left)
    return symbol == "!=" if rare and symbol in ("==", "!=") else MISSING


_RARE = frozenset("float16 bfloat16 float64 complex64 complex128 float8_e4m3fn float8_e5m2 int8 uint8 quint8".split())


def _is_rare_dtype(one: Value, other: Value) -> bool:
    return (
        isinstance(one, Unknown)
        and isinstance(one.origin, origin.Dtype)
        and isinstance(other, DtypeV)
        and other.name in _RARE
    )
