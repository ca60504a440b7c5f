"""A rule as data: the content of one TOML file, checked."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Severity: TypeAlias = Literal["error", "warning", "info"]
Confidence: TypeAlias = Literal["high", "medium", "low"]
Subject: TypeAlias = Literal["model", "node", "parameter", "loss", "loop", "class"]
Safety: TypeAlias = Literal["safe", "unsafe"]
Scalar: TypeAlias = bool | int | float | str


class Example(Struct, frozen=True):
    """Python under lint with `# expect: ID` marks; no mark means that the rule must stay silent."""

    title: str
    code: str
    fixed: str | None = None


class Level(Struct, frozen=True):
    """A severity that holds instead of the rule's own while `when` holds; the first that holds wins.

    `note` is a sentence that the detail then ends with.
    """

    when: str
    severity: Severity
    confidence: Confidence | None = None
    note: str = ""


class Text(Struct, frozen=True):
    """A part of a message that is said while `when` holds; None: while no earlier one does."""

    text: str
    when: str | None


class Action(Struct, frozen=True):
    """What a fix does; `action` names a function of `vglint.fix`, `with_` its argument."""

    action: str
    title: str
    with_: str = ""
    safety: Safety = "unsafe"


class Rule(Struct, frozen=True):
    """One rule of the catalogue; see `vglint rules --schema` for the meaning of each key."""

    id: str
    name: str
    family: str
    subject: Subject
    severity: Severity
    confidence: Confidence
    summary: str
    when: tuple[str, ...]
    """Conditions that must all hold."""
    message: str
    why: str
    advice: str
    references: tuple[str, ...]
    examples: tuple[Example, ...]
    detail: str = ""
    """Template of what follows from the finding: one or two sentences below its message."""
    effect: str = ""
    """Template of what the advice is predicted to change."""
    remedies: tuple[str, ...] = ()
    """What to try on the graph: the first that is predicted to help is the advice; the template is what is said where none is."""
    unless: tuple[str, ...] = ()
    """Conditions none of which may hold."""
    given_when: str | None = None
    """Where this holds, the code's caller decides, and the rule's silence says nothing."""
    assume: tuple[tuple[str, Scalar], ...] = ()
    """Facts that are taken as given where another model that holds the same class is asked for the same finding."""
    texts: tuple[tuple[str, tuple[Text, ...]], ...] = ()
    """Parts of the message that depend on facts, `{texts.NAME}`."""
    blame: str = ""
    related: tuple[tuple[str, str], ...] = ()
    """Facts that name places, each with the message template that goes with them."""
    params: tuple[tuple[str, Scalar], ...] = ()
    levels: tuple[Level, ...] = ()
    yields_to: tuple[str, ...] = ()
    confirm: str | None = None
    refutes: bool = True
    """Whether runs in which the probe measures nothing of the fault speak against the finding."""
    fix: Action | None = None
    source: str = ""
    """The file that the rule came from."""


def is_meant(word: str, identifier: str, name: str, family: str) -> bool:
    """Whether a word of a selection stands for a rule: its id, the start of its id (`VG1`), its name, its family, or ALL."""
    letters = identifier.rstrip("0123456789")
    return word in ("ALL", name, family) or (word.startswith(letters) and identifier.startswith(word))
