"""`re` on texts that are known, with patterns that cannot run away."""

from __future__ import annotations

import keyword
import math
import re

from vglint import origin
from vglint.interp.machine.core import LIBRARY, Frame, Run, register
from vglint.interp.values.objects import BuiltinV, External, Instance, ListV, Site, Value
from vglint.value import Unknown

LENGTH = 1_000
"""Characters of a text that is searched."""
_NESTED = re.compile(r"\)[*+?{]|\\\d")
"""A repeated group, or a back reference: what can take exponential time."""
COST = 24.0
"""Binary logarithm of the steps that a search may take: a part of a second."""
FUNCTIONS = ("match", "search", "fullmatch", "split", "findall", "sub")


@register(LIBRARY, *(f"re.{name}" for name in FUNCTIONS))
def function(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    name = which.name.rpartition(".")[2]
    if keywords or not all(isinstance(arg, str) for arg in args) or len(args) != (3 if name == "sub" else 2):
        return Unknown(origin.Call(f"re.{name}()"))
    pattern, *rest = (str(arg) for arg in args)
    if (
        len(pattern) > 200
        or _NESTED.search(pattern)
        or any(len(text) > LENGTH for text in rest)
        or _cost(pattern, rest) > COST
    ):
        return Unknown(origin.Call(f"re.{name}()"))
    try:
        found = getattr(re, name)(pattern, *rest)
    except (re.error, RecursionError):
        return Unknown(origin.Call(f"re.{name}()"))
    if isinstance(found, list):
        return ListV(found)
    return _match(found, site) if isinstance(found, re.Match) else found


def _cost(pattern: str, texts: list[str]) -> float:
    """Returns the binary logarithm of the steps in the worst case: each `*`, `+` and `{` may try every length, each `?` two ways."""
    longest = max(map(len, texts), default=0)
    repeats = sum(pattern.count(sign) for sign in "*+{")
    return (repeats + 1) * math.log2(longest + 1) + pattern.count("?")


def _match(found: re.Match[str], site: Site) -> Instance:
    def group(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        try:
            return found.group(*(arg for arg in args if isinstance(arg, (int, str))))
        except (IndexError, TypeError):
            return Unknown(origin.Computed("group"))

    def every(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        return found.groups()

    methods: dict[str, Value] = {"group": BuiltinV("group", group), "groups": BuiltinV("groups", every)}
    return Instance(External("re.Match"), methods, site)


@register(LIBRARY, "re.compile")
def compiled(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    if len(args) != 1 or keywords or not isinstance(args[0], str):
        return Unknown(origin.Call("re.compile()"))
    pattern = args[0]

    def method(name: str) -> BuiltinV:
        def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
            return function(run, External(f"re.{name}"), [pattern, *args], keywords, frame, site)

        return BuiltinV(name, invoke)

    return Instance(External("re.Pattern"), {"pattern": pattern, **{name: method(name) for name in FUNCTIONS}}, site)


@register(LIBRARY, "keyword.iskeyword")
def is_keyword(
    run: Run, which: External, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site
) -> Value:
    return keyword.iskeyword(args[0]) if args and isinstance(args[0], str) else Unknown(origin.Computed("iskeyword"))
