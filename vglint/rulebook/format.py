"""The rule file format: what TOML may hold, key by key; `vglint rules --schema` prints it as JSON Schema."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from vglint.rule import Confidence, Safety, Severity, Subject

Text = Annotated[str, Meta(min_length=1)]
Condition = Annotated[
    str,
    Meta(
        min_length=1,
        description="An infix condition over facts of the subject and params: comparison, and/or/not, arithmetic, "
        "`in (…)`, and functions such as count(…), share(…, …), any(…), first(…), log10(…), min(…), max(…). "
        "What is not known makes it unknown, and an unknown never becomes a finding.",
    ),
]
Conditions = Condition | Annotated[tuple[Condition, ...], Meta(min_length=1)]
Message = Annotated[
    str,
    Meta(
        min_length=1,
        description="Text with expressions in braces: {count(saturating)}, {compared(log10_gradient_ratio)}.",
    ),
]
Headline = Annotated[
    str,
    Meta(
        min_length=1,
        description="What is wrong, in one plain sentence of at most 100 characters, with expressions in braces; "
        "names that make it longer are shortened.",
    ),
]


class TextTable(Struct, forbid_unknown_fields=True, frozen=True):
    """A sentence of the message that depends on facts; the first whose condition holds is said."""

    text: Annotated[str, Meta(description="The sentence, or a part of one, with expressions in braces.")]
    when: Annotated[
        Condition | None, Meta(description="While this holds; the last text of a list has none and is said else.")
    ] = None


class LevelTable(Struct, forbid_unknown_fields=True, frozen=True):
    """A severity that holds instead of the rule's own; the first whose condition holds wins."""

    when: Condition
    severity: Annotated[Severity, Meta(description="The severity while `when` holds.")]
    confidence: Annotated[Confidence | None, Meta(description="The confidence while `when` holds.")] = None
    note: Annotated[str, Meta(description="A sentence that the detail then ends with.")] = ""


class RelatedTable(Struct, forbid_unknown_fields=True, frozen=True):
    """Other lines that the reader should see."""

    places: Annotated[str, Meta(description="A fact that names places.")]
    message: Annotated[str, Meta(description="What they have to do with the finding; {place} is the place's name.")]


class ConfirmTable(Struct, forbid_unknown_fields=True, frozen=True):
    """What the probe must measure to confirm the finding."""

    when: Annotated[str, Meta(min_length=1, description="A condition over `measured.…` quantities and params.")]
    refutes: Annotated[
        bool,
        Meta(description="Whether runs that show nothing refute it; false where only particular data shows the fault."),
    ] = True


class FixTable(Struct, forbid_unknown_fields=True, frozen=True):
    """The mend that `--fix` makes."""

    action: Annotated[str, Meta(description="Which edit: an action that `vglint facts` lists.")]
    title: Annotated[Text, Meta(description="What the edit does, in the imperative.")]
    with_: Annotated[str, Meta(description="The edit's argument, such as the op to put in.")] = field(
        default="", name="with"
    )
    safety: Annotated[Safety, Meta(description="safe: the program means the same; unsafe: applied only on demand.")] = (
        "unsafe"
    )


class ExampleTable(Struct, forbid_unknown_fields=True, frozen=True):
    """Python under lint: test, documentation, and (with `fixed`) proof that the fix works."""

    title: Annotated[Text, Meta(description="What the code is.")]
    code: Annotated[
        Text,
        Meta(
            description="A whole file. `# expect: ID` marks the line of a finding; no mark: the rule must stay silent."
        ),
    ]
    fixed: Annotated[str | None, Meta(description="The file after the fix.")] = None


class RuleFile(Struct, forbid_unknown_fields=True, frozen=True):
    """One rule of vglint."""

    id: Annotated[str, Meta(pattern="^[A-Z]{2,8}[0-9]{3}$", description="Stable identifier, such as VG101.")]
    name: Annotated[
        str,
        Meta(pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="Names the bad pattern: reads as `allow NAME`."),
    ]
    family: Annotated[Text, Meta(description="The group of rules that can be selected together.")]
    subject: Annotated[Subject, Meta(description="What the condition is asked of; decides which facts it may use.")]
    severity: Annotated[
        Severity, Meta(description="error: certain to harm; warning: a risk; info: shown only with --pedantic.")
    ]
    confidence: Annotated[Confidence, Meta(description="How sure the finding is, apart from how bad it is.")]
    summary: Annotated[Text, Meta(description="One sentence in the present tense.")]
    when: Annotated[Conditions, Meta(description="A condition, or a list of conditions that must all hold.")]
    blame: Annotated[Text, Meta(description="A fact that names places: its first is the line of the finding.")]
    message: Headline
    advice: Annotated[Message, Meta(description="One thing to do, in the imperative.")]
    why: Annotated[
        Text, Meta(description="Markdown for people: what it does, why it is bad, when it is fine, what instead.")
    ]
    detail: Annotated[
        str,
        Meta(
            description="What follows from it: one or two sentences, shown below the message, with expressions in braces."
        ),
    ] = ""
    effect: Annotated[
        str, Meta(description="What the advice is predicted to change: one sentence, with expressions in braces.")
    ] = ""
    remedies: Annotated[
        tuple[str, ...],
        Meta(
            description="What to try on the model's graph, in order, from the list of `vglint facts`: the first that is predicted to help is "
            "said in place of `advice`."
        ),
    ] = ()
    references: Annotated[tuple[str, ...], Meta(description="Where this is known from.")] = ()
    unless: Annotated[
        Conditions | None, Meta(description="A condition, or a list of conditions: the rule is silent where one holds.")
    ] = None
    given_when: Annotated[
        Condition | None,
        Meta(description="Where this holds, the code's caller decides, and the rule's silence says nothing."),
    ] = None
    assume: Annotated[
        dict[str, bool | int | float | str],
        Meta(
            description="Facts that are taken as given where another model of the file that holds the same class is asked, whether the "
            "finding is there too."
        ),
    ] = field(default_factory=dict)
    texts: Annotated[
        dict[str, Annotated[tuple[TextTable, ...], Meta(min_length=1)]],
        Meta(description="Parts of the message, advice and notes that depend on facts, written there as {texts.NAME}."),
    ] = field(default_factory=dict)
    params: Annotated[
        dict[str, bool | int | float | str], Meta(description="Numbers that users may set in [tool.vglint.rules.ID].")
    ] = field(default_factory=dict)
    levels: Annotated[tuple[LevelTable, ...], Meta(description="Severities that depend on facts.")] = ()
    related: Annotated[tuple[RelatedTable, ...], Meta(description="Other places of the finding.")] = ()
    yields_to: Annotated[
        tuple[str, ...],
        Meta(
            description="Rules (ids) whose finding on the same entry makes this one its advice: one cause, one finding."
        ),
    ] = ()
    confirm: ConfirmTable | None = None
    fix: FixTable | None = None
    example: Annotated[tuple[ExampleTable, ...], Meta(description="At least two that fire and two that do not.")] = ()


def schema() -> dict[str, object]:
    """Returns the JSON Schema of a rule file."""
    document = msgspec.json.schema(RuleFile)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vglint rule",
        **document,
    }
