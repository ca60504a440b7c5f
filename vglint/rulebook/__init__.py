"""Rules × facts → findings: the rule format, the condition language, the loader, the checker and the explainer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from vglint.finding import Finding
from vglint.fix import TITLES, Proposal, Refusal, propose
from vglint.graph import Graph
from vglint.nearest import nearest
from vglint.rule import Action, Rule
from vglint.rulebook.advice import with_advice
from vglint.rulebook.check import Choice, Yielded, check, chosen, judged, matching, undecided
from vglint.rulebook.kept import Shelf
from vglint.rulebook.load import CheckedRule, RuleError, read_folder, unique
from vglint.signal import Trace
from vglint.span import Span

__all__ = ["Choice", "RuleError", "Rulebook", "Yielded", "bundled", "load"]


class Rulebook(Struct, frozen=True):
    """The rules of one run, by id. `chosen` are those that run, with the user's severities and params."""

    checked: tuple[CheckedRule, ...]
    chosen: tuple[CheckedRule, ...]
    unfixable: frozenset[str] = frozenset()
    """Ids of the rules whose fixes are not wanted."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, chosen or not."""
        return tuple(checked.rule for checked in self.checked)

    def find(self, word: str) -> CheckedRule:
        """Returns the rule of an id or a name; raises RuleError with the nearest right one."""
        for checked in self.checked:
            if word in (checked.rule.id, checked.rule.name):
                return checked
        known = [name for rule in self.rules for name in (rule.id, rule.name)]
        raise RuleError("", word, f"no such rule{nearest(word, known)}")

    def ids(self, word: str) -> tuple[str, ...]:
        """Returns the rule ids that a word of the configuration or of an ignore comment stands for; raises RuleError."""
        return matching(word, self.checked)

    def choose(self, choice: Choice) -> Rulebook:
        """Returns the same rules, with those that run chosen anew; raises RuleError on a name that is not known."""
        return replace(self, chosen=chosen(self.checked, choice))

    def check(self, graphs: Iterable[Graph], advise: bool = True) -> tuple[Finding, ...]:
        """Returns what the chosen rules find in the graphs of one file, one finding for one cause, in order of place; with `advise`, with
        the advice that is predicted to help."""
        return self.judged(graphs)[0] if advise else check(self.chosen, graphs)

    def judged(
        self, graphs: Iterable[Graph], make_trace: Callable[[Graph], Trace] | None = None
    ) -> tuple[tuple[Finding, ...], tuple[Yielded, ...]]:
        """Returns what `check` does, and which rules found something that is not told because of others; `make_trace` predicts."""
        graphs = tuple(graphs)
        findings, yielded = judged(self.chosen, graphs, make_trace)
        return with_advice(findings, graphs, self.chosen), yielded

    def undecided(self, graphs: Iterable[Graph], words: Collection[str] | None) -> list[tuple[Rule, Span | None]]:
        """Returns where the chosen rules of these ids and names (None: all of them) rest on something unknown; no place: anywhere."""
        wanted = [one for one in self.chosen if words is None or one.rule.id in words or one.rule.name in words]
        return undecided(wanted, graphs)

    def fix_of(self, finding: Finding, text: str, graphs: Sequence[Graph]) -> Proposal | Refusal | None:
        """Returns the fix of a finding's rule for a file's text; None where the rule has none."""
        rule = self.find(finding.rule).rule
        if rule.id in self.unfixable:
            return None
        action = rule.fix
        if finding.remedy in TITLES:
            action = Action(finding.remedy, TITLES[finding.remedy])
        return None if action is None else propose(action, finding, text, graphs)


def load(dirs: Sequence[Path | str] = (), *, with_bundled: bool = True, shelf: Shelf | None = None) -> Rulebook:
    """Returns the bundled rules and those of `dirs`, checked, from the shelf where they are on it; raises RuleError. Without the bundled
    rules, others may still yield to them."""
    folders = [bundled()] if with_bundled else []
    folders += [Path(folder) for folder in dirs]
    known = () if with_bundled else [path.name.partition("-")[0] for path in bundled().glob("*.toml")]
    read = read_folder if shelf is None else shelf.rules
    rules = unique((checked for folder in folders for checked in read(folder)), known)
    return Rulebook(rules, rules)


def bundled() -> Path:
    """Returns the folder of vglint's own rules: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "rules", package.parent / "rules"):
        if folder.is_dir():
            return folder
    raise RuleError(str(package / "rules"), "", "vglint's own rules are missing: install vglint again")
