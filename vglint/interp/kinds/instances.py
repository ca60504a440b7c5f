"""Objects: what their classes say that they answer."""

from __future__ import annotations

from msgspec import Struct

from vglint import origin
from vglint.interp.kinds.dicts import lacks
from vglint.interp.kinds.mappings import METHODS as OF_MAPPINGS
from vglint.interp.kinds.mappings import is_mapping, mapping_method
from vglint.interp.kinds.records import OF_RECORDS, record_method
from vglint.interp.kinds.supers import base_method, plain_lookup
from vglint.interp.machine.core import (
    Frame,
    Raised,
    Run,
    call,
    get_attribute,
    opaque,
    register,
)
from vglint.interp.machine.journal import MISSING, Missing
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    ENTER,
    GETATTR,
    ITEM,
    ITERATE,
    LEAVE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
)
from vglint.interp.protocols.comparison import dunder, truth
from vglint.interp.protocols.contexts import raised_class
from vglint.interp.protocols.equality import held_in
from vglint.interp.protocols.iteration import LIMIT, Items, items_of
from vglint.interp.protocols.tensor_parts import native_item
from vglint.interp.torch.modules import bind_attribute, bind_cached, is_asked_first, set_property
from vglint.interp.torch.replay import names_around
from vglint.interp.values.classes import class_name, find_in_mro
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    DictV,
    FunctionV,
    Instance,
    IteratorV,
    Locals,
    MethodV,
    ModuleV,
    ParamV,
    Site,
    TensorV,
    Value,
    is_unknown,
)
from vglint.value import Unknown


@register(GETATTR, Instance)
def instance(run: Run, value: Instance, name: str, frame: Frame) -> Value:
    found = find_in_mro(value.cls, name)
    if found is not None and is_asked_first(found[0]):
        return bind_attribute(run, found[0], value, frame, found[1])
    if name in value.attrs:
        return value.attrs[name]
    if found is not None:
        return bind_cached(run, found[0], value, name, frame, found[1])
    if name == "__class__":
        return value.cls
    if name == "__dict__":
        return DictV(value.attrs)
    if name == "__getattribute__":
        return plain_lookup(value, name)
    if value.entries is not None and (own := base_method(value.entries, name)) is not None:
        return own
    if isinstance(value.cls, ClassV):
        general = find_in_mro(value.cls, "__getattribute__")
        if general is not None and ("renamed", name) not in value.asking:
            # A class may rename attributes here: asked only where the plain look-up finds nothing.
            return _renamed(run, general[0], value, name, frame)
        fallback = find_in_mro(value.cls, "__getattr__")
        if fallback is not None:
            try:
                return call(run, MethodV(fallback[0], value), [name], {}, frame, Site(frame.unit, frame.unit.head))
            except Raised:
                if run.context.trying:
                    raise
                return Unknown(origin.Member(value.cls.name, name))
        if value.cls.fields is not None and name in OF_RECORDS:
            return record_method(run, value, name)
        if name in OF_MAPPINGS and is_mapping(value.cls):
            return mapping_method(run, value, name)
    return Unknown(origin.Member(value.cls.name, name))


class Answer(Struct, frozen=True, eq=False):
    """What a class said of one attribute of one object (`holder`, which it keeps alive), or the exception that it raised."""

    holder: Instance
    found: Value
    raised: Raised | None
    version: int
    steps: int


