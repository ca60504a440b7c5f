"""Drafts become the graph: names of modules, places in the text, only what forward executes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache, partial
from typing import Literal

from msgspec.structs import replace

from vglint.graph import Config, Graph, Init, Node, Parameter, Region
from vglint.interp.entries.idle_initialisers import filled_later
from vglint.interp.entries.paths import lists_itself, module_infos, module_names, named, span_of
from vglint.interp.machine.core import Run
from vglint.interp.machine.drafts import Draft
from vglint.interp.machine.passes import Pass
from vglint.interp.torch.leaves import leaf_base
from vglint.interp.values.classes import class_name
from vglint.interp.values.inside import bulk, held_by, inside
from vglint.interp.values.objects import (
    ClassV,
    DictV,
    External,
    Instance,
    ListV,
    ModuleV,
    OpaqueV,
    ParamV,
    SetV,
    Site,
    TensorV,
    Value,
)
from vglint.ops import having
from vglint.origin import Origin
from vglint.span import Span
from vglint.value import Unknown

Kind = Literal["class", "function", "training", "expression"]


def freeze(run: Run, kind: Kind, span: Span, roots: dict[str, ModuleV], result: Value) -> Graph:
    """Returns the graph of a finished run."""
    return _graph(run, kind, span, roots, result, _kept(run, result), run.graph.gaps)


def freeze_pass(run: Run, this: Pass, span: Span) -> Graph:
    """Returns the graph of one pass of a model: what comes from outside of it is an input, and no loop stands around it."""
    kept, given = _of_pass(run, this)
    drafts = {number: run.graph.nodes[number] for number in given}
    around = _around(run, this.region)
    parents = {number: run.graph.regions[number].alias for number in around}
    for number, draft in drafts.items():
        run.graph.nodes[number] = replace(
            draft,
            op="input",
            inputs=[],
            config={"name": "input"},
            owner=None,
            leaf=False,
            type=None,
            params=[],
            region=0,
        )
    for number in around:
        if run.graph.regions[number].kind != "autocast":
            run.graph.regions[number].alias = 0
    try:
        return _graph(run, "expression", span, {"": this.module}, this.result, kept, this.gaps)
    finally:
        for number, draft in drafts.items():
            run.graph.nodes[number] = draft
        for number, alias in parents.items():
            run.graph.regions[number].alias = alias


def _around(run: Run, region: int | None) -> list[int]:
    """Returns a region and those around it, save the outermost."""
    found = []
    while region:
        found.append(region)
        region = run.graph.regions[region].parent
    return found


_NUMBERS = having("same_numbers")
"""Ops whose result is the same numbers at every call."""


def _of_pass(run: Run, this: Pass) -> tuple[list[int], list[int]]:
    """Returns the nodes of a pass with what they rest on, and those among them that stand for what is given from outside."""
    wanted = set(this.nodes)
    given: list[int] = []
    stack = sorted(wanted, reverse=True)
    while stack:
        for source in run.graph.nodes[stack.pop()].inputs:
            if source in wanted:
                continue
            wanted.add(source)
            draft = run.graph.nodes[source]
            if source >= this.start or draft.setup or draft.op == "parameter" or (given and draft.op in _NUMBERS):
                stack.append(source)
            else:
                given.append(source)
    return _read_ones(run, wanted, this.result), given


def _graph(
    run: Run,
    kind: Kind,
    span: Span,
    roots: dict[str, ModuleV],
    result: Value,
    kept: list[int],
    met: dict[Origin, tuple[Unknown, Site | None]],
) -> Graph:
    names = module_names(run, roots)
    index = {old: new for new, old in enumerate(kept)}
    regions, region_index = _regions(run, span, {run.graph.nodes[old].region for old in kept}, index)
    parameters, places = _parameters(run, names, [run.graph.nodes[old] for old in kept], span.file, region_index)
    nodes = tuple(
        _node(run, draft, new, index, names, places, region_index, span)
        for new, draft in ((index[old], run.graph.nodes[old]) for old in kept)
    )
    outputs = tuple((name, index[node]) for name, node in _outputs(run, result) if node in index)
    gaps = tuple(Unknown(gap.origin, span_of(site, None)) for gap, site in met.values())
    return Graph(
        run.entry,
        kind,
        span,
        nodes,
        parameters,
        module_infos(run, names, span),
        regions,
        gaps,
        outputs,
        run.graph.assumed,
    )


def _kept(run: Run, result: Value) -> list[int]:
    """Nodes of forward, and of those made while modules were built only what forward reads."""
    wanted = {number for number, draft in enumerate(run.graph.nodes) if not draft.setup}
    stack = list(wanted)
    while stack:
        for source in run.graph.nodes[stack.pop()].inputs:
            if source not in wanted:
                wanted.add(source)
                stack.append(source)
    return _read_ones(run, wanted, result)


def _read_ones(run: Run, wanted: set[int], result: Value) -> list[int]:
    """Returns nodes in order, without parameters and parts of results that nothing reads."""
    read = {source for number in wanted for source in run.graph.nodes[number].inputs} | {
        node for _, node in _outputs(run, result)
    }
    return [
        number
        for number in sorted(wanted)
        if run.graph.nodes[number].op not in ("parameter", "getitem_unused") or number in read
    ]


_LARGEST = 100_000
"""Entries of a value in which tensors and modules are looked for."""


def _outputs(run: Run, value: Value, prefix: str = "") -> list[tuple[str, int]]:
    """Returns the nodes inside a returned value; eight levels deep, for it may hold itself."""
    if prefix.count(".") >= 8 or (not prefix and bulk(value, _LARGEST) > _LARGEST):
        return []
    match value:
        case TensorV():
            node = value.node
            for position in value.pick:
                node = run.graph.nodes[node].picks.get((position,), node)
            return [(prefix or "0", node)]
        case tuple():
            return [
                pair
                for number, item in enumerate(value)
                for pair in _outputs(run, item, f"{prefix}.{number}" if prefix else str(number))
            ]
        case ListV() | SetV():
            return _outputs(run, tuple(value.items), prefix)
        case DictV():
            return [
                pair for key, item in named(value) for pair in _outputs(run, item, f"{prefix}.{key}" if prefix else key)
            ]
        case _:
            if isinstance(value, Instance) and not isinstance(value, ModuleV):
                return [
                    pair
                    for key, item in value.attrs.items()
                    for pair in _outputs(run, item, f"{prefix}.{key}" if prefix else key)
                ]
            if isinstance(value, OpaqueV) and value.node is not None:
                return [(prefix or "0", value.node)]
            return []


def _parameters(
    run: Run, names: dict[int, tuple[str, bool]], drafts: list[Draft], file: str, regions: dict[int, int]
) -> tuple[tuple[Parameter, ...], dict[int, int]]:
    made: list[Parameter] = []
    places: dict[int, int] = {}

    later = cache(partial(filled_later, run))

    def add(param: ParamV, path: str, registered: bool, region: int, leaf: bool = False) -> None:
        if id(param) in places:
            return
        places[id(param)] = len(made)
        init = param.init
        if init.scheme == "uninitialised" and later():
            init = Init("unknown")
        wrote = run.graph.init_site(param)
        if (
            wrote is not None
            and wrote.unit.file != file
            and param.origin is not None
            and param.origin.unit.file == file
        ):
            wrote = param.origin  # a helper in another file fills many models: what is odd about this one is here
        init = replace(init, span=span_of(wrote, None))
        origin = span_of(param.origin, None)
        late = id(param) in run.graph.late
        frozen = None if param.trainable else span_of(param.frozen, None)
        made.append(
            Parameter(
                path,
                param.shape,
                init,
                param.trainable,
                param.buffer,
                origin,
                param.anew,
                late,
                frozen,
                registered,
                leaf,
                regions.get(region, 0),
                param.thawed,
            )
        )

    for module in run.graph.modules:
        if id(module) in names:
            path = names[id(module)][0]
            for name, param in module.parameters.items():
                if isinstance(param, ParamV):
                    add(param, f"{path}.{name}" if path else name, names[id(module)][1], module.region)
    buffers, unlisted, told = _buffer_paths(run, names), None, set[int]()
    for draft in drafts:
        owner = names.get(id(draft.owner), ("", True))[0] if draft.owner is not None else ""
        for name, param in draft.params:
            if id(param) in places:
                continue
            if unlisted is None and (param.leaf or id(param) not in buffers):
                told = _stored(run, names, True)
                unlisted = _stored(run, names, False) - told
            path = ".".join(part for part in (buffers.get(id(param)) or owner, param.name or name) if part)
            listed = unlisted is None or id(param) in buffers or id(param) not in unlisted
            add(param, path, listed, draft.region, param.leaf and id(param) not in told)
    return tuple(made), places


def _stored(run: Run, names: dict[int, tuple[str, bool]], told: bool) -> set[int]:
    """Returns the parameters that modules keep in a plain list, tuple or dict, and those that what they store is computed from: of modules that
    say themselves which are theirs (`told`), or of all others."""
    held = [
        each
        for module in run.graph.modules
        if id(module) in names and lists_itself(module) == told
        for each in inside(*module.attrs.values(), through=_plainly_held)
    ]
    stored = [each for each in held if isinstance(each, TensorV)]
    constants = [run.graph.constants.get((each.node, each.pick)) for each in stored]
    found = {id(each) for each in (*held, *constants) if isinstance(each, ParamV)}
    return found | _read_by(run, {each.node for each in stored})


def _plainly_held(value: Value) -> Iterable[Value]:
    return () if isinstance(value, ModuleV) or _may_be_module(value) else held_by(value)


def _may_be_module(value: Value) -> bool:
    """Whether an object's class has a base that is not known, such as a class of layers of a package that is not read."""
    if not isinstance(value, Instance):
        return False
    bases = value.cls.mro if isinstance(value.cls, ClassV) else (value.cls,)
    return any(
        not isinstance(base, ClassV)
        and not (isinstance(base, External) and base.name.partition(".")[0] in sys.stdlib_module_names)
        for base in bases
    )


