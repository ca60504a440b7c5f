"""Ways in which people write the small pieces of a model: an activation, a norm, an initialisation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from textwrap import dedent, indent
from typing import Literal, TypeAlias

InputKind: TypeAlias = Literal["normal", "tokens"]
Loss: TypeAlias = Literal["cross_entropy", "mse", "mean", "tokens"]


@dataclass(frozen=True, slots=True)
class Input:
    """One argument of `forward`: its shape with the batch, and what fills it (`tokens` below `high`)."""

    shape: tuple[int, ...]
    kind: InputKind = "normal"
    high: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """One generated file: its text, the expression that builds the model, and what the generator chose."""

    name: str
    family: str
    source: str
    entry: str
    inputs: tuple[Input, ...]
    loss: Loss
    depth: int
    activation: str
    init: str
    norm: str
    residual: bool = False
    steps: int = 0
    """Time steps of a recurrent model, 0 elsewhere."""
    task: bool = False
    """True for a classifier of 64 numbers, or 8×8 images, into 10 classes: one that the short trainings can use."""


@dataclass(frozen=True, slots=True)
class Act:
    """One activation: the module that people write, and the call, with `{}` for the operand ('' where torch has none)."""

    modules: tuple[str, ...]
    calls: tuple[str, ...]


ACTIVATIONS: dict[str, Act] = {
    "sigmoid": Act(("nn.Sigmoid()",), ("torch.sigmoid({})", "{}.sigmoid()", "F.sigmoid({})")),
    "tanh": Act(("nn.Tanh()",), ("torch.tanh({})", "{}.tanh()", "F.tanh({})")),
    "relu": Act(("nn.ReLU()", "nn.ReLU(inplace=True)", "nn.ReLU(True)"), ("F.relu({})", "torch.relu({})", "{}.relu()")),
    "leaky_relu": Act(
        ("nn.LeakyReLU(0.2)", "nn.LeakyReLU(negative_slope=0.2)", "nn.LeakyReLU(0.2, inplace=True)"),
        ("F.leaky_relu({}, 0.2)", "F.leaky_relu({}, negative_slope=0.2)"),
    ),
    "prelu": Act(("nn.PReLU()",), ()),
    "elu": Act(("nn.ELU()", "nn.ELU(alpha=1.0)"), ("F.elu({})",)),
    "selu": Act(("nn.SELU()",), ("F.selu({})", "torch.selu({})")),
    "celu": Act(("nn.CELU()",), ("F.celu({})",)),
    "gelu": Act(("nn.GELU()", 'nn.GELU(approximate="tanh")'), ("F.gelu({})", 'F.gelu({}, approximate="tanh")')),
    "silu": Act(("nn.SiLU()", "nn.SiLU(inplace=True)"), ("F.silu({})", "{} * torch.sigmoid({})")),
    "mish": Act(("nn.Mish()",), ("F.mish({})",)),
    "softplus": Act(("nn.Softplus()",), ("F.softplus({})",)),
    "hardtanh": Act(("nn.Hardtanh()",), ("F.hardtanh({})", "torch.clamp({}, -1, 1)")),
    "hardsigmoid": Act(("nn.Hardsigmoid()",), ("F.hardsigmoid({})",)),
    "hardswish": Act(("nn.Hardswish()",), ("F.hardswish({})",)),
    "relu6": Act(("nn.ReLU6()", "nn.ReLU6(inplace=True)"), ("F.relu6({})",)),
    "softsign": Act(("nn.Softsign()",), ("F.softsign({})",)),
    "logsigmoid": Act(("nn.LogSigmoid()",), ("F.logsigmoid({})",)),
}

COMMON = ("relu", "relu", "relu", "gelu", "silu", "leaky_relu", "tanh", "elu", "sigmoid")
"""Activations about as often as people take them."""


def draw_activation(rng: Random) -> str:
    return rng.choice(COMMON) if rng.random() < 0.55 else rng.choice(sorted(ACTIVATIONS))


def act_module(rng: Random, name: str) -> str:
    return rng.choice(ACTIVATIONS[name].modules)


def act_class(name: str) -> str:
    """Returns the class as it is handed around: `nn.ReLU`; activations that need arguments have none."""
    return ACTIVATIONS[name].modules[0].split("(")[0]


def act_call(rng: Random, name: str, operand: str) -> str | None:
    """Returns a functional spelling applied to `operand`, None where torch has none."""
    calls = ACTIVATIONS[name].calls
    return rng.choice(calls).replace("{}", operand) if calls else None


WEIGHT_INITS: dict[str, tuple[str, ...]] = {
    "xavier_uniform": ("nn.init.xavier_uniform_({w})", "torch.nn.init.xavier_uniform_({w}, gain=1.0)"),
    "xavier_normal": ("nn.init.xavier_normal_({w})",),
    "xavier_gain": (
        'nn.init.xavier_uniform_({w}, gain=nn.init.calculate_gain("{gain}"))',
        'nn.init.xavier_normal_({w}, gain=nn.init.calculate_gain("{gain}"))',
    ),
    "kaiming_normal": (
        'nn.init.kaiming_normal_({w}, nonlinearity="relu")',
        'nn.init.kaiming_normal_({w}, mode="fan_in", nonlinearity="relu")',
        "nn.init.kaiming_normal_({w})",
    ),
    "kaiming_uniform": ('nn.init.kaiming_uniform_({w}, nonlinearity="relu")', "nn.init.kaiming_uniform_({w}.data)"),
    "kaiming_fan_out": ('nn.init.kaiming_normal_({w}, mode="fan_out", nonlinearity="relu")',),
    "normal_0.01": ("nn.init.normal_({w}, 0, 0.01)", "{w}.data.normal_(0, 0.01)", "nn.init.normal_({w}, std=0.01)"),
    "normal_0.02": ("nn.init.normal_({w}, mean=0.0, std=0.02)", "{w}.data.normal_(0.0, 0.02)"),
    "normal_0.05": ("nn.init.normal_({w}, 0.0, 0.05)", "{w}.data.normal_(mean=0.0, std=0.05)"),
    "normal_0.1": ("nn.init.normal_({w}, 0.0, 0.1)", "torch.nn.init.normal_({w}, std=0.1)"),
    "normal_0.5": ("nn.init.normal_({w}, 0.0, 0.5)", "torch.nn.init.normal_({w}, std=0.5)"),
    "trunc_normal": ("nn.init.trunc_normal_({w}, std=0.02)", "nn.init.trunc_normal_({w}, mean=0.0, std=0.02)"),
    "uniform_0.08": ("nn.init.uniform_({w}, -0.08, 0.08)", "{w}.data.uniform_(-0.08, 0.08)"),
    "orthogonal": ("nn.init.orthogonal_({w})", "nn.init.orthogonal_({w}, gain=1.0)"),
    "orthogonal_gain": (
        'nn.init.orthogonal_({w}, gain=nn.init.calculate_gain("{gain}"))',
        "nn.init.orthogonal_({w}, math.sqrt(2))",
    ),
    "lecun": (
        "nn.init.normal_({w}, std=1.0 / math.sqrt({w}[0].numel()))",
        'nn.init.kaiming_normal_({w}, nonlinearity="linear")',
        "nn.init.normal_({w}, 0.0, ({w}.size(1) * {w}[0][0].numel()) ** -0.5)",
    ),
}

BIAS_INITS = (
    "nn.init.zeros_({b})",
    "{b}.data.zero_()",
    "nn.init.constant_({b}, 0)",
    "{b}.data.fill_(0)",
    "nn.init.constant_({b}, 0.0)",
)

GAINS = {"tanh": "tanh", "relu": "relu", "leaky_relu": "leaky_relu", "selu": "selu", "sigmoid": "sigmoid"}


def draw_init(rng: Random, activation: str, *, matched: bool = False) -> str:
    """Draws an initialisation: the default for most, the one that matches the activation more often than any other."""
    if not matched and rng.random() < 0.38:
        return "default"
    if matched or rng.random() < 0.5:
        match activation:
            case "tanh" | "sigmoid" | "softsign" | "hardtanh":
                return rng.choice(("xavier_uniform", "xavier_normal", "xavier_gain", "orthogonal"))
            case "selu":
                return "lecun"
            case _:
                return rng.choice(("kaiming_normal", "kaiming_uniform", "kaiming_fan_out", "orthogonal_gain"))
    return rng.choice(sorted(WEIGHT_INITS))


@dataclass(frozen=True, slots=True)
class InitText:
    """An initialisation as text: a function of the file, a method of the class, and the lines that end `__init__`."""

    module: str = ""
    method: str = ""
    call: str = ""


def write_init(rng: Random, init: str, activation: str, layers: tuple[str, ...], *, norm: str = "none") -> InitText:
    """Writes an initialisation of `layers` (`nn.Linear`, …) in one of the ways that people use."""
    if init == "default":
        return InitText()
    gain = GAINS.get(activation, "relu")
    weight = rng.choice(WEIGHT_INITS[init]).replace("{gain}", gain)
    bias = rng.choice(BIAS_INITS) if rng.random() < 0.8 else ""
    kinds = layers[0] if len(layers) == 1 else "(" + ", ".join(layers) + ")"
    style = rng.choice(("function", "function", "method", "method", "loop", "loop", "own", "names"))
    if style == "names" and (norm != "none" or "[0]" in weight or "data.data" in weight.replace("{w}", "p.data")):
        style = "loop"

    def body(module: str) -> str:
        lines = [f"if isinstance({module}, {kinds}):", "    " + weight.replace("{w}", f"{module}.weight")]
        if bias:
            lines += [f"    if {module}.bias is not None:", "        " + bias.replace("{b}", f"{module}.bias")]
        if norm == "batch" and rng.random() < 0.5:
            lines += [f"elif isinstance({module}, (nn.BatchNorm1d, nn.BatchNorm2d)):"]
            lines += [f"    nn.init.constant_({module}.weight, 1)", f"    nn.init.constant_({module}.bias, 0)"]
        return "\n".join(lines)

    match style:
        case "function":
            name = rng.choice(("init_weights", "weights_init", "_init_weights"))
            return InitText(module=f"def {name}(m):\n" + indent(body("m"), "    "), call=f"self.apply({name})")
        case "method":
            name = rng.choice(("_init_weights", "init_weights", "_initialize"))
            text = f"def {name}(self, module):\n" + indent(body("module"), "    ")
            return InitText(method=text, call=f"self.apply(self.{name})")
        case "loop":
            return InitText(call="for m in self.modules():\n" + indent(body("m"), "    "))
        case "own":
            name = rng.choice(("reset_parameters", "_initialize_weights", "initialize"))
            text = f"def {name}(self):\n    for m in self.modules():\n" + indent(body("m"), "        ")
            return InitText(method=text, call=f"self.{name}()")
        case _:
            lines = [
                "for name, p in self.named_parameters():",
                "    if p.dim() > 1:",
                "        " + weight.replace("{w}", "p"),
            ]
            if bias:
                lines += ['    elif "bias" in name:', "        " + bias.replace("{b}", "p")]
            return InitText(call="\n".join(lines))


def file_text(*parts: str) -> str:
    """Joins the parts of a file, with the imports that its text needs on top."""
    body = "\n\n\n".join(part.strip("\n") for part in parts if part.strip())
    imports = ["import torch"] if re.search(r"\btorch\.", body) else []
    imports = (["import math\n"] if "math." in body else []) + imports + ["import torch.nn as nn"]
    if "F." in body:
        imports.append("import torch.nn.functional as F")
    return "\n".join(imports) + "\n\n\n" + body + "\n"


def class_text(
    name: str, signature: str, init: str, forward: str, *, argument: str = "x", methods: str = "", note: str = ""
) -> str:
    """Writes one module: `signature` after self, the lines of `__init__` and `forward`, further methods."""
    lines = [f"class {name}(nn.Module):"]
    if note:
        lines += [f'    """{note}"""', ""]
    lines += [
        f"    def __init__({', '.join(part for part in ('self', signature) if part)}):",
        "        super().__init__()",
    ]
    text = "\n".join(lines) + "\n" + indent(dedent(init).strip("\n"), "        ") + "\n"
    if methods.strip():
        text += "\n" + indent(dedent(methods).strip("\n"), "    ") + "\n"
    return text + f"\n    def forward(self, {argument}):\n" + indent(dedent(forward).strip("\n"), "        ")


def norm_module(norm: str, width: str, *, dims: int = 1) -> str:
    """Writes the norm layer over `width` channels; '' for none."""
    match norm:
        case "batch":
            return f"nn.BatchNorm{dims}d({width})"
        case "layer":
            return f"nn.LayerNorm({width})" if dims == 1 else f"nn.GroupNorm(1, {width})"
        case "group":
            return f"nn.GroupNorm({8 if dims == 2 else 4}, {width})"
        case "instance":
            return f"nn.InstanceNorm{dims}d({width}, affine=True)"
        case _:
            return ""
