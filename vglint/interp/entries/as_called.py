"""A class as a part of a model of its file: built and called as the model does."""

from __future__ import annotations

from msgspec.structs import replace

from vglint.interp.kinds.classes import built_with
from vglint.interp.machine.core import Frame, Run, call
from vglint.interp.machine.journal import Called
from vglint.interp.nodes.emit import entry_input
from vglint.interp.values.objects import ClassV, DictV, ListV, ModuleV, Site, TensorV, Value


def note_called(run: Run, known: dict[str, Called]) -> None:
    """Notes how a model that was walked calls its parts, where their arguments mean the same in another run."""
    for name, called in run.graph.called.items():
        if called is None or name in known:
            continue
        built = built_with(called.built.args, called.built.keywords, assumed=False)
        if built is not None:
            known[name] = replace(called, built=built)


def run_as_called(run: Run, cls: ClassV, called: Called, frame: Frame) -> tuple[dict[str, ModuleV], Value]:
    """Builds a class and calls what it makes, with an input for each tensor."""
    site, inner = Site(cls.unit, cls.unit.head), Frame(frame.scope, cls.unit, None)
    with run.context.having(setup=True):
        made = call(run, cls, list(called.built.args), dict(called.built.keywords), inner, site)
    if not isinstance(made, ModuleV):
        return {}, made
    run.graph.roots = {"": made}
    run.context.inputs = dict(called.inputs)
    keywords = {name: _given(run, name, value, site) for name, value in called.given.items()}
    return {"": made}, call(run, made, [], keywords, inner, site)


def _given(run: Run, name: str, value: Value, site: Site) -> Value:
    match value:
        case TensorV():
            return entry_input(run, name, site)
        case tuple():
            return tuple(_given(run, f"{name}[{place}]", each, site) for place, each in enumerate(value))
        case ListV():
            return ListV([_given(run, f"{name}[{place}]", each, site) for place, each in enumerate(value.items)])
        case DictV():
            return DictV({key: _given(run, f"{name}[{key}]", each, site) for key, each in value.items.items()})
        case _:
            return value
