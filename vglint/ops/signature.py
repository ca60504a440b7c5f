"""Reads the table's signature lines.

A line is `names (arguments)`, for a module `names (constructor)(forward)`, with an optional `| name=value` for what the spelling implies:

    nn.ReLU(-inplace=False)(%input)
    torch.relu torch.relu_ F.relu_ x.relu x.relu_ (%input)
    x.log10(%input) | base=10

Names: `nn.` is torch.nn, `F.` torch.nn.functional, `x.` a method of torch.Tensor, `x:` an attribute; a method's line keeps its self as the first argument.
Marks: `%name` tensor, `%%name` sequence of tensors, `-name` ignored, `*name` takes all positionals from here on, a lone `*` begins the
keyword-only ones; `**-name` takes all other keywords. A default is a Python literal, or a dotted name that stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from vglint.ops.spec import REQUIRED, Arg, Role, Spelling
from vglint.value import Literal_

_PREFIXES = {"nn": "torch.nn", "F": "torch.nn.functional", "x": "torch.Tensor"}
_CONSTANTS: dict[str, object] = {"None": None, "True": True, "False": False}


def lines(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields each line's names in full and its signature, not yet parsed; a line without its closing parenthesis goes on in the next."""
    pending = ""
    for line in text.splitlines():
        pending = f"{pending} {line.strip()}" if pending else line.strip()
        if "(" not in pending or pending.count("(") != pending.count(")"):
            continue
        names, parenthesis, rest = pending.partition("(")
        yield tuple(full_name(name) for name in names.split()), parenthesis + rest
        pending = ""
    if pending:
        raise ValueError(f"no signature, or open parentheses: {pending}")


def full_name(name: str) -> str:
    """Returns the qualified name: `F.relu` → `torch.nn.functional.relu`, `x:T` → `torch.Tensor:T`."""
    if name.startswith("x:"):
        return "torch.Tensor:" + name[2:]
    head, dot, rest = name.partition(".")
    return _PREFIXES.get(head, head) + dot + rest


def spelling(name: str, op: str, signature: str) -> Spelling:
    """Parses one signature into the spelling of `op` called `name`."""
    groups, fixed = _groups(signature)
    args = arguments(groups[0])
    form: Literal["module", "function", "method"] = "function"
    if len(groups) == 2:
        form = "module"
    elif name.startswith(("torch.Tensor.", "torch.Tensor:")):
        form, args = "method", args[1:]
    last = name.rpartition(".")[2]
    inplace = last.endswith("_") and not last.endswith("__") and form != "module"
    if form == "method" or inplace:
        args = tuple(arg for arg in args if arg.name != "out")
    return Spelling(
        name=name.replace(":", "."),
        op=op,
        form=form,
        args=args,
        forward=arguments(groups[1]) if form == "module" else (),
        inplace=inplace,
        fixed=tuple((arg.name, cast(Literal_, arg.default)) for arg in arguments(fixed)),
    )


def arguments(text: str) -> tuple[Arg, ...]:
    """Parses a comma-separated list of arguments with their marks."""
    found: list[Arg] = []
    keyword_only = False
    for part in _split(text):
        if part == "*":
            keyword_only = True
            continue
        name, _, default = part.partition("=")
        star, rest = name.startswith("*"), name.startswith("**")
        role: Role = "config"
        for mark, marked in (("%%", "tensors"), ("%", "tensor"), ("-", "ignored")):
            if name.lstrip("*").startswith(mark):
                role = cast(Role, marked)
                break
        optional = star and (rest or role != "config")
        found.append(Arg(name.lstrip("*%-"), role, () if optional else _default(default), star, keyword_only or rest))
        keyword_only = keyword_only or star
    return tuple(found)


def _groups(signature: str) -> tuple[list[str], str]:
    groups: list[str] = []
    depth = start = end = 0
    for position, character in enumerate(signature):
        if character == "(":
            depth += 1
            if depth == 1:
                start = position + 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                groups.append(signature[start:position])
                end = position + 1
        elif character == "|" and depth == 0:
            break
    return groups, signature[end:].strip().removeprefix("|").strip()


def _split(text: str) -> Iterator[str]:
    depth = start = 0
    for position, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if text[start:].strip():
        yield text[start:].strip()


def _default(text: str) -> object:
    if not text:
        return REQUIRED
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] == "(":
        return tuple(_default(item) for item in _split(text[1:-1]))
    if text[0] in "'\"":
        return text[1:-1]
    if text[0].isalpha():
        return full_name(text)
    return float(text) if any(mark in text for mark in ".e") else int(text)
