"""What is computed with: the kinds of values."""
