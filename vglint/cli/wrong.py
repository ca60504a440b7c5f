"""Mistakes of the user, said in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

Given = ParamSpec("Given")
Result = TypeVar("Result")


class WrongUse(click.ClickException):
    """A mistake in the configuration, in a rule or in an argument: exit status 2."""

    exit_code = 2


def plain_errors(verb: Callable[Given, Result]) -> Callable[Given, Result]:
    """Turns the errors of configuration and rules into messages."""

    @wraps(verb)
    def wrapped(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        try:
            return verb(*args, **kwargs)
        except Exception as error:
            from vglint.config import ConfigError

            if isinstance(error, ConfigError) or _is_rule_error(error):
                raise WrongUse(str(error).removeprefix(": ")) from None
            raise

    return wrapped


def _is_rule_error(error: Exception) -> bool:
    """Whether the rulebook raised it; where it was never imported it did not."""
    loaded = sys.modules.get("vglint.rulebook.load")
    return loaded is not None and isinstance(error, loaded.RuleError)
