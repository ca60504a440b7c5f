"""A mistake in a rule file is found when it is loaded, and names file, key and what would have been right."""

import json
from pathlib import Path

import jsonschema
import pytest
import tomli

from vglint.rulebook import RuleError, bundled, load
from vglint.rulebook.format import schema
from vglint.rulebook.load import read_folder, read_rule

GOOD = """
id = "XX100"
name = "too-deep"
family = "own"
subject = "model"
severity = "warning"
confidence = "high"
summary = "The model is deep."
when = "count(weight_layers) > most"
blame = "weight_layers"
message = "{count(weight_layers):.0f} layers"
advice = "use fewer"
why = "Because."

[params]
most = 3
"""


WHEN = 'when = "count(weight_layers) > most"'


def rule_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "XX100.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_read(tmp_path):
    checked = read_rule(rule_file(tmp_path, GOOD))
    assert checked.rule.id == "XX100"
    assert checked.rule.params == (("most", 3),)
    assert checked.when.names == ("weight_layers", "most")


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ("summary =", "sumary =", "sumary", "did you mean 'summary'?"),
        ('severity = "warning"', 'severity = "warn"', "severity", "did you mean 'warning'?"),
        ('subject = "model"', 'subject = "modell"', "subject", "did you mean 'model'?"),
        ('id = "XX100"\n', "", "id", "missing"),
        ('id = "XX100"', 'id = "100"', "id", "matching"),
        ("weight_layers) >", "weight_layer) >", "when", "did you mean 'weight_layers'?"),
        ("{count(weight_layers)", "{count(weights)", "message", "unknown name 'weights'"),
        ('blame = "weight_layers"', 'blame = "first_layer"', "blame", "names places"),
        ("most = 3", "most = [3]", "params", "got `array`"),
        ("most = 3", "activations = 3\nmost = 3", "params.activations", "name of a fact"),
        ("[params]", '[fix]\naction = "dropop"\ntitle = "x"\n[params]', "fix.action", "did you mean 'drop-op'?"),
        ("[params]", '[confirm]\nwhen = "measured.nonfinit"\n[params]', "confirm.when", "measured.nonfinite"),
        ("[params]", '[confirm]\nwen = "measured.nonfinite"\n[params]', "confirm.wen", "did you mean 'when'?"),
        ("[params]", '[[levels]]\nwhen = "True"\nseverity = "eror"\n[params]', "levels", "did you mean 'error'?"),
        ("[params]", '[[related]]\nplaces = "norm"\nmessage = "x"\n[params]', "related[0].places", "'norms'"),
        ('id = "XX100"', "id = ", "", "is not valid TOML"),
        (WHEN, 'when = ["deep > 1", "most > 1"]', "when[0]", "unknown name 'deep'"),
        (WHEN, "when = []", "when", "length >= 1"),
        (WHEN, 'when = "most ** 9 > 1"\nunless = ["True", "9 ** 99999999 > 3"]', "unless[1]", "out of range"),
        (WHEN, WHEN + '\ngiven_when = "dep"', "given_when", "unknown name"),
        (WHEN, WHEN + "\nassume = { half_precisio = true }", "assume.half_precisio", "did you mean 'half_precision'?"),
        (WHEN, WHEN + '\nassume = { half_precision = "x" }', "assume.half_precision", "must be a flag"),
        ("[params]", "[texts]\na = [{ text = '{dep}' }]\n[params]", "texts.a[0].text", "unknown name 'dep'"),
        ("[params]", "[texts]\na = [{ wen = 'True', text = 'x' }]\n[params]", "texts.a[0].wen", "did you mean 'when'?"),
        (
            "[params]",
            "[texts]\na = [{ when = 'True', text = 'x' }]\n[params]",
            "texts.a[0].when",
            "said where no other",
        ),
        ("[params]", "[texts]\na = [{ text = 'x' }, { text = 'y' }]\n[params]", "texts.a[0].when", "missing"),
        ("[params]", "[texts]\na = []\n[params]", "texts", "length >= 1"),
        ("{count(weight_layers):.0f}", "{texts.a}", "message", "unknown name 'texts.a'"),
    ],
)
def test_a_mistake_names_file_key_and_cure(tmp_path, old, new, key, hint):
    path = rule_file(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RuleError) as error:
        read_rule(path)
    assert error.value.file == str(path)
    assert error.value.key.startswith(key)
    assert hint in str(error.value)


def test_two_rules_of_one_id_are_refused(tmp_path):
    rule_file(tmp_path, GOOD)
    (tmp_path / "other.toml").write_text(GOOD.replace("too-deep", "deeper"))
    with pytest.raises(RuleError, match="is taken by"):
        load([tmp_path], with_bundled=False)


def test_a_folder_must_hold_rules(tmp_path):
    with pytest.raises(RuleError, match="holds no rule file"):
        read_folder(tmp_path)
    with pytest.raises(RuleError, match="no such folder"):
        read_folder(tmp_path / "none")


def test_own_rules_join_the_bundled_ones(tmp_path):
    rule_file(tmp_path, GOOD)
    book = load([tmp_path])
    assert book.find("too-deep").rule.id == "XX100"
    assert book.find("VG101").rule.name == "saturating-stack"
    with pytest.raises(RuleError, match="did you mean 'too-deep'"):
        book.find("to-deep")


def test_the_schema_is_one_and_fits_every_bundled_rule():
    document = json.loads(json.dumps(schema()))
    jsonschema.Draft202012Validator.check_schema(document)
    validator = jsonschema.Draft202012Validator(document)
    for path in sorted(bundled().glob("*.toml")):
        errors = [error.message for error in validator.iter_errors(tomli.loads(path.read_text()))]
        assert not errors, (path.name, errors)
    assert list(validator.iter_errors({"id": "VG101"}))


def test_the_schema_documents_every_key():
    document = json.loads(json.dumps(schema()))
    for name, definition in document["$defs"].items():
        for key, spec in definition["properties"].items():
            described = spec.get("description") or "$ref" in json.dumps(spec)
            assert described, (name, key)
