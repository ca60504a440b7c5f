"""Generated recurrent networks and transformers."""

from __future__ import annotations

from random import Random

from benchmarks.generators.writing import Input, Model, class_text, file_text, write_init

GATE_INITS = ("default", "default", "default", "default", "orthogonal", "xavier", "forget1", "forget2")


def recurrent(rng: Random, name: str, *, task: bool = False) -> Model:
    """Draws a recurrent network whose last state feeds the head: torch's modules, cells in a loop, hand-written cells."""
    style = rng.choice(("module", "module", "module", "cell", "hand"))
    kind = rng.choice(("RNN", "LSTM", "GRU"))
    steps = 8 if task else rng.choice((20, 30, 40, 50, 60, 100))
    width = rng.choice((64, 128)) if task else rng.choice((48, 64, 128, 256))
    features = 8 if task else rng.choice((16, 32, 64))
    if style == "hand":
        return _hand_written(rng, name, kind, steps, width, features, task)
    activation = rng.choice(("tanh", "tanh", "relu")) if kind == "RNN" else "tanh"
    init = rng.choice([choice for choice in GATE_INITS if kind == "LSTM" or not choice.startswith("forget")])
    layers = rng.choice((1, 1, 2)) if style == "module" else 1
    bias_name = "bias_hh_l0" if style == "module" else "bias_hh"
    written = _recurrent_init(rng, init, kind, bias_name, "self.rnn" if style == "module" else "self.cell")
    tokens = rng.random() < 0.3 and not task
    build, argument = [], "x"
    if tokens:
        build.append(f"self.embedding = nn.Embedding(vocab_size, {features})")
    extra = ', nonlinearity="relu"' if activation == "relu" else ""
    embed = "x = self.embedding(x)\n" if tokens else ""
    if style == "module":
        first = rng.random() < 0.75
        build.append(
            f"self.rnn = nn.{kind}({features}, hidden_size{f', num_layers={layers}' if layers > 1 else ''}{', batch_first=True' if first else ''}{extra})"
        )
        last = "out[:, -1]" if first else "out[-1]"
        pattern = rng.choice(("out", "state"))
        if pattern == "out":
            forward = f"{embed}out, _ = self.rnn(x)\nreturn self.fc({last if rng.random() < 0.5 else last.replace('-1', '-1, :' if first else '-1')})"
        elif kind == "LSTM":
            forward = f"{embed}_, (h, c) = self.rnn(x)\nreturn self.fc(h[-1])"
        else:
            forward = f"{embed}_, h = self.rnn(x)\nreturn self.fc(h[-1])"
    else:
        first = True
        build.append(f"self.cell = nn.{kind}Cell({features}, hidden_size{extra})")
        if rng.random() < 0.5:
            start = "h = torch.zeros(x.size(0), self.hidden_size)\n" + (
                "c = torch.zeros(x.size(0), self.hidden_size)\n" if kind == "LSTM" else ""
            )
        else:
            start = "h = x.new_zeros(x.size(0), self.hidden_size)\n" + (
                "c = torch.zeros_like(h)\n" if kind == "LSTM" else ""
            )
        update = "h, c = self.cell(x[:, t], (h, c))" if kind == "LSTM" else "h = self.cell(x[:, t], h)"
        bound = rng.choice((str(steps), "self.seq_len", "x.size(1)", "x.shape[1]"))
        build.insert(0, "self.hidden_size = hidden_size")
        if bound == "self.seq_len":
            build.insert(0, f"self.seq_len = {steps}")
        forward = f"{embed}{start}for t in range({bound}):\n    {update}\nreturn self.fc(h)"
    build += [
        rng.choice(
            (
                "self.fc = nn.Linear(hidden_size, num_classes)",
                "self.fc = nn.Linear(in_features=hidden_size, out_features=num_classes)",
            )
        ),
        written,
    ]
    signature = f"{'vocab_size=1000, ' if tokens else ''}hidden_size={width}, num_classes=10"
    label = f"{kind}Classifier" if style == "module" else f"{kind}Loop"
    source = file_text(class_text(label, signature, "\n".join(build), forward, argument=argument))
    shape = (32, steps) if first else (steps, 32)
    given = Input(shape, "tokens", 1000) if tokens else Input((*shape, features))
    return Model(
        name,
        kind.lower(),
        source,
        f"{label}()",
        (given,),
        "cross_entropy",
        layers,
        activation,
        init,
        "none",
        steps=steps,
        task=task,
    )


