"""Finds module classes and model functions of a package or checkout that build and run on a CPU, and writes them as targets.

    python -m benchmarks search_models POPULATION ROOT [--whole] [--take REGEX] [--under FOLDER …] > rows.toml

Every public class or function defined in ROOT's files below FOLDER that returns an `nn.Module` is tried, each in a child
of its own: arguments by the meaning of their names, then inputs by what `forward` asks for. `--whole` leaves out what
asks for channels: a block, not a model. Needs torch.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from benchmarks.corpus.target import Target, build, feed, folder
from benchmarks.oracle.guarded import Failed, guarded

NAMED: tuple[tuple[str, Any], ...] = (
    (r"num_classes|n_classes|classes|n_class|nclass|class_num|nb_classes|num_class|n_outputs?|output_size", 10),
    (r"spatial_dims|dimensions", 2),
    (
        r"in_channels?|in_chans|n_channels|input_channels?|channels_in|img_channels|in_planes?|inplanes|num_channels|channels|img_ch|input_nc|in_c|c_in|nc",
        3,
    ),
    (r"out_channels?|out_chans?|channels_out|output_channels?|planes|output_ch|output_nc|out_planes?|c_out", 32),
    (r"image_size|img_size|input_size|roi_size|crop_size|image_height|image_width|resolution", 32),
    (r"frame_patch_size|temporal_patch_size", 2),
    (r"frames", 8),
    (r"patch_size|image_patch_size", 8),
    (r"dim_head|head_dim|attention_head_dim|dim_heads?|num_head_channels|num_channels_per_head", 8),
    (r"heads|num_heads?|num_attention_heads|n_heads?|nhead|attn_heads|num_attention_heads", 4),
    (r"mlp_dim|ff_dim|d_ff|intermediate_size|feedforward_dim|d_inner|dim_feedforward|mlp_hidden_dim|ff_inner_dim", 64),
    (
        r"depths?|num_layers|n_layers?|layers|num_blocks|n_blocks|layers_per_block|num_res_blocks|num_levels|num_transformer_layers",
        2,
    ),
    (
        r"latent_dim|z_dim|nz|hidden_dims?|hidden_size|dim|embed_dim|d_model|width|embedding_dim|n_embd|inner_dim|query_dim|feature_size|temb_channels|cross_attention_dim|joint_attention_dim|caption_channels|in_features|out_features|input_dim|output_dim|d_word_vec|ngf|ndf|base_channels|init_features|features|dim_in|dim_out|hidden_channels|cond_dim|caption_projection_dim|time_embed_dim|model_channels|caption_embed_dim|pooled_projection_dim|embedding_size|latent_channels",
        32,
    ),
    (
        r"num_tokens|vocab_size|num_embeddings|n_tokens|num_embeds|n_src_vocab|n_trg_vocab|n_vocab|num_vector_embeds|codebook_size|ntoken|input_vocab|sample_channels",
        50,
    ),
    (r"max_seq_len|seq_len|block_size|max_len|sequence_length|context_length|window_size|max_position_embeddings", 16),
    (r"growth_rate|widen_factor|cardinality|base_width|groups|scale|reduction|num_groups|compress_factor", 2),
    (
        r"block_out_channels|channels|hidden_dims|num_channels_list|down_block_channels|encoder_block_out_channels|decoder_block_out_channels",
        (32, 64),
    ),
    (r"strides|downsample_strides", (2,)),
    (r"kernel_size|kernels?", 3),
    (r"stride", 1),
    (r"dropout|drop_rate|dropout_prob|drop|drop_path_rate|emb_dropout|p", 0.0),
)
"""What a required argument is given by its name; the first pattern that fits decides."""
FIRST = (
    "x(2, 3, 32, 32)", "x(2, 3, 64, 64)", "x(2, 3, 224, 224)", "x(2, 1, 28, 28)", "x(2, 1, 32, 32)", "x(2, 1, 64, 64)",
    "x(2, 4, 16, 16)", "x(2, 32, 16, 16)", "x(2, 32, 8, 8)", "x(2, 16, 32)", "x(2, 32, 16)", "x(2, 32)", "x(2, 10)", "x(2, 100)", "x(2, 784)", "ids(10, 2, 16)", "ids(10, 16, 2)",
    "x(2, 3, 299, 299)", "x(2, 3, 8, 32, 32)", "x(2, 1, 32, 32, 32)", "x(2, 8, 3, 32, 32)", "x(2, 64, 16, 16)", "x(2, 128, 2)", "x(2, 3, 16)", "x(2, 4, 4, 16, 16)", "x(2, 1, 256)",
)  # fmt: skip
"""Candidates for the first argument of forward."""
LATER: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"timesteps?|time|t|time_cond|timestep_cond", ("ids(100, 2)", "x(2)")),
    (r"temb|emb|cond|time_emb|pooled_projections|y|condition|pooled_text_emb", ("x(2, 32)", "x(2, 128)", "ids(10, 2)")),
    (
        r"encoder_hidden_states|context|text_embeds|memory|caption|image_text_hidden_states|encoder_states",
        ("x(2, 7, 32)",),
    ),
    (r"labels?|class_labels|targets?", ("ids(10, 2)",)),
    (r"tgt|trg|trg_seq|dec_input|target_seq", ("ids(10, 2, 9)", "x(2, 9, 32)")),
    (r"hidden|h|state", ("x(2, 32)",)),
    (r".*", ("x(2, 3, 32, 32)", "x(2, 16, 32)", "x(2, 32, 16, 16)", "x(2, 32)", "ids(10, 2, 16)", "x(2, 64, 8, 8)")),
)
PART = r"(in|out)_?(planes?|channels?|ch|features?|dim|c|size|nc)|planes|inplanes|channels|dim|inp|oup|inc|c[1-4]|F_g|ch_in|ch_out"
"""A required argument of this name makes a class a part of a model."""
LIMIT = 60_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("population")
    parser.add_argument("root")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--take", default=".*", help="names to try")
    parser.add_argument("--under", nargs="*", default=[""])
    given = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    import torch

    torch.set_num_threads(1)
    root = folder(given.root)
    files = sorted(path.relative_to(root) for path in root.rglob("*.py"))
    tried = [str(path) for path in files if any(str(path).startswith(under) for under in given.under)]
    print(f'population = "{given.population}"\ntargets = [', flush=True)
    with ThreadPoolExecutor(1) as pool:
        for rows in pool.map(
            lambda file: list(_file(given.population, given.root, file, given.take, given.whole)), tried
        ):
            for row in rows:
                print(row, flush=True, file=sys.stdout if row.startswith(" ") else sys.stderr)
    print("]")
    return 0


def _file(population: str, root: str, file: str, take: str, whole: bool) -> Iterator[str]:
    """Yields a TOML row per callable of a file that runs, and a complaint per one that does not."""
    if "/" not in root:  # an installed package: imported once, before the children are forked
        with suppress(Exception):
            build(Target(population, root, file, "None", ""))
    try:
        names = guarded(partial(_callables, Target(population, root, file, "", "")), 30)
    except Failed as error:
        yield f"{file}: {error}"
        return
    for name in names:
        if not re.fullmatch(take, name):
            continue
        try:
            entry, inputs = guarded(partial(_attempt, population, root, file, name, whole), 15)
            yield f"  {{ root = {json.dumps(root)}, file = {json.dumps(file)}, entry = {json.dumps(entry)}, inputs = {json.dumps(inputs)} }},"
        except Failed as error:
            yield f"{file}: {name}: {' '.join(str(error).split())[:160]}"


def _callables(target: Target) -> list[str]:
    import torch

    build(Target(target.population, target.root, target.file, "None", ""))
    names = vars(importlib.import_module(target.module))
    found = []
    for name, value in names.items():
        if name.startswith("_") or getattr(value, "__module__", None) != target.module:
            continue
        if (inspect.isclass(value) and issubclass(value, torch.nn.Module)) or inspect.isfunction(value):
            found.append(name)
    return found


def _attempt(population: str, root: str, file: str, name: str, whole: bool) -> tuple[str, str]:
    import torch

    build(Target(population, root, file, "None", ""))
    module = importlib.import_module(Target(population, root, file, "", "").module)
    error: Exception | None = None
    if whole and any(
        re.fullmatch(PART, key)
        for key, p in inspect.signature(getattr(module, name)).parameters.items()
        if p.default is p.empty
    ):
        raise TypeError("a part")
    for entry in dict.fromkeys(_entries(name, getattr(module, name))):
        target = Target(population, root, file, entry, "")
        try:
            model = build(target)
        except Exception as failure:
            error = error or failure
            continue
        if not isinstance(model, torch.nn.Module) or not any(True for _ in model.parameters()):
            raise TypeError("not a model")
        if sum(p.numel() for p in model.parameters()) > LIMIT:
            error = MemoryError("too large")
            continue
        for inputs in _inputs(model):
            try:
                args, kwargs = feed(Target(population, root, file, entry, inputs))
                with torch.no_grad():
                    model.train()(*args, **kwargs)
                return entry, inputs
            except Exception as failure:
                error = failure if error is None or "shape" in str(error) else error
    raise error or TypeError("nothing to try")


def _entries(name: str, value: Any) -> Iterator[str]:
    """Yields calls of a class or function: required arguments by name, then with the optional ones small too."""
    parameters = [
        p for p in inspect.signature(value).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    required = {p.name: _argument(p.name) for p in parameters if p.default is p.empty}
    optional = {p.name: _argument(p.name) for p in parameters if type(p.default) is int or type(p.default) is tuple}
    optional = {key: small for key, small in optional.items() if small is not None}
    small = {
        p.name: optional[p.name]
        for p in parameters
        if p.name in optional and type(optional[p.name]) is type(p.default) and _less(optional[p.name], p.default)
    }
    if not any(given is None for given in required.values()):
        yield _call(name, required)
        yield _call(name, {**required, **small})
        yield _call(name, {key: 32 if re.search("channel|planes", key) else given for key, given in required.items()})


def _argument(name: str) -> Any:
    return next((given for pattern, given in NAMED if re.fullmatch(pattern, name)), None)


def _less(small: Any, default: Any) -> bool:
    return bool(small != default) if isinstance(small, tuple) else bool(small < default)


def _call(name: str, given: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in given.items())})"


def _inputs(model: Any) -> Iterator[str]:
    """Yields tuples of arguments for forward, likeliest first, as expressions."""
    parameters = [
        p
        for p in inspect.signature(model.forward).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    asked = [p.name for p in parameters if p.default is p.empty] or [p.name for p in parameters[:1]] or ["x"]
    later = [next(values for pattern, values in LATER if re.fullmatch(pattern, name)) for name in asked[1:4]]
    for first in FIRST:
        for rest in itertools.islice(itertools.product(*later), 12):
            yield f"({', '.join((first, *rest))},)"


if __name__ == "__main__":
    raise SystemExit(main())
