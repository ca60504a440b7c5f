"""What may be advised against a gradient that dies out or blows up, by name: each is tried on the graph before it is said."""

from __future__ import annotations

from collections.abc import Mapping

from vglint.fix.imagined import Imagine
from vglint.fix.remedies.batch_norm_between import batch_norm_between
from vglint.fix.remedies.matching_init import matching_init
from vglint.fix.remedies.relu_and_skips import relu_and_skips
from vglint.fix.remedies.relu_between import relu_between
from vglint.fix.remedies.scaled_branches import scaled_branches
from vglint.fix.remedies.skip_connections import skip_connections
from vglint.fix.remedies.zero_branches import zero_branches

REMEDIES: Mapping[str, Imagine] = {
    "batch-norm-between": batch_norm_between,
    "matching-init": matching_init,
    "relu-and-skips": relu_and_skips,
    "relu-between": relu_between,
    "scaled-branches": scaled_branches,
    "skip-connections": skip_connections,
    "zero-branches": zero_branches,
}

TITLES: Mapping[str, str] = {
    "batch-norm-between": "Put a BatchNorm after each layer",
    "matching-init": "Initialise the weights to match the activation",
    "scaled-branches": "Divide each branch by the number of blocks",
    "skip-connections": "Add skip connections around the blocks",
    "relu-and-skips": "Use ReLU between layers, with its initialisation, and add skip connections",
    "relu-between": "Use ReLU between layers, with its initialisation",
    "zero-branches": "Start the last layer of each branch at zero",
}
"""What the fixes are called that make a remedy in the file."""
