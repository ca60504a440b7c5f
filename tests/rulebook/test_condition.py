"""The condition language: what is accepted, what is refused with which hint, and three-valued evaluation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vglint import origin
from vglint.finding import Place
from vglint.rulebook.condition import ConditionError, all_of, evaluate, parse, parse_flag
from vglint.rulebook.template import parse_template, render
from vglint.span import Span
from vglint.value import Unknown

TYPES = {"ratio": "number", "deep": "flag", "kind": "text", "layers": "places", "sigmoids": "places", "names": "texts"}
SPAN = Span("a.py", 1, 1, 1, 5)
WHY = Unknown(origin.Argument("width"))
VALUES = {
    "ratio": -4.0,
    "deep": True,
    "kind": "sgd",
    "layers": (Place(SPAN, "fc1"), Place(SPAN, "fc2"), Place(SPAN, "fc3"), Place(SPAN, "fc4")),
    "sigmoids": (Place(SPAN, "fc1"), Place(SPAN, "fc2")),
    "names": ("a", "b"),
}


def value(text, **changed):
    values = {**VALUES, **changed}
    return evaluate(parse(text, TYPES), values.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratio < -3", True),
        ("-5 < ratio < -3", True),
        ("-3 < ratio < 0", False),
        ("ratio ** 2 == 16", True),
        ("10 ** (ratio / 2)", 0.01),
        ("share(sigmoids, layers) >= 0.5 and count(layers) == 4", True),
        ("kind in ('sgd', 'adam')", True),
        ("kind not in ('adam',)", True),
        ("'a' in names", True),
        ("not deep or ratio > 0", False),
        ("any(sigmoids) and not all(sigmoids, layers)", True),
        ("first(layers)", "fc1"),
        ("last(layers)", "fc4"),
        ("many(count(layers), 'layer')", "4 layers"),
        ("many(1, 'entry')", "1 entry"),
        ("many(2, 'entry')", "2 entries"),
        ("join(sigmoids)", "fc1, fc2"),
        ("max(1, abs(ratio), 2)", 4.0),
        ("log10(100)", 2.0),
    ],
)
def test_evaluates(text, expected):
    assert value(text) == pytest.approx(expected) if isinstance(expected, float) else value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ratio < -3", None),
        ("ratio < -3 and deep", None),
        ("ratio < -3 and not deep", False),
        ("ratio < -3 or deep", True),
        ("not (ratio < -3)", None),
        ("known(ratio)", False),
        ("known(ratio) and ratio < 0", False),
        ("0 > 1 > ratio", False),
        ("count(layers) > abs(ratio)", None),
        ("1 / (ratio - ratio)", None),
    ],
)
def test_unknown_is_contagious_but_not_decisive(text, expected):
    found = value(text, ratio=WHY)
    assert found is WHY if expected is None else found is expected


def test_division_by_zero_and_roots_of_negatives_are_unknown():
    assert isinstance(value("1 / (ratio + 4)"), Unknown)
    assert isinstance(value("ratio ** 0.5"), Unknown)
    assert isinstance(value("log10(ratio)"), Unknown)
    assert isinstance(value("10.0 ** (ratio * -100) > 1"), Unknown)
    assert isinstance(value("first(layers)", layers=()), Unknown)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rato < -3", "did you mean 'ratio'?"),
        ("coun(layers) > 1", "did you mean 'count'?"),
        ("layers > 3", "did you mean count(layers)?"),
        ("layers and deep", "did you mean any(layers)?"),
        ("ratio", "must be true or false"),
        ("ratio is None", "write =="),
        ("ratio == 'x'", "a number is needed"),
        ("kind < 'x'", "a number is needed"),
        ("deep + 1 > 2", "a number is needed"),
        ("share(layers) > 1", "does not fit"),
        ("__import__('os')", "unknown function"),
        ("ratio.real > 1", "unknown name 'ratio.real'"),
        ("(lambda: 1)() > 0", "is not part of the condition language"),
        ("[x for x in layers] == 1", "is not part of the condition language"),
        ("ratio <", "not an expression"),
        ("kind in (1, 2)", "a text is needed"),
        ("x := 1", "not an expression"),
        ("9 ** 99999999 > 3", "out of range"),
        ("9 ** 9 ** 9 ** 9 > 3", "out of range"),
        ("1 / 0 > ratio", "out of range"),
        ("ratio > 1e999", "out of range"),
        ("ratio > " + "9" * 400, "out of range"),
        ("ratio > " + "(" * 3000 + "1" + ")" * 3000, "longer than"),
        ("ratio > " + "-" * 3000 + "1", "nested too deeply"),
    ],
)
def test_refuses(text, hint):
    with pytest.raises(ConditionError) as error:
        parse_flag(text, TYPES)
    assert hint in str(error.value)


def test_large_powers_of_facts_are_unknown_at_once():
    assert isinstance(value("9 ** (ratio * -9999999) > 3"), Unknown)
    assert isinstance(value("(0 - ratio) ** 9 ** 3 > 3"), Unknown)


def test_all_of_holds_where_each_does_and_no_exception_does():
    def joined(*when, unless=()):
        return all_of([parse_flag(each, TYPES) for each in when], [parse_flag(each, TYPES) for each in unless])

    both = joined("deep", "ratio < 0", unless=["kind == 'adam'", "ratio < -9"])
    assert evaluate(both, VALUES.__getitem__) is True
    assert evaluate(both, {**VALUES, "kind": "adam"}.__getitem__) is False
    assert evaluate(both, {**VALUES, "ratio": -10}.__getitem__) is False
    assert evaluate(both, {**VALUES, "kind": WHY}.__getitem__) is WHY
    assert evaluate(both, {**VALUES, "deep": False, "kind": WHY}.__getitem__) is False
    assert both.names == ("deep", "ratio", "kind")
    assert [str(part) for part in both.parts] == ["deep", "ratio < 0", "not (kind == 'adam')", "not (ratio < -9)"]
    assert [str(part) for part in joined("deep and ratio < 0").parts] == ["deep", "ratio < 0"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kind == 'a' and deep", {"a"}),
        ("deep and kind in ('a', 'b') and kind in ('b', 'c')", {"b"}),
        ("kind == 'a' and deep or kind == 'b'", {"a", "b"}),
        ("kind == 'a' or deep", None),
        ("kind != 'a'", None),
        ("not (kind == 'a')", None),
        ("kind in names", None),
    ],
)
def test_a_condition_says_which_texts_a_name_must_be(text, wanted):
    assert parse_flag(text, {**TYPES, "names": "texts"}).wanted.get("kind") == wanted


def test_a_fact_is_asked_for_only_where_it_decides():
    asked = []

    def lookup(name):
        asked.append(name)
        return VALUES[name]

    assert evaluate(parse("ratio > 0 and count(layers) > 2", TYPES), lookup) is False
    assert evaluate(parse("deep or count(layers) > 2", TYPES), lookup) is True
    assert asked == ["ratio", "deep"]


def test_templates_fill_in_and_show_what_is_not_known():
    template = parse_template(
        "{many(count(sigmoids), 'sigmoid')} take 1e{ratio:.0f} of {first(layers)}, {{kept}}", TYPES
    )
    assert render(template, VALUES.__getitem__) == "2 sigmoids take 1e-4 of fc1, {kept}"
    assert render(template, {**VALUES, "ratio": WHY}.__getitem__) == "2 sigmoids take 1e? of fc1, {kept}"
    assert template.names == ("sigmoids", "ratio", "layers")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{rato}", "did you mean 'ratio'?"),
        ("{layers}", "show count(…)"),
        ("{kind:.2f}", "does not fit"),
        ("{ratio!r}", "not part of the template language"),
        ("{ratio", "'}'"),
        ("{ratio:.99999999f}", "does not fit"),
        ("{ratio:999999999}", "does not fit"),
    ],
)
def test_templates_are_checked(text, hint):
    with pytest.raises(ConditionError) as error:
        parse_template(text, TYPES)
    assert hint in str(error.value)


FLAGS = st.recursive(
    st.sampled_from(["deep", "ratio < 0", "True", "False"]),
    lambda inner: st.one_of(
        inner.map(lambda a: f"not ({a})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
    ),
    max_leaves=8,
)


@given(FLAGS)
def test_an_unknown_result_is_honest(text):
    """Where a condition is decided with `ratio` unknown, every value of `ratio` gives that same verdict."""
    found = value(text, ratio=WHY)
    if not isinstance(found, Unknown):
        assert found == value(text, ratio=-1.0) == value(text, ratio=1.0)


@given(st.text(alphabet="abdeinoprtlyskx ()<>=+-*/.,'\"0123456789_", max_size=40))
def test_any_text_is_accepted_or_refused(text):
    try:
        condition = parse(text, TYPES)
    except ConditionError:
        return
    evaluate(condition, VALUES.__getitem__)
