"""`torch.utils` (checkpoints, data, nested containers), and modules that stand for arithmetic until a model is quantised."""

from __future__ import annotations

from collections.abc import Iterator

from vglint import origin
from vglint.interp.library.torch import several
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.budget import BudgetError
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.machine.core import Frame, Raised, Run, get_attribute, register
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
from vglint.interp.nodes.emit import emit, entry_input, shape_of
from vglint.interp.protocols.asking import listed, operate
from vglint.interp.protocols.iteration import Items
from vglint.interp.values.inside import bulk
from vglint.interp.values.objects import (
    DictV,
    External,
    Instance,
    ListV,
    LoaderV,
    Site,
    TensorDatasetV,
    TensorV,
    TreeSpecV,
    Value,
    is_tensor,
)
from vglint.interp.values.records import Tree
from vglint.shape import Shape
from vglint.value import Expr, Unknown

declines((LoaderV,), CALL, ITEM, SET_ITEM, TRUTH, OPERATE, COMPARE, CONTAINS)
declines((TensorDatasetV,), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)
declines((TreeSpecV,), CALL, GETATTR, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)

# ---- checkpoint

_SETTINGS = "*, use_reentrant?, preserve_rng_state?, context_fn?, determinism_check?, debug?"


@library("torch.utils.checkpoint.checkpoint", takes=f"function, *args, {_SETTINGS.removeprefix('*, ')}, **kwargs")
def checkpoint(call: Call) -> Value:
    return call.invoke(call["function"], *call.rest, **call.others)


@library("torch.utils.checkpoint.checkpoint_sequential", takes=f"functions, segments, input, {_SETTINGS}")
def checkpoint_sequential(call: Call) -> Value:
    value, found = call["input"], listed(call, call["functions"])
    if found is None:
        return call.opaque()
    for function in found:
        value = call.invoke(function, value)
    return value


# ---- data


@library("torch.utils.data.TensorDataset", "torch.utils.data.dataset.TensorDataset", takes="*tensors")
def tensor_dataset(call: Call) -> Value:
    """Tensors of one length; a batch of it has a part of each."""
    shapes = [shape_of(call.run, value) for value in call.args] if all(map(is_tensor, call.args)) else []
    return TensorDatasetV(call.name, tuple(shapes))


@library(
    "torch.utils.data.random_split", "torch.utils.data.dataset.random_split", takes="dataset, lengths, *rest, **options"
)
def random_split(call: Call) -> Value:
    """Parts of a dataset, each with samples like all the others."""
    dataset, parts = call["dataset"], listed(call, call["lengths"])
    if parts is None or not isinstance(dataset, (TensorDatasetV, Instance)):
        return call.opaque()
    if isinstance(dataset, Instance):
        return ListV([dataset for _ in parts])
    shapes = tuple(None if shape is None else (None, *shape[1:]) for shape in dataset.shapes)
    return ListV([TensorDatasetV(dataset.name, shapes) for _ in parts])


@library(
    "torch.utils.data.DataLoader",
    "torch.utils.data.dataloader.DataLoader",
    "torch_geometric.loader.DataLoader",
    takes="dataset?, batch_size=1, *rest, **options",
)
def data_loader(call: Call) -> Value:
    """Yields batches: one stands for all. Their length is known where it is 1; the last one may be shorter than any other."""
    dataset, size = call.get("dataset"), call["batch_size"]
    plain = not {"collate_fn", "batch_sampler"} & call.keywords.keys() and not call.rest
    shapes = dataset.shapes if plain and isinstance(dataset, TensorDatasetV) else ()
    if plain and isinstance(dataset, Instance):
        shapes = tuple(None if shape is None else (None, *shape) for shape in _sample(call, dataset))
    first = () if size is None else (1 if size == 1 and not isinstance(size, bool) else None,)
    batch = tuple(None if shape is None else (*first, *shape[1:]) for shape in shapes)
    return LoaderV(call.name, batch, dict(call.keywords))


def _sample(call: Call, dataset: Instance) -> tuple[Shape | None, ...]:
    """Returns the shapes of what a dataset of the program's own gives for one index, () where it gives no tuple or nothing that is known."""
    run = call.run
    with attempted(run) as attempt:
        try:
            reading = get_attribute(run, dataset, "__getitem__", call.frame)
            found = call.invoke(reading, Expr.symbol("index"))
            shapes = tuple(_shape_of_part(run, part) for part in found) if isinstance(found, tuple) else ()
        except (Raised, BudgetError):
            shapes = ()
        finally:
            attempt.undo(run)
    return shapes if any(shape is not None for shape in shapes) else ()


def _shape_of_part(run: Run, part: Value) -> Shape | None:
    """Returns the shape of one part of a sample: () for a number, which a batch makes a tensor of."""
    if is_tensor(part):
        return shape_of(run, part)
    return () if isinstance(part, (int, float)) else None


