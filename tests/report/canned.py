"""One report with everything that a report can hold, and one graph with everything that a graph can hold."""

from __future__ import annotations

from vglint import origin
from vglint.finding import Edit, Finding, Fix, Gap, Place, Problem, Report, Verdict
from vglint.graph import Graph, Init, ModuleInfo, Node, Parameter, Region
from vglint.rule import Rule
from vglint.signal import Ratio, Signal, Trace
from vglint.span import Span
from vglint.value import Expr, Unknown

MODEL = """\
import torch
from torch import nn


class Deep(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.first = nn.Linear(784, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(8)])
\tself.act = nn.Sigmoid()

    def forward(self, x):
        x = self.act(self.first(x))
        for layer in self.hidden:
            x = self.act(layer(x))
        return x
"""

TRAIN = """\
from models.deep import Deep

# 損失は softmax の後
损失 = nn.CrossEntropyLoss()(torch.softmax(Deep()(x), dim=1), y); weird = "\x1b[31m"
"""

CELL = """\
loss = loss_fn(
    out,
    target,
)
"""

REPORT = Report(
    findings=(
        Finding(
            rule="VG101",
            name="saturating-stack",
            severity="error",
            confidence="high",
            span=Span("models/deep.py", 10, 13, 10, 25),
            message="the gradient at first is about 1/30,000,000 of the one at hidden.7",
            detail="9 sigmoids multiply it by 1/30,000; SGD does not train this",
            entry="Deep",
            evidence=(
                ("log10_gradient_ratio", -7.4949),
                ("depth", 9),
                ("decades_per_layer", -0.92),
                ("cause", "saturating"),
                ("trained", True),
                ("edge", float("inf")),
            ),
            related=(
                Place(Span("models/deep.py", 8, 22, 8, 43), "first weight layer"),
                Place(Span("models/deep.py", 14, 9, 15, 35), "8 turns"),
                Place(Span("train.py", 4, 28, 4, 62), "the loss"),
                Place(Span("elsewhere.py", 3, 1, 3, 9), "no text of this file is at hand"),
            ),
            advice="use nn.GELU with a matching initialisation, or a normalisation layer between",
            effect="the gradient at first is then about 0.5 times the one at hidden.7",
            fix=Fix("replace nn.Sigmoid by nn.GELU", "unsafe", (Edit("models/deep.py", 263, 273, "nn.GELU"),)),
            probe=Verdict("confirmed", (("log10_gradient_ratio", -7.31),)),
            fingerprint="0f3a5b7c9d1e2f40",
        ),
        Finding(
            rule="VG701",
            name="softmax-before-cross-entropy",
            severity="warning",
            confidence="medium",
            span=Span("train.py", 4, 28, 4, 62),
            message="probabilities reach the loss: 100% of them, in\ntwo lines",
            entry="training at line 4",
            fingerprint="1f3a5b7c9d1e2f41",
        ),
        Finding(
            rule="VG703",
            name="redundant-log-softmax",
            severity="info",
            confidence="low",
            span=Span("notes/a b.ipynb", 1, 8, 4, 2),
            message="log_softmax before cross entropy changes nothing",
            entry="training at cell 3",
            detail="a | b",
            related=(Place(Span("notes/a b.ipynb", 7, 1, 7, 4), "made here", cell=2),),
            cell=3,
            fingerprint="2f3a5b7c9d1e2f42",
        ),
    ),
    problems=(
        Problem("broken.py", 3, "cannot be parsed: expected ':'"),
        Problem("data.ipynb", None, "is not a notebook"),
        Problem("train.py", 2, "unused ignore[VG101]: it suppresses nothing", "comment"),
    ),
    cell_lines={"notes/a b.ipynb:cell 3": (41, 42, 43, 44)},
    missing=(Problem("train.py", 1, "imports models.deep, which was not found from here"),),
    files=12,
    entries=30,
    gaps=4,
    training=6,
    partial=2,
    texts={"models/deep.py": MODEL, "train.py": TRAIN, "notes/a b.ipynb:cell 3": CELL},
)

