"""Binds the arguments of a call to a signature of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar, cast

from vglint.ops.spec import REQUIRED, Arg

V = TypeVar("V")

_OTHER_NAMES = {
    **{"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"},
    **{"indices": "indices_or_sections", "sections": "indices_or_sections"},
}
"""Names of numpy's that torch's functions take too, and of overloads that are one entry of the table."""


class BindError(ValueError):
    """A call that does not fit the signature."""


class _Form(NamedTuple):
    """A signature as binding asks for it; `others` is its `**name`."""

    args: Sequence[Arg]
    places: tuple[Arg, ...]
    others: Arg | None
    named: tuple[Arg, ...]
    known: frozenset[str]
    required: tuple[str, ...]


_FORMS: dict[int, _Form] = {}
"""Of signatures by identity, which each form holds on to."""


def _form(args: Sequence[Arg]) -> _Form:
    form = _FORMS.get(id(args))
    if form is None:
        others = next((arg for arg in args if arg.star and arg.keyword_only), None)
        named = tuple(arg for arg in args if arg is not others)
        form = _Form(
            args,
            tuple(arg for arg in args if not arg.keyword_only),
            others,
            named,
            frozenset(arg.name for arg in named),
            tuple(arg.name for arg in args if arg.default is REQUIRED),
        )
        if type(args) is tuple and len(_FORMS) < _MOST_FORMS:
            _FORMS[id(args)] = form
    return form


_MOST_FORMS = 8_192


def bind(
    args: Sequence[Arg],
    positional: Sequence[V],
    keywords: Mapping[str, V],
    *,
    constant: Callable[[object], V] | None = None,
    pack: Callable[[tuple[V, ...]], V] | None = None,
    is_sequence: Callable[[V], bool] | None = None,
) -> dict[str, V]:
    """Returns every argument by name in signature order, defaults filled in.

    `constant` makes a value of a default, `pack` one of the positionals that a star argument takes (without them: the default itself, a tuple);
    a star argument given a single sequence (`is_sequence`; without it a tuple or list) takes that sequence itself. What `**name` takes stands under its own keywords. Raises BindError for too many, unknown, repeated or missing arguments.
    """
    sequence = is_sequence or (lambda value: isinstance(value, (tuple, list)))
    packed = pack or (lambda values: cast(V, values))
    lifted = constant or (lambda value: cast(V, value))
    given: dict[str, V] = {}
    form = _form(args)
    for index, arg in enumerate(form.places[: len(positional)]):
        if arg.star:
            rest = tuple(positional[index:])
            given[arg.name] = rest[0] if len(rest) == 1 and sequence(rest[0]) else packed(rest)
        else:
            given[arg.name] = positional[index]
    if len(positional) > len(form.places) and not any(arg.star for arg in form.places):
        raise BindError(f"takes {len(form.places)} positional arguments but {len(positional)} were given")
    others, known = form.others, form.known
    for keyword, value in keywords.items():
        name = keyword if keyword in known else _OTHER_NAMES.get(keyword, keyword)
        if name not in known:
            if others is not None:
                continue
            raise BindError(f"got an unexpected keyword argument '{keyword}'")
        if name in given:
            raise BindError(f"got multiple values for argument '{name}'")
        given[name] = value
    missing = [name for name in form.required if name not in given]
    if missing:
        raise BindError("misses " + ", ".join(f"'{name}'" for name in missing))
    bound = {arg.name: given[arg.name] if arg.name in given else lifted(arg.default) for arg in form.named}
    if others is not None and others.role != "ignored":
        bound.update((keyword, value) for keyword, value in keywords.items() if keyword not in known)
    return bound
