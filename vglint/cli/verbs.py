"""The verbs of the command line."""

from __future__ import annotations

from collections.abc import Mapping

VERBS: Mapping[str, tuple[str, str]] = {
    "lint": ("vglint.cli.lint", "Find what stops a PyTorch model from training."),
    "graph": ("vglint.cli.graph", "Print the layer graph of a model, with the predicted gradient."),
    "probe": ("vglint.cli.probe", "Train a model for a few steps and measure it. This runs its code."),
    "explain": ("vglint.cli.rules", "Explain a rule: what it finds, why that is bad, when it is fine."),
    "explain-match": ("vglint.cli.rules", "Show why a rule fires on a model, or does not."),
    "rules": ("vglint.cli.rules", "List the rules."),
    "facts": ("vglint.cli.rules", "List the facts that a rule may use."),
    "init": (
        "vglint.cli.init",
        "Set vglint up in this folder: configuration, pre-commit, CI, a guide for coding agents.",
    ),
    "clean": ("vglint.cli.clean", "Remove what vglint keeps of earlier runs."),
    "server": ("vglint.cli.server", "Serve an editor: findings while you type. Needs vglint[lsp]."),
    "schema": (
        "vglint.cli.schema",
        "Print the JSON Schema of the configuration, of a rule file, of a report and more.",
    ),
    "test": ("vglint.cli.rules", "Run the examples of a folder of rules, or the marks in a folder of code."),
}
"""Module and summary by verb; the function has the verb's name, `-` as `_`."""

OTHER_NAMES: Mapping[str, str] = {"check": "lint"}
"""Names that users of other linters type."""
