"""The nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LOOKALIKES = str.maketrans("OoIl", "0011")
_LONGEST = 80
"""A longer word is no misspelt name, and comparing it would take long."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    """Returns `, did you mean 'x'?`, or nothing where no name is close."""
    if len(wrong) > _LONGEST:
        return ""
    known = list(right)
    alike = [name for name in known if name.translate(_LOOKALIKES) == wrong.translate(_LOOKALIKES)]
    found = alike or difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f", did you mean {found[0]!r}?" if found else ""
