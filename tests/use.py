"""What a user's program that mypy checks may say of vglint: `mypy` reads it with the rest (`pyproject.toml`), and no test runs it."""

import vglint

report: vglint.Report = vglint.lint(["a.py"])
found: tuple[vglint.Finding, ...] = vglint.lint_text("", path="a.py")
page: str = vglint.graph("a.py:Net").render("html")
vglint.lint(3)  # type: ignore[arg-type]  # which would itself be an error if the types were not seen
