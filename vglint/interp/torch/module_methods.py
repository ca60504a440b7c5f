"""The methods that `nn.Module` and torch's containers bring."""

from __future__ import annotations

from vglint import origin
from vglint.graph import Init
from vglint.interp.machine.calls import Call, methods
from vglint.interp.machine.core import Frame, Run, evaluate, set_trainable
from vglint.interp.nodes.distribution import UNKNOWN, overwrite
from vglint.interp.nodes.emit import emit_hook, in_branch
from vglint.interp.protocols.attributes import set_attribute
from vglint.interp.torch import containers, leaves, modules
from vglint.interp.torch.making import METHODS, as_buffer
from vglint.interp.values.classes import is_container
from vglint.interp.values.objects import (
    DictV,
    DtypeV,
    IteratorV,
    ListV,
    ModuleV,
    OpenLoop,
    ParamV,
    ParamView,
    RepeatV,
    Site,
    Value,
    is_unknown,
)
from vglint.source import code
from vglint.value import Unknown

own = methods(METHODS)


@own(
    *"to cuda cpu float half double bfloat16 type share_memory to_empty xpu ipu compile".split(),
    takes="self, *rest, **others",
)
def _itself(call: Call) -> Value:
    dtypes = {each.name for each in (*call.rest, *call.others.values()) if isinstance(each, DtypeV)}
    if call.name == "half" or "float16" in dtypes:
        emit_hook(call.run, "half_weights", call.own(ModuleV), call.site, named_parameters_of(call.own(ModuleV)))
    return call["self"]


@own("init_weights", "post_init", takes="self, *rest, **others")
def _filled_elsewhere(call: Call) -> Value:
    """A base class that is not known fills what the program left empty."""
    for param in parameters_of(call.own(ModuleV)):
        if param.init.scheme == "uninitialised":
            call.run.journal.set_field(param, "init", UNKNOWN)
    return call["self"]


@own(
    *(
        "register_forward_pre_hook register_backward_hook register_full_backward_hook register_load_state_dict_post_hook "
        "_register_load_state_dict_pre_hook register_state_dict_post_hook register_buffer_hook __init__ "
        "_register_state_dict_hook register_state_dict_pre_hook set_extra_state"
    ).split(),
    takes="self, *rest, **others",
)
def _nothing(call: Call) -> Value:
    return None


@own("register_forward_hook", takes="self, hook, **others")
def register_forward_hook(call: Call) -> Value:
    """Keeps a function that each call of the module calls, where a constructor registers it: another one may be taken off again."""
    if call.run.context.setup and not call.others and not in_branch(call.run):
        modules.add_hook(call.run, call.own(ModuleV), call["hook"])
    return None


@own("train", takes="self, mode=True")
def train(call: Call) -> Value:
    mode = call["mode"]
    module = call.own(ModuleV)
    _set_mode(call.run, module, mode is False)
    emit_hook(
        call.run, "train_mode" if mode is not False else "eval_mode", module, call.site, named_parameters_of(module)
    )
    return call["self"]


def _set_mode(run: Run, module: ModuleV, evaluating: bool) -> None:
    for _, each in modules.walk(module):
        if each.evaluating != evaluating:
            run.journal.set_field(each, "evaluating", evaluating)


@own("eval", takes="self")
def evaluate_mode(call: Call) -> Value:
    _set_mode(call.run, call.own(ModuleV), True)
    emit_hook(call.run, "eval_mode", call.own(ModuleV), call.site, named_parameters_of(call.own(ModuleV)))
    return call["self"]


@own("zero_grad", takes="self, set_to_none=True")
def zero_grad(call: Call) -> Value:
    module = call.own(ModuleV)
    if module.spelling is None or module.parameters:  # a loss of torch has no gradients of its own
        emit_hook(call.run, "zero_grad", module, call.site, named_parameters_of(module))
    return None


@own("requires_grad_", takes="self, requires_grad=True")
def requires_grad_(call: Call) -> Value:
    value = call["requires_grad"]
    if isinstance(value, bool):
        for param in parameters_of(call.own(ModuleV)):
            set_trainable(call.run, param, value, call.site)
    return call["self"]


@own("add_module", "register_module", takes="self, name, module")
def add_module(call: Call) -> Value:
    module, name = call.own(ModuleV), call["name"]
    value = call["module"]
    if isinstance(name, str) and is_unknown(value) and is_container(module):
        call.run.journal.put(module.modules, name, value)  # a layer of a library: what passes through it is not known
    elif isinstance(name, str):
        set_attribute(call.run, module, name, value, call.frame, call.site)
    elif (isinstance(value, ModuleV) or is_unknown(value)) and _is_sequence(module):
        containers.add(call.run, module, value, call.site)  # a name that a turn makes: what counts is the order
    else:
        modules.register_unnamed(call.run, value, call.site)
    return None


