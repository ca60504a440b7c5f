"""The closed set of actions that a rule's `[fix]` may ask for, by name."""

from __future__ import annotations

from collections.abc import Mapping

from vglint.fix.actions.apply_init import apply_init
from vglint.fix.actions.clamp_cosine import clamp_cosine
from vglint.fix.actions.clip_before_step import clip_before_step
from vglint.fix.actions.delete_statement import delete_statement
from vglint.fix.actions.detach_carried import detach_carried
from vglint.fix.actions.divide_loss import divide_loss
from vglint.fix.actions.drop_factor import drop_factor
from vglint.fix.actions.drop_op import drop_op
from vglint.fix.actions.drop_rewrap import drop_rewrap
from vglint.fix.actions.effective_clip import effective_clip
from vglint.fix.actions.epsilon_in_root import epsilon_in_root
from vglint.fix.actions.exp_to_softmax import exp_to_softmax
from vglint.fix.actions.heads_by_transpose import heads_by_transpose
from vglint.fix.actions.insert_step import insert_step
from vglint.fix.actions.keep_number import keep_number
from vglint.fix.actions.leaf_last import leaf_last
from vglint.fix.actions.log_probabilities import log_probabilities
from vglint.fix.actions.log_softmax import log_softmax
from vglint.fix.actions.matching_init import matching_init
from vglint.fix.actions.random_weights import random_weights
from vglint.fix.actions.recurrent_init import recurrent_init
from vglint.fix.actions.relu_between import relu_between
from vglint.fix.actions.replace_op import replace_op
from vglint.fix.actions.safe_where import safe_where
from vglint.fix.actions.scale_parameter import scale_parameter
from vglint.fix.actions.scale_scores import scale_scores
from vglint.fix.actions.scaled_branches import scaled_branches
from vglint.fix.actions.set_keyword import set_keyword
from vglint.fix.actions.train_mode import train_mode
from vglint.fix.actions.training_order import training_order
from vglint.fix.actions.unscale_before import unscale_before
from vglint.fix.actions.wrap_container import wrap_container
from vglint.fix.actions.zero_grad import zero_grad
from vglint.fix.actions.zero_with_step import zero_with_step
from vglint.fix.change import Act

ACTIONS: Mapping[str, Act] = {
    "apply-init": apply_init,
    "clamp-cosine": clamp_cosine,
    "clip-before-step": clip_before_step,
    "delete-statement": delete_statement,
    "detach-carried": detach_carried,
    "divide-loss": divide_loss,
    "drop-factor": drop_factor,
    "drop-op": drop_op,
    "drop-rewrap": drop_rewrap,
    "effective-clip": effective_clip,
    "epsilon-in-root": epsilon_in_root,
    "exp-to-softmax": exp_to_softmax,
    "heads-by-transpose": heads_by_transpose,
    "insert-step": insert_step,
    "keep-number": keep_number,
    "leaf-last": leaf_last,
    "log-probabilities": log_probabilities,
    "log-softmax": log_softmax,
    "matching-init": matching_init,
    "random-weights": random_weights,
    "recurrent-init": recurrent_init,
    "relu-between": relu_between,
    "replace-op": replace_op,
    "safe-where": safe_where,
    "scale-parameter": scale_parameter,
    "scale-scores": scale_scores,
    "scaled-branches": scaled_branches,
    "set-keyword": set_keyword,
    "train-mode": train_mode,
    "training-order": training_order,
    "unscale-before": unscale_before,
    "wrap-container": wrap_container,
    "zero-grad": zero_grad,
    "zero-with-step": zero_with_step,
}
