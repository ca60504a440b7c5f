"""What an entry of the op table says: names, arguments, results, parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from vglint.graph import Init
from vglint.ops.traits import Trait
from vglint.shape import Shape
from vglint.value import Literal_

Kind: TypeAlias = Literal[
    "weight",  # linear, convolution, bilinear, embedding: holds weights that multiply
    "activation",  # elementwise nonlinearity, softmax
    "norm",
    "dropout",
    "pool",
    "shape",  # view, permute, index, pad, getitem: moves values
    "combine",  # add, mul, cat, matmul, where: joins tensors
    "elementwise",  # exp, sqrt, clamp, pow: arithmetic of one tensor
    "reduce",  # mean, sum, norm, max
    "attention",
    "recurrent",
    "loss",
    "create",  # zeros, randn, arange: no tensor input
    "cut",  # detach, argmax, item, comparison, integer cast: no gradient passes
    "train",  # backward, step, zero_grad, clip: acts on the outside
    "input",
    "other",
]

Role: TypeAlias = Literal["tensor", "tensors", "config", "ignored"]


class _Required:
    """Marks an argument that has no default."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


class Arg(Struct, frozen=True):
    """One argument of a spelling.

    A `tensor` becomes an input of the node when it is a tensor and stays in the config otherwise (`x + 1`, `F.linear`'s absent bias is
    None); `tensors` is a sequence of tensors; `ignored` (inplace, device, dtype, out, …) never reaches the config.
    `star` takes all positional arguments from here on (`x.view(*shape)`), or one tuple; with `keyword_only` all other keywords.
    """

    name: str
    role: Role = "config"
    default: object = REQUIRED
    star: bool = False
    keyword_only: bool = False


class Spelling(Struct, frozen=True):
    """One way to write an op: `torch.nn.ReLU`, `torch.nn.functional.relu`, `torch.relu`, `torch.Tensor.relu_`.

    `args` is the whole signature as torch has it (a method's without self; a module's constructor without self);
    `forward` is a module's call signature. `fixed` are config values that this spelling implies (`log10` → base=10).
    """

    name: str
    op: str
    form: Literal["module", "function", "method"]
    args: tuple[Arg, ...]
    forward: tuple[Arg, ...] = ()
    inplace: bool = False
    fixed: tuple[tuple[str, Literal_], ...] = ()


class Tensor(Struct, frozen=True):
    """A tensor result of an op; `shape` None where its rank is unknown."""

    shape: Shape | None = None


class Many(Struct, frozen=True):
    """A tuple of tensors whose number is unknown (`split` of an unknown size)."""

    each: Tensor = Tensor()


Result: TypeAlias = "Tensor | Many | tuple[Result, ...]"
"""What a call returns: one tensor, or tensors nested as torch nests them (`lstm`: (output, (h, c)))."""


class Call(Struct, frozen=True):
    """One use of an op, for its rules: bound config by name and the shapes of the tensor inputs in signature order.

    `inputs` flattens `tensors` arguments; `names[i]` is the argument that input i came from. A `tensor` argument that is a plain number
    (the 2 of `x * 2`) stands in `config` under its name.
    """

    config: Mapping[str, Literal_]
    inputs: Sequence[Shape | None]
    names: Sequence[str] = ()


class ParamSpec(Struct, frozen=True):
    """A parameter or buffer that a module creates: name, shape and torch's default init."""

    name: str
    shape: Shape
    init: Init
    trainable: bool = True
    buffer: bool = False


class Op(Struct, frozen=True):
    """One operation, whatever its spelling."""

    name: str
    kind: Kind
    summary: str
    result: Callable[[Call], Result]
    """The shape rule; total: returns shapes with None where sizes are unknown."""
    params: Callable[[Mapping[str, Literal_]], tuple[ParamSpec, ...]] | None = None
    """A module's parameters from its constructor's config."""
    traits: frozenset[Trait] = frozenset()
    """What else is true of it; see `vglint.ops.traits`."""
    init: str = ""
    """Of an activation: the call of `torch.nn.init` that keeps the gradient's size in front of it; empty where He's does."""
    last: str = ""
    """The argument that tells the last size of the result, whatever the rank of what the op gets."""
    names: tuple[str, ...] = ()
    """What its results are called, where it returns a named tuple."""
