"""Whether a program calls the probability of a dropout one to keep."""

from __future__ import annotations

from vglint.interp.values.objects import Site
from vglint.source import code


def says_keep(site: Site | None, position: int) -> bool:
    """Whether the `p` of a call, given by name or at a position, is a name or an entry that says `keep`: `keep_prob`, `config["keep"]`."""
    call = site.node if site is not None else None
    if not isinstance(call, code.Call):
        return False
    given = [keyword.value for keyword in call.keywords if keyword.name == "p"] or list(
        call.args[position : position + 1]
    )
    return any("keep" in _last_name(value).lower() for value in given)


def _last_name(value: code.Node) -> str:
    match value:
        case code.Name(id=name) | code.Attribute(attr=name) | code.Subscript(key=code.Constant(value=str(name))):
            return name
        case _:
            return ""
