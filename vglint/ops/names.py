"""What the namespaces of torch contain, for code that asks: `hasattr(torch, "xpu")`, `hasattr(F, "scaled_dot_product_attention")`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

NAMES = Path(__file__).with_name("torch_names.txt")
"""One namespace a line: its dotted name, a colon, what it holds. Written from torch 2.13 on a CPU by the test that compares them."""


def has(space: str, name: str) -> bool | None:
    """Whether a namespace of torch contains a name; None where the namespace is not listed."""
    names = _listed().get(space)
    return None if names is None else name in names


@cache
def _listed() -> dict[str, frozenset[str]]:
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return {space: frozenset(names.split()) for space, _, names in (line.partition(":") for line in lines)}
