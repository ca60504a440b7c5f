"""Finding → edits → text: what a fix changes, whether it changes that alone, and how it is written."""

from vglint.fix.apply import NotWrittenError, apply, compatible, write
from vglint.fix.change import Refusal
from vglint.fix.difference import Side, changed_lines, difference
from vglint.fix.notebook import cell_sources, in_cells, rewritten
from vglint.fix.proposal import Proposal, propose
from vglint.fix.remedies.table import REMEDIES, TITLES
from vglint.fix.table import ACTIONS, loaded

__all__ = [
    "ACTIONS",
    "REMEDIES",
    "TITLES",
    "NotWrittenError",
    "Proposal",
    "Refusal",
    "Side",
    "apply",
    "cell_sources",
    "changed_lines",
    "compatible",
    "difference",
    "in_cells",
    "loaded",
    "propose",
    "rewritten",
    "write",
]
