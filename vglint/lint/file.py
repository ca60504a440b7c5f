"""One file through the program: bytes, modules, graphs, findings."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from vglint.finding import Finding, Gap, Place, Problem
from vglint.graph import Graph, distinct
from vglint.lint.fixes import Before, with_fixes
from vglint.lint.limits import MEMORY, SECONDS, OverLimit, limited
from vglint.lint.missing import missing_imports
from vglint.lint.outcome import SKIPPED, Idle, Outcome, encodable
from vglint.lint.tracked import TrackedProject
from vglint.rule import Confidence
from vglint.rulebook import Rulebook, Yielded
from vglint.source.module import Module
from vglint.source.readable import faults
from vglint.source.relevance import concerns_torch
from vglint.source.suppression import Applied, Unused, applied

if TYPE_CHECKING:
    from vglint.analysis.predicted import Predicted


class Tools(Struct, frozen=True):
    """What linting a file takes. `leaves_out` tells which paths the configuration excludes, `ignores` which rules
    are not wanted in a path; `confidences` are those that are set by rule id; with `gaps`, outcomes hold the gaps themselves.
    """

    project: TrackedProject
    rulebook: Rulebook
    leaves_out: Callable[[str], bool] = field(default=lambda path: False)
    ignores: Callable[[str], frozenset[str]] = field(default=lambda path: frozenset())
    confidences: Mapping[str, Confidence] = field(default_factory=dict)
    gaps: bool = False
    offers: bool = True
    """Whether fixes are tried; what is only compared with needs none."""
    mortal: bool = False
    """Whether this process may be ended where a file costs too much: another one goes on with the rest."""
    seen: Callable[[Module, tuple[Graph, ...]], None] | None = None
    """Is told of each file's graphs once its findings are known."""


def lint_file(tools: Tools, path: str, content: bytes | None) -> Outcome:
    """Returns what the rules find in one file, every place as the report shows it.

    `content` is what the file holds, None where it cannot be read.
    """
    try:
        with limited(mortal=tools.mortal):
            return encodable(_linted(tools, path, content))
    except (Exception, OverLimit) as error:  # neither a fault of ours nor what the file costs must cost the other files
        return Outcome(problems=(internal_error(path, error),), internal=True)


def _linted(tools: Tools, path: str, content: bytes | None) -> Outcome:
    if content is not None and not concerns_torch(content):
        wrong = faults(path, content)
        return Outcome(problems=wrong) if wrong else SKIPPED
    with tools.project.asking(os.path.abspath(path)):
        module = tools.project.module(path, content)
        if isinstance(module, Problem):
            return Outcome(problems=(module,))
        return _lint_module(tools, module, content or b"")


def internal_error(path: str, error: BaseException, what: str = "") -> Problem:
    """Returns the problem that says what a file costs, or asks the user to report a fault of vglint; that is raised anew where VGLINT_DEBUG
    is set."""
    if isinstance(error, (OverLimit, MemoryError)):
        return too_costly(path)
    if os.environ.get("VGLINT_DEBUG"):
        raise error
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    summary = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    entry = f" on {what}" if what else ""
    text = f"internal error{entry}: {summary}{where}; please report it (VGLINT_DEBUG=1 shows more)"
    return Problem(path, None, text, "internal")


def too_costly(path: str) -> Problem:
    """Returns what is said of a file that costs more than one file may."""
    what = f"is not linted: it would take more than {SECONDS} seconds of processor time, or more than {MEMORY >> 30} GB of memory"
    return Problem(path, None, what)


def read_in_part(path: str, count: str) -> Problem:
    """Returns what is said of a file some of whose entries are left out, because the others took all that one file may take."""
    what = f"{count} of its models and training functions are left out, as the others took all steps that one file may take"
    return Problem(path, None, f"is linted in part: {what}")


def _lint_module(tools: Tools, module: Module, content: bytes) -> Outcome:
    from vglint.analysis.predicted import Predicted
    from vglint.interp import BudgetError, entries, memory_of

    faults: list[Problem] = []
    left_out: list[Problem] = []

    def note(entry: str, error: Exception) -> None:
        if isinstance(error, BudgetError):
            left_out.append(read_in_part(module.path, str(error)))
        else:
            faults.append(internal_error(module.path, error, entry))

    steps = memory_of(tools.project).steps
    graphs = entries(tools.project, module, note)
    steps = memory_of(tools.project).steps - steps
    own = distinct(graph for graph in graphs if not graph.alternative)
    traces = Predicted()
    findings, yielded, wrong = _check(tools.rulebook, graphs, module.path, traces)
    faults += wrong
    answered, needed = _unsuppressed(tools, findings, module)
    wanted = [finding for finding in answered.findings if finding.rule not in tools.ignores(finding.span.file)]
    if tools.seen is not None:
        tools.seen(module, graphs)
    if tools.offers:
        wanted = with_fixes(tools.project, tools.rulebook, Before(module, graphs, findings, steps, content), wanted)
    return Outcome(
        findings=tuple(_finished(tools, finding, module) for finding in wanted),
        problems=(
            *faults,
            *left_out,
            *(_in_notebook(problem, module) for problem in (*module.unread, *answered.problems)),
        ),
        entries=len(own),
        training=sum(graph.kind == "training" for graph in own),
        partial=sum(bool(graph.gaps) for graph in own),
        gaps=sum(len(graph.gaps) for graph in own),
        unknowns=tuple(Gap(graph.entry, gap.why, gap.text, gap.span) for graph in own for gap in graph.gaps)
        if tools.gaps
        else (),
        missing=tuple(missing_imports(tools.project, module)) if _is_open(graphs) else (),
        silent=(tuple(_silent(own, traces)) if own else tuple(_unseen(module))) if not faults else (),
        internal=bool(faults),
        idle=tuple(_idle(tools, answered.unused, graphs, module)),
        needed=needed,
        yielded=yielded,
    )


