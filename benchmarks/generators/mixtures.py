"""Generated models that mix structures: gates, dense concatenation, mixers, towers, convolutions before recurrence."""

from __future__ import annotations

from random import Random

from benchmarks.generators.writing import (
    Input,
    Model,
    act_module,
    class_text,
    draw_activation,
    draw_init,
    file_text,
    norm_module,
    write_init,
)


def mixed(rng: Random, name: str) -> Model:
    kinds = (_mixer, _squeeze, _highway, _dense, _swiglu, _siamese, _inception, _mobile, _convnext, _two_inputs, _tied)
    return rng.choice(kinds)(rng, name)


def _mixer(rng: Random, name: str) -> Model:
    depth = rng.choice((2, 4, 8, 12))
    mlp = class_text(
        "FeedForward",
        "dim, hidden",
        "self.fc1 = nn.Linear(dim, hidden)\nself.act = nn.GELU()\nself.fc2 = nn.Linear(hidden, dim)",
        "return self.fc2(self.act(self.fc1(x)))",
    )
    build = "self.norm1 = nn.LayerNorm(dim)\nself.token_mix = FeedForward(tokens, tokens * 2)\nself.norm2 = nn.LayerNorm(dim)\nself.channel_mix = FeedForward(dim, dim * 4)"
    block = class_text(
        "MixerBlock",
        "dim, tokens",
        build,
        "y = self.norm1(x).transpose(1, 2)\nx = x + self.token_mix(y).transpose(1, 2)\nreturn x + self.channel_mix(self.norm2(x))",
    )
    build = f"self.stem = nn.Conv2d(3, dim, kernel_size=4, stride=4)\nself.blocks = nn.Sequential(*[MixerBlock(dim, 64) for _ in range({depth})])\nself.norm = nn.LayerNorm(dim)\nself.head = nn.Linear(dim, 10)"
    net = class_text(
        "MLPMixer",
        "dim=64",
        build,
        "x = self.stem(x).flatten(2).transpose(1, 2)\nx = self.norm(self.blocks(x))\nreturn self.head(x.mean(dim=1))",
    )
    return Model(
        name,
        "mixed",
        file_text(mlp, block, net),
        "MLPMixer()",
        (Input((8, 3, 32, 32)),),
        "cross_entropy",
        4 * depth,
        "gelu",
        "default",
        "layer",
        True,
    )


def _squeeze(rng: Random, name: str) -> Model:
    depth, norm, activation = rng.choice((3, 5, 8)), rng.choice(("batch", "none")), rng.choice(("relu", "silu"))
    init = draw_init(rng, activation)
    gate = class_text(
        "SEBlock",
        "channels, reduction=4",
        "self.pool = nn.AdaptiveAvgPool2d(1)\nself.fc = nn.Sequential(\n    nn.Linear(channels, channels // reduction),\n    nn.ReLU(),\n    nn.Linear(channels // reduction, channels),\n    nn.Sigmoid(),\n)",
        "b, c, _, _ = x.size()\ny = self.pool(x).view(b, c)\ny = self.fc(y).view(b, c, 1, 1)\nreturn x * y",
    )
    rows = [
        part
        for part in (
            "nn.Conv2d(c_in, c_out, 3, padding=1)",
            norm_module(norm, "c_out", dims=2),
            act_module(rng, activation),
            "SEBlock(c_out)",
        )
        if part
    ]
    written = write_init(rng, init, activation, ("nn.Conv2d",), norm=norm)
    build = [
        "layers = []",
        "c_in = 3",
        f"for _ in range({depth}):",
        "    c_out = width",
        *[f"    layers.append({row})" for row in rows],
        "    c_in = c_out",
    ]
    build += ["self.features = nn.Sequential(*layers)", "self.fc = nn.Linear(width, 10)", written.call]
    net = class_text(
        "SENet",
        "width=32",
        "\n".join(build),
        "x = self.features(x)\nx = x.mean((2, 3))\nreturn self.fc(x)",
        methods=written.method,
    )
    return Model(
        name,
        "mixed",
        file_text(written.module, gate, net),
        "SENet()",
        (Input((8, 3, 32, 32)),),
        "cross_entropy",
        depth,
        activation,
        init,
        norm,
    )


