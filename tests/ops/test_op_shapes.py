"""The shape of every op of the table is what torch returns."""

from __future__ import annotations

import pytest
import torch
from op_calls import alike, read, shapes
from op_samples import SAMPLES

from vglint import ops, origin
from vglint.ops.spec import Call, Many, Tensor
from vglint.value import Unknown

UNKNOWN = Unknown(origin.Argument("?"))

OUTSIDE = {
    "weight_norm", "spectral_norm", "orthogonal", "remove_norm", "checkpoint", "setitem", "einops_reduce", "einops_repeat", "einops_einsum",
    "einops_pack", "einops_unpack", "rearrange",
    "resize", "grad", "tolist", "pack_padded_sequence", "pad_packed_sequence", "pack_sequence",
}  # fmt: skip
"""Ops that are not one call on tensors, or have tests of their own."""


def fits(predicted: object, real: object) -> bool:
    """Whether a prediction says nothing wrong: what it knows equals what torch returned."""
    if real is None:
        return True
    if isinstance(predicted, Many):
        return isinstance(real, list) and all(fits(predicted.each, item) for item in real)
    if isinstance(predicted, Tensor):
        if predicted.shape is None:
            return True
        if not isinstance(real, tuple) or len(predicted.shape) != len(real):
            return False
        return all(size is None or size == actual for size, actual in zip(predicted.shape, real, strict=True))
    return isinstance(real, list) and len(predicted) == len(real) and all(map(fits, predicted, real))


def complete(predicted: object) -> bool:
    """Whether nothing of a prediction is unknown."""
    if isinstance(predicted, Tensor):
        return predicted.shape is not None and None not in predicted.shape
    return isinstance(predicted, tuple) and all(map(complete, predicted))


DATA_DEPENDENT = {
    "nonzero", "unique", "masked_select", "bincount", "histc", "combinations", "cov", "corrcoef", "gradient", "stft", "istft", "lstsq", "lu",
    "lu_factor", "where", "getitem", "from_numpy", "multi_head_attention", "one_hot",
}  # fmt: skip


@pytest.mark.parametrize("text", [*SAMPLES, *alike()])
def test_shape_is_torchs(text):
    torch.set_num_threads(1)
    sample = read(text)
    predicted = ops.OPS[sample.op].result(sample.call)
    real = shapes(sample.real)
    assert fits(predicted, real), f"predicted {predicted}, torch returned {real}"
    assert complete(predicted) or sample.op in DATA_DEPENDENT, f"{predicted} is not fully known"


@pytest.mark.parametrize("text", SAMPLES)
def test_results_are_called_what_torch_calls_them(text):
    sample = read(text)
    named = getattr(type(sample.real), "__match_args__", ())
    ours = ops.results(sample.op)
    assert not named or len(ours) == len(named)
    assert all(name in names.split() for name, names in zip(named, ours, strict=False))


ASSUMES = {
    "F.linear(r(2, 3), r(3))",  # a weight of unknown rank is taken to be a matrix
    "torch.chunk(r(2, 5), 4, -1)",  # an unknown size is taken to be divisible
    "torch.split(r(7, 5), 3)",
    "torch.where(r(2, 3) > 0)",  # an unknown second argument is taken to be there
}


@pytest.mark.parametrize("text", [text for text in SAMPLES if text not in ASSUMES])
def test_unknowns_make_no_wrong_shape(text):
    """Blanking any size, any rank or any argument may lose knowledge, never invent it."""
    sample = read(text)
    real, call = shapes(sample.real), sample.call
    inputs = list(call.inputs)
    cases = [Call(call.config, [None] * len(inputs), call.names)]
    for position, shape in enumerate(inputs):
        cases.append(Call(call.config, [*inputs[:position], None, *inputs[position + 1 :]], call.names))
        for place in range(len(shape)):
            blank = (*shape[:place], None, *shape[place + 1 :])
            cases.append(Call(call.config, [*inputs[:position], blank, *inputs[position + 1 :]], call.names))
    cases.append(Call(call.config, [(None,) * len(shape) for shape in inputs], call.names))
    for name, value in call.config.items():
        cases.append(Call({**call.config, name: UNKNOWN}, inputs, call.names))
        if isinstance(value, tuple):
            for place in range(len(value)):
                blanked = (*value[:place], UNKNOWN, *value[place + 1 :])
                cases.append(Call({**call.config, name: blanked}, inputs, call.names))
    for case in cases:
        predicted = ops.result(sample.op, case)
        assert fits(predicted, real), f"{case} predicts {predicted}, torch returned {real}"


def test_every_op_has_a_sample():
    sampled = {read(text).op for text in SAMPLES} | {read(text).op for text in alike()}
    kinds = {name for name, op in ops.OPS.items() if op.kind == "train"}
    assert set(ops.OPS) - sampled - OUTSIDE - kinds == set()
    assert OUTSIDE & sampled == set()


def test_packing_keeps_the_padded_shape():
    """Packed, through an LSTM, and unpacked again."""
    rnn, lstm = torch.nn.utils.rnn, torch.nn.LSTM(4, 5, batch_first=True)
    padded, lengths = torch.randn(2, 3, 4), torch.tensor([3, 2])
    packed = rnn.pack_padded_sequence(padded, lengths, batch_first=True)
    output, state = lstm(packed)
    first = ops.result("pack_padded_sequence", Call({"batch_first": True}, [(2, 3, 4), (2,)], ["input", "lengths"]))
    ours, our_state = ops.result("lstm", Call({"hidden_size": 5, "batch_first": True}, [first.shape], ["input"]))
    unpacked, _ = ops.result("pad_packed_sequence", Call({"batch_first": True}, [ours.shape], ["sequence"]))
    real, _ = rnn.pad_packed_sequence(output, batch_first=True)
    assert unpacked.shape == tuple(real.shape)
    assert [part.shape for part in our_state] == [tuple(part.shape) for part in state]


@pytest.mark.parametrize("name", ops.OPS)
def test_result_is_total(name):
    """A rule that fails on what the program says gives an unknown shape."""
    for call in (
        Call({}, []),
        Call({}, [None, None]),
        Call({"dim": UNKNOWN, "size": UNKNOWN}, [(2, None)], ["input"]),
        Call({"dim": "x"}, [()]),
    ):
        ops.result(name, call)


def test_unknown_op_has_an_unknown_shape():
    assert ops.result("no such op", Call({}, [(2, 3)])) == Tensor()
