"""For people: one line for each node, indented by module, with what the trace says of it; gaps at the end."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.graph import Graph, Node, Region
from vglint.report.graphs.tree import label, module_types, owner, scientific
from vglint.report.summary import plural
from vglint.report.view import visible
from vglint.shape import shape_text
from vglint.signal import Depth, Ratio, Trace
from vglint.span import Span

_HEAD = ("line", "%", "gradient", "rms gain", "signal", "shape")


def text(graph: Graph, trace: Trace, ratio: Ratio) -> str:
    """Returns the printed form.

    `gradient` is RMS ∂L/∂(the node's output) over that at the last layer of the ratio, `rms gain` what the node alone does to it,
    `signal` the second moment of the output.
    """
    reference = _reference(trace, ratio)
    cells = [_cells(node, graph, trace, reference) for node in graph.nodes]
    widths = [max(len(row[column]) for row in [_HEAD, *cells]) for column in range(len(_HEAD))]
    blank = " " * (sum(widths) + 2 * len(widths))
    lines = [f"{visible(graph.entry)}  {graph.span.file}:{graph.span.line}", "", _row(_HEAD, widths).rstrip()]
    types = module_types(graph)
    open_: tuple[str, ...] = ()
    region = 0
    for node, row in zip(graph.nodes, cells, strict=True):
        parts = owner(node)
        shared = _shared(open_, parts)
        for depth in range(shared, len(parts)):
            path = ".".join(parts[: depth + 1])
            kind = f": {types[path]}" if path in types else ""
            lines.append(f"{blank}{'  ' * depth}{parts[depth]}{kind}")
        open_ = parts
        indent = "  " * len(parts)
        if node.region != region:
            region = node.region
            lines += [f"{blank}{indent}{words}" for words in _region_words(graph.regions, region)]
        lines.append(f"{_row(row, widths)}{indent}{visible(label(node))}{_sources(node)}")
    return "\n".join([*lines, "", *_gradient(graph, trace, ratio), *_gaps(graph)]) + "\n"


def _reference(trace: Trace, ratio: Ratio) -> float:
    """Returns the trace's log10 gradient at the ratio's last layer; the largest one where that is not known."""
    last = None if ratio.last is None else trace.gradients[ratio.last]
    return last if last is not None else max((value for value in trace.gradients if value is not None), default=0.0)


def _cells(node: Node, graph: Graph, trace: Trace, reference: float) -> tuple[str, ...]:
    signal = trace.signals[node.index]
    gradient = trace.gradients[node.index]
    gain = trace.gains[node.index]
    return (
        _line(node.span, graph.span),
        f"%{node.index}",
        scientific(None if gradient is None else gradient - reference),
        f"×{scientific(gain)}" if gain is not None else "",
        "" if signal is None else f"{signal.q:.3g}",
        shape_text(node.shape),
    )


def _line(span: Span, whole: Span) -> str:
    """Returns the line, with the file where it is another than the graph's; in a notebook the cell and the line."""
    book, cell, number = span.file.rpartition(":cell ")
    if cell and book == whole.file.rpartition(":cell ")[0]:
        return f"{number}:{span.line}"
    return str(span.line) if span.file == whole.file else f"{span.file}:{span.line}"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = [f"{cell:>{width}}" for cell, width in zip(cells[:-1], widths[:-1], strict=True)]
    return "  ".join([*numbers, f"{cells[-1]:<{widths[-1]}}"]) + "  "


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _region_words(regions: Sequence[Region], index: int) -> list[str]:
    """Returns the regions around a node from the outermost in, as `-- loop of 5: for i in range(5)`."""
    if index == 0:
        return ["-- end"]
    words: list[str] = []
    current: int | None = index
    while current:
        region = regions[current]
        count = f" of {region.count}" if region.count is not None else ""
        arm = f" arm {region.arm}" if region.kind == "branch" else ""
        words.insert(0, f"-- {region.kind}{count}{arm}: {visible(region.text)}".rstrip(": "))
        current = region.parent
    return words


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
    nodes = f"%{depth.nodes[0]}…%{depth.nodes[-1]}"
    limits = (("below 1e-3", depth.below_1e3), ("below 1e-7", depth.below_1e7), ("above 1e3", depth.above_1e3))
    crossed = [f"{limit} from {plural(turns, 'turn')} on" for limit, turns in limits if turns is not None]
    turn = f"one turn of {nodes} ({bound}) is {trace.source} to multiply it by {scientific(depth.per_turn)}"
    return f"gradient: {turn}: {', '.join(crossed) or 'it stays, however many there are'}"


def _ratio(graph: Graph, trace: Trace, ratio: Ratio) -> list[str]:
    if ratio.first is None or ratio.last is None or ratio.first == ratio.last:
        return []
    first, last = (f"%{index} {graph.nodes[index].path}".rstrip() for index in (ratio.first, ratio.last))
    if ratio.log10_ratio is None:
        return [f"gradient: the ratio of {first} to {last} is not known{_why(graph, ratio)}"]
    return [f"gradient: RMS at {first} is {trace.source} to be {scientific(ratio.log10_ratio)} of the one at {last}"]


def _why(graph: Graph, ratio: Ratio) -> str:
    if ratio.why is None:
        return ""
    node = graph.nodes[ratio.why[0]]
    return f": line {node.span.line}: %{node.index} {node.op}: {visible(ratio.why[1])}"


def _gaps(graph: Graph) -> list[str]:
    if not graph.gaps:
        return ["no gaps"]
    lines = [f"{plural(len(graph.gaps), 'gap')}:"]
    for gap in graph.gaps:
        where = f"{gap.span}: " if gap.span else ""
        lines.append(f"  {where}{gap.why}: {visible(gap.text)}")
    return lines
