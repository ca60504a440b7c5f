"""Starts the server on standard input and output."""

from __future__ import annotations

import logging
import os
import sys

from vglint.server.app import server
from vglint.server.message import Options


def start(options: Options) -> None:
    """Serves until the editor ends it; standard output is the editor's alone."""
    logging.basicConfig(stream=sys.stderr, level=logging.CRITICAL)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    made = server(options)
    try:
        made.start_io(stdout=output)
    finally:
        made.analyst.worker.kill()
