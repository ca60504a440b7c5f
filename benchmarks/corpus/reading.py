"""Lints files as the command line does, and prints its JSON report with what was read beside it: the child process of `linted`.

python -m benchmarks reading FILE …
"""

from __future__ import annotations

import io
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from vglint import interp
from vglint.cli import cli
from vglint.graph import Graph
from vglint.source.module import Module
from vglint.source.project import Project

OPTIONS = ("--isolated", "--no-cache", "--exit-zero", "--output-format", "json")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "notes"
        _watch(notes)
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                cli(["lint", *OPTIONS, *sys.argv[1:]], prog_name="vglint", standalone_mode=False)
        except SystemExit as error:
            if error.code:
                raise
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.is_file() else []
    read = {row["path"]: row for row in map(json.loads, lines)}
    report = json.loads(printed.getvalue())
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    peak = max(_peak(), used[1].ru_maxrss // 1024)
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    report |= {"read": list(read.values()), "megabytes": peak, "cpu": round(cpu, 1)}
    json.dump(report, sys.stdout)


def _watch(notes: Path) -> None:
    """Has every file's graphs noted in a file, since files are linted in processes of their own."""
    plain = interp.entries

    def watched(
        project: Project, module: Module, fault: Callable[[str, Exception], None] | None = None
    ) -> tuple[Graph, ...]:
        begin = time.process_time()
        graphs = plain(project, module, fault)
        seconds = round(time.process_time() - begin, 2)
        row = {"path": module.path, "seconds": seconds, "graphs": [_drawn(graph) for graph in graphs]}
        with notes.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        return graphs

    interp.entries = watched


def _peak() -> int:
    """Returns the most memory that this process had, in MiB; getrusage would tell that of the process it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def _drawn(graph: Graph) -> dict[str, Any]:
    return {
        "entry": graph.entry,
        "kind": graph.kind,
        "line": graph.span.line,
        "nodes": len(graph.nodes),
        "gaps": [(gap.why, gap.text, str(gap.span)) for gap in graph.gaps],
    }


if __name__ == "__main__":
    main()
