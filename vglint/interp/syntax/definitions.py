"""`def` and `class`: what their statements make."""

from __future__ import annotations

from vglint import ops, origin
from vglint.interp.kinds import enums
from vglint.interp.machine.core import Frame, Run, call, evaluate, execute
from vglint.interp.machine.defaults import defaults_of
from vglint.interp.machine.journal import MISSING
from vglint.interp.machine.registries import registered
from vglint.interp.static.options import option_of
from vglint.interp.static.wrapping import wraps_otherwise
from vglint.interp.torch.composite import composite
from vglint.interp.torch.contexts import AUTOCAST, NO_GRAD
from vglint.interp.values.classes import find_in_mro
from vglint.interp.values.objects import (
    ClassMethodV,
    ClassV,
    ContextV,
    External,
    FunctionV,
    Instance,
    MethodV,
    PropertyV,
    Scope,
    Site,
    StaticV,
    Value,
)
from vglint.source import code
from vglint.value import Unknown

PROPERTIES = frozenset(
    {
        "builtins.property",
        "functools.cached_property",
        "torch.jit.unused_property",
        "transformers.utils.cached_property",
        "abc.abstractproperty",
    }
)
OPTIONS = frozenset({"click.option", "click.argument", "rich_click.option", "rich_click.argument"})
MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})


def make_function(run: Run, node: code.Function, frame: Frame) -> Value:
    """Returns the value of a `def`, its decorators applied as far as they change what a call does."""
    function = FunctionV(node.name, node, frame.scope, frame.unit, defaults_of(run, node.parameters, frame), frame.cls)
    value: Value = function
    for decorator in reversed(node.decorators):
        value = _decorated(run, decorator, value, function, frame)
    return value


_FIELD_MAKERS = frozenset({"huggingface_hub.dataclasses.as_validated_field"})
"""What makes of a function that refuses values one that makes fields of such values."""


def _decorated(run: Run, decorator: code.Expression, value: Value, function: FunctionV, frame: Frame) -> Value:
    called = isinstance(decorator, code.Call)
    target = decorator.func if isinstance(decorator, code.Call) else decorator
    if (
        isinstance(target, code.Attribute)
        and target.attr in ("setter", "getter", "deleter")
        and isinstance(target.value, code.Name)
    ):
        before = frame.scope.names.get(target.value.id)
        if isinstance(before, PropertyV):
            return PropertyV(before.getter, value) if target.attr == "setter" else before
        return PropertyV(None, value)
    known = evaluate(run, target, frame) if isinstance(target, (code.Name, code.Attribute)) else None
    if isinstance(known, External):
        cached = known.name.rsplit(".", 1)[-1] in ("cached_property", "lazyproperty")
        if known.name in PROPERTIES or cached:
            return PropertyV(value, None, cached)
        if known.name in ("builtins.staticmethod", "abc.abstractstaticmethod"):
            return StaticV(value)
        if known.name in ("builtins.classmethod", "abc.abstractclassmethod"):
            return ClassMethodV(value)
        if known.name in _FIELD_MAKERS:
            return External("dataclasses.field")
        if known.name == "functools.singledispatch":
            return Unknown(origin.Call(known.name))
        if known.name in ("functools.lru_cache", "functools.cache"):
            function.memo = {}
        if called and known.name in OPTIONS:
            _takes_option(run, decorator, function, frame)
        function.manages = function.manages or known.name in MANAGERS
        if known.name in NO_GRAD or (called and known.name in AUTOCAST):
            context = evaluate(run, decorator, frame) if called else ContextV(known.name, "no_grad", known.name)
            function.regions = (*function.regions, context) if isinstance(context, ContextV) else function.regions
        function.cached = function.cached or known.name.rpartition(".")[2] in ("cache", "lru_cache", "memoize")
        return value
    if isinstance(known, ClassV) and any(isinstance(base, External) and base.name in PROPERTIES for base in known.mro):
        return PropertyV(value)
    if isinstance(known, FunctionV) and (
        function.name == "__init__" or _adds_arguments(run, known) or _changes_calls(run, known)
    ):
        # What wraps a constructor keeps its arguments, as a rule.
        made = call(run, evaluate(run, decorator, frame), [value], {}, frame, Site(frame.unit, decorator))
        if not isinstance(made, FunctionV):
            return value
        if made is not value and isinstance(value, FunctionV):
            made.wraps = value
        return made
    registered(run, decorator, known, value, frame)
    if isinstance(known, FunctionV):
        function.cached = function.cached or _stores(known)
    # Other decorators log, register, document or cache: calling the result calls the function.
    return value


