"""A file through the program; then a project, in parallel, cached."""

from vglint.lint.project import Buffer, lint, model_files

__all__ = ["Buffer", "lint", "model_files"]
