"""Checked rules from run to run: a folder of rules that is as it was is not read and checked again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from vglint import seal
from vglint.rulebook.load import CheckedRule, contents, rule_of


class Shelf(Struct, frozen=True):
    """Where checked rules are kept, and what stands for the program that checked them."""

    folder: Path
    program: bytes

    def rules(self, folder: Path) -> tuple[CheckedRule, ...]:
        """Returns the rules of a folder, as `read_folder` does; raises RuleError."""
        files = contents(folder)
        name = self._name(files)
        held = seal.read(self.folder, name)
        try:
            if held is not None:
                return _decoder().decode(held)
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass
        rules = tuple(rule_of(path, content) for path, content in files)
        with suppress(ValueError, OverflowError, RecursionError):  # half a surrogate pair, a number that is too large
            seal.write(self.folder, name, msgspec.msgpack.encode(rules))
        return rules

    def _name(self, files: Sequence[tuple[str, bytes]]) -> str:
        label = blake2b(digest_size=16, key=self.program)
        for path, content in files:
            for part in (path.encode("utf-8", "surrogateescape"), content):
                label.update(len(part).to_bytes(8, "big") + part)
        return f"rules-{label.hexdigest()}.vglint"


@cache
def _decoder() -> msgspec.msgpack.Decoder[tuple[CheckedRule, ...]]:
    return msgspec.msgpack.Decoder(tuple[CheckedRule, ...])
