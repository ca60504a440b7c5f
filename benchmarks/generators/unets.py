"""Generated U-shaped convolutional networks."""

from __future__ import annotations

from random import Random
from textwrap import indent

from benchmarks.generators.writing import (
    Input,
    Model,
    act_module,
    class_text,
    draw_init,
    file_text,
    norm_module,
    write_init,
)


def unet(rng: Random, name: str) -> Model:
    """Draws a U-Net of 2 to 4 levels, with or without norm, transposed or interpolating on the way up."""
    activation = rng.choice(("relu", "relu", "relu", "leaky_relu", "gelu", "silu", "tanh"))
    norm = rng.choice(("batch", "batch", "none", "none", "group"))
    init = draw_init(rng, activation)
    levels, base, bilinear = rng.choice((2, 3, 4)), rng.choice((8, 16, 32)), rng.random() < 0.4
    parts = []
    for a, b in (("c_in", "c_out"), ("c_out", "c_out")):
        parts += [f"nn.Conv2d({a}, {b}, kernel_size=3, padding=1),"]
        parts += [f"{part}," for part in (norm_module(norm, "c_out", dims=2), act_module(rng, activation)) if part]
    double = class_text(
        "DoubleConv",
        "c_in, c_out",
        "self.net = nn.Sequential(\n" + indent("\n".join(parts), "    ") + "\n)",
        "return self.net(x)",
        note="(conv => norm => act) * 2",
    )
    if bilinear:
        up = 'self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)\nself.conv = DoubleConv(c_in + c_out, c_out)'
    else:
        up = "self.up = nn.ConvTranspose2d(c_in, c_out, kernel_size=2, stride=2)\nself.conv = DoubleConv(c_out * 2, c_out)"
    upper = class_text(
        "Up",
        "c_in, c_out",
        up,
        "x = self.up(x)\nx = torch.cat([skip, x], dim=1)\nreturn self.conv(x)",
        argument="x, skip",
    )
    written = write_init(rng, init, activation, ("nn.Conv2d", "nn.ConvTranspose2d"), norm=norm)
    if rng.random() < 0.5:
        build = ["self.inc = DoubleConv(in_channels, base)", "self.pool = nn.MaxPool2d(2)"]
        forward = ["x0 = self.inc(x)"]
        for i in range(levels):
            build.append(f"self.down{i + 1} = DoubleConv(base * {2**i}, base * {2 ** (i + 1)})")
            forward.append(f"x{i + 1} = self.down{i + 1}(self.pool(x{i}))")
        forward.append(f"x = x{levels}")
        for i in reversed(range(levels)):
            build.append(f"self.up{levels - i} = Up(base * {2 ** (i + 1)}, base * {2**i})")
            forward.append(f"x = self.up{levels - i}(x, x{i})")
    else:
        build = [
            "self.pool = nn.MaxPool2d(kernel_size=2, stride=2)",
            "self.downs = nn.ModuleList()",
            "self.ups = nn.ModuleList()",
            "c = in_channels",
        ]
        build += [
            f"features = [base * 2 ** i for i in range({levels})]",
            "for f in features:",
            "    self.downs.append(DoubleConv(c, f))",
            "    c = f",
        ]
        build += [
            "self.bottleneck = DoubleConv(features[-1], features[-1] * 2)",
            "for f in reversed(features):",
            "    self.ups.append(Up(f * 2, f))",
        ]
        forward = [
            "skips = []",
            "for down in self.downs:",
            "    x = down(x)",
            "    skips.append(x)",
            "    x = self.pool(x)",
            "x = self.bottleneck(x)",
        ]
        forward += ["for up, skip in zip(self.ups, skips[::-1]):", "    x = up(x, skip)"]
    build += ["self.outc = nn.Conv2d(base, out_channels, kernel_size=1)", written.call]
    forward.append("return self.outc(x)")
    net = class_text(
        "UNet",
        f"in_channels=3, out_channels=2, base={base}",
        "\n".join(build),
        "\n".join(forward),
        methods=written.method,
    )
    return Model(
        name,
        "unet",
        file_text(written.module, double, upper, net),
        "UNet()",
        (Input((8, 3, 32, 32)),),
        "mse",
        4 * levels + 2,
        activation,
        init,
        norm,
    )
