"""What a finding rests on, in words: `gradient ratio 1/3,000,000; weight init kaiming_uniform_; trained`."""

from __future__ import annotations

from vglint.finding import Evidence
from vglint.number import factor, plain
from vglint.report.view import visible
from vglint.rule import Scalar

_MOST = 80
"""Characters of one value that are shown."""


def evidence_text(evidence: Evidence) -> str:
    """Returns the facts one after another, decimal logarithms as factors."""
    return "; ".join(_worded(name, value) for name, value in evidence)


def _worded(name: str, value: Scalar) -> str:
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"not {words}"
    if isinstance(value, str):
        text = visible(value)
        return f"{words}: {text[: _MOST - 1]}…" if len(text) > _MOST else f"{words}: {text}"
    if name.startswith("log10_"):
        return f"{words.removeprefix('log10 ')}: {factor(value)}"
    if "decades" in name and isinstance(value, float):
        return f"{words.replace('decades', 'factor')}: {factor(value)}"
    return f"{words}: {plain(value)}"
