"""What `collections.abc.Mapping` adds to a class that defines `__getitem__` and `__iter__`."""

from __future__ import annotations

from vglint import origin
from vglint.interp.machine.core import Frame, Raised, Run, call, get_attribute
from vglint.interp.protocols.iteration import items_of
from vglint.interp.values.objects import BuiltinV, ClassV, External, Instance, IteratorV, ListV, Site, Value, is_unknown
from vglint.value import Unknown

MAPPINGS = frozenset(
    f"{package}.{name}"
    for package in ("collections.abc", "typing", "collections")
    for name in ("Mapping", "MutableMapping")
)
METHODS = frozenset({"get", "keys", "values", "items", "__contains__", "pop", "setdefault", "update"})


def is_mapping(cls: Value) -> bool:
    return isinstance(cls, ClassV) and any(isinstance(base, External) and base.name in MAPPINGS for base in cls.mro)


def mapping_method(run: Run, instance: Instance, name: str) -> BuiltinV:
    """Returns a mixin method, working through the methods that the class itself has."""

    def one(key: Value, frame: Frame, site: Site) -> Value:
        with run.context.having(trying=True):
            return call(run, get_attribute(run, instance, "__getitem__", frame), [key], {}, frame, site)

    def keys(frame: Frame, site: Site) -> list[Value] | None:
        method = get_attribute(run, instance, "__iter__", frame)
        if is_unknown(method):
            return None
        return items_of(run, call(run, method, [], {}, frame, site), frame, site).items

    def invoke(run: Run, args: list[Value], keywords: dict[str, Value], frame: Frame, site: Site) -> Value:
        if name in ("keys", "values", "items"):
            known = keys(frame, site)
            if known is None:
                return IteratorV(None, Unknown(origin.Computed(f"{name} of a mapping")))
            if name == "keys":
                return ListV(known)
            return ListV([one(key, frame, site) if name == "values" else (key, one(key, frame, site)) for key in known])
        if not args:
            return None
        try:
            found = one(args[0], frame, site)
        except Raised:
            return False if name == "__contains__" else args[1] if len(args) > 1 else keywords.get("default")
        return True if name == "__contains__" and not is_unknown(found) else found

    return BuiltinV(name, invoke)
