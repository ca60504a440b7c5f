"""What a library's own trainer does to a model before it trains it: a class of which nobody says how it is trained starts as that leaves it."""

from __future__ import annotations

from contextlib import suppress

from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Frame, Raised, Run, call, get_attribute
from vglint.interp.torch.composite import STARTED_BY
from vglint.interp.torch.module_methods import forget_init
from vglint.interp.values.objects import ClassV, ModuleV, Site


def begin(run: Run, made: ModuleV, frame: Frame, site: Site) -> None:
    """Calls what the trainer calls; where that cannot be followed to its end, the weights may have any distribution."""
    bases = made.cls.mro if isinstance(made.cls, ClassV) else ()
    name = next(
        (STARTED_BY[each.qualified] for each in bases if isinstance(each, ClassV) and each.qualified in STARTED_BY),
        None,
    )
    if name is None:
        return
    with attempted(run) as attempt:
        known = len(run.graph.gaps)
        with suppress(Raised), run.context.having(setup=True, constructing=True):
            call(run, get_attribute(run, made, name, frame), [], {}, frame, site)
            if len(run.graph.gaps) == known:
                return
        attempt.undo(run)
    forget_init(run, made, site)
