"""Rule folders to checked rules: every mistake in a rule is found here, and names file, key and what would have been right."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from vglint.analysis.facts import types_of
from vglint.analysis.facts.spec import FactType
from vglint.config.toml import NotToml, read_bytes, table_of
from vglint.fix import ACTIONS, REMEDIES
from vglint.nearest import nearest
from vglint.rule import Action, Example, Level, Rule, Scalar, Text
from vglint.rulebook.condition import Condition, ConditionError, all_of, parse, parse_flag
from vglint.rulebook.format import RuleFile
from vglint.rulebook.measures import MEASURES
from vglint.rulebook.template import Template, Texts, parse_template


class RuleError(Exception):
    """A rule file that cannot be used: the file, the key, what is wrong and what would be right."""

    def __init__(self, file: str, key: str, message: str) -> None:
        super().__init__(f"{file}: {key}: {message}" if key else f"{file}: {message}")
        self.file = file
        self.key = key
        self.message = message


class CheckedRule(Struct, frozen=True):
    """A rule with its conditions and templates parsed and their names and types checked; `when` holds what `unless` excludes, too."""

    rule: Rule
    when: Condition
    given_when: Condition | None
    blame: Condition
    message: Template
    advice: Template
    detail: Template
    effect: Template
    levels: tuple[tuple[Condition, Level, Template], ...]
    related: tuple[tuple[str, Template], ...]
    confirm: Condition | None


def read_folder(folder: Path) -> tuple[CheckedRule, ...]:
    """Returns the rules of `*.toml` in a folder, by file name; raises RuleError."""
    return tuple(rule_of(path, content) for path, content in contents(folder))


def contents(folder: Path) -> list[tuple[str, bytes]]:
    """Returns path and content of the rule files of a folder, by file name; raises RuleError."""
    if not folder.is_dir():
        raise RuleError(str(folder), "", "no such folder of rules")
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise RuleError(str(folder), "", "holds no rule file (*.toml)")
    return [(str(path), _content(path)) for path in files]


def read_rule(path: Path) -> CheckedRule:
    """Returns the checked rule of one file; raises RuleError."""
    return rule_of(str(path), _content(path))


def _content(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except NotToml as error:
        raise RuleError(str(path), "", str(error)) from None


@lru_cache(500)
def rule_of(file: str, content: bytes) -> CheckedRule:
    """Returns the checked rule that a file's bytes hold: a process that lints again and again reads it once. Raises RuleError."""
    try:
        table = table_of(content)
    except NotToml as error:
        raise RuleError(file, "", str(error)) from None
    return rule_from(table, file)


def rule_from(content: Mapping[str, object], file: str) -> CheckedRule:
    """Returns the checked rule of decoded TOML; raises RuleError."""
    _refuse_unknown_keys(content, RuleFile, "", file)
    try:
        table = msgspec.convert(content, RuleFile)
    except msgspec.ValidationError as error:
        raise _plain(error, file) from None
    return _checked(_rule(table, file), file)


def unique(rules: Iterable[CheckedRule], known: Collection[str] = ()) -> tuple[CheckedRule, ...]:
    """Returns the rules by id; raises RuleError where two share an id or a name, or one yields to none that exists.

    Of two rules it is the later that is wrong. `known` are ids of rules that exist elsewhere.
    """
    seen: dict[str, str] = {}
    rules = tuple(rules)
    for checked in rules:
        for key, value in (("id", checked.rule.id), ("name", checked.rule.name)):
            if value in seen:
                raise RuleError(checked.rule.source, key, f"{value!r} is taken by {seen[value]}")
            seen[value] = checked.rule.source
    ordered = sorted(rules, key=lambda checked: checked.rule.id)
    ids = {checked.rule.id for checked in ordered} | set(known)
    for checked in ordered:
        for other in checked.rule.yields_to:
            if other not in ids:
                raise RuleError(checked.rule.source, "yields_to", f"no rule {other!r}{nearest(other, ids)}")
    return tuple(ordered)


