"""Attention and torch's transformer layers."""

from __future__ import annotations

from collections.abc import Sequence

from vglint import origin
from vglint.graph import Init
from vglint.ops.entry import Config, Entry
from vglint.ops.norm import ONES, ZEROS
from vglint.ops.shapes import broadcast, flag, integer, multiply, same, tensor, whole
from vglint.ops.spec import Call, ParamSpec, Result, Tensor
from vglint.ops.weight import kaiming
from vglint.shape import Dim, Shape
from vglint.value import Literal_, Unknown

XAVIER = Init("xavier_uniform", (("gain", 1.0),))


def multi_head_result(call: Call) -> Result:
    """(output, weights): the weights (N, L, S), one per head where not averaged, None where not needed."""
    query, key, config = tensor(call, "query"), tensor(call, "key"), call.config
    if query is None:
        return (Tensor(), Tensor())
    output = Tensor((*query[:-1], _width(call)))
    if not flag(config.get("need_weights", True)) or key is None:
        return (output, Tensor())
    batched = len(query) == 3
    length, source = (1, 1) if batched and flag(config.get("batch_first", False)) else (0, 0)
    batch: Shape = ((query[0] if length == 1 else query[1]),) if batched else ()
    heads: Shape = () if flag(config.get("average_attn_weights", True)) else (integer(config["num_heads"]),)
    extra = flag(config.get("add_bias_kv", False)) + flag(config.get("add_zero_attn", False))
    keys = key[source]
    return (
        output,
        Tensor((*batch, *heads, query[length], keys if not extra else keys + extra if isinstance(keys, int) else None)),
    )


def _width(call: Call) -> Dim:
    return integer(call.config.get("embed_dim", call.config.get("embed_dim_to_check")))


def dot_product_result(call: Call) -> Result:
    """(…, L, E), (…, S, E), (…, S, Ev) give (…, L, Ev)."""
    query, value = tensor(call, "query"), tensor(call, "value")
    if query is None or value is None:
        return Tensor()
    lead = broadcast((query[:-2], value[:-2])) if not call.config.get("enable_gqa", False) else query[:-2]
    if lead is None:
        return Tensor()
    output = Tensor((*lead, query[-2], value[-1]))
    return (output, Tensor((*lead, query[-2]))) if flag(call.config.get("return_lse", False)) else output


def multi_head_params(config: Config) -> tuple[ParamSpec, ...]:
    """Input projections xavier_uniform, output projection as Linear with its bias at zero, key and value biases xavier_normal."""
    width = integer(config["embed_dim"])
    key, value = (config.get(name) for name in ("kdim", "vdim"))
    bias = config.get("bias", True) is not False
    if (key is None or integer(key) == width) and (value is None or integer(value) == width):
        found = [ParamSpec("in_proj_weight", (multiply((3, width)), width), XAVIER)]
    else:
        found = [
            ParamSpec("q_proj_weight", (width, width), XAVIER),
            ParamSpec("k_proj_weight", (width, width if key is None else integer(key)), XAVIER),
            ParamSpec("v_proj_weight", (width, width if value is None else integer(value)), XAVIER),
        ]
    if bias:
        found.append(ParamSpec("in_proj_bias", (multiply((3, width)),), ZEROS))
    if config.get("add_bias_kv", False) is True:
        normal = Init("xavier_normal", (("gain", 1.0),))
        found += [ParamSpec("bias_k", (1, 1, width), normal), ParamSpec("bias_v", (1, 1, width), normal)]
    found.append(ParamSpec("out_proj.weight", (width, width), kaiming(width, (width, width), None)[0].init))
    return (*found, ParamSpec("out_proj.bias", (width,), ZEROS)) if bias else tuple(found)


def widths_filled(name: str, config: Config) -> dict[str, Literal_]:
    """Absent widths of keys and values are the model's, as the module shows them."""
    width = config["embed_dim"]
    return {**config, **{name: width for name in ("kdim", "vdim") if config.get(name) is None}}


def encoder_layer_params(config: Config) -> tuple[ParamSpec, ...]:
    """Self-attention, two linear layers, two norms, in the order of `named_parameters()`."""
    return _layer_params(config, ("self_attn",))


def decoder_layer_params(config: Config) -> tuple[ParamSpec, ...]:
    """Self-attention, attention to the memory, two linear layers, three norms."""
    return _layer_params(config, ("self_attn", "multihead_attn"))


def transformer_params(config: Config) -> tuple[ParamSpec, ...]:
    """Encoder and decoder stacks, each with a last norm; every matrix is re-initialised by xavier_uniform."""
    found: list[ParamSpec] = []
    for stack, name, rule in (
        ("encoder", "num_encoder_layers", encoder_layer_params),
        ("decoder", "num_decoder_layers", decoder_layer_params),
    ):
        if config.get(f"custom_{stack}") is not None:
            continue
        for layer in range(whole(config.get(name, 6))):
            found += _under(f"{stack}.layers.{layer}", rule(config))
        found += _under(f"{stack}.norm", _norm_params(integer(config.get("d_model", 512)), config))
    return tuple(ParamSpec(spec.name, spec.shape, XAVIER if len(spec.shape) > 1 else spec.init) for spec in found)


def second(call: Call) -> Result:
    """The target's shape."""
    return Tensor(call.inputs[1] if len(call.inputs) > 1 else None)


