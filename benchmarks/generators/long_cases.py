"""Models with one fault of the start or of the shape, whole or in a part of the way only, for trainings of 300 and of 3,000 steps."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generators.advice_cases.case import Case, plain

_STACK = "self.layers = nn.Sequential({layers})\nself.out = nn.Linear(64, 10)"
_RUN = "return self.out(self.layers(x.flatten(1)))"
_BESIDE = "self.layers = nn.Sequential({layers})\nself.short = nn.Linear(64, 64)\nself.out = nn.Linear(64, 10)"
_RUN_BESIDE = "x = x.flatten(1)\nreturn self.out(self.layers(x) + F.relu(self.short(x)))"
_START = "\nfor layer in self.layers:\n    if isinstance(layer, nn.Linear):\n        {call}"


def _layers(depth: int, *behind: str) -> str:
    return f"*[each for _ in range({depth}) for each in (nn.Linear(64, 64), {', '.join(behind)})]"


def _whole(rule: str, name: str, depth: int, *behind: str, start: str = "") -> Case:
    return plain(rule, name, _STACK.format(layers=_layers(depth, *behind)) + start, _RUN)


def _part(rule: str, name: str, depth: int, *behind: str, start: str = "") -> Case:
    return plain(
        rule, f"{name}, beside one ReLU layer", _BESIDE.format(layers=_layers(depth, *behind)) + start, _RUN_BESIDE
    )


def long_cases() -> Iterator[Case]:
    """Yields the models, each rule's whole ones first."""
    for depth in (2, 3, 4, 6, 10):
        yield _whole("VG101", f"{depth} sigmoid layers", depth, "nn.Sigmoid()")
    yield _part("VG101", "6 sigmoid layers", 6, "nn.Sigmoid()")
    yield _whole("VG101", "2 of 4 layers sigmoid", 2, "nn.Sigmoid(), nn.Linear(64, 64), nn.ReLU()")
    for depth in (8, 16, 24):
        yield _whole("VG102", f"{depth} ReLU layers of default initialisation", depth, "nn.ReLU()")
    yield _part("VG102", "16 ReLU layers of default initialisation", 16, "nn.ReLU()")
    small = _START.format(call="nn.init.normal_(layer.weight, std=0.01)")
    for depth in (2, 4):
        yield _whole("VG102", f"{depth} ReLU layers, std 0.01", depth, "nn.ReLU()", start=small)
    yield _part("VG102", "4 ReLU layers, std 0.01", 4, "nn.ReLU()", start=small)
    wide = _START.format(call="nn.init.normal_(layer.weight)")
    for depth in (1, 3, 6):
        yield _whole("VG404", f"{depth} ReLU layers, std 1", depth, "nn.ReLU()", start=wide)
    yield _part("VG404", "3 ReLU layers, std 1", 3, "nn.ReLU()", start=wide)
    one = "\nnn.init.normal_(self.layers[2].weight)"
    yield _whole("VG404", "std 1 in one of 4 ReLU layers", 4, "nn.ReLU()", start=one)
    yield _whole("VG107", "10 SELU layers with dropout of 0.2", 10, "nn.SELU(), nn.Dropout(0.2)")
    yield _whole("VG107", "10 SELU layers with BatchNorm", 10, "nn.BatchNorm1d(64), nn.SELU()")
    zero = (
        "\nfor layer in self.layers:\n    if isinstance(layer, nn.BatchNorm1d):\n        nn.init.zeros_(layer.weight)"
    )
    yield _whole("VG204", "3 BatchNorms whose scales start at zero", 3, "nn.BatchNorm1d(64), nn.ReLU()", start=zero)
    last = "\nnn.init.zeros_(self.layers[4].weight)"
    yield _whole("VG204", "one of 3 BatchNorms, its scale at zero", 3, "nn.BatchNorm1d(64), nn.ReLU()", start=last)
    yield _part("VG204", "3 BatchNorms whose scales start at zero", 3, "nn.BatchNorm1d(64), nn.ReLU()", start=zero)
    for steps, view in ((8, "x.view(-1, 8, 8)"), (64, "x.view(-1, 64, 1)")):
        size = 64 // steps
        build = f'self.rnn = nn.RNN({size}, 64, nonlinearity="relu", batch_first=True)\nself.out = nn.Linear(64, 10)'
        run = f"states, _ = self.rnn({view})\nreturn self.out(states[:, -1])"
        yield plain("VG504", f"a ReLU cell over {steps} steps", build, run)
