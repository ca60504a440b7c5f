"""`vglint init`."""

from __future__ import annotations

import os

import click
from msgspec import Struct

from vglint import disk
from vglint.cli.output import say, tell, write_file
from vglint.cli.snippets import AGENTS, CONFIGURATION, GITLAB, HOOK, PRE_COMMIT, WORKFLOW
from vglint.cli.wrong import WrongUse, plain_errors


class Piece(Struct, frozen=True):
    """A text and the file that it belongs in: all of a new file, or the end of one that is there. `mark` tells that it is there already."""

    file: str
    whole: str
    mark: str
    end: str | None = None
    """What is added to a file that is there; None where only its owner knows the place."""
    by_hand: str = ""
    """What is shown then."""


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Print it, and write nothing.")
@click.option("--agents", is_flag=True, help="Write a guide for coding agents to AGENTS.md instead.")
@plain_errors
def init(only_print: bool, agents: bool) -> None:
    """Set vglint up in this folder: a configuration, a hook of pre-commit and a CI job. What is there is not replaced."""
    for piece in [_agents()] if agents else [_configuration(), _hook(), _job()]:
        if only_print:
            say(f"# {piece.file}\n{piece.whole}\n")
        else:
            _write(piece)


def _agents() -> Piece:
    return Piece("AGENTS.md", f"# Guide for coding agents\n\n{AGENTS}", "## vglint", end=f"\n{AGENTS}")


def _configuration() -> Piece:
    if not os.path.lexists("pyproject.toml") or os.path.lexists("vglint.toml"):
        return Piece("vglint.toml", CONFIGURATION, "", end="")
    section = f"[tool.vglint]\n{CONFIGURATION}"
    return Piece("pyproject.toml", section, "[tool.vglint", end=f"\n{section}")


def _hook() -> Piece:
    return Piece(".pre-commit-config.yaml", PRE_COMMIT, "- id: vglint", by_hand=HOOK)


def _job() -> Piece:
    if os.path.lexists(".gitlab-ci.yml"):
        return Piece(".gitlab-ci.yml", GITLAB, "vglint.gitlab-ci.yml", by_hand=GITLAB)
    return Piece(".github/workflows/vglint.yml", WORKFLOW, "")


def _write(piece: Piece) -> None:
    """Writes a new file, adds to one, or says what to add; raises click.ClickException where it cannot."""
    if (link := disk.link_on(piece.file)) is not None:
        raise WrongUse(f"{piece.file} is not written: {link} is a link, and links are not written through")
    if not os.path.lexists(piece.file):
        if folder := os.path.dirname(piece.file):
            _make(folder)
        write_file(piece.file, piece.whole)
        tell(f"wrote {piece.file}")
        return
    text = _read(piece.file)
    if piece.mark in text:
        tell(f"{piece.file} is left as it is: {'it holds vglint already' if piece.mark else 'it is there already'}")
    elif piece.end is None:
        tell(f"{piece.file} is left as it is: add these lines where they belong")
        say(piece.by_hand)
    else:
        if piece.file == "pyproject.toml":
            _check(text)
        end = piece.end if text.endswith(("\n", "\r")) or not text else f"\n{piece.end}"
        write_file(piece.file, text + (end.replace("\n", "\r\n") if "\r\n" in text else end))
        tell(f"added vglint to the end of {piece.file}")


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise WrongUse(f"cannot make {folder}: {error.strerror}") from None


def _read(file: str) -> str:
    try:
        return disk.read(file, disk.TEXT).decode()
    except (OSError, ValueError) as error:
        raise WrongUse(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None


def _check(text: str) -> None:
    """Raises WrongUse for a pyproject.toml that is not TOML: what is added to it would not mend it."""
    from vglint.config.toml import NotToml, table_of

    try:
        table_of(text.encode())
    except NotToml as error:
        raise WrongUse(f"pyproject.toml {error}") from None
