"""`# vglint: ignore[...]`: what it covers, and what is said of one that covers nothing."""

from __future__ import annotations

import pytest

from vglint.finding import Finding, Problem
from vglint.source.suppression import applied, suppressions
from vglint.span import Span

TEXT = '''\
import x  # vglint: ignore
s = """
# vglint: ignore
"""
# vglint: ignore[VG101] own line
y = f(
   1,  # vglint: ignore[VG102, dead-relu] because
   2,
)
# vglint: ignore[VG1] above
@dec  # vglint: ignore[VG2]
class A(  # vglint: ignore[VG3]
    B,
):  # noqa  # vglint: ignore[VG4]
    def f(self): return 1  # vglint: ignore[VG5]
    async def g(self):  # vglint:ignore[VG6]
        # vglint: ignore[VG7] inner
        x = 1

        for i in y:  # vglint: ignore[VG8] header only
            z = 1

    def h(self):
        return '# vglint: ignore'
if x: y  # vglint: ignore[VG9]# more
'''

COVERED = [
    "1: 1-1 all",
    "5: 5-9 VG101 own line",
    "7: 5-9 VG102,dead-relu because",
    "10: 10-24 VG1 above",
    "11: 10-24 VG2",
    "12: 10-24 VG3",
    "14: 10-24 VG4",
    "15: 15-15 VG5",
    "16: 16-21 VG6",
    "17: 17-18 VG7 inner",
    "20: 20-20 VG8 header only",
    "25: 25-25 VG9",
]


def printed(text: str) -> list[str]:
    found, problems = suppressions("a.py", text)
    assert problems == ()
    return [f"{one.line}: {one.first}-{one.last} {','.join(one.rules) or 'all'} {one.reason}".strip() for one in found]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_what_is_covered(newline: str) -> None:
    assert printed(TEXT.replace("\n", newline)) == COVERED


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("x = 1\n# vglint: file-ignore[VG101] generated\ny = 2\n", ["2: 1-4 VG101 generated"]),
        ("x = 1 # vglint: file-ignore", ["1: 1-1 all"]),
        ("x = 1  # vglint: ignore[A]\ndef f(:  # vglint: ignore[B]\n  '''# vglint: ignore[C]\n", ["1: 1-1 A", "2: 2-2 B", "3: 3-3 C"]),
        ("def f():\n  x\n # vglint: ignore[A]\n", ["3: 3-3 A"]),
        ("class A:\n  x = 1\n y = 2  # vglint: ignore[A]\n", ["3: 3-3 A"]),
        ("def f():  # vglint: ignore[A]\n  x\n\n\n\ny", ["1: 1-2 A"]),
        ("", []),
        ("# vglint: ignore[A]", ["1: 1-1 A"]),
    ],
)  # fmt: skip
def test_more_that_is_covered(text: str, covered: list[str]) -> None:
    assert printed(text) == covered


@pytest.mark.parametrize(
    "comment",
    [
        "# vglint: ignor[VG1]",
        "# vglint: ignore[]",
        "# vglint: disable=VG1",
        "#vglint:",
        "# vglint: ignored",
        "# VGLint: Ignore[VG1]",
    ],
)
def test_a_comment_that_was_meant_as_one(comment: str) -> None:
    found, (problem,) = suppressions("a.py", f"x = 1\ny = 2  {comment}\n")
    assert found == ()
    assert problem.line == 2 and problem.message.startswith(
        "this comment suppresses nothing: `# vglint: ignore[VG101] reason`"
    )


def finding(rule: str, name: str, line: int, end_line: int | None = None) -> Finding:
    return Finding(rule, name, "error", "high", Span("a.py", line, 1, end_line or line, 2), "m", "A")


KNOWN = {"VG101", "saturating-stack", "VG102", "attenuating-stack"}


@pytest.mark.parametrize(
    ("comment", "rule", "kept", "problems"),
    [
        ("# vglint: ignore", "VG101", 0, []),
        ("# vglint: ignore[VG101]", "VG101", 0, []),
        ("# vglint: ignore[saturating-stack] measured", "VG101", 0, []),
        (
            "# vglint: ignore[VG102, VG101]",
            "VG101",
            0,
            ["unused `VG102` in `vglint: ignore[VG102, VG101]`: it suppresses nothing"],
        ),
        ("# vglint: ignore[VG102]", "VG101", 1, ["unused `vglint: ignore[VG102]`: it suppresses nothing"]),
        ("# vglint: ignore[VG1O1]", "VG101", 1, ["there is no rule 'VG1O1' to ignore, did you mean 'VG101'?"]),
        ("", "VG101", 1, []),
    ],
)
def test_applied(comment: str, rule: str, kept: int, problems: list[str]) -> None:
    text = f"x = 1\ny = f(  {comment}\n  2)\n"
    found = applied("a.py", text, [finding(rule, "saturating-stack", 3)], KNOWN)
    assert len(found.findings) == kept
    said = [*found.problems, *(unused.problem for unused in found.unused)]
    assert said == [Problem("a.py", 2, message, "comment") for message in problems]


def test_an_ignore_of_a_rule_that_did_not_run_is_not_called_unused() -> None:
    text = "x = 1  # vglint: ignore[VG102]\n"
    assert applied("a.py", text, [], KNOWN, ran={"VG101", "saturating-stack"}).unused == ()
    assert len(applied("a.py", text, [], KNOWN, ran=KNOWN).unused) == 1


def test_a_class_covers_a_finding_in_its_body_only() -> None:
    text = "class A:  # vglint: ignore[VG101]\n  def f(self):\n    x = 1\n\ny = 2\n"
    findings = [finding("VG101", "n", line) for line in (1, 3, 5)]
    found = applied("a.py", text, findings, KNOWN)
    assert found.findings == (findings[2],) and found.unused == ()
