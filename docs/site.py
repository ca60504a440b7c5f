"""What mkdocs does beside reading pages: one page of the site for each rule, pictures and links that lie outside docs/, formulas as MathML.

The pages are read on the repository's host too, where links to files outside docs/ and `$formulas$` work as they stand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

from vglint import HOME

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("benchmarks/reports/prediction.svg", "benchmarks/reports/profiles.svg")
FAMILIES = {
    "VG0": "Numerics",
    "VG1": "Activations",
    "VG2": "Normalisation",
    "VG3": "Residual connections",
    "VG4": "Initialisation",
    "VG5": "Recurrence",
    "VG6": "Attention",
    "VG7": "Losses",
    "VG8": "Gradient paths",
    "VG9": "Training loops",
}
_OUTSIDE = re.compile(r"\]\(\.\./(?P<target>[^)\s#]+)(?P<anchor>#[^)\s]+)?\)")
_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?:span|div)>', re.S)
_CONDITION = re.compile(r"^For each [\w -]+:\n\n```$", re.M)
_CODE = re.compile(r"<pre[^>]*>(?:<span></span>)?<code(?=[ >])")
_ARXIV = re.compile(r"(?<![\[/])arXiv:(?P<number>\d{4}\.\d{4,5})")


def on_config(config: Any) -> Any:
    """Adds the rules' pages to the navigation, by family."""
    (rules,) = [entry["Rules"] for entry in config.nav if "Rules" in entry]
    pages = sorted((ROOT / "docs" / "rules").glob("*.md"))
    for start, title in FAMILIES.items():
        rules.append({title: [f"rules/{page.name}" for page in pages if page.name.startswith(start)]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the pictures that the benchmarks draw."""
    for name in PICTURES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leads links out of docs/ to the pictures of the site, or to the repository; links papers."""
    if page.file.src_uri.startswith("rules/"):
        markdown = _CONDITION.sub(r"\g<0> {.text .condition}", markdown)
    else:
        markdown = _OUTSIDE.sub(lambda found: f"]({_where(found['target'])}{found['anchor'] or ''})", markdown)
    return _ARXIV.sub(r"[arXiv:\g<number>](https://arxiv.org/abs/\g<number>)", markdown)


def _where(target: str) -> str:
    if target in PICTURES:
        return target
    path = ROOT / target
    if not path.exists():
        raise FileNotFoundError(f"docs/ links to {target}, which does not exist")
    return f"{HOME}/{'tree' if path.is_dir() else 'blob'}/main/{target}"


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Turns formulas into MathML, which browsers show without a script."""
    if page.file.src_uri == "rules.md":
        html = f'<div class="all-rules">{html}</div>'
    return _FORMULA.sub(lambda found: _formula(found["latex"], found["tag"] == "div"), html)


def on_post_page(output: str, **_: Any) -> str:
    """Names the search dialog and lets the keyboard scroll code: the theme does neither."""
    named = output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )
    return _CODE.sub(r'\g<0> tabindex="0"', named)


def _formula(latex: str, block: bool) -> str:
    plain = latex.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")
    made = convert(plain.strip(), display="block" if block else "inline")
    return f'<div class="formula">{made}</div>' if block else made
