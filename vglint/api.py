"""vglint from Python and in notebooks: what `import vglint` offers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from vglint.config import Configuration
from vglint.finding import Finding, Report
from vglint.lint import Buffer
from vglint.lint import lint as run
from vglint.report.graphs import GRAPH_FORMATS
from vglint.report.graphs.svg import drawing
from vglint.report.view import View
from vglint.target import TargetError, predicted

if TYPE_CHECKING:
    from vglint.graph import Graph
    from vglint.signal import Ratio, Trace


def lint(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    isolated: bool = False,
) -> Report:
    """Returns what the rules find in files, notebooks and folders, as `vglint PATH...` does.

    A path that cannot be read is one of the report's `problems`. `config` is the configuration of every file; with `isolated` there is none.
    Raises vglint.config.ConfigError for a mistake in the configuration, vglint.rulebook.RuleError for one in a rule or its name.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else paths
    return run([os.fspath(path) for path in several], _configuration(select, ignore, config, isolated).of)


def lint_text(
    text: str,
    path: str | os.PathLike[str] = "text.py",
    *,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
    config: str | os.PathLike[str] | None = None,
    isolated: bool = False,
) -> tuple[Finding, ...]:
    """Returns what the rules find in a text that stands for the file `path`, which need not exist.

    Imports start from the folder of `path`, and its configuration holds. Raises ValueError for a text that is no Python, and `lint`'s errors.
    """
    buffer = Buffer(os.fspath(path), text.encode("utf-8", "surrogatepass"))
    report = run([], _configuration(select, ignore, config, isolated).of, False, buffer)
    for problem in report.problems:
        if problem.kind != "comment":
            line = "" if problem.line is None else f":{problem.line}"
            raise ValueError(f"{problem.path}{line}: {problem.message}")
    return report.findings


class PredictedGraph(Struct, frozen=True):
    """The layer graph of a model, with the signal and the gradient that are predicted; notebooks show it as a picture."""

    graph: Graph
    trace: Trace
    ratio: Ratio

    def render(self, form: str = "text", width: int = 100) -> str:
        """Returns the graph in a format of `vglint graph --format`; `width` is the columns of text. Raises ValueError for another format."""
        if form not in GRAPH_FORMATS:
            raise ValueError(f"unknown format {form!r} (one of {', '.join(GRAPH_FORMATS)})")
        return GRAPH_FORMATS[form](self.graph, self.trace, self.ratio, View(width=width))

    def __repr__(self) -> str:
        return self.render().rstrip("\n")

    def _repr_svg_(self) -> str:
        return drawing(self.graph, self.trace, self.ratio)

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto">{self._repr_svg_()}</div>'


def graph(target: str, *, inputs: Sequence[str] = ()) -> PredictedGraph:
    """Returns the layer graph of `FILE:EXPR`, or of the one entry of FILE.

    EXPR is a class, a function that returns a module, or an expression over the names of the file. It is evaluated without running anything.
    `inputs` fix sizes as `vglint graph --input` does: "8,3,224,224", "8,77:long:0..1000", "mask=8,77,bool".
    Raises ValueError where there is no such graph, or several.
    """
    found = predicted(target, inputs)
    if len(found) > 1:
        names = ", ".join(one.entry for one, _, _ in found)
        raise TargetError(f"{target} has {len(found)} entries: name one of them, as in FILE:EXPR ({names})")
    return PredictedGraph(*found[0])


def _configuration(
    select: Sequence[str] | None, ignore: Sequence[str] | None, config: str | os.PathLike[str] | None, isolated: bool
) -> Configuration:
    """Returns the configuration that holds beside the given words; raises ValueError for a configuration that is isolated."""
    if isolated and config is not None:
        raise ValueError("isolated uses no configuration and config names one: give one of them")
    return Configuration(
        None if config is None else os.fspath(config), isolated, {"select": _words(select), "ignore": _words(ignore)}
    )


def _words(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Returns ids, names or families of rules; a text is several of them, separated by commas."""
    if isinstance(given, str):
        return tuple(word.strip() for word in given.split(",") if word.strip())
    return None if given is None else tuple(given)
