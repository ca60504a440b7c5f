"""How messages travel between the server and its worker: as pickles, since both ends are this program."""

from __future__ import annotations

import pickle
import signal
import struct
from typing import BinaryIO

from vglint.server.message import Job, Message

CANCEL: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""The signal that takes the worker off its job; None where there is none."""
HEAD = struct.Struct(">I")
"""What stands in front of a message: how many bytes it has."""


def send(stream: BinaryIO, message: Job | Message) -> None:
    """Writes a message; the other end is this program too, so that pickles are safe."""
    stream.write(packed(message))
    stream.flush()


def packed(message: Job | Message) -> bytes:
    """Returns a message with its length in front."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(content)) + content


def receive(stream: BinaryIO) -> Job | None:
    """Reads a job; None where the stream has ended."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    content = stream.read(size)
    if len(content) < size:
        return None
    job: Job = pickle.loads(content)
    return job
