"""The abstract interpreter: from the text of a file to the graphs that PyTorch would execute."""

from vglint.interp.entries.entry import EntryError, entries, extract
from vglint.interp.entries.session import memory_of
from vglint.interp.machine.budget import BudgetError

__all__ = ["BudgetError", "EntryError", "entries", "extract", "memory_of"]
