"""The page stands alone, in light and dark, and a real browser shows it at the width of a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from vglint.finding import Finding, Verdict
from vglint.probe import Measured, ProbeReport
from vglint.probe.page import page, section
from vglint.probe.record import Layer, Run, Snapshot, Squash
from vglint.span import Span

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (found := shutil.which(name))),
    None,
)


def layer(path: str, gradient: float) -> Layer:
    return Layer(path, 0, "Linear", True, gradient, gradient - 1, 0.4, 0.1, 0.2, 0.0, True, (-1.0, -0.5, 0.0, 0.5, 1.2))


def report() -> ProbeReport:
    layers = tuple(layer(f"layers.{i}", -float(9 - i)) for i in range(10))
    squash = Squash("act", 12, "sigmoid", 0.7, None)
    snapshots = tuple(Snapshot(step, layers, (squash,), 1e-3) for step in (0, 10, 59))
    losses = tuple(2.3 - i / 100 for i in range(60))
    runs = tuple(
        Run(optimizer, 0.1, seed, losses, snapshots, {"loss_drop": 0.0, "nonfinite": False})
        for optimizer in ("sgd", "adam")
        for seed in (0, 1)
    )
    finding = Finding(
        "VG101",
        "saturating-stack",
        "error",
        "high",
        Span("net.py", 2, 1, 2, 5),
        "it <vanishes>",
        "Net()",
        probe=Verdict("confirmed", ()),
    )
    predicted = tuple((f"layers.{i}", -float(9 - i)) for i in range(10))
    return ProbeReport(
        "Net() <script>alert(1)</script>",
        Measured(1234, ("inputs: (4, 8)",), runs, 1.0),
        (finding,),
        predicted=predicted,
    )


class Seen(HTMLParser):
    """Collects what a page could load, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone() -> None:
    text = page([report()], {"net.py": "first\nsecond <b>\nthird"})
    seen = Seen()
    seen.feed(text)
    assert seen.open == [] and seen.scripts == 0 and seen.links == ["#vgl-0"]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme:dark" in text and "width=device-width" in text
    assert "<mark>   2 second &lt;b&gt;</mark>" in text and "it &lt;vanishes&gt;" in text


def test_no_style_reaches_the_page_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every selector of a section and of a picture begins with a class of ours, and none names a common class."""
    text = section(report())
    for style in re.findall(r"<style>(.*?)</style>", text, re.S):
        flat = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\}", r"\1", style)
        for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", flat):
            assert all(one.strip().startswith((".vglint", ".vgc")) for one in selectors.split(",")), selectors
    used = {name for names in re.findall(r'class="([^"]*)"', text) for name in names.split()}
    assert all(name.startswith(("vgc", "vgl")) for name in used), used


def test_pictures_say_what_they_show() -> None:
    text = section(report())
    pictures = re.findall(r"<svg[^>]*>", text)
    assert len(pictures) >= 5 and all('role="img"' in one and 'aria-label="' in one for one in pictures)
    assert "layers.0: 1e-9.0 measured, 1e-9.0 predicted" in text and 'class="vgc-limit"' in text
    assert text.count("vgc-bad") > 5 and ">measured</text>" in text and ">predicted</text>" in text
    assert "1 - last loss / first loss" in text and report().plot()._repr_svg_().startswith("<svg")


def test_the_worst_model_comes_first() -> None:
    sound = ProbeReport("Sound", Measured(1, (), (report().measured.runs[0],), 1.0))  # type: ignore[union-attr]
    text = page([sound, ProbeReport("Open", None, reason="out of memory"), report()])
    places = [text.index(f'<a href="#vgl-{number}">{name}') for number, name in enumerate(("Net()", "Open", "Sound"))]
    assert (
        places == sorted(places)
        and "1 model has a confirmed fault; 1 model has no confirmed fault; 1 could not be measured." in text
    )


def test_an_inconclusive_report_has_a_page() -> None:
    assert "out of memory" in page([ProbeReport("Net", None, reason="out of memory")])


HOST = """<div id="host" style="position:absolute;top:0;left:0;width:300px"><h1>H</h1><h2>H</h2><h3>H</h3><p class="grid bar text note">P
<a href="#x">A</a><mark>M</mark></p><pre>C</pre><table class="wide"><tr><th>T</th><td>D</td></tr></table><svg><text class="limit">S</text></svg></div>"""
STYLES = """const all = () => JSON.stringify([...document.querySelectorAll('body, #host, #host *')].map(one => {
const style = getComputedStyle(one); return [...style].filter(name => one.id || one.closest('#host') || !/size|height|origin/.test(name)).map(name => style[name])}));
const put = id => document.querySelector('main').append(document.getElementById(id).content.cloneNode(true));
const before = all(); put('ours'); const kept = before == all(); put('leak'); const seen = before != all();"""


def in_browser(folder: Path, script: str, *options: str) -> list[str]:
    """Opens the page in a frame as wide as a phone, puts a section into a page of others, and returns the words that `script` computes.

    It sees the page as `page`, as `kept` whether the others' computed styles are as before, and as `seen` whether a change of them shows.
    """
    assert BROWSER is not None
    file = folder / "outer.html"
    text = page([report()])
    collect = (
        f"{STYLES} const page = document.querySelector('iframe').contentDocument; document.title = [{script}].join(' ')"
    )
    frame = f'<iframe style="width:390px;height:800px;border:0" srcdoc="{escape(text)}" onload="{escape(collect)}"></iframe>'
    parts = f'<template id="ours">{section(report())}</template><template id="leak"><style>.bar{{color:red}}</style></template>'
    file.write_text(f"<!doctype html><title></title>{parts}<main></main>{HOST}{frame}", encoding="utf-8")
    common = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", *options]
    done = subprocess.run(
        [*common, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout.partition("<title>")[2].partition("</title>")[0].split()


@pytest.mark.skipif(BROWSER is None, reason="no headless browser here")
@pytest.mark.parametrize("scheme, ground", [("dark", "rgb(13, 17, 23)"), ("light", "rgb(255, 255, 255)")])
def test_a_browser_shows_it_on_a_phone_and_beside_others(tmp_path: Path, scheme: str, ground: str) -> None:
    texts = "[...page.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)"
    right = "Math.max(...[...page.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().right))"
    script = (
        f"page.documentElement.scrollWidth, page.querySelectorAll('svg').length, Math.min(...{texts}), {right}, kept, seen, "
        "getComputedStyle(page.body).backgroundColor, getComputedStyle(page.querySelector('.vglint')).backgroundColor"
    )
    setting = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    width, charts, smallest, end, kept, seen, *grounds = in_browser(tmp_path, script, setting)
    assert float(width) <= 390 and int(charts) >= 5 and float(smallest) >= 9 and float(end) <= 390
    assert (kept, seen) == ("true", "true")
    assert " ".join(grounds) == f"{ground} {ground}"
