"""The methods that `nn.Module` and torch's containers bring."""

from __future__ import annotations

from vglint import origin
from vglint.graph import Init
from vglint.interp.machine.core import Frame, Run, call, register, set_trainable
from vglint.interp.nodes.distribution import UNKNOWN, overwrite
from vglint.interp.nodes.emit import emit_hook
from vglint.interp.protocols.attributes import set_attribute
from vglint.interp.torch import containers, leaves, modules
from vglint.interp.torch.making import METHODS, as_buffer
from vglint.interp.values.classes import is_container
from vglint.interp.values.objects import (
    DictV,
    IteratorV,
    ListV,
    ModuleV,
    ParamV,
    Site,
    Value,
    is_unknown,
)
from vglint.value import Unknown


def _itself(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return args[0]


for _name in "to cuda cpu float half double bfloat16 type share_memory to_empty xpu ipu compile".split():
    METHODS[_name] = _itself


@register(METHODS, "init_weights", "post_init")
def _filled_elsewhere(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """A base class that is not known fills what the program left empty."""
    for param in parameters_of(_module(args)):
        if param.init.scheme == "uninitialised":
            run.journal.set_field(param, "init", UNKNOWN)
    return args[0]


def _nothing(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return None


for _name in (
    "register_forward_hook register_forward_pre_hook register_backward_hook register_full_backward_hook register_load_state_dict_post_hook "
    "_register_load_state_dict_pre_hook register_state_dict_post_hook register_buffer_hook __init__ "
    "_register_state_dict_hook register_state_dict_pre_hook set_extra_state"
).split():
    METHODS.setdefault(_name, _nothing)


@register(METHODS, "train")
def train(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    mode = args[1] if len(args) > 1 else keywords.get("mode", True)
    module = _module(args)
    _set_mode(run, module, mode is False)
    emit_hook(run, "train_mode" if mode is not False else "eval_mode", module, site, named_parameters_of(module))
    return args[0]


def _set_mode(run: Run, module: ModuleV, evaluating: bool) -> None:
    for _, each in modules.walk(module):
        if each.evaluating != evaluating:
            run.journal.set_field(each, "evaluating", evaluating)


@register(METHODS, "eval")
def evaluate_mode(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    _set_mode(run, _module(args), True)
    emit_hook(run, "eval_mode", _module(args), site, named_parameters_of(_module(args)))
    return args[0]


@register(METHODS, "zero_grad")
def zero_grad(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    emit_hook(run, "zero_grad", _module(args), site, named_parameters_of(_module(args)))
    return None


@register(METHODS, "requires_grad_")
def requires_grad_(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    value = args[1] if len(args) > 1 else keywords.get("requires_grad", True)
    if isinstance(value, bool):
        for param in parameters_of(_module(args)):
            set_trainable(run, param, value, site)
    return args[0]


@register(METHODS, "add_module", "register_module")
def add_module(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module, name = _module(args), _argument(args, keywords, 1, "name")
    value = _argument(args, keywords, 2, "module")
    if isinstance(name, str) and is_unknown(value) and is_container(module):
        run.journal.put(module.modules, name, value)  # a layer of a library: what passes through it is not known
    elif isinstance(name, str):
        set_attribute(run, module, name, value, frame, site)
    else:
        modules.register_unnamed(run, value, site)
    return None


@register(METHODS, "__setattr__")
def set_by_name(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """`self.__setattr__(name, value)`, and the base's in a `__setattr__` of the user's."""
    if len(args) == 3 and isinstance(args[1], str):
        set_attribute(run, args[0], args[1], args[2], frame, site)
    elif len(args) == 3 and isinstance(args[2], ModuleV):
        modules.register_unnamed(run, args[2], site)
    return None


@register(METHODS, "register_parameter")
def register_parameter(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    name, value = _argument(args, keywords, 1, "name"), _argument(args, keywords, 2, "param")
    if isinstance(name, str):
        module = _module(args)
        run.journal.put(module.parameters if isinstance(value, ParamV) else module.attrs, name, value)
    return None


@register(METHODS, "register_buffer")
def register_buffer(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    name, value = _argument(args, keywords, 1, "name"), _argument(args, keywords, 2, "tensor")
    if isinstance(name, str):
        module = _module(args)
        run.journal.drop(module.attrs, name)
        run.journal.put(module.buffers, name, as_buffer(run, value, name, site))
    return None


@register(METHODS, "apply")
def apply(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module, function = _module(args), _argument(args, keywords, 1, "fn")
    if is_unknown(function):
        forget_init(run, module, site)
        return module
    _apply(run, module, function, frame, site, set())
    return module


def _apply(run: Run, module: ModuleV, function: Value, frame: Frame, site: Site, seen: set[int]) -> None:
    for _, child in _children(module):
        _apply(run, child, function, frame, site, seen)
    call(run, function, [module], {}, frame, site)


def forget_init(run: Run, module: ModuleV, site: Site | None) -> None:
    """Something that is not followed got hold of a module: its parameters may have any distribution now."""
    for param in parameters_of(module):
        overwrite(run, param, Init("unknown"), site)


def parameters_of(module: ModuleV) -> list[ParamV]:
    """Returns every parameter once, in `named_parameters()` order."""
    return [param for _, param in named_parameters_of(module)]


def named_parameters_of(module: ModuleV) -> list[tuple[str, ParamV]]:
    found: list[tuple[str, ParamV]] = []
    seen: set[int] = set()
    for path, each in modules.walk(module):
        for name, param in each.parameters.items():
            if isinstance(param, ParamV) and id(param) not in seen:
                seen.add(id(param))
                found.append((f"{path}.{name}" if path else name, param))
    return found


@register(METHODS, "parameters")
def parameters(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module = _module(args)
    if module.opaque or any(each.opaque for _, each in modules.walk(module)):
        return IteratorV(None, Unknown(origin.Call("parameters of a pretrained model")))
    return IteratorV(list(parameters_of(module)), origin=site)


@register(METHODS, "named_parameters")
def named_parameters(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return IteratorV([(name, param) for name, param in named_parameters_of(_module(args))])


@register(METHODS, "buffers", "named_buffers")
def buffers(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return IteratorV(None, Unknown(origin.Computed("buffers")))


@register(METHODS, "modules")
def modules_(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return IteratorV([module for _, module in _every_module(_module(args))])


@register(METHODS, "named_modules")
def named_modules(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return IteratorV([(name, module) for name, module in _every_module(_module(args))])


def _every_module(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns what torch's `named_modules()` yields, with the layers inside of torch's own leaves."""
    found: list[tuple[str, ModuleV]] = []
    for path, each in modules.walk(module):
        found.append((path, each))
        found += [(f"{path}.{name}" if path else name, child) for name, child in leaves.nested_leaves(each)]
    return found


@register(METHODS, "children")
def children(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module = _module(args)
    if module.opaque:
        return IteratorV(None, Unknown(origin.Call("children of a pretrained model")))
    return IteratorV([child for _, child in _children(module)])


@register(METHODS, "named_children")
def named_children(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return IteratorV([*_children(_module(args))])


@register(METHODS, "get_submodule", "get_parameter", "get_buffer")
def get_submodule(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    path = _argument(args, keywords, 1, "target")
    if not isinstance(path, str):
        return Unknown(origin.Computed("path of a module"))
    return modules.find_attribute(run, args[0], path, frame)


@register(METHODS, "state_dict")
def state_dict(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return DictV(dict(named_parameters_of(_module(args))), complete=False)


@register(METHODS, "load_state_dict")
def load_state_dict(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    forget_init(run, _module(args), site)
    return Unknown(origin.Call("load_state_dict"))


@register(METHODS, "append")
def append(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    containers.add(run, _module(args), _argument(args, keywords, 1, "module"), site)
    return args[0]


@register(METHODS, "extend")
def extend(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    containers.extend(run, _module(args), _argument(args, keywords, 1, "modules"), site)
    return args[0]


@register(METHODS, "insert")
def insert(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module, index, value = _module(args), _argument(args, keywords, 1, "index"), _argument(args, keywords, 2, "module")
    if isinstance(index, int):
        children = list(module.modules.values())
        children.insert(index, value)
        _renumber(run, module, children)
    return args[0]


@register(METHODS, "pop")
def pop(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    module, key = _module(args), args[1] if len(args) > 1 else -1
    if isinstance(key, int):
        children = list(module.modules.values())
        if -len(children) <= key < len(children):
            removed = children.pop(key)
            _renumber(run, module, children)
            return removed
    elif isinstance(key, str) and key in module.modules:
        removed = module.modules[key]
        run.journal.drop(module.modules, key)
        return removed
    return Unknown(origin.Computed("pop of a module container"))


def _renumber(run: Run, module: ModuleV, children: list[Value]) -> None:
    for name in list(module.modules):
        run.journal.drop(module.modules, name)
    for index, child in enumerate(children):
        run.journal.put(module.modules, str(index), child)


@register(METHODS, "update")
def update(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    source = _argument(args, keywords, 1, "modules")
    containers.fill(run, _module(args), "torch.nn.ModuleDict", [source], {}, frame, site)
    return None


@register(METHODS, "keys")
def keys(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return ListV(list(_entries(args)))


@register(METHODS, "values")
def values(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return ListV(list(_entries(args).values()))


@register(METHODS, "items")
def items(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return ListV(list(_entries(args).items()))


@register(METHODS, "get")
def get(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return _entries(args).get(str(args[1]), args[2] if len(args) > 2 else None) if len(args) > 1 else None


@register(METHODS, "__len__")
def length(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    return len(_entries(args))


@register(METHODS, "clear")
def clear(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    _renumber(run, _module(args), [])
    return None


def _entries(args: list[Value]) -> dict[str, Value]:
    module = _module(args)
    return module.modules or module.parameters


def _children(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns what `named_children()` yields, with the layers inside of torch's own leaves."""
    return modules.children_of(module) + leaves.nested_leaves(module)


def _module(args: list[Value]) -> ModuleV:
    assert isinstance(args[0], ModuleV)
    return args[0]


def _argument(args: list[Value], keywords: dict[str, Value], position: int, name: str) -> Value:
    if position < len(args):
        return args[position]
    return keywords.get(name)
