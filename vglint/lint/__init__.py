"""A file through the program; then a project, in parallel, cached."""

from vglint.lint.project import Buffer, lint

__all__ = ["Buffer", "lint"]
