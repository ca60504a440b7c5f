"""The abstract interpreter: from the text of a file to the graphs that PyTorch would execute."""

from vglint.interp.entries.entry import EntryError, entries, extract

__all__ = ["EntryError", "entries", "extract"]
