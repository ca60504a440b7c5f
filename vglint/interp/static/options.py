"""Options of the command line that decorators make of parameters: `@click.option("--depth", default=8)`."""

from __future__ import annotations

from msgspec import Struct

from vglint.source import code


class Option(Struct, frozen=True, eq=False):
    name: str
    """Of the parameter."""
    default: code.Expression | None
    is_flag: bool


def option_of(decorator: code.Expression) -> Option | None:
    """Returns the option that a decorator makes, where its name is written; `click` names a parameter as the option says or is called."""
    if not isinstance(decorator, code.Call):
        return None
    texts = [each.value for each in decorator.args if isinstance(each, code.Constant) and isinstance(each.value, str)]
    plain = [text for text in texts if text.isidentifier()]
    dashed = [text.partition("/")[0] for text in texts if text.startswith("-")]
    name = plain[0] if plain else max(dashed, key=lambda text: text.startswith("--"), default="")
    keywords = {each.name: each.value for each in decorator.keywords}
    flag = keywords.get("is_flag")
    is_flag = (isinstance(flag, code.Constant) and flag.value is True) or any("/" in text for text in texts)
    name = name.lstrip("-").replace("-", "_")
    return Option(name, keywords.get("default"), is_flag) if name else None


def options_of_decorators(function: code.Function) -> dict[str, Option]:
    """Returns the options that decorators make of a function's parameters that have no default of their own."""
    names = {each.name for each in function.parameters.positional if each.default is None}
    found = (
        option_of(each)
        for each in function.decorators
        if isinstance(each, code.Call) and isinstance(each.func, (code.Name, code.Attribute))
        if (each.func.attr if isinstance(each.func, code.Attribute) else each.func.id) == "option"
    )
    return {each.name: each for each in found if each is not None and each.name in names}
