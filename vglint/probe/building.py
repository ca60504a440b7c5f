"""Builds the model that an expression names; arguments that nothing gives are made up, and changed as what the constructor raises suggests."""

from __future__ import annotations

import inspect
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, TypeAlias

import torch
from torch import nn

from vglint.probe.guesses import Value, by_parts, made_up, required
from vglint.probe.written import written

Arguments: TypeAlias = "dict[str, Value]"
_TRIES, _SECONDS = 80, 15.0
_DEEPEST = 2
"""Modules that are made up for a module that is itself made up."""
_SIDES = (64, 96, 224, 256)
_QUOTED = re.compile(r"""['"`](\w+)['"`]""")
_SEQUENCE = re.compile(r"\btuple\b|\blist\b|has no len\(\)|not (?:iterable|subscriptable)|non-iterable")
_DIVISIBLE = re.compile(r"\bdivisible\b|\bdivide\b")
_PREFIX = re.compile(r"""['"]([a-z]\w*_)['"]""")

_found: dict[Callable[..., Any], Arguments] = {}
"""What the search ended with, so that the next seed's model has the same arguments."""


class NeedsArgumentError(TypeError):
    """Something needs an argument that nothing gives; the text says which."""


def build(module: ModuleType, expression: str, notes: list[str], hosts: Sequence[str] = ()) -> nn.Module:
    """Evaluates the expression among the file's names; builds a class and calls a function that it yields.

    A class whose arguments nobody knows is taken from the first of `hosts` that holds one.
    """
    value = _made_there(module, expression)
    try:
        value = eval(expression, dict(vars(module))) if value is None else value
    except NameError:
        value = _class_of(module, expression)
        if value is None:
            raise
    if inspect.isclass(value) and hosts and required(value):
        held = _held(module, value, hosts, notes)
        if held is not None:
            return held
    if inspect.isclass(value) or (callable(value) and not isinstance(value, nn.Module)):
        value = _called(value, notes)
    if isinstance(value, (tuple, list)):
        value = next((item for item in value if isinstance(item, nn.Module)), value)
    if not isinstance(value, nn.Module):
        raise TypeError(f"{expression} is a {type(value).__name__}, not an nn.Module")
    return value


def _made_there(module: ModuleType, expression: str) -> object:
    """Returns what `Net(encoder, 16)` makes where the file has it, None where it does not have it or the names in it are not told there."""
    place = written(module, expression) if "(" in expression else None
    with suppress(NameError):
        return None if place is None else place.made()
    return None


def _class_of(module: ModuleType, expression: str) -> type | None:
    """Returns the class of `Net(features.shape[1], 16)`, whose arguments only a run of the whole script knows."""
    value = vars(module).get(expression.partition("(")[0])
    return value if isinstance(value, type) else None


def _held(module: ModuleType, kind: type, hosts: Sequence[str], notes: list[str]) -> nn.Module | None:
    for host in hosts:
        try:
            model = build(module, host, [])
        except Exception:  # what cannot be built holds nothing
            continue
        found = next((part for part in model.modules() if type(part) is kind), None)
        if found is not None:
            notes.append(f"the {kind.__name__} of {host}")
            return found
    return None


def _called(make: Callable[..., Any], notes: list[str], inside: int = 0) -> object:
    """Calls a class or function with made-up arguments; each trial starts from the same state of the generator of random numbers."""
    state, deadline, tried = torch.get_rng_state(), time.monotonic() + _SECONDS, 0
    waiting = deque([_found[make] if make in _found else _first(make, inside)])
    complaint: Exception | None = None
    seen: list[Arguments] = []
    complaints: set[str] = set()
    while waiting and (complaint is None or (tried < _TRIES and time.monotonic() < deadline)):
        arguments = waiting.popleft()
        if arguments in seen:
            continue
        seen.append(arguments)
        tried += 1
        torch.set_rng_state(state)
        try:
            made = make(**{name: _filled(value, inside) for name, value in arguments.items()})
        except Exception as error:
            complaint = complaint or error
            if str(error) not in complaints:
                complaints.add(str(error))
                waiting.extend(_others(make, arguments, error))
            continue
        _found[make] = arguments
        if arguments:
            notes.append("arguments made up: " + ", ".join(f"{name}={value}" for name, value in arguments.items()))
        return made
    assert complaint is not None
    raise complaint


def _filled(value: Value, inside: int) -> object:
    if value.kind is None:
        return value.plain
    return _called(value.kind, [], inside + 1) if issubclass(value.kind, nn.Module) else value.kind()


def _first(make: Callable[..., Any], inside: int) -> Arguments:
    arguments = {}
    for parameter in required(make):
        value = made_up(make, parameter)
        module = value is not None and value.kind is not None and issubclass(value.kind, nn.Module)
        if value is None or (module and inside == _DEEPEST):
            name = getattr(make, "__name__", "f")
            raise NeedsArgumentError(
                f"{name} needs {parameter.name!r}: give it in the expression, as {name}({parameter.name}=…)"
            )
        arguments[parameter.name] = value
    return arguments


def _others(make: Callable[..., Any], given: Mapping[str, Value], error: Exception) -> Iterator[Arguments]:
    """Yields arguments that differ from those that raised `error`: what its text misses is added, numbers that it may
    mean become tuples, sides of images grow; those whose names it says come first."""
    text = str(error)
    for missing in _missing(make, error):
        added = {name: Value(value) for name in missing if (value := by_parts(name)) is not None}
        if added.keys() - given.keys():
            yield {**given, **added}
    names = sorted(given, key=lambda name: re.search(rf"\b{name}\b", text) is None)
    for name in names:
        plain = given[name].plain
        if not isinstance(plain, (int, tuple)) or isinstance(plain, bool):
            continue
        number = plain if isinstance(plain, int) else plain[0]
        if isinstance(plain, tuple) or _SEQUENCE.search(text):
            yield from ({**given, name: Value((number,) * count)} for count in (4, 3, 2))
        elif name.endswith(("image_size", "img_size")) or (_DIVISIBLE.search(text) and name in text):
            yield from ({**given, name: Value(side)} for side in _SIDES)


def _missing(make: Callable[..., Any], error: Exception) -> list[list[str]]:
    """Returns the arguments that an error may say are missing, likelier ones first: those without a value that it names, or, for a constructor
    that takes any keyword, what it quotes, behind each of the prefixes by which such constructors sort their keywords or as it stands."""
    parameters, text = inspect.signature(make).parameters, str(error)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        optional = [name for name, parameter in parameters.items() if parameter.default is None]
        return [[name for name in optional if re.search(rf"\b{name}\b", text)]]
    try:
        prefixes = list(dict.fromkeys(_PREFIX.findall(inspect.getsource(make))))
    except (OSError, TypeError):
        prefixes = []
    quoted = _QUOTED.findall(text)
    return [[prefix + name for prefix in prefixes for name in quoted], quoted]
