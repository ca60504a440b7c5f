"""What other graphs of a file say of a finding: of a class, the models that it is a part of and those that are trained know more."""

from __future__ import annotations

from collections.abc import Sequence

from vglint.analysis.facts import subjects
from vglint.graph import Graph
from vglint.rulebook.asking import Asking, lookup_in
from vglint.rulebook.condition import Lookup, evaluate
from vglint.rulebook.load import CheckedRule
from vglint.rulebook.worlds import Found
from vglint.span import Span


def not_cleared(found: Sequence[Found], graphs: Sequence[Graph]) -> list[Found]:
    """Leaves out what is said of an operation in a class by itself where every model of the file that the class is a part of says that it
    is not so: by itself the class does not know what it is given."""
    around = {
        position: _wholes(graphs[position], graphs)
        for position, checked, _ in found
        if checked.rule.subject == "node" and graphs[position].kind in ("class", "expression")
    }
    spans = {finding.span for position, _, finding in found if around.get(position)}
    asking = Asking({checked.rule.id: checked for _, checked, _ in found if checked.rule.subject == "node"}.values())
    answers: dict[tuple[str, Span], list[tuple[int, object]]] = {}
    for position, facts in subjects(graphs, frozenset({"node"})) if spans else ():
        asked = asking.of(facts)
        if not asked:
            continue
        span = facts.places("place")[0].span
        for checked in asked if span in spans else ():
            answer = evaluate(checked.when, _assuming(checked, lookup_in(checked, facts)))
            answers.setdefault((checked.rule.id, span), []).append((position, answer))
    kept = []
    for position, checked, finding in found:
        every = answers.get((checked.rule.id, finding.span), ())
        said = [answer for other, answer in every if other in around.get(position, ())]
        if not said or any(answer is not False for answer in said):
            kept.append((position, checked, finding))
    return kept


def is_initialised_elsewhere(part: Graph, graphs: Sequence[Graph]) -> bool:
    """Whether all training code of the file that trains models of a class hands them to code that may initialise them anew: how the class
    itself starts is not how it is trained."""
    if part.kind not in ("class", "expression") or not part.root or not any(each.trainable for each in part.parameters):
        return False
    root = part.root
    weights = []
    for graph in (each for each in graphs if each.kind == "training"):
        below = tuple(f"{module.path}." if module.path else "" for module in graph.modules if module.type == root)
        weights.append([each for each in graph.parameters if each.trainable and each.path.startswith(below)])
    trained = [each for each in weights if each]
    return bool(trained) and all(param.init.scheme == "unknown" for each in trained for param in each)


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
    denied = _denied(untrained, graphs) if untrained else frozenset()
    return [
        (position, checked, finding)
        for position, checked, finding in found
        if checked.rule.subject != "model"
        or trained[position]
        or ((finding.rule, finding.span) not in said and (position, finding.rule) not in denied)
    ]


def _is_shown(graph: Graph) -> bool:
    """Whether the program trains a model with a configuration that it gives itself."""
    return bool(graph.optimizers) and not graph.assumed


def _denied(untrained: Sequence[tuple[int, CheckedRule]], graphs: Sequence[Graph]) -> frozenset[tuple[int, str]]:
    """Returns the positions and rules of findings that are false of every trained model of the same class."""
    trained: dict[str, list[int]] = {}
    for position, graph in enumerate(graphs):
        if _is_shown(graph) and graph.root and not graph.root.startswith("torch."):
            trained.setdefault(graph.root, []).append(position)
    asked = {other for position, _ in untrained for other in trained.get(graphs[position].root, ())}
    if not asked:
        return frozenset()
    wanted = {checked.rule.id: checked for _, checked in untrained}
    answers: dict[tuple[int, str], list[object]] = {}
    for position, facts in subjects(graphs, frozenset({"model"})):
        for rule, checked in wanted.items() if position in asked else ():
            answers.setdefault((position, rule), []).append(evaluate(checked.when, lookup_in(checked, facts)))
    return frozenset(
        (position, checked.rule.id)
        for position, checked in untrained
        if (others := trained.get(graphs[position].root))
        and all(answers.get((other, checked.rule.id)) for other in others)
        and all(answer is False for other in others for answer in answers[other, checked.rule.id])
    )


def _assuming(checked: CheckedRule, lookup: Lookup) -> Lookup:
    """The rule's assumptions instead of the facts: that one model passes no gradient through an operation says nothing of the others that
    use the class."""
    assumed = dict(checked.rule.assume)
    return lambda name: assumed[name] if name in assumed else lookup(name)


def _wholes(part: Graph, graphs: Sequence[Graph]) -> frozenset[int]:
    """Returns the positions of the graphs in which a class is a part of something else."""
    return frozenset(
        position
        for position, graph in enumerate(graphs)
        if part.root and any(module.type == part.root and module.path for module in graph.modules)
    )
