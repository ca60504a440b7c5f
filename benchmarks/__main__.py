"""Runs a benchmark by its name: `python -m benchmarks NAME …`. Without a name it lists them."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def names() -> dict[str, str]:
    """Returns the first sentence of each benchmark by its name."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_bytes())
        runs = any(isinstance(node, ast.If) and "__main__" in ast.unparse(node.test) for node in tree.body)
        if runs and path.stem != "__main__":
            found[path.stem] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def main() -> None:
    known = names()
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        width = max(map(len, known))
        print("python -m benchmarks NAME …", *(f"  {name:{width}}  {text}" for name, text in known.items()), sep="\n")
        raise SystemExit(0 if len(sys.argv) < 2 else 2)
    name = sys.argv[1]
    # The oracle is a part of the tests; benchmarks import one another by their own names.
    sys.path[:0] = [str(HERE), str(HERE.parent / "tests"), str(HERE.parent)]
    path = HERE / f"{name}.py"
    sys.argv[:2] = [str(path)]
    runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
