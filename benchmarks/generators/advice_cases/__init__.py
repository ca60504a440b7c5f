"""Classifiers with one fault each: what `benchmarks.reports.advice` trains before and after the advice.

`advised` holds the edits that the rule's written advice asks for, done by hand to the letter, where no remedy is chosen by prediction.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.generators.advice_cases.attention import attentions
from benchmarks.generators.advice_cases.case import Case
from benchmarks.generators.advice_cases.layers import layers
from benchmarks.generators.advice_cases.recurrent import recurrent
from benchmarks.generators.advice_cases.residuals import residuals
from benchmarks.generators.advice_cases.stacks import stacks

__all__ = ["SLOW", "Case", "cases"]


SLOW = ("VG301", "VG303", "VG502", "VG503", "VG504", "VG505", "VG506", "VG507", "VG508", "VG603")
"""Rules whose models take long to train: one seed is enough."""


def cases() -> list[Case]:
    """Returns every case, in order of rules."""
    every = sorted([*stacks(), *layers(), *residuals(), *recurrent(), *attentions()], key=lambda case: case.rule)
    return [replace(case, seeds=1) if case.rule in SLOW else case for case in every]
