"""Generated multi-layer perceptrons, in several styles of writing."""

from __future__ import annotations

from random import Random
from textwrap import dedent, indent

from benchmarks.generators.writing import (
    ACTIVATIONS,
    InitText,
    Input,
    Model,
    act_call,
    act_class,
    act_module,
    class_text,
    draw_activation,
    draw_init,
    file_text,
    norm_module,
    write_init,
)

DEPTHS = (2, 3, 4, 5, 6, 8, 8, 10, 12, 12, 16, 16, 20, 24, 32, 48, 64)
WIDTHS = (16, 32, 64, 64, 100, 128, 128, 256, 256, 512, 1024)


def mlp(rng: Random, name: str, *, task: bool = False) -> Model:
    """Draws a perceptron; `task` asks for 64 inputs, 10 outputs and a width that trains in seconds."""
    depth = rng.choice((2, 3, 4, 4, 5, 6, 6, 8, 8, 10, 12, 14, 16, 20, 24, 32) if task else DEPTHS)
    width = rng.choice((64, 96, 128)) if task else rng.choice(WIDTHS[:-2] if depth > 16 else WIDTHS)
    activation = draw_activation(rng)
    norm = rng.choice(("none", "none", "none", "none", "batch", "layer"))
    init = draw_init(rng, activation)
    inputs, outputs = (64, 10) if task else (rng.choice((16, 32, 64, 100, 128, 784)), rng.choice((1, 2, 10, 10, 100)))
    styles = [_sequential_loop, _module_list, _dims, _factory, _block, _by_name]
    if depth <= 8:
        styles += [_sequential_lines, _sequential_lines]
    if depth <= 5:
        styles += [_named_layers, _named_layers]
    residual = rng.random() < 0.2
    write = _residual if residual else rng.choice(styles)
    source, entry = write(rng, depth, width, inputs, outputs, activation, init, norm)
    loss = "cross_entropy" if outputs > 2 else "mse"
    shape = (64, inputs)
    return Model(
        name,
        "residual mlp" if residual else "mlp",
        source,
        entry,
        (Input(shape),),
        loss,
        depth,
        activation,
        init,
        norm,
        residual,
        task=task,
    )


