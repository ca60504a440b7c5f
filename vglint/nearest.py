"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Returns `, did you mean 'x'?`, or nothing where no name is close."""
    found = difflib.get_close_matches(wrong, list(right), n=1, cutoff=0.6)
    return f", did you mean {found[0]!r}?" if found else ""
