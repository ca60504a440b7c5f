"""`torch.utils._pytree` (nested containers taken apart and put together) and the functional modules of quantised models."""

from __future__ import annotations

from collections.abc import Iterator

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, call, register
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
from vglint.interp.protocols.operators import binary
from vglint.interp.values.objects import BuiltinV, DictV, External, Instance, ListV, Site, TreeSpecV, Value
from vglint.interp.values.records import Tree
from vglint.value import Unknown

declines((TreeSpecV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(LIBRARY, "torch.utils._pytree.tree_flatten", "torch.utils._pytree.tree_leaves")
def tree_flatten(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    tree = args[0] if args else keywords.get("tree")
    leaves: list[Value] = []
    spec = _taken_apart(tree, leaves)
    if which.name.endswith("leaves"):
        return ListV(leaves)
    return ListV(leaves), TreeSpecV(spec)


@register(LIBRARY, "torch.utils._pytree.tree_unflatten")
def tree_unflatten(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    given = [*args, *keywords.values()]
    spec = next((each.form for each in given if isinstance(each, TreeSpecV)), None)
    leaves = next((each for each in given if isinstance(each, (ListV, tuple))), None)
    items = leaves.items if isinstance(leaves, ListV) and leaves.count is None else leaves
    if spec is None or not isinstance(items, (list, tuple)):
        return Unknown(origin.Computed("tree_unflatten"))
    return _put_together(spec, iter(items))


@register(LIBRARY, "torch.utils._pytree.tree_map", "torch.utils._pytree.tree_map_only")
def tree_map(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    *_, function, tree = args if len(args) > 1 else (Unknown(origin.Computed("tree_map")), None)
    leaves: list[Value] = []
    spec = _taken_apart(tree, leaves)
    return _put_together(spec, iter([call(run, function, [leaf], {}, frame, site) for leaf in leaves]))


def _taken_apart(tree: Value, leaves: list[Value]) -> Tree:
    if isinstance(tree, ListV) and tree.count is None:
        return [_taken_apart(each, leaves) for each in tree.items]
    if isinstance(tree, tuple):
        return tuple(_taken_apart(each, leaves) for each in tree)
    if isinstance(tree, DictV) and tree.complete:
        return {key: _taken_apart(each, leaves) for key, each in tree.items.items()}
    leaves.append(tree)
    return None


def _put_together(spec: Tree, leaves: Iterator[Value]) -> Value:
    if isinstance(spec, list):
        return ListV([_put_together(each, leaves) for each in spec])
    if isinstance(spec, tuple):
        return tuple(_put_together(each, leaves) for each in spec)
    if isinstance(spec, dict):
        return DictV({key: _put_together(each, leaves) for key, each in spec.items()})
    return next(leaves, Unknown(origin.Computed("leaf of a tree")))


_OPERATORS = {"add": "+", "mul": "*", "matmul": "@", "add_scalar": "+", "mul_scalar": "*", "add_relu": "+"}


@register(
    LIBRARY,
    "torch.nn.quantized.FloatFunctional",
    "torch.ao.nn.quantized.FloatFunctional",
    "torch.nn.quantized.QFunctional",
    "torch.nn.quantized.FXFloatFunctional",
)
def float_functional(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Arithmetic as a module, so that quantisation can observe it; in training it is plain arithmetic."""

    def cat(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return call(run, External("torch.cat"), args, keywords, frame, site)

    attrs: dict[str, Value] = {name: _operation(name, symbol) for name, symbol in _OPERATORS.items()}
    return Instance(which, {**attrs, "cat": BuiltinV("cat", cat)}, site)


def _operation(name: str, symbol: str) -> BuiltinV:
    def act(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        operands = [*args, *keywords.values()]
        if len(operands) != 2:
            return Unknown(origin.Computed(f"FloatFunctional.{name}"))
        made = binary(run, symbol, operands[0], operands[1], frame, site)
        return call(run, External("torch.nn.functional.relu"), [made], {}, frame, site) if "relu" in name else made

    return BuiltinV(name, act)


@register(
    LIBRARY,
    *(
        f"{home}.{name}"
        for home in ("torch.quantization", "torch.ao.quantization", "torch.ao.quantization.stubs")
        for name in ("QuantStub", "DeQuantStub")
    ),
)
def stub(run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
    """Where values are quantised once the model has been trained; until then they pass."""
    return call(run, External("torch.nn.Identity"), [], {}, frame, site)
