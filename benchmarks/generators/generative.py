"""Generated convolutional networks that make images: adversarial and auto-encoding."""

from __future__ import annotations

from random import Random
from textwrap import indent

from benchmarks.generators.writing import (
    Input,
    Loss,
    Model,
    act_module,
    class_text,
    draw_init,
    file_text,
    norm_module,
    write_init,
)


def adversary(rng: Random, name: str) -> Model:
    """Draws a convolutional generator, discriminator or critic in the way of DCGAN."""
    generator = rng.random() < 0.5
    base, levels = rng.choice((16, 32)), rng.choice((2, 3))
    init = rng.choice(("dcgan", "dcgan", "default", "kaiming_normal", "normal_0.02"))
    if generator:
        norm, activation = rng.choice(("batch", "batch", "none")), "relu"
        rows, last = [], "nz"
        for i in range(levels + 1):
            width = base * 2 ** (levels - i)
            rows.append(f"nn.ConvTranspose2d({last}, {width}, 4, {'1, 0' if i == 0 else '2, 1'}, bias=False),")
            rows += [
                f"{part}," for part in (norm_module(norm, str(width), dims=2), act_module(rng, activation)) if part
            ]
            last = str(width)
        rows += [f"nn.ConvTranspose2d({last}, 3, 4, 2, 1, bias=False),", "nn.Tanh(),"]
        signature, argument, shape, loss = "nz=100", "z", (16, 100, 1, 1), "mse"
    else:
        norm, activation = rng.choice(("batch", "none", "instance")), rng.choice(("leaky_relu", "leaky_relu", "elu"))
        rows, last = [], "3"
        for i in range(levels):
            width = base * 2**i
            rows.append(f"nn.Conv2d({last}, {width}, 4, 2, 1, bias=False),")
            rows += [
                f"{part},"
                for part in (norm_module(norm if i else "none", str(width), dims=2), act_module(rng, activation))
                if part
            ]
            last = str(width)
        rows.append(f"nn.Conv2d({last}, 1, 4, 1, 0, bias=False),")
        side = 4 * 2**levels
        signature, argument, shape, loss = "", "x", (16, 3, side, side), "mean"
    label = "Generator" if generator else "Discriminator"
    if init == "dcgan":
        module = 'def weights_init(m):\n    classname = m.__class__.__name__\n    if classname.find("Conv") != -1:\n        m.weight.data.normal_(0.0, 0.02)\n'
        module += '    elif classname.find("BatchNorm") != -1:\n        m.weight.data.normal_(1.0, 0.02)\n        m.bias.data.fill_(0)'
        call, method = "self.apply(weights_init)", ""
    else:
        written = write_init(rng, init, activation, ("nn.Conv2d", "nn.ConvTranspose2d"), norm="none")
        module, call, method = (
            written.module,
            written.call.replace(".bias is not None", ".bias is not None"),
            written.method,
        )
    build = "self.main = nn.Sequential(\n" + indent("\n".join(rows), "    ") + "\n)\n" + call
    forward = f"return self.main({argument})" + ("" if generator else rng.choice((".view(-1)", ".flatten(1)", "")))
    source = file_text(module, class_text(label, signature, build, forward, argument=argument, methods=method))
    kind: Loss = loss  # type: ignore[assignment]
    return Model(name, "gan", source, f"{label}()", (Input(shape),), kind, levels + 2, activation, init, norm)


def autoencoder(rng: Random, name: str) -> Model:
    """Draws a convolutional auto-encoder."""
    activation = rng.choice(("relu", "relu", "leaky_relu", "elu", "tanh", "gelu", "sigmoid"))
    norm = rng.choice(("none", "none", "batch"))
    init = draw_init(rng, activation)
    levels, base = rng.choice((2, 3)), rng.choice((8, 16))
    down, up, last = [], [], 3
    for i in range(levels):
        down.append(f"nn.Conv2d({last}, {base * 2**i}, kernel_size=3, stride=2, padding=1),")
        down += [
            f"{part}," for part in (norm_module(norm, str(base * 2**i), dims=2), act_module(rng, activation)) if part
        ]
        last = base * 2**i
    for i in reversed(range(levels)):
        width = 3 if i == 0 else base * 2 ** (i - 1)
        up.append(f"nn.ConvTranspose2d({base * 2**i}, {width}, kernel_size=3, stride=2, padding=1, output_padding=1),")
        if i:
            up += [f"{part}," for part in (norm_module(norm, str(width), dims=2), act_module(rng, activation)) if part]
    written = write_init(rng, init, activation, ("nn.Conv2d", "nn.ConvTranspose2d"), norm=norm)
    build = (
        "self.encoder = nn.Sequential(\n"
        + indent("\n".join(down), "    ")
        + "\n)\nself.decoder = nn.Sequential(\n"
        + indent("\n".join(up), "    ")
        + "\n)\n"
    )
    source = file_text(
        written.module,
        class_text(
            "ConvAutoencoder",
            "",
            build + written.call,
            "z = self.encoder(x)\nreturn self.decoder(z)",
            methods=written.method,
        ),
    )
    return Model(
        name,
        "autoencoder",
        source,
        "ConvAutoencoder()",
        (Input((16, 3, 32, 32)),),
        "mse",
        2 * levels,
        activation,
        init,
        norm,
    )