@register(ITERATE, LoaderV)
def batches(run: Run, value: LoaderV, frame: Frame, site: Site) -> Items:
    return Items(None, _batch(run, value, site), Unknown(origin.Length("batches")))


def _batch(run: Run, value: LoaderV, site: Site) -> Value:
    whole = entry_input(run, "batch", site)
    if not value.shapes:
        return whole
    parts: list[Value] = []
    for number, shape in enumerate(value.shapes):
        emit(run, "getitem", [whole.node], {"index": number}, site, shape=shape)
        parts.append(TensorV(len(run.graph.nodes) - 1, run.graph.nodes[-1].shape))
    return tuple(parts)


@register(GETATTR, LoaderV)
def attribute(run: Run, value: LoaderV, name: str, frame: Frame) -> Value:
    return value.attrs.get(name, Unknown(origin.Member(value.name, name)))


@register(SETATTR, LoaderV)
def set_attribute(run: Run, target: LoaderV, name: str, value: Value, frame: Frame, site: Site) -> None:
    run.journal.put(target.attrs, name, value)


@register(GETATTR, TensorDatasetV)
def dataset_attribute(run: Run, value: TensorDatasetV, name: str, frame: Frame) -> Value:
    return Unknown(origin.Member(value.name, name))


# ---- nested containers


@library("torch.utils._pytree.tree_flatten", "torch.utils._pytree.tree_leaves", takes="tree, is_leaf=None")
def tree_flatten(call: Call) -> Value:
    leaves: list[Value] = []
    spec = _spec_of(call["tree"], leaves)
    return ListV(leaves) if call.last == "tree_leaves" else (ListV(leaves), TreeSpecV(spec))


@library("torch.utils._pytree.tree_unflatten", takes="leaves, treespec")
def tree_unflatten(call: Call) -> Value:
    spec = next((each.form for each in call.given if isinstance(each, TreeSpecV)), None)
    leaves = next((each for each in call.given if isinstance(each, (ListV, tuple))), None)
    items = leaves.items if isinstance(leaves, ListV) and leaves.count is None else leaves
    if spec is None or not isinstance(items, (list, tuple)):
        return Unknown(origin.Computed("tree_unflatten"))
    return _put_together(spec, iter(items))


@library("torch.utils._pytree.tree_map_only", takes="types, function, tree, *rest, **options")
@library("torch.utils._pytree.tree_map", takes="function, tree, *rest, **options")
def tree_map(call: Call) -> Value:
    leaves: list[Value] = []
    spec = _spec_of(call["tree"], leaves)
    return _put_together(spec, iter([call.invoke(call["function"], leaf) for leaf in leaves]))


_LARGEST = 20_000
"""Entries of a tree; a larger one is one leaf that is not known."""


def _spec_of(tree: Value, leaves: list[Value]) -> Tree:
    return _taken_apart(Unknown(origin.Budget("large tree")) if bulk(tree, _LARGEST) > _LARGEST else tree, leaves)


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


@library("torch.nn.modules.utils._ntuple", takes="n, name=None")
def ntuple_maker(call: Call) -> Value:
    count = call["n"]
    return method("ntuple", "x", lambda call: several(call, call["x"], count if isinstance(count, int) else 1))


# ---- quantisation

_SYMBOLS = {"add": "+", "mul": "*", "matmul": "@", "add_scalar": "+", "mul_scalar": "*", "add_relu": "+"}


@library(
    "torch.nn.quantized.FloatFunctional",
    "torch.ao.nn.quantized.FloatFunctional",
    "torch.nn.quantized.QFunctional",
    "torch.nn.quantized.FXFloatFunctional",
    takes="",
)
def float_functional(call: Call) -> Value:
    """Arithmetic as a module, so that quantisation can observe it; in training it is plain arithmetic."""

    def act(call: Call) -> Value:
        made = operate(call, _SYMBOLS[call.name], call["x"], call["y"])
        return call.invoke(External("torch.nn.functional.relu"), made) if call.name == "add_relu" else made

    def cat(call: Call) -> Value:
        return call.invoke(External("torch.cat"), *call.args, **call.keywords)

    attrs: dict[str, Value] = {name: method(name, "x, y", act) for name in _SYMBOLS}
    return Instance(External(call.name), {**attrs, "cat": method("cat", "x, dim=0", cat)}, call.site)


@library(
    *(
        f"{home}.{name}"
        for home in ("torch.quantization", "torch.ao.quantization", "torch.ao.quantization.stubs")
        for name in ("QuantStub", "DeQuantStub")
    ),
    takes="qconfig=None",
)
def stub(call: Call) -> Value:
    """Where values are quantised once the model has been trained; until then they pass."""
    return call.invoke(External("torch.nn.Identity"))
