"""A class whose arguments nobody gives, as a part of what builds it in its file: `Residual(fn)` with the layers that a network puts into it."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.interp.entries.starts import built, run_class, run_forward, setup_call
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Frame, Raised, Run
from vglint.interp.machine.names import member
from vglint.interp.torch.leaves import is_module_class
from vglint.interp.torch.modules import walk
from vglint.interp.values.objects import ClassV, FunctionV, ModuleV, OpaqueV, Value
from vglint.source.unit import Unit
from vglint.value import Unknown

_MOST = 3
"""Wholes that are built for one class."""
_AGAIN = 30_000
"""Steps after which no further one is."""


def as_part(run: Run, cls: ClassV, names: Sequence[str], frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    """Builds a class from symbols, and where that leaves gaps, takes it out of one of the wholes of those names that leaves none."""
    if not names:
        return run_class(run, cls, frame)
    with attempted(run) as attempt:
        try:
            roots, result = run_class(run, cls, frame)
            if not _is_open(run, result):
                return roots, result
        except Raised:
            pass
        attempt.undo(run)
    for name in names[:_MOST]:
        if run.budget.steps > _AGAIN:
            break
        with attempted(run) as attempt:
            try:
                part = _taken_out(run, cls, name, frame)
                if part is not None:
                    result = run_forward(run, part, Frame(frame.scope, cls.unit, None))
                    if not _is_open(run, result):
                        return {"": part}, result
            except Raised:
                pass
            attempt.undo(run)
    return run_class(run, cls, frame)


def _is_open(run: Run, result: Value) -> bool:
    return bool(run.graph.gaps) or isinstance(result, (Unknown, OpaqueV))


def _taken_out(run: Run, cls: ClassV, name: str, frame: Frame) -> ModuleV | None:
    """Builds a whole and returns its first part of a class, without what else was not known of the whole."""
    whole = member(run, frame.scope.module, name)
    if isinstance(whole, ClassV) and is_module_class(whole):
        _, made = built(run, whole, frame)
    elif isinstance(whole, FunctionV):
        made = setup_call(run, whole, frame)
    else:
        return None
    if not isinstance(made, ModuleV):
        return None
    part = next((each for _, each in walk(made)[1:] if each.cls == cls), None)
    if part is not None:
        own = {id(each) for _, each in walk(part)}
        run.graph.modules[:] = [each for each in run.graph.modules if id(each) in own]
        _forget(run, whole.unit)
    return part


def _forget(run: Run, unit: Unit) -> None:
    """Drops the gaps that stand in the text of a whole itself."""
    for cause in [cause for cause, (_, site) in run.graph.gaps.items() if site is not None and site.unit is unit]:
        del run.graph.gaps[cause]
