"""Inputs that a forward refuses to be without: a model is called again with what it lacked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vglint import origin
from vglint.interp.entries.made_up_arguments import missed_by_default
from vglint.interp.machine.attempts import attempted
from vglint.interp.machine.core import Frame, Raised, Run, call
from vglint.interp.nodes.emit import entry_input
from vglint.interp.values.objects import ClassV, FunctionV, Instance, ListV, ModuleV, OpaqueV, Site, TensorV, Value
from vglint.source import code
from vglint.value import Expr, Unknown

_AGAIN = 120_000
"""Steps after which a forward is not run once more."""
_OPTIONAL = 6
"""Optional inputs that are given at most."""


def accepted(
    run: Run,
    module: ModuleV,
    forward: FunctionV,
    args: list[Value],
    keywords: dict[str, Value],
    frame: Frame,
    site: Site,
) -> Value:
    """Calls a module as `_accepted` does; where that leaves gaps, and does not with a tensor in the place of a list of which only tensors are
    known, the list was one: `hidden_states: tuple[torch.Tensor]` is written for a tensor too."""
    names = [each.name for each in forward.plain.node.parameters.positional]
    first = 0 if "forward" in module.attrs else 1
    lists = {place: names[first + place] for place, arg in enumerate(args[: len(names) - first]) if _is_list(arg)}
    if not lists:
        return _accepted(run, module, forward, args, keywords, frame, site)
    for tensors in (False, True):
        if tensors and run.budget.steps > _AGAIN:
            break
        with attempted(run) as attempt:
            asked = len(run.graph.gaps)
            try:
                mine = [
                    entry_input(run, lists[place], site) if tensors and place in lists else arg
                    for place, arg in enumerate(args)
                ]
                result = _accepted(run, module, forward, mine, dict(keywords), frame, site)
                if len(run.graph.gaps) == asked and not isinstance(result, (Unknown, OpaqueV)):
                    if tensors:
                        run.graph.chosen = " and ".join(
                            [
                                *filter(None, [run.graph.chosen]),
                                *(f"when `{name}` is a tensor" for name in lists.values()),
                            ]
                        )
                    return result
            except Raised:
                pass
            attempt.undo(run)
    return _accepted(run, module, forward, args, keywords, frame, site)


def _is_list(arg: Value) -> bool:
    return isinstance(arg, ListV) and arg.count is not None and isinstance(arg.items[0], TensorV)


def _accepted(
    run: Run,
    module: ModuleV,
    forward: FunctionV,
    args: list[Value],
    keywords: dict[str, Value],
    frame: Frame,
    site: Site,
) -> Value:
    """Calls a module; where it refuses because an optional input is None, or runs layers on None, it gets that input too."""
    given = len(args) + len(keywords) + (0 if "forward" in module.attrs else 1)
    params = forward.plain.node.parameters
    options = [param.name for param in (*params.positional[given:], *params.keyword_only) if param.default is not None]
    missed = missed_by_default(run, forward, given)
    counted = _counted(forward, args, given)
    while True:
        with attempted(run) as attempt:
            known, asked, indexed = set(run.graph.gaps), len(run.graph.of_none), len(run.graph.indexed)
            wanted: list[str] = []
            lacking: list[Site | None] = []
            missed = [name for name in missed if name not in keywords]
            length = 0
            result: Value = None
            raised: Raised | None = None
            try:
                result = call(run, module, list(args), keywords, frame, site)
                lacking = [
                    site for cause, (_, site) in run.graph.gaps.items() if _wants_value(cause) and cause not in known
                ]
                if set(run.graph.gaps) - known or isinstance(result, (Unknown, OpaqueV)):
                    lacking += run.graph.of_none[asked:]
                    length = max(run.graph.indexed[indexed:], default=0)
                wanted = [name for name in options if name not in keywords and _is_named(name, lacking)][:1]
            except Raised as error:
                raised = error
                wanted = [
                    name
                    for wanted in missing(error)
                    for name in options
                    if name.endswith(wanted) and name not in keywords
                ][:1]
            if not wanted and (lacking or raised is not None):
                wanted, missed = missed[:1], missed[1:]
            wanted = [name for name in wanted if name not in keywords]
            if counted and 0 < length <= _LONGEST and run.budget.steps <= _AGAIN:
                attempt.undo(run)
                _list(run, args, counted, length, site)
                counted = {}
                continue
            if not wanted or run.budget.steps > _AGAIN or len(keywords) > _OPTIONAL:
                if raised is not None:
                    raise raised
                return result
            attempt.undo(run)
        keywords.update((name, entry_input(run, name, site)) for name in wanted)


_LONGEST = 16
"""Inputs that a list is made of at most."""


def _counted(forward: FunctionV, args: list[Value], given: int) -> dict[int, str]:
    """Returns the place and name of each input that is a list of tensors: it is annotated as one, or its items are counted."""
    function = forward.plain
    names = [each.name for each in function.node.parameters.positional[given - len(args) : given]]
    also = {
        each.targets[0].id: each.value.id
        for each in code.walk(function.node)
        if isinstance(each, code.Assign)
        and isinstance(each.targets[0], code.Name)
        and isinstance(each.value, code.Name)
    }
    counted = {
        also.get(arg.id, arg.id)
        for each in code.walk(function.node)
        if isinstance(each, code.Call) and isinstance(each.func, code.Name) and each.func.id in ("len", "enumerate")
        for arg in each.args
        if isinstance(arg, code.Name)
    }
    return {
        place: name
        for place, (name, arg) in enumerate(zip(names, args, strict=False))
        if _is_list(arg) or (isinstance(arg, TensorV) and name in counted)
    }


def _list(run: Run, args: list[Value], counted: dict[int, str], length: int, site: Site) -> None:
    """Makes inputs that are lists as long as the list of modules that is indexed by their number."""
    for place, name in counted.items():
        before = args[place]
        for tensor in before.items if isinstance(before, ListV) else [before]:
            if isinstance(tensor, TensorV):
                run.graph.nodes[tensor.node].setup = True
        args[place] = ListV([entry_input(run, f"{name}[{number}]", site) for number in range(length)])


def _wants_value(cause: origin.Origin) -> bool:
    """Whether something was done to None that wants a tensor or another object."""
    return isinstance(cause, origin.NoTensor) or (isinstance(cause, origin.Member) and cause.holder == "NoneType")


def _is_named(name: str, sites: list[Site | None]) -> bool:
    """Whether an expression uses a name, or one that ends an argument's (`input_ids` for `decoder_input_ids`)."""
    return any(
        name.endswith(used)
        for site in sites
        if site is not None
        for used in re.findall(r"(?<![\w.])[A-Za-z_]\w{2,}", site.unit.source_of(site.node))
    )