def _recurrent_init(rng: Random, init: str, kind: str, bias: str, owner: str) -> str:
    match init:
        case "orthogonal":
            if kind != "RNN" and rng.random() < 0.5:
                gates = 4 if kind == "LSTM" else 3
                return (
                    f'for name, p in {owner}.named_parameters():\n    if "weight_hh" in name:\n        for chunk in p.chunk({gates}, 0):\n'
                    '            nn.init.orthogonal_(chunk)\n    elif "bias" in name:\n        nn.init.zeros_(p)'
                )
            return (
                f'for name, param in {owner}.named_parameters():\n    if "weight_ih" in name:\n        nn.init.xavier_uniform_(param)\n'
                '    elif "weight_hh" in name:\n        nn.init.orthogonal_(param)\n    elif "bias" in name:\n        nn.init.zeros_(param)'
            )
        case "xavier":
            return f"for p in {owner}.parameters():\n    if p.dim() > 1:\n        nn.init.xavier_uniform_(p)"
        case "forget1" | "forget2":
            value = 1.0 if init == "forget1" else 2.0
            return rng.choice(
                (
                    f"with torch.no_grad():\n    {owner}.{bias}[hidden_size:2 * hidden_size].fill_({value})",
                    f"{owner}.{bias}.data[hidden_size:2 * hidden_size].fill_({value})",
                )
            )
        case _:
            return ""


def _hand_written(rng: Random, name: str, kind: str, steps: int, width: int, features: int, task: bool) -> Model:
    init = rng.choice(("default", "default", "xavier", "orthogonal"))
    activation = rng.choice(("tanh", "tanh", "relu")) if kind == "RNN" else "tanh"
    match kind:
        case "RNN":
            build = ["self.i2h = nn.Linear(input_size, hidden_size)", "self.h2h = nn.Linear(hidden_size, hidden_size)"]
            update = f"h = torch.{activation}(self.i2h(x[:, t]) + self.h2h(h))"
        case "LSTM":
            build = ["self.gates = nn.Linear(input_size + hidden_size, 4 * hidden_size)"]
            update = "z = self.gates(torch.cat([x[:, t], h], dim=1))\n    i, f, g, o = z.chunk(4, dim=1)\n    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)\n"
            update += "    h = torch.sigmoid(o) * torch.tanh(c)"
        case _:
            build = [
                "self.gates = nn.Linear(input_size + hidden_size, 2 * hidden_size)",
                "self.cand = nn.Linear(input_size + hidden_size, hidden_size)",
            ]
            update = "r, z = torch.sigmoid(self.gates(torch.cat([x[:, t], h], dim=1))).chunk(2, dim=1)\n"
            update += "    n = torch.tanh(self.cand(torch.cat([x[:, t], r * h], dim=1)))\n    h = (1 - z) * n + z * h"
    build.append("self.out = nn.Linear(hidden_size, 10)")
    match init:
        case "xavier":
            build.append(
                "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.xavier_uniform_(m.weight)\n        nn.init.zeros_(m.bias)"
            )
        case "orthogonal":
            build.append(
                "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.orthogonal_(m.weight)"
            )
    build.insert(0, "self.hidden_size = hidden_size")
    start = "h = torch.zeros(x.size(0), self.hidden_size)\n" + (
        "c = torch.zeros(x.size(0), self.hidden_size)\n" if kind == "LSTM" else ""
    )
    forward = (
        f"{start}for t in range({steps if rng.random() < 0.5 else 'x.size(1)'}):\n    {update}\nreturn self.out(h)"
    )
    source = file_text(
        class_text(f"My{kind}", f"input_size={features}, hidden_size={width}", "\n".join(build), forward)
    )
    given = Input((32, steps, features))
    return Model(
        name,
        kind.lower(),
        source,
        f"My{kind}()",
        (given,),
        "cross_entropy",
        1,
        activation,
        f"hand {init}",
        "none",
        steps=steps,
        task=task,
    )