def _highway(rng: Random, name: str) -> Model:
    depth, bias = rng.choice((4, 8, 16)), rng.choice((-1.0, -2.0, None))
    fill = f"\nself.gate.bias.data.fill_({bias})" if bias is not None else ""
    layer = class_text(
        "Highway",
        "size",
        "self.transform = nn.Linear(size, size)\nself.gate = nn.Linear(size, size)" + fill,
        "t = torch.sigmoid(self.gate(x))\nh = F.relu(self.transform(x))\nreturn h * t + x * (1 - t)",
    )
    build = f"self.inp = nn.Linear(64, size)\nself.layers = nn.ModuleList([Highway(size) for _ in range({depth})])\nself.out = nn.Linear(size, 10)"
    net = class_text(
        "HighwayNet",
        "size=128",
        build,
        "x = self.inp(x)\nfor layer in self.layers:\n    x = layer(x)\nreturn self.out(x)",
    )
    return Model(
        name,
        "mixed",
        file_text(layer, net),
        "HighwayNet()",
        (Input((64, 64)),),
        "cross_entropy",
        depth,
        "relu",
        "default",
        "none",
        True,
    )


def _dense(rng: Random, name: str) -> Model:
    depth, norm, activation = rng.choice((4, 6, 10)), rng.choice(("batch", "none")), rng.choice(("relu", "elu", "gelu"))
    init = draw_init(rng, activation)
    normed = "self.norm(x)" if norm == "batch" else "x"
    build = (
        ("self.norm = nn.BatchNorm2d(c)\n" if norm == "batch" else "")
        + f"self.act = {act_module(rng, activation).replace('inplace=True', '').replace('(True)', '()')}\nself.conv = nn.Conv2d(c, growth, 3, padding=1)"
    )
    layer = class_text(
        "DenseLayer", "c, growth", build, f"out = self.conv(self.act({normed}))\nreturn torch.cat([x, out], 1)"
    )
    written = write_init(rng, init, activation, ("nn.Conv2d", "nn.Linear"), norm=norm)
    build = f"self.stem = nn.Conv2d(3, 24, 3, padding=1)\nlayers = []\nc = 24\nfor _ in range({depth}):\n    layers.append(DenseLayer(c, growth))\n    c += growth\nself.block = nn.Sequential(*layers)\nself.classifier = nn.Linear(c, 10)\n{written.call}"
    net = class_text(
        "DenseNet",
        "growth=12",
        build,
        "x = self.block(self.stem(x))\nx = F.adaptive_avg_pool2d(x, 1).flatten(1)\nreturn self.classifier(x)",
        methods=written.method,
    )
    return Model(
        name,
        "mixed",
        file_text(written.module, layer, net),
        "DenseNet()",
        (Input((8, 3, 32, 32)),),
        "cross_entropy",
        depth,
        activation,
        init,
        norm,
        True,
    )


def _swiglu(rng: Random, name: str) -> Model:
    depth = rng.choice((3, 6, 12))
    gate = rng.choice(
        ("F.silu(self.w1(x)) * self.w3(x)", "F.gelu(self.w1(x)) * self.w3(x)", "torch.sigmoid(self.w1(x)) * self.w3(x)")
    )
    layer = class_text(
        "GatedMLP",
        "dim, hidden",
        "self.w1 = nn.Linear(dim, hidden, bias=False)\nself.w2 = nn.Linear(hidden, dim, bias=False)\nself.w3 = nn.Linear(dim, hidden, bias=False)",
        f"return self.w2({gate})",
    )
    residual = rng.random() < 0.5
    forward = "for norm, layer in zip(self.norms, self.layers):\n    x = " + (
        "x + layer(norm(x))" if residual else "layer(norm(x))"
    )
    build = f"self.inp = nn.Linear(64, dim)\nself.norms = nn.ModuleList([nn.LayerNorm(dim) for _ in range({depth})])\nself.layers = nn.ModuleList([GatedMLP(dim, 2 * dim) for _ in range({depth})])\nself.out = nn.Linear(dim, 10)"
    net = class_text("GatedNet", "dim=128", build, f"x = self.inp(x)\n{forward}\nreturn self.out(x)")
    return Model(
        name,
        "mixed",
        file_text(layer, net),
        "GatedNet()",
        (Input((64, 64)),),
        "cross_entropy",
        2 * depth,
        "silu",
        "default",
        "layer",
        residual,
    )


