"""The closed set of actions that a rule's `[fix]` may ask for, by name."""

from __future__ import annotations

from collections.abc import Mapping

from vglint.fix.actions.delete_statement import delete_statement
from vglint.fix.actions.drop_op import drop_op
from vglint.fix.actions.replace_op import replace_op
from vglint.fix.actions.unscale_before import unscale_before
from vglint.fix.actions.wrap_container import wrap_container
from vglint.fix.change import Act

ACTIONS: Mapping[str, Act] = {
    "delete-statement": delete_statement,
    "drop-op": drop_op,
    "replace-op": replace_op,
    "unscale-before": unscale_before,
    "wrap-container": wrap_container,
}
