"""What the probe says of faulty programs and of their twins that train: `python -m benchmarks probe_reports FOLDER`.

FOLDER holds an `index.toml` with a `[[report]]` for each pair: `faulty`, `fixed`, `rule`, and `probe` where a run can decide the fault. Prints
a row for each; exits with 1 where a fault that can be decided is not confirmed, one is refuted, a twin is confirmed, or nothing could be measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tomli

from vglint.config import Configuration
from vglint.lint import lint
from vglint.lint.verdicts import Probed, with_verdicts


def probed(path: Path) -> Probed:
    """Lints one file with everything shown, and runs it."""
    configuration = Configuration(None, True, {"pedantic": True, "cache": False})
    report = lint([str(path)], configuration.of)
    return with_verdicts(report, configuration.of_file, files=[str(path)])


def main(folder: Path) -> int:
    wrong = 0
    print("| program | rule | should be | verdict | measured by itself | twin |\n|---|---|---|---|---|---|")
    for entry in tomli.loads((folder / "index.toml").read_text(encoding="utf-8"))["report"]:
        faulty, fixed = probed(folder / entry["faulty"]), probed(folder / entry["fixed"])
        words = [one.probe.verdict for one in faulty.report.findings if one.rule == entry["rule"] and one.probe]
        own = [one.name for one in faulty.report.findings if one.rule == "VG000"]
        twin = [one.rule for one in fixed.report.findings if one.probe and one.probe.verdict == "confirmed"]
        measured = any(model.measured is not None for model in faulty.models)
        wanted = entry.get("probe", "")
        missed = wanted == "confirmed" and "confirmed" not in words and not own
        wrong += missed or "refuted" in words or bool(twin) or not measured
        cells = (
            entry["faulty"],
            entry["rule"],
            wanted,
            ", ".join(words) or "no finding",
            ", ".join(own),
            ", ".join(twin),
        )
        print("| " + " | ".join(cells) + " |", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
