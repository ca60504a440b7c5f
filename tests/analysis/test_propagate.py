"""Predictions against gradients that torch measures, and what must stay unknown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.analysis.building import DEFAULT, Builder
from tests.analysis.tracing import trace_module
from vglint.analysis.parametric import depths
from vglint.analysis.propagate import propagate
from vglint.analysis.ratio import WEIGHTED, ratio
from vglint.graph import Init
from vglint.value import Expr

ZEROS = Init("zeros")
HE = Init("kaiming_normal", (("a", 0.0), ("mode", "fan_in"), ("nonlinearity", "relu")))


class Residual(nn.Module):
    def __init__(self, width: int, norm: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.norm, self.one, self.two = norm(), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.two(torch.relu(self.one(self.norm(x))))


class Cut(nn.Module):
    """A residual block that cuts its stream: relu(x + F(x))."""

    def __init__(self, width: int, norm: bool) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)
        self.norm1 = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.norm2 = nn.BatchNorm1d(width) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.norm2(self.two(torch.relu(self.norm1(self.one(x))))))


class Block(nn.Module):
    """A basic block of a residual network, activation behind the sum."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside)
        self.conv2, self.bn2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside)
        self.short = nn.Identity()
        if stride != 1 or inside != outside:
            self.short = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.short(x))


class Encoder(nn.Module):
    """A pre-norm transformer block with attention written out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(c // self.heads), dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(b, t, c))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 32, 3, 1, 1), nn.Conv2d(32, 64, 3, 1, 1)
        self.up, self.c, self.d = nn.ConvTranspose2d(64, 32, 2, 2), nn.Conv2d(64, 32, 3, 1, 1), nn.Conv2d(32, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        a = torch.relu(self.a(x))
        b = torch.relu(self.b(nn.functional.max_pool2d(a, 2)))
        return self.d(torch.relu(self.c(torch.cat([self.up(b), a], dim=1))))


class Dense(nn.Module):
    """A densely connected layer: what it adds stands beside what it got."""

    def __init__(self, inside: int, growth: int, scale: float) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(inside), nn.Conv2d(inside, growth, 3, 1, 1, bias=False)
        nn.init.normal_(self.conv.weight, std=scale / math.sqrt(9 * inside))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(torch.relu(self.norm(x))), x], dim=1)


class Dual(nn.Module):
    """Some channels are a residual stream, the rest is kept as it is and grows."""

    def __init__(self, inside: int, stream: int, growth: int) -> None:
        super().__init__()
        self.stream = stream
        self.conv, self.norm = nn.Conv2d(inside, stream + growth, 3, 1, 1, bias=False), nn.BatchNorm2d(stream + growth)

    def forward(self, x: Tensor) -> Tensor:
        d, out = self.stream, self.norm(self.conv(x))
        return torch.relu(torch.cat([x[:, :d] + out[:, :d], x[:, d:], out[:, d:]], dim=1))


class Padded(nn.Module):
    """A residual block that halves the map and pads the channels of its shortcut."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        self.extra = inside // 2
        self.conv, self.norm = nn.Conv2d(inside, 2 * inside, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * inside)

    def forward(self, x: Tensor) -> Tensor:
        short = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))
        return torch.relu(self.norm(self.conv(x)) + short)


