"""Binding: targets of assignments, imports, deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from vglint.interp.core import MISSING, Frame, Raised, Run, evaluate
from vglint.interp.indexing import set_index
from vglint.interp.iteration import items_of
from vglint.interp.modules import set_attribute
from vglint.interp.names import member
from vglint.interp.objects import (
    DictV,
    External,
    Instance,
    ListV,
    ModuleV,
    Namespace,
    Scope,
    ShapeV,
    Site,
    TensorV,
    Value,
)
from vglint.value import Expr, Unknown

if TYPE_CHECKING:
    from vglint.source.module import Module

OPTIONAL = frozenset(
    {
        "apex",
        "flash_attn",
        "xformers",
        "triton",
        "deepspeed",
        "megatron",
        "fairscale",
        "mamba_ssm",
        "causal_conv1d",
        "torch_xla",
        "tensorflow",
        "jax",
        "flax",
        "bitsandbytes",
        "torch_npu",
        "intel_extension_for_pytorch",
        "transformer_engine",
        "detectron2",
        "spconv",
        "torch_scatter",
    }
)
"""Packages that a plain PyTorch environment lacks: an import of one inside `try … except ImportError` fails."""


def assign(run: Run, target: cst.CSTNode, value: Value, frame: Frame) -> None:
    """Binds a value to an assignment target."""
    match target:
        case cst.Name(value=name):
            bind(run, name, value, frame.scope)
            if isinstance(value, ModuleV) and not run.modules_running and run.setup == 0:
                run.roots.setdefault(name, value)
        case cst.Attribute():
            holder = evaluate(run, target.value, frame)
            set_attribute(run, holder, target.attr.value, value, frame, Site(frame.unit, target))
        case cst.Subscript():
            from vglint.interp.expressions import key_of

            holder = evaluate(run, target.value, frame)
            set_index(run, holder, key_of(run, target, frame), value, frame, Site(frame.unit, target))
        case cst.Tuple() | cst.List():
            _unpack(run, list(target.elements), value, frame, Site(frame.unit, target))
        case cst.StarredElement():
            assign(run, target.value, value, frame)
        case _:
            pass


def bind(run: Run, name: str, value: Value, scope: Scope) -> None:
    if name in scope.globals:
        run.put(scope.module.names, name, value)
        return
    if name in scope.nonlocals:
        around = scope.parent
        while around is not None:
            if name in around.names:
                run.put(around.names, name, value)
                return
            around = around.parent
    run.put(scope.names, name, value)


def _unpack(run: Run, elements: list[cst.BaseElement], value: Value, frame: Frame, site: Site) -> None:
    starred = next(
        (position for position, element in enumerate(elements) if isinstance(element, cst.StarredElement)), None
    )
    if isinstance(value, ShapeV) and starred is None:
        value = name_sizes(run, value.tensor, len(elements))
    found = items_of(run, value, frame, site)
    if found.items is None or (
        len(found.items) != len(elements) if starred is None else len(found.items) < len(elements) - 1
    ):
        for position, element in enumerate(elements):
            assign(
                run,
                element.value,
                ListV([found.item], found.count)
                if position == starred
                else _part(run, value, position, found.item, site),
                frame,
            )
        return
    if starred is None:
        for element, item in zip(elements, found.items, strict=False):
            assign(run, element.value, item, frame)
        return
    after = len(elements) - starred - 1
    for element, item in zip(elements[:starred], found.items, strict=False):
        assign(run, element.value, item, frame)
    end = len(found.items) - after
    assign(run, elements[starred].value, ListV(found.items[starred:end]), frame)
    for element, item in zip(elements[starred + 1 :], found.items[end:], strict=False):
        assign(run, element.value, item, frame)


def _part(run: Run, value: Value, position: int, item: Value, site: Site) -> Value:
    """Returns one of the values that something of unknown length is unpacked into."""
    if isinstance(value, TensorV):
        from vglint.interp.indexing import index_tensor

        return index_tensor(run, value, position, site)
    return item


def name_sizes(run: Run, tensor: TensorV, rank: int) -> Value:
    """Gives names to the sizes of a tensor whose rank has just become known, and returns them."""
    draft = run.nodes[tensor.node]
    label = str(draft.config.get("name", f"%{tensor.node}"))
    shape = tuple(Expr.symbol(f"{label}.{index}") for index in range(rank))
    run.set_field(tensor, "shape", shape)
    if not tensor.pick and draft.shape is None:
        draft.shape = shape
    return shape


def delete(run: Run, target: cst.CSTNode, frame: Frame) -> None:
    match target:
        case cst.Name(value=name):
            run.drop(frame.scope.names, name)
        case cst.Attribute():
            holder = evaluate(run, target.value, frame)
            if isinstance(holder, ModuleV):
                for table in (holder.modules, holder.parameters, holder.buffers, holder.attrs):
                    if target.attr.value in table:
                        run.drop(table, target.attr.value)
            elif isinstance(holder, Instance):
                run.drop(holder.attrs, target.attr.value)
        case cst.Subscript():
            from vglint.interp.expressions import key_of

            holder, key = evaluate(run, target.value, frame), key_of(run, target, frame)
            if isinstance(holder, DictV) and isinstance(key, (str, int)):
                run.drop(holder.items, key)
            elif (
                isinstance(holder, ListV)
                and isinstance(key, int)
                and holder.count is None
                and -len(holder.items) <= key < len(holder.items)
            ):
                run.touch(holder)
                del holder.items[key]
            elif isinstance(holder, ModuleV):
                from vglint.interp.module_methods import METHODS

                METHODS["pop"](run, [holder, key], {}, frame, Site(frame.unit, target))
        case _:
            pass


# ---- imports


def bind_import(run: Run, node: cst.Import | cst.ImportFrom, frame: Frame) -> None:
    if isinstance(node, cst.Import):
        for alias in node.names:
            dotted = _dotted(alias.name)
            if alias.asname is not None:
                assign(run, alias.asname.name, import_module(run, dotted, frame, whole=True), frame)
            else:
                bind(run, dotted.partition(".")[0], import_module(run, dotted, frame, whole=False), frame.scope)
        return
    dotted = _dotted(node.module) if node.module is not None else ""
    level = len(node.relative)
    source = frame.scope.module.module
    module = run.project.resolve(source, dotted, level) if level or not is_library(dotted) else None
    if isinstance(node.names, cst.ImportStar):
        if module is not None:
            _bind_star(run, namespace(run, module), frame)
        elif is_library(dotted):
            for name in STAR.get(dotted, ()):
                bind(run, name, External(f"{dotted}.{name}"), frame.scope)
        return
    for alias in node.names:
        name = _dotted(alias.name)
        target = _dotted(alias.asname.name) if alias.asname is not None else name
        bind(run, target, _imported(run, source, module, dotted, level, name, frame), frame.scope)


def _imported(
    run: Run, source: Module, module: Module | None, dotted: str, level: int, name: str, frame: Frame
) -> Value:
    if module is None:
        submodule = (
            run.project.resolve(source, f"{dotted}.{name}" if dotted else name, level)
            if level or not is_library(dotted)
            else None
        )
        if submodule is not None:
            return namespace(run, submodule)
        if level:
            return Unknown("unresolved name", f"{'.' * level}{dotted}.{name}")
        _refuse_optional(run, dotted)
        return External(f"{dotted}.{name}")
    space = namespace(run, module)
    value = member(run, space, name)
    if value is not MISSING:
        return value
    submodule = run.project.resolve(source, f"{dotted}.{name}" if dotted else name, level)
    if submodule is not None:
        return namespace(run, submodule)
    return Unknown("unresolved name", f"{dotted}.{name}")


def import_module(run: Run, dotted: str, frame: Frame, *, whole: bool) -> Value:
    """Returns what `import a.b` binds: `a`, or `a.b` itself with `as`."""
    if not is_library(dotted):
        source = frame.scope.module.module
        wanted = dotted if whole else dotted.partition(".")[0]
        module = run.project.resolve(source, wanted, 0)
        if module is not None:
            return namespace(run, module)
        if whole:
            parent = run.project.resolve(source, dotted.partition(".")[0], 0)
            if parent is not None:
                return Unknown("unresolved name", dotted)
        _refuse_optional(run, dotted)
    return External(dotted if whole else dotted.partition(".")[0])


LIBRARIES = frozenset(
    "torch numpy math typing typing_extensions collections functools itertools os sys re copy abc dataclasses enum logging warnings random time json argparse operator contextlib inspect string types pathlib pickle glob shutil datetime tqdm pandas matplotlib sklearn scipy PIL cv2 einops".split()
)
STAR: dict[str, tuple[str, ...]] = {
    "math": ("sqrt", "log", "pi", "exp", "ceil", "floor", "cos", "sin", "prod"),
    "torch.nn": tuple(
        (
            "Module Linear Conv1d Conv2d Conv3d ConvTranspose2d BatchNorm1d BatchNorm2d LayerNorm GroupNorm Dropout ReLU GELU SiLU Sigmoid Tanh "
            "Softmax LogSoftmax Sequential ModuleList ModuleDict Parameter Embedding LSTM GRU RNN MaxPool2d AvgPool2d AdaptiveAvgPool2d "
            "CrossEntropyLoss MSELoss BCELoss BCEWithLogitsLoss NLLLoss Identity Flatten functional init"
        ).split()
    ),
}


def is_library(dotted: str) -> bool:
    return dotted.partition(".")[0] in LIBRARIES


def namespace(run: Run, module: Module) -> Namespace:
    """Returns the namespace of a file, one per run."""
    key = str(module.file)
    if key not in run.namespaces:
        run.namespaces[key] = Namespace(module, {})
    return run.namespaces[key]


def _bind_star(run: Run, space: Namespace, frame: Frame) -> None:
    exported = space.module.binding("__all__")
    if exported:
        listed = member(run, space, "__all__")
        names = [item for item in items_or_empty(listed) if isinstance(item, str)]
    else:
        names = [name for unit in space.module.units for name in unit.names if not name.startswith("_") and name != "*"]
    for name in dict.fromkeys(names):
        value = member(run, space, name)
        if value is not MISSING:
            bind(run, name, value, frame.scope)
    if not exported:
        for unit in space.module.binding("*"):
            if id(unit) not in space.done:
                member(run, space, "*")
        for name, value in list(space.names.items()):
            if not name.startswith("_") and name not in frame.scope.names:
                bind(run, name, value, frame.scope)


def items_or_empty(value: Value) -> list[Value]:
    if isinstance(value, ListV) and value.count is None:
        return value.items
    return list(value) if isinstance(value, tuple) else []


def _refuse_optional(run: Run, dotted: str) -> None:
    if dotted.partition(".")[0] in OPTIONAL:
        raise Raised("ImportError")


def _dotted(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return ""
