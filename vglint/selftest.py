"""`# expect:` comments against findings: rule examples and fixture files are tests of the rules.

`# expect: VG101` or `# expect: VG101, VG102` stands on the line of the findings it announces. A finding that is announced may have any
severity; one that is not counts against the rules only where a default run would show it, or where its rule is being tested and is
of that kind itself.
"""

from __future__ import annotations

import ast
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from vglint import disk
from vglint.finding import Finding, Problem
from vglint.regex import regex
from vglint.rule import Rule
from vglint.source.notebook import Cell, read_notebook

Lint: TypeAlias = Callable[[str, str], Sequence[Finding]]
"""Lints a text under a file name."""

_MARK = regex(r"#\s*expect:\s*([A-Za-z]+\d+(?:\s*,\s*[A-Za-z]+\d+)*)")


class Check(Struct, frozen=True):
    """One piece of marked code: what was announced and not found, and found and not announced, as (line, rule)."""

    title: str
    missing: tuple[tuple[int, str], ...] = ()
    surplus: tuple[tuple[int, str, str], ...] = ()
    broken: str = ""
    """Why the code was not looked at."""
    cells: tuple[Cell, ...] = ()
    """A notebook's, whose lines are counted over all of them."""

    @property
    def passed(self) -> bool:
        return not self.missing and not self.surplus and not self.broken

    def __str__(self) -> str:
        if self.passed:
            return f"ok    {self.title}"
        lines = [f"FAIL  {self.title}", *([f"        {self.broken}"] if self.broken else [])]
        lines += [f"        {self._where(line)}: {rule} was expected" for line, rule in self.missing]
        lines += [f"        {self._where(line)}: {rule} was not expected: {text}" for line, rule, text in self.surplus]
        return "\n".join(lines)

    def _where(self, line: int) -> str:
        for cell in reversed(self.cells):
            if line >= cell.line:
                return f"cell {cell.number}, line {line - cell.line + 1}"
        return f"line {line}"


def marks(text: str) -> Counter[tuple[int, str]]:
    """Returns how often each rule is announced on each line; marks inside strings do not count."""
    found: Counter[tuple[int, str]] = Counter()
    for line, comment in _comments(text):
        match = _MARK.search(comment)
        if match:
            found.update((line, rule.strip()) for rule in match[1].split(","))
    return found


def compare(title: str, text: str, findings: Sequence[Finding], tested: Rule | None = None) -> Check:
    """Returns the differences between marks and findings, line by line; `tested` is the rule whose example this is."""
    announced = marks(text)
    hidden_too = tested is not None and (tested.severity == "info" or tested.confidence == "low")
    found = Counter((finding.span.line, finding.rule) for finding in findings)
    shown = Counter(
        (finding.span.line, finding.rule)
        for finding in findings
        if is_shown(finding) or (hidden_too and tested is not None and finding.rule == tested.id)
    )
    messages = {(finding.span.line, finding.rule): finding.message for finding in findings}
    missing = tuple(sorted((announced - found).elements()))
    surplus = tuple((line, rule, messages[line, rule]) for line, rule in sorted((shown - announced).elements()))
    return Check(title, missing, surplus)


def is_shown(finding: Finding) -> bool:
    """Whether a run with no options shows a finding."""
    return finding.severity != "info" and finding.confidence != "low"


def check_rules(rules: Iterable[Rule], lint: Lint) -> Iterator[Check]:
    """Yields a check of each example of each rule, and of its text after the fix."""
    for rule in rules:
        for position, example in enumerate(rule.examples, 1):
            title = f"{rule.id} example {position}: {example.title}"
            name = f"{rule.id.lower()}_{position}.py"
            if (wrong := _syntax_error(example.code)) is not None:
                yield Check(title, broken=f"line {wrong.lineno}: the code is not valid Python: {wrong.msg}")
                continue
            findings = tuple(lint(name, example.code))
            check = compare(title, example.code, findings, rule)
            yield check
            if example.fixed is not None and check.passed:
                yield _check_fix(rule, f"{title}, fixed", name, example.code, example.fixed, findings, lint)


def check_files(folder: Path, lint: Lint) -> Iterator[Check]:
    """Yields a check of each Python file and notebook under a folder, or of one file."""
    files = [folder] if folder.is_file() else sorted((*folder.rglob("*.py"), *folder.rglob("*.ipynb")))
    for file in files:
        content = disk.read(file, disk.most_of(file))
        text = content.decode("utf-8", "replace")
        if file.suffix == ".ipynb":
            yield _check_notebook(file.as_posix(), content, tuple(lint(str(file), text)))
        else:
            yield compare(file.as_posix(), text, tuple(lint(str(file), text)))


def _check_notebook(title: str, content: bytes, findings: Sequence[Finding]) -> Check:
    """Compares a notebook's marks, which stand in its code cells, with what is found there."""
    book = read_notebook(title, content)
    if isinstance(book, Problem):
        return Check(title, broken=book.message)
    first = {cell.number: cell.line for cell in book.cells}
    joined = [
        finding
        if finding.cell is None
        else replace(finding, span=replace(finding.span, line=finding.span.line + first[finding.cell] - 1))
        for finding in findings
    ]
    return replace(compare(title, book.text, joined), cells=book.cells)


def _syntax_error(code: str) -> SyntaxError | None:
    try:
        ast.parse(code)
    except SyntaxError as error:
        return error
    return None


def _check_fix(
    rule: Rule, title: str, name: str, code: str, fixed: str, findings: Sequence[Finding], lint: Lint
) -> Check:
    from vglint.fix import apply

    fixes = [finding.fix for finding in findings if finding.rule == rule.id and finding.fix is not None]
    text, _ = apply(code, fixes)
    if _plain(text) != _plain(fixed):
        return Check(title, surplus=((1, rule.id, f"the fix makes another text:\n{text}"),))
    left = [finding for finding in lint(name, text) if finding.rule == rule.id]
    return Check(title, surplus=tuple((finding.span.line, rule.id, "still found") for finding in left))


def _plain(text: str) -> str:
    """Returns the text without marks, which a fix leaves where they were."""
    return "\n".join(_MARK.sub("", line).rstrip() for line in text.strip().splitlines())


def _comments(text: str) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        # Code that this Python cannot tokenize still carries its marks.
        for number, line in enumerate(text.splitlines(), 1):
            if "#" in line:
                yield number, line[line.index("#") :]