def stack(
    width: int, depth: int, act: Callable[[], nn.Module], norm: Callable[[], nn.Module] | None = None
) -> nn.Module:
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(32 if i == 0 else width, width), *([norm()] if norm else []), act()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def he(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def images(size: int) -> Tensor:
    return torch.randn(16, 3, size, size)


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], float]] = {
    "sigmoid": (lambda: stack(64, 8, nn.Sigmoid), lambda: torch.randn(32, 32), 0.15),
    "tanh": (lambda: stack(64, 16, nn.Tanh), lambda: torch.randn(32, 32), 0.15),
    "relu": (lambda: stack(64, 12, nn.ReLU), lambda: torch.randn(32, 32), 0.25),
    "gelu": (lambda: stack(128, 8, nn.GELU), lambda: torch.randn(32, 32), 0.15),
    "He ReLU": (lambda: he(stack(128, 16, nn.ReLU)), lambda: torch.randn(32, 32), 0.2),
    "BatchNorm": (lambda: stack(64, 12, nn.ReLU, lambda: nn.BatchNorm1d(64)), lambda: torch.randn(64, 32), 0.15),
    "LayerNorm": (lambda: stack(64, 8, nn.Sigmoid, lambda: nn.LayerNorm(64)), lambda: torch.randn(32, 32), 0.2),
    "residual": (
        lambda: nn.Sequential(nn.Linear(32, 64), *(Residual(64, lambda: nn.LayerNorm(64)) for _ in range(6)), nn.Linear(64, 10)),
        lambda: torch.randn(32, 32),
        0.1,
    ),
    "convolutions": (
        lambda: nn.Sequential(
            *(m for i in range(8) for m in (nn.Conv2d(3 if i == 0 else 16, 16, 3, 2 if i == 4 else 1, 1), nn.ReLU())),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
        ),
        lambda: images(12),
        0.25,
    ),
    "max pooling": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(16, 32, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, 1, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 16, 10),
        ),
        lambda: images(16),
        0.15,
    ),
    "ResNet": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
        ),
        lambda: images(16),
        0.15,
    ),
    "cut streams": (
        lambda: nn.Sequential(nn.Linear(32, 64), nn.ReLU(), *(Cut(64, True) for _ in range(24)), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
        lambda: torch.randn(128, 32),
        0.2,
    ),
    "cut streams without a norm": (
        lambda: nn.Sequential(nn.Linear(32, 64), nn.ReLU(), *(Cut(64, False) for _ in range(24)), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
        lambda: torch.randn(32, 32),
        0.25,
    ),
    "auto-encoder": (
        lambda: he(nn.Sequential(
            nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 32), nn.ReLU(),
            nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 256),
        )),
        lambda: torch.randn(64, 256),
        0.15,
    ),
    "dense connections": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 32, 3, 1, 1), *(Dense(32 + 8 * i, 8, 0.3) for i in range(6)), nn.BatchNorm2d(80), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(80, 10),
        ),
        lambda: images(8),
        0.15,
    ),
    "dual path": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU(), *(Dual(64 + 8 * i, 64, 8) for i in range(5)),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(104, 10),
        ),
        lambda: images(8),
        0.15,
    ),
    "padded shortcuts": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Padded(16), Padded(32), Padded(64),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10),
        ),
        lambda: images(16),
        0.15,
    ),
    "U-Net": (UNet, lambda: images(16), 0.15),
    "transformer": (
        lambda: nn.Sequential(nn.Linear(24, 32), *(Encoder(32, 4) for _ in range(4)), nn.LayerNorm(32), nn.Linear(32, 10)),
        lambda: torch.randn(8, 12, 24),
        0.15,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CASES))
def test_ratio_is_what_torch_measures(name: str) -> None:
    make, data, margin = CASES[name]
    torch.set_num_threads(1)
    measured, predicted = [], []
    for seed in range(5):
        torch.manual_seed(seed)
        model, x = make(), data()
        graph = trace_module(model, x)
        trace = propagate(graph, batch=len(x))
        found = ratio(graph, trace)
        assert found.log10_ratio is not None and found.first is not None and found.last is not None, trace.abstained
        predicted.append(found.log10_ratio)
        measured.append(measure(model, x, graph.nodes[found.first].path, graph.nodes[found.last].path))
    assert statistics.median(predicted) == pytest.approx(statistics.median(measured), abs=margin)


