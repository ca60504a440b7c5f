"""Findings of several worlds: what is found in one of them only says which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec.structs import replace

from vglint.finding import Finding
from vglint.graph import Graph
from vglint.rulebook.load import CheckedRule
from vglint.rulebook.template import HEADLINE

Found: TypeAlias = "tuple[int, CheckedRule, Finding]"
"""A finding of one file with the position of its graph."""
DEVICES = frozenset({"on the CPU", "on a GPU"})
"""The worlds of code that asks which device it runs on."""


def of_worlds(found: Sequence[Found], graphs: Sequence[Graph]) -> list[Found]:
    """Leaves out what a switch that is on changes nothing of: the rule speaks of the entry as it is defined, too. What is found at a
    place whatever the world is of none, and so is what is found on all devices."""
    told = {(finding.rule, finding.entry) for position, _, finding in found if not graphs[position].alternative}
    worlds: dict[tuple[object, ...], set[str]] = {}
    for _, _, finding in found:
        worlds.setdefault((finding.rule, finding.span), set()).add(finding.world)
    places = {
        (graph.entry, graph.world): {node.span for node in graph.nodes} for graph in graphs if graph.world in DEVICES
    }
    kept: list[Found] = []
    for position, checked, finding in found:
        everywhere = worlds[finding.rule, finding.span]
        if finding.world and "" in everywhere:
            continue
        if finding.world in DEVICES:
            finding = replace(finding, world="") if everywhere >= DEVICES else finding
            other = next(iter(DEVICES - {finding.world}), "") if finding.world else ""
            shared = finding.span in places.get((finding.entry, other), ())
            if shared and checked.rule.subject == "node" and finding.severity != "error":
                continue  # both devices run the operation, and on the other one it is as it should be
        elif graphs[position].alternative and (finding.rule, finding.entry) in told:
            continue
        kept.append((position, checked, finding))
    return kept


def in_its_world(finding: Finding) -> Finding:
    """Returns a finding whose message says when it is so, if a headline has the room."""
    message = f"{finding.message} ({finding.world})"
    return replace(finding, message=message) if finding.world and len(message) <= HEADLINE else finding
