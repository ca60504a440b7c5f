"""Finding → edits → text: what a fix changes, whether it changes that alone, and how it is written."""

from vglint.fix.apply import apply, write
from vglint.fix.change import Refusal
from vglint.fix.difference import Side, changed_lines, difference
from vglint.fix.proposal import Proposal, propose
from vglint.fix.remedies.table import REMEDIES, TITLES
from vglint.fix.table import ACTIONS

__all__ = [
    "ACTIONS",
    "REMEDIES",
    "TITLES",
    "Proposal",
    "Refusal",
    "Side",
    "apply",
    "changed_lines",
    "difference",
    "propose",
    "write",
]