def measure(model: nn.Module, x: Tensor, first: str, last: str) -> float:
    """Returns log10 RMS gradient at the output of `first` over that of `last` under cross-entropy with random labels,
    under a squared loss for a model that gives back what it gets."""
    kept: dict[str, Tensor] = {}
    handles = []
    for path in (first, last):

        def keep(module: nn.Module, args: object, output: Tensor, path: str = path) -> None:
            output.retain_grad()
            kept[path] = output

        handles.append(model.get_submodule(path).register_forward_hook(keep))
    output = model(x)
    flat = output.flatten(2).transpose(1, 2).flatten(0, 1) if output.dim() == 4 else output.flatten(0, -2)
    if output.shape == x.shape:
        nn.functional.mse_loss(output, torch.randn_like(x)).backward()  # type: ignore[no-untyped-call]
    else:
        nn.functional.cross_entropy(flat, torch.randint(flat.shape[-1], flat.shape[:1])).backward()
    for handle in handles:
        handle.remove()
    one, other = (kept[path].grad for path in (first, last))
    assert one is not None and other is not None
    return math.log10(one.pow(2).mean().sqrt().item() / other.pow(2).mean().sqrt().item())


def test_signals_are_what_torch_measures() -> None:
    torch.manual_seed(0)
    model = stack(256, 4, nn.ReLU)
    x = torch.randn(256, 32)
    trace = propagate(trace_module(model, x), batch=256)
    for index, module in enumerate(list(model.children())[:-1], 1):
        x = module(x)
        signal = trace.signals[index]
        assert signal is not None
        assert signal.q == pytest.approx(x.pow(2).mean().item(), rel=0.15)


def chain(width: int | Expr | None, depth: int = 6, init: Init = DEFAULT) -> Builder:
    built = Builder()
    x = built.op("input", name="x")
    for i in range(depth):
        x = built.op("relu", built.linear(x, width, width, f"fc{i}", init))
    built.linear(x, width, 10, "head", init)
    return built


def test_a_width_that_is_not_known_cancels() -> None:
    known, symbolic = (chain(width).graph(13) for width in (4096, Expr.symbol("hidden")))
    wanted = ratio(known, propagate(known)).log10_ratio
    assert wanted is not None
    assert ratio(symbolic, propagate(symbolic)).log10_ratio == pytest.approx(wanted, abs=0.01)


def test_widths_of_which_nothing_is_known_may_differ() -> None:
    graph = chain(None).graph(13)
    assert ratio(graph, propagate(graph)).log10_ratio is None


def test_a_width_that_does_not_cancel_is_unknown() -> None:
    graph = chain(Expr.symbol("hidden"), init=Init("normal", (("mean", 0.0), ("std", 0.02)))).graph(13)
    assert ratio(graph, propagate(graph)).log10_ratio is None


def test_a_norm_makes_an_unknown_scale_cancel() -> None:
    built = Builder()
    width = Expr.symbol("hidden")
    x = built.op("input", name="x")
    small = Init("normal", (("mean", 0.0), ("std", 0.02)))
    for i in range(4):
        params = {"weight": built.parameter(f"norm{i}.weight", (width,), Init("ones"))}
        fc = built.linear(x, width, width, f"fc{i}", small)
        x = built.op(
            "relu", built.op("layer_norm", fc, path=f"norm{i}", params=params, normalized_shape=(width,), eps=1e-5)
        )
    head = built.linear(x, width, 10, "head", small)
    graph = built.graph(head)
    assert ratio(graph, propagate(graph)).log10_ratio == pytest.approx(0.5 * math.log10(0.5), abs=0.01)


def test_what_is_not_understood_is_unknown_only_where_it_matters() -> None:
    built = Builder()
    x = built.op("input", name="x")
    one = built.linear(x, 64, 64, "one")
    strange = built.op("opaque", one)
    two = built.linear(strange, 64, 64, "two")
    head = built.linear(two, 64, 10, "head")
    trace = propagate(built.graph(head))
    assert trace.signals[two] is None and trace.gradients[one] is None
    assert trace.signals[one] is not None and trace.gradients[strange] is not None
    assert any(index == strange for index, _ in trace.abstained)