def _renamed(run: Run, asked: Value, value: Instance, name: str, frame: Frame) -> Value:
    """Asks a class's own `__getattribute__` for an attribute; what it answered before holds until something is written."""
    key = id(value), name, run.context.trying, frozenset(value.asking)
    known = run.journal.learnt.renamed.get(key)
    if isinstance(known, Answer) and known.version == run.journal.version:
        run.budget.tick(known.steps)
        if known.raised is not None:
            again = Raised(known.raised.name, known.raised.value, known.raised.site)
            again.abstract = known.raised.abstract
            raise again
        return known.found
    steps, version, made = run.budget.steps, run.journal.version, _made(run)
    found: Value = None
    raised: Raised | None = None
    value.asking.add(("renamed", name))
    try:
        with run.journal.recorded() as written:
            found = call(run, MethodV(asked, value), [name], {}, frame, Site(frame.unit, frame.unit.head))
    except Raised as error:
        raised = error
    finally:
        value.asking.discard(("renamed", name))
    alone = all(
        type(holder) is IteratorV or (type(holder) is Locals and not holder.captured) for holder, _, _ in written
    )
    if alone and _made(run) == made and _reads_no_module(asked, value):
        run.journal.learnt.renamed[key] = Answer(value, found, raised, version, run.budget.steps - steps)
    if raised is not None:
        raise raised
    return found


def _made(run: Run) -> tuple[int, int, int, int]:
    graph = run.graph
    return len(graph.nodes), len(graph.modules), len(graph.regions), len(graph.gaps)


def _reads_no_module(asked: Value, value: Instance) -> bool:
    """Whether all that an answer may depend on is counted when it is written: attributes of modules and names of calls are not."""
    if not isinstance(asked, FunctionV) or next(iter(names_around(asked)), None) is not None:
        return False
    return not any(isinstance(each, (ModuleV, ParamV, TensorV)) for each in value.attrs.values())


@register(SETATTR, Instance)
def set_attribute(run: Run, target: Instance, name: str, value: Value, frame: Frame, site: Site) -> None:
    own = find_in_mro(target.cls, "__setattr__")
    if own is not None and ("set", name) not in target.asking:
        target.asking.add(("set", name))
        try:
            call(run, MethodV(own[0], target), [name, value], {}, frame, site)
        finally:
            target.asking.discard(("set", name))
    elif not set_property(run, target, name, value, frame, site):
        if isinstance(target.cls, ClassV) and target.cls.frozen and name in target.attrs:
            raise Raised("FrozenInstanceError", None, site)
        run.journal.put(target.attrs, name, value)


