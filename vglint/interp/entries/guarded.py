"""One entry, run inside its budget; what there is at its end becomes its graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from vglint import origin
from vglint.graph import Graph
from vglint.interp.entries.freeze import Kind, freeze
from vglint.interp.entries.idle_initialisers import note_idle_backwards, note_idle_initialisers
from vglint.interp.machine.budget import BudgetError, roomy
from vglint.interp.machine.core import Raised, Run
from vglint.interp.machine.drafts import RegionDraft
from vglint.interp.torch.fixed_inputs import InputError
from vglint.interp.torch.given import settle
from vglint.interp.values.objects import (
    ModuleV,
    OpaqueV,
    Value,
)
from vglint.source.project import Project
from vglint.span import Span
from vglint.value import Unknown

Started: TypeAlias = "tuple[Kind, dict[str, ModuleV], Value]"
"""What kind of entry it is, its modules by name, and what it returns."""


def guarded(run: Run, span: Span, start: Callable[[], Started]) -> Graph:
    """Runs an entry inside its budget and freezes what there is at its end."""
    kind: Kind = "class"
    roots: dict[str, ModuleV] = {}
    result: Value = None
    try:
        with roomy():
            kind, roots, result = start()
            settle(run)
            if kind == "training":
                note_idle_initialisers(run)
                note_idle_backwards(run)
            if isinstance(result, (Unknown, OpaqueV)):
                run.graph.gap_of(result if isinstance(result, Unknown) else result.why)
    except BudgetError as error:
        run.graph.gap(origin.Budget(str(error)))
    except InputError as error:
        run.graph.gap(origin.Argument(str(error)))
    except Raised as error:
        run.graph.gap(origin.Raise(error.name), error.site)
    except RecursionError:
        run.graph.gap(origin.Budget("nested too deeply"))
    if not roots:
        roots = run.graph.roots
    if not roots and run.graph.modules:
        roots = {"": run.graph.modules[0]}
    with run.journal.aside(None):
        return freeze(run, kind, span, roots, result)


def new_run(project: Project, entry: str) -> Run:
    run = Run(project, entry)
    run.graph.regions.append(RegionDraft(None, "function", entry))
    return run
