"""Texts and bytes."""

from __future__ import annotations

from vglint.interp.machine.core import Frame, Run, register
from vglint.interp.machine.questions import (
    CALL,
    COMPARE,
    CONTAINS,
    GETATTR,
    ITEM,
    ITERATE,
    OPERATE,
    SET_ITEM,
    SETATTR,
    TRUTH,
    declines,
)
from vglint.interp.protocols.comparison import native_compare
from vglint.interp.protocols.iteration import native_items
from vglint.interp.protocols.methods import plain_method
from vglint.interp.protocols.operators import native_binary
from vglint.interp.protocols.tensor_parts import native_item
from vglint.interp.values.objects import Site, TextMember, Value

TEXTS = (str, TextMember)

declines((*TEXTS, bytes), CALL, SETATTR, SET_ITEM)
declines((bytes,), CONTAINS)

register(COMPARE, *TEXTS, bytes)(native_compare)
register(OPERATE, *TEXTS, bytes)(native_binary)
register(ITERATE, *TEXTS, bytes)(native_items)
METHODS = frozenset(
    "upper lower strip lstrip rstrip split rsplit startswith endswith replace join format find count title capitalize isnumeric isdecimal isalnum isspace istitle swapcase isdigit isalpha isupper islower zfill center ljust rjust partition rpartition removeprefix removesuffix index rfind rindex swapcase casefold splitlines isidentifier".split()
)


@register(ITEM, *TEXTS, bytes)
def item(run: Run, value: str | bytes, key: Value, frame: Frame, site: Site) -> Value:
    return native_item(value, key)


@register(GETATTR, str, bytes)
def attribute(run: Run, value: str | bytes, name: str, frame: Frame) -> Value:
    return plain_method(value, name, METHODS if isinstance(value, str) else frozenset())


@register(TRUTH, *TEXTS, bytes)
def truth(run: Run, value: str | bytes, frame: Frame, site: Site) -> bool | None:
    return bool(value)


@register(CONTAINS, *TEXTS)
def contains(run: Run, value: str, wanted: Value, frame: Frame, site: Site) -> bool | None:
    return wanted in value if isinstance(wanted, str) else None
