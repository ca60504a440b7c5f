"""Each test of the probe starts as a probe's own process does: no package that stands in for one that is missing is left of another test."""

from __future__ import annotations

import sys

import pytest

from vglint.probe import absent


@pytest.fixture(autouse=True)
def no_stand_ins() -> None:
    for name in [name for name, module in sys.modules.items() if isinstance(module, absent._Package)]:
        del sys.modules[name]
