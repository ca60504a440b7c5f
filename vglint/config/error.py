"""A mistake in the configuration."""

from __future__ import annotations


class ConfigError(Exception):
    """A mistake in the configuration: in which file, at which key, and what would be right."""

    def __init__(self, file: str, key: str, message: str) -> None:
        super().__init__(file, key, message)
        self.file, self.key, self.message = file, key, message

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"