GAPS = (Gap("Deep", "argument", "width has no default", Span("models/deep.py", 6, 24, 6, 29)),)

EMPTY = Report(findings=(), problems=(), files=1, entries=1, gaps=0)

RULES = {
    "VG101": Rule(
        id="VG101",
        name="saturating-stack",
        family="activation",
        subject="model",
        severity="error",
        confidence="high",
        summary="Saturating activations shrink the gradient geometrically with depth.",
        when="log10_gradient_ratio < -3",
        message="…",
        why="Each sigmoid passes at most a quarter of the gradient.",
        advice="Use an activation that does not saturate.",
        references=("Glorot & Bengio 2010, AISTATS",),
        examples=(),
    )
}

_FILE = "models/deep.py"


def _node(index: int, op: str, inputs: tuple[int, ...], path: str, **more: object) -> Node:
    given: dict[str, object] = {"config": (), "type": None, "params": (), "shape": None, "region": 0} | more
    return Node(index=index, op=op, inputs=inputs, path=path, span=Span(_FILE, 5 + index, 9, 5 + index, 20), **given)  # type: ignore[arg-type]


_BATCH = Expr.symbol("B")

GRAPH = Graph(
    entry="Deep(width=64)",
    kind="class",
    span=Span(_FILE, 5, 1, 16, 17),
    nodes=(
        _node(0, "input", (), "", config=(("name", "x"),), shape=(_BATCH, 784)),
        _node(
            1,
            "linear",
            (0,),
            "body.first",
            config=(("in_features", 784), ("out_features", 64), ("bias", True)),
            type="torch.nn.Linear",
            params=(("weight", 0), ("bias", 1)),
            shape=(_BATCH, 64),
        ),
        _node(2, "sigmoid", (1,), "body.act-1", type="torch.nn.Sigmoid", shape=(_BATCH, 64)),
        _node(
            3,
            "linear",
            (2,),
            "head",
            config=(
                ("in_features", 64),
                ("out_features", Unknown(origin.Argument("classes"))),
                ("scale", 0.5),
                ("shape", (2,)),
            ),
            type="torch.nn.Linear",
            params=(("weight", 2),),
            shape=(None, None),
            region=1,
        ),
        _node(4, "add", (1, 3), "", region=0),
    ),
    parameters=(
        Parameter("body.first.weight", (64, 784), Init("kaiming_uniform", (("a", 2.2360679),))),
        Parameter("body.first.bias", (64,), Init("uniform", (("a", -0.0357), ("b", 0.0357)))),
        Parameter("head.weight", None, Init("normal", (("mean", 0.0), ("std", 0.02)), scale=2.0)),
    ),
    modules=(
        ModuleInfo("body", "models.deep.Body", Span(_FILE, 5, 1, 5, 5)),
        ModuleInfo("body.first", "torch.nn.Linear", Span(_FILE, 6, 1, 6, 5)),
    ),
    regions=(
        Region(0, None, "function", ""),
        Region(1, 0, "loop", 'for "i" in range(n)', count=Expr.symbol("n")),
    ),
    gaps=(
        Unknown(origin.Argument("classes has no default"), Span(_FILE, 6, 24, 6, 29)),
        Unknown(origin.Length("n")),
    ),
    outputs=(("0", 4),),
)

TRACE = Trace(
    source="predicted",
    signals=(Signal(1.0), Signal(0.3333, 0.01), Signal(0.27, 0.5), None, None),
    gradients=(None, -5.25, -4.9, -4.25, None),
    gains=(None, -0.24, -0.62, -350.0, None),
)

RATIO = Ratio(-1.0, 1, 3, ((1, -1.0), (3, 0.0)))

UNKNOWN_RATIO = Ratio(None, 1, 3, ((1, None), (3, None)))
