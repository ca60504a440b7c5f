"""`argparse`: a command line whose options take their defaults, and objects that are bags of names."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.calls import Call, library, method
from vglint.interp.static.worlds import switched
from vglint.interp.values.objects import DictV, External, Instance, ListV, Value
from vglint.value import Unknown


@library("types.SimpleNamespace", "argparse.Namespace")
def namespace(call: Call) -> Value:
    base = call.args[0].items if call.args and isinstance(call.args[0], DictV) else {}
    attrs = {key: value for key, value in base.items() if isinstance(key, str)}
    return Instance(External(call.name), {**attrs, **call.keywords}, call.site)


@library("typer.Option", "typer.Argument", takes="default=None, *names, **options")
def typer_option(call: Call) -> Value:
    """Returns the default that stands in the place of an option."""
    return Unknown(origin.Argument("option")) if call["default"] is ... else call["default"]


@library("argparse.ArgumentParser")
def argument_parser(call: Call) -> Value:
    defaults: dict[str, Value] = {}
    parser = Instance(External(call.name), {}, call.site)

    def add_argument(call: Call) -> Value:
        _add(call, defaults)
        return None

    def parsed(call: Call) -> Value:
        return Instance(External("argparse.Namespace"), dict(defaults), call.site)

    def set_defaults(call: Call) -> Value:
        for name, value in call.keywords.items():
            call.run.journal.put(defaults, name, value)
        return None

    parser.attrs["add_argument"] = method("add_argument", "*flags, **options", add_argument)
    parser.attrs["parse_args"] = method("parse_args", "args=None, namespace=None", parsed)
    known = method("parse_known_args", "args=None, namespace=None", lambda call: (parsed(call), ListV([])))
    parser.attrs["parse_known_args"] = known
    parser.attrs["set_defaults"] = method("set_defaults", "**defaults", set_defaults)
    for name in ("add_argument_group", "add_mutually_exclusive_group"):
        parser.attrs[name] = method(name, "*args, **options", lambda call: parser)
    return parser


def _add(call: Call, defaults: dict[str, Value]) -> None:
    names = [arg for arg in call.args if isinstance(arg, str)]
    long = next((name for name in names if name.startswith("--")), names[0] if names else "")
    target = call.keywords.get("dest", long.lstrip("-").replace("-", "_"))
    if not isinstance(target, str):
        return
    world = call.run.context.world
    if world is not None and world.changes("option", target):
        value: Value = switched(world)
    elif "default" in call.keywords:
        value = call.keywords["default"]
        if isinstance(value, str) and "type" in call.keywords:
            value = call.invoke(call.keywords["type"], value)
    elif call.keywords.get("action") in ("store_true", "store_false"):
        value = call.keywords["action"] == "store_false"
    elif not long.startswith("-"):
        value = Unknown(origin.Argument(long))
    else:
        value = (
            None
            if call.keywords.get("action") is not None
            else Unknown(origin.Argument("args", (origin.Part("attribute", target),)))
        )
    call.run.journal.put(defaults, target, value)
