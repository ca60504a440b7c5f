"""The order of training ops along control flow: what ran last before a node, loops going round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vglint.analysis.facts.view import View
from vglint.graph import Node


def earlier(view: View, node: Node, events: Iterable[Node], born: Node) -> Iterator[Node]:
    """Yields the events that can have run before a node, nearest first: before it in its innermost loop, then after it there (the
    turn before), then the same in each loop around. Those that exclude the node (the other arm of a branch) are left out, and a loop in
    which the optimiser was `born` does not go round: its next turn is about another one."""
    pool = [event for event in events if event.index != node.index and not view.exclusive(event, node)]
    given: set[int] = set()
    for loop in turning(view, node, born):
        within = [event for event in pool if loop in view.regions_of(event.region) and event.index not in given]
        ordered = [event for event in reversed(within) if event.index < node.index]
        ordered += [event for event in reversed(within) if event.index > node.index]
        given.update(event.index for event in ordered)
        yield from ordered
    yield from (event for event in reversed(pool) if event.index < node.index and event.index not in given)


def later(view: View, node: Node, events: Iterable[Node], born: Node) -> Iterator[Node]:
    """Yields the events that can run after a node, nearest first, loops going round as above."""
    pool = [event for event in events if event.index != node.index and not view.exclusive(event, node)]
    given: set[int] = set()
    for loop in turning(view, node, born):
        within = [event for event in pool if loop in view.regions_of(event.region) and event.index not in given]
        ordered = [event for event in within if event.index > node.index]
        ordered += [event for event in within if event.index < node.index]
        given.update(event.index for event in ordered)
        yield from ordered
    yield from (event for event in pool if event.index > node.index and event.index not in given)


def loops_of(view: View, node: Node) -> tuple[int, ...]:
    """Returns the loops around a node, innermost first."""
    return tuple(index for index in view.regions_of(node.region) if view.graph.regions[index].kind == "loop")


def turning(view: View, node: Node, born: Node) -> tuple[int, ...]:
    """Returns the loops around a node, innermost first, without those in which the optimiser is built."""
    around = frozenset(loops_of(view, born))
    return tuple(loop for loop in loops_of(view, node) if loop not in around)


def always_with(view: View, event: Node, node: Node) -> bool:
    """Whether an event runs whenever a node does: every branch and loop around it is also around the node."""
    around = frozenset(view.regions_of(node.region))
    conditional = ("branch", "loop", "handler")
    return all(
        index in around for index in view.regions_of(event.region) if view.graph.regions[index].kind in conditional
    )


def repeats(view: View, node: Node, born: Node) -> bool:
    """Whether a node runs more than once for one optimiser: inside a loop, or walked several times at one place."""
    if turning(view, node, born):
        return True
    return any(
        other.span == node.span and other.op == node.op and other.index != node.index for other in view.graph.nodes
    )