def _is_sequence(module: ModuleV) -> bool:
    base = leaves.leaf_base(module.cls)
    return base is not None and base.name in ("torch.nn.Sequential", "torch.nn.ModuleList")


@own("__setattr__", takes="self, name, value")
def set_by_name(call: Call) -> Value:
    """`self.__setattr__(name, value)`, and the base's in a `__setattr__` of the user's."""
    if isinstance(call["name"], str):
        set_attribute(call.run, call["self"], call["name"], call["value"], call.frame, call.site)
    elif isinstance(call["value"], ModuleV):
        modules.register_unnamed(call.run, call["value"], call.site)
    return None


@own("register_parameter", takes="self, name, param")
def register_parameter(call: Call) -> Value:
    name, value = call["name"], call["param"]
    if isinstance(name, str):
        module = call.own(ModuleV)
        call.run.journal.put(module.parameters if isinstance(value, ParamV) else module.attrs, name, value)
    return None


@own("register_buffer", takes="self, name, tensor, persistent=True")
def register_buffer(call: Call) -> Value:
    name, value = call["name"], call["tensor"]
    if isinstance(name, str):
        module = call.own(ModuleV)
        call.run.journal.drop(module.attrs, name)
        call.run.journal.put(module.buffers, name, as_buffer(call.run, value, name, call.site))
    return None


@own("apply", takes="self, fn")
def apply(call: Call) -> Value:
    module, function = call.own(ModuleV), call["fn"]
    if is_unknown(function):
        forget_init(call.run, module, call.site)
        return module
    _apply(call, module, function)
    return module


def _apply(call: Call, module: ModuleV, function: Value) -> None:
    for _, child in _children(module):
        _apply(call, child, function)
    call.invoke(function, module)


def forget_init(run: Run, module: ModuleV, site: Site | None) -> None:
    """Something that is not followed got hold of a module: its parameters may have any distribution now."""
    for param in parameters_of(module):
        overwrite(run, param, Init("unknown"), site)


def change_any_of(run: Run, changed: code.Expression, frame: Frame) -> None:
    """Notes that the weights of any layer of a container may be others now: `layers[i].weight.data = …`, `kaiming_normal_(layers[i].weight)`."""
    while isinstance(changed, (code.Attribute, code.Subscript)):
        if isinstance(changed, code.Subscript) and isinstance(changed.value, (code.Name, code.Attribute)):
            container = evaluate(run, changed.value, frame)
            if isinstance(container, ModuleV):
                forget_init(run, container, Site(frame.unit, changed))
            return
        changed = changed.value


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


@own("parameters", takes="self, recurse=True")
def parameters(call: Call) -> Value:
    module = call.own(ModuleV)
    return IteratorV([*_hidden(module, _HIDDEN), *parameters_of(module), *_unsettled(module)], origin=call.site)


_HIDDEN = Unknown(origin.Call("parameters of a pretrained model"))


def _unsettled(module: ModuleV) -> list[Value]:
    """Returns the layers of a module that are one or another, as a branch left them: what parameters they have is not known."""
    return [
        child
        for _, part in modules.walk(module)
        for child in part.modules.values()
        if isinstance(child, Unknown) and isinstance(child.origin, origin.Branches)
    ]


def _hidden(module: ModuleV, each: Value) -> list[Value]:
    """Returns what stands for the parameters of a module of which some are not known, in front of the others."""
    if not (module.opaque or any(part.opaque for _, part in modules.walk(module))):
        return []
    count = Unknown(origin.Length("parameters of a pretrained model"))
    return [RepeatV((each,), count, OpenLoop(count))]


@own("named_parameters", takes="self, prefix='', recurse=True, remove_duplicate=True")
def named_parameters(call: Call) -> Value:
    module = call.own(ModuleV)
    return IteratorV([*_hidden(module, (_HIDDEN, _HIDDEN)), *named_parameters_of(module)])


@own("buffers", "named_buffers", takes="self, *rest, **others")
def buffers(call: Call) -> Value:
    return IteratorV(None, Unknown(origin.Computed("buffers")))


@own("modules", takes="self, remove_duplicate=True")
def modules_(call: Call) -> Value:
    return IteratorV([module for _, module in _every_module(call.own(ModuleV))])


@own("named_modules", takes="self, memo=None, prefix='', remove_duplicate=True")
def named_modules(call: Call) -> Value:
    return IteratorV([(name, module) for name, module in _every_module(call.own(ModuleV))])