def _lacking_fields(error: Raised) -> list[str]:
    """Returns the attributes that the condition of a `raise` finds to be None: `if config.vocab_size is None`."""
    if error.site is None:
        return []
    return [
        each.left.attr
        for node in code.walk(*error.site.unit.body)
        if isinstance(node, code.If) and error.site.node in node.body
        for each in code.walk(node.test)
        if isinstance(each, code.Compare)
        and isinstance(each.left, code.Attribute)
        and each.operators[0] == "is"
        and isinstance(each.comparators[0], code.Constant)
        and each.comparators[0].value is None
    ]


def empty_fields(args: Sequence[Value], error: Raised) -> list[tuple[Instance, str]]:
    """Returns the fields of made up arguments that are refused for being None."""
    made = [arg for arg in args if isinstance(arg, Instance)]
    return [(each, name) for name in _lacking_fields(error) for each in made if each.attrs.get(name, each) is None]


def given_field(holder: Instance, name: str) -> Value:
    """Returns something for a field that is None: a number where its class says so, else what is not known."""
    return Expr.symbol(name) if _is_annotated_int(holder, name) else Unknown(origin.Argument(name))


def _is_annotated_int(holder: Instance, name: str) -> bool:
    """Whether a class body says that a field is an integer: `vocab_size: int | None = None`."""
    return any(
        isinstance(each, code.Annotated)
        and isinstance(each.target, code.Name)
        and each.target.id == name
        and any(isinstance(one, code.Name) and one.id == "int" for one in code.walk(each.annotation))
        for base in (holder.cls.mro if isinstance(holder.cls, ClassV) else ())
        if isinstance(base, ClassV) and base.node is not None
        for each in base.node.body
    )


def missing(error: Raised) -> list[str]:
    """Returns the names that the condition around a `raise` finds to be None: all of an `if … elif … else` whose `else` it stands in."""
    if error.site is None:
        return []
    for node in code.walk(*error.site.unit.body):
        if isinstance(node, code.If) and (found := _missing_in(node, error.site.node)) is not None:
            return found
    return []


def _missing_in(node: code.If, raised: code.Node | None) -> list[str] | None:
    if raised in node.body:
        return _compared(node.test, "is")
    if raised in node.orelse:
        return _compared(node.test, "is not")
    match node.orelse:
        case (code.If() as following,):
            below = _missing_in(following, raised)
            return None if below is None or raised in following.body else [*_compared(node.test, "is not"), *below]
        case _:
            return None


def _compared(test: code.Expression, operator: str) -> list[str]:
    """Returns the names that a condition compares with None by `is` or `is not`."""
    return [
        each.left.id
        for each in code.walk(test)
        if isinstance(each, code.Compare) and isinstance(each.left, code.Name) and each.operators[0] == operator
    ]
