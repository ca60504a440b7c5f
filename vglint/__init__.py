"""vglint says from source which line of a PyTorch model kills the gradient, by how much, and how to mend it."""

__version__ = "0.1.0"
