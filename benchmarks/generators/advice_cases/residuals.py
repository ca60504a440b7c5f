"""Models with a fault in a normalisation or a skip connection."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generators.advice_cases.case import Case, plain

BLOCKS = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.stem = nn.Linear(64, width)
        self.blocks = nn.ModuleList([{block} for _ in range({depth})])
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
{step}
        return self.head(x)
"""
PLAIN_BLOCK = "nn.Sequential(nn.Linear(width, width), nn.ReLU())"
TWO = "nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))"
NORMALISED = "nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))"


def blocks(rule: str, name: str, block: str, depth: int, step: str, mended: str) -> Case:
    """Returns a case of blocks whose sum is written wrongly."""
    faulty, right = ("\n".join(f"            {line}" for line in text.split("\n")) for text in (step, mended))
    return Case(rule, name, BLOCKS.format(block=block, depth=depth, step=faulty), ((faulty, right),))


def residuals() -> Iterator[Case]:
    """Yields the cases of rules about normalisations and skip connections."""
    yield from norms()
    doubled = "x = block(x)\nx = x + x"
    kept = "identity = x\nx = block(x)\nx = x + identity"
    divided = "identity = x\nx = identity + block(x) / len(self.blocks)"
    yield blocks("VG302", "24 blocks of one layer", PLAIN_BLOCK, 24, doubled, divided)
    yield blocks("VG302", "12 blocks of two layers", TWO, 12, doubled, kept)
    yield blocks("VG302", "20 blocks with LayerNorm", NORMALISED, 20, doubled, divided)
    yield blocks("VG302", "16 blocks, out += x", TWO, 16, "x = block(x)\nx += x", "identity = x\nx = identity + block(x) / len(self.blocks)")  # fmt: skip
    for factor, depth, block in ((0.5, 10, TWO), (0.3, 8, TWO), (0.5, 12, PLAIN_BLOCK), (0.6, 20, PLAIN_BLOCK)):
        step = f"x = {factor} * x + block(x)"
        yield blocks(
            "VG304",
            f"{depth} blocks, identity times {factor}",
            block,
            depth,
            step,
            "x = x + block(x) / len(self.blocks)",
        )
    for name, block, depth in (
        ("16 blocks of one layer", PLAIN_BLOCK, 16),
        ("10 blocks of two layers", TWO, 10),
        ("12 blocks with LayerNorm", NORMALISED, 12),
    ):
        yield blocks("VG305", name, block, depth, "x = x.detach() + block(x)", "x = x + block(x)")
    yield blocks("VG305", "8 blocks, identity = x.detach()", TWO, 8, "identity = x.detach()\nx = block(x) + identity", "identity = x\nx = block(x) + identity")  # fmt: skip


def norms() -> Iterator[Case]:
    """Yields normalisations over one value, with a scale of zero, or with an eps that hides the variance."""
    conv = "self.conv = nn.Conv2d(1, 16, 3, padding=1)\nself.pool = nn.AdaptiveAvgPool2d(1)\nself.norm = nn.InstanceNorm2d(16)\nself.head = nn.Linear(16, 10)"
    yield plain(
        "VG203",
        "InstanceNorm2d behind global pooling",
        conv.replace("AvgPool2d(1)", "MaxPool2d(1)").replace("16", "64"),
        "x = self.norm(self.pool(F.relu(self.conv(x.view(-1, 1, 8, 8)))))\nreturn self.head(x.flatten(1))",
        ("nn.InstanceNorm2d(64)", "nn.GroupNorm(1, 64)"),
    )
    yield plain(
        "VG203",
        "InstanceNorm2d on a map of 1x1",
        "self.net = nn.Sequential(nn.Conv2d(1, 32, 4, stride=4), nn.InstanceNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 2), nn.InstanceNorm2d(64), nn.ReLU())\nself.head = nn.Linear(64, 10)",
        "return self.head(self.net(x.view(-1, 1, 8, 8)).flatten(1))",
        ("nn.InstanceNorm2d(64)", "nn.GroupNorm(1, 64)"),
    )
    yield plain(
        "VG203",
        "InstanceNorm2d behind a kernel of the whole map",
        "self.conv = nn.Conv2d(1, 64, 8)\nself.norm = nn.InstanceNorm2d(64)\nself.head = nn.Linear(64, 10)",
        "x = self.norm(self.conv(x.view(-1, 1, 8, 8)))\nreturn self.head(F.relu(x).flatten(1))",
        ("nn.InstanceNorm2d(64)", "nn.GroupNorm(1, 64)"),
    )
    yield plain(
        "VG203",
        "F.instance_norm on a map of 1x1",
        "self.conv = nn.Conv2d(1, 64, 8)\nself.head = nn.Linear(64, 10)",
        "x = F.instance_norm(self.conv(x.view(-1, 1, 8, 8)))\nreturn self.head(F.relu(x).flatten(1))",
        ("F.instance_norm(self.conv(x.view(-1, 1, 8, 8)))", "F.group_norm(self.conv(x.view(-1, 1, 8, 8)), 1)"),
    )
    run = "return self.net(x)"
    zero = "\nfor m in self.modules():\n    if isinstance(m, nn.{0}):\n        nn.init.zeros_(m.weight)"
    layers = ", ".join(["nn.Linear(64, width), nn.{0}(width), nn.ReLU()"] * 3)
    for norm in ("BatchNorm1d", "LayerNorm"):
        build = f"self.net = nn.Sequential({layers.format(norm)}, nn.Linear(width, 10)){zero.format(norm)}"
        yield plain("VG204", f"three {norm}", build, run, ("nn.init.zeros_(m.weight)", "nn.init.ones_(m.weight)"))
    one = "self.a = nn.Linear(64, width)\nself.norm = nn.BatchNorm1d(width)\nself.b = nn.Linear(width, 10)\nnn.init.constant_(self.norm.weight, 0)"
    yield plain(
        "VG204",
        "one BatchNorm1d",
        one,
        "return self.b(F.relu(self.norm(self.a(x))))",
        ("constant_(self.norm.weight, 0)", "constant_(self.norm.weight, 1)"),
    )
    maps = "self.conv = nn.Conv2d(1, 16, 3, padding=1)\nself.norm = nn.GroupNorm(4, 16)\nself.head = nn.Linear(256, 10)\nself.norm.weight.data.zero_()"
    yield plain(
        "VG204",
        "GroupNorm of a convolution",
        maps,
        "x = F.relu(self.norm(self.conv(x.view(-1, 1, 8, 8))))\nreturn self.head(F.max_pool2d(x, 2).flatten(1))",
        ("weight.data.zero_()", "weight.data.fill_(1.0)"),
    )
    for norm, depth, mended in (
        ("BatchNorm1d(width, 0.8)", 10, "BatchNorm1d(width, momentum=0.8)"),
        ("BatchNorm1d(width, 0.8)", 4, "BatchNorm1d(width, momentum=0.8)"),
        ("LayerNorm(width, eps=1.0)", 6, "LayerNorm(width)"),
        ("BatchNorm1d(width, eps=0.5)", 8, "BatchNorm1d(width)"),
    ):
        build = f"layers = [nn.Linear(64, width)]\nfor _ in range({depth}):\n    layers += [nn.{norm}, nn.ReLU(), nn.Linear(width, width)]\nself.net = nn.Sequential(*layers, nn.ReLU(), nn.Linear(width, 10))"
        yield plain("VG205", f"{depth} {norm}", build, run, (f"nn.{norm}", f"nn.{mended}"))