def _takes_option(run: Run, decorator: code.Expression, function: FunctionV, frame: Frame) -> None:
    """Gives a parameter the default of the option of the command line that a decorator makes of it."""
    option = option_of(decorator)
    if option is not None and option.default is not None:
        function.defaults[option.name] = evaluate(run, option.default, frame)
    elif option is not None and option.is_flag:
        function.defaults[option.name] = False


def _changes_calls(run: Run, decorator: FunctionV) -> bool:
    """Whether what a decorator puts around a function does more than to hand on its arguments and its result: it calls it otherwise, or
    several times, or inside a `with`, or returns something else."""
    key = id(decorator.node)
    if key not in run.journal.learnt.changing:
        run.journal.learnt.changing[key] = wraps_otherwise(decorator.node)
    return run.journal.learnt.changing[key]


def _adds_arguments(run: Run, decorator: FunctionV) -> bool:
    """Whether what a decorator puts around a function hands it keyword arguments that its caller did not give."""
    key = id(decorator.node)
    if key not in run.journal.learnt.adding:
        tree = decorator.node
        run.journal.learnt.adding[key] = any(
            isinstance(node, code.Assign)
            and any(
                isinstance(to, code.Subscript) and isinstance(to.value, code.Name) and to.value.id == name
                for to in node.targets
            )
            for inner in code.walk(tree)
            if isinstance(inner, code.Function) and inner.parameters.others and inner is not tree
            for name in (inner.parameters.others.name,)
            for node in code.walk(inner)
        )
    return run.journal.learnt.adding[key]


def _stores(decorator: FunctionV) -> bool:
    """Whether a decorator's code stores anything in an attribute or a container, as one does that keeps results."""
    for node in code.walk(decorator.node):
        match node:
            case code.Call(func=code.Name(id="setattr")):
                return True
            case code.Assign(targets=targets) if any(map(_is_part, targets)):
                return True
            case code.Augmented(target=target) | code.Annotated(target=target) if _is_part(target):
                return True
            case _:
                pass
    return False


def _is_part(target: code.Expression) -> bool:
    inside = target.elements if isinstance(target, code.Display) else (target,)
    return any(isinstance(each, (code.Attribute, code.Subscript)) for each in inside)


def make_class(run: Run, node: code.Class, frame: Frame) -> ClassV:
    """Executes a class body and returns the class."""
    bases: list[Value] = []
    for each in node.bases:
        base = generic_base(evaluate(run, each, frame))
        described = composite(run, ops.canonical(base.name)) if isinstance(base, External) else MISSING
        bases.append(base if described is MISSING else described)
    module = frame.scope.module
    prefix = module.prefix or module.module.name
    cls = ClassV(node.name, f"{prefix}.{node.name}", tuple(bases), {}, frame.unit, node)
    cls.mro = linearise(cls)
    scope = Scope(cls.names, frame.scope, module)
    inner = Frame(scope, frame.unit, None, None, cls, name=cls.name)
    fields: list[str] = []
    for statement in node.body:
        execute(run, statement, inner)
        _collect_fields(statement, fields)
    for inner_ in reversed(node.decorators):
        target = inner_.func if isinstance(inner_, code.Call) else inner_
        if isinstance(target, (code.Name, code.Attribute)):
            known = evaluate(run, target, frame)
            if isinstance(known, FunctionV) and frame.scope.parent is not None:
                call(run, evaluate(run, inner_, frame), [cls], {}, frame, Site(frame.unit, inner_))
            else:
                registered(run, inner_, known, cls, frame)
    # Methods see the scope around the class, not the class's own names.
    for value in cls.names.values():
        _reparent(value, cls, frame.scope)
    for name, value in list(cls.names.items()):
        if isinstance(value, Instance) and (told := find_in_mro(value.cls, "__set_name__")) is not None:
            call(run, MethodV(told[0], value), [cls, name], {}, frame, Site(frame.unit, node))
    _special_kind(run, cls, node, fields, frame)
    _tell_bases(run, cls, node, frame)
    return cls


def _tell_bases(run: Run, cls: ClassV, node: code.Class, frame: Frame) -> None:
    """Runs the `__init_subclass__` of a base with the keywords of the class statement."""
    for base in cls.mro[1:]:
        hook = base.names.get("__init_subclass__") if isinstance(base, ClassV) else None
        function = hook.function if isinstance(hook, ClassMethodV) else hook
        if isinstance(function, FunctionV):
            keywords = {each.name: evaluate(run, each.value, frame) for each in node.keywords if each.name is not None}
            call(run, MethodV(function, cls), [], keywords, frame, Site(frame.unit, node))
            return


def _reparent(value: Value, cls: ClassV, scope: Scope) -> None:
    match value:
        case FunctionV():
            if value.owner is cls or value.owner is None:
                value.owner = cls
                if value.scope.names is cls.names:
                    value.scope = scope
        case StaticV() | ClassMethodV():
            _reparent(value.function, cls, scope)
        case PropertyV():
            _reparent(value.getter, cls, scope)
            _reparent(value.setter, cls, scope)
        case _:
            pass


