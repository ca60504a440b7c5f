"""How tests install vglint from this checkout without a network."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def without_network() -> dict[str, str]:
    """Returns variables by which pip finds what vglint needs where this process has it."""
    needed = ("click", "libcst", "msgspec", "tomli", "hatchling")
    found = {Path(spec.origin).parent.parent for name in needed if (spec := find_spec(name)) and spec.origin}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PIP_", "PRE_COMMIT"))},
        "PYTHONPATH": os.pathsep.join(sorted(map(str, found))),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
