"""Bytes to trees: which files, what text, which statements, where a node stands, what an import means."""