def generic_base(base: Value) -> Value:
    """Returns a base class without its type arguments (`Generic[T]`, `nn.Module`)."""
    return base


def _collect_fields(statement: code.Statement, fields: list[str]) -> None:
    match statement:
        case code.Annotated(target=code.Name(id=name), annotation=annotation) if "ClassVar" not in _source(annotation):
            fields.append(name)
        case _:
            pass


def _source(node: code.Expression) -> str:
    match node:
        case code.Name(id=value):
            return value
        case code.Attribute(attr=attr):
            return attr
        case code.Subscript(value=value):
            return _source(value)
        case _:
            return ""


def _special_kind(run: Run, cls: ClassV, node: code.Class, fields: list[str], frame: Frame) -> None:
    """Notes dataclasses, named tuples and enums."""
    inherited: list[str] = []
    for base in reversed(cls.mro[1:]):
        if isinstance(base, ClassV) and base.fields is not None and base.frozen_kind in ("dataclass", "namedtuple"):
            inherited += [name for name in base.fields if name not in inherited]
    names = {base.name for base in cls.mro if isinstance(base, External)}
    for decorator in node.decorators:
        target = decorator.func if isinstance(decorator, code.Call) else decorator
        if _source(target) in ("dataclass", "define", "attrs", "frozen") or _source(target).endswith("dataclass"):
            cls.frozen_kind = "dataclass"
            cls.frozen = _source(target) == "frozen" or (isinstance(decorator, code.Call) and _is_frozen(decorator))
    if names & {"typing.NamedTuple", "collections.namedtuple"}:
        cls.frozen_kind = "namedtuple"
    elif any(enums.is_enum_base(name) for name in names):
        cls.frozen_kind = "enum"
        enums.number_members(cls)
    elif any(name in ("pydantic.BaseModel", "pydantic.main.BaseModel") for name in names):
        cls.frozen_kind = "dataclass"
    elif any(isinstance(base, ClassV) and base.frozen_kind == "namedtuple" for base in cls.mro[1:]):
        cls.frozen_kind = "namedtuple"  # what the class annotates itself is no field
        fields = []
    cls.init_only = tuple(
        dict.fromkeys(
            [name for base in cls.mro[1:] if isinstance(base, ClassV) for name in base.init_only]
            + [
                each.target.id
                for each in node.body
                if isinstance(each, code.Annotated)
                and isinstance(each.target, code.Name)
                and _source(each.annotation) == "InitVar"
            ]
        )
    )
    if cls.frozen_kind in ("dataclass", "namedtuple"):
        cls.fields = tuple([name for name in inherited if name not in fields] + fields)
    elif (
        inherited
        and not cls.frozen_kind
        and "__init__" not in cls.names
        and any(isinstance(base, ClassV) and base.frozen_kind == "dataclass" for base in cls.mro[1:])
    ):
        cls.frozen_kind = "dataclass"
        cls.fields = tuple([name for name in inherited if name not in fields] + fields)


def _is_frozen(decorator: code.Call) -> bool:
    return any(
        keyword.name == "frozen" and isinstance(keyword.value, code.Constant) and keyword.value.value is True
        for keyword in decorator.keywords
    )


_MOST_BASES = 400
"""Classes above one whose order is computed, in time that grows with the third power of their number."""


def linearise(cls: ClassV) -> tuple[Value, ...]:
    """Returns the method resolution order (C3; where that has no answer, depth first)."""
    if len(cls.bases) == 1:
        (only,) = cls.bases
        return (cls, *only.mro) if isinstance(only, ClassV) else (cls, only)
    sequences: list[list[Value]] = [list(base.mro) if isinstance(base, ClassV) else [base] for base in cls.bases]
    if sum(map(len, sequences)) > _MOST_BASES:
        return tuple(dict.fromkeys([cls, *(base for sequence in sequences for base in sequence)]))
    sequences.append(list(cls.bases))
    order: list[Value] = [cls]
    sequences = [sequence for sequence in sequences if sequence]
    while sequences:
        for sequence in sequences:
            head = sequence[0]
            if not any(_holds(other[1:], head) for other in sequences):
                break
        else:
            head = sequences[0][0]
        if not _holds(order, head):
            order.append(head)
        sequences = [
            rest for rest in ([item for item in sequence if not _same(item, head)] for sequence in sequences) if rest
        ]
    return tuple(order)


def _same(one: Value, other: Value) -> bool:
    return one is other or (isinstance(one, External) and one == other)


def _holds(values: list[Value], wanted: Value) -> bool:
    return any(_same(value, wanted) for value in values)
