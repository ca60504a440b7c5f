"""`matching-init`."""

from __future__ import annotations

from vglint.analysis.facts.model import ModelView, commonest
from vglint.fix.imagined import HE, Imagined, initialised, is_shallow
from vglint.graph import Init
from vglint.ops import has
from vglint.value import Unknown

XAVIER = Init("xavier_uniform", (("gain", 1.0),))
LECUN = Init("kaiming_normal", (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "linear")))


def matching_init(model: ModelView) -> Imagined | None:
    """Initialises every weight as the activation behind it needs it, and every bias with zeros."""
    kind = commonest(model, model.activations)
    init, call = init_behind("none" if isinstance(kind, Unknown) else kind)
    if not model.path.weights:
        return None
    graph = initialised(model.view.graph, model.path.weights, init)
    text = f"initialise every weight with nn.init.{call} and every bias with zeros"
    return Imagined(graph, text, is_shallow(model) or init is XAVIER)


def init_behind(kind: str) -> tuple[Init, str]:
    """Returns the initialisation of a weight whose output an activation takes, and the call that makes it.

    Measured over depth 2 to 64 (tanh, xavier_uniform_ with gain 1: trains at every depth, with gain 5/3 only up to 32).
    """
    if kind == "none" or has(kind, "squashes") or has(kind, "off_centre"):
        return XAVIER, "xavier_uniform_(weight)"
    if kind == "selu":
        return LECUN, "kaiming_normal_(weight, nonlinearity='linear')"
    return HE, "kaiming_normal_(weight, nonlinearity='relu')"
