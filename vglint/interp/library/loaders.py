"""`torch.utils.data`: data sets of tensors, and loaders whose batches are inputs."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, register
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
from vglint.interp.protocols.iteration import Items
from vglint.interp.values.objects import External, LoaderV, Site, TensorDatasetV, TensorV, Value, is_tensor
from vglint.value import Unknown

declines((LoaderV,), CALL, ITEM, SET_ITEM, TRUTH, OPERATE, COMPARE, CONTAINS)
declines((TensorDatasetV,), CALL, SETATTR, ITEM, SET_ITEM, ITERATE, TRUTH, OPERATE, COMPARE, CONTAINS)


@register(LIBRARY, "torch.utils.data.TensorDataset", "torch.utils.data.dataset.TensorDataset")
def tensor_dataset(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Tensors of one length; a batch of it has a part of each."""
    shapes = [shape_of(run, value) for value in args] if all(is_tensor(value) for value in args) else []
    return TensorDatasetV(which.name, tuple(shapes))


@register(
    LIBRARY,
    "torch.utils.data.DataLoader",
    "torch_geometric.loader.DataLoader",
    "torch.utils.data.dataloader.DataLoader",
)
def data_loader(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    """Yields batches: one stands for all."""
    dataset = args[0] if args else keywords.get("dataset")
    known = isinstance(dataset, TensorDatasetV) and "collate_fn" not in keywords
    return LoaderV(which.name, dataset.shapes if known and isinstance(dataset, TensorDatasetV) else (), dict(keywords))


@register(ITERATE, LoaderV)
def batches(run: Run, value: LoaderV, frame: Frame, site: Site) -> Items:
    return Items(None, _batch(run, value, site), Unknown(origin.Length("batches")))


def _batch(run: Run, value: LoaderV, site: Site) -> Value:
    whole = entry_input(run, "batch", site)
    if not value.shapes:
        return whole
    parts: list[Value] = []
    for number, shape in enumerate(value.shapes):
        part = None if shape is None else (None, *shape[1:])
        emit(run, "getitem", [whole.node], {"index": number}, site, shape=part)
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
