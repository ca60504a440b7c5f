"""Runs a benchmark by its name: `python -m benchmarks NAME …`. Without a name it lists them."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def programs() -> dict[str, tuple[Path, str]]:
    """Returns each benchmark's file and the first line of what it says of itself, by name."""
    found = {}
    for path in sorted(ROOT.glob("benchmarks/*/*.py"), key=lambda path: path.stem):
        tree = ast.parse(path.read_bytes())
        runs = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)
        if runs:
            found[path.stem] = path, (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def main() -> None:
    known = programs()
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        width = max(map(len, known))
        print(
            "python -m benchmarks NAME …", *(f"  {name:{width}}  {text}" for name, (_, text) in known.items()), sep="\n"
        )
        raise SystemExit(0 if len(sys.argv) < 2 else 2)
    path, _ = known[sys.argv[1]]
    # The oracle is a part of the tests.
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.argv[:2] = [str(path)]
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
