"""Python's questions: iteration, indexing, operators, comparison and truth."""
