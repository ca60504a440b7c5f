"""Makes each offered fix of many files, in memory: `python -m benchmarks fixes PATH… [--examples] [--most N] [--run]`.

A file is counted if a fix is offered in it. Each fix is made alone; then all are made as `--fix --unsafe-fixes` makes them, again and again
until nothing is left. A fix is wrong where the result does not compile although the file did, where `--fix` refuses what the report offers, or where the
same fix made on the file with CRLF, a byte order mark or tabs gives another text. `--examples` adds the examples of all rules and the files of
`fixtures/`. `--run` executes the files, before and after each fix: then a fix is wrong too where the file cannot be imported any more, or where one of its models
no longer takes the input that it took. What runs for more than 20 seconds of processor time is counted and not compared.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.oracle.forward import SECONDS, Ran, run
from vglint.config import Configuration
from vglint.finding import Finding, Problem
from vglint.lint import fixing, work
from vglint.rulebook import load
from vglint.source.discovery import NOTHING, discover
from vglint.source.notebook import read_notebook
from vglint.source.reading import Text, decode

ROUNDS = 6


@dataclass(slots=True)
class Tally:
    """What is counted over files, and what is wrong, a line each."""

    counts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def check(path: str, tally: Tally, configuration: Configuration, running: bool) -> None:
    """Makes the fixes of one file and counts what comes of them."""
    content = Path(path).read_bytes()
    work.begin(work.Task(configuration.of_file(path), (path,), False))
    outcome = work.lint_buffer(path, content, True)
    tally.counts["files"] += 1
    offered = [one for one in outcome.findings if one.fix is not None and one.fix.edits and one.span.file == path]
    if not offered:
        return
    tally.counts["files with a fix"] += 1
    compiled = compiles(path, content)
    is_run = running and compiled and path.endswith(".py")
    ran = run(path, content.decode()) if is_run else None
    tally.counts["files that run too long to compare"] += is_run and ran is None
    for finding in offered:
        tally.rules[finding.rule] += 1
        tally.counts["fixes"] += 1
        made, refused = _made(path, content, [finding])
        after = made[0].after if made else content
        for one in refused:
            tally.wrong.append(f"{path}:{finding.span.line}: {finding.rule} is offered and refused: {one.why}")
        if after == content and not refused:
            tally.wrong.append(f"{path}:{finding.span.line}: {finding.rule} changes nothing")
        if compiled and not compiles(path, after):
            tally.wrong.append(f"{path}:{finding.span.line}: {finding.rule} makes what does not compile")
        tally.counts["made"] += after != content
        if ran is not None and after != content:
            name = f"{path}:{finding.span.line}: {finding.rule}"
            _compare(name, ran, run(path, after.decode(), 3 * SECONDS), tally)
    after = content
    for turn in range(ROUNDS):
        left = [one for one in outcome.findings if one.fix is not None and one.fix.edits and one.span.file == path]
        if not left:
            break
        made, refused = _made(path, after, left)
        for one in refused:
            tally.wrong.append(
                f"{path}:{one.finding.span.line}: {one.finding.rule} is refused in round {turn + 1}: {one.why}"
            )
        if not made:
            break
        after = made[0].after
        outcome = work.lint_buffer(path, after, True)
    else:
        tally.wrong.append(f"{path}: there is no end of fixes")
    tally.counts["findings before"] += len(offered)
    if compiled and not compiles(path, after):
        tally.wrong.append(f"{path}: all together make what does not compile")
    if not path.endswith(".ipynb"):
        _variants(path, content, tally)


def _compare(name: str, before: Ran, after: Ran | None, tally: Tally) -> None:
    """Counts what ran before and runs after a fix."""
    if after is None:
        tally.wrong.append(f"{name}: the file no longer comes to its end")
        return
    tally.counts["imported before"] += before.imported
    tally.counts["imported after"] += before.imported and after.imported
    if before.imported and not after.imported:
        tally.wrong.append(f"{name}: the file cannot be imported any more")
        return
    tally.counts["models that ran before"] += len(before.models)
    for model, number in before.models.items():
        if after.models.get(model) == number:
            tally.counts["models that ran after"] += 1
        else:
            tally.wrong.append(f"{name}: {model} no longer takes the input that it took")


def _made(path: str, content: bytes, findings: Sequence[Finding]) -> tuple[list[fixing.Fixed], list[fixing.Refused]]:
    every = list(fixing.of_file(path, content, findings, lambda finding, _: finding.fix))
    return [one for one in every if isinstance(one, fixing.Fixed)], [
        one for one in every if isinstance(one, fixing.Refused)
    ]


def compiles(path: str, content: bytes) -> bool:
    """Whether Python can compile a file; of a notebook, the code of its cells."""
    try:
        if path.endswith(".ipynb"):
            book = read_notebook(path, content)
            compile("" if isinstance(book, Problem) else book.text, path, "exec")
        else:
            compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content.removeprefix(b"\xef\xbb\xbf"),
    "tabs": lambda content: content.replace(b"    ", b"\t"),
}


def _variants(path: str, content: bytes, tally: Tally) -> None:
    """Compares the fixes of a file with those of the same file written otherwise."""
    known = decode(path, content)
    if not isinstance(known, Text) or known.encoding.lower().replace("_", "-") not in ("utf-8", "utf-8-sig"):
        return
    expected = _fixed(path, content)
    for name, vary in VARIANTS.items():
        varied = vary(content)
        if varied == content or (compiles(path, content) and not compiles(path, varied)):
            continue
        tally.counts[f"with {name}"] += 1
        if _fixed(path, varied) != vary(expected):
            tally.wrong.append(f"{path}: fixes with {name} make another text")


def _fixed(path: str, content: bytes) -> bytes:
    outcome = work.lint_buffer(path, content, True)
    left = [one for one in outcome.findings if one.fix is not None and one.fix.edits and one.span.file == path]
    made, _ = _made(path, content, left)
    return made[0].after if made else content


def examples(folder: Path) -> Iterator[str]:
    """Writes the examples of all rules as files and yields their paths."""
    for rule in load([]).rules:
        for number, example in enumerate(rule.examples):
            path = folder / f"{rule.id}_{number}.py"
            path.write_text(example.code, encoding="utf-8")
            yield str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--examples", action="store_true")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--most", type=int, default=0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    configuration = Configuration(None, True, {"select": ("ALL",), "pedantic": True, "cache": False})
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        paths = list(given.paths)
        if given.examples:
            paths += [str(Path(__file__).resolve().parents[2] / "fixtures"), *examples(Path(folder))]
        files, _ = discover(paths, lambda _: NOTHING)
        files = files[:: max(len(files) // given.most, 1)][: given.most] if given.most else files
        for path in files:
            known = len(tally.wrong)
            check(path, tally, configuration, given.run)
            for line in tally.wrong[known:]:
                print(line, flush=True)
    print(*(f"{count:6} {name}" for name, count in tally.counts.items()), sep="\n")
    print("fixes by rule:", ", ".join(f"{rule} {count}" for rule, count in sorted(tally.rules.items())))
    print(f"{len(tally.wrong)} wrong")


if __name__ == "__main__":
    main()
