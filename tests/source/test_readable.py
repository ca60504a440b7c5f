"""Files that are left out are still checked for being readable."""

from __future__ import annotations

import pytest

from vglint.source.readable import faults


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("a.py", b"x = 1\n", None),
        ("a.py", b"", None),
        ("a.py", b"x = (", "is not valid Python: "),
        ("a.py", b"print 'x'\n", "is not valid Python 3, rather Python 2"),
        ("a.py", b"\x00", "is binary, not Python source"),
        ("a.py", b"x = '\xe9'", "byte 0xe9 is not utf-8"),
        ("a.py", b"x = " + b"(" * 5000, "is nested too deeply to be read"),
        ("a.ipynb", b"{", "is not a notebook: "),
        ("a.ipynb", b'{"cells": []}', None),
        ("a.ipynb", b'{"cells": [{"source": "x = ("}]}', None),  # nobody's business: the cell does not concern torch
    ],
)
def test_faults(path: str, content: bytes, message: str | None) -> None:
    found = faults(path, content)
    assert found == () if message is None else found[0].message.startswith(message)
