"""Generated auto-encoders of vectors and small adversarial pairs."""

from __future__ import annotations

import itertools
from random import Random
from textwrap import indent

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


def autoencoder(rng: Random, name: str) -> Model:
    """Draws a fully connected auto-encoder, plain or variational, with 2 to 12 layers a side."""
    inputs, code = rng.choice((64, 128, 256)), rng.choice((8, 16, 32))
    activation = draw_activation(rng)
    norm = rng.choice(("none", "none", "none", "batch", "layer"))
    init = draw_init(rng, activation)
    side = rng.choice((2, 3, 4, 6, 8, 12))
    variational = rng.random() < 0.35
    hidden = [rng.choice((128, 256)), 128, 64, 64][: min(side - 1, 4)] + [64] * max(0, side - 5)
    down, up = [inputs, *hidden], [code, *reversed(hidden)]

    def layers(dims: list[int]) -> str:
        rows = (f"nn.Linear({a}, {b}),{_after(rng, activation, norm, str(b))}" for a, b in itertools.pairwise(dims))
        return "\n".join(rows)

    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    init_lines = "self.encoder = nn.Sequential(\n" + indent(layers(down), "    ") + "\n)\n"
    if variational:
        init_lines += (
            f"self.fc_mu = nn.Linear({hidden[-1]}, {code})\nself.fc_logvar = nn.Linear({hidden[-1]}, {code})\n"
        )
        forward = """
            h = self.encoder(x)
            mu, logvar = self.fc_mu(h), self.fc_logvar(h)
            std = torch.exp(0.5 * logvar)
            z = mu + torch.randn_like(std) * std
            return self.decoder(z)
        """
    else:
        init_lines += f"self.bottleneck = nn.Linear({hidden[-1]}, {code})\n"
        forward = "z = self.bottleneck(self.encoder(x))\nreturn self.decoder(z)"
    init_lines += (
        "self.decoder = nn.Sequential(\n"
        + indent(layers(up) + f"\nnn.Linear({hidden[0]}, {inputs}),", "    ")
        + "\n)\n"
        + written.call
    )
    label = "VAE" if variational else "AutoEncoder"
    source = file_text(written.module, class_text(label, "", init_lines, forward, methods=written.method))
    return Model(
        name, "autoencoder", source, f"{label}()", (Input((64, inputs)),), "mse", 2 * side, activation, init, norm
    )


def adversary(rng: Random, name: str) -> Model:
    """Draws a fully connected generator, discriminator or critic."""
    generator = rng.random() < 0.5
    norm = rng.choice(("none", "batch")) if generator else rng.choice(("none", "none", "layer"))
    activation = rng.choice(("relu", "leaky_relu", "leaky_relu", "elu", "tanh", "gelu"))
    init = rng.choice(("default", "default", "normal_0.02", "xavier_uniform", "kaiming_normal"))
    depth = rng.choice((3, 4, 5, 8))
    dims = (
        [100, *[128 * 2 ** min(i, 2) for i in range(depth - 1)], 256] if generator else [256, *[256] * (depth - 1), 1]
    )
    body = []
    for position, (a, b) in enumerate(itertools.pairwise(dims)):
        last = position == len(dims) - 2
        body.append(
            f"nn.Linear({a}, {b}),{'' if last else _after(rng, activation, norm if position else 'none', str(b))}"
        )
    if generator:
        body.append("nn.Tanh(),")
    written = write_init(rng, init, activation, ("nn.Linear",), norm=norm)
    label, argument = ("Generator", "z") if generator else (rng.choice(("Discriminator", "Critic")), "x")
    init_lines = "self.model = nn.Sequential(\n" + indent("\n".join(body), "    ") + "\n)\n" + written.call
    source = file_text(
        written.module,
        class_text(label, "", init_lines, f"return self.model({argument})", argument=argument, methods=written.method),
    )
    return Model(
        name,
        "gan",
        source,
        f"{label}()",
        (Input((64, dims[0])),),
        "mse" if generator else "mean",
        depth,
        activation,
        init,
        norm,
    )


def _after(rng: Random, activation: str, norm: str, width: str) -> str:
    parts = [part for part in (norm_module(norm, width), act_module(rng, activation)) if part]
    return "".join(f" {part}," for part in parts)
