"""Finding → edits → text: what a fix changes, and how it is written."""

from vglint.fix.actions import ACTIONS, propose
from vglint.fix.apply import apply, write

__all__ = ["ACTIONS", "apply", "propose", "write"]