def _sequential_lines(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    rows, last = [], inputs
    for _ in range(depth):
        rows.append(f"nn.Linear({last}, {width}),")
        rows += [part + "," for part in (norm_module(norm, str(width)), act_module(rng, activation)) if part]
        last = width
    rows.append(f"nn.Linear({last}, {outputs}),")
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    lines = "self.net = nn.Sequential(\n" + indent("\n".join(rows), "    ") + "\n)\n" + written.call
    return file_text(
        written.module, class_text("MLP", "", lines, "return self.net(x)", methods=written.method)
    ), "MLP()"


def _named_layers(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    lines, steps, last = [], [], inputs
    module = rng.random() < 0.3 or not ACTIVATIONS[activation].calls
    for i in range(1, depth + 1):
        lines.append(f"self.fc{i} = nn.Linear({last}, {width})")
        operand = f"self.fc{i}(x)"
        if norm != "none":
            lines.append(f"self.norm{i} = {norm_module(norm, str(width))}")
            operand = f"self.norm{i}({operand})"
        steps.append(f"x = self.act({operand})" if module else f"x = {act_call(rng, activation, operand)}")
        last = width
    if module:
        lines.append(f"self.act = {act_module(rng, activation)}")
    if not module and "{} *" in steps[0]:
        steps = [f"x = F.{activation}({operand})" for operand in steps]
    lines.append(f"self.out = nn.Linear({last}, {outputs})")
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    source = class_text(
        "Net", "", "\n".join([*lines, written.call]), "\n".join([*steps, "return self.out(x)"]), methods=written.method
    )
    return file_text(written.module, source), "Net()"


def _sequential_loop(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    signature = rng.choice(
        (
            f"in_features={inputs}, hidden={width}, out_features={outputs}, depth={depth}",
            f"in_features: int = {inputs}, hidden: int = {width}, out_features: int = {outputs}, depth: int = {depth}",
        )
    )
    append = [f"layers.append({part})" for part in (norm_module(norm, "hidden"), act_module(rng, activation)) if part]
    if rng.random() < 0.5:
        build = [
            "layers = []",
            "for i in range(depth):",
            "    layers.append(nn.Linear(in_features if i == 0 else hidden, hidden))",
        ]
        build += [f"    {line}" for line in append]
    else:
        build = ["layers = [nn.Linear(in_features, hidden)]", *append, "for _ in range(depth - 1):"]
        build += ["    layers.append(nn.Linear(hidden, hidden))", *[f"    {line}" for line in append]]
    if rng.random() < 0.5:
        build += ["layers.append(nn.Linear(hidden, out_features))", "self.net = nn.Sequential(*layers)"]
        forward = "return self.net(x)"
    else:
        build += ["self.features = nn.Sequential(*layers)", "self.head = nn.Linear(hidden, out_features)"]
        forward = "x = self.features(x)\nreturn self.head(x)"
    source = file_text(
        written.module, class_text("MLP", signature, "\n".join([*build, written.call]), forward, methods=written.method)
    )
    if rng.random() < 0.5:
        return source.replace(f"depth={depth}", "depth=3").replace(
            f"depth: int = {depth}", "depth: int = 3"
        ), f"MLP(depth={depth})"
    return source, "MLP()"


def _module_list(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    build = [
        f"self.inp = nn.Linear({inputs}, width)",
        "self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(num_layers - 1)])",
        f"self.out = nn.Linear(width, {outputs})",
    ]
    layer, first = "layer(x)", "self.inp(x)"
    forward = ["for layer in self.layers:"]
    if norm != "none":
        build.insert(2, f"self.norms = nn.ModuleList([{norm_module(norm, 'width')} for _ in range(num_layers)])")
        forward = ["for i, layer in enumerate(self.layers):"]
        layer, first = "self.norms[i + 1](layer(x))", "self.norms[0](self.inp(x))"
    direct = act_call(rng, activation, layer)
    if direct is None or "{" in direct or activation == "silu":
        build.append(f"self.act = {act_module(rng, activation)}")
        forward = [f"x = self.act({first})", *forward, f"    x = self.act({layer})"]
    else:
        forward = [f"x = {act_call(rng, activation, first)}", *forward, f"    x = {direct}"]
    forward.append("return self.out(x)")
    signature = rng.choice((f"width={width}, num_layers={depth}", f"num_layers={depth}, width={width}"))
    return file_text(
        written.module,
        class_text("DeepNet", signature, "\n".join([*build, written.call]), "\n".join(forward), methods=written.method),
    ), "DeepNet()"


def _dims(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    narrowing = depth <= 6 and rng.random() < 0.5
    hidden = [max(width >> i, 16) for i in range(depth)] if narrowing else [width] * depth
    dims = repr([inputs, *hidden, outputs]) if depth <= 6 else f"[{inputs}] + [{width}] * {depth} + [{outputs}]"
    if rng.random() < 0.5:
        build = [
            "self.layers = nn.ModuleList()",
            "for d_in, d_out in zip(dims[:-1], dims[1:]):",
            "    self.layers.append(nn.Linear(d_in, d_out))",
        ]
    else:
        build = ["self.layers = nn.ModuleList(nn.Linear(dims[i], dims[i + 1]) for i in range(len(dims) - 1))"]
    layer = "layer(x)"
    if norm != "none":
        build.append(f"self.norms = nn.ModuleList([{norm_module(norm, 'd')} for d in dims[1:-1]])")
        layer = "norm(layer(x))"
        forward = ["for layer, norm in zip(self.layers[:-1], self.norms):"]
    else:
        forward = ["for layer in self.layers[:-1]:"]
    build.append(f"self.activation = {act_module(rng, activation)}")
    forward += [f"    x = self.activation({layer})", "return self.layers[-1](x)"]
    return file_text(
        written.module,
        class_text("MLP", "dims", "\n".join([*build, written.call]), "\n".join(forward), methods=written.method),
    ), f"MLP({dims})"


def _factory(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    modules = "".join(f", {part}" for part in (norm_module(norm, "hidden_dim"), act_module(rng, activation)) if part)
    if ("[0]" not in written.module and written.module) or init == "default":
        finish = (
            f"model = nn.Sequential(*layers)\n{written.call.replace('self.apply', 'model.apply')}\nreturn model"
            if init != "default"
            else "return nn.Sequential(*layers)"
        )
    else:
        written = InitText(call=written.call, method=written.method)
        finish = ""
    if not finish:
        return _sequential_loop(rng, depth, width, inputs, outputs, activation, init, norm)
    text = "def make_mlp(in_dim, hidden_dim, out_dim, n_layers):\n" + indent(
        dedent(f"""
        layers = [nn.Linear(in_dim, hidden_dim){modules}]
        for _ in range(n_layers - 1):
            layers += [nn.Linear(hidden_dim, hidden_dim){modules}]
        layers += [nn.Linear(hidden_dim, out_dim)]
        """).strip()
        + "\n"
        + finish,
        "    ",
    )
    return file_text(written.module, text), f"make_mlp({inputs}, {width}, {outputs}, {depth})"


def _block(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    dropout = rng.random() < 0.25
    inner = ["self.fc = nn.Linear(n_in, n_out)"]
    value = "self.fc(x)"
    if norm != "none":
        inner.append(f"self.norm = {norm_module(norm, 'n_out')}")
        value = f"self.norm({value})"
    inner.append(f"self.act = {act_module(rng, activation)}")
    value = f"self.act({value})"
    if dropout:
        inner.append("self.drop = nn.Dropout(p=0.1)")
        value = f"self.drop({value})"
    block = class_text("Block", "n_in, n_out", "\n".join(inner), f"return {value}")
    build = [
        f"self.stem = Block({inputs}, width)",
        "self.blocks = nn.Sequential(*[Block(width, width) for _ in range(n_blocks - 1)])",
    ]
    build += [f"self.head = nn.Linear(width, {outputs})", written.call]
    net = class_text(
        "Net",
        f"width={width}, n_blocks={depth}",
        "\n".join(build),
        "return self.head(self.blocks(self.stem(x)))",
        methods=written.method,
    )
    return file_text(written.module, block, net), "Net()"


def _by_name(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    if activation == "leaky_relu":
        return _sequential_loop(rng, depth, width, inputs, outputs, activation, init, norm)
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    others = sorted({"relu", "tanh", "gelu", activation})
    if rng.random() < 0.5:
        table = "ACTIVATIONS = {\n" + "".join(f'    "{key}": {act_class(key)},\n' for key in others) + "}"
        pick = "act = ACTIVATIONS[activation]"
    else:
        table = "def get_activation(name):\n" + "".join(
            f'    if name == "{key}":\n        return {act_class(key)}\n' for key in others
        )
        table += '    raise ValueError(f"unknown activation: {name}")'
        pick = "act = get_activation(activation)"
    normed = "use_norm" if norm != "none" else ""
    build = [
        pick,
        "layers = []",
        "d = n_in",
        "for _ in range(n_hidden_layers):",
        "    layers.append(nn.Linear(d, hidden_size))",
    ]
    if normed:
        build += ["    if use_norm:", f"        layers.append({norm_module(norm, 'hidden_size')})"]
    build += [
        "    layers.append(act())",
        "    d = hidden_size",
        "layers.append(nn.Linear(d, n_out))",
        "self.model = nn.Sequential(*layers)",
        written.call,
    ]
    signature = f'n_in={inputs}, n_out={outputs}, hidden_size={width}, n_hidden_layers=2, activation="relu"' + (
        ", use_norm=False" if normed else ""
    )
    entry = f'FeedForward(n_hidden_layers={depth}, activation="{activation}"' + (", use_norm=True)" if normed else ")")
    return file_text(
        table,
        written.module,
        class_text("FeedForward", signature, "\n".join(build), "return self.model(x)", methods=written.method),
    ), entry


def _residual(
    rng: Random, depth: int, width: int, inputs: int, outputs: int, activation: str, init: str, norm: str
) -> tuple[str, str]:
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    blocks = max(1, depth // 2)
    lines = [
        "self.fc1 = nn.Linear(dim, dim)",
        "self.fc2 = nn.Linear(dim, dim)",
        f"self.act = {act_module(rng, activation).replace('inplace=True', '').replace('(True)', '()').replace('(0.2, )', '(0.2)')}",
    ]
    form = rng.choice(("pre", "post", "single"))
    if norm != "none":
        lines.append(f"self.norm1 = {norm_module(norm, 'dim')}")
    match form, norm != "none":
        case "pre", True:
            lines.append(f"self.norm2 = {norm_module(norm, 'dim')}")
            forward = "h = self.fc1(self.act(self.norm1(x)))\nh = self.fc2(self.act(self.norm2(h)))\nreturn x + h"
        case "pre", False:
            forward = "h = self.fc2(self.act(self.fc1(self.act(x))))\nreturn x + h"
        case "post", True:
            forward = "residual = x\nout = self.act(self.norm1(self.fc1(x)))\nout = self.fc2(out)\nout += residual\nreturn self.act(out)"
        case "post", False:
            forward = (
                "residual = x\nout = self.act(self.fc1(x))\nout = self.fc2(out)\nout += residual\nreturn self.act(out)"
            )
        case _, True:
            lines = [line for line in lines if "fc2" not in line]
            forward = "return x + self.act(self.fc1(self.norm1(x)))"
        case _:
            lines = [line for line in lines if "fc2" not in line]
            forward = "return x + self.act(self.fc1(x))"
    block = class_text("ResidualBlock", "dim", "\n".join(lines), forward)
    build = [
        f"self.inp = nn.Linear({inputs}, dim)",
        "self.blocks = nn.ModuleList([ResidualBlock(dim) for _ in range(n_blocks)])",
    ]
    build += [f"self.out = nn.Linear(dim, {outputs})", written.call]
    forward = "x = self.inp(x)\nfor block in self.blocks:\n    x = block(x)\nreturn self.out(x)"
    net = class_text("ResMLP", f"dim={width}, n_blocks={blocks}", "\n".join(build), forward, methods=written.method)
    return file_text(written.module, block, net), "ResMLP()"