def _siamese(rng: Random, name: str) -> Model:
    depth, activation = rng.choice((2, 4, 6)), draw_activation(rng)
    act = act_module(rng, activation)
    rows = "".join(f"    nn.Linear({128 if i == 0 else 64}, 64),\n    {act},\n" for i in range(depth))
    build = f"self.encoder = nn.Sequential(\n{rows})\nself.fc = nn.Linear(64, 1)"
    net = class_text(
        "Siamese",
        "",
        build,
        "a = self.encoder(x1)\nb = self.encoder(x2)\nreturn self.fc(torch.abs(a - b))",
        argument="x1, x2",
    )
    return Model(
        name,
        "mixed",
        file_text(net),
        "Siamese()",
        (Input((64, 128)), Input((64, 128))),
        "mse",
        depth,
        activation,
        "default",
        "none",
    )


def _inception(rng: Random, name: str) -> Model:
    depth, activation = rng.choice((2, 4, 6)), rng.choice(("relu", "relu", "gelu", "sigmoid"))
    init = draw_init(rng, activation)
    act = {"relu": "F.relu", "gelu": "F.gelu", "sigmoid": "torch.sigmoid"}[activation]
    build = "self.b1 = nn.Conv2d(c_in, 16, kernel_size=1)\nself.b3 = nn.Conv2d(c_in, 32, kernel_size=3, padding=1)\nself.b5 = nn.Conv2d(c_in, 16, kernel_size=5, padding=2)"
    layer = class_text(
        "Inception",
        "c_in",
        build,
        f"outputs = [self.b1(x), self.b3(x), self.b5(x)]\nreturn {act}(torch.cat(outputs, 1))",
    )
    written = write_init(rng, init, activation, ("nn.Conv2d",))
    build = f"self.stem = nn.Conv2d(3, 64, 3, padding=1)\nself.blocks = nn.Sequential(*[Inception(64) for _ in range({depth})])\nself.fc = nn.Linear(64, 10)\n{written.call}"
    net = class_text(
        "GoogLe", "", build, "x = self.blocks(self.stem(x))\nreturn self.fc(x.mean([2, 3]))", methods=written.method
    )
    return Model(
        name,
        "mixed",
        file_text(written.module, layer, net),
        "GoogLe()",
        (Input((8, 3, 32, 32)),),
        "cross_entropy",
        depth + 1,
        activation,
        init,
        "none",
    )


def _mobile(rng: Random, name: str) -> Model:
    depth, norm = rng.choice((3, 6, 9)), rng.choice(("batch", "batch", "none"))
    bn = (lambda width: f"\n    nn.BatchNorm2d({width}),") if norm == "batch" else (lambda width: "")
    build = f"hidden = c * expand\nself.conv = nn.Sequential(\n    nn.Conv2d(c, hidden, 1, bias=False),{bn('hidden')}\n    nn.ReLU6(inplace=True),\n    nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden, bias=False),{bn('hidden')}\n    nn.ReLU6(inplace=True),\n    nn.Conv2d(hidden, c, 1, bias=False),{bn('c')}\n)"
    layer = class_text("InvertedResidual", "c, expand=4", build, "return x + self.conv(x)")
    build = f"self.stem = nn.Conv2d(3, 24, 3, stride=2, padding=1)\nself.blocks = nn.Sequential(*[InvertedResidual(24) for _ in range({depth})])\nself.head = nn.Linear(24, 10)"
    net = class_text(
        "MobileNet",
        "",
        build,
        "x = self.blocks(self.stem(x))\nx = nn.functional.adaptive_avg_pool2d(x, (1, 1)).reshape(x.shape[0], -1)\nreturn self.head(x)",
    )
    return Model(
        name,
        "mixed",
        file_text(layer, net),
        "MobileNet()",
        (Input((8, 3, 32, 32)),),
        "cross_entropy",
        3 * depth,
        "relu6",
        "default",
        norm,
        True,
    )


