"""What a mistake of vglint's own costs: one answer, which is not known then, and no entry."""

from __future__ import annotations

import os

FAULTS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError, AssertionError)
"""What a handler raises that did not foresee what it was given."""


def survive(fault: Exception) -> None:
    """Lets a fault pass, save where VGLINT_DEBUG is set, as it is in the tests: there it is raised."""
    if os.environ.get("VGLINT_DEBUG"):
        raise fault
