"""The closed set of actions that a rule's `[fix]` may ask for, by name."""

from __future__ import annotations

from importlib import import_module

from vglint.fix.change import Act, Answer, Request

_NAMES = (
    "apply-init",
    "batch-norm-between",
    "clamp-cosine",
    "clip-before-step",
    "delete-statement",
    "detach-carried",
    "divide-loss",
    "drop-factor",
    "drop-op",
    "drop-rewrap",
    "effective-clip",
    "epsilon-in-root",
    "exp-to-softmax",
    "gate-init",
    "heads-by-transpose",
    "insert-step",
    "keep-number",
    "leaf-last",
    "log-probabilities",
    "log-softmax",
    "matching-init",
    "random-weights",
    "recurrent-init",
    "relu-and-skips",
    "relu-between",
    "replace-op",
    "safe-where",
    "scale-parameter",
    "scale-scores",
    "scaled-branches",
    "set-keyword",
    "skip-connections",
    "train-mode",
    "training-order",
    "unscale-before",
    "wrap-container",
    "zero-branches",
    "zero-grad",
    "zero-with-step",
)


def loaded(name: str) -> Act:
    """Returns an action: the function of the file that has its name."""
    plain = name.replace("-", "_")
    action: Act = getattr(import_module(f"vglint.fix.actions.{plain}"), plain)
    return action


def _late(name: str) -> Act:
    """Returns an action that is imported when it is first asked: it needs libcst, which is slow to import."""

    def act(request: Request) -> Answer:
        return loaded(name)(request)

    return act


ACTIONS: dict[str, Act] = {name: _late(name) for name in _NAMES}
