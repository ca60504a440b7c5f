"""One run: budget, journal, names, imports, memory, and the tables through which the rooms call each other."""
