"""Eight clear faults, and ways of making the model that has one: lists, functions, registries, classes, configurations."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """A model with a fault, or the nearest one without: layers of a turn, turns, what follows, how weights are set anew."""

    rule: str
    hidden: str = "nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU()"
    depth: int = 3
    tail: str = ""
    weight: str = ""
    """A call that initialises `m.weight`."""
    kept: str = "nn.ModuleList"
    zeroes: bool = True
    needs: str = "model"
    """What it takes to be seen: a `model`, a `loss`, a `loop` that is written out, or a `class`."""


RELU = "nn.Linear(64, 64), nn.ReLU()"
KAIMING = "nn.init.kaiming_normal_(m.weight, nonlinearity='relu')"
FAULTS = (
    (Fault("VG101", "nn.Linear(64, 64), nn.Sigmoid()", 8), Fault("VG101", depth=8)),
    (Fault("VG102", RELU, 12), Fault("VG102", depth=8)),
    (Fault("VG103", RELU, 6, weight="nn.init.normal_(m.weight, std=1.0)"), Fault("VG103", RELU, 6, weight=KAIMING)),
    (Fault("VG301", depth=30), Fault("VG301", depth=6)),
    (Fault("VG401", RELU, 3, weight="nn.init.zeros_(m.weight)"), Fault("VG401", RELU, 3, weight=KAIMING)),
    (Fault("VG701", tail="nn.Softmax(dim=1)", needs="loss"), Fault("VG701", needs="loss")),
    (Fault("VG801", kept="", needs="class"), Fault("VG801", needs="class")),
    (Fault("VG903", zeroes=False, needs="loop"), Fault("VG903", needs="loop")),
)


@dataclass(frozen=True, slots=True)
class Made:
    """Definitions, and statements that bind `model`."""

    definitions: str
    statements: str


# ---- ways of making


def indented(text: str, by: int = 1) -> str:
    return textwrap.indent(text, "    " * by)


def _initialised(fault: Fault, model: str) -> str:
    if not fault.weight:
        return ""
    return f"for m in {model}.modules():\n    if isinstance(m, nn.Linear):\n        {fault.weight}\n        nn.init.zeros_(m.bias)\n"


def _ends(fault: Fault) -> str:
    return "nn.Linear(64, 3)" + (f", {fault.tail}" if fault.tail else "")


def starred(fault: Fault) -> Made:
    build = f"model = nn.Sequential(*[m for _ in range({fault.depth}) for m in ({fault.hidden})], {_ends(fault)})\n"
    return Made("", build + _initialised(fault, "model"))


def listed(fault: Fault) -> Made:
    build = f"layers = []\nfor _ in range({fault.depth}):\n    layers += [{fault.hidden}]\n"
    return Made("", f"{build}model = nn.Sequential(*layers, {_ends(fault)})\n" + _initialised(fault, "model"))


def ordered(fault: Fault) -> Made:
    build = f"layers = OrderedDict()\nfor i in range({fault.depth}):\n"
    build += f"    for j, m in enumerate(({fault.hidden})):\n        layers[f'part{{i}}_{{j}}'] = m\n"
    build += f"for j, m in enumerate(({_ends(fault)},)):\n    layers[f'out{{j}}'] = m\nmodel = nn.Sequential(layers)\n"
    return Made("from collections import OrderedDict\n", build + _initialised(fault, "model"))


def appended(fault: Fault) -> Made:
    build = f"model = nn.Sequential()\nfor _ in range({fault.depth}):\n    for m in ({fault.hidden}):\n        model.append(m)\n"
    return Made("", f"{build}for m in ({_ends(fault)},):\n    model.append(m)\n" + _initialised(fault, "model"))


def added(fault: Fault) -> Made:
    build = f"model = nn.Sequential()\nfor i in range({fault.depth}):\n    for j, m in enumerate(({fault.hidden})):\n"
    build += f"        model.add_module(f'{{i}}_{{j}}', m)\nfor j, m in enumerate(({_ends(fault)},)):\n    model.add_module(f'out{{j}}', m)\n"
    return Made("", build + _initialised(fault, "model"))


def written_out(fault: Fault) -> Made:
    rows = "".join(f"    {fault.hidden},\n" for _ in range(fault.depth))
    return Made("", f"model = nn.Sequential(\n{rows}    {_ends(fault)},\n)\n" + _initialised(fault, "model"))


def nested(fault: Fault) -> Made:
    build = f"body = nn.Sequential(*(nn.Sequential({fault.hidden}) for _ in range({fault.depth})))\n"
    return Made(
        "", f"{build}model = nn.Sequential(body, nn.Sequential({_ends(fault)}))\n" + _initialised(fault, "model")
    )


def by_function(fault: Fault) -> Made:
    body = f"layers = []\nfor _ in range(depth):\n    layers.extend([{fault.hidden}])\nlayers += [{_ends(fault)}]\n"
    body += "net = nn.Sequential(*layers)\n" + _initialised(fault, "net") + "return net\n"
    return Made(f"def build(depth):\n{indented(body)}\n\n", f"model = build({fault.depth})\n")


def by_registry(fault: Fault) -> Made:
    made = by_function(fault)
    table = "MODELS = {'mlp': build, 'none': lambda depth: nn.Linear(64, 3)}\n\n"
    return Made(made.definitions + table, f"model = MODELS['mlp'](depth={fault.depth})\n")


def by_applied(fault: Fault) -> Made:
    made = starred(replace(fault, weight=""))
    if not fault.weight:
        return made
    body = f"if isinstance(m, nn.Linear):\n    {fault.weight}\n    m.bias.data.fill_(0.0)\n"
    return Made(f"def set_weights(m):\n{indented(body)}\n\n", made.statements + "model.apply(set_weights)\n")


def _class(fault: Fault, init: str, forward: str, signature: str = "self", name: str = "Net") -> str:
    init = f"super().__init__()\n{init}{_initialised(fault, 'self')}"
    text = f"def __init__({signature}):\n{indented(init)}\ndef forward(self, x):\n{indented(forward)}"
    return f"class {name}(nn.Module):\n{indented(text)}\n\n"


def module_list(fault: Fault) -> Made:
    close = ")" if fault.kept else ""
    init = (
        f"self.layers = {fault.kept}{'(' if close else ''}[m for _ in range(depth) for m in ({fault.hidden})]{close}\n"
    )
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers:\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward, f"self, depth={fault.depth}"), "model = Net()\n")


def with_arguments(fault: Fault) -> Made:
    made = module_list(fault)
    definitions = made.definitions.replace(f"depth={fault.depth}", "depth")
    return Made(definitions, f"depth = {fault.depth}\nmodel = Net(depth)\n")


def with_configuration(fault: Fault) -> Made:
    made = module_list(fault)
    definitions = made.definitions.replace(f"self, depth={fault.depth}", "self, config").replace(
        "range(depth)", "range(config.depth)"
    )
    table = "from dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n    depth: int = 1\n    rate: float = 0.1\n\n\n"
    return Made(table + definitions, f"model = Net(Config(depth={fault.depth}))\n")


def held_sequential(fault: Fault) -> Made:
    init = f"self.net = nn.Sequential(*[m for _ in range({fault.depth}) for m in ({fault.hidden})], {_ends(fault)})\n"
    return Made(_class(fault, init, "return self.net(x)\n"), "model = Net()\n")


def by_names(fault: Fault) -> Made:
    init = f"self.depth = {fault.depth}\nfor i in range(self.depth):\n    setattr(self, f'part{{i}}', nn.Sequential({fault.hidden}))\n"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for i in range(self.depth):\n    x = getattr(self, f'part{i}')(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


def of_blocks(fault: Fault) -> Made:
    plain = replace(fault, weight="")
    block = _class(plain, f"self.body = nn.Sequential({fault.hidden})\n", "return self.body(x)\n", name="Block")
    build = f"model = nn.Sequential(*[Block() for _ in range({fault.depth})], {_ends(fault)})\n"
    return Made(block, build + _initialised(fault, "model"))


def list_in_loop(fault: Fault) -> Made:
    close = f"self.layers = {fault.kept}(self.layers)\n" if fault.kept else ""
    init = f"self.layers = []\nfor _ in range({fault.depth}):\n    self.layers.append(nn.Sequential({fault.hidden}))\n{close}"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers:\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


def dict_of_layers(fault: Fault) -> Made:
    pair = ("nn.ModuleDict(", ")") if fault.kept else ("", "")
    init = f"self.layers = {pair[0]}{{f'part{{i}}': nn.Sequential({fault.hidden}) for i in range({fault.depth})}}{pair[1]}\n"
    init += f"self.out = nn.Sequential({_ends(fault)})\n"
    forward = "for layer in self.layers.values():\n    x = layer(x)\nreturn self.out(x)\n"
    return Made(_class(fault, init, forward), "model = Net()\n")


CLASSES = (module_list, with_arguments, list_in_loop, with_configuration, dict_of_layers)
MAKINGS = (
    starred,
    module_list,
    listed,
    ordered,
    by_function,
    with_arguments,
    appended,
    held_sequential,
    written_out,
    with_configuration,
    nested,
    by_names,
    added,
    of_blocks,
    by_registry,
    by_applied,
)
