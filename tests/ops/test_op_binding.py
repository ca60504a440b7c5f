"""Arguments find their names, whichever way a call gives them; a call that does not fit is refused with its reason."""

from __future__ import annotations

import pytest

from vglint import ops


def bound(name, *positional, **keywords):
    spelling = ops.find(name) or ops.method(name)
    return ops.bind(spelling.args, positional, keywords)


@pytest.mark.parametrize("positional", [(2, 3), ((2, 3),), ([2, 3],)])
def test_star_takes_numbers_or_one_sequence(positional):
    assert tuple(bound("view", *positional)["size"]) == (2, 3)


def test_star_takes_a_lone_number():
    assert bound("view", 6)["size"] == (6,)


def test_star_by_keyword():
    assert bound("torch.zeros", size=(2, 3))["size"] == (2, 3)


def test_defaults_are_filled_in_signature_order():
    config = bound("torch.nn.Conv2d", 3, 8, kernel_size=3, bias=False)
    assert list(config) == [
        "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "padding_mode", "device", "dtype",
    ]  # fmt: skip
    assert (config["stride"], config["bias"], config["padding_mode"]) == (1, False, "zeros")


def test_defaults_and_packs_become_values():
    spelling = ops.method("permute")
    assert ops.bind(spelling.args, ("a", "b"), {}, pack="+".join)["dims"] == "a+b"
    linear = ops.find("torch.nn.Linear")
    assert ops.bind(linear.args, ("3", "4"), {}, constant=str)["bias"] == "True"


def test_a_value_that_is_a_sequence_stands_alone():
    spelling = ops.method("permute")
    assert ops.bind(spelling.args, ("xyz",), {}, is_sequence=lambda value: len(value) == 3)["dims"] == "xyz"


@pytest.mark.parametrize(
    ("name", "keyword", "means"), [("sum", "axis", "dim"), ("sum", "keepdims", "keepdim"), ("torch.cat", "axis", "dim")]
)
def test_numpy_names(name, keyword, means):
    positional = ([1],) if name == "torch.cat" else ()
    assert bound(name, *positional, **{keyword: 1})[means] == 1


def test_other_keywords_stand_under_their_own_names():
    assert bound("einops.rearrange", "x", "b (h d) -> b h d", h=8) == {
        "tensor": "x",
        "pattern": "b (h d) -> b h d",
        "h": 8,
    }
    assert bound("torch.nn.Identity", 5, anything=1) == {"args": (5,)}


@pytest.mark.parametrize(
    ("name", "positional", "keywords", "message"),
    [
        ("torch.nn.Linear", (1,), {}, "misses 'out_features'"),
        ("torch.nn.Linear", (), {}, "misses 'in_features', 'out_features'"),
        ("torch.nn.ReLU", (True, 1), {}, "takes 1 positional arguments but 2 were given"),
        ("torch.nn.Linear", (1, 2), {"biass": True}, "got an unexpected keyword argument 'biass'"),
        ("torch.nn.Linear", (1, 2), {"in_features": 3}, "got multiple values for argument 'in_features'"),
        ("torch.sum", ("x",), {"dim": 1, "axis": 1}, "got multiple values for argument 'dim'"),
        ("torch.clamp", ("x", 0, 1, "out"), {}, "takes 3 positional arguments but 4 were given"),
    ],
)
def test_misfits(name, positional, keywords, message):
    with pytest.raises(ops.BindError, match=f"^{message}$"):
        bound(name, *positional, **keywords)