def _refuse_unknown_keys(content: object, struct: Any, prefix: str, file: str) -> None:
    if not isinstance(content, Mapping):
        return
    known = _keys_of(struct)
    for key, value in content.items():
        if key not in known:
            raise RuleError(file, f"{prefix}{key}", f"unknown key{nearest(key, known)}")
        inner = _struct_of(known[key])
        if inner is None:
            continue
        tables = value if get_origin(_plainly(known[key])) is dict and isinstance(value, Mapping) else {None: value}
        for name, table in tables.items():
            _refuse_in(table, inner, f"{prefix}{key}" if name is None else f"{prefix}{key}.{name}", file)


def _refuse_in(value: object, struct: Any, key: str, file: str) -> None:
    if isinstance(value, Sequence):
        for position, item in enumerate(value):
            _refuse_unknown_keys(item, struct, f"{key}[{position}].", file)
    else:
        _refuse_unknown_keys(value, struct, f"{key}.", file)


@cache
def _keys_of(struct: Any) -> Mapping[str, Any]:
    return {item.encode_name: item.type for item in msgspec.structs.fields(struct)}


@cache
def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    """Returns the table type inside an annotation such as `Annotated[tuple[LevelTable, ...], …]`."""
    kind = _plainly(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if get_origin(kind) in (Union, UnionType, tuple, dict):
        for arm in get_args(kind):
            found = _struct_of(arm)
            if found is not None:
                return found
    return None


def _plainly(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _plain(error: msgspec.ValidationError, file: str) -> RuleError:
    message, _, where = str(error).partition(" - at `$")
    key = where.rstrip("`").lstrip(".")
    missing = re.search(r"missing required field `(.+)`", message)
    if missing:
        return RuleError(file, f"{key}.{missing[1]}".lstrip("."), "missing")
    invalid = re.search(r"Invalid enum value '(.+)'", message)
    if invalid:
        choices = {"severity": "error, warning, info", "confidence": "high, medium, low", "safety": "safe, unsafe"}
        choices["subject"] = "model, node, parameter, loss, loop, class"
        right = choices.get(key.rpartition(".")[2], "")
        return RuleError(file, key, f"{invalid[1]!r} is not one of {right}{nearest(invalid[1], right.split(', '))}")
    return RuleError(file, key, message[:1].lower() + message[1:])


def _rule(table: RuleFile, file: str) -> Rule:
    fix = table.fix
    return Rule(
        id=table.id,
        name=table.name,
        family=table.family,
        subject=table.subject,
        severity=table.severity,
        confidence=table.confidence,
        summary=table.summary,
        when=_listed(table.when),
        unless=_listed(table.unless),
        given_when=table.given_when,
        assume=tuple(table.assume.items()),
        texts=tuple((name, tuple(Text(item.text, item.when) for item in items)) for name, items in table.texts.items()),
        message=table.message,
        why=table.why.strip(),
        detail=table.detail,
        effect=table.effect,
        remedies=table.remedies,
        advice=table.advice,
        references=table.references,
        examples=tuple(Example(item.title, item.code.lstrip("\n"), item.fixed) for item in table.example),
        blame=table.blame,
        related=tuple((item.places, item.message) for item in table.related),
        params=tuple(table.params.items()),
        levels=tuple(Level(item.when, item.severity, item.confidence, item.note) for item in table.levels),
        yields_to=table.yields_to,
        confirm=table.confirm.when if table.confirm else None,
        refutes=table.confirm.refutes if table.confirm else True,
        fix=Action(fix.action, fix.title, fix.with_, fix.safety) if fix else None,
        source=file,
    )


def _checked(rule: Rule, file: str) -> CheckedRule:
    params = {name: _param_type(value) for name, value in rule.params}
    facts = types_of(rule.subject)
    for name in params:
        if name in facts:
            raise RuleError(file, f"params.{name}", f"is also the name of a fact of a {rule.subject}")
    types: dict[str, FactType] = {**facts, **params}
    here = _Keys(file, rule.subject)
    when = all_of(here.flags("when", rule.when, types), here.flags("unless", rule.unless, types))
    given_when = here.flag("given_when", rule.given_when, types) if rule.given_when is not None else None
    for name, value in rule.assume:
        if name not in facts:
            raise RuleError(file, f"assume.{name}", f"no such fact of a {rule.subject}{nearest(name, facts)}")
        if _param_type(value) != facts[name]:
            raise RuleError(file, f"assume.{name}", f"must be a {facts[name]}, not {value!r}")
    texts = {name: here.texts(name, items, types) for name, items in rule.texts}
    blame = here.places("blame", rule.blame, types)
    levels = tuple(
        (
            here.flag(f"levels[{position}].when", level.when, types),
            level,
            here.template(f"levels[{position}].note", level.note, types, texts),
        )
        for position, level in enumerate(rule.levels)
    )
    related = []
    for position, (places, text) in enumerate(rule.related):
        here.places(f"related[{position}].places", places, types)
        with_place: dict[str, FactType] = {**types, "place": "text"}
        related.append((places, here.template(f"related[{position}].message", text, with_place, texts)))
    confirm = None
    if rule.confirm is not None:
        measured = {**params, **{f"measured.{name}": kind.type for name, kind in MEASURES.items()}}
        confirm = here.flag("confirm.when", rule.confirm, measured)
    if rule.fix is not None and rule.fix.action not in ACTIONS:
        raise RuleError(file, "fix.action", f"unknown action {rule.fix.action!r}{nearest(rule.fix.action, ACTIONS)}")
    for position, name in enumerate(rule.remedies):
        if name not in REMEDIES:
            raise RuleError(file, f"remedies[{position}]", f"unknown remedy {name!r}{nearest(name, REMEDIES)}")
        if rule.subject != "model":
            raise RuleError(file, "remedies", f"are tried on models, not on a {rule.subject}")
    message = here.template("message", rule.message, types, texts)
    advice = here.template("advice", rule.advice, types, texts)
    detail = here.template("detail", rule.detail, types, texts)
    effect = here.template("effect", rule.effect, types, texts)
    return CheckedRule(rule, when, given_when, blame, message, advice, detail, effect, levels, tuple(related), confirm)


class _Keys(Struct, frozen=True):
    """Turns a ConditionError into a RuleError of its key."""

    file: str
    subject: str

    def flag(self, key: str, text: str, types: Mapping[str, FactType]) -> Condition:
        try:
            return parse_flag(text, types)
        except ConditionError as error:
            raise self._error(key, error) from None

    def flags(self, key: str, texts: Sequence[str], types: Mapping[str, FactType]) -> tuple[Condition, ...]:
        keys = [key] if len(texts) == 1 else [f"{key}[{position}]" for position in range(len(texts))]
        return tuple(self.flag(each, text, types) for each, text in zip(keys, texts, strict=True))

    def texts(self, name: str, items: Sequence[Text], types: Mapping[str, FactType]) -> Texts:
        found = []
        for position, item in enumerate(items):
            key = f"texts.{name}[{position}]"
            if (item.when is None) is not (position == len(items) - 1):
                wrong = "the last text has no `when`: it is said where no other is" if item.when else "missing"
                raise RuleError(self.file, f"{key}.when", wrong)
            condition = self.flag(f"{key}.when", item.when, types) if item.when is not None else None
            found.append((condition, self.template(f"{key}.text", item.text, types)))
        return Texts(tuple(found))

    def places(self, key: str, text: str, types: Mapping[str, FactType]) -> Condition:
        try:
            condition = parse(text, types)
        except ConditionError as error:
            raise self._error(key, error) from None
        if condition.type != "places":
            raise RuleError(self.file, key, f"{text!r} is a {condition.type}, a fact that names places is needed")
        return condition

    def template(
        self, key: str, text: str, types: Mapping[str, FactType], texts: Mapping[str, Texts] | None = None
    ) -> Template:
        try:
            return parse_template(text, types, texts)
        except ConditionError as error:
            raise self._error(key, error) from None

    def _error(self, key: str, error: ConditionError) -> RuleError:
        hint = f" (see `vglint facts` for those of a {self.subject})" if "unknown name" in str(error) else ""
        return RuleError(self.file, key, f"{error}{hint}")


def _listed(conditions: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if conditions is None else (conditions,) if isinstance(conditions, str) else conditions


def _param_type(value: Scalar) -> FactType:
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, (int, float)) else "text"