def _layer_params(config: Config, attentions: Sequence[str]) -> tuple[ParamSpec, ...]:
    width, inner = integer(config.get("d_model", 512)), integer(config.get("dim_feedforward", 2048))
    bias = config.get("bias", True)
    found: list[ParamSpec] = []
    for name in attentions:
        found += _under(name, multi_head_params({"embed_dim": width if width is not None else _SOME, "bias": bias}))
    wide: Shape | None = (inner,) if bias is not False else None
    narrow: Shape | None = (width,) if bias is not False else None
    found += _under("linear1", kaiming(width, (inner, width), wide))
    found += _under("linear2", kaiming(inner, (width, inner), narrow))
    for number in range(len(attentions) + 1):
        found += _under(f"norm{number + 1}", _norm_params(width, config))
    return tuple(found)


def _norm_params(width: Dim, config: Config) -> tuple[ParamSpec, ...]:
    weight = ParamSpec("weight", (width,), ONES)
    return (weight, ParamSpec("bias", (width,), ZEROS)) if config.get("bias", True) is not False else (weight,)


def _under(prefix: str, specs: Sequence[ParamSpec]) -> list[ParamSpec]:
    return [ParamSpec(f"{prefix}.{spec.name}", spec.shape, spec.init, spec.trainable, spec.buffer) for spec in specs]


_SOME = Unknown(origin.Argument("d_model"))
_MHA = "%query, %key, %value, %key_padding_mask=None, need_weights=True, %attn_mask=None, average_attn_weights=True, is_causal=False"
_LAYER = "dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-05, batch_first=False, norm_first=False, bias=True, -device=None, -dtype=None"
_TARGET_MASKS = "%tgt_mask=None, %memory_mask=None, %tgt_key_padding_mask=None, %memory_key_padding_mask=None"

ENTRIES = (
    Entry(
        "multi_head_attention",
        "attention",
        "attention of several heads with input and output projections",
        multi_head_result,
        f"""nn.MultiheadAttention(embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
            vdim=None, batch_first=False, -device=None, -dtype=None)({_MHA})
        F.multi_head_attention_forward(%query, %key, %value, embed_dim_to_check, num_heads, %in_proj_weight, %in_proj_bias, %bias_k, %bias_v,
            add_zero_attn, dropout_p, %out_proj_weight, %out_proj_bias, training=True, %key_padding_mask=None, need_weights=True,
            %attn_mask=None, use_separate_proj_weight=False, %q_proj_weight=None, %k_proj_weight=None, %v_proj_weight=None, %static_k=None,
            %static_v=None, average_attn_weights=True, is_causal=False)""",
        params=multi_head_params,
        config=widths_filled,
    ).having("map_parting"),
    Entry(
        "scaled_dot_product_attention",
        "attention",
        "softmax(q kᵀ scale) v",
        dot_product_result,
        """F.scaled_dot_product_attention(%query, %key, %value, %attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None,
            enable_gqa=False)
        torch.nn.attention.flex_attention.flex_attention(%query, %key, %value, -score_mod=None, -block_mask=None, scale=None,
            enable_gqa=False, return_lse=False, -kernel_options=None, *, -return_aux=None)""",
    ).having("map_of_first"),
    Entry(
        "transformer_encoder_layer",
        "attention",
        "self-attention and a feed-forward block, each with residual and norm",
        same,
        f"nn.TransformerEncoderLayer(d_model, nhead, {_LAYER})(%src, %src_mask=None, %src_key_padding_mask=None, is_causal=False)",
        params=encoder_layer_params,
    ).having("composite", "map_parting"),
    Entry(
        "transformer_decoder_layer",
        "attention",
        "self-attention, attention to a memory and a feed-forward block, each with residual and norm",
        same,
        f"""nn.TransformerDecoderLayer(d_model, nhead, {_LAYER})(%tgt, %memory, {_TARGET_MASKS}, tgt_is_causal=False,
            memory_is_causal=False)""",
        params=decoder_layer_params,
    ).having("composite"),
    Entry(
        "transformer_encoder",
        "attention",
        "a stack of copies of one encoder layer",
        same,
        """nn.TransformerEncoder(-encoder_layer, num_layers, -norm=None, enable_nested_tensor=True, mask_check=True)(
            %src, %mask=None, %src_key_padding_mask=None, is_causal=None)""",
    ).having("composite", "map_parting"),
    Entry(
        "transformer_decoder",
        "attention",
        "a stack of copies of one decoder layer",
        same,
        f"""nn.TransformerDecoder(-decoder_layer, num_layers, -norm=None)(%tgt, %memory, {_TARGET_MASKS}, tgt_is_causal=None,
            memory_is_causal=False)""",
    ).having("composite"),
    Entry(
        "transformer",
        "attention",
        "an encoder and a decoder stack",
        second,
        """nn.Transformer(d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048, dropout=0.1,
            activation=F.relu, -custom_encoder=None, -custom_decoder=None, layer_norm_eps=1e-05, batch_first=False, norm_first=False,
            bias=True, -device=None, -dtype=None)(%src, %tgt, %src_mask=None, %tgt_mask=None, %memory_mask=None,
            %src_key_padding_mask=None, %tgt_key_padding_mask=None, %memory_key_padding_mask=None, src_is_causal=None,
            tgt_is_causal=None, memory_is_causal=False)""",
        params=transformer_params,
    ).having("composite"),
)
