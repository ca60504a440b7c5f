"""What other graphs of a file say of a finding: of a class, the models that it is a part of and those that are trained know more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from vglint.analysis.facts import SubjectFacts, subjects
from vglint.finding import Finding
from vglint.graph import Graph
from vglint.rule import Subject
from vglint.rulebook.asking import Asking, lookup_in
from vglint.rulebook.condition import Lookup, evaluate
from vglint.rulebook.load import CheckedRule
from vglint.rulebook.worlds import Found
from vglint.span import Span


def not_cleared(found: Sequence[Found], graphs: Sequence[Graph]) -> list[Found]:
    """Leaves out what is said of an operation in a class by itself where every model of the file that the class is a part of says that it
    is not so: by itself the class does not know what it is given."""
    asked_of = {position for position, checked, _ in found if checked.rule.subject == "node"}
    parts = {position for position in asked_of if graphs[position].kind in ("class", "expression")}
    wholes = _wholes(graphs) if parts else {}
    around = {position: wholes.get(graphs[position].root, frozenset()) for position in parts}
    spans = {
        span for position, checked, finding in found if around.get(position) for span in _subjects(checked, finding)
    }
    rules = [checked for _, checked, _ in found if checked.rule.subject == "node"]

    def place(position: int, facts: SubjectFacts) -> Span | None:
        span = facts.places("place")[0].span
        return span if span in spans else None

    answers = _answers(rules, graphs, "node", place) if spans else {}
    return [
        (position, checked, finding)
        for position, checked, finding in found
        if not any(
            _denied(answers.get((checked.rule.id, span), ()), around.get(position, frozenset()))
            for span in _subjects(checked, finding)
        )
    ]


def _subjects(checked: CheckedRule, finding: Finding) -> tuple[Span, ...]:
    """Returns where the operation may stand that a finding is about: at the finding, or where the rule names another place, at what it
    points to."""
    if checked.rule.blame == "place":
        return (finding.span,)
    return tuple(each.span for each in finding.related)


Answers: TypeAlias = "dict[tuple[str, Span | str], list[tuple[int, object]]]"
"""What a rule answers, with the position of the graph, by rule and by what it is asked about."""


def _answers(
    rules: Iterable[CheckedRule],
    graphs: Sequence[Graph],
    subject: Subject,
    about: Callable[[int, SubjectFacts], Span | str | None],
) -> Answers:
    """Asks rules about their subjects in all graphs; `about` names what a subject is, None where nobody asks for it."""
    asking = Asking({checked.rule.id: checked for checked in rules}.values())
    answers: Answers = {}
    for position, facts in subjects(graphs, frozenset({subject})):
        asked = asking.of(facts)
        key = about(position, facts) if asked else None
        if key is None:
            continue
        for checked in asked:
            answer = evaluate(checked.when, _assuming(checked, lookup_in(checked, facts)))
            answers.setdefault((checked.rule.id, key), []).append((position, answer))
    return answers


def _denied(answers: Iterable[tuple[int, object]], others: Collection[int]) -> bool:
    """Whether some graphs answer, and each that does says that it is not so."""
    said = [answer for position, answer in answers if position in others]
    return bool(said) and all(answer is False for answer in said)


def initialised_elsewhere(graphs: Sequence[Graph]) -> frozenset[int]:
    """Returns the positions of classes whose models all training code of the file, where it trains them, hands to code that may initialise
    them anew: how the class itself starts is not how it is trained."""
    parts: dict[str, list[int]] = {}
    for position, graph in enumerate(graphs):
        if graph.kind in ("class", "expression") and graph.root and any(each.trainable for each in graph.parameters):
            parts.setdefault(graph.root, []).append(position)
    known: dict[str, bool] = {}
    for graph in (each for each in graphs if each.kind == "training" and parts):
        roots: dict[str, list[str]] = {}
        for module in graph.modules:
            if module.type in parts:
                roots.setdefault(module.type, []).append(f"{module.path}." if module.path else "")
        for root, paths in roots.items():
            below = tuple(paths)
            trained = [each for each in graph.parameters if each.trainable and each.path.startswith(below)]
            if trained:
                known[root] = known.get(root, False) or any(each.init.scheme != "unknown" for each in trained)
    return frozenset(position for root, is_known in known.items() if not is_known for position in parts[root])


def of_trained(found: Sequence[Found], graphs: Sequence[Graph]) -> list[Found]:
    """Leaves out what is said of a model that nothing trains where the file trains such a model: at the same place, where its optimiser is
    known; or of the same class, where all that are trained show that it is not so, as they are initialised after they are built."""
    shown = {graph.root for graph in graphs if _is_shown(graph)}
    trained = [_is_shown(graph) or (bool(graph.optimizers) and graph.root not in shown) for graph in graphs]
    said = {
        (finding.rule, finding.span)
        for position, checked, finding in found
        if checked.rule.subject == "model" and trained[position]
    }
    untrained = [
        (position, checked)
        for position, checked, _ in found
        if checked.rule.subject == "model" and not trained[position] and graphs[position].kind != "training"
    ]
    trained_of = _trained_of(graphs) if untrained else {}
    # A world of a switch is not denied by a model of which not all is known, such as how that switch stands.
    whole = {root: [each for each in these if not graphs[each].gaps] for root, these in trained_of.items()}
    asked = {other for position, _ in untrained for other in trained_of.get(graphs[position].root, ())}
    about = {position: graphs[position].root for position in asked}
    rules = (checked for _, checked in untrained)
    answers = _answers(rules, graphs, "model", lambda position, facts: about.get(position)) if asked else {}

    def is_denied(position: int, rule: str) -> bool:
        root = graphs[position].root
        others = whole if graphs[position].alternative else trained_of
        said = answers.get((rule, root), ())
        every = {other for other, _ in said}.issuperset(others.get(root, ()))
        return every and _denied(said, others.get(root, ()))

    return [
        (position, checked, finding)
        for position, checked, finding in found
        if checked.rule.subject != "model"
        or trained[position]
        or ((finding.rule, finding.span) not in said and not is_denied(position, finding.rule))
    ]


def _is_shown(graph: Graph) -> bool:
    """Whether the program trains a model with a configuration that it gives itself."""
    return bool(graph.optimizers) and not graph.assumed


def _trained_of(graphs: Sequence[Graph]) -> dict[str, list[int]]:
    """Returns the positions of the models that the program trains, by their class."""
    trained: dict[str, list[int]] = {}
    for position, graph in enumerate(graphs):
        if _is_shown(graph) and graph.root and not graph.root.startswith("torch."):
            trained.setdefault(graph.root, []).append(position)
    return trained


def _assuming(checked: CheckedRule, lookup: Lookup) -> Lookup:
    """The rule's assumptions instead of the facts: that one model passes no gradient through an operation says nothing of the others that
    use the class."""
    assumed = dict(checked.rule.assume)
    return lambda name: assumed[name] if name in assumed else lookup(name)


def _wholes(graphs: Sequence[Graph]) -> dict[str, frozenset[int]]:
    """Returns, for each class, the positions of the graphs in which it is a part of something else."""
    found: dict[str, set[int]] = {}
    for position, graph in enumerate(graphs):
        for module in graph.modules:
            if module.path and module.type:
                found.setdefault(module.type, set()).add(position)
    return {root: frozenset(positions) for root, positions in found.items()}
