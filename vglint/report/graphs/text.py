"""For people: one line for each node, indented by module, with its gradient as a bar; what could not be known at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from vglint.graph import Graph, Node, Region
from vglint.number import compared, factor, plain
from vglint.report.graphs.layer import all_parameters, layer_text, own_parameters, short_shape
from vglint.report.graphs.scale import Scale, bar, scale_of
from vglint.report.graphs.tree import folded, module_types
from vglint.report.summary import plural
from vglint.report.view import View, visible
from vglint.report.wrap import columns, wrapped
from vglint.signal import Depth, Ratio, Trace
from vglint.span import Span

_BAR = 8
_WIDE = 110
"""Columns from which on there is room for what only some ask for."""
_LABEL = 28
"""Columns that layers have at least."""
_SHAPE = 18
"""Columns that a shape may take."""


def text(graph: Graph, trace: Trace, ratio: Ratio, view: View | None = None) -> str:
    """Returns the printed form, in lines of the view's width.

    `gradient` is RMS ∂L/∂(the node's output) over that at the last layer of the ratio; in wide terminals, `gain` is what the node alone does
    to it, and `signal` the second moment of the output. A column that would be empty is left out.
    """
    view = view or View()
    scale = scale_of(trace, ratio)
    heads, cells = _columns(graph, trace, scale, view)
    widths = [max(columns(row[column]) for row in [heads, *cells]) for column in range(len(heads))]
    left = sum(widths) + 2 * len(widths)
    blank = " " * left
    lines = [*_title(graph, view), "", _row(heads, widths, lambda head, _: head).rstrip()]
    types = module_types(graph)
    open_: tuple[str, ...] = ()
    region = 0
    for node, row, (parts, name) in zip(graph.nodes, cells, folded(graph), strict=True):
        for depth in range(_shared(open_, parts), len(parts)):
            path = ".".join(parts[: depth + 1])
            kind = f": {types[path]}" if path in types else ""
            lines.append(_clip(f"{blank}{'  ' * depth}{parts[depth]}{kind}", view.width))
        open_ = parts
        indent = "  " * len(parts)
        if node.region != region:
            words = _region_words(graph.regions, region, node.region)
            lines += [_clip(f"{blank}{indent}{each}", view.width) for each in words]
            region = node.region
        color = _painter(node, trace, scale, view)
        printed = _clip(
            f"{indent}{name}{visible(layer_text(node))}{_sources(node)}",
            max(view.width - left, _LABEL) if view.width else 0,
        )
        lines.append(f"{_row(row, widths, color)}{printed}".rstrip())
    notes = [*_gradient(graph, trace, ratio), *_gaps(graph)]
    return "\n".join([*lines, "", *(line for note in notes for line in wrapped(note, view.width, 0, "    "))]) + "\n"


def _title(graph: Graph, view: View) -> list[str]:
    total = all_parameters(graph)
    counted = "" if not total else f"  {total:,} parameters"
    world = f" ({visible(graph.world)})" if graph.world else ""
    title = f"{visible(_name(graph))}{world}  {visible(graph.span.file)}:{graph.span.line}{counted}"
    return [line.rstrip() for line in wrapped(title, view.width, 0, "  ")]


def _name(graph: Graph) -> str:
    """Returns the entry's name; of a model that training code makes, its class too."""
    root = graph.root.rpartition(".")[2]
    is_made = graph.kind == "expression" and re.fullmatch(r"[\w.<>]+", graph.entry) and root != graph.entry
    return f"{root} in {graph.entry}" if root and is_made else graph.entry


def _columns(graph: Graph, trace: Trace, scale: Scale, view: View) -> tuple[list[str], list[list[str]]]:
    """Returns the heads of the columns that are not empty, and the cells of each node."""
    table: list[tuple[str, list[str]]] = [
        ("line", [_line(node.span, graph.span) for node in graph.nodes]),
        ("%", [f"%{node.index}" for node in graph.nodes]),
        ("gradient", [_bar(trace.gradients[node.index], scale) for node in graph.nodes]),
        ("", [_number(trace, node, scale) for node in graph.nodes]),
        ("shape", [_shape(node) for node in graph.nodes]),
        ("params", [_count(own_parameters(node, graph)) for node in graph.nodes]),
    ]
    if view.width >= _WIDE:
        gains = [trace.gains[node.index] for node in graph.nodes]
        signals = [trace.signals[node.index] for node in graph.nodes]
        table.append(("gain", ["" if gain is None else f"×{factor(gain)}" for gain in gains]))
        table.append(("signal", ["" if signal is None else plain(signal.q) for signal in signals]))
    kept = [(head, cells) for head, cells in table if any(cell.strip() for cell in cells)]
    for name in ("signal", "gain", "shape", "params"):  # what a narrow terminal has no room for
        taken = sum(max(columns(cell) for cell in (head, *cells)) + 2 for head, cells in kept)
        if view.width and taken > view.width - _LABEL:
            kept = [(head, cells) for head, cells in kept if head != name]
    return [head for head, _ in kept], [list(row) for row in zip(*(cells for _, cells in kept), strict=True)]


def _bar(gradient: float | None, scale: Scale) -> str:
    return "" if gradient is None else bar(scale.share(gradient), _BAR)


def _number(trace: Trace, node: Node, scale: Scale) -> str:
    """Returns how large a gradient is, `0` at layers that none arrives at."""
    gradient = trace.gradients[node.index]
    if gradient is None:
        return "0" if node.params and node.inputs and trace.is_zero(node.index) else ""
    return scale.number(gradient)


def _shape(node: Node) -> str:
    return _clip(short_shape(node), _SHAPE)


def _count(parameters: int | None) -> str:
    """Returns a number of parameters in few characters: `640`, `16.5k`, `2.4M`."""
    if parameters is None:
        return "?"
    for least, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if parameters >= least:
            return f"{parameters / (1000 if unit == 'k' else least):.3g}{unit}"
    return str(parameters) if parameters else ""


def _line(span: Span, whole: Span) -> str:
    """Returns the line, with the file where it is another than the graph's; in a notebook the cell and the line."""
    book, cell, number = span.file.rpartition(":cell ")
    if cell and book == whole.file.rpartition(":cell ")[0]:
        return f"{number}:{span.line}"
    return str(span.line) if span.file == whole.file else f"{span.file.rpartition('/')[2]}:{span.line}"


def _row(cells: Sequence[str], widths: Sequence[int], paint: Callable[[str, str], str]) -> str:
    padded = []
    for cell, width in zip(cells, widths, strict=True):
        space = " " * (width - columns(cell))
        is_left = cell.startswith(("(", "█", "gradient", "shape")) or cell[:1] in "▏▎▍▌▋▊▉"
        padded.append(f"{paint(cell, cell)}{space}" if is_left and cell else f"{space}{cell}")
    return "  ".join(padded) + "  "


def _painter(node: Node, trace: Trace, scale: Scale, view: View) -> Callable[[str, str], str]:
    gradient = trace.gradients[node.index]
    if gradient is None:
        return lambda cell, _: cell
    color = scale.color(gradient, node.index)
    return lambda cell, _: view.paint(cell, color) if cell[:1] in "█▏▎▍▌▋▊▉" else cell


def _clip(line: str, width: int) -> str:
    if not width or columns(line) <= width:
        return line
    while columns(line) > width - 1:
        line = line[:-1]
    return f"{line}…"


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _region_words(regions: Sequence[Region], last: int, index: int) -> list[str]:
    """Returns the regions that begin between a node and the next, from the outermost in, as `-- loop of 5: for i in range(5)`; `-- end` where none does."""
    around = _around(regions, last)
    words = []
    for number in _around(regions, index):
        region = regions[number]
        count = f" of {region.count}" if region.count is not None else ""
        arm = f" arm {region.arm}" if region.kind == "branch" else ""
        if number not in around:
            handed = "".join(f"; %{new} goes on as %{old}" for old, new in region.carried)
            words.append(f"-- {region.kind}{count}{arm}: {visible(region.text)}{handed}".rstrip(": "))
    return words or ["-- end"]


def _around(regions: Sequence[Region], index: int) -> list[int]:
    """Returns a region and those around it, from the outermost in, without the whole entry."""
    found: list[int] = []
    current: int | None = index
    while current:
        found.insert(0, current)
        current = regions[current].parent
    return found


def _sources(node: Node) -> str:
    """Returns the inputs, unless there is none or the line above is the only one."""
    if not node.inputs or node.inputs == (node.index - 1,):
        return ""
    return " <- " + ", ".join(f"%{source}" for source in node.inputs)


def _gradient(graph: Graph, trace: Trace, ratio: Ratio) -> list[str]:
    return [*_ratio(graph, trace, ratio), *(_depth(graph, trace, depth) for depth in ratio.depths)]


def _depth(graph: Graph, trace: Trace, depth: Depth) -> str:
    region = graph.regions[depth.region]
    bound = "their number is not known" if region.count is None else f"{region.count} of them"
    nodes = f"%{depth.nodes[0]} to %{depth.nodes[-1]}"
    limits = (
        ("below 1/1,000", depth.below_1e3),
        ("below 1/10,000,000", depth.below_1e7),
        ("above 1,000 times", depth.above_1e3),
    )
    crossed = [f"{limit} from {plural(turns, 'iteration')} on" for limit, turns in limits if turns is not None]
    turn = f"one iteration of {nodes} ({bound}) is {trace.source} to multiply it by {factor(depth.per_turn)}"
    return f"gradient: {turn}: {', '.join(crossed) or 'it stays, however many there are'}"


def _ratio(graph: Graph, trace: Trace, ratio: Ratio) -> list[str]:
    if ratio.first is None or ratio.last is None or ratio.first == ratio.last:
        return []
    first, last = (f"{graph.nodes[index].path} (%{index})".lstrip() for index in (ratio.first, ratio.last))
    if ratio.log10_ratio is None and graph.kind == "training":
        return ["gradient: predicted of models, not of training code"]
    for index, name in ((ratio.last, last), (ratio.first, first)):
        if ratio.log10_ratio is None and trace.is_zero(index):
            return [f"gradient: the one at {name} is {trace.source} to be zero"]
    if ratio.log10_ratio is None:
        return [f"gradient: how the one at {first} compares with the one at {last} is not known"]
    return [f"gradient: the one at {first} is {trace.source} to be {compared(ratio.log10_ratio)} the one at {last}"]


def _gaps(graph: Graph) -> list[str]:
    if not graph.gaps:
        return ["everything was followed"]
    lines = [f"{plural(len(graph.gaps), 'place')} could not be followed:"]
    for gap in graph.gaps:
        where = f"{visible(str(gap.span))}: " if gap.span else ""
        lines.append(f"  {where}{visible(gap.text)} ({gap.why})")
    return lines
