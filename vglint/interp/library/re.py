"""`re` on texts that are known, with patterns that cannot run away."""

from __future__ import annotations

import math
import re

from vglint import origin
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.values.objects import External, Instance, ListV, Site, Value
from vglint.regex import regex
from vglint.value import Unknown

LENGTH = 1_000
"""Characters of a text that is searched."""
_NESTED = regex(r"\)[*+?{]|\\\d")
"""A repeated group, or a back reference: what can take exponential time."""
COST = 24.0
"""Binary logarithm of the steps that a search may take: a part of a second."""
SEARCHES = ("match", "search", "fullmatch", "split", "findall")


@library(*(f"re.{name}" for name in SEARCHES), takes="pattern, string")
def search(call: Call) -> Value:
    return _searched(call, call.last, [call["pattern"], call["string"]])


@library("re.sub", takes="pattern, repl, string")
def substitute(call: Call) -> Value:
    return _searched(call, "sub", [call["pattern"], call["repl"], call["string"]])


def _searched(call: Call, name: str, given: list[Value]) -> Value:
    unknown = Unknown(origin.Call(f"re.{name}()"))
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        return unknown
    pattern, *rest = texts
    if len(pattern) > 200 or _NESTED.search(pattern) or any(len(text) > LENGTH for text in rest):
        return unknown
    if _cost(pattern, rest) > COST:
        return unknown
    try:
        found = getattr(re, name)(pattern, *rest)
    except (re.error, RecursionError):
        return unknown
    if isinstance(found, list):
        return ListV(found)
    return _match(found, call.site) if isinstance(found, re.Match) else found


def _cost(pattern: str, texts: list[str]) -> float:
    """Returns the binary logarithm of the steps in the worst case: each `*`, `+` and `{` may try every length, each `?` two ways."""
    longest = max(map(len, texts), default=0)
    repeats = sum(pattern.count(sign) for sign in "*+{")
    return (repeats + 1) * math.log2(longest + 1) + pattern.count("?")


def _match(found: re.Match[str], site: Site) -> Instance:
    def group(call: Call) -> Value:
        try:
            return found.group(*(arg for arg in call.args if isinstance(arg, (int, str))))
        except (IndexError, TypeError):
            return Unknown(origin.Computed("group"))

    methods: dict[str, Value] = {
        "group": method("group", "*groups", group),
        "groups": method("groups", "default=None", lambda call: found.groups()),
    }
    return Instance(External("re.Match"), methods, site)


@library("re.compile", takes="pattern")
def compiled(call: Call) -> Value:
    pattern = call["pattern"]
    if not isinstance(pattern, str):
        return Unknown(origin.Call("re.compile()"))
    methods: dict[str, Value] = {
        name: method(name, "string", lambda call, name=name: _searched(call, name, [pattern, call["string"]]))  # type: ignore[misc]
        for name in SEARCHES
    }
    methods["sub"] = method("sub", "repl, string", lambda call: _searched(call, "sub", [pattern, *call.args]))
    return Instance(External("re.Pattern"), {"pattern": pattern, **methods}, call.site)
