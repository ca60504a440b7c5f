"""What `vglint.probe` returns: findings, a profile, pictures."""

from __future__ import annotations

from msgspec import Struct

from vglint.finding import Finding
from vglint.probe.bars import text_of
from vglint.probe.chart import Picture, profile_chart
from vglint.probe.flow import Flow, weakest
from vglint.probe.page import section
from vglint.probe.record import Layer, Measured, to_json

_WEAK = 4.0
"""Decades of the gradient that a layer may be short of for its flow to count as sound."""


class ProbeReport(Struct, frozen=True):
    """One probed model: `findings` are the faults that every run shows; `reason` is set where nothing could be measured."""

    entry: str
    measured: Measured | None
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    predicted: tuple[tuple[str, float | None], ...] = ()
    """The predicted profile by weight layer, where the source was read."""

    @property
    def ok(self) -> bool:
        """Whether the model could be measured and nothing was confirmed."""
        return self.measured is not None and not self.confirmed

    @property
    def confirmed(self) -> tuple[Finding, ...]:
        """The findings that the measurement bears out."""
        return tuple(
            finding for finding in self.findings if finding.probe is not None and finding.probe.verdict == "confirmed"
        )

    @property
    def profile(self) -> tuple[tuple[str, float | None], ...]:
        """Each weight layer, in order of execution, with log10 RMS gradient at its output relative to the last that feeds another."""
        layers = self.layers()
        feeding = [layer for layer in layers if layer.feeds and layer.gradient is not None]
        if not feeding:
            return ()
        base = feeding[-1].gradient
        assert base is not None
        return tuple((layer.path, None if layer.gradient is None else layer.gradient - base) for layer in layers)

    @property
    def flow(self) -> Flow | None:
        """The weakest flow of the gradient that was measured, None where nothing can be compared."""
        return None if self.measured is None else weakest(self.measured)

    @property
    def verdict(self) -> str:
        """One sentence: what is wrong, else what the runs were able to show."""
        if self.measured is None:
            return f"inconclusive: {self.reason}"
        if self.confirmed:
            return f"{'; '.join(finding.name for finding in self.confirmed)}: confirmed"
        flow = self.flow
        flows = "" if flow is None else f"the gradient flows: {flow}" if flow.decades >= -_WEAK else f"weak: {flow}"
        learnt = [run.measures["loss_drop"] for run in self.measured.runs if "loss_drop" in run.measures]
        falls = (
            f"the loss falls by {max(map(float, learnt)):.0%}"
            if learnt
            else "too few steps, or no data, to say whether it learns"
        )
        return "; ".join(part for part in (flows, falls) if part)

    def layers(self) -> tuple[Layer, ...]:
        """Returns the weight layers of the first run's first step."""
        if self.measured is None or not self.measured.runs or not self.measured.runs[0].snapshots:
            return ()
        return tuple(layer for layer in self.measured.runs[0].snapshots[0].layers if layer.weighted)

    def plot(self) -> Picture:
        """Returns the profile as SVG text, which a notebook shows as a picture."""
        return profile_chart(self.profile, self.predicted)

    def _repr_html_(self) -> str:
        return section(self)

    def to_json(self) -> dict[str, object]:
        """Returns the report as plain data: the same version rule holds as for `--output-format json`."""
        findings = [
            {"rule": finding.rule, "name": finding.name, "message": finding.message, "evidence": dict(finding.evidence)}
            for finding in self.findings
        ]
        measured = None if self.measured is None else to_json(self.measured)
        return {
            "version": 1,
            "entry": self.entry,
            "ok": self.ok,
            "reason": self.reason,
            "findings": findings,
            "profile": [list(row) for row in self.profile],
            "measured": measured,
        }

    def __str__(self) -> str:
        return text_of(self)
