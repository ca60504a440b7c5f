"""What all nodes of a program have."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, eq=False, array_like=True, tag=True):
    """What all nodes have: their place. Two nodes are equal when they are the same node."""

    start: int
    end: int
