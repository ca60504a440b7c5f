"""Small models with a fault in a single layer or weight."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generators.advice_cases.case import Case, plain


def layers() -> Iterator[Case]:
    """Yields the cases of rules about single layers and weights."""
    two = "self.a = nn.Linear(64, width)\nself.b = nn.Linear(width, width)\nself.c = nn.Linear(width, 10)"
    for act, other in (
        ("F.softmax(self.{0}(x), dim=1)", "F.relu(self.{0}(x))"),
        ("self.{0}(x).softmax(-1)", "self.{0}(x).relu()"),
    ):
        runs = [act.format(one) for one in "ab"]
        yield plain("VG104", f"hidden {runs[0]}", two, f"x = {runs[0]}\nx = {runs[1]}\nreturn self.c(x)",
                    *((run, other.format(one)) for run, one in zip(runs, "ab", strict=True)))  # fmt: skip
    yield plain(
        "VG104",
        "hidden nn.Softmax",
        "self.net = nn.Sequential(nn.Linear(64, width), nn.Softmax(dim=1), nn.Linear(width, width), nn.Softmax(dim=1), nn.Linear(width, 10))",
        "return self.net(x)",
        ("nn.Softmax(dim=1)", "nn.ReLU()"),
    )
    yield plain(
        "VG104",
        "one hidden softmax",
        two,
        "x = F.softmax(self.a(x), dim=-1)\nx = F.relu(self.b(x))\nreturn self.c(x)",
        ("F.softmax(self.a(x), dim=-1)", "F.relu(self.a(x))"),
    )
    for number in (30, 50, 100, 400):
        yield plain(
            "VG105",
            f"tanh of {number} x",
            two,
            f"x = torch.tanh({number} * self.a(x))\nx = torch.tanh({number} * self.b(x))\nreturn self.c(x)",
            (f"{number} * ", ""),
        )
    for std in (1.0, 2.0):
        yield plain("VG105", f"tanh of weights of std {std}", two + f"\nfor m in (self.a, self.b):\n    nn.init.normal_(m.weight, std={std})", "x = torch.tanh(self.a(x))\nx = torch.tanh(self.b(x))\nreturn self.c(x)",
                    (f"nn.init.normal_(m.weight, std={std})", "nn.init.xavier_normal_(m.weight, gain=nn.init.calculate_gain('tanh'))"))  # fmt: skip
    for fill in ("zeros_", "ones_"):
        for depth in (2, 3):
            layers = "".join(", nn.Linear(width, width), nn.ReLU()" for _ in range(depth))
            build = f"self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(){layers}, nn.Linear(width, 10))\nfor m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.{fill}(m.weight)\n        nn.init.zeros_(m.bias)"
            yield plain(
                "VG401",
                f"{depth + 2} layers, {fill}",
                build,
                "return self.net(x)",
                (f"nn.init.{fill}(m.weight)", 'nn.init.kaiming_normal_(m.weight, nonlinearity="relu")'),
            )
    for width in (64, 128, 256, 512):
        build = f"self.w = nn.Parameter(torch.randn(64, {width}))\nself.v = nn.Parameter(torch.randn({width}, {width}))\nself.c = nn.Linear({width}, 10)"
        yield plain("VG404", f"randn {width}", build, "x = torch.relu(x @ self.w)\nx = torch.relu(x @ self.v)\nreturn self.c(x)",
                    (f"torch.randn(64, {width})", f"torch.randn(64, {width}) / 64**0.5"), (f"torch.randn({width}, {width})", f"torch.randn({width}, {width}) / {width}**0.5"))  # fmt: skip
    yield from rectified()
    yield from linear_pairs()
    yield from dropouts()
    yield from starts()


def rectified() -> Iterator[Case]:
    """Yields models that end in a ReLU."""
    net = "self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10), nn.ReLU())"
    yield plain("VG106", "Sequential that ends in ReLU", net, "return self.net(x)", ("10), nn.ReLU())", "10))"))
    two = "self.a = nn.Linear(64, width)\nself.b = nn.Linear(width, 10)"
    run = "return F.relu(self.b(F.relu(self.a(x))))"
    yield plain("VG106", "F.relu at the end", two, run, (run, "return self.b(F.relu(self.a(x)))"))
    three = "self.layers = nn.ModuleList([nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, 10)])"
    loop = "for layer in self.layers:\n    x = torch.relu(layer(x))\nreturn x"
    edits = (
        ("for layer in self.layers:", "for layer in self.layers[:-1]:"),
        ("return x", "return self.layers[-1](x)"),
    )
    yield plain("VG106", "loop with ReLU behind every layer", three, loop, *edits)
    conv = "self.conv = nn.Conv2d(1, 8, 3, padding=1)\nself.pool = nn.MaxPool2d(2)\nself.head = nn.Linear(128, 10)"
    run = "x = self.pool(F.relu(self.conv(x.view(-1, 1, 8, 8))))\nreturn self.head(x.flatten(1)).relu()"
    yield plain("VG106", "convolution, .relu() at the end", conv, run, ("flatten(1)).relu()", "flatten(1))"))


def linear_pairs() -> Iterator[Case]:
    """Yields models with nothing between two linear layers. The points of `ring` are no linear function of their class."""
    net = "self.net = nn.Sequential(nn.Linear({0}, width), nn.Linear(width, {1}))"
    mended = "width), nn.ReLU(), nn.Linear(width"
    for sizes, data in (((2, 2), "ring"), ((64, 10), "digits")):
        edit = ("width), nn.Linear(width", mended)
        yield plain("VG110", f"two linear layers, {data}", net.format(*sizes), "return self.net(x)", edit, data=data)
    three = "self.a = nn.Linear({0}, width)\nself.b = nn.Linear(width, width)\nself.c = nn.Linear(width, {1})"
    for sizes, data in (((2, 2), "ring"), ((64, 10), "digits")):
        run = "return self.c(self.b(self.a(x)))"
        edit = (run, "return self.c(F.relu(self.b(F.relu(self.a(x)))))")
        yield plain("VG110", f"three linear layers, {data}", three.format(*sizes), run, edit, data=data)


def dropouts() -> Iterator[Case]:
    """Yields models that drop what they should keep."""
    net = "self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), {0}, nn.Linear(width, 10))"
    for call in ("nn.Dropout(0.95)", "nn.Dropout(p=1.0)"):
        yield plain("VG111", call, net.format(call), "return self.net(x)", (call, "nn.Dropout(0.1)"))
    two = "self.a = nn.Linear(64, width)\nself.b = nn.Linear(width, 10)"
    run = "x = F.relu(self.a(x))\nx = F.dropout(x, 0.97, training=self.training)\nreturn self.b(x)"
    yield plain("VG111", "F.dropout(x, 0.97)", two, run, ("0.97", "0.1"))
    conv = (
        "self.conv = nn.Conv2d(1, 16, 3, padding=1)\nself.drop = nn.Dropout2d(0.95)\nself.head = nn.Linear(16 * 16, 10)"
    )
    run = "x = self.drop(F.relu(self.conv(x.view(-1, 1, 8, 8))))\nreturn self.head(F.max_pool2d(x, 2).flatten(1))"
    yield plain("VG111", "nn.Dropout2d(0.95)", conv, run, ("0.95", "0.1"))


def starts() -> Iterator[Case]:
    """Yields models whose weights start wrongly: both factors of a product zero, unfilled, or with an initialiser that nothing calls."""
    base = "self.base = nn.Linear(64, 10)\nself.base.requires_grad_(False)\n"
    pair = (
        base
        + "self.down = nn.Linear(64, {0}, bias=False)\nself.up = nn.Linear({0}, 10, bias=False)\nnn.init.zeros_(self.down.weight)\nnn.init.zeros_(self.up.weight)"
    )
    run = "return self.base(x) + self.up(self.down(x))"
    for rank in (16, 32):
        edit = ("        nn.init.zeros_(self.down.weight)\n", "")
        yield plain("VG402", f"low-rank pair of {rank}", pair.format(rank), run, edit)
    free = base + "self.a = nn.Parameter(torch.zeros(64, {0}))\nself.b = nn.Parameter(torch.zeros({0}, 10))"
    for rank in (16, 32):
        edit = (f"torch.zeros(64, {rank})", f"torch.randn(64, {rank}) / 8")
        yield plain("VG402", f"product of parameters, rank {rank}", free.format(rank), "return self.base(x) + x @ self.a @ self.b", edit)  # fmt: skip
    for call in ("torch.empty({0}, {1})", "torch.Tensor({0}, {1})", "torch.FloatTensor({0}, {1})"):
        made = f"self.w = nn.Parameter({call.format(64, 'width')})"
        edit = (made, f"{made}\n        nn.init.xavier_uniform_(self.w)")
        yield plain("VG405", call.format(64, "width"), f"{made}\nself.head = nn.Linear(width, 10)", "return self.head(torch.relu(x @ self.w))", edit)  # fmt: skip
    made = "self.w = nn.Parameter(torch.empty(width, 64))\nself.b = nn.Parameter(torch.empty(width))"
    edit = (made.replace("\n", "\n        "), "self.w = nn.Parameter(torch.empty(width, 64))\n        self.b = nn.Parameter(torch.empty(width))\n        nn.init.xavier_uniform_(self.w)\n        nn.init.zeros_(self.b)")  # fmt: skip
    yield plain("VG405", "F.linear of torch.empty", f"{made}\nself.head = nn.Linear(width, 10)", "return self.head(torch.relu(F.linear(x, self.w, self.b)))", edit)  # fmt: skip
    for depth, act, name in ((8, "ReLU", "init_weights"), (10, "ReLU", "_init_weights"), (8, "GELU", "reset"), (12, "LeakyReLU", "init_weights")):  # fmt: skip
        yield Case("VG406", f"{depth} {act}, {name}", UNCALLED.format(depth=depth, act=act, name=name), ((f"\n    def {name}", f"        self.{name}()\n\n    def {name}"),))  # fmt: skip


UNCALLED = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        layers = [nn.Linear(64, width), nn.{act}()]
        for _ in range({depth}):
            layers += [nn.Linear(width, width), nn.{act}()]
        self.net = nn.Sequential(*layers, nn.Linear(width, 10))

    def {name}(self):
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.net(x)
"""
