"""A test on a file's bytes that leaves out what cannot concern torch, before anything is parsed."""

from __future__ import annotations

import re

_TORCH = re.compile(rb"torch|\bnn\.|lightning|fastai|def forward\b")
_CONCERNS = re.compile(
    rb"def forward\b|\bnn\.|\bF\.|\bSequential\("
    rb"|class \w+\([^)]{0,200}(?:Module|Sequential|Layer|Block|Net)\b"  # of nn.Module under another name, or of a base elsewhere
    rb"|\.backward\(|zero_grad|clip_grad|gradient_clip|max_grad_norm|\boptim\.|GradScaler|autocast|training_step|Trainer\("
    rb"|\.parameters\(|\.cuda\(\)|\.to\(|\btrain\w*(?:\.\w+)?\("  # a script that builds a model and hands it to what trains it
    rb"|\w_loss\(|Loss\(|entropy|softmax|sigmoid|logsumexp|torch\.(?:log|exp|sqrt|norm|erf)\w*\("
)


def concerns_torch(content: bytes) -> bool:
    """Whether a file may define a module, build one, train it, or compute a loss or its numerics.

    What is left out is still read when a file that concerns torch imports it.
    """
    return _TORCH.search(content) is not None and _CONCERNS.search(content) is not None