def _is_open(graphs: tuple[Graph, ...]) -> bool:
    """Whether a file was read only in part, so that what it imports matters."""
    return not graphs or any(graph.gaps for graph in graphs)


def _unseen(module: Module) -> Iterator[tuple[str, str]]:
    """Yields a file that makes layers and of which no model is read: no finding there means nothing."""
    from vglint.interp.static.bare import makes_models

    maker = next((unit for unit in module.units if makes_models(*unit.body)), None)
    if maker is not None:
        yield "<module>", f"{module.path}:{maker.line}: layers are made here, and no model of them is found"


def _silent(graphs: tuple[Graph, ...], traces: Predicted) -> Iterator[tuple[str, str]]:
    from vglint.analysis.facts.silence import reason, silences

    for graph, lack in silences(graphs, traces):
        yield graph.entry, reason(graph, lack)


def _check(
    rulebook: Rulebook, graphs: tuple[Graph, ...], path: str, traces: Predicted
) -> tuple[tuple[Finding, ...], tuple[Yielded, ...], list[Problem]]:
    """Returns the findings, and which rules gave way to others; where a graph cannot be judged, those of the others, and the fault."""
    try:
        return *rulebook.judged(graphs, traces), []
    except Exception as error:
        if len(graphs) < 2:
            return (), (), [internal_error(path, error, graphs[0].entry if graphs else "")]
    findings: list[Finding] = []
    gave_way: list[Yielded] = []
    faults: list[Problem] = []
    for graph in graphs:
        found, yielded, wrong = _check(rulebook, (graph,), path, traces)
        findings += found
        gave_way += yielded
        faults += wrong
    return tuple(findings), tuple(gave_way), faults


def _unsuppressed(
    tools: Tools, findings: Iterable[Finding], module: Module
) -> tuple[Applied, tuple[tuple[str, int, str], ...]]:
    """Returns what this file's comments leave of the findings, and the comments of other files that suppress some of them.

    A finding may lie in another file, whose model is used here: then that file's comments count, if it is linted at all.
    """
    known = [word for rule in tools.rulebook.rules for word in (rule.id, rule.name)]
    ran = [word for checked in tools.rulebook.chosen for word in (checked.rule.id, checked.rule.name)]
    by_file: dict[str, list[Finding]] = {module.path: []}
    for finding in findings:
        by_file.setdefault(finding.span.file, []).append(finding)
    own = applied(module.path, module.text, by_file.pop(module.path), known, ran)
    every = list(own.findings)
    needed: list[tuple[str, int, str]] = []
    for file, elsewhere in by_file.items():
        other = tools.project.module(file)
        if isinstance(other, Module) and not tools.leaves_out(file):
            answered = applied(file, other.content, elsewhere)
            every += answered.findings
            needed += [(os.path.abspath(file), line, word) for line, word in sorted(answered.used)]
    return replace(own, findings=tuple(every)), tuple(needed)


def _idle(tools: Tools, unused: tuple[Unused, ...], graphs: tuple[Graph, ...], module: Module) -> Iterator[Idle]:
    """Yields the comments that are of no use to this file: not those where a rule is undecided, which another file may decide."""
    if not unused:
        return
    named = None if any(not one.word for one in unused) else {one.word for one in unused}
    open_ = tools.rulebook.undecided(graphs, named)
    for one in unused:
        if not any(
            one.word in ("", rule.id, rule.name)
            and (span is None or (span.file == module.path and span.line <= one.last and one.first <= span.end_line))
            for rule, span in open_
        ):
            yield Idle(os.path.abspath(module.path), one.line, one.word, _in_notebook(one.problem, module))


def _finished(tools: Tools, finding: Finding, module: Module) -> Finding:
    """Returns the finding with the confidence that the user gave it, and its places in the cells of a notebook."""
    finding = replace(finding, confidence=tools.confidences.get(finding.rule, finding.confidence))
    if module.cells:
        place = _in_cell(Place(finding.span, ""), module)
        related = tuple(_in_cell(related, module) for related in finding.related)
        return replace(finding, span=place.span, cell=place.cell, related=related)
    return finding


def _in_notebook(problem: Problem, module: Module) -> Problem:
    if problem.line is None or (found := module.cell_at(problem.line)) is None:
        return problem
    return replace(problem, line=None, message=f"cell {found[0]}, line {found[1]}: {problem.message}", cell=found)


def _in_cell(place: Place, module: Module) -> Place:
    """Returns the place with lines as its notebook cell counts them; a place in another file as it is."""
    if place.span.file != module.path or place.cell is not None:
        return place
    found = module.cell_at(place.span.line)
    if found is None:
        return place
    cell, line = found
    shift = line - place.span.line
    span = replace(place.span, line=line, end_line=place.span.end_line + shift)
    return replace(place, span=span, cell=cell)
