"""What the program says without being run: candidates for entries, call sites, names that are written and never read."""
