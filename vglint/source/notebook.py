"""A notebook's code cells as one module."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell: `number` counts code cells from 1, `line` is its first line in the joined module text."""

    number: int
    line: int