def _every_module(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns what torch's `named_modules()` yields, with the layers inside of torch's own leaves."""
    found: list[tuple[str, ModuleV]] = []
    for path, each in modules.walk(module):
        found.append((path, each))
        found += [(f"{path}.{name}" if path else name, child) for name, child in leaves.nested_leaves(each)]
    return found


@own("children", takes="self")
def children(call: Call) -> Value:
    module = call.own(ModuleV)
    if module.opaque:
        return IteratorV(None, Unknown(origin.Call("children of a pretrained model")))
    return IteratorV([child for _, child in _children(module)])


@own("named_children", takes="self")
def named_children(call: Call) -> Value:
    return IteratorV([*_children(call.own(ModuleV))])


@own("get_submodule", "get_parameter", "get_buffer", takes="self, target")
def get_submodule(call: Call) -> Value:
    path = call["target"]
    if not isinstance(path, str):
        return Unknown(origin.Computed("path of a module"))
    return modules.find_attribute(call.run, call["self"], path, call.frame)


@own("state_dict", takes="self, *rest, **others")
def state_dict(call: Call) -> Value:
    """Tensors that share the parameters' memory, and have no gradient of theirs."""
    named = named_parameters_of(call.own(ModuleV))
    return DictV({name: ParamView(param, True, True) for name, param in named}, complete=False)


@own("load_state_dict", takes="self, *rest, **others")
def load_state_dict(call: Call) -> Value:
    module, state = call.own(ModuleV), call.rest[0] if call.rest else call.others.get("state_dict")
    known = state.items.values() if isinstance(state, DictV) and not state.mixed else ()
    held = (each for each in known if isinstance(each, ParamView))
    own = named_parameters_of(module)
    if own and {id(param) for _, param in own} <= {id(each.param) for each in held}:
        emit_hook(call.run, "own_state", module, call.site, own)  # its own tensors, perhaps under another name
        return Unknown(origin.Call("load_state_dict"))
    forget_init(call.run, module, call.site)
    if not call.run.graph.trained and not in_branch(call.run):
        for _, part in modules.walk(module):
            call.run.journal.set_field(part, "loaded", True)
    return Unknown(origin.Call("load_state_dict"))


@own("append", takes="self, module")
def append(call: Call) -> Value:
    containers.add(call.run, call.own(ModuleV), call["module"], call.site)
    return call["self"]


@own("extend", takes="self, modules")
def extend(call: Call) -> Value:
    containers.extend(call.run, call.own(ModuleV), call["modules"], call.site)
    return call["self"]


@own("insert", takes="self, index, module")
def insert(call: Call) -> Value:
    module, index, value = call.own(ModuleV), call["index"], call["module"]
    if isinstance(index, int):
        children = list(module.modules.values())
        children.insert(index, value)
        containers.renumber(call.run, module, children)
    return call["self"]


@own("pop", takes="self, key=-1")
def pop(call: Call) -> Value:
    module, key = call.own(ModuleV), call["key"]
    if isinstance(key, int):
        children = list(module.modules.values())
        if -len(children) <= key < len(children):
            if list(module.modules)[key] in module.loops:
                containers.make_uneven(module)
                return children[key]
            removed = children.pop(key)
            containers.renumber(call.run, module, children)
            return removed
    elif isinstance(key, str) and key in module.modules:
        removed = module.modules[key]
        call.run.journal.drop(module.modules, key)
        return removed
    return Unknown(origin.Computed("pop of a module container"))


@own("update", takes="self, modules")
def update(call: Call) -> Value:
    source = call["modules"]
    containers.fill(call.run, call.own(ModuleV), "torch.nn.ModuleDict", [source], {}, call.frame, call.site)
    return None


@own("keys", takes="self")
def keys(call: Call) -> Value:
    return ListV(list(_entries(call.own(ModuleV))))


@own("values", takes="self")
def values(call: Call) -> Value:
    return ListV(list(_entries(call.own(ModuleV)).values()))


@own("items", takes="self")
def items(call: Call) -> Value:
    return ListV(list(_entries(call.own(ModuleV)).items()))


@own("get", takes="self, key, default=None")
def get(call: Call) -> Value:
    return _entries(call.own(ModuleV)).get(str(call["key"]), call["default"])


@own("__len__", takes="self")
def length(call: Call) -> Value:
    return len(_entries(call.own(ModuleV)))


@own("clear", takes="self")
def clear(call: Call) -> Value:
    containers.renumber(call.run, call.own(ModuleV), [])
    return None


def _entries(module: ModuleV) -> dict[str, Value]:
    return module.modules or module.parameters


def _children(module: ModuleV) -> list[tuple[str, ModuleV]]:
    """Returns what `named_children()` yields, with the layers inside of torch's own leaves."""
    return modules.children_of(module) + leaves.nested_leaves(module)
