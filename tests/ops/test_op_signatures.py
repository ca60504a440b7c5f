"""Every spelling exists in torch, with the arguments, order and defaults that the table says.

Python functions and classes are asked for their signature; a builtin is looked up among torch's operator schemas.
"""

from __future__ import annotations

import functools
import inspect
import math
import typing
from importlib import import_module
from importlib.util import find_spec

import pytest
import torch

from vglint import ops
from vglint.ops.spec import REQUIRED

SPELLINGS = {spelling.name: spelling for spelling in ops.spellings()}
if find_spec("einops") is None:
    SPELLINGS = {name: spelling for name, spelling in SPELLINGS.items() if not name.startswith("einops.")}

OVERLOADED = {"torch.arange", "torch.randint", "torch.randint_like", "torch.einsum"}
"""One signature takes what torch's overloads take: arange(end), arange(start, end, step); einsum(equation, *operands)."""

UNSCHEMED = {
    *(
        f"torch.{name}"
        for name in (
            "Tensor",
            "FloatTensor",
            "DoubleTensor",
            "HalfTensor",
            "LongTensor",
            "IntTensor",
            "BoolTensor",
            "ByteTensor",
        )
    ),
    *(
        f"torch.{name}"
        for name in (
            "cuda.FloatTensor",
            "cuda.LongTensor",
            "asarray",
            "from_numpy",
            "frombuffer",
            "unique",
            "autograd.Variable",
        )
    ),
    *(
        f"torch.Tensor.{name}"
        for name in ("float", "double", "half", "bfloat16", "cfloat", "cdouble", "long", "int", "short", "char", "byte")
    ),
    *(
        f"torch.Tensor.{name}"
        for name in ("bool", "type", "xpu", "ipu", "T", "H", "__matmul__", "new_tensor", "new", "tolist", "numpy")
    ),
}
"""Written in C++ for Python alone: no schema tells their arguments."""

ALIASES = {
    "self": {
        "input",
        "A",
        "x",
        "tensor",
        "y",
        "condition",
        "data",
        "tensors",
        "L",
        "B",
        "count",
        "abs",
        "real",
        "values",
    },
    "sections": {"indices_or_sections"},
    "s": {"data"},
}
"""Names of schemas that differ from Python's."""

PYTHON_ONLY = {"requires_grad", "as_tuple"}
"""Arguments that Python's binding adds to a schema's."""


def real(name: str) -> object:
    """The object that a qualified name stands for."""
    head, *rest = name.split(".")
    found = import_module(head)
    for position, part in enumerate(rest):
        if not hasattr(found, part):
            import_module(".".join([head, *rest[: position + 1]]))
        found = getattr(found, part)
    return found


@functools.cache
def schemas() -> dict[str, list[object]]:
    """torch's operator schemas by name, in-place variants under their own."""
    table: dict[str, list[object]] = {}
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            table.setdefault(schema.name.removeprefix("aten::"), []).append(schema)
    return table


def signature(spelling) -> inspect.Signature | None:
    """The signature of a Python function, a class's constructor or a method without self; None of a builtin."""
    found = real(spelling.name)
    if isinstance(found, (property, type(torch.Tensor.T))):
        return None
    # torch's boolean dispatch hides the signature; the variant with indices has the same arguments.
    for hidden in ("max_pool", "adaptive_max_pool", "fractional_max_pool"):
        last = spelling.name.rpartition(".")[2]
        if last.startswith(hidden) and not last.endswith("_indices") and ".functional." in spelling.name:
            found = real(spelling.name + "_with_indices")
            break
    try:
        own = inspect.signature(found)
    except (ValueError, TypeError):
        return None
    parameters = list(own.parameters.values())
    if spelling.form == "method":
        parameters = parameters[1:]
    if [p.kind for p in parameters] == [
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    ] and spelling.name not in _ANYTHING:
        return None
    return own.replace(parameters=parameters)


_ANYTHING = {"torch.nn.Identity"}


def same_default(ours: object, theirs: object) -> bool:
    if theirs is inspect.Parameter.empty:
        return ours is REQUIRED
    if callable(theirs) and not isinstance(theirs, type) and isinstance(ours, str):
        return ours.rpartition(".")[2] == theirs.__name__
    if isinstance(ours, float) and isinstance(theirs, (int, float)) and not isinstance(theirs, bool):
        return math.isclose(ours, theirs)
    return ours == theirs


MODULES = [name for name, spelling in SPELLINGS.items() if spelling.form == "module"]
PYTHON = [name for name, spelling in SPELLINGS.items() if signature(spelling) is not None and name not in OVERLOADED]
BUILTIN = [name for name in SPELLINGS if name not in {*PYTHON, *MODULES, *OVERLOADED, *UNSCHEMED}]


