"""Classifiers with one fault each: what `benchmarks.reports.advice` trains before and after the advice.

`advised` holds the edits that the rule's written advice asks for, done by hand to the letter, where no remedy is chosen by prediction.
"""

from __future__ import annotations

from benchmarks.generators.advice_cases.attention import attentions
from benchmarks.generators.advice_cases.case import Case
from benchmarks.generators.advice_cases.layers import layers
from benchmarks.generators.advice_cases.recurrent import recurrent
from benchmarks.generators.advice_cases.residuals import residuals
from benchmarks.generators.advice_cases.stacks import stacks

__all__ = ["Case", "cases"]


def cases() -> list[Case]:
    """Returns every case, in order of rules."""
    return sorted([*stacks(), *layers(), *residuals(), *recurrent(), *attentions()], key=lambda case: case.rule)
