"""Commands that print tables of how well vglint does, and what they are made of (README.md)."""
