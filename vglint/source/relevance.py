"""A test on a file's bytes that leaves out what cannot concern torch, before anything is parsed."""

from __future__ import annotations

import re

from vglint.regex import regex

_TORCH = regex(rb"torch|\bnn\.|lightning|fastai|def forward\b")
_CONCERNS = regex(
    rb"def forward\b|\bnn\.|\bF\.|\bSequential\("
    rb"|class \w+\([^)]{0,200}(?:Module|Sequential|Layer|Block|Net)\b"  # of nn.Module under another name, or of a base elsewhere
    rb"|\.backward\(|zero_grad|clip_grad|gradient_clip|max_grad_norm|\boptim\.|GradScaler|autocast|training_step|Trainer\("
    rb"|\.parameters\(|\.cuda\(\)|\.to\(|\btrain\w*(?:\.\w+)?\("  # a script that builds a model and hands it to what trains it
    rb"|\w_loss\(|Loss\(|entropy|softmax|sigmoid|logsumexp|torch\.(?:log|exp|sqrt|norm|erf)\w*\("
)


_NAMED = regex(rb"torch|lightning|fastai")
_OTHER = regex(
    rb"^[ \t]*(?:import|from)\s+(?:mxnet|paddle|tensorflow|mindspore|oneflow|jax|flax|jittor|megengine)\b", re.M
)


def concerns_torch(content: bytes) -> bool:
    """Whether a file may define a module, build one, train it, or compute a loss or its numerics.

    One that imports another framework, and never names torch, does not. What is left out is still read when a file that concerns torch imports it.
    """
    if _TORCH.search(content) is None or _CONCERNS.search(content) is None:
        return False
    return _NAMED.search(content) is not None or _OTHER.search(content) is None
