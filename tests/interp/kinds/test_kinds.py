"""Every kind of value answers each of Python's questions, or says that it does not; and what some of them answer, as snippets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from vglint.finding import Problem
from vglint.interp.entries.guarded import new_run
from vglint.interp.machine.core import Frame, evaluate
from vglint.interp.machine.names import namespace
from vglint.interp.machine.questions import QUESTIONS, Question, declines
from vglint.interp.values.objects import KINDS, ModuleV, Scope, Value
from vglint.source.project import Project
from vglint.source.unit import expression_unit


def wrong(kinds: Iterable[type], questions: Iterable[Question[Any]]) -> list[str]:
    """Returns where a kind neither answers nor declines, does both, or is no kind of the union."""
    known = tuple(kinds)
    return [
        f"{kind.__name__}: {question.name}"
        for question in questions
        for kind in {*known, *question, *question.declined}
        if kind not in known or (kind in question) == (kind in question.declined)
    ]


def test_every_kind_answers_or_declines_each_question() -> None:
    assert wrong(KINDS, QUESTIONS) == []
    assert len({question.name for question in QUESTIONS}) == len(QUESTIONS) == 10


def test_the_test_of_kinds_can_fail() -> None:
    class Silent: ...

    class Torn: ...

    question: Question[Any] = Question("why")
    question[Torn] = print
    declines((Torn,), question)
    assert sorted(wrong((Silent, Torn), [question])) == ["Silent: why", "Torn: why"]
    assert "Torn: why" in wrong((Silent,), [question])
    declines((Silent,), question)
    question.declined.discard(Torn)
    assert wrong((Silent, Torn), [question]) == []


ELSEWHERE = {
    ("FunctionV", "call"): "vglint.interp.syntax.functions",
    ("TextMember", "attribute"): "vglint.interp.kinds.enums",
    ("NumberMember", "attribute"): "vglint.interp.kinds.enums",
}
"""Answers that need another room, or that members of an enumeration add to those of texts and numbers."""


def homes(kind: type, questions: Iterable[Question[Any]]) -> set[str]:
    """Returns the files in which a kind answers, save what several kinds share."""
    modules = {
        question[kind].__module__
        for question in questions
        if kind in question and (kind.__name__, question.name) not in ELSEWHERE
    }
    return {name for name in modules if not name.startswith("vglint.interp.protocols.")}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_answers_in_one_file(kind: type) -> None:
    found = homes(kind, QUESTIONS)
    containers = {f"vglint.interp.torch.{name}" for name in ("modules", "containers", "container_items")}
    assert len(found) <= 1 or (kind is ModuleV and found == containers)


def test_the_test_of_homes_can_fail() -> None:
    one, other = Question[Any]("one"), Question[Any]("other")
    one[int], other[int] = Path.joinpath, wrong
    assert len(homes(int, [one, other])) == 2


SAME = [
    'torch.device("cuda:1").type',
    'torch.device("cuda:1").index',
    'torch.device("cpu") == torch.device("cpu")',
    'torch.device("cpu") == "cpu"',
    'str(torch.device("cuda", 1))',
    "f\"{torch.device('cpu')}\"",
    'isinstance(torch.device("cpu"), str)',
    'isinstance(torch.device("cpu"), torch.device)',
    "torch.half == torch.float16",
    "torch.half is torch.float16",
    "torch.float32 != torch.float64",
    "torch.bfloat16.is_floating_point",
    "torch.int64.is_floating_point",
    "torch.cfloat.is_complex",
    "str(torch.long)",
    'f"{torch.half}"',
    "isinstance(torch.float32, torch.dtype)",
    "{torch.float16: 1}[torch.half]",
    "torch.device('cpu') in (torch.device('cpu'),)",
    "(1, 2, 3)[1:]",
    "slice(1, 4).stop",
    "{1, 2} & {2, 3}",
    "{1, 2} <= {1, 2, 3} or True",
    "[1, 2] * 2 + [3]",
    "{'a': 1} | {'b': 2}",
    "'b' in {'a': 1, 'b': 2}",
    "3 in range(5)",
    "'ell' in 'hello'",
    "[] or 'empty'",
    "not {}",
    "'%d-%s' % (1, 'x')",
    "(1,) < (2,)",
    "True + 1",
]


def value_of(expression: str, tmp_path: Path) -> Value:
    file = tmp_path / "program.py"
    file.write_text("import sys\nimport torch\nfrom packaging import version\n")
    project = Project(tmp_path)
    module = project.module(file)
    assert not isinstance(module, Problem)
    run = new_run(project, expression)
    asked = expression_unit(module.path, expression)
    assert not isinstance(asked, str), asked
    unit, node = asked
    return evaluate(run, node, Frame(Scope({}, None, namespace(run, module)), unit, None))


def plain(value: Any) -> Any:
    """Returns a value of the interpreter as Python's own, where it is a container."""
    match type(value).__name__:
        case "ListV":
            return [plain(item) for item in value.items]
        case "SetV":
            return {plain(item) for item in value.items}
        case "DictV":
            return {key: plain(item) for key, item in value.items.items()}
        case _:
            return value


@pytest.mark.parametrize("expression", SAME)
def test_a_value_answers_as_python_and_torch_do(expression: str, tmp_path: Path) -> None:
    assert plain(value_of(expression, tmp_path)) == eval(expression, {"torch": torch})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("version.parse('2.1.0+cu118') >= version.parse('2.0')", True),
        ("version.parse('1.10') < version.parse('1.9')", False),
        ("version.parse(torch.__version__).major >= 2", True),
        ("version.parse('2.1.0').release", (2, 1, 0)),
        ("version.parse(version.parse('2.1.0').base_version) == version.parse('2.1.0')", True),
        ("sys.version_info >= (3, 8)", True),
        ("sys.version_info[0]", 3),
        ("sys.version_info[:2] >= (3, 8)", True),
    ],
)
def test_a_version_is_compared_by_its_numbers(expression: str, expected: Value, tmp_path: Path) -> None:
    assert value_of(expression, tmp_path) == expected


def test_a_tuple_is_no_version(tmp_path: Path) -> None:
    assert str(value_of("(1, 2).major", tmp_path)).startswith("?")
    assert str(value_of("'cuda:1'.type", tmp_path)).startswith("?")
