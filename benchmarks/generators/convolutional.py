"""Generated convolutional networks: plain and residual."""

from __future__ import annotations

from random import Random

from benchmarks.generators.writing import (
    Input,
    Model,
    act_call,
    act_module,
    class_text,
    draw_activation,
    draw_init,
    file_text,
    norm_module,
    write_init,
)


def cnn(rng: Random, name: str, *, task: bool = False) -> Model:
    """Draws a plain convolutional classifier; `task` asks for 8×8 images of one channel."""
    activation = draw_activation(rng)
    norm = rng.choice(("none", "none", "none", "batch", "group"))
    init = draw_init(rng, activation)
    channels, size = (1, 8) if task else rng.choice(((3, 32), (3, 32), (3, 32), (1, 28)))
    style = rng.choice(("stack", "stack", "cfg", "cfg", "block", "named", "signal"))
    if task:
        style = rng.choice(("stack", "stack", "block", "named"))
    layers = ("nn.Conv2d", "nn.Linear")
    shape: tuple[int, ...] = (16, channels, size, size)
    match style:
        case "named":
            depth = rng.choice((2, 3, 4))
            build, steps, last, side = [], [], channels, size
            for i in range(1, depth + 1):
                width = min(16 * 2 ** (i - 1), 64)
                build.append(f"self.conv{i} = nn.Conv2d({last}, {width}, kernel_size=3, padding=1)")
                operand = f"self.conv{i}(x)"
                if norm != "none":
                    build.append(f"self.bn{i} = {norm_module(norm, str(width), dims=2)}")
                    operand = f"self.bn{i}({operand})"
                call = act_call(rng, activation, operand)
                if call is None or operand in call.replace(operand, "", 1):
                    build.append(f"self.act{i} = {act_module(rng, activation)}")
                    call = f"self.act{i}({operand})"
                if side >= 8:
                    call, side = rng.choice(("F.max_pool2d({}, 2)", "self.pool({})")).format(call), side // 2
                steps.append(f"x = {call}")
                last = width
            build += [
                "self.pool = nn.MaxPool2d(2, 2)",
                f"self.fc1 = nn.Linear({last} * {side} * {side}, 64)",
                "self.fc2 = nn.Linear(64, 10)",
            ]
            steps.append(
                rng.choice(
                    (
                        "x = x.view(x.size(0), -1)",
                        "x = torch.flatten(x, 1)",
                        f"x = x.view(-1, {last * side * side})",
                        "x = x.flatten(1)",
                    )
                )
            )
            build.append(f"self.act = {act_module(rng, activation)}")
            steps += ["x = self.act(self.fc1(x))", "return self.fc2(x)"]
            written = write_init(rng, init, activation, layers, norm=norm)
            source = file_text(
                written.module,
                class_text("Net", "", "\n".join([*build, written.call]), "\n".join(steps), methods=written.method),
            )
            return Model(
                name,
                "cnn",
                source,
                "Net()",
                (Input(shape),),
                "cross_entropy",
                depth + 1,
                activation,
                init,
                norm,
                task=task,
            )
        case "cfg":
            plan = [rng.choice((16, 32)), *[rng.choice((32, 64)) for _ in range(rng.choice((1, 3, 5, 7, 11, 15)))]]
            cfg: list[int | str] = []
            pools = 0
            for i, width in enumerate(plan):
                cfg.append(width)
                if i % max(1, len(plan) // 3) == max(1, len(plan) // 3) - 1 and pools < 3:
                    cfg.append("M")
                    pools += 1
            extra = "".join(
                f", {part}" for part in (norm_module(norm, "v", dims=2), act_module(rng, activation)) if part
            )
            module = "def make_layers(cfg):\n    layers = []\n" + f"    in_channels = {channels}\n    for v in cfg:\n"
            module += (
                '        if v == "M":\n            layers += [nn.MaxPool2d(kernel_size=2, stride=2)]\n        else:\n'
            )
            module += f"            layers += [nn.Conv2d(in_channels, v, kernel_size=3, padding=1){extra}]\n            in_channels = v\n    return nn.Sequential(*layers)"
            written = write_init(rng, init, activation, layers, norm=norm)
            build = [
                "self.features = make_layers(CFG[name])",
                "self.pool = nn.AdaptiveAvgPool2d(1)",
                f"self.classifier = nn.Linear({plan[-1]}, num_classes)",
                written.call,
            ]
            forward = "x = self.features(x)\nx = self.pool(x)\nx = torch.flatten(x, 1)\nreturn self.classifier(x)"
            table = f'CFG = {{\n    "A": {cfg!r},\n    "tiny": [16, "M", 32],\n}}'.replace("'", '"')
            source = file_text(
                table,
                module,
                written.module,
                class_text("VGG", 'name="A", num_classes=10', "\n".join(build), forward, methods=written.method),
            )
            return Model(
                name, "cnn", source, 'VGG("A")', (Input(shape),), "cross_entropy", len(plan), activation, init, norm
            )
        case "signal":
            depth, width, kernel = rng.choice((3, 4, 6, 8, 12)), rng.choice((16, 32, 64)), rng.choice((3, 5, 7))
            dims, dim, word = 1, rng.choice((64, 128)), "1d"
            shape, channels = (16, channels, dim), channels
            padding = kernel // 2
        case _:
            depth = rng.choice((2, 3, 4, 6, 8, 10, 12, 16) if task else (4, 6, 8, 10, 12, 16, 20, 24, 32))
            width, kernel, dims, word = rng.choice((16, 24) if task else (16, 32)), 3, 2, "2d"
            padding = rng.choice((1, 1, 1, 0)) if depth <= 4 and style == "stack" and not task else 1
    norm = "batch" if norm == "group" and dims == 1 else norm
    bias = ", bias=False" if norm != "none" and rng.random() < 0.5 else ""
    conv = f"nn.Conv{word}({{}}, {{}}, {kernel}{f', padding={padding}' if padding else ''}{bias})"
    written = write_init(rng, init, activation, (f"nn.Conv{word}", "nn.Linear"), norm=norm)
    modules = [part for part in (norm_module(norm, "width", dims=dims), act_module(rng, activation)) if part]
    pool = f"nn.AdaptiveAvgPool{word}(1)"
    stride_every = rng.choice((0, 4)) if depth >= 8 and size >= 16 else 0
    if style == "block" and not stride_every:
        inner = [f"self.conv = {conv.format('c_in', 'c_out')}"]
        value = "self.conv(x)"
        if norm != "none":
            inner.append(f"self.norm = {norm_module(norm, 'c_out', dims=dims)}")
            value = f"self.norm({value})"
        inner.append(f"self.act = {act_module(rng, activation)}")
        block = class_text("ConvBlock", "c_in, c_out", "\n".join(inner), f"return self.act({value})")
        build = [
            f"self.stem = ConvBlock({channels}, width)",
            "self.body = nn.Sequential(*(ConvBlock(width, width) for _ in range(depth - 1)))",
        ]
        forward = "x = self.body(self.stem(x))\n"
    else:
        block = ""
        build = ["layers = []", f"c = {channels}", "for i in range(depth):"]
        if stride_every:
            build.append(
                f"    stride = 2 if i % {stride_every} == {stride_every - 1} and i < {3 * stride_every} else 1"
            )
            build.append(
                f"    layers.append(nn.Conv{word}(c, width, kernel_size={kernel}, stride=stride, padding={padding}{bias}))"
            )
        else:
            build.append(f"    layers.append({conv.format('c', 'width')})")
        build += [f"    layers.append({part})" for part in modules]
        build += ["    c = width", "self.features = nn.Sequential(*layers)"]
        forward = "x = self.features(x)\n"
    build += [f"self.pool = {pool}", "self.fc = nn.Linear(width, 10)", written.call]
    forward += rng.choice(
        (
            "x = self.pool(x).flatten(1)\n",
            "x = self.pool(x)\nx = x.view(x.size(0), -1)\n",
            f"x = x.mean(dim={'(2, 3)' if dims == 2 else '2'})\n",
        )
    )
    forward += "return self.fc(x)"
    net = class_text("ConvNet", f"width={width}, depth={depth}", "\n".join(build), forward, methods=written.method)
    return Model(
        name,
        "cnn",
        file_text(written.module, block, net),
        "ConvNet()",
        (Input(shape),),
        "cross_entropy",
        depth,
        activation,
        init,
        norm,
        task=task,
    )


def resnet(rng: Random, name: str, *, task: bool = False) -> Model:
    """Draws a residual network with `_make_layer`: basic or bottleneck, after or before the activation, with or without norm."""
    activation = rng.choice(("relu", "relu", "relu", "gelu", "silu", "leaky_relu", "tanh", "elu", "mish"))
    norm = rng.choice(("batch", "batch", "batch", "group", "none"))
    init = draw_init(rng, activation)
    channels, size = (1, 8) if task else (3, 32)
    width = rng.choice((8, 16)) if task else rng.choice((16, 32))
    per_stage = rng.choice((1, 1, 2, 2, 3) if task else (1, 2, 2, 3, 5, 9))
    kind = rng.choice(("basic", "basic", "bottleneck", "preact"))
    bias = "False" if norm != "none" else "True"
    act = act_module(rng, activation)
    tame = act.replace("inplace=True", "").replace("(True)", "()").replace("(0.2, )", "(0.2)")
    normed = (lambda value, layer: f"{layer}({value})") if norm != "none" else (lambda value, layer: value)

    def norms(*pairs: tuple[str, str]) -> list[str]:
        return [f"self.{key} = {norm_module(norm, of, dims=2)}" for key, of in pairs] if norm != "none" else []

    expansion = 4 if kind == "bottleneck" else 1
    match kind:
        case "basic":
            inner = [
                f"self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias={bias})",
                *norms(("bn1", "planes")),
            ]
            inner += [
                f"self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias={bias})",
                *norms(("bn2", "planes")),
            ]
            forward = [
                f"out = self.act({normed('self.conv1(x)', 'self.bn1')})",
                f"out = {normed('self.conv2(out)', 'self.bn2')}",
            ]
        case "bottleneck":
            inner = [
                f"self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, bias={bias})",
                *norms(("bn1", "planes")),
            ]
            inner += [
                f"self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=stride, padding=1, bias={bias})",
                *norms(("bn2", "planes")),
            ]
            inner += [
                f"self.conv3 = nn.Conv2d(planes, planes * self.expansion, kernel_size=1, bias={bias})",
                *norms(("bn3", "planes * self.expansion")),
            ]
            forward = [
                f"out = self.act({normed('self.conv1(x)', 'self.bn1')})",
                f"out = self.act({normed('self.conv2(out)', 'self.bn2')})",
            ]
            forward.append(f"out = {normed('self.conv3(out)', 'self.bn3')}")
        case _:
            inner = [
                *norms(("bn1", "in_planes")),
                f"self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias={bias})",
            ]
            inner += [
                *norms(("bn2", "planes")),
                f"self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias={bias})",
            ]
            forward = [
                f"out = self.conv1(self.act({normed('x', 'self.bn1')}))",
                f"out = self.conv2(self.act({normed('out', 'self.bn2')}))",
            ]
    inner.append(f"self.act = {tame}")
    shortcut = f"nn.Conv2d(in_planes, self.expansion * planes, kernel_size=1, stride=stride, bias={bias})"
    tail = (
        f"\n        {norm_module(norm, 'self.expansion * planes', dims=2)},\n"
        if norm != "none" and kind != "preact"
        else "\n"
    )
    inner += ["self.shortcut = nn.Sequential()", "if stride != 1 or in_planes != self.expansion * planes:"]
    inner.append(f"    self.shortcut = nn.Sequential(\n        {shortcut},{tail}    )")
    forward += [rng.choice(("out += self.shortcut(x)", "out = out + self.shortcut(x)"))]
    forward.append("return out" if kind == "preact" else "return self.act(out)")
    block = class_text("Block", "in_planes, planes, stride=1", "\n".join(inner), "\n".join(forward))
    block = block.replace("class Block(nn.Module):\n", f"class Block(nn.Module):\n    expansion = {expansion}\n\n", 1)
    written = write_init(rng, init, activation, ("nn.Conv2d", "nn.Linear"), norm=norm)
    stages = rng.choice((2, 3)) if not task else 2
    build = [
        f"self.in_planes = {width}",
        f"self.conv1 = nn.Conv2d({channels}, {width}, kernel_size=3, stride=1, padding=1, bias={bias})",
        *norms(("bn1", str(width))),
    ]
    build.append(f"self.act = {act}")
    for stage in range(stages):
        build.append(
            f"self.layer{stage + 1} = self._make_layer(block, {width * 2**stage}, num_blocks[{stage}], stride={1 if stage == 0 else 2})"
        )
    build += [f"self.linear = nn.Linear({width * 2 ** (stages - 1)} * block.expansion, num_classes)"]
    zero = norm != "none" and kind != "preact" and rng.random() < 0.15
    if zero:
        written = write_init(rng, "kaiming_fan_out", activation, ("nn.Conv2d",), norm=norm)
        init = "kaiming_fan_out"
    build.append(written.call)
    if zero:
        build.append(
            f"for m in self.modules():\n    if isinstance(m, Block):\n        nn.init.zeros_(m.bn{3 if kind == 'bottleneck' else 2}.weight)"
        )
    make = "def _make_layer(self, block, planes, num_blocks, stride):\n    strides = [stride] + [1] * (num_blocks - 1)\n    layers = []\n    for stride in strides:\n"
    make += "        layers.append(block(self.in_planes, planes, stride))\n        self.in_planes = planes * block.expansion\n    return nn.Sequential(*layers)\n"
    steps = [
        f"out = self.act({normed('self.conv1(x)', 'self.bn1')})",
        *[f"out = self.layer{stage + 1}(out)" for stage in range(stages)],
    ]
    steps += [
        *rng.choice((["out = F.adaptive_avg_pool2d(out, 1)"], ["out = F.avg_pool2d(out, out.size(3))"])),
        "out = out.view(out.size(0), -1)",
        "return self.linear(out)",
    ]
    methods = make + ("\n" + written.method if written.method else "")
    net = class_text("ResNet", "block, num_blocks, num_classes=10", "\n".join(build), "\n".join(steps), methods=methods)
    factory = f"def resnet():\n    return ResNet(Block, {[per_stage] * stages})"
    depth = stages * per_stage * (3 if kind == "bottleneck" else 2) + 1
    shape = (16, channels, size, size)
    return Model(
        name,
        "resnet",
        file_text(written.module, block, net, factory),
        "resnet()",
        (Input(shape),),
        "cross_entropy",
        depth,
        activation,
        init,
        norm,
        True,
        task=task,
    )
