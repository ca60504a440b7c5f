"""Calls of a file's classes, as they are named on one line."""

from __future__ import annotations

import pytest

from vglint.interp.static.call_sites import call_sites
from vglint.source.module import Module
from vglint.source.project import Project

NET = "class Net:\n    pass\n\n\n"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("Net(\n    1,\n    width=2,\n)", "Net(1, width=2)"),
        (
            "Net(\n    (  # widths\n        1, 2,  # two\n    ), name='a # b',  # a name\n)",
            "Net(( 1, 2, ), name='a # b')",
        ),
        ("Net(\n    sizes=[\n        4,  # the (first\n        8,\n    ],\n)", "Net(sizes=[ 4, 8, ])"),
    ],
)
def test_a_call_is_named_without_its_comments(call: str, named: str) -> None:
    project = Project(".", ["net.py"])
    module = project.add("net.py", f"{NET}net = {call}\n")
    assert isinstance(module, Module)
    assert [site.text for site in call_sites(module)["Net"]] == [named]
