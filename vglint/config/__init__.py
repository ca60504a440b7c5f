"""`[tool.vglint]` in pyproject.toml, or vglint.toml, as checked settings."""

from vglint.config.error import ConfigError
from vglint.config.load import Configuration, load, own, own_file, pattern_fault
from vglint.config.settings import ProbeSettings, RuleSettings, Settings, Target, TensorSpec

__all__ = [
    "ConfigError",
    "Configuration",
    "ProbeSettings",
    "RuleSettings",
    "Settings",
    "Target",
    "TensorSpec",
    "load",
    "own",
    "own_file",
    "pattern_fault",
]