def _convnext(rng: Random, name: str) -> Model:
    depth, scale = rng.choice((3, 6, 9)), rng.random() < 0.5
    gamma = "\nself.gamma = nn.Parameter(1e-6 * torch.ones(dim))" if scale else ""
    build = (
        "self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)\nself.norm = nn.LayerNorm(dim, eps=1e-6)\nself.pwconv1 = nn.Linear(dim, 4 * dim)\nself.act = nn.GELU()\nself.pwconv2 = nn.Linear(4 * dim, dim)"
        + gamma
    )
    forward = (
        "shortcut = x\nx = self.dwconv(x)\nx = x.permute(0, 2, 3, 1)\nx = self.norm(x)\nx = self.pwconv2(self.act(self.pwconv1(x)))\n"
        + ("x = self.gamma * x\n" if scale else "")
        + "x = x.permute(0, 3, 1, 2)\nreturn shortcut + x"
    )
    layer = class_text("Block", "dim", build, forward)
    build = f"self.stem = nn.Conv2d(3, dim, kernel_size=4, stride=4)\nself.stages = nn.Sequential(*[Block(dim) for _ in range({depth})])\nself.norm = nn.LayerNorm(dim)\nself.head = nn.Linear(dim, 10)"
    net = class_text(
        "ConvNeXt",
        "dim=48",
        build,
        "x = self.stages(self.stem(x))\nx = self.norm(x.mean([-2, -1]))\nreturn self.head(x)",
    )
    return Model(
        name,
        "mixed",
        file_text(layer, net),
        "ConvNeXt()",
        (Input((8, 3, 64, 64)),),
        "cross_entropy",
        3 * depth,
        "gelu",
        "default",
        "layer",
        True,
    )


def _two_inputs(rng: Random, name: str) -> Model:
    depth, activation = rng.choice((2, 3, 5)), draw_activation(rng)
    act = act_module(rng, activation)
    tower = (
        "def tower(n_in, n_hidden, n_layers):\n    layers = [nn.Linear(n_in, n_hidden), "
        + act
        + "]\n    for _ in range(n_layers - 1):\n        layers += [nn.Linear(n_hidden, n_hidden), "
        + act
        + "]\n    return nn.Sequential(*layers)"
    )
    build = f"self.left = tower(48, 64, {depth})\nself.right = tower(32, 64, {depth})\nself.merge = nn.Linear(128, 64)\nself.out = nn.Linear(64, 1)"
    forward = f"h = torch.cat((self.left(a), self.right(b)), dim=-1)\nh = {'torch.tanh' if rng.random() < 0.5 else 'F.relu'}(self.merge(h))\nreturn self.out(h)"
    return Model(
        name,
        "mixed",
        file_text(tower, class_text("TwoTower", "", build, forward, argument="a, b")),
        "TwoTower()",
        (Input((64, 48)), Input((64, 32))),
        "mse",
        depth + 1,
        activation,
        "default",
        "none",
    )


def _tied(rng: Random, name: str) -> Model:
    """Writes one layer used again and again, the plainest form of sharing."""
    turns, activation = rng.choice((3, 5, 8, 12)), rng.choice(("tanh", "relu", "sigmoid", "gelu"))
    call = {"tanh": "torch.tanh", "relu": "torch.relu", "sigmoid": "torch.sigmoid", "gelu": "F.gelu"}[activation]
    build = (
        "self.inp = nn.Linear(64, hidden)\nself.shared = nn.Linear(hidden, hidden)\nself.out = nn.Linear(hidden, 10)"
    )
    forward = (
        f"x = {call}(self.inp(x))\nfor _ in range(self.turns):\n    x = {call}(self.shared(x))\nreturn self.out(x)"
    )
    net = class_text("Recursive", f"hidden=128, turns={turns}", "self.turns = turns\n" + build, forward)
    return Model(
        name,
        "mixed",
        file_text(net),
        "Recursive()",
        (Input((64, 64)),),
        "cross_entropy",
        turns + 1,
        activation,
        "default",
        "none",
    )