def test_a_sum_with_an_unknown_is_unknown() -> None:
    built = Builder()
    x = built.op("input", name="x")
    one = built.linear(x, 64, 64, "one")
    total = built.op("add", one, built.op("opaque", one))
    head = built.linear(built.op("relu", total), 64, 10, "head")
    trace = propagate(built.graph(head))
    assert trace.signals[total] is None and trace.gradients[one] is None and trace.signals[head] is None


@pytest.mark.parametrize(
    "init", [Init("uniform", (("a", 0.0), ("b", 1.0))), Init("constant", (("val", 0.1),)), Init("unknown")]
)
def test_weights_with_a_mean_are_abstained_from(init: Init) -> None:
    graph = chain(64, init=init).graph(13)
    trace = propagate(graph)
    assert ratio(graph, trace).log10_ratio is None
    assert trace.abstained


def test_a_branch_that_is_zero_costs_nothing() -> None:
    built = Builder()
    x = built.linear(built.op("input", name="x"), 64, 64, "stem")
    stem = x
    for i in range(4):
        inner = built.op("relu", built.linear(x, 64, 64, f"in{i}"))
        x = built.op("add", x, built.linear(inner, 64, 64, f"out{i}", ZEROS))
    head = built.linear(x, 64, 10, "head")
    trace = propagate(built.graph(head))
    assert trace.gradients[stem] == pytest.approx(trace.gradients[x], abs=1e-6)
    assert trace.gradients[stem + 1] is None


def test_a_tensor_added_to_itself_doubles() -> None:
    built = Builder()
    x = built.linear(built.op("input", name="x"), 64, 64, "fc")
    twice = built.op("add", x, x)
    none = built.op("sub", x, x)
    trace = propagate(built.graph(twice, none))
    before, after, gone = (trace.signals[i] for i in (x, twice, none))
    assert before is not None and after is not None and gone is not None
    assert after.q == pytest.approx(4 * before.q) and gone.q == pytest.approx(0.0, abs=1e-12)


def test_a_functional_layer_reads_its_parameter() -> None:
    built = Builder()
    x = built.op("input", name="x")
    weight = built.op("parameter", params={"value": built.parameter("weight", (64, 64), HE)}, shape=(64, 64))
    y = built.op("linear", x, weight)
    product = built.op("matmul", built.op("relu", y), weight)
    trace = propagate(built.graph(product))
    first, second = trace.signals[y], trace.signals[product]
    assert first is not None and first.q == pytest.approx(2.0)
    assert second is not None and second.q == pytest.approx(2.0)


def test_a_loop_of_unknown_length_hides_what_lies_above() -> None:
    built = Builder()
    x = built.linear(built.op("input", name="x"), 64, 64, "stem")
    built.loop()
    y = built.op("sigmoid", built.linear(x, 64, 64, "layer"))
    built.region = 0
    head = built.linear(y, 64, 10, "head")
    graph = built.graph(head)
    trace = propagate(graph)
    assert trace.gradients[x] is None and trace.gradients[y] is None and ratio(graph, trace).log10_ratio is None


def test_every_weight_layer_of_the_op_table_is_known() -> None:
    from vglint.ops import OPS

    kinds = {name for name, op in OPS.items() if op.kind in ("weight", "recurrent")}
    assert kinds <= WEIGHTED


def test_a_weight_first_used_inside_a_loop_of_unknown_length_stands_before_its_turns() -> None:
    build = Builder()
    x = build.op("input", name="x")
    build.loop()
    inner = build.linear(x, 32, 32, "inner", HE)
    build.region = 0
    scale = build.op("parameter", params={"value": build.parameter("scale", (32,), Init("ones"))})
    build.region = 1
    y = build.op("mul", build.op("relu", inner), scale)
    build.region = 0
    (found,) = depths(build.graph(build.linear(y, 32, 10, "head")))
    assert found.per_turn == pytest.approx(0.0, abs=0.02)