def _read_by(run: Run, level: set[int]) -> set[int]:
    """Returns the parameters that stored tensors are computed from, at most a few operations before."""
    found: set[int] = set()
    seen: set[int] = set()
    for _ in range(5):
        seen |= level
        drafts = [run.graph.nodes[number] for number in level]
        found.update(id(param) for draft in drafts for _, param in draft.params)
        level = {source for draft in drafts for source in draft.inputs} - seen
    return found


def _buffer_paths(run: Run, names: dict[int, tuple[str, bool]]) -> dict[int, str]:
    """Returns the path of the first module that holds each buffer, by the buffer's identity."""
    paths: dict[int, str] = {}
    for module in run.graph.modules:
        if id(module) in names:
            for buffer in module.buffers.values():
                paths.setdefault(id(buffer), names[id(module)][0])
    return paths


def _regions(run: Run, span: Span, used: set[int], nodes: dict[int, int]) -> tuple[tuple[Region, ...], dict[int, int]]:
    """Drops regions that turned out to be none, or hold no node, and renumbers the rest."""

    def resolved(number: int) -> int:
        seen = 0
        while True:
            alias = run.graph.regions[number].alias
            if alias is None or alias == number or seen > len(run.graph.regions):
                return number
            number, seen = alias, seen + 1

    filled = {0}
    for number in used:
        around: int | None = resolved(number)
        while around is not None and around not in filled:
            filled.add(around)
            parent_ = run.graph.regions[around].parent
            around = None if parent_ is None else resolved(parent_)
    index: dict[int, int] = {}
    made: list[Region] = []
    for number, draft in enumerate(run.graph.regions):
        if number not in filled:
            continue
        index[number] = len(made)
        parent = None if draft.parent is None else index[resolved(draft.parent)]
        made.append(
            Region(
                len(made),
                parent,
                draft.kind,
                draft.text,
                draft.arm,
                draft.count,
                span_of(draft.site, span),
                draft.every,
                None if draft.condition is None else nodes.get(draft.condition),
                draft.role,
                tuple((nodes[old], nodes[new]) for old, new in draft.carried if old in nodes and new in nodes),
            )
        )
    for number in used:
        index[number] = index[resolved(number)]
    return tuple(made), index


def _node(
    run: Run,
    draft: Draft,
    number: int,
    index: dict[int, int],
    names: dict[int, tuple[str, bool]],
    places: dict[int, int],
    regions: dict[int, int],
    span: Span,
) -> Node:
    path = names.get(id(draft.owner), ("", True))[0] if draft.owner is not None else ""
    type_ = draft.type
    if draft.leaf and draft.owner is not None:
        base = leaf_base(draft.owner.cls)
        type_ = base.name if base is not None else class_name(draft.owner.cls)
    config: Config = tuple(draft.config.items())
    params = tuple((name, places[id(param)]) for name, param in draft.params if id(param) in places)
    return Node(
        number,
        draft.op,
        tuple(index[source] for source in draft.inputs),
        config,
        path,
        type_,
        params,
        draft.shape,
        span_of(draft.site, span) or span,
        regions[draft.region],
    )
