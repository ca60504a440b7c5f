"""Finds small configurations with which the classes of transformers build and run on a CPU, and writes them as targets.

    python -m benchmarks search_configs > benchmarks/corpus/targets/transformers.toml

Every model class of every `modeling_*.py` is tried, each in a child of its own: sizes are shrunk by the meaning of
their names, from the strongest shrinking to the weakest, and inputs are tried by what `forward` asks for. Needs torch.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.oracle.guarded import Failed, guarded

Small = dict[str, Any]

SIZES: tuple[tuple[str, int], ...] = (
    (r"(?!.*(token|pad|id)$).*vocab_size", 99),
    (r"type_vocab_size", 2),
    (r"(.*_)?(head_dim|dim_head|d_kv|d_head)|attention_head_size|qk_nope_head_dim|v_head_dim", 8),
    (r"qk_head_dim", 12),
    (r"qk_rope_head_dim", 4),
    (r"(q|kv)_lora_rank", 16),
    (
        r"(.*_)?(hidden_size|embed_dim|embedding_size|d_model|n_embd|hidden_dim|projection_dim|embedding_dim|model_dim|query_dim)|dim|width",
        32,
    ),
    (r"(.*_)?(intermediate_size|ffn_dim|d_ff|mlp_dim|ffn_hidden_size|feed_forward_proj|n_inner|d_inner)", 48),
    (r"num_key_value_heads|.*_num_key_value_heads|num_kv_heads", 2),
    (r"(.*_)?(num_attention_heads|attention_heads|num_heads|n_heads?|n_head)|linear_num_(key|value)_heads", 4),
    (
        r"(.*_)?(num_hidden_layers|num_layers|n_layers?|encoder_layers|decoder_layers|num_decoder_layers|num_encoder_layers|depth|num_blocks)",
        2,
    ),
    (r"max_position_embeddings|n_positions|context_length|max_seq_len", 64),
    (r"max_source_positions", 20),
    (r"num_mel_bins", 16),
    (r"num_(local_|routed_)?experts|n_routed_experts|moe_num_experts", 4),
    (r"(n|num)_shared_experts", 1),
    (r"n_group|topk_group", 1),
    (r"num_queries|num_query_tokens", 8),
    (r"image_size|pretrain_image_size", 32),
    (r"sliding_window", 8),
    (r"num_conv_pos_embeddings", 16),
    (r"num_conv_pos_embedding_groups", 2),
    (r"num_codevectors_per_group", 8),
    (r"codevector_dim|proj_codevector_dim|classifier_proj_size|xvector_output_dim", 16),
    (r"fusion_hidden_size|base_channels|num_filters|upsample_initial_channel", 32),
    (r"max_2d_position_embeddings", 64),
    (r"chunk_size|mamba_chunk_size|block_size", 4),
    (r"max_window_layers|first_k_dense_replace|num_nextn_predict_layers|num_denoising", 1),
)
OFF = ("layerdrop", "encoder_layerdrop", "decoder_layerdrop", "drop_path_rate", "mask_time_prob", "mask_feature_prob")
"""Chances that would make the executed sequence differ from run to run."""
STRENGTHS = ("all", "no lists", "depth", "none")
LIMIT = 60_000_000


def main() -> int:
    os.environ.update(OMP_NUM_THREADS="1", TRANSFORMERS_VERBOSITY="error", HF_HUB_OFFLINE="1")
    import torch

    torch.set_num_threads(1)
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    print('population = "transformers"\nroot = "transformers"\ntargets = [', flush=True)
    found = tried = 0
    alike: dict[tuple[str, str, str], list[str]] = {}
    with ThreadPoolExecutor(2) as pool:
        classes = [pair for pair in _classes() if only in pair[0]]
        for (module, name), row in zip(classes, pool.map(lambda pair: _search(*pair), classes), strict=True):
            tried += 1
            if isinstance(row, str):
                print(module, name, row, sep="\t", file=sys.stderr, flush=True)
            else:
                found += 1
                alike.setdefault((module.replace(".", "/") + ".py", *row), []).append(name)
    for (file, config, inputs), names in alike.items():
        print(f"  {{ file = {json.dumps(file)}, classes = {json.dumps(names)},")
        print(f"    config = {json.dumps(config)}, inputs = {json.dumps(inputs)} }},")
    print("]")
    print(f"{found} of {tried}", file=sys.stderr)
    return 0


def _classes() -> Iterator[tuple[str, str]]:
    """Yields module and class name of every model that is written in transformers."""
    import transformers

    for path in sorted((Path(transformers.__file__).parent / "models").glob("*/modeling_*.py")):
        module = f"transformers.models.{path.parent.name}.{path.stem}"
        try:
            names = vars(importlib.import_module(module))
        except ImportError:
            continue
        for name, value in names.items():
            if (
                inspect.isclass(value)
                and issubclass(value, transformers.PreTrainedModel)
                and value.__module__ == module
                and value.config_class is not None
                and not name.endswith("PreTrainedModel")
            ):
                yield module, name


def _search(module: str, name: str) -> str | tuple[str, str]:
    """Returns the first configuration and inputs that run, or why there are none."""
    why = ""
    for strength in STRENGTHS:
        try:
            return guarded(partial(_attempt, module, name, strength), 20)
        except Failed as error:
            why = why or str(error).replace("\n", " ")[:200]
    return why


def _attempt(module: str, name: str, strength: str) -> tuple[str, str]:
    import torch

    names = vars(importlib.import_module(module))
    cls = names[name]
    config_class = cls.config_class
    if names.get(config_class.__name__) is not config_class:
        raise LookupError(f"{config_class.__name__} is not a name of the file")
    given = _shrunk(config_class(), strength)
    written = _call(config_class.__name__, given)
    entry = f"{name}({written})"
    with torch.device("meta"):
        size = sum(p.numel() for p in eval(entry, names).parameters())
    if size > LIMIT:
        raise MemoryError(f"{size} parameters")
    model = eval(entry, names).train()
    errors = []
    for inputs in _inputs(cls, model.config):
        scope = {"torch": torch, "x": torch.randn, "ids": lambda high, *shape: torch.randint(0, high, shape)}
        try:
            torch.manual_seed(0)
            with torch.no_grad():
                model(**eval(inputs, scope))
        except Exception as error:
            errors.append(f"{inputs}: {type(error).__name__}: {error}")
            continue
        return written, inputs
    raise RuntimeError(errors[0] if errors else "no inputs")


def _shrunk(config: Any, strength: str) -> Small:
    """Returns the keyword arguments that make `config` small."""
    from transformers import PreTrainedConfig

    common = {field.name for field in fields(PreTrainedConfig)}
    small: Small = {}
    for key, value in vars(config).items():
        if (key in common and key not in {"vocab_size"}) or key.startswith("_"):
            continue
        if isinstance(value, PreTrainedConfig):
            if inner := _shrunk(value, strength):
                small[key] = inner if key != "backbone_config" else dict(model_type=value.model_type, **inner)
        elif key in OFF and value:
            small[key] = 0.0
        elif isinstance(value, bool) or strength == "none":
            continue
        elif isinstance(value, int):
            size = next((size for pattern, size in SIZES if re.fullmatch(pattern, key)), None)
            if size is not None and size < value and (strength != "depth" or size == 2):
                small[key] = size
        elif isinstance(value, (list, tuple)) and strength == "all" and (short := _short(key, value)) is not None:
            small[key] = short
    vocabulary = small.get("vocab_size")
    for key in (*vars(config), "pad_token_id", "bos_token_id", "eos_token_id") if vocabulary else ():
        value = getattr(config, key, None)
        if re.fullmatch(r".*token_(id|index)", key) and isinstance(value, int) and value >= vocabulary:
            small[key] = 90 + len(small) % 8
    return small


def _short(key: str, value: Any) -> Any:
    if key in {"depths", "num_block_repeats", "stage_num_blocks", "layers"} and all(isinstance(v, int) for v in value):
        return [min(v, 1 + i % 2) for i, v in enumerate(value)]
    if key in {"hidden_sizes", "neck_hidden_sizes", "embed_dims", "embed_dim"} and all(
        isinstance(v, int) for v in value
    ):
        return [16 * (i + 1) for i in range(len(value))]
    if key in {"conv_dim", "tdnn_dim"}:
        return [16] * len(value)
    if key in {"layer_types", "mlp_layer_types", "layers_block_type"}:
        return [value[0], value[-1]]
    if key == "num_attention_heads":
        return [2] * len(value)
    return [32, 32] if key == "image_size" else None


def _call(name: str, given: Small) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


def _inputs(cls: type, config: Any) -> Iterator[str]:
    """Yields keyword arguments for forward, likeliest first, as expressions."""
    text = getattr(config, "text_config", config)
    vocabulary = min(getattr(text, "vocab_size", 90) or 90, 90)
    asked = inspect.signature(cls.forward).parameters
    vision = getattr(config, "vision_config", config)
    size = getattr(vision, "image_size", None)
    sizes = [size if isinstance(size, int) else size[0]] if size else []
    sizes += [s for s in (32, 64, 128, 224) if s not in sizes]
    channels = getattr(vision, "num_channels", 3)
    tokens = f"input_ids=ids({vocabulary}, 2, 12)"
    decoder = f", decoder_input_ids=ids({vocabulary}, 2, 7)" if "decoder_input_ids" in asked else ""
    if "pixel_values" in asked and "input_ids" in asked:
        yield from (f"dict({tokens}, pixel_values=x(2, {channels}, {s}, {s}))" for s in sizes)
    if "pixel_values" in asked:
        yield from (f"dict(pixel_values=x(2, {channels}, {s}, {s}){decoder})" for s in sizes)
        yield from (f"dict(pixel_values=x(2, {f}, {channels}, {s}, {s}))" for f in (8, 16) for s in sizes[:2])
    if "input_ids" in asked:
        yield f"dict({tokens}{decoder})"
        yield f"dict({tokens}, bbox=ids(50, 2, 12, 4))"
        yield f"dict(input_ids=ids({vocabulary}, 2, 3, 12))"
    if "input_values" in asked:
        yield "dict(input_values=x(2, 4000))"
        yield "dict(input_values=x(2, 64, 16))"
        yield "dict(input_values=x(2, 1, 4000))"
    if "input_features" in asked:
        bins = getattr(config, "num_mel_bins", 16)
        frames = 2 * getattr(config, "max_source_positions", 20)
        yield f"dict(input_features=x(2, {bins}, {frames}){decoder})"
        yield f"dict(input_features=x(2, {frames}, {bins}){decoder})"
        yield f"dict(input_features=x(2, {frames}, {getattr(config, 'feature_projection_input_dim', 80)}))"
    if "past_values" in asked:
        n = getattr(config, "context_length", 32) + max(getattr(config, "lags_sequence", None) or [0])
        c = getattr(config, "num_input_channels", 1)
        yield f"dict(past_values=x(2, {n}, {c}))"
        yield f"dict(past_values=x(2, {n}))"
    if "inputs_embeds" in asked:
        yield f"dict(inputs_embeds=x(2, 12, {getattr(config, 'hidden_size', 32)}))"
    if "hidden_states" in asked:
        yield f"dict(hidden_states=x(2, 12, {getattr(config, 'hidden_size', 32)}))"


if __name__ == "__main__":
    raise SystemExit(main())
