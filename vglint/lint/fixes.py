"""Which fixes are offered: each is made in memory, the changed file is read anew, and its graphs and findings are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import Finding, Fix
from vglint.fix import Proposal, Side, changed_lines, difference, in_cells, rewritten
from vglint.graph import Graph
from vglint.interp import entries, memory_of
from vglint.lint.tracked import TrackedProject
from vglint.rulebook import Rulebook
from vglint.source.module import Module

_MOST = 24
"""Different fixes of one file that are tried; what is left over comes after these were made."""
_MOST_NODES = 50_000
"""Nodes of the graphs of one file, and of those that are made for the sake of its fixes, together."""
_MOST_TEXT = 5_000_000
"""Characters that are looked through for the sake of fixes: all of the file for each finding."""
_BEGUN = 8
"""Nodes that take as long as to begin an entry."""
_MOST_STEPS = 1_000_000
"""The same for steps; a file that takes more has no fix tried."""
_READ = 2
"""Steps that take as long as to find the places of one character's worth of text."""


class Before(Struct, frozen=True):
    """A file as it is: its module, its graphs, and all that the rules find."""

    module: Module
    graphs: tuple[Graph, ...]
    findings: tuple[Finding, ...]
    steps: int
    """What it took to read the graphs off the file."""
    content: bytes = b""
    """The file's bytes, by which the edits of a notebook are placed in its cells."""


def with_fixes(
    project: TrackedProject, rulebook: Rulebook, before: Before, findings: Sequence[Finding]
) -> list[Finding]:
    """Returns the findings, those with a fix that does what it says and nothing else with this fix."""
    size = sum(len(graph.nodes) + _BEGUN for graph in before.graphs)
    tried: dict[object, str] = {}
    done: list[Finding] = []
    text = before.module.text
    begun = memory_of(project).steps - before.steps - _READ * len(text)
    if 2 * size > _MOST_NODES or memory_of(project).steps - begun > _MOST_STEPS:
        return list(findings)
    looked_through = 0
    for finding in findings:
        done.append(finding)
        if finding.span.file != before.module.path or looked_through > _MOST_TEXT:
            continue
        looked_through += len(text)
        proposal = rulebook.fix_of(finding, text, before.graphs)
        if not isinstance(proposal, Proposal):
            continue
        key = finding.rule, proposal.fix.edits
        if key not in tried:
            if len(tried) >= _MOST or (len(tried) + 2) * size > _MOST_NODES:
                continue
            if memory_of(project).steps - begun > _MOST_STEPS:
                continue
            tried[key] = fault(project, rulebook, before, finding, proposal)
        if not tried[key]:
            done[-1] = replace(finding, fix=_placed(before, proposal))
    return done


def _placed(before: Before, proposal: Proposal) -> Fix | None:
    """Returns a fix with its edits and what its note names where they stand in the file: in a notebook, in its cells; None where the edits do not fit
    into any."""
    module = before.module
    fix = replace(proposal.fix, calls=tuple(_place(module, line) for line in proposal.change.calls))
    if not module.cells:
        return fix
    edits = in_cells(before.content, module.text, module.cells, fix.edits)
    return None if edits is None else replace(fix, edits=edits)


def _place(module: Module, line: int) -> str:
    """Returns a line of a module as its reader counts it."""
    found = module.cell_at(line)
    return f"line {line}" if found is None else f"line {found[1]} of cell {found[0]}"


def fault(project: TrackedProject, rulebook: Rulebook, before: Before, finding: Finding, proposal: Proposal) -> str:
    """Returns what is wrong with a fix: the graphs differ in what it does not say, its finding stays, another rule starts, or it
    would change something again. An empty text: nothing."""
    module = before.module
    placed = _placed(before, proposal)
    if placed is None:
        return "its edits do not lie in one cell"
    if module.cells:
        content = rewritten(before.content, module.cells, placed.edits)
    else:
        content = proposal.text.encode(module.encoding, "surrogateescape")
    with project.instead(module, content) as changed:
        if not isinstance(changed, Module) or len(changed.unread) != len(module.unread):
            return "what it makes cannot be read"
        graphs = entries(project, changed)
        found = rulebook.check(graphs, advise=False)
    old_lines, new_lines = changed_lines(module.text, proposal.change.splices)
    differs = difference(
        Side(module.path, before.graphs, old_lines), Side(module.path, graphs, new_lines), proposal.change.allowed
    )
    if differs:
        return differs
    old, new = (Counter(one.rule for one in findings) for findings in (before.findings, found))
    shown = Counter(one.rule for one in found if one.severity != "info" and one.confidence != "low")
    if started := sorted(rule for rule in shown if rule != finding.rule and shown[rule] > old[rule]):
        return f"it would bring in {', '.join(started)}"
    if new[finding.rule] >= old[finding.rule]:
        return f"{finding.rule} would still be found"
    return ""