@pytest.mark.parametrize("name", PYTHON)
def test_python_signature(name):
    spelling = SPELLINGS[name]
    theirs = signature(spelling).parameters.values()
    ours = spelling.args
    assert [arg.name for arg in ours] == [p.name for p in theirs]
    for arg, parameter in zip(ours, theirs, strict=True):
        star = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        assert arg.star == star, arg.name
        if not star:
            assert arg.keyword_only == (parameter.kind is parameter.KEYWORD_ONLY), arg.name
            assert same_default(arg.default, parameter.default), (
                f"{arg.name}: {arg.default} is {parameter.default} in torch"
            )


@pytest.mark.parametrize("name", sorted({*MODULES} - {*PYTHON}))
def test_module_of_bare_arguments(name):
    """A constructor that torch declares as (*args, **kwargs): its overloads say more, or there is nothing to say."""
    names = [arg.name for arg in SPELLINGS[name].args]
    overloads = [list(inspect.signature(overload).parameters) for overload in typing.get_overloads(real(name).__init__)]
    if overloads:
        assert ["self", *names] in overloads
    else:
        inherited = inspect.signature(super(real(name), real(name)).__init__).parameters
        assert names == [] or set(names) <= set(inherited) - {"self"}


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith("einops")])
def test_forward_signature(name):
    spelling = SPELLINGS[name]
    theirs = list(inspect.signature(real(name).forward).parameters.values())[1:]
    assert [arg.name for arg in spelling.forward] == [p.name for p in theirs]
    for arg, parameter in zip(spelling.forward, theirs, strict=True):
        assert same_default(arg.default, parameter.default), arg.name


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_schema(name):
    """Each argument is one of an overload's, in an overload's order, with its default."""
    spelling = SPELLINGS[name]
    assert real(name) is not None
    overloads = [list(schema.arguments) for schema in _schemas(spelling)]
    assert overloads, "torch has no schema of that name"
    ours = [arg for arg in spelling.args if arg.role != "ignored" and not arg.star and arg.name not in PYTHON_ONLY]
    for arg in ours:
        found = [a for overload in overloads for a in overload if arg.name in _names(a)]
        assert found, f"{arg.name} is in no overload: {[[a.name for a in o] for o in overloads]}"
        defaults = [a.default_value for a in found if a.has_default_value()]
        required = [a for a in found if not a.has_default_value()]
        if arg.default is REQUIRED:
            assert required, f"{arg.name} has a default: {defaults}"
        else:
            alike = [value for value in defaults if same_default(_plain(arg.default), _plain(value))]
            absent = any(all(arg.name not in _names(a) for a in overload) for overload in overloads)
            assert alike or absent, f"{arg.name}: {arg.default} is none of {defaults}"
    own = [arg.name for arg in ours]
    assert any(_in_order(own, overload) for overload in overloads), f"{own} is in no overload's order"


def _schemas(spelling) -> list[object]:
    last = spelling.name.rpartition(".")[2]
    names = [{"logsigmoid": "log_sigmoid"}.get(last, last)]
    for space in ("linalg", "fft", "special"):
        if f".{space}." in spelling.name:
            names = [f"{space}_{last}"]
    return [schema for candidate in names for schema in schemas().get(candidate, [])]


def _names(argument) -> set[str]:
    return {argument.name} | ALIASES.get(argument.name, set())


def _in_order(names: list[str], overload: list[object]) -> bool:
    places = []
    for name in names:
        exact = [position for position, a in enumerate(overload) if a.name == name]
        place = next(iter(exact or [position for position, a in enumerate(overload) if name in _names(a)]), None)
        if place is not None:
            places.append(place)
    return places == sorted(places)


def _plain(value: object) -> object:
    """A schema says `[1, 1]` for a size of 1 and `[]` for none."""
    if isinstance(value, list) and len(set(value)) <= 1:
        return value[0] if value else None
    return tuple(value) if isinstance(value, list) else value if value != () else None


@pytest.mark.parametrize("name", SPELLINGS)
def test_definition_path_is_canonical(name):
    """The path where torch defines a public function leads back to the same op."""
    spelling = SPELLINGS[name]
    found = real(name)
    module, qualified = getattr(found, "__module__", None), getattr(found, "__qualname__", None)
    if spelling.form == "method" or not module or not qualified or not isinstance(found, type):
        return
    again = ops.find(f"{module}.{qualified}")
    assert again is not None, f"{module}.{qualified}"
    assert again.op == spelling.op
