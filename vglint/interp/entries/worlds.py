"""Entries in other worlds: each with one optional switch on, alone, under a budget that is a share of what the file took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from vglint import origin
from vglint.graph import Graph
from vglint.interp.entries.made import shape_of_graph
from vglint.interp.entries.session import Session
from vglint.interp.static.arms import arms_of
from vglint.interp.static.candidates import Candidate
from vglint.interp.static.switches import constants_of, entries_of, fields_of, options_of, switches_of
from vglint.interp.static.worlds import GPU_WORLD, ON_CPU, ON_GPU, World
from vglint.source import code
from vglint.source.module import Module

WORLDS = 4
"""Switches of one entry that are tried."""
SHARE = 0.25
"""Of the steps that a file's entries took, what all their other worlds may take."""
LEAST = 1_200
"""Steps that they may take however small the file is."""


def alternatives(
    session: Session, numbered: Sequence[tuple[int, Candidate]], known: Mapping[int, Graph]
) -> list[Graph]:
    """Returns the graphs of entries, and of the models that they make, that another world makes different."""
    left = max(LEAST, int(SHARE * session.steps))
    shapes = {(shape_of_graph(graph), trained) for graph in known.values() for trained in (False, True)}
    found: list[Graph] = []
    for number, candidate in numbered:
        if number not in known:
            continue
        devices = [GPU_WORLD] if known[number].world == ON_CPU else []
        for world in (*devices, *islice(_worlds(session.module, candidate), WORLDS)):
            if left <= 0 or session.is_spent:
                return found
            before = session.steps
            graph, made = session.graph(candidate, world, left)
            left -= session.steps - before
            for each in (*(() if graph is None else (graph,)), *made):
                # What is trained tells more than the same model by itself.
                shape = shape_of_graph(each), bool(each.optimizers)
                if _is_whole(each) and shape not in shapes:
                    shapes |= {shape, (shape[0], False)}
                    found.append(replace(each, alternative=True))
    return found


def _worlds(module: Module, candidate: Candidate) -> Iterator[World]:
    """Yields the worlds of an entry; numbers, which are seldom switches, come last."""
    later = []
    for world in _switches(module, candidate):
        if world.is_number:
            later.append(world)
        else:
            yield world
    yield from later


def _switches(module: Module, candidate: Candidate) -> Iterator[World]:
    node = candidate.unit.definition
    if candidate.kind == "script":
        users: list[code.Node] = [each for unit in module.units for each in unit.body]
        yield from arms_of(module)
        yield from options_of(module)
        yield from fields_of(
            module, [each for unit in module.units if unit.definition is not None for each in unit.body]
        )
        yield from entries_of(module, users)
        yield from constants_of(module, users)
    elif candidate.nested:
        yield from arms_of(module, [code.Name(0, 0, candidate.nested)])
    elif candidate.kind in ("class", "training") and node is not None:
        yield from switches_of(module, node, ["forward"] if candidate.kind == "class" else [])
        users = [node, *_named_in(module, node)]
        yield from arms_of(module, users)
        yield from fields_of(module, users)
        if candidate.kind == "training":
            yield from entries_of(module, users)
        yield from constants_of(module, users)
    elif candidate.kind == "method" and isinstance(node, code.Class):
        yield from switches_of(module, node, [candidate.method])
        users = [node, *_named_in(module, node)]
        yield from fields_of(module, users)
        yield from entries_of(module, users)
        yield from constants_of(module, users)


def _named_in(module: Module, node: code.Node) -> Iterator[code.Node]:
    """Yields the functions and classes of the file that code names, and those that these name."""
    todo, seen = [node], {id(node)}
    for each in todo:
        for name in code.walk(each):
            for unit in module.binding(name.id) if isinstance(name, code.Name) else ():
                if unit.definition is not None and id(unit.definition) not in seen:
                    seen.add(id(unit.definition))
                    todo.append(unit.definition)
                    yield unit.definition


def _is_whole(graph: Graph) -> bool:
    return not any(isinstance(gap.origin, (origin.Budget, origin.Raise)) for gap in graph.gaps)


def on_devices(graphs: Sequence[Graph], others: Sequence[Graph]) -> list[Graph]:
    """Returns graphs that say their device only where the same entry is known on another."""
    twice = {graph.entry for graph in others if graph.world == ON_GPU}
    return [
        replace(graph, world="") if graph.world == ON_CPU and graph.entry not in twice else graph for graph in graphs
    ]


def trained_on(others: Sequence[Graph], graphs: Sequence[Graph]) -> list[Graph]:
    """Returns the graphs of other worlds; what trains a model on one device trains it on another."""
    moving = {graph.root: graph.optimizers for graph in graphs if graph.root and graph.optimizers}
    return [
        replace(graph, optimizers=moving.get(graph.root, ()))
        if graph.world == ON_GPU and not graph.optimizers and not graph.root.startswith("torch.")
        else graph
        for graph in others
    ]
