"""functools, itertools, collections, dataclasses, argparse, copy and inspect, as far as models are built with them."""

from __future__ import annotations

import collections
import itertools

from vglint import origin
from vglint.interp.machine.core import CONSTANTS, LIBRARY, Frame, Run, call, opaque, register
from vglint.interp.machine.names import import_module, is_library
from vglint.interp.protocols import operators
from vglint.interp.protocols.indexing import index
from vglint.interp.protocols.iteration import items_of, parts_of_items
from vglint.interp.static.worlds import switched
from vglint.interp.torch.modules import find_attribute
from vglint.interp.values.objects import (
    BuiltinV,
    ClassV,
    CodeV,
    DictV,
    External,
    Instance,
    IteratorV,
    ListV,
    MethodV,
    ModuleV,
    ParamV,
    PartialV,
    RepeatV,
    SetV,
    Site,
    Value,
    VersionV,
)
from vglint.value import Unknown


@register(LIBRARY, "copy.deepcopy")
def deepcopy(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return duplicate(args[0], {}, run) if args else None


def duplicate(value: Value, memo: dict[int, Value], run: Run | None = None) -> Value:
    """Returns a copy that shares nothing that can change; distributions of parameters are kept."""
    if id(value) in memo:
        return memo[id(value)]
    match value:
        case ListV():
            listed = memo[id(value)] = ListV([], value.count, value.loop)
            listed.items = [duplicate(item, memo, run) for item in value.items]
            return listed
        case DictV():
            named = memo[id(value)] = DictV({}, value.default, value.complete)
            named.items = {key: duplicate(item, memo, run) for key, item in value.items.items()}
            return named
        case SetV():
            return SetV(list(value.items))
        case tuple():
            return tuple(duplicate(item, memo, run) for item in value)
        case RepeatV():
            return RepeatV(tuple(duplicate(item, memo, run) for item in value.items), value.count, value.loop)
        case ModuleV():
            made = memo[id(value)] = ModuleV(value.cls, {}, value.origin)
            if run is not None:
                run.graph.modules.append(made)
                made.region = run.graph.region
            made.spelling, made.opaque, made.in_forward = value.spelling, value.opaque, value.in_forward
            made.config, made.loops = dict(value.config), dict(value.loops)
            made.unnamed, made.parametrised, made.view = value.unnamed, value.parametrised, value.view
            for table in ("attrs", "modules", "parameters", "buffers"):
                setattr(made, table, {name: duplicate(item, memo, run) for name, item in getattr(value, table).items()})
            return made
        case Instance():
            instance = memo[id(value)] = Instance(value.cls, {}, value.origin, value.entries)
            instance.attrs = {name: duplicate(item, memo, run) for name, item in value.attrs.items()}
            return instance
        case ParamV():
            param = ParamV(value.shape, value.init, value.trainable, value.buffer, value.origin, None, value.name)
            param.frozen = value.frozen
            memo[id(value)] = param
            return param
        case MethodV():
            return MethodV(value.function, duplicate(value.self, memo, run))
        case _:
            return value


# ---- functools, itertools, operator, collections, dataclasses


@register(LIBRARY, "functools.partial", "functools.partialmethod")
def partial(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return PartialV(args[0], tuple(args[1:]), dict(keywords)) if args else Unknown(origin.Computed("partial"))


@register(LIBRARY, "functools.reduce")
def reduce(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[1], frame, site)
    if found.items is None or (not found.items and len(args) < 3):
        return opaque(run, origin.Length("reduce"), [found.item], site)
    items = [*args[2:3], *found.items]
    total = items[0]
    for item in items[1:]:
        total = call(run, args[0], [total, item], {}, frame, site)
    return total


@register(LIBRARY, "itertools.starmap")
def starmap(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    rows = [items_of(run, row, frame, site).items for row in items_of(run, args[1], frame, site).items or [None]]
    if any(row is None for row in rows):
        return IteratorV(None, Unknown(origin.Length("starmap")))
    return IteratorV([call(run, args[0], list(row or []), {}, frame, site) for row in rows])


@register(LIBRARY, "itertools.pairwise")
def pairwise(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    found = items_of(run, args[0], frame, site)
    if found.items is None:
        return IteratorV(None, (found.item, found.item), Unknown(origin.Length("pairwise")))
    return IteratorV(list(itertools.pairwise(found.items)))


@register(LIBRARY, "operator.itemgetter")
def itemgetter(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    def get(run: Run, given: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        found = [index(run, given[0], key, frame, site) for key in args]
        return found[0] if len(found) == 1 else tuple(found)

    return BuiltinV("itemgetter", get)


@register(LIBRARY, "operator.attrgetter")
def attrgetter(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    def get(run: Run, given: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        found = [find_attribute(run, given[0], name, frame) for name in args if isinstance(name, str)]
        return found[0] if len(found) == 1 else tuple(found)

    return BuiltinV("attrgetter", get)


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
        inner = parts_of_items(found)
        if inner is None:
            return IteratorV(None, found.item, found.count)
        items += inner
    return IteratorV(items)


@register(
    LIBRARY,
    "itertools.accumulate",
    "itertools.product",
    "itertools.zip_longest",
    "itertools.combinations",
    "itertools.permutations",
    "itertools.islice",
)
def iterator(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    found = [items_of(run, arg, frame, site).items if not isinstance(arg, (int, type(None))) else arg for arg in args]
    if which.name.endswith("accumulate") and isinstance(found[0], list):
        total: Value = None
        sums: list[Value] = []
        for item in found[0]:
            total = item if total is None else operators.binary(run, "+", total, item, frame, site)
            sums.append(total)
        return IteratorV(sums)
    if any(each is None and not isinstance(arg, type(None)) for each, arg in zip(found, args, strict=False)):
        return IteratorV(None, Unknown(origin.Length(which.name)))
    function = getattr(itertools, which.name.rpartition(".")[2])
    if isinstance(repeat := keywords.get("repeat"), int) and repeat > 64:
        return IteratorV(None, Unknown(origin.Budget("long product")))
    try:
        return IteratorV(
            list(
                itertools.islice(
                    function(
                        *found, **{key: value for key, value in keywords.items() if key in ("repeat", "fillvalue")}
                    ),
                    4096,
                )
            )
        )
    except (TypeError, ValueError, OverflowError):
        return IteratorV(None, Unknown(origin.Length(which.name)))


@register(LIBRARY, "itertools.count", "itertools.cycle", "itertools.repeat")
def endless(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if which.name.endswith("repeat") and len(args) == 2 and isinstance(args[1], int) and args[1] < 4096:
        return IteratorV([args[0]] * args[1])
    if which.name.endswith("count"):
        return IteratorV(None, Unknown(origin.Length("count")))
    if which.name.endswith("cycle"):
        found = items_of(run, args[0], frame, site)
        if found.items and all(item is found.items[0] for item in found.items):
            return IteratorV(None, found.items[0])
        return IteratorV(None, Unknown(origin.Length("cycle")))
    return IteratorV(None, args[0] if args else None)


@register(
    LIBRARY,
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "collections.ChainMap",
    "types.SimpleNamespace",
    "easydict.EasyDict",
    "argparse.Namespace",
)
def mapping(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if which.name.endswith("defaultdict"):
        return DictV(
            dict(args[1].items) if len(args) > 1 and isinstance(args[1], DictV) else {}, args[0] if args else None
        )
    if which.name.endswith(("SimpleNamespace", "Namespace", "EasyDict")):
        base = args[0].items if args and isinstance(args[0], DictV) else {}
        return Instance(
            which, {**{key: value for key, value in base.items() if isinstance(key, str)}, **keywords}, site
        )
    if which.name.endswith("Counter") and args and not isinstance(args[0], DictV):
        found = items_of(run, args[0], frame, site).items
        if found is None or not all(isinstance(item, (str, int)) for item in found):
            return DictV({}, complete=False)
        return DictV(dict(collections.Counter(found)))
    return LIBRARY["builtins.dict"](run, which, args, keywords, frame, site)


@register(LIBRARY, "collections.deque")
def deque(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    found = items_of(run, args[0], frame, site).items if args else []
    return ListV(found or [])


@register(LIBRARY, "collections.namedtuple", "typing.NamedTuple")
def namedtuple(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    name, listed = (*args, None, None)[:2]
    if isinstance(listed, str):
        fields = tuple(listed.replace(",", " ").split())
    else:
        found = items_of(run, listed, frame, site).items or []
        fields = tuple(str(item[0] if isinstance(item, tuple) else item) for item in found)
    cls = ClassV(str(name), str(name), (), {}, frame.unit, None, (), fields, "namedtuple")
    cls.mro = (cls,)
    defaults = keywords.get("defaults")
    for field, value in zip(
        reversed(fields),
        reversed(items_of(run, defaults, frame, site).items or []) if defaults is not None else (),
        strict=False,
    ):
        cls.names[field] = value
    return cls


@register(LIBRARY, "importlib.util.find_spec")
def find_spec(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """A plain PyTorch environment: what vglint knows as a library is there, nothing else."""
    name = args[0] if args else keywords.get("name")
    if not isinstance(name, str):
        return Unknown(origin.Computed("find_spec"))
    return Instance(which, {}, site) if is_library(name) else None


@register(LIBRARY, "importlib.metadata.version")
def installed_version(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    name = args[0] if args else None
    return CONSTANTS["torch.__version__"] if name == "torch" else Unknown(origin.Call(f"version of {name!s}"))


@register(LIBRARY, "packaging.version.parse", "packaging.version.Version", "distutils.version.LooseVersion")
def version(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    text = args[0] if args else None
    if isinstance(text, VersionV):
        return text
    return VersionV.parsed(text) if isinstance(text, str) else Unknown(origin.Computed("version"))


@register(LIBRARY, "importlib.import_module")
def import_by_name(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    name = args[0] if args else keywords.get("name")
    package = args[1] if len(args) > 1 else keywords.get("package")
    if not isinstance(name, str):
        return Unknown(origin.Computed("import_module"))
    if name.startswith("."):
        if not isinstance(package, str):
            return Unknown(origin.Computed("import_module"))
        above = package.split(".")
        level = len(name) - len(name.lstrip("."))
        name = ".".join([*above[: len(above) - level + 1], name.lstrip(".")])
    return import_module(run, name, frame.scope, whole=True)


@register(LIBRARY, "types.FunctionType")
def function_type(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """A function made anew from the code of another."""
    code = args[0] if args else None
    return code.function if isinstance(code, CodeV) else Unknown(origin.Call(which.name))


@register(LIBRARY, "argparse.ArgumentParser", "transformers.HfArgumentParser")
def argument_parser(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """A command line whose options take their defaults."""
    defaults: dict[str, Value] = {}

    def add_argument(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        names = [arg for arg in args if isinstance(arg, str)]
        long = next((name for name in names if name.startswith("--")), names[0] if names else "")
        target = keywords.get("dest", long.lstrip("-").replace("-", "_"))
        action = keywords.get("action")
        value = keywords.get(
            "default",
            False
            if action == "store_true"
            else True
            if action == "store_false"
            else None
            if long.startswith("-")
            else Unknown(origin.Argument(long)),
        )
        if isinstance(target, str) and run.world is not None and run.world.changes("option", target):
            run.journal.put(defaults, target, switched(run.world))
        elif isinstance(target, str):
            run.journal.put(
                defaults,
                target,
                Unknown(origin.Argument(f"args.{target}"))
                if value is None and "default" not in keywords and action is None
                else value,
            )
        return None

    def parse(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return Instance(External("argparse.Namespace"), dict(defaults), site)

    def group(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return parser

    def set_defaults(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        for name, value in keywords.items():
            run.journal.put(defaults, name, value)
        return None

    known = {
        "add_argument": add_argument,
        "parse_args": parse,
        "add_argument_group": group,
        "add_mutually_exclusive_group": group,
        "set_defaults": set_defaults,
        "parse_known_args": lambda run, args, keywords, frame, site: (
            parse(run, args, keywords, frame, site),
            ListV([]),
        ),
    }
    parser = Instance(which, {name: BuiltinV(name, act) for name, act in known.items()}, site)
    return parser