def transformer(rng: Random, name: str, *, task: bool = False) -> Model:
    """Draws an encoder: hand-written attention, `nn.MultiheadAttention` or `nn.TransformerEncoder`, norm before or after."""
    form = rng.choice(("pre", "pre", "post"))
    style = rng.choice(("hand", "hand", "multihead", "encoder"))
    activation = rng.choice(("gelu", "gelu", "relu", "silu"))
    depth = rng.choice((2, 4, 6) if task else (2, 4, 6, 8, 12, 16, 24))
    width, heads = rng.choice(((32, 4), (64, 4)) if task else ((64, 4), (64, 8), (128, 8), (96, 6)))
    steps = 8 if task else rng.choice((16, 24, 32))
    tokens = not task and rng.random() < 0.6
    causal = tokens and rng.random() < 0.5 and style == "hand"
    init = rng.choice(("default", "default", "gpt2", "xavier_uniform"))
    if style == "encoder":
        activation = rng.choice(("gelu", "relu"))
    parts: list[str] = []
    if style == "hand":
        scale = rng.choice(("* self.scale", "/ math.sqrt(self.head_dim)"))
        build = [
            "self.n_heads = n_heads",
            "self.head_dim = dim // n_heads",
            "self.scale = self.head_dim ** -0.5",
            "self.qkv = nn.Linear(dim, dim * 3)",
            "self.proj = nn.Linear(dim, dim)",
        ]
        lines = ["B, T, C = x.shape"]
        if rng.random() < 0.5:
            lines += [
                "qkv = self.qkv(x).reshape(B, T, 3, self.n_heads, C // self.n_heads).permute(2, 0, 3, 1, 4)",
                "q, k, v = qkv[0], qkv[1], qkv[2]",
            ]
        else:
            lines += ["q, k, v = self.qkv(x).chunk(3, dim=-1)"]
            lines += [f"{n} = {n}.view(B, T, self.n_heads, self.head_dim).transpose(1, 2)" for n in "qkv"]
        if rng.random() < 0.25 and not causal:
            lines += ["out = F.scaled_dot_product_attention(q, k, v)"]
        else:
            lines += [f"attn = (q @ k.transpose(-2, -1)) {scale}"]
            if causal:
                lines += [
                    "mask = torch.tril(torch.ones(T, T, device=x.device))",
                    'attn = attn.masked_fill(mask == 0, float("-inf"))',
                ]
            lines += [rng.choice(("attn = attn.softmax(dim=-1)", "attn = F.softmax(attn, dim=-1)")), "out = attn @ v"]
        lines += ["out = out.transpose(1, 2).reshape(B, T, C)", "return self.proj(out)"]
        parts.append(class_text("Attention", "dim, n_heads", "\n".join(build), "\n".join(lines)))
    if style != "encoder":
        mlp = f"self.mlp = nn.Sequential(\n    nn.Linear(dim, 4 * dim),\n    nn.{'GELU' if activation == 'gelu' else 'ReLU' if activation == 'relu' else 'SiLU'}(),\n    nn.Linear(4 * dim, dim),\n)"
        attention = (
            "Attention(dim, n_heads)" if style == "hand" else "nn.MultiheadAttention(dim, n_heads, batch_first=True)"
        )
        build = ["self.norm1 = nn.LayerNorm(dim)", f"self.attn = {attention}", "self.norm2 = nn.LayerNorm(dim)", mlp]
        match form, style:
            case "pre", "hand":
                forward = "x = x + self.attn(self.norm1(x))\nx = x + self.mlp(self.norm2(x))\nreturn x"
            case "post", "hand":
                forward = "x = self.norm1(x + self.attn(x))\nx = self.norm2(x + self.mlp(x))\nreturn x"
            case "pre", _:
                forward = "h = self.norm1(x)\nx = x + self.attn(h, h, h, need_weights=False)[0]\nreturn x + self.mlp(self.norm2(x))"
            case _:
                forward = (
                    "attn_out, _ = self.attn(x, x, x)\nx = self.norm1(x + attn_out)\nreturn self.norm2(x + self.mlp(x))"
                )
        parts.append(
            class_text(
                rng.choice(("Block", "EncoderLayer", "TransformerBlock")), "dim, n_heads", "\n".join(build), forward
            )
        )
        block = parts[-1].split("(")[0].split()[1]
    build = []
    if tokens:
        build += ["self.tok_emb = nn.Embedding(vocab_size, dim)", f"self.pos_emb = nn.Embedding({steps}, dim)"]
        forward = "pos = torch.arange(x.size(1), device=x.device)\nx = self.tok_emb(x) + self.pos_emb(pos)\n"
    else:
        features = 8 if task else 32
        build += [f"self.embed = nn.Linear({features}, dim)"]
        position = rng.choice(
            (f"nn.Parameter(torch.zeros(1, {steps}, dim))", f"nn.Parameter(torch.randn(1, {steps}, dim) * 0.02)")
        )
        build += [f"self.pos = {position}"]
        forward = "x = self.embed(x) + self.pos\n"
    if style == "encoder":
        first = ", norm_first=True" if form == "pre" else ""
        build += [
            f'layer = nn.TransformerEncoderLayer(dim, n_heads, dim_feedforward=4 * dim, dropout=0.0, activation="{activation}", batch_first=True{first})'
        ]
        build += ["self.encoder = nn.TransformerEncoder(layer, num_layers=depth)"]
        forward += "x = self.encoder(x)\n"
    else:
        build += [f"self.blocks = nn.ModuleList([{block}(dim, n_heads) for _ in range(depth)])"]
        forward += "for block in self.blocks:\n    x = block(x)\n"
    if form == "pre":
        build += ["self.norm = nn.LayerNorm(dim)"]
        forward += "x = self.norm(x)\n"
    language = tokens and rng.random() < 0.5
    build += [f"self.head = nn.Linear(dim, {'vocab_size' if language else '10'})"]
    forward += (
        "return self.head(x)"
        if language
        else rng.choice(("return self.head(x.mean(dim=1))", "x = x.mean(1)\nreturn self.head(x)"))
    )
    if init == "gpt2":
        build += ["self.apply(self._init_weights)"]
        methods = "def _init_weights(self, module):\n    if isinstance(module, nn.Linear):\n        nn.init.normal_(module.weight, mean=0.0, std=0.02)\n"
        methods += "        if module.bias is not None:\n            nn.init.zeros_(module.bias)\n    elif isinstance(module, nn.Embedding):\n        nn.init.normal_(module.weight, mean=0.0, std=0.02)"
    elif init == "default":
        methods = ""
    else:
        written = write_init(Random(rng.random()), init, activation, ("nn.Linear",))
        while written.module or "named_parameters" in written.call:
            written = write_init(rng, init, activation, ("nn.Linear",))
        build, methods = [*build, written.call], written.method
    signature = f"{'vocab_size=200, ' if tokens else ''}dim={width}, n_heads={heads}, depth={depth}"
    parts.append(class_text("Transformer", signature, "\n".join(build), forward, methods=methods))
    given = Input((8, steps), "tokens", 200) if tokens else Input((16, steps, 8 if task else 32))
    loss = "tokens" if language else "cross_entropy"
    family = f"transformer {form}-norm"
    return Model(
        name,
        family,
        file_text(*parts),
        "Transformer()",
        (given,),
        loss,
        depth,
        activation,
        init,
        "layer",
        True,
        task=task,
    )