@register(CALL, Instance)
def call_instance(
    run: Run, value: Instance, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    method = find_in_mro(value.cls, "__call__")
    if method is not None:
        return call(run, MethodV(method[0], value), args, keywords, frame, site)
    if isinstance(value.cls, ClassV):
        forward = find_in_mro(value.cls, "forward")
        if forward is not None:
            return call(run, MethodV(forward[0], value), args, keywords, frame, site)
    return opaque(run, origin.Call(f"{class_name(value.cls)}()"), [*args, *keywords.values()], site)


@register(ITEM, Instance)
def item(run: Run, value: Instance, key: Value, frame: Frame, site: Site) -> Value:
    if isinstance(value.cls, ClassV) and value.cls.fields is not None:
        if isinstance(key, (int, slice)):
            present = [each for name in value.cls.fields if (each := value.attrs.get(name)) is not None]
            return native_item(tuple(present), key)
        if isinstance(key, str) and key in value.attrs:
            return value.attrs[key]
    method = find_in_mro(value.cls, "__getitem__")
    if method is not None:
        return call(run, MethodV(method[0], value), [key], {}, frame, site)
    if isinstance(key, str) and key in value.attrs:
        return value.attrs[key]
    found = get_attribute(run, value, "__getitem__", frame)
    if not is_unknown(found):
        missing = find_in_mro(value.cls, "__missing__")
        if missing is not None and isinstance(value.entries, DictV) and lacks(value.entries, key):
            return call(run, MethodV(missing[0], value), [key], {}, frame, site)
        return call(run, found, [key], {}, frame, site)
    return opaque(run, origin.Call(f"index of {value.cls.name}"), [value], site)


@register(SET_ITEM, Instance)
def set_item(run: Run, holder: Instance, key: Value, value: Value, frame: Frame, site: Site) -> None:
    method = get_attribute(run, holder, "__setitem__", frame)
    if not is_unknown(method):
        call(run, method, [key, value], {}, frame, site)
    elif isinstance(key, str):
        run.journal.put(holder.attrs, key, value)


@register(ITERATE, Instance)
def items(run: Run, value: Instance, frame: Frame, site: Site) -> Items:
    if isinstance(value.cls, ClassV) and value.cls.frozen_kind == "namedtuple":
        return Items([value.attrs.get(name) for name in value.cls.fields or ()])
    if value.entries is not None:
        return items_of(run, value.entries, frame, site)
    if isinstance(value.cls, ClassV) and value.cls.fields is not None:
        return Items([name for name in value.cls.fields if value.attrs.get(name) is not None])
    method = get_attribute(run, value, "__iter__", frame)
    if not is_unknown(method):
        result = call(run, method, [], {}, frame, site)
        if result is not value:
            return items_of(run, result, frame, site)
    by_index = _by_index(run, value, frame, site)
    if by_index is not None:
        return by_index
    unknown = opaque(run, origin.Length("iteration"), [value], site)
    return Items(None, unknown, Unknown(origin.Length("iteration")))


def _by_index(run: Run, value: Instance, frame: Frame, site: Site) -> Items | None:
    """The items of an object that is indexed from 0 to its length, where that is known."""
    length, item = (get_attribute(run, value, name, frame) for name in ("__len__", "__getitem__"))
    if not isinstance(length, MethodV) or not isinstance(item, MethodV):
        return None
    count = call(run, length, [], {}, frame, site)
    if not isinstance(count, int) or not 0 <= count <= LIMIT:
        return None
    return Items([call(run, item, [position], {}, frame, site) for position in range(count)])


@register(TRUTH, Instance)
def truth_of(run: Run, value: Instance, frame: Frame, site: Site) -> bool | None:
    if not isinstance(value.cls, ClassV) or value.cls.frozen_kind:
        return True
    for name in ("__bool__", "__len__"):
        method = get_attribute(run, value, name, frame)
        if not is_unknown(method):
            return truth(run, call(run, method, [], {}, frame, site), frame, site)
    return True


@register(CONTAINS, Instance)
def contains(run: Run, holder: Instance, item: Value, frame: Frame, site: Site) -> bool | None:
    if isinstance(holder.cls, ClassV) and holder.cls.fields is not None and isinstance(item, str):
        return holder.attrs.get(item) is not None
    method = get_attribute(run, holder, "__contains__", frame)
    if is_unknown(method):
        found = items_of(run, holder, frame, site).items
        return None if found is None else held_in(found, item)
    return truth(run, call(run, method, [item], {}, frame, site), frame, site)


@register(OPERATE, Instance)
def operate(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    return dunder(run, symbol, left, right, frame, site)


@register(COMPARE, Instance)
def compare(run: Run, symbol: str, left: Value, right: Value, frame: Frame, site: Site) -> Value | Missing:
    """Compares by the method of a class of the program, where it has one."""
    made = dunder(run, symbol, left, right, frame, site)
    if made is MISSING and symbol == "!=":
        same = dunder(run, "==", left, right, frame, site)
        known = None if same is MISSING else truth(run, same, frame, site)
        return MISSING if known is None else not known
    return made


@register(LEAVE, Instance)
def leave(run: Run, value: Instance, error: Raised | None, frame: Frame, site: Site) -> bool:
    method = get_attribute(run, value, "__exit__", frame) if isinstance(value.cls, ClassV) else None
    if not isinstance(method, MethodV):
        return False
    kind = None if error is None else raised_class(error)
    given = [kind, None if error is None else error.value, None]
    return truth(run, call(run, method, given, {}, frame, site), frame, site) is True


@register(ENTER, Instance)
def enter(run: Run, value: Instance, frame: Frame, site: Site) -> Value:
    if isinstance(value.cls, ClassV):
        method = get_attribute(run, value, "__enter__", frame)
        if not is_unknown(method) and not isinstance(method, BuiltinV):
            return call(run, method, [], {}, frame, site)
    return value
